#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# /metrics: the format that Prometheus reads, figures that move with what happens, and who may read them.
. "$(dirname "$0")/lib.sh"
make_ca
serve
ca_files lab
phrase=$(cat "$lab/ca/keys/lab.challenge")
new_key "$lab/k.key"
enrol() { # WHAT EXIT [scep_client options]
  local what=$1 wanted=$2
  shift 2
  answers "$what" "$wanted" "$lab/c.crt" --url "$url/scep/lab" --key "$lab/k.key" "$@"
}
scrape() { curl -fsS -D "$lab/head" -o "$lab/metrics" "$url/metrics"; }
# figure SERIES: its value
figure() { awk -v series="$1" 'index($0, series " ") == 1 { print substr($0, length(series) + 2) }' "$lab/metrics"; }
# becomes SERIES VALUE: within the time in which figures of the store are read again
is_now() { scrape && [ "$(figure "$1")" = "$2" ]; }
becomes() { wait_for 12 is_now "$1" "$2" || fail "$1 is $(figure "$1") and not $2"; }

it "has the content type of the text format, and HEAD"
scrape
grep -qi '^content-type: text/plain; version=0.0.4' "$lab/head" || fail "type: $(cat "$lab/head")"
curl -fsSI "$url/metrics" | grep -qi '^content-type: text/plain; version=0.0.4' || fail "HEAD"
equal "POST" 405 "$(curl -s -o /dev/null -w '%{http_code}' -d x "$url/metrics")"

it "gives only lines that parse, each family once, with HELP and TYPE before its samples"
check_page() {
  python3 - "$lab/metrics" <<'EOF'
import re, sys
name = r'[a-zA-Z_:][a-zA-Z0-9_:]*'
label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
sample = re.compile(rf'({name})(\{{{label}(?:,{label})*\}})? (-?[0-9]+(?:\.[0-9]+)?)$')
family, kind, seen, series, helped = None, None, set(), set(), None
text = open(sys.argv[1], encoding='utf-8').read()
assert text.endswith('\n')
buckets = {}
for line in text[:-1].split('\n'):
    if line.startswith('# HELP '):
        helped = line.split(' ')[2]
        assert helped not in seen, line
        seen.add(helped)
    elif line.startswith('# TYPE '):
        family, kind = line.split(' ')[2:]
        assert family == helped and kind in ('counter', 'gauge', 'histogram'), line
        assert (kind == 'counter') == family.endswith('_total'), line
    else:
        found = sample.match(line)
        assert found, line
        of = found[1]
        if kind == 'histogram':
            of = re.sub('_(bucket|sum|count)$', '', of)
        assert of == family, line
        assert found[1] + (found[2] or '') not in series, line
        series.add(found[1] + (found[2] or ''))
        if found[1].endswith('_bucket'):
            key = re.sub(',le="[^"]*"}', '}', found[2])
            assert float(found[3]) >= buckets.get(key, 0), line
            buckets[key] = float(found[3])
        elif found[1].endswith('_count'):
            assert buckets[found[2]] == float(found[3]), line
assert len(series) > 80, len(series)
EOF
}
check_page || fail "the page does not parse"

it "shows every configured profile from the start, and what the server is"
for profile in default device ndes lab; do
  equal "$profile" 0 "$(figure "scepter_requests_total{profile=\"$profile\",outcome=\"issued\"}")"
done
equal "ready" 1 "$(figure scepter_ready)"
equal "version" 1 "$(figure "scepter_build_info{version=\"$("$SCEPTER" --version | grep -oE '[0-9.]+' | head -1)\"}")"
now=$(date +%s)
started=$(figure scepter_start_time_seconds)
[ $((now - started)) -le 60 ] && [ "$started" -le "$now" ] || fail "start time $started"

it "counts what is issued, answered again, denied, and strangers who are refused"
enrol "issued" 0 --subject /CN=one --challenge "$phrase" --transaction T1 --csr-out "$lab/csr.der"
openssl req -inform DER -in "$lab/csr.der" -out "$lab/csr.pem"
enrol "retry" 0 --csr "$lab/csr.pem" --transaction T1
enrol "second" 0 --subject /CN=two --challenge "$phrase"
enrol "denied" 2 --subject /CN=three --san DNS:not.allowed.example --challenge "$phrase"
enrol "stranger" 2 --subject /CN=four --challenge wrong
enrol "SHA-1" 2 --subject /CN=five --challenge "$phrase" --digest sha1
curl -s -o /dev/null --data-binary rubbish "$url/scep/lab?operation=PKIOperation"
scrape
equal "issued" 2 "$(figure 'scepter_requests_total{profile="lab",outcome="issued"}')"
equal "retry" 1 "$(figure 'scepter_requests_total{profile="lab",outcome="retry"}')"
equal "denied" 1 "$(figure 'scepter_requests_total{profile="lab",outcome="denied"}')"
equal "failed" 0 "$(figure 'scepter_requests_total{profile="lab",outcome="failed"}')"
equal "unauthorised" 1 "$(figure 'scepter_refused_total{profile="lab",reason="unauthorised"}')"
equal "algorithm" 1 "$(figure 'scepter_refused_total{profile="lab",reason="algorithm"}')"
equal "malformed" 1 "$(figure 'scepter_refused_total{profile="lab",reason="malformed"}')"
equal "another profile" 0 "$(figure 'scepter_requests_total{profile="ndes",outcome="issued"}')"
equal "PKCSReq" 6 "$(figure 'scepter_scep_operations_total{operation="PKCSReq"}')"
equal "unreadable" 1 "$(figure 'scepter_scep_operations_total{operation="unreadable"}')"
equal "durations" 7 "$(figure 'scepter_pki_operation_duration_seconds_count{profile="lab"}')"
[ "$(figure 'scepter_http_requests_total{code="2xx"}')" -ge 8 ] || fail "2xx"
[ "$(figure 'scepter_http_requests_total{code="4xx"}')" -ge 2 ] || fail "4xx"
[ "$(figure scepter_http_connections)" -ge 1 ] || fail "connections"
equal "refused busy" 0 "$(figure scepter_http_refused_busy_total)"
check_page || fail "the page does not parse"

