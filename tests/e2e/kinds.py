# SPDX-License-Identifier: Apache-2.0
"""One record of every kind of violation: each is counted once, by its name, in stats, on /metrics and in the page,
with the reason and without what the record holds."""
import io
import json
import os
import re
import struct
import time

import fastavro
from lib.monitor import Monitor, configure, counted, stats
from lib.receiver import Receiver, receivers_file
from lib.servers import Kafka, Redis, Registry
from lib.suite import TOP, Suite, wait_for

HOUR, DAY = 3600000, 86400000
SECRET = "zq-payload"
KINDS = {"ts": {"type": "long", "logicalType": "timestamp-millis"}, "amount": "double", "currency": "string",
         "email": "string", "note": ["null", "string"], "code": "string", "txn": "string", "seq": "long",
         "seen": {"type": "long", "logicalType": "timestamp-millis"}, "low": "int", "high": "int", "quantity": "int",
         "extra": "int", "tier": "int"}


def schema(**changed):
    return {"type": "record", "name": "R", "fields": [
        {"name": n, "type": k} for n, k in {**KINDS, **changed}.items() if k]}


CONTRACT = {"type": "record", "name": "R", "fields": [
    {"name": "quantity", "type": "int"}, {"name": "extra", "type": "int", "default": 0}]}
FIELDS = {"amount": {"range": [0, 1000]}, "currency": {"allowed": ["EUR", "USD"]}, "email": {"pattern": "^[^@]+@[^@]+$"},
          "note": {"not_null": True}, "code": {"length": [3, 3]}, "txn": {"unique": "1h"},
          "seq": {"monotonic": "increasing"}, "seen": {"freshness": "1d"}, "tier": {"type": "numeric"}}


class Records:
    def __init__(self, registry):
        self.ids, self.schemas, self.n = {}, {}, 0
        for name, s in (("good", schema()), ("missing_field", schema(extra=None)), ("wrong_type", schema(tier="string")),
                        ("incompatible_schema", schema(quantity="long"))):
            self.ids[name], self.schemas[name] = registry.register("kinds-value", s), fastavro.parse_schema(s)
        self.ids["foreign"] = registry.register("other-value", {"type": "record", "name": "Other", "fields": [
            {"name": "x", "type": "int"}]})

    def make(self, at, name="good", **values):
        self.n += 1
        record = {"ts": at, "amount": 1.5, "currency": "EUR", "email": "a@b.c", "note": "n", "code": "abc",
                  "txn": f"t{self.n}", "seq": self.n, "seen": at, "low": 1, "high": 2, "quantity": 1, "extra": 1,
                  "tier": "one" if name == "wrong_type" else 1, **values}
        out = io.BytesIO(struct.pack(">bI", 0, self.ids[name]))
        out.seek(5)
        fastavro.schemaless_writer(out, self.schemas[name], record)
        return out.getvalue()

    def bad(self, at):
        """{kind: a record that breaks that and nothing else}; `at` is its Kafka timestamp."""
        ok = self.make(at)
        latin1 = self.make(at, currency="ZZZZ").replace(b"ZZZZ", "Z\u00fcZ\u00fc".encode("latin-1"))
        return {"framing": SECRET.encode(), "unknown_schema": struct.pack(">bI", 0, 999999) + ok[5:],
                "wrong_subject": struct.pack(">bI", 0, self.ids["foreign"]) + b"\x02", "undecodable": latin1,
                "trailing_bytes": self.make(at) + b"x", "missing_field": self.make(at, "missing_field"),
                "wrong_type": self.make(at, "wrong_type"), "null": self.make(at, note=None),
                "range": self.make(at, amount=5555.25), "allowed": self.make(at, currency=SECRET),
                "pattern": self.make(at, email=SECRET), "length": self.make(at, code=SECRET),
                "unique": self.make(at, txn="t1"), "freshness": self.make(at, seen=at - 2 * DAY),
                "future_time": self.make(at, ts=int(time.time() * 1000) + 2 * HOUR, seen=at),
                "incompatible_schema": self.make(at, "incompatible_schema"), "rule": self.make(at, low=3),
                "stale_time": self.make(at, ts=at - 2 * HOUR), "monotonic": self.make(at, seq=1)}


def main():
    with Suite("kinds") as s:
        redis, registry, kafka = s.add(Redis(s.tmp)), s.add(Registry(s.tmp)), s.add(Kafka(s.tmp))
        receiver = s.add(Receiver())
        kafka.topic("kinds", 1)
        contract = os.path.join(s.tmp, "contract.avsc")
        with open(contract, "w", encoding="utf-8") as f:
            json.dump(CONTRACT, f)
        stream = {"name": "kinds", "topic": "kinds", "role": "features", "event_time": "ts", "max_future": "10m",
                  "max_stale": "1h", "contract": {"schema": contract}, "fields": FIELDS,
                  "rules": [{"name": "low_before_high", "expr": "low <= high"}]}
        records, at = Records(registry), int(time.time() * 1000) - 60000
        good = [records.make(at) for _ in range(200)]
        bad = records.bad(at)
        with open(os.path.join(TOP, "src", "stats", "violation.c"), encoding="utf-8") as f:
            table = re.findall(r'= \{"(\w+)"', f.read())
        s.equal("there is one of every kind", sorted(bad), sorted(table))
        # Judged only when all are there; the stale one counts hours before.
        rules = {"immediate": [{"alert": "Violations", "measure": "violation_ratio", "above": 0.001, "over": "5m",
                                "min_records": len(good) + len(bad) - 1}]}
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, [stream], rules=rules,
                           receivers=receivers_file(receiver))
        producer = kafka.producer()
        for value in good + list(bad.values()):
            producer.produce("kinds", value, partition=0, timestamp=at)
        producer.flush(30)
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        wait_for("every record is counted", lambda: counted(redis.client()) >= len(good) + len(bad), 60)
        once = {kind: 1 for kind in bad}
        got = stats(config, "kinds", at - DAY, at + 2 * DAY)
        s.equal("stats counts each kind once", {k: n for k, n in got["violations"].items() if n}, once)
        s.equal("and as many violating records", got["violating_records"], len(once))
        s.equal("/metrics counts each kind once",
                {k: m.total("kdrift_violations_total", "kinds", k) for k in once}, once)
        page = receiver.wait_page(60, alert="Violations", status="firing")
        samples = {v["kind"]: v for v in page["evidence"]["samples"]}
        s.equal("the page has a sample of each kind", sorted(samples), sorted(k for k in once if k != "stale_time"))
        s.equal("each at its offset", {k: v["offset"] for k, v in samples.items()},
                {k: len(good) + i for i, k in enumerate(bad) if k != "stale_time"})
        for kind, field, words in (("undecodable", "", "currency: a text that is not UTF-8 (byte "), ("future_time", "ts", "in the future"),
                                   ("missing_field", "extra", "extra: not in the writer's schema"),
                                   ("incompatible_schema", "", "quantity: type mismatch (reader int, writer long)"),
                                   ("range", "amount", "outside [0, 1000]"), ("unknown_schema", "", "no such schema id")):
            s.check(f"{kind} says why", samples[kind]["field"] == field and words in samples[kind]["detail"], samples[kind])
        s.equal("the rule by its name", samples["rule"]["rule"], "low_before_high")
        text = json.dumps(page) + m.log()
        s.check("and nothing that the records hold", not [v for v in (SECRET, "5555", "Z\\u00fc") if v in text], text)
        s.equal("kdrift ends well", m.stop(), 0)


if __name__ == "__main__":
    main()
