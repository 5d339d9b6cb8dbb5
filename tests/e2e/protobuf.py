# SPDX-License-Identifier: Apache-2.0
"""Protobuf through a real registry: a .proto with a reference, several messages of a file, indexes before the payload
and in a header, what confluent-kafka's serializer registers and writes; counted against Python's protobuf, and once
more from what Redis kept with no registry at all."""
import os
import struct
import subprocess
import time

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from lib.monitor import Monitor, configure, counted, stats
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

GEO = """syntax = "proto3";
package geo;
enum Country { UNKNOWN = 0; DE = 1; FR = 2; }
message Address { Country country = 1; optional string zip = 2; }
"""
SHOP = """syntax = "proto3";
package shop;
import "geo/address.proto";
import "google/protobuf/timestamp.proto";
message Order {
  google.protobuf.Timestamp at = 1;
  double amount = 2;
  geo.Address to = 3;
  repeated Item items = 4;
  map<string, int64> tags = 5;
  oneof how { string card = 6; bool cash = 7; }
  message Item { uint64 price = 1; repeated sint32 sizes = 2; }
}
message Refund { sint64 cents = 1; }
"""
N = 240


def classes(tmp):
    os.makedirs(os.path.join(tmp, "geo"))
    for path, text in (("geo/address.proto", GEO), ("shop.proto", SHOP)):
        with open(os.path.join(tmp, path), "w", encoding="utf-8") as f:
            f.write(text)
    out = os.path.join(tmp, "set.pb")
    subprocess.run(["protoc", "-I", tmp, "-I", "/usr/include", "--include_imports", "-o", out, "shop.proto"], check=True)
    files = descriptor_pb2.FileDescriptorSet()
    with open(out, "rb") as f:
        files.ParseFromString(f.read())
    pool = descriptor_pool.DescriptorPool()
    for f in files.file:
        pool.Add(f)
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName(n)) for n in ("shop.Order", "shop.Order.Item", "shop.Refund")]


def order(cls, i, begin):
    m = cls(amount=i / 4)
    m.at.FromMilliseconds(begin + i)
    if i % 3:
        m.to.country = i % 4  # 3 has no symbol
        if i % 2:
            m.to.zip = str(i % 7)
    for k in range(i % 4):
        m.items.add(price=2 ** 63 if k == 2 else i, sizes=range(-k, k))
    for k in range(i % 3):
        m.tags[str(k)] = i
    if i % 5 == 0:
        m.card = "x" * (i % 5)
    elif i % 5 < 3:
        m.cash = i % 2 == 0
    return m


class Sent:
    """What was sent to a topic, as Python's protobuf reads it."""

    def __init__(self):
        self.records, self.values, self.violations = [], {}, {}

    def good(self, value, message, cls, headers=None):
        self.records.append((value, headers))
        self.read(cls.FromString(message), "")

    def bad(self, kind, value):
        self.records.append((value, None))
        self.violations[kind] = self.violations.get(kind, 0) + 1

    def add(self, path, value):
        self.values.setdefault(path, []).append(value)

    def read(self, m, path):
        for f in m.DESCRIPTOR.fields:
            p, v = path + f.name, getattr(m, f.name)
            if f.has_presence and not m.HasField(f.name):
                continue
            if f.name == "tags":
                for x in v.values():
                    self.add("tags{}", x)
            elif f.is_repeated:
                for x in v:
                    if f.message_type:
                        self.read(x, p + "[].")
                    else:
                        self.add(p + "[]", x)
            elif f.message_type and f.message_type.name != "Timestamp":
                self.read(v, p + ".")
            elif f.enum_type:
                names = {x.number: x.name for x in f.enum_type.values}
                self.add(p, names.get(v, "UNRECOGNIZED"))
            elif not f.message_type:
                self.add(p, v)


def compare(s, what, got, sent):
    s.equal(f"{what}: records", got["records"], len(sent.records))
    s.equal(f"{what}: violations", got["violations"], sent.violations)
    s.equal(f"{what}: fields", sorted(p for p, f in got["fields"].items() if f["count"]), sorted(sent.values))
    for path, values in sorted(sent.values.items()):
        f = got["fields"][path]
        s.equal(f"{what}: {path}", f["count"], len(values))
        if isinstance(values[0], (str, bool)):
            texts = [str(v).lower() if isinstance(v, bool) else v for v in values]
            s.equal(f"{what}: {path}, each", dict(f["top"]), {t: texts.count(t) for t in set(texts)})
        else:
            s.check(f"{what}: {path}, sum", abs(f["sum"] - float(sum(values))) <= 1e-9 * abs(f["sum"]))


