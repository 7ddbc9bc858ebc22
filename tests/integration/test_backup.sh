#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A backup under load, restored into an empty directory: nothing of before is lost, nothing is issued until the gap is mended.
. "$(dirname "$0")/lib.sh"
make_ca --key ec:p256
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
new_key "$lab/k.key"
device() {
  answers "$1" "$2" "$lab/$1.crt" --url "$url/scep/lab" --key "$lab/k.key" --subject "/CN=$1" --challenge "$phrase" --transaction "$1"
}
number() { scepter crl show --json | field number; }
serials() { scepter cert list --json | jq -r '.[].serial' | sort; }

it "is written while the server issues, and holds what was committed before it began"
device before 0
device revoked 0
scepter cert revoke "$(serial_of "$lab/revoked.crt")" --reason superseded >/dev/null
published() { [ "$(scepter crl show --json | field entries)" -eq 1 ]; }
wait_for 5 published || fail "no CRL"
open_challenge=$(user_challenge alice)
load() {
  local n=0
  while "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --out "$lab/load-$1.crt" --url "$url/scep/lab" --key "$lab/k.key" \
    --subject "/CN=load-$1-$n" --challenge "$phrase" --transaction "load-$1-$n" >/dev/null 2>&1; do
    n=$((n + 1))
    [ ! -e "$lab/load.end" ] || break
  done
}
loaders=()
for worker in 1 2; do
  load $worker &
  loaders+=($!)
done
loaded() { [ "$(scepter cert list --subject load- --json | jq length)" -ge 5 ]; }
wait_for 10 loaded || fail "no load"
serials >"$lab/serials.before"
scepter backup "$lab/backup.tar" >"$lab/backup.out" || fail "backup"
touch "$lab/load.end"
wait "${loaders[@]}"
equal "mode" 600 "$(stat -c %a "$lab/backup.tar")"
tar -tf "$lab/backup.tar" >"$lab/parts"
for part in scepter.cfg scepter.db templates/User.cfg; do grep -qx "$part" "$lab/parts" || fail "$part is missing: $(cat "$lab/parts")"; done
! grep -q key "$lab/parts" || fail "it holds keys"
has "said" "no keys" "$lab/backup.out"
refuse "over an old backup" scepter backup "$lab/backup.tar"
has "why" "not overwritten" "$lab/refused.err"
device after 0 # what the backup cannot know
device lost 0
scepter crl publish >/dev/null
last_number=$(number)
stop_server
mv "$lab/ca" "$lab/old"

it "is restored into an empty directory only, and whole or not at all"
mkdir "$lab/full" && touch "$lab/full/something"
refuse "a full directory" "$SCEPTER" restore --dir "$lab/full" "$lab/backup.tar"
has "why" "something" "$lab/refused.err"
head -c 100000 "$lab/backup.tar" >"$lab/cut.tar"
refuse "a backup that is cut" "$SCEPTER" restore --dir "$lab/cut" "$lab/cut.tar"
[ ! -e "$lab/cut/scepter.db" ] || fail "it left a store"
scepter restore "$lab/backup.tar" >"$lab/restore.out" || fail "restore"
has "what to do about the keys" "keys" "$lab/restore.out"
has "what comes then" "ca resume" "$lab/restore.out"
refuse "serve without keys" timeout 20 "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port"
has "which" "keys/" "$lab/refused.err"
cp -p "$lab/old/keys/"* "$lab/ca/keys/"

it "lists every certificate of before the backup, revoked as it was, with an audit that holds"
serials >"$lab/serials.after"
missing=$(comm -23 "$lab/serials.before" "$lab/serials.after" | wc -l)
equal "missing" 0 "$missing"
equal "revoked" superseded "$(scepter cert show "$(serial_of "$lab/revoked.crt")" --json | field revocation_reason)"
refuse "what came after" scepter cert show "$(serial_of "$lab/after.crt")"
expect "audit" scepter audit verify >/dev/null
scepter audit list --json >"$lab/audit.json"
has "the gap" "store.restored" "$lab/audit.json"
has "the backup" created= "$lab/audit.json"

