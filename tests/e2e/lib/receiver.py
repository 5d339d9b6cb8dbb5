# SPDX-License-Identifier: Apache-2.0
"""A webhook receiver that keeps what it was sent and checks every signature with the `standardwebhooks`
package. What it answers is up to the test: a status, "nothing" (it hangs up), "hang" (it never answers) or
"rubbish" (bytes that are no HTTP)."""
import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from .suite import free_port, wait_for

SECRET = "whsec_" + base64.b64encode(b"a secret of the end-to-end tests").decode()


class Receiver:
    def __init__(self, port=None, secret=SECRET, start=True):
        self.port, self.secret = port or free_port(), secret
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.requests = []                     # in order: {at, path, id, body, signed, status, type, data}
        self.answer = lambda request: 200      # -> a status, or one of the words above
        self.lock = threading.Lock()
        self.server = None
        self.closing = threading.Event()
        if start:
            self.start()

    def start(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer._take(self)

            def log_message(self, *_):
                pass

        self.closing.clear()
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        self.closing.set()
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def _take(self, h):
        body = h.rfile.read(int(h.headers.get("Content-Length", 0)))
        request = {"at": time.time(), "path": h.path, "id": h.headers.get("webhook-id"), "body": body}
        try:
            Webhook(self.secret).verify(body, {k.lower(): v for k, v in h.headers.items()})
            request["signed"] = True
        except WebhookVerificationError as e:
            request["signed"] = False
            request["why"] = str(e)
        try:
            message = json.loads(body)
            request["type"], request["data"] = message.get("type"), message.get("data", {})
        except ValueError:
            request["type"], request["data"] = None, {}
        with self.lock:
            answer = request["status"] = self.answer(request)
            self.requests.append(request)
        if answer == "hang":
            self.closing.wait(60)
        elif answer == "rubbish":
            h.wfile.write(b"\x00\x01 this is no HTTP \xff\r\n\r\n")
        elif isinstance(answer, int):
            h.send_response(answer)
            h.send_header("Content-Length", "0")
            h.end_headers()
        h.close_connection = not isinstance(answer, int)

    def pages(self, **want):
        """The data of every alert message, each once by id, whose keys have the given values."""
        seen, out = set(), []
        for r in list(self.requests):
            if r["type"] == "kdrift.alert" and r["id"] not in seen and all(
                    r["data"].get(k) == v for k, v in want.items()):
                seen.add(r["id"])
                out.append(r["data"])
        return out

    def wait_page(self, seconds=30, **want):
        return wait_for(f"a page {want}", lambda: self.pages(**want), seconds)[0]

    def digests(self):
        return [r["data"] for r in list(self.requests) if r["type"] == "kdrift.digest"]


def receivers_file(*receivers, tiers=("immediate", "daily", "weekly"), **more):
    """receivers.yaml with every tier going to every receiver."""
    names = [f"r{i}" for i in range(len(receivers))]
    return {"receivers": [{"name": n, "webhook": {"url": r.url, "secret": r.secret}}
                          for n, r in zip(names, receivers)],
            "routes": {tier: names for tier in tiers}, **more}