it "makes no series from what strangers send"
curl -s -o /dev/null "$url/scep/nobody?operation=GetCACaps"
curl -s -o /dev/null "$url/scep/lab?operation=Invented"
scrape
has_not "profile" nobody "$lab/metrics"
has_not "operation" Invented "$lab/metrics"
equal "unknown" 1 "$(figure 'scepter_scep_operations_total{operation="unknown"}')"

it "shows certificates, requests, challenges and commits of the store"
scepter challenge new --profile default --set EnrollmentUser=x --set UserPrincipalName=x@lab.test --set EmailAddress=x@lab.test >/dev/null
becomes 'scepter_challenges_open' 1
becomes 'scepter_requests{disposition="issued"}' 2
equal "denied, with the stranger" 2 "$(figure 'scepter_requests{disposition="denied"}')"
[ "$(figure scepter_store_commits_total)" -ge 3 ] || fail "commits"
[ "$(figure scepter_store_changes_total)" -ge "$(figure scepter_store_commits_total)" ] || fail "changes"
valid=$(figure 'scepter_certificates{status="valid"}')

it "shows a revocation, and the CRL that lists it"
number=$(figure 'scepter_crl_number{key="0"}')
equal "entries" 0 "$(figure 'scepter_crl_entries{key="0"}')"
scepter cert revoke --subject CN=one >/dev/null
becomes 'scepter_certificates{status="revoked"}' 1
equal "valid" $((valid - 1)) "$(figure 'scepter_certificates{status="valid"}')"
becomes 'scepter_crl_entries{key="0"}' 1
[ "$(figure 'scepter_crl_number{key="0"}')" -gt "$number" ] || fail "number"
left=$(figure 'scepter_crl_next_update_in_seconds{key="0"}')
[ "$left" -gt $((6 * 86400)) ] && [ "$left" -le $((7 * 86400)) ] || fail "next update in $left"
[ "$(figure 'scepter_crl_age_seconds{key="0"}')" -lt 60 ] || fail "age"

it "shows when CA and RA certificates end"
ends() { date -u -d "$(openssl x509 -in "$1" -noout -enddate | cut -d= -f2)" +%s; }
equal "CA" "$(ends "$lab/ca.crt")" "$(figure 'scepter_ca_not_after_timestamp_seconds{certificate="0"}')"
equal "RA" "$(ends "$lab/ra.crt")" "$(figure 'scepter_ra_not_after_timestamp_seconds{usage="combined"}')"
for usage in signing encryption; do
  [ "$(figure "scepter_ra_not_after_timestamp_seconds{usage=\"$usage\"}")" -gt "$now" ] || fail "$usage"
done

it "says that the server is not ready, and keeps answering, while the CRL cannot be published"
mv "$lab/ca/crl" "$lab/crl.away"
printf x >"$lab/ca/crl"
becomes scepter_ready 0
rm "$lab/ca/crl"
mv "$lab/crl.away" "$lab/ca/crl"
wait_for 40 is_now scepter_ready 1 || fail "did not recover"

it "is served on loopback listeners only"
address=$(hostname -I | cut -d' ' -f1)
if [ -n "$address" ]; then
  stop_server
  other=$(free_port)
  "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port" --listen "$address:$other" 2>>"$lab/server.log" &
  pids+=("$!")
  wait_for 20 curl -fs "$url/readyz" || fail "not ready"
  equal "loopback" 200 "$(curl -s -o /dev/null -w '%{http_code}' "$url/metrics")"
  equal "elsewhere" 403 "$(curl -s -o /dev/null -w '%{http_code}' "http://$address:$other/metrics")"
  equal "health elsewhere" 200 "$(curl -s -o /dev/null -w '%{http_code}' "http://$address:$other/healthz")"
fi

echo "$checks behaviours hold"
