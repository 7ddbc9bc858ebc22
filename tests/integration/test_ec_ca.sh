#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Authorities with P-256 and P-384 keys: the RA stays RSA, so that every SCEP client enrols; CRL and certificates verify.
. "$(dirname "$0")/lib.sh"

# curve SPEC OPENSSL_NAME DIGEST
curve() {
  local spec=$1 name=$2 digest=$3
  it "$spec: the CA's key is on the curve, the RA's keys are RSA"
  make_ca --key "$spec"
  serve
  ca_files default
  openssl x509 -in "$lab/ca.crt" -noout -text >"$lab/ca.txt"
  has "curve" "ASN1 OID: $name" "$lab/ca.txt"
  has "signature" "Signature Algorithm: ecdsa-with-$digest" "$lab/ca.txt"
  openssl x509 -in "$lab/ra.crt" -noout -text >"$lab/ra.txt"
  has "RA" "Public-Key: (2048 bit)" "$lab/ra.txt"
  has "RA's signature" "Signature Algorithm: ecdsa-with-$digest" "$lab/ra.txt"
  equal "shown" "$spec" "$(scepter ca show --json | field key)"

  it "$spec: strongSwan enrols an RSA key, and the certificate verifies with the CRL"
  new_key "$lab/k.key"
  swan default "$lab/k.key" "$lab/k.crt" --dn "CN=a" --password "$(user_challenge alice)" || fail "enrolment"
  crl_file
  openssl verify -x509_strict -crl_check -CAfile "$lab/ca.crt" -CRLfile "$lab/ca.crl" -purpose sslclient "$lab/k.crt" >/dev/null ||
    fail "openssl verify"
  quiet_pki --verify --in "$lab/k.crt" --cacert "$lab/ca.crt" --online >"$lab/pki.out" 2>&1 || fail "pki --verify: $(cat "$lab/pki.out")"

  it "$spec: an EC key enrols, with the challenge as the reply's password"
  openssl ecparam -name "$name" -genkey -noout -out "$lab/ec.key"
  local challenge
  challenge=$(user_challenge bob)
  answers "EC" 0 "$lab/ec.crt" --url "$url/scep" --key "$lab/ec.key" --subject /CN=b --challenge "$challenge" \
    --reply-password "$challenge"
  openssl verify -x509_strict -CAfile "$lab/ca.crt" "$lab/ec.crt" >/dev/null || fail "openssl verify"
  openssl x509 -in "$lab/ec.crt" -noout -text | grep -A1 'X509v3 Key Usage' | grep -q 'Digital Signature, Key Agreement' ||
    fail "key usage"

  it "$spec: a revoked one is on the CRL that the server serves, and both verifiers see it"
  scepter cert revoke "$(serial_of "$lab/k.crt")" --reason keyCompromise >/dev/null
  refused() {
    crl_file && ! openssl verify -crl_check -CAfile "$lab/ca.crt" -CRLfile "$lab/ca.crl" "$lab/k.crt" >"$lab/verify.out" 2>&1
  }
  wait_for 5 refused || fail "still good"
  grep -q 'certificate revoked' "$lab/verify.out" || fail "$(cat "$lab/verify.out")"
  openssl crl -in "$lab/ca.crl" -noout -CAfile "$lab/ca.crt" 2>&1 | grep -q 'verify OK' || fail "the CRL's signature"
  ! quiet_pki --verify --in "$lab/k.crt" --cacert "$lab/ca.crt" --online >/dev/null 2>&1 || fail "pki sees nothing"

  stop_server
  equal "exit" 0 "$(cat "$lab/server.status")"
  rm -rf "$lab/ca"
}
curve ec:p256 prime256v1 SHA256
curve ec:p384 secp384r1 SHA384

it "makes a PKCS#12 with an EC key that OpenSSL opens"
make_ca --key ec:p384
printf 'name = "Ec"; subject = { from = "template"; pattern = "CN={EnrollmentUser}"; };\nkey = { types = ["ec"]; usage = "signing"; };\n' \
  >"$lab/ca/templates/Ec.cfg"
printf 'eku = ["clientAuth"]; validity = "1y"; renewal_window = "33%%"; approval = "auto";\n' >>"$lab/ca/templates/Ec.cfg"
echo secret | scepter cert issue --template Ec --genkey --out "$lab/ec.p12" --set EnrollmentUser=carol >"$lab/serial"
openssl pkcs12 -in "$lab/ec.p12" -passin pass:secret -nodes -out "$lab/p12.pem" 2>/dev/null || fail "openssl pkcs12"
equal "the key" "$(openssl pkey -in "$lab/p12.pem" -pubout)" "$(openssl x509 -in "$lab/p12.pem" -noout -pubkey)"
equal "the serial" "$(cat "$lab/serial")" "$(serial_of "$lab/p12.pem")"
equal "with the CA" 2 "$(grep -c 'BEGIN CERTIFICATE' "$lab/p12.pem")"

echo "$checks behaviours hold"
