#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The server as a process and as an HTTP server: what HTTP it takes and refuses, reloads, stops, its lock and its ports.
. "$(dirname "$0")/lib.sh"
make_ca --key ec:p256
configure request_deadline '"2s"'
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
new_key "$lab/k.key"

# raw [SECONDS]: sends standard input as it is, prints what comes until the server closes or says nothing more
raw() { timeout "${1:-5}" python3 "$lab/raw.py" "$port" || true; }
cat >"$lab/raw.py" <<'PY'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(sys.stdin.buffer.read())
try:
    s.shutdown(socket.SHUT_WR) if len(sys.argv) > 2 else None
    while True:
        got = s.recv(65536)
        if not got:
            break
        sys.stdout.buffer.write(got)
        sys.stdout.buffer.flush()
except OSError:
    pass
PY
status_line() { head -1 "$1" | tr -d '\r'; }

it "answers HTTP/1.0 without Host"
printf 'GET /scep?operation=GetCACaps HTTP/1.0\r\n\r\n' | raw >"$lab/out"
grep -q '^HTTP/1.[01] 200' "$lab/out" || fail "$(cat "$lab/out")"
has "capabilities" POSTPKIOperation "$lab/out"

it "answers HTTP/1.1 without Host, as some devices send it"
printf 'GET /scep?operation=GetCACaps HTTP/1.1\r\nConnection: close\r\n\r\n' | raw >"$lab/out"
grep -q '^HTTP/1.1 200' "$lab/out" || fail "$(cat "$lab/out")"

it "answers HEAD with the length and no body"
for path in "/CertEnroll/Test%20Issuing%20CA.crl" "/scep?operation=GetCACert" /healthz; do
  length=$(curl -fsS "$url$path" | wc -c)
  curl -fsS --head "$url$path" | tr -d '\r' >"$lab/head"
  grep -qi "^content-length: $length\$" "$lab/head" || fail "$path: $length: $(cat "$lab/head")"
done
printf 'HEAD /healthz HTTP/1.0\r\n\r\n' | raw >"$lab/out"
equal "the last line" "" "$(tail -1 "$lab/out" | tr -d '\r')"

it "takes a request line of 64 KiB by GET"
padding=$(head -c 63000 /dev/zero | tr '\0' 'x')
equal "caps" 200 "$(curl -s -o "$lab/caps" -w '%{http_code}' "$url/scep?operation=GetCACaps&message=$padding")"
has "capabilities" POSTPKIOperation "$lab/caps"

it "refuses a NUL in the path, two lengths, a length beside chunks"
equal "NUL" 400 "$(curl -s -o /dev/null -w '%{http_code}' "$url/healthz%00.html")"
printf 'POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx' | raw >"$lab/out"
equal "two lengths" "HTTP/1.1 400 Bad Request" "$(status_line "$lab/out")"
printf 'POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' |
  raw >"$lab/out"
equal "length and chunks" "HTTP/1.1 400 Bad Request" "$(status_line "$lab/out")"

it "says which methods an address takes"
equal "PUT" 405 "$(curl -s -D "$lab/head" -o /dev/null -w '%{http_code}' -X PUT "$url/scep?operation=GetCACaps")"
grep -qi '^allow: .*POST' "$lab/head" || fail "$(cat "$lab/head")"
equal "nothing there" 404 "$(curl -s -o /dev/null -w '%{http_code}' "$url/nothing")"

it "ends a body without end"
python3 - "$port" >"$lab/out" <<'PY'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(20)
s.sendall(b"POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
sent, answer = 0, b""
try:
    while sent < 64 << 20:
        s.sendall(chunk)
        sent += 65536
except OSError:
    pass
try:
    answer = s.recv(65536)
except OSError:
    pass
print(sent, answer.split(b"\r\n")[0].decode())
PY
read -r sent answer <"$lab/out"
[ "$sent" -lt $((32 << 20)) ] || fail "it read $sent octets"
case "$answer" in "" | "HTTP/1.1 413"*) ;; *) fail "$answer" ;; esac

