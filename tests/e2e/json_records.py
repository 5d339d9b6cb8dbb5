# SPDX-License-Identifier: Apache-2.0
"""JSON: Schemas of a real registry with records by the registry's own Python serializer, plain JSON without a schema,
and with one from a file; counts compared with a naive model (json, jsonschema)."""
import json
import os
import random
import struct
import sys
import time
from fractions import Fraction

import jsonschema
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from lib.monitor import Monitor, configure, counted, kdrift, stats
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

DRAFT = "http://json-schema.org/draft-07/schema#"
ITEM = {"$schema": DRAFT, "$id": "item.json", "title": "Item", "type": "object", "additionalProperties": False,
        "properties": {"price": {"type": "number", "exclusiveMinimum": 0}, "name": {"type": "string"}},
        "required": ["price"]}
ORDER = {"$schema": DRAFT, "title": "Order", "type": "object", "properties": {
    "id": {"type": "integer"}, "amount": {"type": "number", "minimum": 0, "maximum": 1000},
    "currency": {"enum": ["EUR", "USD"]}, "note": {"oneOf": [{"type": "null"}, {"type": "string", "maxLength": 20}]},
    "placed": {"type": "string", "format": "date-time"}, "express": {"type": "boolean"},
    "items": {"type": "array", "items": {"$ref": "item.json"}},
    "tags": {"type": "object", "additionalProperties": {"type": "string"}}}, "required": ["id", "amount", "currency"]}
# What each breach of ORDER is, by the key that is put in a record's place.
BREACHES = [("wrong_type", {"amount": "12"}), ("missing_field", {"currency": None}), ("range", {"amount": -1}),
            ("allowed", {"currency": "GBP"}), ("length", {"note": "x" * 21}), ("pattern", {"placed": "yesterday"}),
            ("rule", {"items": [{"price": 1, "colour": "red"}]}), ("range", {"items": [{"price": 0}]})]


class Model:
    """Counts a topic's records the plain way."""

    def __init__(self, numbers, texts):
        self.records = self.decoded = 0
        self.violations, self.violating = {}, 0
        self.numbers = {path: [] for path in numbers}
        self.texts = {path: {} for path in texts}

    def breach(self, *kinds):
        for kind in kinds:
            self.violations[kind] = self.violations.get(kind, 0) + 1
        self.violating += bool(kinds)

    def bad(self, kind):
        self.records += 1
        self.breach(kind)

    def add(self, record, *kinds):
        self.records += 1
        self.decoded += 1
        self.breach(*kinds)
        for path, values in self.numbers.items():
            values += [v for v in self.at(record, path.split(".")) if isinstance(v, (int, float)) and not isinstance(v, bool)]
        for path, counts in self.texts.items():
            for v in self.at(record, path.split(".")):
                if isinstance(v, str):
                    counts[v] = counts.get(v, 0) + 1

    def at(self, v, path):
        if not path:
            return [v]
        head, rest = path[0], path[1:]
        name = head.rstrip("[]{}")
        v = v.get(name) if isinstance(v, dict) else None
        if head.endswith("[]"):
            return [x for item in v if isinstance(v, list) for x in self.at(item, rest)] if isinstance(v, list) else []
        if head.endswith("{}"):
            return [x for item in v.values() for x in self.at(item, rest)] if isinstance(v, dict) else []
        return self.at(v, rest)

    def compare(self, s, name, got):
        s.equal(f"{name}: records", got["records"], self.records)
        s.equal(f"{name}: violations", {k: n for k, n in got["violations"].items() if n}, self.violations)
        s.equal(f"{name}: violating records", got["violating_records"], self.violating)
        for path, values in self.numbers.items():
            f = got["fields"].get(path, {})
            s.equal(f"{name}: {path}", (f.get("type"), f.get("count"), f.get("mean"), f.get("min"), f.get("max")),
                    ("numeric", len(values), float(sum(map(Fraction, values)) / len(values)), min(values), max(values)))
            if "[]" not in path and "{}" not in path:
                s.equal(f"{name}: {path} missing", f.get("missing", 0) + f.get("other", 0), self.decoded - len(values))
        for path, counts in self.texts.items():
            f = got["fields"].get(path, {})
            s.equal(f"{name}: {path}", (f.get("type"), {v: n for v, n in f.get("top", [])}), ("categorical", counts))


def order(rng, i):
    r = {"id": i, "amount": rng.choice([0, 12.5, 999.99, rng.uniform(0, 1000)]), "currency": rng.choice(["EUR", "USD"]),
         "express": rng.random() < 0.5, "placed": "2024-02-29T12:00:00Z"}
    if rng.random() < 0.7:
        r["note"] = rng.choice([None, "grün", "fragile"])
    if rng.random() < 0.6:
        r["items"] = [{"price": rng.randint(1, 50), "name": rng.choice("abc")} for _ in range(rng.randint(0, 3))]
    if rng.random() < 0.3:
        r["tags"] = {rng.choice("xyz"): rng.choice(["one", "two"]) for _ in range(2)}
    return r


