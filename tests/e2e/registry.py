# SPDX-License-Identifier: Apache-2.0
"""Every trouble that a schema registry gives, by a faulty proxy before a real one: records wait, visibly and with the
reason, and are counted as the oracle counts them once it is over. Once more through TLS with a private authority."""
import http.client
import os
import ssl
import struct
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lib import oracle, workload
from lib.generate import Generator
from lib.monitor import Monitor, kdrift, stats
from lib.oracle import compare
from lib.receiver import Receiver, receivers_file
from lib.stack import Stack
from lib.suite import Suite, free_port, wait_for

HUGE = b'{"schema":"' + b"x" * (5 << 20) + b'"}'
TOKEN = "eyJ.end-to-end"

# trouble -> what the status says of it
TROUBLES = {
    "401": "401", "403": "403", "404": "404", "408": "408", "429": "429", "500": "500", "503": "503", "302": "302",
    "rubbish": "without a registry's answer", "truncated": "remaining", "hang": "timed out", "nothing": "127.0.0.1",
}


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass                                    # a client that refuses our certificate


class FaultyRegistry:
    """Forwards to the registry on a port, but for the trouble of the hour. Ids in `huge` have a schema too large."""

    def __init__(self, target, huge, context=None, token=None):
        self.target, self.huge, self.token, self.trouble, self.asked = target, huge, token, None, []
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer._take(self)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.server.server_port}/apis/ccompat/v7"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def _take(self, h):
        body, trouble = h.rfile.read(int(h.headers.get("Content-Length", 0))), self.trouble
        self.asked.append(time.monotonic())
        h.close_connection = True
        if self.token and h.headers.get("Authorization") != f"Bearer {self.token}":
            trouble = "401"
        if trouble == "hang":
            self.closing.wait(30)
        elif trouble == "rubbish":
            self._answer(h, 200, b"<html>Welcome</html>")
        elif trouble == "truncated":
            self._answer(h, 200, b'{"schema":', 100)
        elif trouble and trouble.isdigit():
            self._answer(h, int(trouble), b"", headers={"429": {"Retry-After": "2"}, "302": {"Location": "/login"}}.get(
                trouble, {}))
        elif trouble != "nothing":
            if trouble == "slow":
                self.closing.wait(0.4)
            self._forward(h, body)

    def _forward(self, h, body):
        if any(h.path.endswith(f"/schemas/ids/{n}") for n in self.huge):
            self._answer(h, 200, HUGE)
            return
        c = http.client.HTTPConnection("127.0.0.1", self.target, timeout=10)
        c.request(h.command, h.path, body or None, {"Content-Type": "application/json"})
        a = c.getresponse()
        self._answer(h, a.status, a.read())
        c.close()

    @staticmethod
    def _answer(h, status, body, length=None, headers=None):
        h.send_response(status)
        h.send_header("Content-Length", str(length or len(body)))
        for name, value in (headers or {}).items():
            h.send_header(name, value)
        h.end_headers()
        try:
            h.wfile.write(body)
        except OSError:
            pass                                # an answer that is too large is not read to its end


def frame(schema_id):
    return struct.pack(">bi", 0, schema_id)


class Feed:
    """The workload, where part of the records is written with a schema that was registered a moment ago."""

    def __init__(self, stack):
        self.stack, self.generator = stack, Generator(stack.ids, seed=44, total=12000)
        self.schemas = {stack.ids[n]: s for n, s in workload.SCHEMAS.items()}

    def register(self, doc):
        schema = {**workload.V1, "doc": doc}
        schema_id = self.stack.registry.register(f"{self.stack.topic}-value", schema)
        self.schemas[schema_id] = schema
        return schema_id

    def send(self, n, schema_id):
        old = frame(self.stack.ids["v1"])
        self.stack.send((p, at, frame(schema_id) + v[5:] if v and v.startswith(old) and i % 2 else v)
                        for i, (p, at, v) in enumerate(self.generator.records(n)))

    def oracle(self):
        return oracle.Oracle(self.stack.stream, self.schemas, list(self.schemas), workload.CONTRACT,
                             known=[*self.schemas, self.stack.ids["refund"]]).read(self.stack.kafka.bootstrap,
                                                                                   self.stack.topic)


