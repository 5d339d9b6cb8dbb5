#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A webhook receiver with nothing but Python's standard library: prints what kdrift sends, checks its
signature (Standard Webhooks), and knows a delivery that comes again by its id.

usage: receiver.py PORT SECRET_FILE        the secret is the one that kdrift's `secret_file` holds
"""
import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = set()


def genuine(key, headers, body):
    sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent[1].isdigit() or abs(time.time() - int(sent[1])) > 300:
        return False
    signed = hmac.new(key, ".".join(sent).encode() + b"." + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(signed).decode()
    return any(hmac.compare_digest(s, expected) for s in headers.get("webhook-signature", "").split())


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not genuine(self.server.key, self.headers, body):
            self.send_response(401)
        else:
            self.send_response(204)
            if self.headers["webhook-id"] not in seen:
                seen.add(self.headers["webhook-id"])
                show(json.loads(body))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):  # for health checks
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def show(message):
    data = message["data"]
    if message["type"] == "kdrift.alert":
        print(f"[{data['tier']}] {data['status']}: {data['alert']} on {data['stream']}: {data['summary']}")
        for item in data["items"]:
            print(f"    {item['field'] or '-'}: {item['measure']} {item['value']} (limit {item['threshold']})")
    elif message["type"] == "kdrift.digest":
        print(f"[{data['tier']} digest] {data['from']} to {data['to']}: {len(data['pages'])} pages")
        for page in data["pages"]:
            print(f"    {page['alert']} on {page['stream']}: {page['summary']}")
    else:
        print(f"[{message['type']}] {json.dumps(data)[:300]}")
    sys.stdout.flush()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    with open(sys.argv[2], encoding="ascii") as f:
        key = base64.b64decode(f.read().strip().removeprefix("whsec_"))
    server = ThreadingHTTPServer(("", int(sys.argv[1])), Handler)
    server.key = key
    server.serve_forever()


main()