it "cuts a header and a body that drip, however steadily, at the deadline"
cat >"$lab/drip.py" <<'PY'
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
start = time.monotonic()
try:
    while time.monotonic() - start < 15:
        s.sendall(b"x")
        time.sleep(0.1)
except OSError:
    pass
print(int((time.monotonic() - start) * 10))
PY
python3 "$lab/drip.py" "$port" 'GET /healthz HTTP/1.1\r\nHost: a\r\nX-Drip: ' >"$lab/drip.header" &
header=$!
python3 "$lab/drip.py" "$port" 'POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n' >"$lab/drip.body" &
body=$!
wait "$header" "$body"
for part in header body; do
  tenths=$(cat "$lab/drip.$part")
  [ "$tenths" -ge 15 ] && [ "$tenths" -lt 80 ] || fail "$part was cut after $tenths tenths of a second"
done

it "serves others while 300 connections idle"
python3 - "$port" "$lab/idle.ready" <<'PY' &
import socket, sys, time
sockets = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(300)]
open(sys.argv[2], "w").close()
time.sleep(60)
PY
idle=$!
pids+=("$idle")
wait_for 15 test -e "$lab/idle.ready" || fail "300 connections cannot be opened"
curl -fsS -m 5 -o /dev/null "$url/healthz" || fail "nobody else is served"
answers "enrolment" 0 "$lab/c.crt" --url "$url/scep/lab" --key "$lab/k.key" --subject /CN=dev --challenge "$phrase"
kill "$idle"
wait "$idle" 2>/dev/null || true

it "keeps its configuration when a template is damaged, and says file and line"
cp "$lab/ca/templates/LabDevice.cfg" "$lab/LabDevice.cfg"
sed -i 's/^validity .*/validity = "ninety days";/' "$lab/ca/templates/LabDevice.cfg"
line=$(grep -n '^validity' "$lab/ca/templates/LabDevice.cfg" | cut -d: -f1)
reload configuration.refused
has "file and line" "LabDevice.cfg:$line" "$lab/server.log"
answers "still" 0 "$lab/c.crt" --url "$url/scep/lab" --key "$lab/k.key" --subject /CN=still --challenge "$phrase"

it "says by another name that it is over"
cp "$lab/ca/templates/LabDevice.cfg" "$lab/damaged.cfg"
cp "$lab/LabDevice.cfg" "$lab/ca/templates/LabDevice.cfg"
reload configuration.refused.over
grep -q 'configuration.refused.over message="over: .*LabDevice.cfg:' "$lab/server.log" || fail "which complaint"
equal "beginnings" 1 "$(log_count configuration.refused)"

it "does not start with it"
cp "$lab/damaged.cfg" "$lab/ca/templates/LabDevice.cfg"
stop_server
refuse "a start" timeout 20 "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port"
has "file and line" "LabDevice.cfg:$line" "$lab/refused.err"
equal "one line" 1 "$(grep -c '^scepter: ' "$lab/refused.err")"
cp "$lab/LabDevice.cfg" "$lab/ca/templates/LabDevice.cfg"
serve

it "takes a good change over"
sed -i 's/^validity .*/validity = "7d";/' "$lab/ca/templates/LabDevice.cfg"
reload
answers "new validity" 0 "$lab/c.crt" --url "$url/scep/lab" --key "$lab/k.key" --subject /CN=week --challenge "$phrase"
openssl x509 -in "$lab/c.crt" -noout -checkend $((6 * 86400)) >/dev/null || fail "ends before 6 days"
! openssl x509 -in "$lab/c.crt" -noout -checkend $((8 * 86400)) >/dev/null || fail "ends after 8 days"

