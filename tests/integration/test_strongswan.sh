#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# strongSwan's pki enrols, renews and is refused; OpenSSL verifies what it got.
. "$(dirname "$0")/lib.sh"
make_ca
serve
ca_files default

verified() {
  crl_file
  openssl verify -crl_check -CAfile "$lab/ca.crt" -CRLfile "$lab/ca.crl" -purpose sslclient "$1" >"$lab/verify.out" 2>&1 ||
    fail "openssl verify: $(cat "$lab/verify.out")"
}

it "gives a device the certificate that the template User says"
new_key "$lab/alice.key"
expect "enrolment" swan default "$lab/alice.key" "$lab/alice.crt" --dn "CN=anything" --password "$(user_challenge alice)"
verified "$lab/alice.crt"
openssl x509 -in "$lab/alice.crt" -noout -text >"$lab/alice.txt"
has "subject" "Subject: CN = WorkspaceONEUEM.alice" "$lab/alice.txt"
has "SAN" "othername: UPN::alice@LAB.TEST, email:alice@lab.test" "$lab/alice.txt"
has "EKU" "TLS Web Client Authentication" "$lab/alice.txt"
has "key usage" "Digital Signature, Key Encipherment" "$lab/alice.txt"
has "CDP" "URI:$url/CertEnroll/Test%20Issuing%20CA.crl" "$lab/alice.txt"
has "AIA" "URI:$url/CertEnroll/Test%20Issuing%20CA.crt" "$lab/alice.txt"

it "lists it with serial, template, profile and SAN"
scepter cert list --json >"$lab/list.json"
serial=$(openssl x509 -in "$lab/alice.crt" -noout -serial | cut -d= -f2 | tr A-F a-f)
python3 - "$lab/list.json" "$serial" <<'PY'
import json, sys
row = [r for r in json.load(open(sys.argv[1])) if r["serial"] == sys.argv[2]][0]
assert row["status"] == "valid" and row["template"] == "User" and row["profile"] == "default", row
assert row["subject"] == "CN=WorkspaceONEUEM.alice", row
assert {"type": "upn", "value": "alice@LAB.TEST"} in row["san"], row
assert row["request_id"] > 0 and row["not_after"].endswith("Z"), row
PY

it "refuses a challenge that was used, with the reason in reply, row and log"
new_key "$lab/mallory.key"
challenge=$(user_challenge mallory)
expect "first use" swan default "$lab/mallory.key" "$lab/mallory.crt" --dn "CN=m" --password "$challenge"
new_key "$lab/mallory2.key"
refuse "second use" swan default "$lab/mallory2.key" "$lab/mallory2.crt" --dn "CN=m" --password "$challenge"
has "log" "has been used already" "$lab/server.log"
has_not "the challenge is not logged" "$challenge" "$lab/server.log"

it "refuses a wrong challenge and none at all"
new_key "$lab/eve.key"
refuse "wrong challenge" swan default "$lab/eve.key" "$lab/eve.crt" --dn "CN=e" --password 00112233445566778899AABBCCDDEEFF
refuse "no challenge" swan default "$lab/eve.key" "$lab/eve.crt" --dn "CN=e"

it "refuses a renewal that comes too early and says from when it is allowed"
new_key "$lab/alice2.key"
refuse "too early" swan default "$lab/alice2.key" "$lab/alice2.crt" --dn "CN=WorkspaceONEUEM.alice" \
  --cert "$lab/alice.crt" --key "$lab/alice.key"
grep -E 'outcome=denied .*(from|allowed).*20[0-9][0-9]-' "$lab/server.log" >/dev/null || fail "the log does not say from when"

it "renews with the old certificate and no challenge where the window allows it, with the same names"
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
new_key "$lab/lab.key"
expect "lab device" swan lab "$lab/lab.key" "$lab/lab.crt" --dn "CN=dev-1" --san dev-1.lab.example --password "$phrase"
new_key "$lab/lab2.key"
expect "renewal" swan lab "$lab/lab2.key" "$lab/lab2.crt" --dn "CN=dev-1" --cert "$lab/lab.crt" --key "$lab/lab.key"
verified "$lab/lab2.crt"
equal "subject" "$(openssl x509 -in "$lab/lab.crt" -noout -subject)" "$(openssl x509 -in "$lab/lab2.crt" -noout -subject)"
equal "SAN" "$(openssl x509 -in "$lab/lab.crt" -noout -ext subjectAltName)" "$(openssl x509 -in "$lab/lab2.crt" -noout -ext subjectAltName)"
[ "$(openssl x509 -in "$lab/lab.crt" -noout -serial)" != "$(openssl x509 -in "$lab/lab2.crt" -noout -serial)" ] ||
  fail "renewal gave the old certificate"

it "refuses a renewal signed with a revoked certificate"
scepter cert revoke "$(openssl x509 -in "$lab/lab2.crt" -noout -serial | cut -d= -f2)" >/dev/null
new_key "$lab/lab3.key"
refuse "revoked signer" swan lab "$lab/lab3.key" "$lab/lab3.crt" --dn "CN=dev-1" --cert "$lab/lab2.crt" --key "$lab/lab2.key"

it "holds what its template wants approved, and strongSwan polls until an officer approves"
sed -i 's/approval *= *"auto"/approval = "manual"/' "$lab/ca/templates/Device.cfg"
kill -HUP "$server"
wait_for 5 grep -q reload "$lab/server.log" || fail "no word of the reload"
ca_files device
new_key "$lab/dev.key"
challenge=$(scepter challenge new --profile device --set DeviceUid=D-77)
swan device "$lab/dev.key" "$lab/dev.crt" --dn "CN=D-77" --password "$challenge" --interval 1 --maxpolltime 30 &
poller=$!
pids+=("$poller")
pending() { scepter request list --status pending --json | grep -q D-77; }
wait_for 10 pending || fail "nothing is pending"
id=$(scepter request list --status pending --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["request_id"])')
expect "approval" scepter request approve "$id" >/dev/null
wait "$poller" || fail "strongSwan did not get its certificate"
verified "$lab/dev.crt"

it "tells the poller that an officer denied, with the officer's reason"
new_key "$lab/dev2.key"
challenge=$(scepter challenge new --profile device --set DeviceUid=D-78)
swan device "$lab/dev2.key" "$lab/dev2.crt" --dn "CN=D-78" --password "$challenge" --interval 1 --maxpolltime 30 2>"$lab/poll.err" &
poller=$!
pids+=("$poller")
pending() { scepter request list --status pending --json | grep -q D-78; }
wait_for 10 pending || fail "nothing is pending"
id=$(scepter request list --status pending --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["request_id"])')
expect "denial" scepter request deny "$id" --reason "not our device" >/dev/null
status=0
wait "$poller" || status=$?
[ $status -ne 0 ] || fail "strongSwan was content"
has "log" "not our device" "$lab/server.log"

echo "$checks behaviours hold"
