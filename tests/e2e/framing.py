# SPDX-License-Identifier: Apache-2.0
"""Every framing and every subject strategy: records framed by Python, ids of a real registry, counts compared.

The registry at hand knows no GUIDs: a front before it does, and passes on everything else.
"""
import io
import json
import os
import struct
import time
import uuid

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form
from lib.front import Front
from lib.monitor import Monitor, configure, counted, stats
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

READING = {"type": "record", "name": "Reading", "namespace": "plant", "fields": [
    {"name": "note", "type": ["null", "string"]},  # a payload may begin with the byte 0
    {"name": "amount", "type": "double"}]}
NEWER = {**READING, "fields": READING["fields"] + [{"name": "unit", "type": "string", "default": "C"}]}
ALIEN = {"type": "record", "name": "Alien", "fields": [{"name": "amount", "type": "double"}]}
HEADER = "__value_schema_id"


class Guids(Front):
    """Answers for GUIDs, too."""

    def __init__(self, registry):
        self.ids = {}
        super().__init__(registry)

    def instead(self, path):
        parts = path.split("/")
        if len(parts) == 5 and parts[1:3] == ["schemas", "guids"] and parts[4] == "ids":
            known = self.ids.get(parts[3])
            body = [{"context": ".", "id": known}] if known else {"error_code": 40403, "message": "no"}
            return 200 if known else 404, json.dumps(body).encode()

    def guid(self, schema_id):
        g = uuid.uuid4()
        self.ids[str(g)] = schema_id
        return b"\x01" + g.bytes


def avro(schema, record):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record)
    return out.getvalue()


def v0(schema_id):
    return struct.pack(">bi", 0, schema_id)


def single(schema):
    return b"\xc3\x01" + bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))


class Topic:
    """What is sent to one topic, and what must be counted."""

    def __init__(self, name, **stream):
        self.name, self.messages, self.amounts, self.violations, self.schemas = name, [], [], {}, {}
        self.known = []  # messages without a violation
        self.stream = {"name": name, "topic": name, "role": "features", "window": "10m", "slide": "1m", **stream}

    def good(self, prefix, schema=READING, schema_id=None, headers=None):
        """One record with each kind of first byte."""
        for note in (None, "x"):
            amount = len(self.amounts) + 0.5
            self.one(prefix + avro(schema, {"note": note, "amount": amount, "unit": "K"}), amount, schema_id, headers)
        return self

    def one(self, value, amount, schema_id, headers):
        self.messages.append((value, headers))
        self.known.append((value, headers))
        self.amounts.append(amount)
        self.count(schema_id)

    def count(self, schema_id):
        if schema_id is not None:
            self.schemas[str(schema_id)] = self.schemas.get(str(schema_id), 0) + 1

    def bad(self, kind, value, headers=None, schema_id=None):
        self.messages.append((value, headers))
        self.violations[kind] = self.violations.get(kind, 0) + 1
        self.count(schema_id)
        return self


