#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# challenge = "webhook": another system judges the challenge. Its yes and no, its values, its signature, and that
# everything else that it may say is a no.
. "$(dirname "$0")/lib.sh"
make_ca --key ec:p256
secret=a-secret-of-the-webhook
printf '%s\n' "$secret" >"$lab/ca/keys/webhook.secret"
chmod 600 "$lab/ca/keys/webhook.secret"

# Says what the challenge tells it to say, and writes down what it was asked.
cat >"$lab/webhook.py" <<'PY'
import hashlib, hmac, http.server, json, sys, time

secret, lab = sys.argv[1].encode(), sys.argv[2]
person = {"EnrollmentUser": "frank", "UserPrincipalName": "frank@LAB.TEST", "EmailAddress": "frank@lab.test"}
answers = {
    "yes": (200, json.dumps({"values": person})),
    "bare yes": (200, ""),
    "no": (403, "frank has left the company\n"),
    "no in JSON": (403, json.dumps({"reason": "the device is lost"})),
    "no without words": (403, ""),
    "no JSON": (200, "sure, go ahead"),
    "list": (200, "[]"),
    "number": (200, json.dumps({"values": {"EnrollmentUser": 7}})),
    "bad name": (200, json.dumps({"values": {"no such\nname": "x"}})),
    "broken": (500, "oops"),
    "huge": (200, json.dumps({"values": {"EnrollmentUser": "x" * 100000}})),
    "denied value": (200, json.dumps({"values": dict(person, EnrollmentUser="administrator")})),
}

class Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        stamp = self.headers["X-Scepter-Timestamp"]
        mac = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        asked = json.loads(body)
        asked["signature"] = self.headers["X-Scepter-Signature"] == "sha256=" + mac
        asked["age"] = time.time() - int(stamp)
        asked["idempotency_key"] = self.headers["Idempotency-Key"]
        with open(lab + "/asked", "a") as log:
            log.write(json.dumps(asked) + "\n")
        if asked["challenge"] == "slow":
            time.sleep(6)
        if asked["challenge"] == "elsewhere":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()
            return
        code, text = answers.get(asked["challenge"], (403, "unknown"))
        self.send_response(code)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
server.daemon_threads = True
with open(lab + "/webhook.port", "w") as out:
    out.write(str(server.server_port) + "\n")
server.serve_forever()
PY
python3 "$lab/webhook.py" "$secret" "$lab" 2>"$lab/webhook.log" &
webhook=$!
pids+=("$webhook")
wait_for 10 test -s "$lab/webhook.port" || fail "the webhook does not start: $(cat "$lab/webhook.log")"
hook=http://127.0.0.1:$(cat "$lab/webhook.port")/judge
group="webhook = { url = \"$hook\"; secret_file = \"keys/webhook.secret\"; timeout = \"1s\"; };"
add_profile "{ name = \"hook\"; template = \"User\"; challenge = \"webhook\"; $group }"
add_profile "{ name = \"hookdevice\"; template = \"LabDevice\"; challenge = \"webhook\"; $group }"
serve
ca_files hook
new_key "$lab/k.key"
# ask CHALLENGE EXIT [scep_client options]
ask() {
  local challenge=$1 wanted=$2
  shift 2
  answers "$challenge" "$wanted" "$lab/c.crt" --url "$url/scep/hook" --key "$lab/k.key" --subject /CN=frank \
    --challenge "$challenge" --transaction "T-$challenge" "$@"
}

it "issues what the webhook's values say when it says 200"
ask "yes" 0
openssl x509 -in "$lab/c.crt" -noout -text >"$lab/c.txt"
has "subject" "CN = WorkspaceONEUEM.frank" "$lab/c.txt"
has "SAN" "othername: UPN::frank@LAB.TEST, email:frank@lab.test" "$lab/c.txt"
serial=$(serial_of "$lab/c.crt")
scepter cert show "$serial" --json >"$lab/show.json"
equal "profile" hook "$(field profile <"$lab/show.json")"