def exact(s, config, feed, when):
    o = feed.oracle()
    interval = o.interval(60000)
    wrong = compare(stats(config, "payments", *interval), o.stats(*interval), rank_error=0.01)
    s.check(f"stats equal the oracle on {len(o.event)} records {when}", not wrong, f"{len(wrong)}: {wrong[:6]}")


class Watch:
    def __init__(self, suite, stack, monitor, feed, way):
        self.s, self.stack, self.m, self.feed, self.way = suite, stack, monitor, feed, way

    def stream(self):
        found = self.m.status().get("streams", [])
        return found[0] if found else {}

    def waits(self):
        st = self.stream()
        return st.get("state") == "unknown" and "wait for a schema" in st.get("reason", "")

    def over(self):
        self.way.trouble = None
        self.stack.settled(60)
        wait_for("the registry is up", lambda: self.m.total("kdrift_registry_up") == 1, 30)

    def trouble(self, name, says):
        schema_id = self.feed.register(f"trouble {name}")
        whole = [self.m.total("kdrift_violations_total", "payments", k) for k in ("unknown_schema", "undecodable")]
        self.way.trouble = name
        self.feed.send(400, schema_id)
        wait_for(f"{name}: kdrift_registry_up is 0", lambda: self.m.total("kdrift_registry_up") == 0, 15)
        error = wait_for(f"{name}: its reason", lambda: self.m.status().get("registry_error"), 5)
        self.s.check(f"{name}: the status says what came", says in error, error)
        wait_for(f"{name}: the stream is unknown, with the reason", self.waits, 15)
        now = [self.m.total("kdrift_violations_total", "payments", k) for k in ("unknown_schema", "undecodable")]
        # Of 400 records 1 in 100 breaks something by the workload itself; with the new schema are about 120.
        self.s.check(f"{name}: what waits is no violation", sum(now) - sum(whole) < 20, f"{whole} {now}")


def troubles(s, stack, feed, huge):
    way = s.add(FaultyRegistry(stack.registry.port, huge))
    receiver = s.add(Receiver())
    rules = {"immediate": [{"alert": "SchemaWait", "stream": "*", "measure": "schema_wait", "above": 6}]}
    # The first of the addresses is dead all the time.
    registry = {"url": [f"http://127.0.0.1:{free_port()}", way.url], "timeout": "1s"}
    config = stack.configure(schema_registry=registry, rules=rules, receivers=receivers_file(receiver),
                             checkpoint_interval="200ms")
    m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
    w = Watch(s, stack, m, feed, way)
    feed.send(400, stack.ids["v1"])
    w.over()
    s.check("one of two addresses dead: up, and nothing waits", m.status().get("waiting_partitions") == 0)
    for name, says in TROUBLES.items():
        w.trouble(name, says)
        if name == "401":                       # the first also lasts until somebody is woken
            page = receiver.wait_page(30, alert="SchemaWait", status="firing")
            s.check("a wait that lasts pages by its own rule", "waited for" in page["summary"], page["summary"])
            stalled = m.total("kdrift_partition_stalled_seconds")
            s.check("that its partitions stand is a metric", stalled > 5, stalled)
            m.kill()
            m.start().wait_up()
            wait_for("it waits also after a kill", lambda: m.status().get("waiting_partitions", 0) > 0, 30)
        if name == "429":
            at = way.asked[-1]
            time.sleep(max(0, at + 1.5 - time.monotonic()))
            later = [t for t in way.asked if t > at]
            s.check("429: Retry-After is kept", all(t - at >= 1.9 for t in later), [t - at for t in later])
        w.over()
        if name == "401":
            receiver.wait_page(30, alert="SchemaWait", status="resolved")
            wait_for("no partition stands", lambda: m.total("kdrift_partition_stalled_seconds") == 0, 10)
    exact(s, config, feed, "after every trouble")

    schema_id, up = feed.register("slow"), []
    way.trouble = "slow"
    feed.send(400, schema_id)
    wait_for("the slow registry is read", lambda: up.append(m.total("kdrift_registry_up")) or
             m.status().get("waiting_partitions") == 0 and len(up) > 20, 30, 0.1)
    w.over()
    s.check("slow: up all the time", set(up) == {1}, up)

    schema_id = feed.register("huge")
    huge.add(schema_id)
    feed.schemas[schema_id] = {"type": "fixed", "name": "Huge", "size": 1 << 24}    # nothing decodes with it
    feed.send(400, schema_id)
    w.over()
    s.check("an oversized schema is said to be one", f"schema id {schema_id} cannot be used" in m.log() and
            "MiB" in m.log(), m.log()[-300:])
    s.check("and stops nothing", m.total("kdrift_violations_total", "payments", "undecodable") > 100)
    exact(s, config, feed, "after a slow registry and an oversized schema")
    s.equal("SIGTERM drains and exits 0", m.stop(), 0)


