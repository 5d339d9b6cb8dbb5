# SPDX-License-Identifier: Apache-2.0
"""Rules on values, and on values of several records, while the monitor is killed: every count equals a plain model's.

E2E_RECORDS: how many records (24000).
"""
import io
import os
import random
import struct
import threading
import time

import fastavro
from lib.monitor import Monitor, configure, counted, stats
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

N = int(os.environ.get("E2E_RECORDS", "24000"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
PARTS, RATE, KILLS = 3, 1200, 4
T0 = 1_700_000_000_000
SPAN, LATENESS, FRESH = 20_000, 5_000, 60_000
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
ORDER = {"type": "record", "name": "Order", "fields": [
    {"name": "ts", "type": MILLIS},
    {"name": "id", "type": "string"},
    {"name": "seq", "type": ["null", "long"]},
    {"name": "code", "type": "string"},
    {"name": "raw", "type": "bytes"},
    {"name": "tags", "type": {"type": "array", "items": "string"}},
    {"name": "items", "type": {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
        {"name": "sku", "type": "int"}]}}},
    {"name": "updated", "type": ["null", MILLIS]},
    {"name": "status", "type": {"type": "enum", "name": "S", "symbols": ["NEW", "SHIPPED"]}},
    {"name": "shipped_at", "type": ["null", "long"]},
    {"name": "start", "type": ["null", "long"]},
    {"name": "end", "type": "long"}]}
STREAM = {
    "name": "orders", "topic": "orders", "role": "features", "window": "10m", "slide": "1m", "event_time": "ts",
    "lateness": f"{LATENESS // 1000}s",
    "fields": {
        "id": {"unique": f"{SPAN // 1000}s"},
        "seq": {"monotonic": "strictly_increasing"},
        "code": {"length": [2, 4]},
        "raw": {"length": [None, 3]},
        "tags": {"length": [1, 3]},
        "items[].sku": {"unique": f"{SPAN // 1000}s"},
        "updated": {"freshness": "1m"},
        "shipped_at": {"required_if": "status == 'SHIPPED'"}},
    "rules": [{"name": "start_before_end", "expr": "start <= end"}]}


def record(r, i):
    """A record, and its Kafka timestamp."""
    at = T0 + i * 20
    return {
        "ts": at - (r.randrange(2 * LATENESS) if r.random() < 0.3 else 0),
        "id": f"id{r.randrange(1500) if r.random() < 0.3 else 10_000 + i}",
        "seq": None if r.random() < 0.1 else 2**60 + i - (r.randrange(6) if r.random() < 0.2 else 0),
        "code": "".join(r.choice("aé€😀") for _ in range(r.randrange(1, 6))),
        "raw": r.randbytes(r.randrange(5)),
        "tags": ["t"] * r.randrange(5),
        "items": [{"sku": r.randrange(4000)} for _ in range(r.randrange(3))],
        "updated": None if r.random() < 0.2 else at - FRESH + r.randrange(-100, 200),
        "status": r.choice(["NEW", "SHIPPED"]),
        "shipped_at": None if r.random() < 0.5 else at,
        "start": None if r.random() < 0.2 else r.randrange(100),
        "end": r.randrange(100)}, at