it "tells the webhook what it has to judge, signed over time stamp and body"
tail -1 "$lab/asked" >"$lab/last"
equal "signature" true "$(jq .signature "$lab/last")"
equal "time stamp" true "$(jq '.age > -5 and .age < 5' "$lab/last")"
equal "challenge" yes "$(jq -r .challenge "$lab/last")"
equal "profile" hook "$(jq -r .profile "$lab/last")"
equal "transaction" T-yes "$(jq -r .transaction_id "$lab/last")"
equal "subject" CN=frank "$(jq -r .subject "$lab/last")"
jq -r .csr "$lab/last" | openssl req -noout -verify 2>/dev/null || fail "the CSR"
jq -r .idempotency_key "$lab/last" | grep -qE '^[0-9a-f]{64}$' || fail "no idempotency key"

it "takes 200 with nothing for a yes without values: the template User then names what is missing"
ask "bare yes" 2
has "which value" EnrollmentUser "$lab/reply"
answers "a template that needs no values" 0 "$lab/d.crt" --url "$url/scep/hookdevice" --key "$lab/k.key" --subject /CN=dev-7 \
  --san DNS:dev-7.lab.example --challenge "bare yes"
equal "SAN told" '[{"type":"dns","value":"dev-7.lab.example"}]' "$(tail -1 "$lab/asked" | jq -c .san)"

it "passes the webhook's reason on, in the reply and the log"
ask "no" 2
equal "failInfo" 2 "$(reply failInfo)"
has "reply" "frank has left the company" "$lab/reply"
has "log" "frank has left the company" "$lab/server.log"
ask "no in JSON" 2
has "reply" "the device is lost" "$lab/reply"
ask "no without words" 2
has "reply" "without a reason" "$lab/reply"

it "takes everything else for a no, and says what was wrong"
ask "no JSON" 2
has "no JSON" "not understood" "$lab/reply"
ask "list" 2
ask "number" 2
has "number" "no text" "$lab/reply"
ask "bad name" 2
ask "broken" 2
has "500" "HTTP 500" "$lab/reply"
ask "elsewhere" 2
has "302" "HTTP 302" "$lab/reply"
ask "huge" 2
has "huge" "larger" "$lab/reply"

it "waits no longer than its timeout, and others are served meanwhile"
started=$(date +%s%N)
ask "slow" 2 &
slow=$!
for n in 1 2 3; do curl -fsS -m 2 -o /dev/null "$url/scep/hook?operation=GetCACaps" || fail "others wait"; done
wait "$slow" || exit 1
took=$((($(date +%s%N) - started) / 1000000))
[ $took -lt 4000 ] || fail "it took $took ms"
has "why" "does not answer" "$lab/server.log"

it "refuses a request whose webhook is away"
kill "$webhook"
wait "$webhook" 2>/dev/null || true
answers "away" 2 "$lab/c.crt" --url "$url/scep/hook" --key "$lab/k.key" --subject /CN=other --challenge yes --transaction T-away
has "why" "does not answer" "$lab/reply"

it "renews without asking the webhook"
answers "renewal" 0 "$lab/d2.crt" --url "$url/scep/hookdevice" --key "$lab/k.key" --subject /CN=dev-7 \
  --san DNS:dev-7.lab.example --signer-cert "$lab/d.crt" --signer-key "$lab/k.key" --message-type 17
equal "subject" "subject=CN = dev-7" "$(openssl x509 -in "$lab/d2.crt" -noout -subject)"

it "keeps the secret and the challenges out of the log"
has_not "secret" "$secret" "$lab/server.log"
equal "only these were issued" 3 "$(scepter cert list --json | jq '[.[] | select(.template == "User" or .template == "LabDevice")] | length')"

it "does not start with a webhook that is not https and not on loopback"
sed -i "s|$hook|http://hook.example/judge|" "$lab/ca/scepter.cfg"
stop_server
refuse "a start" timeout 20 "$SCEPTER" serve --dir "$lab/ca" --listen "127.0.0.1:$port"
has "file" "scepter.cfg:" "$lab/refused.err"
has "what is allowed" "https" "$lab/refused.err"

echo "$checks behaviours hold"
