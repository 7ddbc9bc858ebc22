#!/usr/bin/env bash
# What an attacker puts into a request, and how: smuggled extensions (ESC1, ESC6, ESC15), names in disguise, foreign
# signers, renewals and challenges for somebody else, floods of text for the log.
. "$(dirname "$0")/lib.sh"
make_ca
configure failures_per_minute 0 # twenty race for one challenge below
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
lab_url=$url/scep/lab
new_key "$lab/k.key"
new_key "$lab/other.key"

# csr_with FILE SUBJECT [openssl -addext values]: a request with extensions of the attacker's choice
csr_with() {
  local file=$1 subject=$2 adds=() ext
  shift 2
  for ext in "$@"; do adds+=(-addext "$ext"); done
  printf '[req]\nprompt = no\nutf8 = yes\nstring_mask = utf8only\ndistinguished_name = dn\nattributes = at\n[dn]\n%s\n[at]\nchallengePassword = %s\n' \
    "$subject" "$phrase" >"$lab/req.cnf"
  openssl req -new -utf8 -config "$lab/req.cnf" -key "$lab/k.key" "${adds[@]}" -out "$file"
}
lab_csr() {
  local what=$1 wanted=$2 subject=$3
  shift 3
  csr_with "$lab/r.csr" "$subject" "$@"
  answers "$what" "$wanted" "$lab/c.crt" --url "$lab_url" --key "$lab/k.key" --csr "$lab/r.csr"
}
says() { reply failInfoText | grep -qF -- "$1" || fail "the reason is not \"$1\" but: $(reply failInfoText)"; }

it "issues nothing that was smuggled into the extension request"
lab_csr smuggled 0 'CN = smuggled' 'basicConstraints=critical,CA:TRUE' 'keyUsage=critical,keyCertSign,cRLSign' \
  'extendedKeyUsage=anyExtendedKeyUsage,1.3.6.1.4.1.311.20.2.1' \
  '1.3.6.1.4.1.311.25.2=DER:3005a003040153' '1.3.6.1.4.1.311.21.10=DER:3006300406022a03' \
  '1.3.6.1.4.1.311.21.7=DER:300406022a03' '1.3.6.1.4.1.311.20.2=DER:1e020041' '1.2.3.4.5=critical,DER:0500'
openssl x509 -in "$lab/c.crt" -noout -text >"$lab/text"
has "CA" "CA:FALSE" "$lab/text"
for word in 311.25.2 311.21.10 311.21.7 1.2.3.4.5 "Any Extended" 311.20.2 "Certificate Sign" "CRL Sign"; do
  has_not "smuggled" "$word" "$lab/text"
done

it "finds denied values in disguise"
for name in Administrator administrator. $'\uff21dministrator' $'\u00e1dministrator' $'a\u0301dministrator' \
  $'admin\u200bistrator' 'LAB/administrator' $'krbtgt\u00a0' $'g\u00fcest@LAB.EXAMPLE'; do
  lab_csr "$name" 2 "CN = $name"
  says denied_values
done
lab_csr "an umlaut" 0 $'CN = J\u00fcrgen'

it "takes a SID from no request, however its URI is written"
for sid in tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500 TAG:microsoft.com,2022-09-14:SID:S-1-5-21-1-2-3-500 \
  tag:microsoft.com,2022-09-14:%73id:S-1-5-21-1-2-3-500; do
  csr_with "$lab/r.csr" 'CN = sid' "subjectAltName=DER:$(python3 -c 'import sys; u = sys.argv[1].encode(); print((b"\x30" + bytes([len(u) + 2]) + b"\x86" + bytes([len(u)]) + u).hex())' "$sid")"
  answers "$sid" 2 "$lab/c.crt" --url "$lab_url" --key "$lab/k.key" --csr "$lab/r.csr"
  says sid-uri
done