it "publishes, but issues nothing until ca resume"
serve
scepter crl publish >/dev/null
[ "$(number)" -gt "$last_number" ] || fail "CRL number $(number) after $last_number"
crl_file
openssl crl -in "$lab/ca.crl" -noout -CAfile "$lab/ca.crt" 2>&1 | grep -q 'verify OK' || fail "the CRL's signature"
device held 4 # HTTP 503: the client may come again
has "status" "http=503" "$lab/reply"
has "why" "ca resume" "$lab/reply"
openssl req -new -key "$lab/k.key" -subj /CN=x -out "$lab/x.csr" 2>/dev/null
refuse "by hand" scepter cert issue --template LabDevice --csr "$lab/x.csr"
equal "shown" True "$(scepter ca show --json | field suspended)"
scepter doctor >"$lab/doctor.out" 2>&1 || true
has "doctor" "ca resume" "$lab/doctor.out"

it "takes in what was issued after the backup, and revokes what is known by its serial only"
expect "import" scepter cert import "$lab/after.crt" >/dev/null
equal "listed" valid "$(scepter cert show "$(serial_of "$lab/after.crt")" --json | field status)"
refuse "twice" scepter cert import "$lab/after.crt"
openssl req -x509 -key "$lab/k.key" -subj /CN=stranger -days 1 -out "$lab/stranger.crt" 2>/dev/null
refuse "a stranger's" scepter cert import "$lab/stranger.crt"
expect "unknown" scepter crl revoke-unknown "$(serial_of "$lab/lost.crt")" --reason keyCompromise >/dev/null
scepter crl publish >/dev/null
lost=$(serial_of "$lab/lost.crt")
on_the_crl() { crl_file && openssl crl -in "$lab/ca.crl" -noout -text | grep -qi "$lost"; }
wait_for 4 on_the_crl || fail "not on the CRL"
scepter cert revoke "$(serial_of "$lab/after.crt")" >/dev/null || fail "an imported one can be revoked"

it "issues again after ca resume; challenges of before are void"
scepter ca resume >/dev/null
resumed() { device resumed 0; }
wait_for 5 resumed || fail "still off: $(cat "$lab/reply")"
openssl verify -CAfile "$lab/ca.crt" "$lab/resumed.crt" >/dev/null || fail "verify"
answers "the old challenge" 2 "$lab/c.crt" --url "$url/scep" --key "$lab/k.key" --subject /CN=a --challenge "$open_challenge"
answers "a new one" 0 "$lab/c.crt" --url "$url/scep" --key "$lab/k.key" --subject /CN=a --challenge "$(user_challenge alice)"
expect "audit" scepter audit verify >/dev/null
stop_server

it "holds keys only with a passphrase, and gives them only for it"
refuse "an empty one" scepter backup --with-keys "$lab/keys.tar" < <(echo)
[ ! -e "$lab/keys.tar" ] || fail "it left a file"
echo "a good passphrase" | scepter backup --with-keys "$lab/keys.tar" >/dev/null
! grep -aq 'PRIVATE KEY' "$lab/keys.tar" || fail "a key in the clear"
! grep -aqF "$phrase" "$lab/keys.tar" || fail "the profile's phrase in the clear"
mv "$lab/ca" "$lab/older"
refuse "a wrong one" scepter restore "$lab/keys.tar" < <(echo wrong)
has "why" "passphrase" "$lab/refused.err"
echo "a good passphrase" | scepter restore "$lab/keys.tar" >/dev/null || fail "restore"
for file in "$lab/older/keys/"*; do cmp "$file" "$lab/ca/keys/$(basename "$file")" || fail "$file"; done
equal "modes" 600 "$(stat -c %a "$lab/ca/keys/"* | sort -u)"
scepter ca resume >/dev/null
serve
device again 0
openssl verify -CAfile "$lab/ca.crt" "$lab/again.crt" >/dev/null || fail "verify"

echo "$checks behaviours hold"
