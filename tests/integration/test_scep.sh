#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What SCEP clients send that strongSwan does not: both methods, BER, every digest and cipher, EC keys, polls, GetCert,
# GetCRL, retries, and what is refused, with the failInfo that RFC 8894 section 3.2.1.4 means.
. "$(dirname "$0")/lib.sh"
make_ca
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
lab_url=$url/scep/lab
new_key "$lab/k.key"
device() { probe "$lab/c.crt" --url "$lab_url" --key "$lab/k.key" --subject /CN=dev --challenge "$phrase" "$@"; }
device_answers() {
  local what=$1 wanted=$2
  shift 2
  answers "$what" "$wanted" "$lab/c.crt" --url "$lab_url" --key "$lab/k.key" --subject /CN=dev --challenge "$phrase" "$@"
}

it "tells what it can, without SHA-1 and 3DES where the profile does not allow them"
curl -fsS -D "$lab/head" "$url/scep/lab?operation=GetCACaps&message=anything" >"$lab/caps"
for word in POSTPKIOperation Renewal SCEPStandard AES SHA-256 SHA-384 SHA-512; do grep -qx "$word" "$lab/caps" || fail "$word"; done
has_not "SHA-1" SHA-1 "$lab/caps"
has_not "DES3" DES3 "$lab/caps"
grep -qi '^content-type: text/plain' "$lab/head" || fail "type"

it "answers at every form of the URL"
for path in /scep /scep/ /scep/default /scep/default/ /scep/default/pkiclient.exe /scep/pkiclient.exe /certsrv/mscep \
  /certsrv/mscep/ /certsrv/mscep/mscep.dll /CERTSRV/mscep/mscep.dll/ /certsrv/mscep/mscep.dll/pkiclient.exe; do
  curl -fsS -D "$lab/head" -o "$lab/p7" "$url$path?operation=GetCACert" || fail "$path"
  grep -qi '^content-type: application/x-x509-ca-ra-cert' "$lab/head" || fail "type at $path"
done
equal "no such profile" 404 "$(curl -s -o /dev/null -w '%{http_code}' "$url/scep/nothing?operation=GetCACert")"

it "gives one RA certificate at /scep and two at the NDES URLs, before the CA's"
count() { openssl pkcs7 -inform DER -print_certs -in "$1" | grep -c '^subject'; }
curl -fsS -o "$lab/p7" "$url/scep?operation=GetCACert"
equal "combined" 2 "$(count "$lab/p7")"
curl -fsS -o "$lab/p7" "$url/certsrv/mscep/mscep.dll?operation=GetCACert"
equal "pair" 3 "$(count "$lab/p7")"

it "says 404 to GetNextCACert while there is none"
equal "404" 404 "$(curl -s -o "$lab/body" -w '%{http_code}' "$url/scep?operation=GetNextCACert")"
has "why" "no next CA certificate" "$lab/body"

it "takes POST and GET, DER and BER, recipients by issuer and serial and by key identifier"
device_answers "POST" 0
device_answers "GET" 0 --get --subject /CN=get
device_answers "indefinite lengths" 0 --indefinite --subject /CN=ber
device_answers "key identifier" 0 --ski --subject /CN=ski
equal "only the device's certificate inside" 1 "$(reply certificates)"

it "takes AES and SHA-2 of every length, and answers with the same"
for cipher in aes-128-cbc aes-192-cbc aes-256-cbc; do device_answers $cipher 0 --cipher $cipher --subject /CN=$cipher; done
for digest in sha256 sha384 sha512; do device_answers $digest 0 --digest $digest --subject /CN=$digest; done

it "refuses SHA-1, MD5, 3DES and DES with badAlg"
device_answers sha1 2 --digest sha1
equal "failInfo" 0 "$(reply failInfo)"
device_answers 3des 2 --cipher des3
equal "failInfo" 0 "$(reply failInfo)"
has "help" "allow" "$lab/reply"

it "takes SHA-1 and 3DES where the profile allows them"
sed -i '/name = "lab"/s/challenge = "static";/challenge = "static"; allow = ["sha1", "des3"];/' "$lab/ca/scepter.cfg"
kill -HUP "$server"
allowed() { curl -fsS "$lab_url?operation=GetCACaps" | grep -qx SHA-1; }
wait_for 5 allowed || fail "not reloaded"
device_answers sha1 0 --digest sha1 --subject /CN=sha1
device_answers 3des 0 --cipher des3 --subject /CN=des3