def typed(registry, rng):
    """Messages of topic `typed`, serialized with a schema that refers to another, and their model."""
    client = SchemaRegistryClient({"url": registry.url})
    client.register_schema("item", Schema(json.dumps(ITEM), "JSON"))
    schema = Schema(json.dumps(ORDER), "JSON", [SchemaReference("item.json", "item", 1)])
    ident = client.register_schema("typed-value", schema)
    write = JSONSerializer(schema, client, conf={"auto.register.schemas": False, "use.latest.version": True})
    where = SerializationContext("typed", MessageField.VALUE)
    model = Model(["id", "amount", "items[].price"], ["currency", "note", "items[].name", "tags{}"])
    messages = []
    for i in range(200):
        record = order(rng, i)
        messages.append(write(record, where))
        model.add(record)
    frame = struct.pack(">bi", 0, ident)
    for i in range(40):
        kind, change = BREACHES[i % len(BREACHES)]
        record = {k: v for k, v in {**order(rng, 1000 + i), **change}.items() if v is not None or k == "note"}
        found = jsonschema.Draft7Validator({**ORDER, "properties": {**ORDER["properties"], "items": {"items": ITEM}}},
                                           format_checker=None)
        assert kind == "pattern" or list(found.iter_errors(record)), (kind, record)
        messages.append(frame + json.dumps(record).encode())
        model.add(record, kind)
    for cut in (b'{"id": 1, "amount": 2', b"", b'{"id": NaN}', b"\xff\xfe"):
        messages.append(frame + cut)
        model.bad("undecodable")
    messages.append(frame + b'{"id": 1, "amount": 2, "currency": "EUR"} {}')
    model.bad("trailing_bytes")
    messages.append(b'{"id": 1}')
    model.bad("framing")
    return messages, model


def plain(rng, begin):
    """Records without any schema: fields by their first values, some by configuration."""
    model = Model(["score", "user.age", "values[]", "ranks{}"], ["user.country", "code"])
    messages = []
    for i in range(300):
        record = {"at": begin + i, "score": rng.uniform(-1, 1), "user": {"age": rng.randint(1, 99), "country": rng.choice(["DE", "FR"])},
                  "values": [rng.randint(0, 9) for _ in range(rng.randint(0, 4))], "code": str(rng.randint(1, 5)), "on": i % 2 == 0}
        if i % 3 == 0:
            record["ranks"] = {f"k{rng.randint(0, 10 ** 6)}": rng.randint(1, 5)}
        if i % 10 == 0:
            record["score"] = None
        if i % 30 == 7:
            record["score"] = "high"
        messages.append(json.dumps(record).encode())
        kinds = (["wrong_type"] if i % 30 == 7 else []) + (["null"] if i % 10 == 0 else [])
        model.add(record, *kinds)
    messages.append(b'{"score": 5e400, "code": 7')
    model.bad("undecodable")
    messages.append(b"7 8")
    model.bad("trailing_bytes")
    return messages, model


def main():
    with Suite("json_records") as s:
        redis = s.add(Redis(s.tmp))
        registry = s.add(Registry(s.tmp))
        kafka = s.add(Kafka(s.tmp))
        seed = int(os.environ.get("KDRIFT_SEED", time.time()))
        rng = random.Random(seed)
        print(f"seed {seed}", file=sys.stderr)
        begin = int(time.time() * 1000) // 60000 * 60000
        with open(os.path.join(s.tmp, "item.schema.json"), "w", encoding="utf-8") as f:
            json.dump(ITEM, f)
        sent = {"typed": typed(registry, rng), "plain": plain(rng, begin)}
        filed = Model(["price"], ["name"])
        messages = []
        for i in range(50):
            record = {"price": i + 1, "name": "n"} if i % 5 else {"price": i - 100}
            messages.append(json.dumps(record).encode())
            filed.add(record, *([] if i % 5 else ["range"]))
        sent["filed"] = messages, filed
        streams = [{"name": "typed", "topic": "typed", "role": "features", "window": "10m", "slide": "1m"},
                   {"name": "plain", "topic": "plain", "role": "features", "window": "10m", "slide": "1m", "format": "json",
                    "event_time": "at", "fields": {"score": {"type": "numeric", "not_null": True}, "ranks{}": {"type": "numeric"}}},
                   {"name": "filed", "topic": "filed", "role": "features", "window": "10m", "slide": "1m", "format": "json",
                    "framing": "none", "schema": "item.schema.json"}]
        for name in sent:
            kafka.topic(name)
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, streams)
        code, out, err = kdrift("check", "--config", config)
        s.equal("kdrift check", (code, err), (0, err))
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        producer, total = kafka.producer(), 0
        for name, (messages, _) in sent.items():
            for i, value in enumerate(messages):
                producer.produce(name, value, partition=i % 2, timestamp=begin + i)
                total += 1
        producer.flush(60)
        wait_for("every record is counted", lambda: counted(redis.client()) >= total, 60)
        for name, (_, model) in sent.items():
            model.compare(s, name, stats(config, name, begin, begin + 60000))
        plain_fields = stats(config, "plain", begin, begin + 60000)["fields"]
        s.equal("plain: what types the fields have", {p: f["type"] for p, f in plain_fields.items()},
                {"score": "numeric", "user.age": "numeric", "user.country": "categorical", "values[]": "numeric",
                 "code": "categorical", "on": "boolean", "ranks{}": "numeric"})
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)

        for name in ("typed", "plain"):
            path = os.path.join(s.tmp, f"{name}.json")
            code, out, err = kdrift("baseline", "--config", config, "--stream", name, "--out", path, "--allow-violations")
            s.equal(f"kdrift baseline of {name}", (code, err[-300:] if code else ""), (0, ""))
            with open(path, encoding="utf-8") as f:
                fields = {x["path"]: x for x in json.load(f)["fields"]}
            want = sent[name][1].numbers
            s.equal(f"the baseline of {name} has its values", {p: fields.get(p, {}).get("count") for p in want},
                    {p: len(v) for p, v in want.items()})


main()