def certificate(tmp, name, san):
    """NAME.pem with its key, signed by ca.pem, which is made at the first."""
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    def run(args):
        subprocess.run(args, cwd=tmp, check=True, capture_output=True)
    for ca in ("ca", "stranger"):
        if not os.path.exists(os.path.join(tmp, f"{ca}.pem")):
            run(new + ["-x509", "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-subj", f"/CN={ca}", "-days", "2"])
    run(new + ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"])
    with open(os.path.join(tmp, f"{name}.ext"), "w", encoding="ascii") as f:
        f.write(f"subjectAltName={san}\n")
    run(["openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
         "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(tmp, f"{name}.pem"), os.path.join(tmp, f"{name}.key"))
    return context


def tls(s, stack, feed, huge):
    way = s.add(FaultyRegistry(stack.registry.port, huge, certificate(s.tmp, "good", "IP:127.0.0.1"), TOKEN))
    other = s.add(FaultyRegistry(stack.registry.port, huge, certificate(s.tmp, "other", "DNS:registry.example"), TOKEN))
    with open(os.path.join(s.tmp, "token"), "w", encoding="ascii") as f:
        f.write(TOKEN + "\n")

    def configured(url=way.url, ca="ca.pem", token=None):
        secret = {"bearer_token": token} if token else {"bearer_token_file": "token"}
        return stack.configure(name="tls", redis={"prefix": "tls"}, kafka={"group.id": "tls"}, schema_registry={
            "url": [url], "timeout": "5s", "tls": {"ca_file": ca} if ca else {}, **secret})
    for what, change, says in (
            ("no authority", {"ca": None}, "name the authority that signed its certificate in schema_registry."),
            ("another authority", {"ca": "stranger.pem"}, "none of the authorities in"),
            ("another host's certificate", {"url": other.url}, "write a name of the certificate into"),
            ("a wrong token", {"token": "eyJ.wrong"}, "401; check schema_registry.bearer_token")):
        code, out, err = kdrift("schema", "check", "--config", configured(**change))
        s.check(f"TLS: {what} is told with its mend", code == 1 and says in out + err, out + err)
        s.check(f"TLS: {what}: no secret is shown", "eyJ" not in out + err, out + err)
    config = configured()
    m = s.add(Monitor(config, os.path.join(s.tmp, "tls.log"))).start().wait_up()
    stack.settled(60, b"tls")
    exact(s, config, feed, "read through TLS, a private authority and a bearer token")
    s.check("no secret in the log", "eyJ" not in m.log())
    s.equal("SIGTERM drains and exits 0", m.stop(), 0)


def main():
    with Suite("registry") as s:
        stack = Stack(s)
        feed, huge = Feed(stack), set()
        troubles(s, stack, feed, huge)
        tls(s, stack, feed, huge)


main()
