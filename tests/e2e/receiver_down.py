# SPDX-License-Identifier: Apache-2.0
"""The webhook receiver is down for a minute and the monitor is killed meanwhile: each page arrives, each
under one id, rightly signed; attempts that were refused bear the same id."""
import os
import time

from lib import workload
from lib.generate import Generator
from lib.monitor import Monitor
from lib.receiver import Receiver, receivers_file
from lib.stack import Stack
from lib.suite import Suite, wait_for

DOWN = 60
RULES = {"immediate": [
    {"alert": "Violations", "stream": "*", "measure": "violation_ratio", "above": 0.2, "over": "2m",
     "min_records": 100},
    {"alert": "Nulls", "stream": "*", "field": "discount", "measure": "missing_ratio", "above": 0.99, "over": "2m",
     "min_records": 100}]}


def all_null(g):
    """Right records without any discount, then broken ones: two causes."""
    base = g.base
    for i in range(2000):
        at = base + i * 20
        yield i % 4, at, g.encode("v1", g.record(at))


def broken(g):
    base = g.base + 2000 * 20
    for i in range(2000):
        yield i % 4, base + i * 20, b"garbage"


def main():
    with Suite("receiver_down") as s:
        stack = Stack(s)
        receiver = s.add(Receiver(start=False))
        # Two streams on one topic: two times two pages.
        streams = [{**stack.stream, "name": n} for n in ("one", "two")]
        config = stack.configure(streams, rules=RULES,
                                 receivers=receivers_file(receiver), kafka={"session.timeout.ms": "2000"})
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        down = time.monotonic()
        g = Generator(stack.ids, seed=3, base_ms=int(time.time() * 1000) - workload.HOUR)
        producer = stack.kafka.producer()
        for records in (all_null(g), broken(g)):
            for partition, at, value in records:
                producer.produce(stack.topic, value, partition=partition, timestamp=at)
        producer.flush(30)
        wait_for("four pages are owed", lambda: m.total("kdrift_outbox_entries") >= 4, 60)
        for life in range(3):
            m.kill()
            m.start().wait_up()
            wait_for(f"life {life}: the outbox is served again", lambda: m.total("kdrift_outbox_entries") >= 4, 30)
        s.check("nothing was dropped", m.total("kdrift_outbox_entries") >= 4)
        wait_for("the minute is over", lambda: time.monotonic() - down >= DOWN, DOWN + 5, 0.5)

        refusals = {}

        def refuse_first(request):
            refusals[request["id"]] = refusals.get(request["id"], 0) + 1
            return 503 if refusals[request["id"]] == 1 else 200
        receiver.answer = refuse_first
        receiver.start()
        wait_for("every page is delivered", lambda: m.total("kdrift_outbox_entries") == 0, 90)
        delivered = [r for r in receiver.requests if r["status"] == 200]
        s.check("every request is rightly signed", all(r["signed"] for r in receiver.requests),
                [r.get("why") for r in receiver.requests if not r["signed"]])
        ids = {}
        for r in delivered:
            key = (r["data"]["stream"], r["data"]["alert"], r["data"]["status"], r["data"]["starts_at"])
            ids.setdefault(key, set()).add(r["id"])
        firing = {k[:2] for k in ids if k[2] == "firing"}
        s.equal("the four pages arrive", firing, {(n, a) for n in ("one", "two") for a in ("Violations", "Nulls")})
        s.check("each under one id", all(len(v) == 1 for v in ids.values()), ids)
        s.equal("no id twice after it was acknowledged", len(delivered), len({r["id"] for r in delivered}))
        s.check("refused attempts came again under their id", all(n >= 2 for n in refusals.values()), refusals)
        bodies = {}
        for r in receiver.requests:
            bodies.setdefault(r["id"], set()).add(r["body"])
        s.check("every attempt of a delivery has the same body", all(len(b) == 1 for b in bodies.values()))
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)


main()