it "keeps one line in the log for a subject of some kilobytes"
python3 -c 'for i in range(30): print(f"{i}.DC = x" + "+" * 200)' >"$lab/dn" # each + becomes five octets
lab_csr long 0 "$(cat "$lab/dn")"
serial=$(serial_of "$lab/c.crt")
equal "lines about it" 1 "$(grep -c "serial=$serial" "$lab/server.log")"
has_not "lost lines" log.lost "$lab/server.log"

it "certifies no other key than the one that signs"
openssl req -x509 -key "$lab/other.key" -subj /CN=signer -days 2 -out "$lab/signer.crt"
answers "another signer" 2 "$lab/c.crt" --url "$lab_url" --key "$lab/k.key" --subject /CN=x --challenge "$phrase" \
  --signer-cert "$lab/signer.crt" --signer-key "$lab/other.key"
says "another key than the request's"

it "takes no certificate for its own because of a name"
openssl req -x509 -key "$lab/other.key" -subj "/CN=Test Issuing CA" -days 2 -out "$lab/false-ca.crt"
openssl req -new -key "$lab/k.key" -subj /CN=x -out "$lab/false.csr"
openssl x509 -req -in "$lab/false.csr" -CA "$lab/false-ca.crt" -CAkey "$lab/other.key" -set_serial 1 -days 2 -out "$lab/false.crt" 2>/dev/null
answers "a false CA" 2 "$lab/c.crt" --url "$lab_url" --key "$lab/k.key" --subject /CN=x \
  --signer-cert "$lab/false.crt" --signer-key "$lab/k.key"
says "neither self-signed nor issued by this authority"

it "renews nothing under another name, by another profile, or when revoked"
answers "the old one" 0 "$lab/old.crt" --url "$lab_url" --key "$lab/k.key" --subject /CN=old --challenge "$phrase" --transaction old
renew() { answers "$1" "$2" "$lab/new.crt" --key "$lab/other.key" --signer-cert "$lab/old.crt" --signer-key "$lab/k.key" "${@:3}"; }
renew "another name" 2 --url "$lab_url" --subject /CN=new
renew "another SAN" 2 --url "$lab_url" --subject /CN=old --san DNS:x.lab.example
renew "another profile" 2 --url "$url/scep/ndes" --subject /CN=old
renew "the same" 0 --url "$lab_url" --subject /CN=old
scepter cert revoke "$(serial_of "$lab/old.crt")" >/dev/null
renew "revoked" 2 --url "$lab_url" --subject /CN=old --transaction after
says revoked

it "lets twenty racing clients use a challenge once"
challenge=$(scepter challenge new --profile device --set DeviceUid=race)
racers=()
for i in $(seq 20); do
  "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --url "$url/scep/device" --key "$lab/k.key" --subject /CN=race \
    --challenge "$challenge" --transaction "race-$i" --out "$lab/race-$i.crt" >"$lab/race-$i.out" 2>&1 &
  racers+=($!)
done
for racer in "${racers[@]}"; do wait "$racer" || true; done
equal "winners" 1 "$(cat "$lab"/race-*.out | grep -c '^pkiStatus=0')"

it "makes no challenge that is bound to nobody by accident"
refuse "an empty value" scepter challenge new --profile device --set DeviceUid=

it "writes through no symbolic link in its directory"
echo keep >"$lab/victim"
rm "$lab/ca/crl/0.crl"
ln -s "$lab/victim" "$lab/ca/crl/0.crl"
scepter crl publish >/dev/null
equal "the victim" keep "$(cat "$lab/victim")"
[ ! -L "$lab/ca/crl/0.crl" ] || fail "the link is still there"

it "tells secrets to nobody"
stop_server
equal "the server's end" 0 "$(cat "$lab/server.status")"
for secret in "$phrase" "$challenge"; do
  has_not "the log" "$secret" "$lab/server.log"
  ! grep -qaF "$secret" "$lab/ca/scepter.db" || fail "a challenge is in the store"
done
[ -z "$(find "$lab/ca" -perm /077)" ] || fail "others may read: $(find "$lab/ca" -perm /077)"
echo "$checks checks"
