#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hostile clients: slow, endless, cut off, broken, and a thousand at once (hostile.py has the kinds), while others enrol
# and fetch CRLs as ever. The server's memory stays bounded, and nothing of it is left behind.
. "$(dirname "$0")/lib.sh"
seconds=${SCEPTER_HOSTILE_SECONDS:-12}
memory_kb=${SCEPTER_HOSTILE_MEMORY_KB:-131072} # the sanitizers need more
make_ca --key ec:p256
sed -i 's/^# request_deadline = .*/request_deadline = "3s";/' "$lab/ca/scepter.cfg"
ulimit -Sn 1024 # what a service gets where nobody raised it
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
new_key "$lab/k.key"
crl_url=$(scepter crl show --json | field url)
enrol() {
  probe "$lab/$1.crt" --url "$url/scep/lab" --key "$lab/k.key" --subject "/CN=$1" --challenge "$phrase" --transaction "$1"
}
expect "a message" "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --url none --key "$lab/k.key" --subject /CN=hostile \
  --challenge "$phrase" --save "$lab/message"
expect "the first" enrol first
descriptors() { find "/proc/$server/fd" -mindepth 1 | wc -l; }
memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server/status"; }
before=$(descriptors)

it "serves others meanwhile"
# attack IDLE SECONDS
attack() {
  (ulimit -Sn "$(ulimit -Hn)" && exec python3 "$(dirname "$0")/hostile.py" "$port" "$lab/message" "$@") >"$lab/hostile" 2>&1 &
  hostile=$!
  pids+=("$hostile")
  wait_for 30 grep -q ready "$lab/hostile" || fail "$1 connections: $(cat "$lab/hostile")"
}
attack 1000 "$seconds"
all_held() { [ "$(descriptors)" -ge 1000 ]; }
wait_for 5 all_held || fail "only $(descriptors) descriptors are open beside 1,000 connections"
n=0 slowest_ms=0 largest=0
while kill -0 $hostile 2>/dev/null; do
  n=$((n + 1)) start=$(date +%s%3N)
  curl -fsS -m 5 -o "$lab/crl" "$crl_url" || fail "no CRL after $n rounds; $(cat "$lab/hostile")"
  took=$(($(date +%s%3N) - start))
  [ $took -le $slowest_ms ] || slowest_ms=$took
  timeout 5 "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --out "$lab/n.crt" --url "$url/scep/lab" --key "$lab/k.key" \
    --subject "/CN=n$n" --challenge "$phrase" --transaction "n$n" >"$lab/reply" 2>&1 || fail "no certificate in round $n: $(cat "$lab/reply")"
  now=$(memory)
  [ "$now" -le $largest ] || largest=$now
done
wait $hostile || fail "$(cat "$lab/hostile")"
sed 's/^/  /' "$lab/hostile"
echo "  $n enrolments and CRL downloads meanwhile, the slowest CRL after $slowest_ms ms; memory up to $largest kB"
[ $n -ge 5 ] || fail "only $n rounds"

it "keeps its memory bounded"
[ $largest -lt "$memory_kb" ] || fail "$largest kB, $memory_kb are allowed"

it "leaves no connection and no descriptor behind"
few() { [ "$(descriptors)" -le $((before + 8)) ]; } # idle readers of the store may have come
wait_for 20 few || fail "$(descriptors) descriptors instead of $before: $(ls -l "/proc/$server/fd" | tail -50)"
connected() { grep -c "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$port") [0-9A-F:]* 01 " /proc/net/tcp || true; }
none() { [ "$(connected)" -eq 0 ]; }
wait_for 20 none || fail "$(connected) connections are still open"
echo "  $(descriptors) descriptors, $before at the start"

it "is whole and stops at once"
expect "audit" scepter audit verify >/dev/null
python3 "$(dirname "$0")/received.py" "$lab/ca/scepter.db" >/dev/null || fail "not whole"
start=$SECONDS
stop_server
equal "exit code" 0 "$(cat "$lab/server.status")"
[ $((SECONDS - start)) -le 5 ] || fail "the stop took $((SECONDS - start)) s"

# with few descriptors, also by the hard limit
serve_with_few() {
  (
    ulimit -n 700
    exec "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port" 2>>"$lab/server.log"
  ) &
  server=$!
  pids+=("$server")
  wait_for 20 curl -fs "$url/readyz" || fail "not ready"
}

it "closes the idlest where the system allows few descriptors"
serve_with_few
has "why" "LimitNOFILE" "$lab/server.log"
attack 800 1
expect "a CRL" curl -fsS -m 5 -o "$lab/crl" "$crl_url"
expect "a certificate" enrol last
wait $hostile || fail "$(cat "$lab/hostile")"
kept=$(sed -n 's/^idle connections that were kept: \([0-9]*\) .*/\1/p' "$lab/hostile")
[ "$kept" -le 444 ] || fail "$kept of 800 idle connections were kept with 700 descriptors"
stop_server

it "closes those that send slowest when none is idle"
sed -i 's/^request_deadline = .*/request_deadline = "60s";/' "$lab/ca/scepter.cfg"
serve_with_few
python3 - "$port" >"$lab/slow" <<'PY' &
import socket, sys, time
head = b"POST /scep/lab?operation=PKIOperation HTTP/1.1\r\nHost: ca\r\nContent-Length: 5000\r\n\r\n0"
held = []
for _ in range(800):
    held.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20))
    try:
        held[-1].sendall(head)
    except ConnectionError:
        pass
print("ready", flush=True)
time.sleep(30)
PY
slow=$!
pids+=("$slow")
wait_for 20 grep -q ready "$lab/slow" || fail "800 slow requests could not be begun"
expect "a CRL" curl -fsS -m 5 -o "$lab/crl" "$crl_url"
expect "a certificate" enrol slow
kill -0 "$slow" || fail "the slow ones were gone by then"
kill "$slow"
stop_server

echo "$checks behaviours hold"
