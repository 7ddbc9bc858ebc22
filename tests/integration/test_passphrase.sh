#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Key files that are encrypted: the passphrase comes from a file or the environment, is written nowhere, and a wrong one or
# none ends in one clear line.
. "$(dirname "$0")/lib.sh"
phrase="correct horse battery staple"

# encrypted DIR: every private key in it
encrypted() {
  local file found=0
  for file in "$1"/keys/*.key; do
    found=$((found + 1))
    grep -q 'BEGIN ENCRYPTED PRIVATE KEY' "$file" || fail "$file is not encrypted"
    equal "$file's mode" 600 "$(stat -c %a "$file")"
    ! openssl pkey -in "$file" -passin pass:wrong -noout 2>/dev/null || fail "$file opens with any passphrase"
    openssl pkey -in "$file" -passin "pass:$phrase" -noout || fail "$file does not open"
  done
  [ $found -gt 3 ] || fail "only $found key files"
  ! grep -raqF "$phrase" "$1" || fail "the passphrase stands in $1"
}
# refused_start WHAT WORDS
refused_start() {
  refuse "$1" timeout 20 "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port"
  has "$1" "$2" "$lab/refused.err"
  equal "$1: one line" 1 "$(wc -l <"$lab/refused.err")"
  has_not "$1" "$phrase" "$lab/refused.err"
}

it "encrypts every key file with the passphrase of a file"
printf '%s\n' "$phrase" >"$lab/phrase"
chmod 600 "$lab/phrase"
make_ca --passphrase "file:$lab/phrase"
encrypted "$lab/ca"

it "serves and enrols with it"
serve
ca_files default
new_key "$lab/k.key"
answers "enrolment" 0 "$lab/c.crt" --url "$url/scep" --key "$lab/k.key" --subject /CN=a --challenge "$(user_challenge alice)"
openssl verify -CAfile "$lab/ca.crt" "$lab/c.crt" >/dev/null || fail "verify"
scepter cert revoke "$(serial_of "$lab/c.crt")" >/dev/null || fail "a command with the keys beside it"
stop_server
has_not "log" "$phrase" "$lab/server.log"

it "refuses a passphrase that others can read"
chmod 640 "$lab/phrase"
refuse "a readable passphrase" scepter crl publish
has "what to do" "chmod 600" "$lab/refused.err"
chmod 600 "$lab/phrase"

it "refuses a wrong passphrase, an empty one and no file"
printf 'wrong\n' >"$lab/phrase"
refused_start "wrong" "passphrase"
refuse "another command" scepter crl publish
has "another command" "passphrase" "$lab/refused.err"
: >"$lab/phrase"
refused_start "empty" "empty"
rm "$lab/phrase"
refused_start "no file" "$lab/phrase"
printf '%s\n' "$phrase" >"$lab/phrase"
chmod 600 "$lab/phrase"
serve
stop_server

it "does the same with an environment variable"
rm -rf "$lab/ca"
export SCEPTER_TEST_PASSPHRASE=$phrase
make_ca --key ec:p256 --passphrase env:SCEPTER_TEST_PASSPHRASE
encrypted "$lab/ca"
serve
answers "enrolment" 0 "$lab/d.crt" --url "$url/scep" --key "$lab/k.key" --subject /CN=a --challenge "$(user_challenge bob)" \
  --recipient <(quiet_pki --scepca --url "$url/scep/default" --caout "$lab/ca2.crt" --raout "$lab/ra2.crt" --outform pem --force >&2 &&
    cat "$lab/ra2.crt")
stop_server
SCEPTER_TEST_PASSPHRASE=wrong
refused_start "wrong" "passphrase"
unset SCEPTER_TEST_PASSPHRASE
refused_start "not set" "SCEPTER_TEST_PASSPHRASE"

it "refuses a source that it does not know at init, and leaves nothing behind"
status=0
"$SCEPTER" init --dir "$lab/third" --name T --url http://ca.example --passphrase "$phrase" >/dev/null 2>"$lab/err" || status=$?
[ $status -ne 0 ] || fail "accepted"
has "what is allowed" "file:" "$lab/err"
[ ! -e "$lab/third/scepter.cfg" ] || fail "it left files"

echo "$checks behaviours hold"
