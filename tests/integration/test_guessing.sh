#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Somebody guesses a static phrase: answers to wrong ones are held back or refused, while a right one from the same
# address is answered at once, and nothing that waits holds up the server or its stop.
. "$(dirname "$0")/lib.sh"
make_ca
configure connections 64 # a quarter of them may wait
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
lab_url=$url/scep/lab
new_key "$lab/k.key"

# enrol NAME CHALLENGE: leaves its exit code in NAME.exit, and how long it took in NAME.ms
enrol() {
  local began status=0
  began=$(date +%s%3N)
  "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --url "$lab_url" --key "$lab/k.key" --subject "/CN=$1" \
    --transaction "$1" --challenge "$2" --out "$lab/$1.crt" >"$lab/$1.out" 2>&1 || status=$?
  echo $(($(date +%s%3N) - began)) >"$lab/$1.ms"
  echo $status >"$lab/$1.exit"
}
# guess FROM TO: that many wrong phrases at once
guess() {
  local i
  for i in $(seq "$1" "$2"); do
    enrol "guess-$i" "not-the-phrase-$i" &
    guesses+=($!)
  done
}
ended() { find "$lab" -name 'guess-*.exit' | wc -l; }
with_exit() { grep -lx "$1" "$lab"/guess-*.exit | wc -l; }
delayed() { curl -fs "$url/metrics" | sed -n 's/^scepter_http_delayed_total //p'; }
guesses=()

it "answers the first wrong phrases of a minute at once"
guess 1 10
for guess in "${guesses[@]}"; do wait "$guess"; done
guesses=()
equal "refused" 10 "$(with_exit 2)"
equal "delayed" 0 "$(delayed)"

it "answers a right phrase at once while wrong ones wait, and everything else too"
guess 11 40
judged() { [ "$(delayed)" = 30 ]; }
wait_for 30 judged || fail "delayed: $(delayed)"
enrol right "$phrase"
equal "the right one" 0 "$(cat "$lab/right.exit")"
expect "the CA's capabilities" curl -fs --max-time 4 -o "$lab/caps" "$lab_url?operation=GetCACaps"
[ "$(ended)" -lt 40 ] || fail "no wrong one waits any more"

it "holds back so many answers at most and refuses the others"
for guess in "${guesses[@]}"; do wait "$guess"; done
guesses=()
[ "$(with_exit 4)" -ge 8 ] || fail "refused by HTTP: $(with_exit 4)" # 30 less 16, less those whose wait ended meanwhile
[ "$(with_exit 2)" -ge 26 ] || fail "refused by SCEP: $(with_exit 2)"
equal "all of them" 40 $(($(with_exit 2) + $(with_exit 4)))
has "the server's log" "status=503" "$lab/server.log"
slowest=$(sort -n "$lab"/guess-*.ms | tail -1)
[ "$slowest" -ge 7000 ] || fail "the slowest answer took $slowest ms"

it "stops without waiting for answers that it holds back, and sends them"
guess 41 43
judged() { [ "$(delayed)" = 33 ]; }
wait_for 30 judged || fail "delayed: $(delayed)"
stop_server
equal "the server's end" 0 "$(cat "$lab/server.status")"
for guess in "${guesses[@]}"; do wait "$guess"; done
for i in 41 42 43; do
  equal "guess $i" 2 "$(cat "$lab/guess-$i.exit")"
  [ "$(cat "$lab/guess-$i.ms")" -lt 7000 ] || fail "guess $i took $(cat "$lab/guess-$i.ms") ms"
done

it "holds nothing back where no limit is set"
configure failures_per_minute 0
serve
before=$(with_exit 2)
guesses=()
guess 51 70
for guess in "${guesses[@]}"; do wait "$guess"; done
equal "refused" 20 $(($(with_exit 2) - before))
equal "delayed" 0 "$(delayed)"
echo "$checks checks"
