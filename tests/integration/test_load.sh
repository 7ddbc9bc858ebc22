#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Eight clients enrol, renew and poll without pause while the configuration is reloaded, certificates are revoked, CRLs
# published and everything that is served from memory is fetched: what the thread sanitizer has to see. Nothing is
# refused, nothing is lost, and a stop in the middle finishes what was accepted. SCEPTER_LOAD_SECONDS says how long.
. "$(dirname "$0")/lib.sh"
seconds=${SCEPTER_LOAD_SECONDS:-6}
make_ca --key ec:p256
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
for worker in $(seq 8); do
  new_key "$lab/$worker.key"
  ln "$lab/$worker.key" "$lab/$worker-late.key"
done
mkdir "$lab/got" "$lab/done"
crl_url=$(scepter crl show --json | field url)

# client WORKER NAME OUT [options]: what is refused is written to a file that fails the test
client() {
  local worker=$1 name=$2 out=$3
  shift 3
  "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --url "$url/scep/lab" --key "$lab/$worker.key" --subject "/CN=$name" \
    --transaction "$name" --out "$out.crt" "$@" >"$out.reply" 2>&1 || { echo "$name: exit $?: $(cat "$out.reply")" >>"$lab/refusals"; return 1; }
  mv "$out.crt" "$out.pem"
}
load() {
  local n=0 name own
  while [ ! -e "$lab/enough" ]; do
    name=load-$1-$n own=$lab/got/load-$1-$n
    client "$1" "$name" "$own" --challenge "$phrase" || return 0
    case $((n % 4)) in
      0)
        client "$1" "$name" "$lab/got/again-$1" --challenge "$phrase" || return 0
        cmp -s "$own.pem" "$lab/got/again-$1.pem" || echo "$name: a retry got another certificate" >>"$lab/refusals"
        ;;
      1) client "$1" "$name" "$lab/done/renewed-$1-$n" --transaction "r-$1-$n" --signer-cert "$own.pem" || return 0 ;;
      2)
        client "$1" "$name" "$lab/got/query-$1" --message-type 21 --issuer-cert "$lab/ca.crt" --signer-cert "$own.pem" \
          --serial "$(serial_of "$own.pem")" || return 0
        ;;
      3)
        "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --url "$url/scep/lab" --key "$lab/$1.key" --subject /CN=x \
          --corrupt ciphertext >/dev/null 2>&1 || true
        ;;
    esac
    mv "$own.pem" "$lab/done/"
    n=$((n + 1))
  done
}
fetch() {
  local one
  while [ ! -e "$lab/enough" ]; do
    for one in "$crl_url" "$url/scep/lab?operation=GetCACert" "$url/scep/lab?operation=GetCACaps" "$url/metrics" "$url/readyz"; do
      curl -sS --fail-with-body -o "$lab/fetched" "$one" 2>>"$lab/refusals" || echo "$one: $(cat "$lab/fetched")" >>"$lab/refusals"
    done
  done
}
reloads() {
  while [ ! -e "$lab/enough" ]; do
    kill -HUP "$server"
    sleep 0.1
  done
}
revocations() {
  local one serial
  while [ ! -e "$lab/enough" ]; do
    for one in "$lab"/done/load-*.pem; do
      [ -e "$one" ] && [ ! -e "$lab/enough" ] || continue
      serial=$(serial_of "$one")
      [ ! -e "$lab/done/$serial.revoked" ] || continue
      scepter cert revoke "$serial" >/dev/null 2>&1 || echo "$one was not revoked" >>"$lab/refusals"
      touch "$lab/done/$serial.revoked"
      scepter challenge new --profile default --set EnrollmentUser=x >/dev/null || echo "no challenge" >>"$lab/refusals"
      scepter crl publish >/dev/null 2>&1 || true # refused while another process makes one
    done
    sleep 0.05
  done
}

it "serves eight clients through reloads and revocations"
workers=()
for worker in $(seq 8); do
  load "$worker" &
  workers+=($!)
done
for other in fetch reloads revocations; do
  $other &
  workers+=($!)
done
sleep "$seconds"
touch "$lab/enough"
for worker in "${workers[@]}"; do wait "$worker" || true; done
[ ! -s "$lab/refusals" ] || fail "$(head -5 "$lab/refusals")"
enrolled=$(find "$lab/done" -name '*.pem' | wc -l) revoked=$(find "$lab/done" -name '*.revoked' | wc -l)
[ "$enrolled" -ge 8 ] && [ "$revoked" -ge 1 ] || fail "only $enrolled certificates, $revoked revocations"
[ "$(log_count configuration.reloaded)" -ge 5 ] || fail "only $(log_count configuration.reloaded) reloads"
echo "  $enrolled certificates, $revoked revocations, $(log_count configuration.reloaded) reloads"

it "lost nothing"
python3 "$(dirname "$0")/received.py" "$lab/ca/scepter.db" "$lab/done" >/dev/null || fail "not whole"
expect "audit" scepter audit verify >/dev/null
all_listed() {
  local one
  crl_file
  openssl crl -in "$lab/ca.crl" -noout -text | tr A-F a-f >"$lab/crl.txt"
  for one in "$lab"/done/*.revoked; do
    grep -qF "$(basename "$one" .revoked)" "$lab/crl.txt" || return 1
  done
}
wait_for 4 all_listed || fail "a revoked one is not on the CRL"

it "finishes what was accepted when it is stopped in the middle"
rm "$lab/enough"
workers=()
for worker in $(seq 8); do
  load "$worker-late" 2>/dev/null &
  workers+=($!)
done
sleep 1
stop_server
equal "exit code" 0 "$(cat "$lab/server.status")"
touch "$lab/enough"
for worker in "${workers[@]}"; do wait "$worker" || true; done
python3 "$(dirname "$0")/received.py" "$lab/ca/scepter.db" "$lab/done" "$lab/got" >/dev/null || fail "not whole after the stop"
# 503 is for what came too late
has_not "an HTTP error in the middle of a stop" "http=500" <(cat "$lab"/got/*.reply)

echo "$checks behaviours hold"
