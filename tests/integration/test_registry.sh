#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The device registry: a CSV comes in whole or not at all, is listed and looked up, and stands behind verify = "source".
. "$(dirname "$0")/lib.sh"
make_ca --key ec:p256

it "imports a CSV with a byte order mark, CR LF, quotes and an empty field"
printf '\xef\xbb\xbfDeviceUid,EnrollmentUser,EmailAddress,DeviceSerialNumber,FirstName\r\n' >"$lab/devices.csv"
printf 'D-1,alice,alice@lab.test,SN-1,"Alice ""Al"", of Lab"\r\n' >>"$lab/devices.csv"
printf 'D-2,bob,bob@lab.test,SN-2,\r\nD-3,bob,bob@lab.test,SN-3,Bob\r\n' >>"$lab/devices.csv"
equal "said" "3 devices imported" "$(scepter device import "$lab/devices.csv")"
scepter device list --json >"$lab/list.json"
equal "devices" "D-1 D-2 D-3" "$(jq -r '[.[].device] | join(" ")' "$lab/list.json")"
equal "quoted" 'Alice "Al", of Lab' "$(jq -r '.[0].values.FirstName' "$lab/list.json")"
scepter device list >"$lab/list.txt"
has "table" "D-2" "$lab/list.txt"

it "replaces a device that is imported again, and only that"
printf 'DeviceUid,EnrollmentUser,DeviceSerialNumber\nD-3,carol,SN-3\n' >"$lab/again.csv"
scepter device import "$lab/again.csv" >/dev/null
scepter device list --json >"$lab/list.json"
equal "count" 3 "$(jq length "$lab/list.json")"
equal "replaced" carol "$(jq -r '.[] | select(.device == "D-3").values.EnrollmentUser' "$lab/list.json")"
equal "no rest of the old one" null "$(jq -r '.[] | select(.device == "D-3").values.EmailAddress' "$lab/list.json")"

it "names every wrong line and imports nothing"
cat >"$lab/wrong.csv" <<'CSV'
DeviceUid,EnrollmentUser
D-10,dave
D-11
,erin
D-12,frank,more
D-13,grace
CSV
refuse "wrong lines" scepter device import "$lab/wrong.csv"
for line in 3 4 5; do has "line $line" "line $line: " "$lab/refused.err"; done
has_not "right lines" "line 2: " "$lab/refused.err"
has "verdict" "nothing was imported" "$lab/refused.err"
equal "nothing" 3 "$(scepter device list --json | jq length)"

# wrong NAME EXPECTED_WORDS CSV
wrong() {
  printf "$3" >"$lab/wrong.csv"
  refuse "$1" scepter device import "$lab/wrong.csv"
  has "$1" "$2" "$lab/refused.err"
}
it "refuses a header that it does not know, without DeviceUid, or with one column twice; an open quote; a device twice; no text"
wrong "unknown column" 'line 1: column "Shoe"' 'DeviceUid,Shoe\nD-1,42\n'
wrong "no DeviceUid" "DeviceUid" 'EnrollmentUser\nalice\n'
wrong "twice" "twice" 'DeviceUid,EnrollmentUser,EnrollmentUser\nD-1,a,b\n'
wrong "open quote" "line 2" 'DeviceUid,EnrollmentUser\nD-1,"alice\n'
wrong "a device twice" "D-1 stands in the file twice" 'DeviceUid,EnrollmentUser\nD-1,a\nD-1,b\n'
wrong "not UTF-8" "UTF-8" 'DeviceUid,EnrollmentUser\nD-1,\xe9\n'
wrong "a control character" "line 2" 'DeviceUid,EnrollmentUser\nD-1,a\x07b\n'
wrong "empty" "empty" ''
refuse "no such file" scepter device import "$lab/nothing.csv"
has "name" nothing.csv "$lab/refused.err"

