#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A subordinate authority: its request is signed by a root that OpenSSL keeps, wrong certificates are refused, and what it
# issues verifies against the root with the whole chain.
. "$(dirname "$0")/lib.sh"
port=$(free_port)
url=http://127.0.0.1:$port
mkdir "$lab/root"
cat >"$lab/root/ext.cnf" <<'CNF'
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF
# root NAME: a self-signed root in root/NAME.crt
root() {
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$lab/root/$1.key" -out "$lab/root/$1.crt" -days 3650 -subj "/O=Lab/CN=$1" \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
}
# sign OUT [openssl x509 options]: the root signs sub.csr
sign() {
  local out=$1
  shift
  openssl x509 -req -in "$lab/sub.csr" -CA "$lab/root/Root.crt" -CAkey "$lab/root/Root.key" -CAcreateserial -days 1825 \
    -extfile "$lab/root/ext.cnf" -extensions ca "$@" -out "$out" 2>/dev/null
}
root Root
root Stranger

it "makes a key and a request, and waits"
"$SCEPTER" init --subordinate --dir "$lab/ca" --name "Sub CA" --url "$url" --lab >"$lab/init.out" 2>/dev/null
has "what is next" "ca install" "$lab/init.out"
scepter ca csr >"$lab/sub.csr"
openssl req -in "$lab/sub.csr" -noout -verify 2>/dev/null || fail "the request's signature"
equal "subject" "subject=CN = Sub CA" "$(openssl req -in "$lab/sub.csr" -noout -subject)"
openssl req -in "$lab/sub.csr" -noout -text >"$lab/csr.txt"
has "asks for a CA certificate" "CA:TRUE" "$lab/csr.txt"
refuse "serve" scepter serve --listen "127.0.0.1:$port"
has "what to do" "ca install" "$lab/refused.err"
refuse "issue" scepter cert issue --template User --csr "$lab/sub.csr" --set EnrollmentUser=a
has "what to do" "ca install" "$lab/refused.err"

# wrong WHAT FILE WORDS
wrong() {
  refuse "$1" scepter ca install "$2"
  has "$1" "$3" "$lab/refused.err"
  equal "$1: one line" 1 "$(wc -l <"$lab/refused.err")"
}
it "refuses what is no certificate for its key, name and use, and stays able to take the right one"
sign "$lab/sub.crt"
wrong "no certificate" "$lab/sub.csr" "CERTIFICATE"
wrong "no file" "$lab/nothing.crt" "nothing.crt"
wrong "the root's own" "$lab/root/Root.crt" "key"
sign "$lab/leaf.crt" -extensions leaf
cat "$lab/leaf.crt" "$lab/root/Root.crt" >"$lab/wrong.pem"
wrong "no CA" "$lab/wrong.pem" "CA"
openssl req -new -key "$lab/root/Stranger.key" -subj "/CN=Sub CA" -out "$lab/other.csr" 2>/dev/null
openssl x509 -req -in "$lab/other.csr" -CA "$lab/root/Root.crt" -CAkey "$lab/root/Root.key" -CAcreateserial -days 1825 \
  -extfile "$lab/root/ext.cnf" -extensions ca -out "$lab/other.crt" 2>/dev/null
cat "$lab/other.crt" "$lab/root/Root.crt" >"$lab/wrong.pem"
wrong "another key" "$lab/wrong.pem" "key"
sign "$lab/renamed.crt" -subj "/CN=Another CA" -force_pubkey <(openssl req -in "$lab/sub.csr" -noout -pubkey)
cat "$lab/renamed.crt" "$lab/root/Root.crt" >"$lab/wrong.pem"
wrong "another name" "$lab/wrong.pem" "Another CA"
cat "$lab/sub.crt" "$lab/root/Stranger.crt" >"$lab/wrong.pem"
wrong "a stranger's chain" "$lab/wrong.pem" "chain"
openssl x509 -in "$lab/sub.crt" -outform DER -out "$lab/damaged.der"
python3 - "$lab/damaged.der" <<'PY'
import sys
octets = bytearray(open(sys.argv[1], "rb").read())
octets[-1] ^= 1
open(sys.argv[1], "wb").write(octets)
PY
(openssl x509 -inform DER -in "$lab/damaged.der"; cat "$lab/root/Root.crt") >"$lab/wrong.pem"
wrong "a signature that does not hold" "$lab/wrong.pem" "signature"

