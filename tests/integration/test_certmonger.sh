#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# certmonger, the whole daemon on a bus of its own: it learns the CA, enrols, keeps watch over the certificate and renews
# it, all by GET.
. "$(dirname "$0")/lib.sh"
make_ca
configure level '"debug"'
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")

export HOME=$lab/home XDG_RUNTIME_DIR=$lab/run XDG_CONFIG_HOME=
mkdir -p "$HOME/.config/certmonger/requests" "$HOME/.config/certmonger/cas" "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
unset DBUS_SESSION_BUS_ADDRESS

# A bus as dbus-run-session makes one, but ended by pid with the rest.
dbus-daemon --session --nofork --nopidfile --print-address=3 3>"$lab/bus.address" 2>"$lab/bus.log" &
pids+=("$!")
wait_for 5 test -s "$lab/bus.address" || fail "no bus: $(cat "$lab/bus.log")"
DBUS_SESSION_BUS_ADDRESS=$(cat "$lab/bus.address")
export DBUS_SESSION_BUS_ADDRESS
/usr/lib/certmonger/certmonger-session -n -d 2 >"$lab/certmonger.log" 2>&1 &
daemon=$!
pids+=("$daemon")
wait_for 10 getcert list-cas -s || fail "certmonger does not start: $(cat "$lab/certmonger.log")"

cm() { getcert "$1" -s "${@:2}"; }
state() { cm list -i "$1" 2>&1 | sed -n 's/.*status: //p'; }
in_state() { [ "$(state "$1")" = "$2" ]; }
monitored() {
  wait_for 25 in_state "$1" MONITORING || fail "$2: $(cm list -i "$1" 2>&1 || true) $(tail -30 "$lab/certmonger.log")"
}

it "learns the CA and RA certificates by GetCACaps and GetCACert"
cm add-scep-ca -c lab -u "$url/scep/lab" >/dev/null
known() { cm list-cas -c lab | grep -q 'type: EXTERNAL'; }
wait_for 10 known || fail "$(cm list-cas 2>&1)"

it "enrols: the request reaches MONITORING with a certificate of the CA for the key and names that it asked for"
cm request -c lab -k "$lab/k.pem" -f "$lab/c.pem" -N CN=devC -D devc.lab.example -u digitalSignature -u keyEncipherment \
  -L "$phrase" -I first >/dev/null
monitored first "no certificate"
openssl verify -CAfile "$lab/ca.crt" -purpose sslclient "$lab/c.pem" >/dev/null || fail "openssl verify"
equal "the key" "$(openssl pkey -in "$lab/k.pem" -pubout)" "$(openssl x509 -in "$lab/c.pem" -noout -pubkey)"
openssl x509 -in "$lab/c.pem" -noout -subject -ext subjectAltName >"$lab/c.txt"
has "subject" "CN = devC" "$lab/c.txt"
has "SAN" "DNS:devc.lab.example" "$lab/c.txt"
first=$(serial_of "$lab/c.pem")
scepter cert show "$first" --json >"$lab/c.json"
equal "profile" lab "$(field profile <"$lab/c.json")"

it "sent all of that by GET, although POST was offered"
curl -fsS "$url/scep/lab?operation=GetCACaps" | grep -qx POSTPKIOperation || fail "POST is not offered"
has "GET" "method=GET path=/scep/lab" "$lab/server.log"
has_not "POST" "method=POST" "$lab/server.log"

it "renews without a challenge: its one-time challenge is used up, the old certificate speaks for it"
sed -i 's/^renewal_window.*/renewal_window = "always";/' "$lab/ca/templates/Device.cfg"
reload
cm add-scep-ca -c device -u "$url/scep/device" >/dev/null
challenge=$(scepter challenge new --profile device --set DeviceUid=D-42)
cm request -c device -k "$lab/d.pem" -f "$lab/d.crt" -N CN=D-42 -L "$challenge" -I device >/dev/null
monitored device "no certificate"
first=$(serial_of "$lab/d.crt")
cm resubmit -i device >/dev/null
renewed() { [ -s "$lab/d.crt" ] && [ "$(serial_of "$lab/d.crt")" != "$first" ]; }
wait_for 25 renewed || fail "no new certificate: $(cm list -i device 2>&1 || true)"
monitored device "renewal"
openssl verify -CAfile "$lab/ca.crt" -purpose sslclient "$lab/d.crt" >/dev/null || fail "openssl verify"
equal "subject" "subject=CN = D-42" "$(openssl x509 -in "$lab/d.crt" -noout -subject)"
equal "the old one stays listed" valid "$(scepter cert show "$first" --json | field status)"
equal "both" 2 "$(scepter cert list --subject D-42 --json | jq length)"

it "is told by a signed reply that its request was refused, and gives up; the log says why"
cm request -c lab -k "$lab/k2.pem" -f "$lab/c2.pem" -N CN=eve -L 00000000000000000000000000000000 -I wrong >/dev/null
wait_for 25 in_state wrong CA_REJECTED || fail "$(cm list -i wrong 2>&1)"
[ ! -e "$lab/c2.pem" ] || fail "it has a certificate"
has "reason" "the challenge is not the one of profile lab" "$lab/server.log"

it "is told that its request waits for approval, and keeps waiting"
sed -i 's/^approval .*/approval = "manual";/' "$lab/ca/templates/LabDevice.cfg"
reload
cm request -c lab -k "$lab/k3.pem" -f "$lab/c3.pem" -N CN=patient -L "$phrase" -I patient >/dev/null
wait_for 25 in_state patient CA_WORKING || fail "$(cm list -i patient 2>&1)"
equal "pending" CN=patient "$(scepter request list --status pending --json | jq -r '.[0].subject')"

kill "$daemon" # before its directory goes away
wait "$daemon" 2>/dev/null || true
echo "$checks behaviours hold"