it "shows which source knows which value"
scepter lookup test --set DeviceUid=D-1 --json >"$lab/lookup.json"
source_of() { jq -r --arg name "$1" '.[] | select(.name == $name) | .value + " from " + .source' "$lab/lookup.json"; }
equal "e-mail" "alice@lab.test from device registry" "$(source_of EmailAddress)"
scepter lookup test --set DeviceSerialNumber=SN-2 --json >"$lab/lookup.json"
equal "by serial number" "bob from device registry" "$(source_of EnrollmentUser)"
equal "the device" "D-2 from device registry" "$(source_of DeviceUid)"
scepter lookup test --set EnrollmentUser=nobody --json >"$lab/lookup.json"
equal "nobody's" "" "$(source_of EmailAddress)"
status=0
scepter lookup test >/dev/null 2>&1 || status=$?
equal "usage" 2 $status

it "stands behind the template Device: the request's {DeviceUid} is believed if the registry knows it"
add_profile '{ name = "fleet"; template = "Device"; challenge = "static"; challenge_file = "keys/lab.challenge"; }'
serve
ca_files fleet
phrase=$(cat "$lab/ca/keys/lab.challenge")
new_key "$lab/k.key"
device() {
  local what=$1 wanted=$2
  shift 2
  answers "$what" "$wanted" "$lab/c.crt" --url "$url/scep/fleet" --key "$lab/k.key" --challenge "$phrase" "$@"
}
device "known" 0 --subject /CN=D-1
equal "subject" "subject=CN = D-1" "$(openssl x509 -in "$lab/c.crt" -noout -subject)"
device "unknown" 2 --subject /CN=D-99
has "which" "D-99" "$lab/reply"
device "another name beside it" 2 --subject /O=Evil/CN=D-1

it "refuses a request that differs from the registry, and names both"
cat >"$lab/ca/templates/FleetMail.cfg" <<'CFG'
name    = "FleetMail";
subject = { from = "request"; pattern = "CN={DeviceUid}"; verify = "source"; };
san     = ( { type = "email"; pattern = "{EmailAddress}"; from = "request"; verify = "source"; } );
key     = { types = ["rsa"]; rsa_min_bits = 2048; usage = "signing"; };
eku     = ["clientAuth"];
validity = "30d"; renewal_window = "33%"; approval = "auto";
CFG
add_profile '{ name = "mail"; template = "FleetMail"; challenge = "one-time"; }'
reload
mail() {
  local what=$1 wanted=$2 challenge
  challenge=$(scepter challenge new --profile mail)
  shift 2
  answers "$what" "$wanted" "$lab/c.crt" --url "$url/scep/mail" --key "$lab/k.key" --challenge "$challenge" "$@"
}
mail "as registered" 0 --subject /CN=D-1 --san email:alice@lab.test
openssl x509 -in "$lab/c.crt" -noout -ext subjectAltName | grep -q 'email:alice@lab.test' || fail "SAN"
mail "somebody else's address" 2 --subject /CN=D-1 --san email:bob@lab.test
has "theirs" "bob@lab.test" "$lab/reply"
has "the registry's" "alice@lab.test" "$lab/reply"
mail "no address known" 2 --subject /CN=D-3 --san email:carol@lab.test

it "holds the registry against the values that a challenge is bound to"
challenge=$(scepter challenge new --profile mail --set DeviceUid=D-2)
answers "another device" 2 "$lab/c.crt" --url "$url/scep/mail" --key "$lab/k.key" --challenge "$challenge" \
  --subject /CN=D-1 --san email:alice@lab.test
has "bound" "D-2" "$lab/reply"

it "takes a change of the registry over while the server runs"
printf 'DeviceUid,EmailAddress\nD-3,carol@lab.test\n' >"$lab/more.csv"
scepter device import "$lab/more.csv" >/dev/null
mail "known now" 0 --subject /CN=D-3 --san email:carol@lab.test
equal "audited" 3 "$(scepter audit list --json | jq '[.[] | select(.action == "devices.imported")] | length')"

echo "$checks behaviours hold"
