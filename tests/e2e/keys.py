# SPDX-License-Identifier: Apache-2.0
"""Keys beside values: as the registry's serializer writes them, with the id in a header, as JSON and as plain text;
what breaks in a key and what in a value, against counts made here.
"""
import collections
import json
import os
import random
import struct
import time

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from lib.monitor import Monitor, configure, counted, kdrift, stats
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

SEED = int(os.environ.get("SEED", str(int(time.time()))))
KEY = {"type": "record", "name": "Id", "namespace": "shop", "fields": [
    {"name": "user", "type": "long"}, {"name": "region", "type": ["null", "string"], "default": None}]}
VALUE = {"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "amount", "type": "double"}, {"name": "key", "type": "string"}]}
N = 600


class Topic:
    """What is sent, and what must be counted of it."""

    def __init__(self, name, key, **stream):
        self.name, self.users, self.slices = name, [], collections.Counter()
        self.values = self.records = self.tombstones = self.no_key = self.violating = 0
        self.broken = collections.Counter()  # (field, kind)
        self.stream = {"name": name, "topic": name, "role": "features", "window": "5m", "key": key, **stream}


def send(r, topic, producer, serialize, as_headers, as_json, begin):
    for i in range(N):
        user, region, headers = r.randrange(120), r.choice(["eu", "us", None]), []
        key = {"user": user, "region": region}
        value = serialize["value"]({"amount": i / 4, "key": "v"}, SerializationContext(topic.name, MessageField.VALUE))
        if as_json:
            key = json.dumps(key).encode()
        else:
            key = serialize["key"](key, SerializationContext(topic.name, MessageField.KEY))
            if as_headers:
                key, headers = key[5:], [("__key_schema_id", key[:5])]
        fault = r.choice(["", "", "", "", "", "no key", "framing", "unknown_schema", "undecodable", "value", "tombstone"])
        if as_json and fault in ("framing", "unknown_schema"):
            fault = ""
        topic.records += fault != "tombstone"
        topic.tombstones += fault == "tombstone"
        readable = fault in ("", "value")
        wrong = fault not in ("", "tombstone")
        if fault == "no key":
            key, headers = None, []
            topic.broken["key", "null"] += 1
        elif fault == "framing":
            key, headers = b"\7" + key, []
            topic.broken["key", "framing"] += 1
        elif fault == "unknown_schema":
            unknown = struct.pack(">bi", 0, 900001)
            key, headers = (key, [("__key_schema_id", unknown)]) if as_headers else (unknown + key[5:], [])
            topic.broken["key", "unknown_schema"] += 1
        elif fault == "undecodable":
            key = key[:-1]
            topic.broken["key", "undecodable"] += 1
        elif fault == "value":
            value = value[:-1]
            topic.broken["", "undecodable"] += 1
        elif fault == "tombstone":
            value = None
        if readable and user > 99:
            topic.broken["key.user", "range"] += 1
            wrong = True
        topic.violating += wrong
        if fault != "tombstone":
            topic.slices[f"key.region={region}" if readable and region else "key.region=null"] += 1
        if fault not in ("value", "tombstone"):
            topic.values += 1
            if readable:
                topic.users.append(user)
        producer.produce(topic.name, value, key, partition=i % 3, headers=headers, timestamp=begin + i)
    producer.flush(60)


def compare(s, config, t, begin):
    got = stats(config, t.name, begin, begin + 60000)
    user = got["fields"]["key.user"]
    s.equal(f"{t.name}: records", (got["records"], got["decoded"], got["tombstones"], got["violating_records"]),
            (t.records, t.values, t.tombstones, t.violating))
    kinds = collections.Counter()
    for (_, kind), n in t.broken.items():
        kinds[kind] += n
    s.equal(f"{t.name}: violations", got["violations"], dict(kinds))
    fields = {f"{field}/{kind}": n for (field, kind), n in t.broken.items() if field}
    s.equal(f"{t.name}: violations by field",
            {f"{f}/{k}": n for f, kinds in got["violations_by_field"].items() for k, n in kinds.items()}, fields)
    s.equal(f"{t.name}: values of the key", (user["count"], user["missing"], user["sum"], user["max"]),
            (len(t.users), t.values - len(t.users), sum(t.users), max(t.users)))
    s.equal(f"{t.name}: the value's own fields", (got["fields"]["amount"]["count"], got["fields"]["value.key"]["count"]),
            (t.values, t.values))
    for name, n in sorted(t.slices.items()):
        s.equal(f"{t.name}: slice {name}", stats(config, t.name, begin, begin + 60000, "--slice", name)["records"], n)


def main():
    with Suite("keys") as s:
        s.say(f"SEED={SEED}")
        r = random.Random(SEED)
        redis = s.add(Redis(s.tmp))
        registry = s.add(Registry(s.tmp))
        kafka = s.add(Kafka(s.tmp))
        client = SchemaRegistryClient({"url": registry.url})
        more = {"slice_by": ["key.region"], "fields": {"key.user": {"range": [0, 99]}, "value.key": {"type": "text"}}}
        topics = [Topic("keyed", {"not_null": True}, **more),
                  Topic("in-headers", {"framing": "header_first", "not_null": True}, **more),
                  Topic("as-json", {"format": "json", "framing": "none", "not_null": True}, **more)]
        text = Topic("as-text", {"format": "string"}, fields={"key": {"allowed": ["a", "b"]}})
        for t in [*topics, text]:
            kafka.topic(t.name, partitions=3)
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, [t.stream for t in [*topics, text]])
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        producer, begin = kafka.producer(), int(time.time() * 1000) // 60000 * 60000
        serialize = {"key": AvroSerializer(client, json.dumps(KEY)), "value": AvroSerializer(client, json.dumps(VALUE))}
        for t in topics:
            send(r, t, producer, serialize, t.name == "in-headers", t.name == "as-json", begin)
        for i, key in enumerate([b"a", b"a", b"b", b"c", "ä".encode(), b"\xff", None]):
            value = serialize["value"]({"amount": i, "key": "v"}, SerializationContext(text.name, MessageField.VALUE))
            producer.produce(text.name, value, key, partition=0, timestamp=begin + i)
        producer.flush(60)
        ends = sum(sum(kafka.ends(t.name).values()) for t in [*topics, text])
        wait_for("every record is counted", lambda: counted(redis.client()) >= ends, 60)
        for t in topics:
            compare(s, config, t, begin)
        got = stats(config, text.name, begin, begin + 60000)
        s.equal("as-text: violations", got["violations_by_field"], {"key": {"allowed": 2, "undecodable": 1}})
        s.equal("as-text: values", sorted(map(tuple, got["fields"]["key"]["top"])), [("a", 2), ("b", 1), ("c", 1), ("ä", 1)])
        s.equal("as-text: records", (got["records"], got["decoded"], got["fields"]["key"]["missing"]), (7, 7, 2))

        out = os.path.join(s.tmp, "baseline.json")
        code, _, err = kdrift("baseline", "--config", config, "--stream", "keyed", "--out", out, "--allow-violations")
        s.check("a baseline of a topic", code == 0, err)
        with open(out, encoding="utf-8") as f:
            text = f.read()
        s.check("holds the fields of keys", '"key.user"' in text and '"value.key"' in text, text[:300])
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)


main()
