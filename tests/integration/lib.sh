# SPDX-License-Identifier: Apache-2.0
# Sourced by the integration tests: a working directory, a server on a free loopback port, checks.
# Each test gets the path of the scepter program in $SCEPTER (set by CMake) and ends what it started by pid.
set -euo pipefail
export LC_ALL=C.UTF-8 # names and texts are UTF-8, whatever the caller's locale

: "${SCEPTER:?path of the scepter program}"
lab=$(mktemp -d)
pids=()
mounts=()
cleanup() {
  local status=$? pid mount
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  for mount in "${mounts[@]}"; do umount "$mount" || true; done
  if [ $status -ne 0 ] && [ -e "$lab/server.log" ]; then
    echo "--- the end of the server's log:" >&2
    tail -40 "$lab/server.log" >&2
  fi
  rm -rf "$lab" 2>/dev/null || { sleep 1 && rm -rf "$lab"; } # what an ended program's children still write
  exit $status
}
trap cleanup EXIT
trap 'exit 130' INT TERM

checks=0
# it NAME: says which behaviour is tested next
it() { current=$1; checks=$((checks + 1)); echo "- $1"; }
fail() { echo "FAILED: ${current:-}: $*" >&2; exit 1; }
# expect WHAT COMMAND...: the command succeeds
expect() { local what=$1; shift; "$@" || fail "$what"; }
# refuse WHAT COMMAND...: the command fails by itself (not by a signal or sanitizer: exit 1 or 2)
refuse() {
  local what=$1 status=0
  shift
  "$@" >"$lab/refused.out" 2>"$lab/refused.err" || status=$?
  [ $status -eq 1 ] || [ $status -eq 2 ] || fail "$what (exit $status): $(cat "$lab/refused.err")"
}
equal() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }
# has WHAT TEXT FILE: the file holds the text
has() { grep -qF -- "$2" "$3" || fail "$1: '$2' is not in: $(head -c 4000 "$3")"; }
has_not() { ! grep -qF -- "$2" "$3" || fail "$1: '$2' is in $3"; }
# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
  local tenths=$(($1 * 10)); shift
  while ! "$@" >/dev/null 2>&1; do
    [ $((tenths -= 1)) -gt 0 ] || return 1
    sleep 0.1
  done
}

# The kernel gives a free port; the server is told to take it.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

scepter() { "$SCEPTER" "$@" --dir "$lab/ca"; }

# make_ca [init options]: sets $port and $url
make_ca() {
  port=$(free_port)
  url=http://127.0.0.1:$port
  "$SCEPTER" init --dir "$lab/ca" --name "Test Issuing CA" --url "$url" --lab "$@" >"$lab/init.out"
}
# serve: starts the server on $port, sets $server
serve() {
  "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port" 2>>"$lab/server.log" &
  server=$!
  pids+=("$server")
  wait_for 20 curl -fs "$url/readyz" || fail "the server is not ready: $(curl -s "$url/readyz" || true)"
}
# stop_server [signal]
stop_server() {
  kill "-${1:-TERM}" "$server"
  local status=0
  wait "$server" 2>/dev/null || status=$?
  echo $status >"$lab/server.status"
}

# configure KEY VALUE: sets a key that init wrote as a comment with its default
configure() {
  grep -qE "^ *# $1 = " "$lab/ca/scepter.cfg" || fail "scepter.cfg has no comment about $1"
  sed -i -E "s|^( *)# $1 = .*|\\1$1 = $2;|" "$lab/ca/scepter.cfg"
}
# add_profile TEXT: another SCEP profile
add_profile() { sed -i "s|^profiles = (\$|&\n    $1,|" "$lab/ca/scepter.cfg"; }
# log_count EVENT: how often it stands in the server's log
log_count() { grep -cE "^[^ ]+ [a-z]+ $1( |\$)" "$lab/server.log" || true; }
# reload [EVENT]: SIGHUP, until the log says what became of it
reload() {
  local event=${1:-configuration.reloaded} before
  before=$(log_count "$event")
  kill -HUP "$server"
  reloaded() { [ "$(log_count "$event")" -gt "$before" ]; }
  wait_for 10 reloaded || fail "no $event in the log"
}

# field NAME: of the JSON object on standard input
field() { python3 -c 'import json, sys; v = json.load(sys.stdin)[sys.argv[1]]; print(v if not isinstance(v, (dict, list)) else json.dumps(v))' "$1"; }

# ---- strongSwan ----
quiet_pki() { pki "$@" 2> >(grep -v -e '^plugin ' -e '^TPM 2.0' >&2); }
# ca_files PROFILE: ca.crt, ra.crt of a profile in $lab
ca_files() {
  quiet_pki --scepca --url "$url/scep/$1" --caout "$lab/ca.crt" --raout "$lab/ra.crt" --outform pem --force
}
new_key() { openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" 2>/dev/null; }
# swan PROFILE KEY OUT [pki --scep options]
swan() {
  local profile=$1 key=$2 out=$3
  shift 3
  quiet_pki --scep --url "$url/scep/$profile" --in "$key" --cacert-enc "$lab/ra.crt" --cacert-sig "$lab/ra.crt" \
    --cacert "$lab/ca.crt" --outform pem "$@" >"$out"
}
# user_challenge NAME [challenge options]: a one-time challenge of the default profile for a person
user_challenge() {
  local name=$1
  shift
  scepter challenge new --profile default --set "EnrollmentUser=$name" \
    --set "UserPrincipalName=$name@LAB.TEST" --set "EmailAddress=$name@lab.test" "$@"
}
crl_file() {
  curl -fsS "$($SCEPTER crl show --json --dir "$lab/ca" | field url)" | openssl crl -inform DER -out "$lab/ca.crl"
}

# ---- the test client (tests/client): what strongSwan cannot send ----
# probe OUT [scep_client options]: prints what the reply said into $lab/reply; exit 0 SUCCESS, 2 FAILURE, 3 PENDING
probe() {
  local out=$1
  shift
  "$SCEPTER_TEST_CLIENT" --recipient "$lab/ra.crt" --out "$out" "$@" >"$lab/reply" 2>"$lab/reply.err"
}
# answers WHAT EXIT OUT [scep_client options]
answers() {
  local what=$1 wanted=$2 status=0
  shift 2
  probe "$@" || status=$?
  [ $status -eq "$wanted" ] || fail "$what: exit $status instead of $wanted: $(cat "$lab/reply" "$lab/reply.err")"
}
reply() { sed -n "s/^$1=//p" "$lab/reply"; }
serial_of() { openssl x509 -in "$1" -noout -serial | cut -d= -f2 | tr A-F a-f; }
