#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line as scripts see it: exit codes, JSON to the letter, serial numbers in every form, filters, and what is
# refused with which words. No server runs here.
. "$(dirname "$0")/lib.sh"
"$SCEPTER" init --dir "$lab/ca" --name "CLI CA" --url http://ca.example:8080 --key ec:p256 --lab >"$lab/init.out"

# exits CODE [scepter arguments]: and what goes wrong is one line on standard error, before the usage for 2
exits() {
  local wanted=$1 status=0
  shift
  scepter "$@" >"$lab/out" 2>"$lab/err" </dev/null || status=$?
  [ $status -eq "$wanted" ] || fail "scepter $*: exit $status instead of $wanted: $(cat "$lab/err")"
  [ "$wanted" -ne 1 ] || equal "scepter $*: lines on standard error" 1 "$(wc -l <"$lab/err")"
  [ "$wanted" -ne 2 ] || grep -q -e '^usage: scepter' -e '^scepter: ' "$lab/err" || fail "scepter $*: $(cat "$lab/err")"
}
# keys NAMES FILE: the JSON object has these and no others, in this order
keys() { equal "keys" "$1" "$(jq -r 'keys_unsorted | join(" ")' "$2")"; }
# says WORDS: the last command's standard error
says() { has "why" "$1" "$lab/err"; }
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
# request NAME: $lab/NAME.csr with a key of its own
request() {
  key "$lab/$1.key"
  openssl req -new -key "$lab/$1.key" -subj "/CN=$1" -out "$lab/$1.csr" 2>/dev/null
}
person() { printf -- '--set\nEnrollmentUser=%s\n--set\nUserPrincipalName=%s@LAB.TEST\n--set\nEmailAddress=%s@lab.test\n' "$1" "$1" "$1"; }
# issue NAME: a certificate of the template User for a person
issue() {
  local words
  mapfile -t words < <(person "$1")
  request "$1"
  scepter cert issue --template User --csr "$lab/$1.csr" "${words[@]}" >"$lab/$1.crt"
}

it "exits 2 and shows the usage for wrong words, 0 for --help and --version"
exits 0 --version
grep -qE '^scepter [0-9]+\.[0-9]+\.[0-9]+$' "$lab/out" || fail "$(cat "$lab/out")"
exits 0 --help
scepter --help >"$lab/help"
for command in "init" "serve" "ca show" "ca export" "ca csr" "ca install" "ca resume" "template list" "template show" "template check" \
  "profile list" "profile show" "challenge new" "cert issue" "cert list" "cert show" "cert export" "cert revoke" "cert unhold" \
  "cert import" "request list" "request show" "request approve" "request deny" "crl publish" "crl show" "crl export" \
  "crl revoke-unknown" "lookup test" "device import" "device list" "audit list" "audit verify" "backup" "restore" "doctor"; do
  has "help" "  $command " "$lab/help"
  # shellcheck disable=SC2086 # the words of the command
  exits 0 $command --help
  has "its usage" "usage: scepter $command" "$lab/out"
  # shellcheck disable=SC2086
  exits 2 $command --no-such-option
done
exits 2
exits 2 nonsense
exits 2 cert
says "say which cert command"
exits 2 cert lst
says 'cert has no command "lst"'
exits 2 cert list --status sold
says "valid, expired, revoked, held"
exits 2 cert list --limit many
exits 2 cert list --expiring soon
exits 2 cert show
exits 2 cert revoke
exits 2 cert revoke 01 --reason boredom
says keyCompromise
exits 2 ca export --format gif
exits 2 template show
exits 2 init
status=0
"$SCEPTER" cert list --dir 2>/dev/null || status=$?
equal "--dir without a value" 2 $status
status=0
"$SCEPTER" cert list --dir "$lab/nothing" 2>"$lab/err" || status=$?
equal "no such directory" 1 $status
says "scepter init"
SCEPTER_DIR=$lab/ca "$SCEPTER" ca show >/dev/null || fail "SCEPTER_DIR"
"$SCEPTER" ca show --dir="$lab/ca" >/dev/null || fail "--dir="

