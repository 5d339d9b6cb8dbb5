# SPDX-License-Identifier: Apache-2.0
"""Several record types in a topic, written by confluent-kafka's own serializer under both strategies that name
subjects by record: a sub-stream each, while the monitor is killed, and every count as fastavro counts it.

E2E_KILLS: how many monitor kills (4). E2E_RECORDS: how many records a topic (12000).
"""
import collections
import io
import json
import os
import random
import signal
import struct
import time

import fastavro
import numpy as np
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import (SchemaRegistryClient, record_subject_name_strategy,
                                             topic_record_subject_name_strategy)
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from lib.monitor import Monitor, configure, counted, kdrift, stats
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

KILLS = int(os.environ.get("E2E_KILLS", "4"))
N = int(os.environ.get("E2E_RECORDS", "12000"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
TS = {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}}
TYPES = {  # the same path in several types, and of several kinds
    "shop.Order": [TS, {"name": "amount", "type": "double"}, {"name": "items", "type": {"type": "array", "items": "int"}}],
    "shop.Refund": [TS, {"name": "amount", "type": ["null", "double"]}, {"name": "reason", "type": "string"}],
    "shop.audit.Login": [{"name": "amount", "type": "string"}, {"name": "ok", "type": "boolean"}]}
SCHEMAS = {name: {"type": "record", "name": name.rsplit(".", 1)[1], "namespace": name.rsplit(".", 1)[0],
                  "fields": fields} for name, fields in TYPES.items()}
STRATEGIES = {"RecordName": record_subject_name_strategy, "TopicRecordName": topic_record_subject_name_strategy}


def record(r, name, ts):
    if name == "shop.Order":
        return {"ts": ts, "amount": r.randrange(2000) / 8, "items": [r.randrange(9) for _ in range(r.randrange(4))]}
    if name == "shop.Refund":
        return {"ts": ts, "amount": r.choice([None, r.randrange(2000) / 8]), "reason": r.choice("abc")}
    return {"amount": r.choice(["low", "high"]), "ok": r.random() < 0.7}


class Expected:
    """The topic read back and decoded by fastavro."""

    def __init__(self, bootstrap, topic, by_id):
        self.messages = self.tombstones = 0
        self.records = collections.Counter()
        self.stray = collections.Counter()
        self.amounts = collections.defaultdict(list)
        self.times = []
        c = Consumer({"bootstrap.servers": bootstrap, "group.id": "oracle", "enable.auto.commit": False})
        try:
            parts = sorted(c.list_topics(topic, 30).topics[topic].partitions)
            ends = {p: c.get_watermark_offsets(TopicPartition(topic, p), timeout=30)[1] for p in parts}
            c.assign([TopicPartition(topic, p, 0) for p in parts])
            while self.messages < sum(ends.values()):
                for m in c.consume(10000, 5):
                    assert not m.error(), m.error()
                    self.messages += 1
                    self.one(m, by_id)
        finally:
            c.close()

    def one(self, m, by_id):
        value = m.value()
        if value is None:
            self.tombstones += 1
            return
        if value[:1] != b"\0":
            self.stray["framing"] += 1
            self.times.append(m.timestamp()[1])
            return
        schema_id = struct.unpack(">i", value[1:5])[0]
        name = by_id.get(schema_id)
        if name not in TYPES:
            self.stray["wrong_subject" if name else "unknown_schema"] += 1
            self.times.append(m.timestamp()[1])
            return
        self.records[name] += 1
        got = fastavro.schemaless_reader(io.BytesIO(value[5:]), fastavro.parse_schema(SCHEMAS[name]))
        self.times.append(int(got["ts"].timestamp() * 1000) if "ts" in got else m.timestamp()[1])
        self.amounts[name].append(got["amount"])


def compare(s, config, topic, want):
    begin, end = min(want.times) // 60000 * 60000, max(want.times) + 60000
    for name in TYPES:
        got = stats(config, f"{topic}/{name}", begin, end)
        amount, amounts = got["fields"]["amount"], want.amounts[name]
        s.equal(f"{topic}: records of {name}", (got["records"], got["decoded"]), (want.records[name],) * 2)
        s.equal(f"{topic}: violations of {name}", got["violations"], {})
        if name == "shop.audit.Login":
            s.equal(f"{topic}: values of {name}", sorted(amount["top"]), sorted(map(list, collections.Counter(amounts).items())))
            continue
        have = [a for a in amounts if a is not None]
        s.equal(f"{topic}: values of {name}", (amount["count"], amount["missing"], amount["sum"], amount["min"], amount["max"]),
                (len(have), len(amounts) - len(have), float(np.sum(have)), min(have), max(have)))
    got = stats(config, topic, begin, end)
    s.equal(f"{topic}: what has no type", (got["records"], got["violations"], got["tombstones"], got["fields"]),
            (sum(want.stray.values()), dict(want.stray), want.tombstones, {}))


def main():
    with Suite("record_types") as s:
        s.say(f"SEED={SEED}")
        r = random.Random(SEED)
        redis = s.add(Redis(s.tmp))
        registry = s.add(Registry(s.tmp))
        kafka = s.add(Kafka(s.tmp))
        client = SchemaRegistryClient({"url": registry.url})
        streams = []
        for strategy in STRATEGIES:
            kafka.topic(strategy, partitions=3)
            streams.append({"name": strategy, "topic": strategy, "role": "features", "event_time": "ts", "window": "5m",
                            "slide": "1m", "lateness": "10s", "subject_name_strategy": strategy,
                            "fields": {"amount": {"range": [0, 1000]}, "reason": {"allowed": ["a", "b", "c"]}}})
        rules = {"daily": [{"alert": "Present", "stream": "RecordName", "measure": "records", "above": 0}]}
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, streams, rules=rules, checkpoint_interval="300ms")
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        producer = kafka.producer()
        alien = registry.register("elsewhere", {"type": "record", "name": "Alien", "fields": [TS]})
        by_id = {alien: "Alien"}
        begin = int(time.time() * 1000) - 3600000

        def send(topic, names, n, first):
            writers = {name: AvroSerializer(client, json.dumps(SCHEMAS[name]),
                                            conf={"subject.name.strategy": STRATEGIES[topic]}) for name in names}
            for i in range(n):
                name, ts = r.choice(names), first + i * 50 - r.randrange(3000)
                value = writers[name](record(r, name, ts), SerializationContext(topic, MessageField.VALUE))
                by_id[struct.unpack(">i", value[1:5])[0]] = name
                if i % 97 == 0:
                    value = r.choice([b"{}", struct.pack(">bi", 0, alien) + b"\0", struct.pack(">bi", 0, 900000) + b"\0", None])
                producer.produce(topic, value, partition=r.randrange(3), timestamp=ts)
                if i % 500 == 0:
                    producer.flush(60)
            producer.flush(60)

        # A type that is new, and a kill at some moment after its first records.
        order = list(TYPES)
        for life in range(KILLS):
            for topic in STRATEGIES:
                send(topic, order[:1 + life % 3] if life < 3 else order, N // KILLS, begin + life * N // KILLS * 50)
            time.sleep(r.uniform(0, 0.7))  # any moment is a good one
            m.kill()
            m.start()
        ends = sum(sum(kafka.ends(t).values()) for t in STRATEGIES)
        wait_for("every record is counted", lambda: counted(redis.client()) >= ends, 120)
        s.equal("nothing is counted beyond the end", counted(redis.client()), ends)
        for topic in STRATEGIES:
            compare(s, config, topic, Expected(kafka.bootstrap, topic, by_id))

        m.wait_up()
        names = sorted(f"{t}/{n}" for t in STRATEGIES for n in TYPES)

        def streams_shown():
            shown = {v["name"]: v for v in m.status().get("streams", [])}
            return shown if set(names) <= set(shown) else None
        shown = wait_for("the judge knows every type", streams_shown)
        s.equal("streams are those configured and the types", sorted(shown), sorted(names + list(STRATEGIES)))
        fired = wait_for("a rule of the stream fires for its types", lambda: {
            a["stream"] for a in m.status().get("alerts", []) if a["alert"] == "Present" and a["state"] == "firing"})
        s.check("and for no other stream's", all(n.startswith("RecordName") for n in fired), fired)
        journal = [json.loads(e.split(b" ", 1)[1]) for e in redis.client().zrange("kdrift:journal", 0, -1)]
        born = sorted(e["sub_stream"] for e in journal if e["type"] == "record_type")
        s.equal("each type is told once in the journal", born, names)
        s.check("no stream was added later", not any(e["type"] == "stream_added" for e in journal), "stream_added")

        m.process.p.send_signal(signal.SIGHUP)
        wait_for("it has reloaded", lambda: "reloaded" in m.log())
        shown = wait_for("the judge knows every type after a reload", streams_shown)
        s.equal("and each goes on in its stream's event time", {shown[n]["watermark"] for n in names if n.startswith("R")},
                {shown["RecordName"]["watermark"]})
        send("RecordName", ["shop.Order"], 300, begin + N * 50)
        wait_for("the new ones are counted", lambda: m.total("kdrift_records_total", "RecordName/shop.Order") > 0)
        code, _, err = kdrift("stats", "--config", config, "--stream", "RecordName/shop.None", "--from", "0", "--to", "1")
        s.check("a type that never came has no statistics, and that is no fault", code == 0, err)
        code, _, err = kdrift("baseline", "--config", config, "--stream", "RecordName/shop.Order", "--out",
                              os.path.join(s.tmp, "b.json"))
        s.check("a baseline wants a stream with record", code == 1 and "record" in err, err)
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)


main()
