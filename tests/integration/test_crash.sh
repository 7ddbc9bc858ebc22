#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 under load, in the middle of commands too: every certificate that a client received is listed and the same to
# the octet, a retry gets the one that was made, every challenge is used once, and the store, the audit chain, the CRL
# and every backup are whole. SCEPTER_CRASH_ROUNDS says how often, SCEPTER_CRASH_SECONDS for how long at most,
# SCEPTER_CRASH_SEED repeats the moments and commands of an earlier run.
. "$(dirname "$0")/lib.sh"
rounds=${SCEPTER_CRASH_ROUNDS:-20}
seconds=${SCEPTER_CRASH_SECONDS:-600}
seed=${SCEPTER_CRASH_SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
echo "  SCEPTER_CRASH_SEED=$seed"
make_ca --key ec:p256
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
for key in a b; do new_key "$lab/$key.key"; done
mkdir "$lab/got" "$lab/spent" "$lab/kept" "$lab/cut" "$lab/backup"

# request OUT PROFILE KEY SUBJECT CHALLENGE: its exit code is the client's
request() {
  "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --out "$1.crt" --url "$url/scep/$2" --key "$lab/$3.key" \
    --subject "/CN=$4" --challenge "$5" --transaction "$4" >"$1.reply" 2>&1 || return $?
  mv "$1.crt" "$1.pem" # whole, and SUCCESS
}
# enrols without end until the server is gone; the last one, which was cut off, is kept
load() {
  local n=0
  while request "$lab/got/$1-$n" lab a "once-$1-$n" "$phrase"; do n=$((n + 1)); done
  echo "once-$1-$n" >"$lab/cut/$1"
}
# two clients want a certificate for one challenge at the same moment
load_one_time() {
  local n=0 challenge first second
  while challenge=$(scepter challenge new --profile device --set "DeviceUid=once-$1-$n" 2>/dev/null); do
    first=0 second=0
    request "$lab/spent/$1-$n-a" device a "once-$1-$n" "$challenge" &
    request "$lab/spent/$1-$n-b" device b "once-$1-$n" "$challenge" || second=$?
    wait $! || first=$?
    echo "$challenge" >"$lab/spent/$1-$n.challenge"
    [ $first -ne 4 ] && [ $second -ne 4 ] || return 0
    n=$((n + 1))
  done
}
# what an administrator does meanwhile, in the order of the digits of $2
commands() {
  local n=0 which one serial
  for which in $(echo "$2" | fold -w1); do
    n=$((n + 1))
    case $which in
      0 | 1)
        one=$(find "$lab/got" "$lab/kept" -name '*.pem' -print -quit)
        [ -n "$one" ] || continue
        serial=$(serial_of "$one")
        scepter cert revoke "$serial" && touch "$lab/got/$serial.revoked"
        ;;
      2) scepter crl publish ;;
      3) scepter challenge new --profile default --set "EnrollmentUser=u$1" ;;
      4) scepter backup "$lab/backup/$1-$n" ;;
    esac
  done >/dev/null 2>&1
}
crl_verifies() { openssl crl -inform DER -in "$lab/ca/crl/0.crl" -noout -CAfile "$lab/ca.crt" 2>/dev/null; }
# What a round left behind. The load's clients are gone, the server runs again.
check_round() {
  local who cut
  expect "the CRL verifies" crl_verifies
  for cut in "$lab"/cut/*; do
    who=$(cat "$cut")
    request "$lab/got/retry-$who" lab a "$who" "$phrase" || fail "the retry of $who: $(cat "$lab/got/retry-$who.reply")"
  done
  python3 "$(dirname "$0")/received.py" "$lab/ca/scepter.db" "$lab/got" "$lab/spent" >"$lab/received" || fail "round $1"
  expect "audit of round $1" scepter audit verify >"$lab/audit"
}
something_received() {
  [ -n "$(find "$lab/got" -name '*.pem' -print -quit)" ] && [ -n "$(find "$lab/spent" -name '*.pem' -print -quit)" ]
}
keep_round() {
  local file
  for file in "$lab"/got/*.pem "$lab"/spent/*.pem; do [ ! -e "$file" ] || mv "$file" "$lab/kept/$1-$(basename "$file")"; done
  find "$lab/got" "$lab/spent" -name '*.reply' -delete
}

it "loses nothing and gives nothing twice, over $rounds rounds"
end=$((SECONDS + seconds)) round=0
while [ $round -lt "$rounds" ] && [ $SECONDS -lt $end ]; do
  round=$((round + 1))
  rm -f "$lab"/cut/*
  moment=$((RANDOM % 800)) order=$((RANDOM % 5))$((RANDOM % 5))$((RANDOM % 5))$((RANDOM % 5)) too=$((RANDOM % 2))
  loaders=()
  for worker in 1 2 3; do
    load "$round-$worker" &
    loaders+=($!)
  done
  load_one_time "$round-d" &
  loaders+=($!)
  set -m # a group of its own, which can be killed with the command that it runs
  commands "$round" "$order" &
  administrator=$!
  set +m
  # every other round begins to count at the first certificates, so that slow builds too are hit at work
  [ $((round % 2)) -eq 0 ] || wait_for 20 something_received || fail "nothing is issued"
  sleep "$(printf '0.%03d' $moment)"
  [ $too -eq 0 ] || kill -KILL -- -$administrator 2>/dev/null || true
  stop_server KILL
  for loader in "${loaders[@]}"; do wait "$loader" || true; done
  wait $administrator 2>/dev/null || true
  serve
  check_round $round
  keep_round $round
done
echo "  $round rounds"

it "lists all that was received, and exports one to the octet"
python3 "$(dirname "$0")/received.py" "$lab/ca/scepter.db" "$lab/kept" "$lab/got" >"$lab/received" || fail "lost"
received=$(cat "$lab/received")
[ "$received" -gt "$round" ] || fail "only $received certificates were received"
scepter cert list --json --limit 1000000 >"$lab/list.json"
equal "listed" "$(sqlite3 "$lab/ca/scepter.db" 'SELECT count(*) FROM certificate')" "$(jq length "$lab/list.json")"
one=$(find "$lab/kept" -name '*.pem' -print -quit)
scepter cert export "$(serial_of "$one")" | cmp - <(openssl x509 -in "$one") || fail "another certificate"
echo "  $received certificates received"

it "does not take a challenge that was used before a crash"
spent=0
for one in "$lab"/kept/*-d-*.pem; do
  [ -e "$one" ] || continue
  name=$(basename "$one" .pem)                    # ROUND-ROUND-d-N-KEY
  name=${name#*-} name=${name%-?}
  status=0
  request "$lab/again" device b "again-$name" "$(cat "$lab/spent/$name.challenge")" || status=$?
  equal "the challenge of $name again" 2 $status
  [ $((spent += 1)) -lt 10 ] || break
done
[ $spent -gt 0 ] || fail "no challenge was used"

it "names on the CRL what was confirmed as revoked"
scepter crl publish >/dev/null
openssl crl -inform DER -in "$lab/ca/crl/0.crl" -noout -text | tr A-F a-f >"$lab/crl.txt"
revoked=0
for one in "$lab"/got/*.revoked; do
  [ -e "$one" ] || continue
  has "revoked" "$(basename "$one" .revoked)" "$lab/crl.txt"
  revoked=$((revoked + 1))
done
echo "  $revoked revoked"

it "leaves only whole backups under the names that were asked for"
backups=0
for one in "$lab"/backup/*; do
  case $one in *-? | *-??) ;; *) continue ;; esac # not what a killed command was still writing
  mkdir "$lab/unpacked"
  tar -xf "$one" -C "$lab/unpacked"
  python3 "$(dirname "$0")/received.py" "$(find "$lab/unpacked" -name '*.db')" >/dev/null || fail "$one"
  rm -r "$lab/unpacked"
  backups=$((backups + 1))
done
echo "  $backups backups"

echo "$checks behaviours hold"