it "fails when its output cannot be written"
status=0
"$SCEPTER" cert list --dir "$lab/ca" >/dev/full 2>"$lab/err" || status=$?
equal "exit" 1 $status
says "standard output"

it "overwrites nothing at init"
cp "$lab/ca/scepter.cfg" "$lab/before.cfg"
exits 1 init --name Other --url http://other.example
cmp "$lab/before.cfg" "$lab/ca/scepter.cfg" || fail "scepter.cfg was changed"
for bad in --name=a/b "--name=$(printf 'x%.0s' $(seq 65))" --url=https://ca.example --url=http://ca.example/pki "--url=http://ca.example?x" --key=rsa:1024 --ra-key=ec:p256; do
  status=0
  "$SCEPTER" init --dir "$lab/bad" --name T --url http://ca.example "$bad" >/dev/null 2>"$lab/err" || status=$?
  [ $status -eq 1 ] || [ $status -eq 2 ] || fail "$bad: exit $status"
  [ ! -e "$lab/bad/scepter.db" ] || fail "$bad left files"
done
equal "modes" "700 700" "$(stat -c %a "$lab/ca" "$lab/ca/keys" | tr '\n' ' ' | sed 's/ $//')"
equal "phrase" 1 "$(grep -cE '^[0-9a-f]{32}$' "$lab/ca/keys/lab.challenge")"

it "issues for a CSR: PEM, or JSON with serial, request_id, disposition, pem"
issue alice
openssl verify -CAfile <(scepter ca export) "$lab/alice.crt" >/dev/null || fail "verify"
request bob
mapfile -t words < <(person bob)
scepter cert issue --template User --csr "$lab/bob.csr" "${words[@]}" --json >"$lab/bob.json"
keys "serial request_id disposition pem" "$lab/bob.json"
equal "disposition" issued "$(jq -r .disposition "$lab/bob.json")"
jq -r .pem "$lab/bob.json" >"$lab/bob.crt"
serial=$(jq -r .serial "$lab/bob.json")
equal "serial" "$(serial_of "$lab/bob.crt")" "$serial"
openssl req -in "$lab/bob.csr" -outform DER -out "$lab/bob.der"
exits 0 cert issue --template User --csr "$lab/bob.der" "${words[@]}"
exits 1 cert issue --template User --csr "$lab/bob.csr"
says EnrollmentUser
exits 1 cert issue --template User --csr "$lab/bob.crt" "${words[@]}"
says "request"
exits 1 cert issue --template Nothing --csr "$lab/bob.csr"
says "Nothing"
exits 2 cert issue --template User
exits 2 cert issue --template User --csr "$lab/bob.csr" --genkey --out "$lab/x.p12"
exits 1 cert issue --template User --genkey --out "$lab/x.p12" "${words[@]}"
says "Password for the PKCS#12 file is expected as one line on standard input"

it "shows a certificate, whatever form its serial number is given in"
scepter cert show "$serial" --json >"$lab/show.json"
for name in serial status subject issuer san not_before not_after template profile request_id; do
  jq -e "has(\"$name\")" "$lab/show.json" >/dev/null || fail "$name is missing"
done
equal "subject" "CN=WorkspaceONEUEM.bob" "$(jq -r .subject "$lab/show.json")"
equal "issuer" "CN=CLI CA" "$(jq -r .issuer "$lab/show.json")"
equal "SAN" '[{"type":"upn","value":"bob@LAB.TEST"},{"type":"email","value":"bob@lab.test"}]' "$(jq -c .san "$lab/show.json")"
equal "time" "$(date -u -d "$(openssl x509 -in "$lab/bob.crt" -noout -enddate | cut -d= -f2)" +%Y-%m-%dT%H:%M:%SZ)" \
  "$(jq -r .not_after "$lab/show.json")"