class Model:
    """One partition, record after record, as docs/counting.md has it."""

    def __init__(self):
        self.newest, self.seq, self.ids, self.skus = None, None, {}, {}

    def came(self, memory, value, ts):
        """Did it come before, unbroken, within the span? If not, it has come now."""
        if any(abs(ts - t) < SPAN for t in memory.get(value, ())):
            return True
        memory.setdefault(value, []).append(ts)
        return False

    def breaches(self, rec, kafka):
        """-> {(kind, field, rule)}"""
        out, ts = set(), rec["ts"]
        in_time = self.newest is None or ts >= self.newest - LATENESS
        self.newest = ts if self.newest is None else max(self.newest, ts)
        if in_time and self.came(self.ids, rec["id"], ts):
            out.add(("unique", "id", None))
        if in_time and [s for s in rec["items"] if self.came(self.skus, s["sku"], ts)]:
            out.add(("unique", "items[].sku", None))
        if rec["seq"] is not None:
            if self.seq is not None and rec["seq"] <= self.seq:
                out.add(("monotonic", "seq", None))
            self.seq = rec["seq"]
        if not 2 <= len(rec["code"]) <= 4:
            out.add(("length", "code", None))
        if len(rec["raw"]) > 3:
            out.add(("length", "raw", None))
        if not 1 <= len(rec["tags"]) <= 3:
            out.add(("length", "tags", None))
        if rec["updated"] is not None and rec["updated"] < kafka - FRESH:
            out.add(("freshness", "updated", None))
        if rec["status"] == "SHIPPED" and rec["shipped_at"] is None:
            out.add(("rule", "shipped_at", "shipped_at.required_if"))
        if rec["start"] is not None and rec["start"] > rec["end"]:
            out.add(("rule", "", "start_before_end"))
        return out


def expect(rows):
    """What `kdrift stats` must say of (partition, record, Kafka timestamp)s."""
    models = [Model() for _ in range(PARTS)]
    out = {"violations": {}, "violations_by_field": {}, "rules": {}, "violating_records": 0}

    def add(where, key):
        where[key] = where.get(key, 0) + 1
    for p, rec, kafka in rows:
        found = models[p].breaches(rec, kafka)
        out["violating_records"] += bool(found)
        for kind, field, rule in found:
            add(out["violations"], kind)
            if field:
                add(out["violations_by_field"].setdefault(field, {}), kind)
            if rule:
                add(out["rules"], rule)
    return out


def main():
    with Suite("value_rules") as s:
        s.say(f"SEED={SEED}")
        r = random.Random(SEED)
        redis = s.add(Redis(s.tmp))
        registry = s.add(Registry(s.tmp))
        kafka = s.add(Kafka(s.tmp))
        kafka.topic("orders", partitions=PARTS)
        number = registry.register("orders-value", ORDER)
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, [STREAM], checkpoint_interval="200ms",
                           kafka={"session.timeout.ms": "2000"})
        schema, rows = fastavro.parse_schema(ORDER), []
        for i in range(N):
            rec, at = record(r, i)
            rows.append((r.randrange(PARTS), rec, at))

        def send():
            producer, began = kafka.producer(enable_idempotence=True), time.monotonic()
            for i, (p, rec, at) in enumerate(rows):
                out = io.BytesIO(struct.pack(">bi", 0, number))
                out.seek(0, 2)
                fastavro.schemaless_writer(out, schema, rec)
                producer.produce("orders", out.getvalue(), partition=p, timestamp=at)
                ahead = i / RATE - (time.monotonic() - began)
                if ahead > 0.01:
                    producer.poll(ahead)
            producer.flush(60)
        feed = threading.Thread(target=send)
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log")))
        feed.start()
        m.start()
        kills = 0
        while kills < KILLS and feed.is_alive():
            before = counted(redis.client())
            wait_for("this life counts", lambda n=before: counted(redis.client()) > n or not feed.is_alive(), 60)
            time.sleep(r.uniform(0.1, 0.8))  # a random moment, not a wait
            m.kill()
            kills += counted(redis.client()) < N
            m.start()
        feed.join()
        wait_for("every record is counted", lambda: counted(redis.client()) >= N, 90)
        s.check("the monitor was killed while it counted", kills >= 2, f"{kills} times")
        got = stats(config, "orders", T0 - 600_000, T0 + N * 20 + 600_000)
        want = expect(rows)
        s.equal("records", got["records"], N)
        for key, value in want.items():
            s.equal(key, got[key], value)
        s.check("every rule is broken now and then, and often kept",
                all(N // 200 < n < N * 2 // 3 for kinds in want["violations_by_field"].values() for n in kinds.values()),
                str(want))
        s.check("unique's memory is bounded", redis.client().scard(
            next(redis.client().scan_iter(b"kdrift:state:*/orders/0"))) <= 2 * 12 + 1, "too many states")
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)


main()
