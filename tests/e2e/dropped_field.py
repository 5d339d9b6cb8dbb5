# SPDX-License-Identifier: Apache-2.0
"""A writer's schema that drops fields is one page, sent with its first record, and one when it is over: by the
shipped rules, with everything that follows from it listed there. With a contract and without one."""
import io
import json
import os
import struct
import threading
import time

import fastavro
from lib.monitor import Monitor, configure
from lib.receiver import Receiver, receivers_file
from lib.servers import Kafka, Redis, Registry
from lib.suite import TOP, Suite, wait_for

RATE = 150
FIELDS = {"id": "string", "amount": "double", "currency": "string"}


def record(**changed):
    kinds = {**FIELDS, **changed}
    return {"type": "record", "name": "Payment", "fields": [{"name": n, "type": k} for n, k in kinds.items() if k]}


V1 = record()
DROPS = record(amount=None, currency=None)     # what the contract needs
RETYPES = record(amount="string", currency=None)
VALUES = {"id": "p", "amount": 1.5, "currency": "EUR"}


class Writer(threading.Thread):
    """Writes one record after another, each with the schema of the moment."""

    def __init__(self, kafka, topic, schema_id, schema):
        super().__init__(daemon=True)
        self.producer, self.topic, self.ending = kafka.producer(linger_ms=5), topic, threading.Event()
        self.sent, self.first = 0, {}          # schema id -> (offset, wall time) of its first record
        self.use(schema_id, schema)
        self.start()

    def use(self, schema_id, schema, **values):
        self.now = (schema_id, fastavro.parse_schema(json.loads(json.dumps(schema))), {**VALUES, **values})

    def run(self):
        while not self.ending.is_set():
            schema_id, schema, values = self.now
            out = io.BytesIO(struct.pack(">bI", 0, schema_id))
            out.seek(5)
            fastavro.schemaless_writer(out, schema, values)
            self.first.setdefault(schema_id, (self.sent, time.time()))
            self.producer.produce(self.topic, out.getvalue())
            self.producer.poll(0)
            self.sent += 1
            time.sleep(1 / RATE)
        self.producer.flush(10)

    def stop(self):
        self.ending.set()
        self.join(20)


def shipped_rules(tmp):
    """The shipped immediate tier over ten seconds for five minutes. Without BreakingVersion, which may come before the
    first record (breaking.py)."""
    with open(os.path.join(TOP, "alerts", "immediate.yaml"), encoding="utf-8") as f:
        rules = f.read().split("\n\n")
    text = "\n\n".join(r for r in rules if "BreakingVersion" not in r).replace("over: 5m", "over: 10s")
    with open(os.path.join(tmp, "kdrift-alerts", "immediate.yaml"), "w", encoding="utf-8") as f:
        f.write(text)


def told(receiver, stream):
    return [(p["alert"], p["status"]) for p in receiver.pages(stream=stream)]


def check_page(s, page, writer, ids, at):
    offset, since = writer.first[ids[1]]
    s.check("the first record pages within 10 s", 0 < at - since < 10, f"{at - since:.1f} s")
    s.say(f"paged {at - since:.1f} s after the first record: {page['summary']}")
    s.equal("its items are the fields", [i["field"] for i in page["items"]], ["amount", "currency"])
    s.equal("both schema ids are there", (page["evidence"]["schema_ids"], page["evidence"]["other_schema_ids"]),
            ([ids[1]], [ids[0]]))
    for item in page["items"]:
        schema = item["schemas"][0]
        s.equal(f"{item['field']}: the schema by version and subject, the first record by offset",
                (schema["id"], schema["version"], schema["subject"], schema["first"]["partition"],
                 schema["first"]["offset"]), (ids[1], 2, f"{writer.topic}-value", 0, offset))


def main():
    with Suite("dropped_field") as s:
        redis, registry, kafka = s.add(Redis(s.tmp)), s.add(Registry(s.tmp)), s.add(Kafka(s.tmp))
        receiver = s.add(Receiver())
        contract = os.path.join(s.tmp, "contract.avsc")
        with open(contract, "w", encoding="utf-8") as f:
            json.dump(V1, f)
        streams = [{"name": "payments", "contract": {"schema": contract}},
                   {"name": "orders", "fields": {"amount": {"type": "numeric"}, "currency": {}}}]
        for stream in streams:
            stream.update(topic=stream["name"], role="features", window="10s", slide="2s", lateness="1s")
            kafka.topic(stream["name"], 1)
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, streams,
                           receivers=receivers_file(receiver))
        shipped_rules(s.tmp)
        ids = {t: [registry.register(f"{t}-value", V1)] for t in ("payments", "orders")}
        writers = {t: s.add(Writer(kafka, t, i[0], V1)) for t, i in ids.items()}
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        wait_for("both streams are read", lambda: m.total("kdrift_records_total", "payments") > 500 and
                 m.total("kdrift_records_total", "orders") > 500, 60)
        s.equal("the old schema is no alert", receiver.pages(), [])

        for topic, schema, values in (("payments", DROPS, {}), ("orders", RETYPES, {"amount": "a lot"})):
            ids[topic].append(registry.register(f"{topic}-value", schema))
            writers[topic].use(ids[topic][1], schema, **values)
        pages = {t: receiver.wait_page(30, stream=t, status="firing") for t in writers}
        at = {r["data"]["stream"]: r["at"] for r in receiver.requests}
        for topic, page in pages.items():
            check_page(s, page, writers[topic], ids[topic], at[topic])
        s.check("the check says why, in its own words", "amount: reader field missing default value" in
                pages["payments"]["evidence"]["contract"][0], pages["payments"]["evidence"])
        s.check("what is lost is told from what has changed",
                "lacks currency and has amount in another type" in pages["orders"]["summary"], pages["orders"]["summary"])

        def following():
            alerts = json.loads(m.get("/api/v1/alerts")[1])
            return {(a["stream"], a["alert"], a["field"]) for a in alerts if a["follows"] == pages[a["stream"]]["id"]}
        want = {("payments", "SchemaViolations", None), ("payments", "IncompatibleSchema", None),
                ("payments", "FieldAllNull", "amount"), ("payments", "FieldAllNull", "currency"),
                ("orders", "SchemaViolations", None), ("orders", "FieldAllNull", "currency")}
        wait_for("what follows from it fires without a page", lambda: want <= following(), 60)
        m.kill()
        m.start().wait_up()

        for topic, writer in writers.items():
            writer.use(ids[topic][0], V1)
        for topic in writers:
            over = receiver.wait_page(60, stream=topic, status="resolved")
            s.equal(f"{topic}: one page, and one when it is over", told(receiver, topic),
                    [("DroppedField", "firing"), ("DroppedField", "resolved")])
            listed = {(topic, f["alert"], f["field"]) for f in over["follows"]}
            s.equal("which lists what followed", listed, {w for w in want if w[0] == topic})
        wait_for("no alert is left", lambda: not [a for a in json.loads(m.get("/api/v1/alerts")[1])
                                                  if a["state"] == "firing"], 60)
        s.equal("nothing else was sent", len({r["id"] for r in receiver.requests}), 4)
        s.equal("kdrift ends well", m.stop(), 0)


if __name__ == "__main__":
    main()
