#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A CRL that is too large for memory: 40,000 revoked certificates, served from its file; and a CRL whose file is damaged.
. "$(dirname "$0")/lib.sh"
entries=40000
make_ca
scepter cert issue --template LabDevice --genkey --subject CN=late --out "$lab/late.p12" <<<"x" >/dev/null

# Certificates that were issued and revoked, as CHANGE_CERTIFICATE_ADD and CHANGE_REVOKE leave them (db/schema).
python3 - "$lab/ca/scepter.db" $entries <<'EOF'
import hashlib, sqlite3, sys, time
store, count, now = sqlite3.connect(sys.argv[1]), int(sys.argv[2]), int(time.time())
with store:
    version, = store.execute('SELECT revocation_version FROM state').fetchone()
    for i in range(count):
        serial = bytes([0x40 | i & 0x3f]) + hashlib.sha256(b'%d' % i).digest()[:15]
        store.execute('INSERT INTO certificate (request_id, created_s, serial, issuer_key, template, template_version, profile, '
                      'subject, key_fingerprint, not_before_s, not_after_s, reason, revoked_s) '
                      "VALUES (0, ?, ?, 0, 'LabDevice', 1, 'lab', ?, ?, ?, ?, 4, ?)",
                      (now, serial, 'CN=d%d' % i, hashlib.sha256(b'key %d' % i).digest(), now - 300, now + 7776000, now))
        store.execute('INSERT INTO revocation VALUES (0, ?, ?, ?, 4, ?, ?)',
                      (len(serial), serial, now, now + 7776000, version + i + 1))
    store.execute('UPDATE state SET certificates = certificates + ?, revoked = revoked + ?, revocation_version = ?',
                  (count, count, version + count))
EOF
serve
crl="$url/CertEnroll/Test%20Issuing%20CA.crl"
scepter ca export --format pem >"$lab/ca.crt"