it "takes the right one without its chain, and says what that means"
scepter ca install "$lab/sub.crt" >"$lab/out" 2>"$lab/err" || fail "install: $(cat "$lab/err")"
has "what is missing" "holds no root certificate" "$lab/err"
refuse "the same again" scepter ca install "$lab/sub.crt"
has "why" "no CSR waits for a certificate: the authority has one with this chain" "$lab/refused.err"
refuse "another certificate" scepter ca install "$lab/other.crt"
cat "$lab/sub.crt" "$lab/root/Stranger.crt" >"$lab/wrong.pem"
refuse "a stranger's chain" scepter ca install "$lab/wrong.pem"

it "adds the chain later, from p7b"
openssl crl2pkcs7 -nocrl -certfile "$lab/sub.crt" -certfile "$lab/root/Root.crt" -outform DER -out "$lab/chain.p7b"
scepter ca install "$lab/chain.p7b" >"$lab/out" 2>"$lab/err" || fail "install: $(cat "$lab/err")"
[ ! -s "$lab/err" ] || fail "$(cat "$lab/err")"
has "audit" "1 issuers' certificates" <(scepter audit list --json | jq -r '.[] | select(.action == "authority.chain_added") | .detail')
refuse "a second time" scepter ca install "$lab/chain.p7b"
has "why" "no CSR waits" "$lab/refused.err"
equal "issuer" "CN=Root,O=Lab" "$(scepter ca show --json | field issuer)"
scepter ca export >"$lab/exported.crt"
cmp <(openssl x509 -in "$lab/exported.crt") <(openssl x509 -in "$lab/sub.crt") || fail "export"
equal "chain as p7b" 2 "$(scepter ca export --format p7b | openssl pkcs7 -inform DER -print_certs | grep -c '^subject')"

it "serves, and GetCACert carries RA, CA and root"
serve
curl -fsS -o "$lab/p7" "$url/scep?operation=GetCACert"
openssl pkcs7 -inform DER -print_certs -in "$lab/p7" | grep '^subject' >"$lab/subjects"
printf 'subject=CN = Sub CA RA\nsubject=CN = Sub CA\nsubject=O = Lab, CN = Root\n' | cmp - "$lab/subjects" ||
  fail "$(cat "$lab/subjects")"

it "enrols, and the certificate verifies against the root with the whole chain and the CRL"
# strongSwan writes the root and the subordinate into files of their own
quiet_pki --scepca --url "$url/scep/default" --caout "$lab/ca.crt" --raout "$lab/ra.crt" --outform pem --force
new_key "$lab/k.key"
quiet_pki --scep --url "$url/scep/default" --in "$lab/k.key" --cacert-enc "$lab/ra.crt" --cacert-sig "$lab/ra.crt" \
  --cacert "$lab/sub.crt" --cacert "$lab/root/Root.crt" --outform pem --dn "CN=a" --password "$(user_challenge alice)" \
  >"$lab/alice.crt" || fail "enrolment"
crl_file
openssl verify -x509_strict -crl_check -CAfile "$lab/root/Root.crt" -untrusted "$lab/sub.crt" -CRLfile "$lab/ca.crl" \
  -purpose sslclient "$lab/alice.crt" >"$lab/verify.out" 2>&1 || fail "$(cat "$lab/verify.out")"
curl -fsS "$url/CertEnroll/Sub%20CA.crt" | openssl x509 -inform DER | cmp - <(openssl x509 -in "$lab/sub.crt") || fail "AIA"

it "issues nothing that outlives it"
openssl x509 -in "$lab/sub.crt" -noout -enddate >"$lab/end"
sed -i 's/^validity .*/validity = "15y";/' "$lab/ca/templates/User.cfg"
reload
answers "long" 0 "$lab/long.crt" --url "$url/scep" --key "$lab/k.key" --subject /CN=b --challenge "$(user_challenge bob)"
equal "cut" "$(cat "$lab/end")" "$(openssl x509 -in "$lab/long.crt" -noout -enddate)"

echo "$checks behaviours hold"
