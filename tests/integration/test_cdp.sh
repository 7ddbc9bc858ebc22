#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# CRL and CA certificate over HTTP: types, lengths, caching, names in every spelling.
. "$(dirname "$0")/lib.sh"
make_ca
serve
crl="$url/CertEnroll/Test%20Issuing%20CA.crl"

head_of() { curl -fsS -o "$lab/body" -D "$lab/head" "$@"; tr -d '\r' <"$lab/head" >"$lab/head.txt"; }
header() { sed -n "s/^$1: //Ip" "$lab/head.txt"; }

it "serves the CRL with type, length, validators and a cache lifetime"
head_of "$crl"
equal "type" application/pkix-crl "$(header Content-Type)"
equal "length" "$(wc -c <"$lab/body")" "$(header Content-Length)"
[ -n "$(header ETag)" ] && [ -n "$(header Last-Modified)" ] || fail "no ETag or Last-Modified"
header Cache-Control | grep -Eq '^max-age=([0-9]|[0-9][0-9]|[12][0-9][0-9]|300), must-revalidate$' || fail "Cache-Control: $(header Cache-Control)"
openssl crl -inform DER -in "$lab/body" -noout -text >"$lab/crl.txt"
has "number" "X509v3 CRL Number" "$lab/crl.txt"
has "AKI" "X509v3 Authority Key Identifier" "$lab/crl.txt"

it "answers 304 to who has it, by ETag and by date, and HEAD without a body"
etag=$(header ETag)
date=$(header Last-Modified)
equal "by ETag" 304 "$(curl -s -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$crl")"
equal "by date" 304 "$(curl -s -o /dev/null -w '%{http_code}' -H "If-Modified-Since: $date" "$crl")"
equal "another ETag" 200 "$(curl -s -o /dev/null -w '%{http_code}' -H 'If-None-Match: "x"' "$crl")"
curl -fsS -I "$crl" | tr -d '\r' >"$lab/head.txt"
[ "$(header Content-Length)" -gt 100 ] || fail "HEAD without Content-Length"

it "serves the same in every spelling of the name"
for path in "CertEnroll/Test%20Issuing%20CA.crl" "certenroll/test%20issuing%20ca.CRL"; do
  curl -fsS "$url/$path" | cmp - "$lab/body" || fail "$path"
done

it "serves the CA certificate at the AIA"
head_of "$url/CertEnroll/Test%20Issuing%20CA.crt"
equal "type" application/pkix-cert "$(header Content-Type)"
equal "the CA" "$(scepter ca export --format pem | openssl x509 -noout -fingerprint)" \
  "$(openssl x509 -inform DER -in "$lab/body" -noout -fingerprint)"

it "has nothing at other names"
equal "404" 404 "$(curl -s -o /dev/null -w '%{http_code}' "$url/CertEnroll/Other.crl")"
equal "405" 405 "$(curl -s -o /dev/null -w '%{http_code}' -X POST -d x "$crl")"

it "says what is published, and whether it is fresh"
scepter crl show --json >"$lab/show.json"
equal "url" "$crl" "$(field url <"$lab/show.json")"
for name in number this_update next_update entries; do field $name <"$lab/show.json" >/dev/null || fail "$name"; done
expect "fresh" scepter crl show --check >/dev/null

it "keeps serving the old CRL, and is not ready, while the directory is gone, and recovers by itself"
mv "$lab/ca/crl" "$lab/crl.away"
printf x >"$lab/ca/crl" # a file where the directory was: root cannot make it either
scepter cert issue --template LabDevice --genkey --subject CN=x --out "$lab/x.p12" <<<"x" >/dev/null
scepter cert revoke --subject CN=x >/dev/null 2>&1 || true
unready() { [ "$(curl -s -o /dev/null -w '%{http_code}' "$url/readyz")" = 503 ]; }
wait_for 10 unready || fail "still ready"
expect "old CRL" curl -fsS -o /dev/null "$crl"
rm "$lab/ca/crl"
mv "$lab/crl.away" "$lab/ca/crl"
ready() { curl -fs "$url/readyz"; }
wait_for 20 ready || fail "did not recover: $(curl -s "$url/readyz")"
listed() { curl -fsS "$crl" | openssl crl -inform DER -noout -text | grep -q "Serial Number"; }
wait_for 3 listed || fail "the revoked one is not listed"

echo "$checks behaviours hold"