def main():
    with Suite("protobuf") as s:
        from confluent_kafka.schema_registry import SchemaRegistryClient
        from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
        from confluent_kafka.serialization import MessageField, SerializationContext
        order_class, item_class, refund_class = classes(s.tmp)
        redis = s.add(Redis(s.tmp))
        registry = s.add(Registry(s.tmp))
        kafka = s.add(Kafka(s.tmp))

        def register(subject, text, *refs):
            return registry.request("POST", f"/subjects/{subject}/versions",
                                    {"schema": text, "schemaType": "PROTOBUF", "references": list(refs)})["id"]
        register("geo", GEO)
        geo = {"name": "geo/address.proto", "subject": "geo", "version": 1}
        ids = {t: register(f"{t}-value", SHOP, geo) for t in ("orders", "headers")}
        register("shop.Refund", SHOP, geo)
        begin = int(time.time() * 1000) // 60000 * 60000

        topics = {t: Sent() for t in ("orders", "headers", "serialized", "types")}
        for i in range(N):
            body = order(order_class, i, begin).SerializeToString()
            topics["orders"].good(struct.pack(">bib", 0, ids["orders"], 0) + body, body, order_class)
            # The indexes 0, 0 name the message within the first one; 1 the second.
            item = item_class(price=i, sizes=[1]).SerializeToString()
            topics["headers"].good(item, item, item_class, [("__value_schema_id", struct.pack(">bi", 0, ids["headers"]) + b"\4\0\0")])
            refund = refund_class(cents=-i).SerializeToString()
            topics["types"].good(struct.pack(">bi", 0, ids["orders"]) + b"\2\2" + refund, refund, refund_class)
        body = order(order_class, 7, begin).SerializeToString()
        bad = topics["orders"]
        bad.bad("undecodable", struct.pack(">bib", 0, ids["orders"], 0) + body[:-1])
        bad.bad("framing", struct.pack(">bi", 0, ids["orders"]) + b"\2\6" + body)
        bad.bad("unknown_schema", struct.pack(">bib", 0, 900001, 0) + body)
        other = struct.pack(">bib", 0, ids["orders"], 0) + body  # of another record type: not that stream's

        client = SchemaRegistryClient({"url": registry.url})
        write = ProtobufSerializer(order_class, client, {"use.deprecated.format": False})
        for i in range(N):
            m = order(order_class, i, begin)
            value = write(m, SerializationContext("serialized", MessageField.VALUE))
            topics["serialized"].good(value, m.SerializeToString(), order_class)

        for t in topics:
            kafka.topic(t)
        streams = [{"name": t, "topic": t, "role": "features", "window": "10m", "slide": "1m",
                    **({"event_time": "at"} if t in ("orders", "serialized") else {}),
                    **({"subject_name_strategy": "RecordName", "record": "shop.Refund"} if t == "types" else {})} for t in topics]
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, streams)
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()

        def send():
            producer, before = kafka.producer(), counted(redis.client())
            total = 0
            producer.produce("types", other, partition=0, timestamp=begin)
            for t, sent in topics.items():
                for i, (value, headers) in enumerate(sent.records):
                    producer.produce(t, value, partition=i % 2, headers=headers, timestamp=begin + i)
                    total += 1
            producer.flush(60)
            wait_for("every record is counted", lambda: counted(redis.client()) >= before + total, 60)

        def look():
            for t, sent in topics.items():
                compare(s, t, stats(config, t, begin, begin + 60000), sent)
        send()
        look()
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)
        registry.stop()
        for sent in topics.values():  # what only a registry can deny cannot be counted now
            sent.records = [r for r in sent.records if r[0][1:5] != struct.pack(">i", 900001)]
        m.start().wait_up()
        send()
        s.equal("from Redis: orders", stats(config, "orders", begin, begin + 60000)["fields"]["amount"]["count"], 2 * N)
        s.equal("from Redis: items", stats(config, "headers", begin, begin + 60000)["fields"]["price"]["count"], 2 * N)
        s.equal("from Redis: serialized", stats(config, "serialized", begin, begin + 60000)["decoded"], 2 * N)
        m.stop()


main()