it "is the only server of its directory, and of its port"
refuse "a second one" timeout 20 "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$(free_port)"
has "which" "process $server" "$lab/refused.err"
"$SCEPTER" init --dir "$lab/other" --name Other --url http://ca.example:8080 --key ec:p256 >/dev/null
refuse "the port" timeout 20 "$SCEPTER" serve --dir "$lab/other" --listen "127.0.0.1:$port"
has "which port" "$port" "$lab/refused.err"

it "answers what it accepted when it is stopped, and exits 0"
mkdir "$lab/stop"
# enrols until the server is gone: every message that was sent has an answer, or its connection was never taken
load() {
  local n=0 status
  while :; do
    status=0
    "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --out "$lab/stop/$1.crt" --url "$url/scep/lab" --key "$lab/k.key" \
      --subject "/CN=stop-$1-$n" --challenge "$phrase" --transaction "$1-$n" >/dev/null 2>"$lab/stop/$1.err" || status=$?
    [ $status -eq 0 ] || break
    n=$((n + 1))
  done
  echo "$n $status $(cat "$lab/stop/$1.err")" >"$lab/stop/$1.end"
}
loaders=()
for worker in 1 2 3 4; do
  load $worker &
  loaders+=($!)
done
sleep 0.7
stop_server
wait "${loaders[@]}"
equal "exit" 0 "$(cat "$lab/server.status")"
answered=0
for worker in 1 2 3 4; do
  read -r n status why <"$lab/stop/$worker.end"
  equal "loader $worker: $why" 4 "$status"
  # a connection that still waited to be accepted is reset by the kernel
  case "$why" in *"connect to server"* | *"receiving data"* | *"sending data"*) ;; *) fail "loader $worker was left without an answer: $why" ;; esac
  answered=$((answered + n))
done
[ $answered -gt 4 ] || fail "only $answered were answered"
issued=$(scepter cert list --subject stop- --json | jq length)
equal "issued and answered" "$answered" "$issued"

it "listens on IPv6 where the kernel has it"
if [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
  "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port" --listen "[::1]:$port" 2>>"$lab/server.log" &
  server=$!
  pids+=("$server")
  wait_for 20 curl -fs "http://[::1]:$port/readyz" || fail "not ready on ::1"
  curl -fsS "http://[::1]:$port/scep?operation=GetCACaps" | grep -qx POSTPKIOperation || fail "no SCEP"
  curl -fsS -o /dev/null "$url/healthz" || fail "IPv4 beside it"
  stop_server
  equal "exit" 0 "$(cat "$lab/server.status")"
fi

it "takes any free port and logs which"
"$SCEPTER" serve --dir "$lab/ca" --listen 127.0.0.1:0 2>"$lab/any.log" &
server=$!
pids+=("$server")
wait_for 20 grep -q ' serving ' "$lab/any.log" || fail "$(cat "$lab/any.log")"
curl -fsS -o /dev/null "$(sed -n 's/.* serving .*url=\([^ ]*\).*/\1/p' "$lab/any.log")/healthz" || fail "$(cat "$lab/any.log")"
stop_server INT
equal "exit at SIGINT" 0 "$(cat "$lab/server.status")"

it "runs as an ordinary user"
as_user=()
if [ "$(id -u)" -eq 0 ]; then
  chmod 711 "$lab"
  install -d -o 65534 -g 65534 -m 700 "$lab/user"
  install -m 755 "$SCEPTER" "$lab/scepter"
  as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
else
  install -d -m 700 "$lab/user"
  ln -s "$SCEPTER" "$lab/scepter"
fi
"${as_user[@]}" "$lab/scepter" init --dir "$lab/user/ca" --name User --url http://ca.example:8080 --key ec:p256 >/dev/null ||
  fail "init"
"${as_user[@]}" "$lab/scepter" serve --dir "$lab/user/ca" --listen "127.0.0.1:$port" 2>>"$lab/server.log" &
server=$!
pids+=("$server")
wait_for 20 curl -fs "$url/readyz" || fail "not ready"
stop_server
equal "exit" 0 "$(cat "$lab/server.status")"

echo "$checks behaviours hold"
