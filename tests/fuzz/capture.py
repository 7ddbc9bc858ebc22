#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A SCEP server that only listens: answers GetCACaps and GetCACert, keeps each PKIOperation in a file
named after the path. usage: capture.py CACERT.p7 DIRECTORY; prints its port."""
import base64
import http.server
import os
import sys
import urllib.parse

CAPABILITIES = b"POSTPKIOperation\nRenewal\nSCEPStandard\nAES\nSHA-256\nSHA-384\nSHA-512\nSHA-1\nDES3\n"
cacert, directory = sys.argv[1:]


class Capture(http.server.BaseHTTPRequestHandler):
    def answer(self, status, content_type, body):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def keep(self, octets):
        name = urllib.parse.urlsplit(self.path).path.strip("/").replace("/", "-")
        with open(os.path.join(directory, name), "wb") as file:
            file.write(octets)
        self.answer(500, "text/plain", b"kept\n")

    def do_GET(self):
        query = urllib.parse.urlsplit(self.path).query
        arguments = dict(part.split("=", 1) for part in query.split("&") if "=" in part)
        operation = arguments.get("operation")
        if operation == "GetCACaps":
            self.answer(200, "text/plain", CAPABILITIES)
        elif operation == "GetCACert":
            with open(cacert, "rb") as file:
                self.answer(200, "application/x-x509-ca-ra-cert", file.read())
        else:
            self.keep(base64.b64decode(urllib.parse.unquote(arguments["message"])))

    def do_POST(self):
        self.keep(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Capture)
print(server.server_address[1], flush=True)
server.serve_forever()
