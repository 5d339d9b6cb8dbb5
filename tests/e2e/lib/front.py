# SPDX-License-Identifier: Apache-2.0
"""A server before the registry, for answers that the real one does not give."""

import http.server
import threading
import urllib.error
import urllib.request

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"


class Front(threading.Thread):
    """The registry's own answers, but for what the two methods say."""

    def __init__(self, registry):
        super().__init__(daemon=True)
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self.reply(*(front.instead(self.path) or front.forward(registry, self)))

            def do_POST(self):
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                self.reply(*front.forward(registry, self, sent))

            def reply(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.start()

    def instead(self, path):
        """(status, body) in place of the registry's; None: ask it."""

    def changed(self, path, body):
        """What becomes of the registry's answer, where it was 200."""
        return body

    def forward(self, registry, request, sent=None):
        q = urllib.request.Request(registry.url + request.path, sent, method=request.command,
                                   headers={"Content-Type": CONTENT_TYPE})
        try:
            with urllib.request.urlopen(q, timeout=10) as got:
                return got.status, self.changed(request.path, got.read())
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def run(self):
        self.server.serve_forever()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