it "gives a retry the same certificate and does not consume the challenge again"
ca_files default
challenge=$(user_challenge carol)
answers "first" 0 "$lab/carol.crt" --url "$url/scep" --key "$lab/k.key" --subject /CN=carol --challenge "$challenge" --transaction T1 --save "$lab/message" --csr-out "$lab/csr.der"
openssl req -inform DER -in "$lab/csr.der" -out "$lab/csr.pem"
answers "the same octets" 0 "$lab/again.crt" --url "$url/scep" --key "$lab/k.key" --csr "$lab/csr.pem" --transaction T1
cmp "$lab/carol.crt" "$lab/again.crt" || fail "another certificate"
answers "another transaction is no retry" 2 "$lab/again.crt" --url "$url/scep" --key "$lab/k.key" --csr "$lab/csr.pem" --transaction T2

it "uses a challenge for one identity only (VU#971035)"
challenge=$(user_challenge dave)
answers "bound to dave" 0 "$lab/d.crt" --url "$url/scep" --key "$lab/k.key" --subject /CN=administrator \
  --san 'otherName:1.3.6.1.4.1.311.20.2.3;UTF8:administrator@LAB.TEST' --challenge "$challenge"
openssl x509 -in "$lab/d.crt" -noout -text >"$lab/d.txt"
has "dave" "UPN::dave@LAB.TEST" "$lab/d.txt"
has_not "administrator" "administrator" "$lab/d.txt"
challenge=$(scepter challenge new --profile device --set DeviceUid=D-1)
answers "another device" 2 "$lab/d.crt" --url "$url/scep/device" --key "$lab/k.key" --subject /CN=D-2 --challenge "$challenge"
has "why" "D-1" "$lab/reply"

it "takes names from a UEM's request, but none that is denied"
challenge=$(scepter challenge new --profile ndes)
ndes=$url/certsrv/mscep/mscep.dll
quiet_pki --scepca --url "$ndes" --caout "$lab/ca2.crt" --raout "$lab/ra2.crt" --outform pem --force
answers "administrator" 2 "$lab/u.crt" --url "$ndes" --key "$lab/k.key" --subject /CN=erin \
  --san 'otherName:1.3.6.1.4.1.311.20.2.3;UTF8:Administrator@LAB.TEST' --challenge "$challenge"
answers "erin" 0 "$lab/u.crt" --url "$ndes" --key "$lab/k.key" --subject /CN=erin \
  --san 'otherName:1.3.6.1.4.1.311.20.2.3;UTF8:erin@LAB.TEST' --san email:erin@lab.test --challenge "$challenge"
openssl x509 -in "$lab/u.crt" -noout -text >"$lab/u.txt"
has "UPN" "UPN::erin@LAB.TEST, email:erin@lab.test" "$lab/u.txt"
challenge=$(scepter challenge new --profile ndes)
answers "unlisted type" 2 "$lab/u.crt" --url "$ndes" --key "$lab/k.key" --subject /CN=erin --san DNS:dc.lab.test --challenge "$challenge"
has "named" "dns" "$lab/reply"

it "enrols an EC key and encrypts the reply with the challenge"
openssl ecparam -name prime256v1 -genkey -noout -out "$lab/ec.key"
answers "EC" 0 "$lab/ec.crt" --url "$lab_url" --key "$lab/ec.key" --subject /CN=ec --challenge "$phrase" --reply-password "$phrase"
openssl verify -CAfile "$lab/ca.crt" "$lab/ec.crt" >/dev/null || fail "verify"
answers "a request by password with PBKDF2 and SHA-1" 2 "$lab/ec.crt" --url "$lab_url" --key "$lab/ec.key" --subject /CN=ec2 \
  --challenge "$phrase" --password-recipient "$phrase" --reply-password "$phrase"
equal "failInfo" 0 "$(reply failInfo)"
answers "EC renewal without a challenge" 2 "$lab/ec.crt" --url "$lab_url" --key "$lab/ec.key" --subject /CN=ec --signer-cert "$lab/ec.crt" --signer-key "$lab/ec.key"
equal "failInfo" 2 "$(reply failInfo)"
has "why" "challenge" "$lab/reply"

it "answers polls for pending requests, also of EC keys, and only to the key that asked"
sed -i 's/approval *= *"auto"/approval = "manual"/' "$lab/ca/templates/LabDevice.cfg"
kill -HUP "$server"
manual() { scepter template show LabDevice 2>/dev/null | grep -qi manual; }
wait_for 5 manual || true
sleep 0.5
answers "pending" 3 "$lab/p.crt" --url "$lab_url" --key "$lab/ec.key" --subject /CN=pend --challenge "$phrase" --transaction P1
answers "poll" 3 "$lab/p.crt" --url "$lab_url" --key "$lab/ec.key" --subject /CN=pend --message-type 20 --issuer-cert "$lab/ca.crt" --transaction P1
new_key "$lab/other.key"
answers "a stranger's poll" 2 "$lab/p.crt" --url "$lab_url" --key "$lab/other.key" --subject /CN=pend --message-type 20 --issuer-cert "$lab/ca.crt" --transaction P1
answers "another key with that transactionID" 2 "$lab/p.crt" --url "$lab_url" --key "$lab/other.key" --subject /CN=pend --challenge "$phrase" --transaction P1
id=$(scepter request list --status pending --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["request_id"])')
scepter request approve "$id" >/dev/null
answers "issued" 0 "$lab/p.crt" --url "$lab_url" --key "$lab/ec.key" --subject /CN=pend --message-type 20 --issuer-cert "$lab/ca.crt" --transaction P1 --reply-password "$phrase"
openssl verify -CAfile "$lab/ca.crt" "$lab/p.crt" >/dev/null || fail "verify"
sed -i 's/approval *= *"manual"/approval = "auto"/' "$lab/ca/templates/LabDevice.cfg"
kill -HUP "$server"
sleep 0.5

