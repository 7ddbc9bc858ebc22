#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nginx with client certificates and our CRL, fetched from the CDP: enrolled gets in, revoked is refused.
. "$(dirname "$0")/lib.sh"
make_ca
serve
ca_files default
gate=$(free_port)

scepter cert issue --template WebServer --genkey --subject "CN=gw.lab.test" --san dns=localhost --out "$lab/gw.p12" <<<"gate" >/dev/null
openssl pkcs12 -in "$lab/gw.p12" -passin pass:gate -nodes -out "$lab/gw.pem" 2>/dev/null
openssl x509 -in "$lab/gw.pem" -out "$lab/gw.crt"
openssl pkey -in "$lab/gw.pem" -out "$lab/gw.key"

mkdir -p "$lab/nginx"
cat >"$lab/nginx.conf" <<NGINX
daemon off; worker_processes 1; pid $lab/nginx/pid; error_log $lab/nginx/error.log info;
events { worker_connections 64; }
http { access_log off;
 client_body_temp_path $lab/nginx/1; proxy_temp_path $lab/nginx/2; fastcgi_temp_path $lab/nginx/3;
 uwsgi_temp_path $lab/nginx/4; scgi_temp_path $lab/nginx/5;
 server { listen 127.0.0.1:$gate ssl;
  ssl_certificate $lab/gw.crt; ssl_certificate_key $lab/gw.key;
  ssl_client_certificate $lab/ca.crt; ssl_verify_client on; ssl_crl $lab/ca.crl;
  location / { return 200 "\$ssl_client_s_dn\n"; } } }
NGINX
crl_file
nginx -c "$lab/nginx.conf" 2>>"$lab/nginx/error.log" &
nginx=$!
pids+=("$nginx")
wait_for 10 curl -ks "https://localhost:$gate/" || fail "nginx does not answer: $(tail -3 "$lab/nginx/error.log")"

# through NAME: HTTP status at the gateway with that device's certificate
through() {
  curl -s -o "$lab/page" -w '%{http_code}' --cacert "$lab/ca.crt" --cert "$lab/$1.crt" --key "$lab/$1.key" "https://localhost:$gate/" || true
}
for name in alice bob; do
  new_key "$lab/$name.key"
  swan default "$lab/$name.key" "$lab/$name.crt" --dn "CN=$name" --password "$(user_challenge $name)"
done

it "lets an enrolled device in"
equal "alice" 200 "$(through alice)"
has "who" "WorkspaceONEUEM.alice" "$lab/page"
equal "bob" 200 "$(through bob)"

it "publishes a CRL within 3 seconds of the revocation, whoever ran it"
serial=$(openssl x509 -in "$lab/alice.crt" -noout -serial | cut -d= -f2)
scepter cert revoke "$serial" --reason keyCompromise >/dev/null
listed() { crl_file && openssl crl -in "$lab/ca.crl" -noout -text | grep -qi "Serial Number: $serial"; }
wait_for 3 listed || fail "the CRL does not list it after 3 seconds"
openssl crl -in "$lab/ca.crl" -noout -text >"$lab/crl.txt"
has "reason" "Key Compromise" "$lab/crl.txt"

it "shuts the door to the revoked device when the gateway has fetched the CRL, and to nobody else"
kill -HUP "$nginx"
refused() { [ "$(through alice)" = 400 ]; }
wait_for 5 refused || fail "alice is still let in: $(through alice)"
equal "bob" 200 "$(through bob)"

it "holds a certificate and lets it in again when it is unheld"
serial=$(openssl x509 -in "$lab/bob.crt" -noout -serial | cut -d= -f2)
scepter cert revoke "$serial" --reason certificateHold >/dev/null
wait_for 3 listed || fail "the CRL does not list the held one"
scepter cert unhold "$serial" >/dev/null
gone() { crl_file && ! openssl crl -in "$lab/ca.crl" -noout -text | grep -qi "Serial Number: $serial"; }
wait_for 4 gone || fail "the CRL still lists it"

it "verifies with OpenSSL, which fetches the CRL from the CDP itself"
openssl verify -crl_check -crl_download -CAfile "$lab/ca.crt" "$lab/bob.crt" >"$lab/verify.out" 2>&1 || fail "$(cat "$lab/verify.out")"
refuse "alice" openssl verify -crl_check -crl_download -CAfile "$lab/ca.crt" "$lab/alice.crt"

echo "$checks behaviours hold"
