#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Power loss: what lay on the disk at any moment under load opens and is whole, holds every certificate that a client
# had received by then (commits are durable before the answer), and stays whole where the end of the write-ahead log is
# cut off, torn or followed by rubbish. SCEPTER_POWER_LOSSES says how often, SCEPTER_CRASH_SEED repeats earlier moments.
. "$(dirname "$0")/lib.sh"
moments=${SCEPTER_POWER_LOSSES:-4}
seed=${SCEPTER_CRASH_SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
echo "  SCEPTER_CRASH_SEED=$seed"
make_ca --key ec:p256
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
new_key "$lab/k.key"
mkdir "$lab/got"

load() {
  local n=0
  while [ ! -e "$lab/enough" ]; do
    "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --out "$lab/got/$1-$n.crt" --url "$url/scep/lab" --key "$lab/k.key" \
      --subject "/CN=once-$1-$n" --challenge "$phrase" --transaction "$1-$n" >/dev/null || return
    mv "$lab/got/$1-$n.crt" "$lab/got/$1-$n.pem"
    n=$((n + 1))
  done
}
# writes the log back into the database without end, so that this too is interrupted
checkpoints() {
  exec python3 - "$lab/ca/scepter.db" <<'PY'
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1])
while True:
    database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    time.sleep(0.05)
PY
}
# Octets of the log that SQLite needs: it syncs frames before it writes them into the database, and so these cannot be
# lost. The shared index says how many it has begun to write back (nBackfillAttempted, sqlite.org/walformat.html 4.4).
needed() {
  python3 - "$lab/ca" <<'PY'
import struct, sys
with open(sys.argv[1] + "/scepter.db-shm", "rb") as index, open(sys.argv[1] + "/scepter.db-wal", "rb") as log:
    attempted = struct.unpack_from("=I", index.read(136), 128)[0]
    page = struct.unpack_from(">I", log.read(32), 8)[0] if attempted else 0
    print(32 + attempted * (24 + page) if attempted else 0)
PY
}
# take NAME: the files as they lie on the disk; the index in memory never does
take() {
  mkdir -p "$lab/$1/got"
  kill -STOP "$server" "$checkpoints"
  cp -r "$lab/ca" "$lab/$1/ca"
  find "$lab/got" -name '*.pem' -exec cp {} "$lab/$1/got" \;
  needed >"$lab/$1/needed"
  kill -CONT "$server" "$checkpoints"
  rm -f "$lab/$1/ca/scepter.db-shm"
}
# whole WHAT NAME [directory of what clients received]
whole() {
  local what=$1 ca=$lab/$2/ca
  shift 2
  "$SCEPTER" cert list --json --limit 100000 --dir "$ca" >"$lab/list.json" || fail "$what does not open"
  "$SCEPTER" audit verify --dir "$ca" >"$lab/audit" || fail "$what: the audit chain"
  python3 "$(dirname "$0")/received.py" "$ca/scepter.db" "$@" >"$lab/received" || fail "$what is not whole"
}
# variant NAME: another copy of it in $lab/variant
variant() {
  rm -rf "$lab/variant"
  cp -r "$lab/$1" "$lab/variant"
}
wal=$lab/variant/ca/scepter.db-wal
size_of() { stat -c %s "$1"; }
random_of() { echo $(((RANDOM * 32768 + RANDOM) % $1)); }

checkpoints &
checkpoints=$!
pids+=("$checkpoints")
loaders=()
for worker in 1 2 3 4; do
  load $worker &
  loaders+=($!)
done
something_received() { [ -n "$(find "$lab/got" -name '*.pem' -print -quit)" ]; }
wait_for 20 something_received || fail "nothing is issued"
for moment in $(seq "$moments"); do
  sleep "$(printf '0.%03d' $((100 + RANDOM % 600)))"
  take "at$moment"
done
touch "$lab/enough"
for loader in "${loaders[@]}"; do wait "$loader" || fail "a client failed"; done
kill "$checkpoints"
stop_server

it "keeps what any client had received, at every moment"
for moment in $(seq "$moments"); do
  variant "at$moment"
  whole "the copy $moment" variant "$lab/at$moment/got"
done
echo "  $moments moments, $(cat "$lab/received") certificates at the last"
[ "$(cat "$lab/received")" -gt 3 ] || fail "too few to mean anything"

it "is whole with the log cut off anywhere"
cuts=0
for moment in $(seq "$moments"); do
  needed=$(cat "$lab/at$moment/needed")
  for _ in 1 2 3; do
    variant "at$moment"
    size=$(size_of "$wal")
    [ "$size" -gt "$needed" ] || continue
    truncate -s $((needed + $(random_of $((size - needed))))) "$wal"
    whole "the copy $moment with $(size_of "$wal") of $size octets of its log" variant
    cuts=$((cuts + 1))
  done
done
[ $cuts -gt 0 ] || fail "no log to cut"

it "is whole with a torn end of the log, and with rubbish behind it"
for moment in $(seq "$moments"); do
  variant "at$moment"
  head -c $((1 + $(random_of 20000))) /dev/urandom >>"$wal"
  whole "the copy $moment with rubbish behind its log" variant "$lab/at$moment/got"
  variant "at$moment"
  size=$(size_of "$wal") needed=$(cat "$lab/at$moment/needed")
  [ "$size" -gt "$needed" ] || continue
  at=$((needed + $(random_of $((size - needed)))))
  head -c $((size - at)) /dev/urandom | dd of="$wal" bs=64K oflag=seek_bytes seek=$at conv=notrunc status=none
  whole "the copy $moment with rubbish from octet $at of $size of its log" variant
done

it "serves from such a copy"
variant "at$moments"
port=$(free_port)
rm -rf "$lab/ca"
mv "$lab/variant/ca" "$lab/ca"
url=http://127.0.0.1:$port
serve
expect "a certificate" "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --out "$lab/new.crt" --url "$url/scep/lab" \
  --key "$lab/k.key" --subject /CN=after --challenge "$phrase" --transaction after >/dev/null

echo "$checks behaviours hold"