published() { equal "entries" "$1" "$(scepter crl show --json | field entries)"; }
listed() { [ "$(scepter crl show --json | field entries)" = "$1" ]; }
# what the server serves is what the store says is published
served() { curl -fsS -o "$lab/body" "$crl" && scepter crl export >"$lab/export" && cmp -s "$lab/body" "$lab/export"; }
head_of() { curl -fsS -o "$lab/body" -D "$lab/head" "$@"; tr -d '\r' <"$lab/head" >"$lab/head.txt"; }
header() { sed -n "s/^$1: //Ip" "$lab/head.txt"; }
# memory KEY: of the server, in kB
memory() { sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$server/status"; }
# Sanitizers need memory of their own.
sanitized() { grep -qa __asan_init "$SCEPTER" || grep -qa __tsan_init "$SCEPTER"; }

it "publishes a CRL of $entries entries that OpenSSL reads and verifies"
wait_for 30 listed $entries || fail "not published: $(scepter crl show)"
wait_for 10 served || fail "the CDP and crl export differ"
size=$(wc -c <"$lab/body")
[ "$size" -gt 1048576 ] || fail "only $size octets"
openssl crl -inform DER -in "$lab/body" -noout -CAfile "$lab/ca.crt" 2>"$lab/verify" || fail "unreadable"
has "verified" "verify OK" "$lab/verify"
openssl crl -inform DER -in "$lab/body" -noout -text >"$lab/crl.txt"
equal "entries" $entries "$(grep -c 'Serial Number:' "$lab/crl.txt")"

it "serves it with type, length and validators, 304 to who has it, and HEAD"
head_of "$crl"
equal "type" application/pkix-crl "$(header Content-Type)"
equal "length" "$size" "$(header Content-Length)"
etag=$(header ETag)
date=$(header Last-Modified)
[ -n "$etag" ] && [ -n "$date" ] || fail "no ETag or Last-Modified"
equal "by ETag" 304 "$(curl -s -o "$lab/none" -w '%{http_code}' -H "If-None-Match: $etag" "$crl")"
equal "by date" 304 "$(curl -s -o "$lab/none" -w '%{http_code}' -H "If-Modified-Since: $date" "$crl")"
equal "another ETag" 200 "$(curl -s -o "$lab/none" -w '%{http_code}' -H 'If-None-Match: "x"' "$crl")"
curl -fsS -I "$crl" | tr -d '\r' >"$lab/head.txt"
equal "length of HEAD" "$size" "$(header Content-Length)"
equal "ETag of HEAD" "$etag" "$(header ETag)"

it "serves many at once, each whole, and closes the file for each"
downloads=()
for i in $(seq 16); do
  curl -fsS -o "$lab/copy.$i" "$crl" &
  downloads+=("$!")
done
for download in "${downloads[@]}"; do wait "$download" || fail "a download failed"; done
for i in $(seq 16); do cmp -s "$lab/copy.$i" "$lab/export" || fail "copy $i"; done
few_open() { [ "$(find "/proc/$server/fd" -lname '*.crl' | wc -l)" -eq 1 ]; }
wait_for 5 few_open || fail "files stay open: $(ls -l "/proc/$server/fd")"

it "replaces it when another certificate is revoked, and finishes a download that had begun"
cp "$lab/export" "$lab/before"
curl -fsS --limit-rate 500K -o "$lab/slow" "$crl" &
slow=$!
sleep 0.5
scepter cert revoke --subject CN=late >/dev/null
wait_for 20 listed $((entries + 1)) || fail "not published: $(scepter crl show)"
wait_for 10 served || fail "the new one is not served"
wait "$slow" || fail "the slow download failed"
cmp -s "$lab/slow" "$lab/before" || fail "the slow download is not the CRL with which it began"
equal "the old ETag" 200 "$(curl -s -o "$lab/none" -w '%{http_code}' -H "If-None-Match: $etag" "$crl")"
serial=$(scepter cert list --subject CN=late --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["serial"])')
openssl crl -inform DER -in "$lab/body" -noout -text | tr A-F a-f >"$lab/crl.txt"
has "listed" "$serial" "$lab/crl.txt"

it "makes another when somebody writes over the file, and never serves the damaged one"
number=$(scepter crl show --json | field number)
printf 'X' | dd of="$lab/ca/crl/0.crl" bs=1 seek=700000 conv=notrunc status=none
cp "$lab/ca/crl/0.crl" "$lab/damaged"
for i in $(seq 20); do
  if curl -fsS -o "$lab/body" "$crl" 2>/dev/null; then ! cmp -s "$lab/body" "$lab/damaged" || fail "the damaged one is served"; fi
done
newer() { [ "$(scepter crl show --json | field number)" -gt "$number" ]; }
wait_for 5 newer || fail "no new CRL"
wait_for 5 served || fail "the new one is not served"
openssl crl -inform DER -in "$lab/body" -noout -CAfile "$lab/ca.crt" 2>"$lab/verify"
has "verified" "verify OK" "$lab/verify"
grep -q 'crl.published .*why=damaged' "$lab/server.log" || fail "the log does not say why"
ready() { curl -fs "$url/readyz"; }
wait_for 5 ready || fail "not ready: $(curl -s "$url/readyz")"

it "makes another at its start too"
stop_server
number=$(scepter crl show --json | field number)
printf 'Y' | dd of="$lab/ca/crl/0.crl" bs=1 seek=700000 conv=notrunc status=none
serve
wait_for 5 newer || fail "no new CRL"
wait_for 5 served || fail "the new one is not served"

it "stays below 64 MB of memory"
peak=$(memory VmHWM)
sanitized || [ "$peak" -lt 65536 ] || fail "$peak kB"
expect "the store is sound" scepter doctor >"$lab/doctor"

echo "$checks behaviours hold; a CRL of $size octets, $peak kB of memory at most"