def topics(registry, front, tmp):
    def register(subject, schema=READING):
        return registry.register(subject, schema)
    ids = {t: register(f"{t}-value") for t in ("headers", "prefixes", "apicurio")}
    reading = ids["headers"]
    newer = register("headers-value", NEWER)
    guid, newer_guid = front.guid(reading), front.guid(newer)
    body = avro(READING, {"note": None, "amount": 1.0})

    headers = Topic("headers")
    headers.good(v0(reading), schema_id=reading).good(guid, schema_id=reading)
    headers.good(b"", schema_id=reading, headers=[(HEADER, v0(reading))])
    headers.good(b"", schema=NEWER, schema_id=newer, headers=[("other", b"1"), (HEADER, newer_guid)])
    headers.good(b"", schema_id=reading, headers=[(HEADER, b"not this one"), (HEADER, guid)])
    headers.good(v0(reading), schema_id=reading, headers=[("__key_schema_id", newer_guid)])
    headers.bad("framing", v0(reading) + body, [(HEADER, b"7")]).bad("framing", b"{}").bad("framing", guid[:-1])
    headers.bad("unknown_schema", b"\x01" + uuid.uuid4().bytes + body)
    headers.bad("unknown_schema", body, [(HEADER, v0(900001))], schema_id=900001)

    prefixes = Topic("prefixes", framing="prefix_first")
    prefixes.good(v0(reading), schema_id=reading, headers=[(HEADER, newer_guid)])
    prefixes.good(guid, schema_id=reading)
    for _ in range(3):  # a payload that cannot be taken for a prefix
        amount = len(prefixes.amounts) + 0.5
        prefixes.one(avro(READING, {"note": "x", "amount": amount}), amount, reading, [(HEADER, guid)])
    prefixes.bad("framing", b"{}")

    apicurio = Topic("apicurio", framing="apicurio")
    long_id = struct.pack(">q", reading)
    apicurio.good(b"\x00" + long_id, schema_id=reading).good(v0(reading), schema_id=reading)
    apicurio.good(b"", schema_id=reading, headers=[("apicurio.value.globalId", long_id)])
    apicurio.good(b"", schema_id=reading, headers=[("apicurio.value.contentId", long_id)])
    apicurio.bad("framing", body, [("apicurio.value.contentId", v0(reading))])
    apicurio.bad("unknown_schema", b"\x00" + struct.pack(">q", 900002) + body, schema_id=900002)

    one, two = register("single-value"), register("single-value", NEWER)
    objects = Topic("single", framing="single_object")
    objects.good(single(READING), schema_id=one).good(single(NEWER), schema=NEWER, schema_id=two)
    objects.bad("unknown_schema", single(ALIEN) + body).bad("framing", v0(one) + body)

    with open(os.path.join(tmp, "bare.avsc"), "w", encoding="utf-8") as f:
        json.dump(READING, f)
    bare = Topic("bare", framing="none", schema="bare.avsc").good(b"")
    bare.bad("trailing_bytes", body + b"x").bad("undecodable", body[:-1])

    by_record = Topic("by-record", subject_name_strategy="RecordName", record="plant.Reading")
    by_record.good(v0(register("plant.Reading")), schema_id=reading)
    newer_only = register("by-record-value", {**NEWER, "doc": "not under the record's name"})
    by_record.bad("wrong_subject", v0(newer_only) + body, schema_id=newer_only)
    both = Topic("by-both", subject_name_strategy="TopicRecordName", record="plant.Reading")
    both.good(v0(register("by-both-plant.Reading")), schema_id=reading)
    both.bad("wrong_subject", v0(newer_only) + body, schema_id=newer_only)
    one_of_them = Topic("by-both-single", framing="single_object", subject_name_strategy="RecordName",
                        record="plant.Reading").good(single(READING), schema_id=reading)
    return [headers, prefixes, apicurio, objects, bare, by_record, both, one_of_them]


def compare(s, config, topic, begin):
    got = stats(config, topic.name, begin, begin + 60000)
    amount = got["fields"].get("amount", {})
    s.equal(f"{topic.name}: records", got["records"], len(topic.messages))
    s.equal(f"{topic.name}: violations", {k: n for k, n in got["violations"].items() if n}, topic.violations)
    s.equal(f"{topic.name}: values", (amount.get("count"), amount.get("mean")),
            (len(topic.amounts), sum(topic.amounts) / len(topic.amounts)))
    s.equal(f"{topic.name}: by schema id", got["schemas"], topic.schemas)


def main():
    with Suite("framing") as s:
        redis = s.add(Redis(s.tmp))
        registry = s.add(Registry(s.tmp))
        kafka = s.add(Kafka(s.tmp))
        front = s.add(Guids(registry))
        all_of = topics(registry, front, s.tmp)
        for t in all_of:
            kafka.topic(t.name)
        begin = int(time.time() * 1000) // 60000 * 60000
        config = configure(s.tmp, kafka.bootstrap, [front.url], redis.url, [t.stream for t in all_of])
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()

        def send():
            producer, before = kafka.producer(), counted(redis.client())
            sent = 0
            for t in all_of:
                for i, (value, headers) in enumerate(t.messages):
                    producer.produce(t.name, value, partition=i % 2, headers=headers, timestamp=begin + i)
                    sent += 1
            producer.flush(60)
            wait_for("every record is counted", lambda: counted(redis.client()) >= before + sent, 60)
        send()
        for t in all_of:
            compare(s, config, t, begin)

        # What GUIDs and fingerprints stand for is in Redis: a registry that is down at the start costs nothing.
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)
        front.stop()
        registry.stop()
        m.start().wait_up()
        for t in all_of:
            t.messages = t.known
        send()
        for t in all_of:
            got = stats(config, t.name, begin, begin + 60000)["fields"]["amount"]
            s.equal(f"{t.name}: values, with no registry", (got["count"], got["mean"]),
                    (2 * len(t.amounts), sum(t.amounts) / len(t.amounts)))
        m.stop()


main()