[ $((${#serial} % 2)) -eq 0 ] || fail "an odd number of digits: $serial"
for form in "0x$serial" "${serial^^}" "0X${serial^^}" "000$serial" "$(echo "$serial" | sed 's/../&:/g; s/:$//')" "00:$(echo "$serial" | sed 's/../&:/g; s/:$//')"; do
  equal "$form" "$serial" "$(scepter cert show "$form" --json | field serial)"
done
for form in "" zz "12 34" 0x "$(printf 'f%.0s' $(seq 42))"; do
  status=0
  scepter cert show "$form" >/dev/null 2>&1 || status=$?
  [ $status -ne 0 ] || fail "'$form' was taken"
done
exits 1 cert show 0102030405060708
says "0102030405060708"
scepter cert export "$serial" | cmp - <(openssl x509 -in "$lab/bob.crt") || fail "export"

it "lists with every filter, as one array"
printf 'name = "Short"; subject = { from = "template"; pattern = "CN=short.{EnrollmentUser}"; };\nkey = { types = ["ec"]; usage = "signing"; };\neku = ["clientAuth"]; validity = "10d"; renewal_window = "33%%"; approval = "auto";\n' \
  >"$lab/ca/templates/Short.cfg"
request short
exits 0 cert issue --template Short --csr "$lab/short.csr" --set EnrollmentUser=short
count() { scepter cert list --json "$@" | jq length; }
equal "all" 7 "$(count)" # three RA certificates, alice, bob twice, short
equal "subject" 2 "$(count --subject WorkspaceONEUEM.bob)"
equal "template" 3 "$(count --template RA)"
equal "expiring" 1 "$(count --expiring 30d)"
equal "not expiring" 0 "$(count --expiring 9d)"
equal "limit" 2 "$(count --limit 2)"
equal "valid" 7 "$(count --status valid)"
equal "none" "[]" "$(scepter cert list --status held --json | jq -c .)"
exits 0 cert list
equal "table" 8 "$(wc -l <"$lab/out")"

it "revokes by serial, subject, value and file, and with --dry-run nothing"
exits 0 cert revoke "$serial" --dry-run
equal "dry" valid "$(scepter cert show "$serial" --json | field status)"
exits 0 cert revoke "$serial" --reason keyCompromise
equal "status" revoked "$(scepter cert show "$serial" --json | field status)"
equal "reason" keyCompromise "$(scepter cert show "$serial" --json | field revocation_reason)"
exits 1 cert revoke "$serial"
says "already"
exits 1 cert revoke 0102030405
exits 0 cert revoke --subject "cn=WorkspaceONEUEM.alice" --reason superseded
equal "by subject" revoked "$(scepter cert show "$(serial_of "$lab/alice.crt")" --json | field status)"
exits 1 cert revoke --subject "CN=Nobody"
exits 2 cert revoke --subject alice
says "the whole subject is wanted"
issue carol
issue dave
exits 0 cert revoke --value EnrollmentUser=carol
equal "by value" revoked "$(scepter cert show "$(serial_of "$lab/carol.crt")" --json | field status)"
printf '# lost\n%s\n\n' "$(serial_of "$lab/dave.crt" | tr a-f A-F)" >"$lab/lost.txt"
exits 0 cert revoke --file "$lab/lost.txt" --reason cessationOfOperation
equal "by file" cessationOfOperation "$(scepter cert show "$(serial_of "$lab/dave.crt")" --json | field revocation_reason)"
printf 'nonsense\n' >"$lab/lost.txt"
exits 1 cert revoke --file "$lab/lost.txt"
says "1"
exits 2 cert revoke "$serial" --subject CN=x
exits 2 cert revoke --value A=b --value C=d
scepter crl export | openssl crl -inform DER -noout -text >"$lab/crl.txt"
equal "entries" 4 "$(scepter crl show --json | field entries)"
for who in alice bob carol dave; do grep -qi "$(serial_of "$lab/$who.crt")" "$lab/crl.txt" || fail "$who is not on the CRL"; done

it "holds and releases, and releases nothing that is revoked"
issue erin
erin=$(serial_of "$lab/erin.crt")
exits 0 cert revoke "$erin" --reason certificateHold
equal "held" held "$(scepter cert show "$erin" --json | field status)"
equal "listed" 1 "$(count --status held)"
exits 0 cert unhold "$erin"
equal "valid" valid "$(scepter cert show "$erin" --json | field status)"
exits 1 cert unhold "$serial"
says "keyCompromise"

it "keeps a request pending with exit 0, lists and shows it, approves and denies"
sed -i 's/^approval .*/approval = "manual";/' "$lab/ca/templates/User.cfg"
request frank
mapfile -t words < <(person frank)
exits 0 cert issue --template User --csr "$lab/frank.csr" "${words[@]}" --json
equal "disposition" pending "$(jq -r .disposition "$lab/out")"
equal "pem" null "$(jq -r .pem "$lab/out")"
id=$(jq -r .request_id "$lab/out")
request grace
mapfile -t words < <(person grace)
exits 0 cert issue --template User --csr "$lab/grace.csr" "${words[@]}"
has "what to do" "request approve" "$lab/out"
exits 1 cert issue --template User --genkey --out "$lab/frank.p12" "${words[@]}"
says "approval"
equal "pending" 2 "$(scepter request list --status pending --json | jq length)"
scepter request show "$id" --json >"$lab/request.json"
equal "subject" CN=WorkspaceONEUEM.frank "$(jq -r .subject "$lab/request.json")"
jq -r .csr "$lab/request.json" | openssl req -noout -verify 2>/dev/null || fail "the CSR"
exits 0 request approve "$id" --json
keys "serial request_id disposition" "$lab/out"
openssl verify -CAfile <(scepter ca export) <(scepter cert export "$(jq -r .serial "$lab/out")") >/dev/null || fail "verify"
exits 1 request approve "$id"
other=$(scepter request list --status pending --json | jq -r '.[0].request_id')
exits 0 request deny "$other" --reason "not one of ours"
exits 1 request deny "$other"
exits 1 request approve "$other"
equal "reason" "denied by local:$(id -un): not one of ours" "$(scepter request show "$other" --json | field reason)"
equal "denied" 1 "$(scepter request list --status denied --json | jq "[.[] | select(.request_id == $other)] | length")"
exits 2 request show x
exits 1 request show 9999
exits 2 request list --status lost

it "makes challenges: the word alone, or {id, challenge, profile, template, values, expires, uses}"
challenge=$(scepter challenge new --set EnrollmentUser=jdoe)
[[ $challenge =~ ^[0-9A-F]{32}$ ]] || fail "$challenge"
scepter challenge new --set EnrollmentUser=jdoe --ttl 10m --uses 3 --json >"$lab/challenge.json"
keys "id challenge profile template values expires uses" "$lab/challenge.json"
equal "uses" 3 "$(jq .uses "$lab/challenge.json")"
equal "values" '{"EnrollmentUser":"jdoe"}' "$(jq -c .values "$lab/challenge.json")"
left=$(($(date -u -d "$(jq -r .expires "$lab/challenge.json")" +%s) - $(date +%s)))
[ $left -gt 540 ] && [ $left -le 600 ] || fail "it ends in $left s"
exits 1 challenge new --profile lab
says static
exits 1 challenge new --profile nothing
exits 2 challenge new --set EnrollmentUser
exits 2 challenge new --set Shoe=1
equal "audit" "challenge $(jq .id "$lab/challenge.json")" "$(scepter audit list --json | jq -r '[.[] | select(.action == "challenge.created")][-1].object')"
exits 2 challenge new --ttl 400d
says "1y at the most"
exits 0 challenge new --set EnrollmentUser=jdoe
says "template User needs {UserPrincipalName}, {EmailAddress}, which"
mapfile -t words < <(person jdoe)
exits 0 challenge new "${words[@]}"
[ ! -s "$lab/err" ] || fail "$(cat "$lab/err")"
exits 0 challenge new --profile device
says "template Device needs {DeviceUid}"
exits 0 challenge new --profile device --set DeviceUid=1
[ ! -s "$lab/err" ] || fail "$(cat "$lab/err")"
exits 2 lookup test --set EnrolmentUser=jdoe
says "no template knows a lookup value {EnrolmentUser}"
exits 2 cert revoke --value EnrolmentUser=jdoe
says "no template knows a lookup value {EnrolmentUser}"

it "shows authority, CRL, templates and profiles"
scepter crl show --json >"$lab/crl.json"
for name in number this_update next_update entries url; do jq -e "has(\"$name\")" "$lab/crl.json" >/dev/null || fail "$name"; done
exits 0 crl show --check
scepter ca export --format der | openssl x509 -inform DER -noout || fail "der"
scepter ca export --format p7b | openssl pkcs7 -inform DER -noout || fail "p7b"
equal "fingerprint" "$(scepter ca export | openssl x509 -noout -fingerprint -sha256 | cut -d= -f2 | tr -d : | tr A-F a-f)" \
  "$(scepter ca show --json | field sha256)"
equal "profiles" "default device ndes lab" "$(scepter profile list --json | jq -r '[.[].profile] | join(" ")')"
equal "one" LabDevice "$(scepter profile show lab --json | field template)"
exits 1 profile show nothing
equal "what would come out" CN=WorkspaceONEUEM.x \
  "$(scepter template show User --set EnrollmentUser=x --set UserPrincipalName=x@y --set EmailAddress=x@y --json | field subject)"
exits 1 template show Nothing
exits 0 template show User
has "subject" "CN=WorkspaceONEUEM.{EnrollmentUser}  (filled by the template)" "$lab/out"
has "SAN" "{UserPrincipalName}" "$lab/out"
has "EKU" "clientAuth" "$lab/out"
exits 0 template show LabDevice --set EnrollmentUser=x
has "from the request" "*  (from the request, on its word" "$lab/out"
equal "entries" '{"entry":"subject","pattern":"CN={DeviceUid}","from":"request","verify":"source","optional":false}' \
  "$(scepter template show Device --json | jq -c '.entries[0]')"
equal "usage" '["digitalSignature","keyEncipherment"]' "$(scepter template show Device --json | jq -c .key_usage)"
exits 0 template check
equal "one warning each" 3 "$(grep -c 'verify = "none": whoever' "$lab/out")"

it "finds every mistake of a template at once, with its line"
cat >"$lab/wrong.cfg" <<'CFG'
name = "Wrong";
subject = { from = "template"; pattern = "CN={Nobody}"; };
key = { types = ["dsa"]; usage = "signing"; };
eku = ["clientAuth"];
validity = "soon";
colour = "red";
CFG
exits_check() {
  status=0
  scepter template check "$1" >"$lab/out" 2>"$lab/err" || status=$?
  cat "$lab/out" "$lab/err" >"$lab/both"
  equal "exit" 1 $status
}
exits_check "$lab/wrong.cfg"
for line in 2 3 5 6; do has "line $line" "wrong.cfg:$line: " "$lab/both"; done
printf 'name = "Broken"\nsubject = ;\n' >"$lab/broken.cfg"
exits_check "$lab/broken.cfg"
has "line" "broken.cfg:" "$lab/both"
exits 0 template check "$lab/ca/templates/User.cfg"
cp "$lab/wrong.cfg" "$lab/ca/templates/Wrong.cfg"
exits_check "$lab/ca/templates/Wrong.cfg"
status=0
scepter template check >"$lab/both" 2>&1 || status=$?
equal "all" 1 $status
exits 1 cert issue --template Short --csr "$lab/short.csr" --set EnrollmentUser=z
says "Wrong.cfg:"
rm "$lab/ca/templates/Wrong.cfg"

it "records who made the authority"
equal "actors" "local:$(id -un)" "$(scepter audit list --json | jq -r '.[0:5][] | .actor' | sort -u)"

it "keeps an audit that a changed row, a removed row and a removed end break"
exits 0 audit verify
rows=$(scepter audit verify --json | field rows)
equal "rows" "$rows" "$(scepter audit list --json | jq length)"
scepter audit verify >"$lab/out"
has "verdict" "the chain holds" "$lab/out"
equal "limit" 3 "$(scepter audit list --limit 3 --json | jq length)"
equal "after" $((rows - 5)) "$(scepter audit list --after 5 --json | jq length)"
equal "who" "local:$(id -un)" "$(scepter audit list --json | jq -r '[.[] | select(.action | startswith("certificate.revoked"))][0].actor')"
table=$(sqlite3 "$lab/ca/scepter.db" "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'audit%' LIMIT 1")
for damage in "UPDATE $table SET detail = 'nothing happened' WHERE id = 6" "DELETE FROM $table WHERE id = 6" \
  "DELETE FROM $table WHERE id = (SELECT max(id) FROM $table)"; do
  rm -rf "$lab/tampered"
  cp -r "$lab/ca" "$lab/tampered"
  sqlite3 "$lab/tampered/scepter.db" "$damage" || fail "sqlite3: $damage"
  status=0
  "$SCEPTER" audit verify --dir "$lab/tampered" >/dev/null 2>"$lab/err" || status=$?
  equal "$damage" 1 $status
  "$SCEPTER" doctor --dir "$lab/tampered" >"$lab/doctor.out" 2>&1 && fail "doctor is content"
  grep -q '^problem *audit' "$lab/doctor.out" || fail "doctor: $(cat "$lab/doctor.out")"
done

it "says in doctor what is wrong and what to do"
exits 0 doctor
chmod 644 "$lab/ca/keys/lab.challenge"
status=0
scepter doctor --json >"$lab/doctor.json" 2>"$lab/err" || status=$?
equal "exit" 1 $status
jq -e '.[] | select(.result == "problem" and .check == "keys") | .text | contains("chmod 600")' "$lab/doctor.json" >/dev/null ||
  fail "$(cat "$lab/doctor.json")"
chmod 600 "$lab/ca/keys/lab.challenge"

cp "$lab/ca/scepter.cfg" "$lab/right.cfg"
sed -i 's/template *= "LabDevice"/template = "Nowhere"/' "$lab/ca/scepter.cfg"
exits 1 doctor
grep -q '^problem *profiles .*Nowhere' "$lab/out" || fail "$(cat "$lab/out")"
grep -q '^ok *CRL ' "$lab/out" || fail "it stops at the profiles: $(cat "$lab/out")"
grep -q '^warning *listeners .*http://ca.example:8080' "$lab/out" || fail "$(cat "$lab/out")"
grep -q '^warning *templates *1 that profiles use' <("$SCEPTER" doctor --dir "$lab/ca" 2>/dev/null) || fail "$(cat "$lab/out")"
printf 'colour = "red";\nshape = "round";\n' >>"$lab/ca/scepter.cfg"
exits 1 doctor
equal "mistakes" 2 "$(grep -c '^problem *configuration' "$lab/out")"
grep -q '^ok *audit ' "$lab/out" || fail "it stops at the configuration: $(cat "$lab/out")"
cp "$lab/right.cfg" "$lab/ca/scepter.cfg"
exits 2 serve --listen localhost:8080
says '--listen is "localhost:8080": an IP address'

it "fetches the CRL where certificates say it is"
exits 0 crl show --check
has "verdict" "fresh: next update in 6d 23h" "$lab/out"
says "warning: http://ca.example:8080/CertEnroll/CLI%20CA.crl cannot be fetched from here: "
exits 0 doctor
grep -q '^warning *CDP .*cannot be fetched while no server runs' "$lab/out" || fail "$(cat "$lab/out")"
mv "$lab/ca" "$lab/other"
make_ca
serve
grep ' audit.checkpoint ' "$lab/server.log" | tail -1 >"$lab/line"
exits 0 audit verify --checkpoint "$lab/line"
has "the log's line as it stands" "checkpoint holds" "$lab/out"
exits 0 crl show --check
[ ! -s "$lab/err" ] || fail "$(cat "$lab/err")"
exits 0 doctor
has "doctor" "answers with CRL $(scepter crl show --json | field number)" "$lab/out"
sed -i "s|^    # cdp = .*|    cdp = [\"$url/nowhere.crl\", \"$url/CertEnroll/Test%20Issuing%20CA.crt\"];|" "$lab/ca/scepter.cfg"
exits 0 crl show --check
says "HTTP status 404"
says "not this authority's CRL"
exits 1 doctor
grep -q '^problem *CDP .*nowhere.crl cannot be fetched: HTTP status 404' "$lab/out" || fail "$(cat "$lab/out")"
stop_server

echo "$checks behaviours hold"
