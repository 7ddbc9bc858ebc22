#!/usr/bin/env bash
# kill -9 under load: every certificate that a client received is listed, exported to the octet, and can be revoked.
. "$(dirname "$0")/lib.sh"
rounds=${SCEPTER_CRASH_ROUNDS:-3}
make_ca --key ec:p256
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
new_key "$lab/k.key"
mkdir "$lab/got"

# enrols without end until the server is gone
load() {
  local n=0
  while probe "$lab/got/$1-$n.crt" --url "$url/scep/lab" --key "$lab/k.key" --subject "/CN=load-$1-$n" \
    --challenge "$phrase" --transaction "$1-$n"; do
    mv "$lab/got/$1-$n.crt" "$lab/got/$1-$n.pem" # whole, and SUCCESS
    n=$((n + 1))
  done
}
# each loader has a reply file of its own
probe() {
  local out=$1
  shift
  "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --out "$out" "$@" >/dev/null 2>&1
}

it "loses nothing that a client received"
for round in $(seq "$rounds"); do
  loaders=()
  for worker in 1 2 3 4; do
    load "$round-$worker" &
    loaders+=($!)
  done
  sleep "$(python3 -c 'import random; print(round(random.uniform(0.3, 1.5), 2))')"
  stop_server KILL
  for loader in "${loaders[@]}"; do wait "$loader" || true; done
  serve
done
received=$(find "$lab/got" -name '*.pem' | wc -l)
[ "$received" -gt 10 ] || fail "only $received certificates were received"
scepter cert list --json >"$lab/list.json"
python3 - "$lab" <<'PY'
import glob, json, subprocess, sys
lab = sys.argv[1]
known = {row["serial"]: row for row in json.load(open(lab + "/list.json"))}
for path in glob.glob(lab + "/got/*.pem"):
    serial = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-serial"], capture_output=True, text=True,
                            check=True).stdout.strip().split("=")[1].lower()
    assert serial in known, "lost: " + path + " " + serial
    assert known[serial]["status"] == "valid", known[serial]
PY
echo "  $received certificates, all listed"

it "exports one of them to the octet and revokes it"
one=$(find "$lab/got" -name '*.pem' -print -quit)
serial=$(serial_of "$one")
scepter cert export "$serial" | cmp - <(openssl x509 -in "$one") || fail "another certificate"
scepter cert revoke "$serial" >/dev/null
revoked() { crl_file && openssl crl -in "$lab/ca.crl" -noout -text | grep -qi "$serial"; }
wait_for 4 revoked || fail "not on the CRL"

it "has a whole database and a whole audit chain"
equal "integrity" ok "$(sqlite3 "$lab/ca/scepter.db" 'PRAGMA integrity_check')"
expect "audit" scepter audit verify >/dev/null

echo "$checks behaviours hold"