it "answers GetCert and GetCRL to holders of a valid certificate only"
device_answers "a certificate" 0 --subject /CN=holder
cp "$lab/c.crt" "$lab/holder.crt"
serial=$(serial_of "$lab/carol.crt")
query=(--url "$lab_url" --key "$lab/k.key" --issuer-cert "$lab/ca.crt")
answers "GetCert" 0 "$lab/got.crt" "${query[@]}" --signer-cert "$lab/holder.crt" --message-type 21 --serial "$serial"
cmp <(openssl x509 -in "$lab/got.crt") <(openssl x509 -in "$lab/carol.crt") || fail "another certificate"
answers "GetCRL" 0 "$lab/got.crl" "${query[@]}" --signer-cert "$lab/holder.crt" --message-type 22 --serial "$serial"
openssl crl -in "$lab/got.crl" -noout -CAfile "$lab/ca.crt" 2>/dev/null || fail "the CRL does not verify"
answers "unknown serial" 2 "$lab/got.crt" "${query[@]}" --signer-cert "$lab/holder.crt" --message-type 21 --serial 0102030405
equal "failInfo" 4 "$(reply failInfo)"
answers "a stranger" 2 "$lab/got.crt" "${query[@]}" --message-type 21 --serial "$serial"
equal "failInfo" 4 "$(reply failInfo)"

it "gives one answer, of one size, to whatever is wrong inside the envelope"
ask_wrong() { # OUT KIND
  local status=0
  "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --url "$lab_url" --key "$lab/k.key" --subject /CN=dev \
    --challenge "$phrase" --corrupt "$2" --transaction "same-length" >"$1" 2>&1 || status=$?
  equal "$2" 2 $status
}
mkdir "$lab/wrong"
for n in $(seq 50); do
  for how in key key-length ciphertext content; do ask_wrong "$lab/wrong/$how-$n" $how; done
done
equal "answers" 200 "$(find "$lab/wrong" -type f | wc -l)"
equal "kinds of answers (octets, code, texts)" 1 "$(sha256sum "$lab"/wrong/* | cut -d' ' -f1 | sort -u | wc -l)"
has "octets" "octets=" "$lab/wrong/key-1"
has "code" "failInfo=1" "$lab/wrong/key-1"
echo "  200 answers: $(tr '\n' ' ' <"$lab/wrong/key-1")"

it "refuses a signature that does not hold with badMessageCheck"
device_answers "signature" 2 --corrupt signature
equal "failInfo" 1 "$(reply failInfo)"

it "refuses weak keys and its own keys"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$lab/weak.key" 2>/dev/null
answers "RSA-1024" 2 "$lab/w.crt" --url "$lab_url" --key "$lab/weak.key" --subject /CN=weak --challenge "$phrase"
equal "failInfo" 0 "$(reply failInfo)"
has "help" 2048 "$lab/reply"

it "answers 400 to what is no SCEP message, and stays up"
for body in "" "x" "$(head -c 2000 /dev/urandom | base64 -w0)"; do
  equal "POST" 400 "$(curl -s -o /dev/null -w '%{http_code}' --data-binary "$body" "$url/scep?operation=PKIOperation")"
done
equal "GET" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$url/scep?operation=PKIOperation&message=%%%")"
equal "unknown operation" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$url/scep?operation=Nothing")"
head -c 1100000 /dev/zero >"$lab/zeros"
equal "over 1 MiB" 413 "$(curl -s -o /dev/null -w '%{http_code}' --data-binary @"$lab/zeros" -H 'Expect:' "$url/scep?operation=PKIOperation")"
expect "alive" curl -fsS -o /dev/null "$url/healthz"

it "keeps the challenge out of log, rows and lists"
has_not "log" "$phrase" "$lab/server.log"
scepter request list --json >"$lab/requests.json"
has_not "rows" "$phrase" "$lab/requests.json"
! grep -aqF "$phrase" "$lab/ca/scepter.db" "$lab/ca/scepter.db-wal" || fail "the phrase is in the database"

echo "$checks behaviours hold"
