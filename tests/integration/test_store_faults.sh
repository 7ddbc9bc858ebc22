#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The store cannot be written, or is damaged: every client gets an answer, /readyz and the log say why, nothing that was
# issued is lost, and the server recovers by itself.
. "$(dirname "$0")/lib.sh"
new_key "$lab/k.key"
mkdir "$lab/got"

# device NAME: exit of the client; a certificate that arrived stays in got/
device() {
  local status=0
  probe "$lab/new.crt" --url "$url/scep/lab" --key "$lab/k.key" --subject "/CN=$1" --challenge "$phrase" --transaction "$1" || status=$?
  [ $status -ne 0 ] || mv "$lab/new.crt" "$lab/got/$1.crt"
  return $status
}
# until_code CODE: what /readyz answers
ready() { [ "$(curl -s -o "$lab/ready" -w '%{http_code}' "$url/readyz")" = "$1" ]; }
all_listed() {
  local file
  scepter cert list --json >"$lab/list.json"
  for file in "$lab"/got/*.crt; do
    has "lost: $file" "\"$(serial_of "$file")\"" "$lab/list.json"
  done
  equal "integrity" ok "$(sqlite3 "$lab/ca/scepter.db" 'PRAGMA integrity_check')"
  expect "audit" scepter audit verify >/dev/null
}

# without_space HOW FILL EMPTY: the disk is full, then it is not
without_space() {
  local how=$1 fill=$2 empty=$3 n status
  it "$how: refuses to issue with a reason that clients can tell from a denial, and says so in /readyz and the log"
  device "$how-before" || fail "before: $(cat "$lab/reply")"
  $fill
  full() { ! device "$how-$RANDOM$RANDOM"; }
  wait_for 20 full || fail "it still issues"
  has "the client" "http=50" "$lab/reply"
  wait_for 15 ready 503 || fail "readyz is content"
  grep -qi -e 'full' -e 'disk' "$lab/ready" || fail "readyz: $(cat "$lab/ready")"
  grep -q ' store.unready ' "$lab/server.log" || fail "nothing in the log"
  equal "alive" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$url/healthz")"
  equal "the CRL is served" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$(scepter_cdp)")"
  equal "the CA certificate is served" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$url/scep/lab?operation=GetCACert")"

  it "$how: issues again by itself when there is space"
  $empty
  wait_for 20 ready 200 || fail "readyz: $(cat "$lab/ready")"
  device "$how-after" || fail "after: $(cat "$lab/reply")"
  all_listed
}
scepter_cdp() { echo "$url/CertEnroll/Test%20Issuing%20CA.crl"; }

# ---- a small file system ----
mkdir "$lab/small"
if mount -t tmpfs -o size=4m,mode=755 tmpfs "$lab/small" 2>/dev/null; then
  mounts+=("$lab/small")
  mkdir -m 700 "$lab/small/ca"
  ln -s "$lab/small/ca" "$lab/ca"
  make_ca --key ec:p256
  phrase=$(cat "$lab/ca/keys/lab.challenge")
  serve
  ca_files lab
  fill() { dd if=/dev/zero of="$lab/small/ballast" bs=4096 2>/dev/null || true; }
  empty() { rm "$lab/small/ballast"; }
  without_space "a full disk" fill empty
  stop_server
  equal "exit" 0 "$(cat "$lab/server.status")"
  rm -rf "$lab/got" "$lab/ca" && mkdir "$lab/got"
else
  echo "  (no mount here: the full disk is left to the next part)"
fi

# ---- a limit on the size of files, set on the running server ----
make_ca --key ec:p256
phrase=$(cat "$lab/ca/keys/lab.challenge")
: >"$lab/server.log"
# the log goes through a pipe, so that the limit does not silence it
"$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port" 2> >(cat >>"$lab/server.log") &
server=$!
pids+=("$server")
wait_for 20 ready 200 || fail "not ready"
ca_files lab
limit() { prlimit --pid "$server" --fsize=4096:unlimited; }
lift() { prlimit --pid "$server" --fsize=unlimited:unlimited; }
without_space "no larger files" limit lift

it "answers every one of many clients while the disk fills and empties, and loses nothing"
load() {
  local n
  for n in $(seq 12); do
    status=0
    "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --out "$lab/load-$1.crt" --url "$url/scep/lab" --key "$lab/k.key" \
      --subject "/CN=load-$1-$n" --challenge "$phrase" --transaction "load-$1-$n" >/dev/null 2>&1 || status=$?
    case $status in
      0) mv "$lab/load-$1.crt" "$lab/got/load-$1-$n.crt" ;;
      4) ;;
      *) echo "load-$1-$n: exit $status" >>"$lab/load.odd" ;;
    esac
  done
}
loaders=()
for worker in 1 2 3; do
  load $worker &
  loaders+=($!)
done
for _ in 1 2 3; do
  limit
  sleep 0.2
  lift
  sleep 0.2
done
wait "${loaders[@]}"
[ ! -e "$lab/load.odd" ] || fail "$(cat "$lab/load.odd")"
wait_for 20 ready 200 || fail "readyz: $(cat "$lab/ready")"
all_listed
stop_server
equal "exit" 0 "$(cat "$lab/server.status")"

it "does not start on a damaged store, and says what is wrong with which file"
cp "$lab/ca/scepter.db" "$lab/good.db"
head -c 4096 /dev/zero | tr '\0' 'x' | dd of="$lab/ca/scepter.db" conv=notrunc bs=4096 2>/dev/null
refuse "a start" timeout 20 "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port"
has "file" "scepter.db" "$lab/refused.err"
equal "one line" 1 "$(wc -l <"$lab/refused.err")"
refuse "a command" scepter cert list
: >"$lab/ca/scepter.db"
refuse "an empty store" timeout 20 "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port"
rm "$lab/ca/scepter.db"
refuse "no store" timeout 20 "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port"
[ ! -s "$lab/ca/scepter.db" ] || fail "it made a new store in place of the lost one"

it "finds damage inside the store by doctor"
size=$(stat -c %s "$lab/good.db")
cp "$lab/good.db" "$lab/ca/scepter.db"
head -c $((size - 8192)) /dev/zero | tr '\0' 'x' | dd of="$lab/ca/scepter.db" bs=4096 seek=2 conv=notrunc 2>/dev/null
status=0
scepter doctor >"$lab/doctor.out" 2>&1 || status=$?
equal "exit" 1 $status
grep -q '^problem *store' "$lab/doctor.out" || fail "$(cat "$lab/doctor.out")"
cp "$lab/good.db" "$lab/ca/scepter.db"
all_listed

it "says which directory cannot be written, as an ordinary user"
as_user=()
if [ "$(id -u)" -eq 0 ]; then
  chmod 711 "$lab"
  install -m 755 "$SCEPTER" "$lab/scepter"
  chown -R 65534:65534 "$lab/ca"
  as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
else
  ln -s "$SCEPTER" "$lab/scepter"
fi
chmod -R a-w "$lab/ca"
refuse "a start" timeout 20 "${as_user[@]}" "$lab/scepter" serve --dir "$lab/ca" --listen "127.0.0.1:$port"
has "what" "$lab/ca" "$lab/refused.err"
equal "one line" 1 "$(wc -l <"$lab/refused.err")"
refuse "a change" "${as_user[@]}" "$lab/scepter" challenge new --dir "$lab/ca"
chmod -R u+w "$lab/ca"
"${as_user[@]}" "$lab/scepter" challenge new --dir "$lab/ca" >/dev/null || fail "when it can be written again"

echo "$checks behaviours hold"
