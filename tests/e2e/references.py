# SPDX-License-Identifier: Apache-2.0
"""Avro schemas that refer to others in a real registry: three deep, one of them shared, counted
against what fastavro wrote, and once more from what Redis kept with no registry at all."""
import io
import json
import os
import struct
import time

import fastavro
from lib.monitor import Monitor, configure, counted, stats
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

COUNTRY = {"type": "enum", "name": "Country", "namespace": "geo", "symbols": ["DE", "FR", "US"]}
ADDRESS = {"type": "record", "name": "Address", "namespace": "geo", "fields": [
    {"name": "country", "type": "geo.Country"}, {"name": "zip", "type": ["null", "string"]}]}
ITEM = {"type": "record", "name": "Item", "namespace": "shop", "fields": [
    {"name": "price", "type": "double"}, {"name": "made_in", "type": ["null", "geo.Country"]}]}
ORDER = {"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "to", "type": "geo.Address"}, {"name": "items", "type": {"type": "array", "items": "shop.Item"}}]}


def order(i):
    return {"to": {"country": COUNTRY["symbols"][i % 3], "zip": None if i % 4 == 0 else str(i)},
            "items": [{"price": i + k / 4, "made_in": None if k else "FR"} for k in range(i % 3)]}


def reference(name, subject):
    return {"name": name, "subject": subject, "version": 1}


def register(registry):
    def post(subject, schema, *refs):
        return registry.request("POST", f"/subjects/{subject}/versions",
                                {"schema": json.dumps(schema), "references": list(refs)})["id"]
    country = reference("geo.Country", "geo-country")
    post("geo-country", COUNTRY)
    post("geo-address", ADDRESS, country)
    post("shop-item", ITEM, country)
    return post("orders-value", ORDER, reference("geo.Address", "geo-address"), reference("shop.Item", "shop-item"))


def encode(n):
    known = {}
    for s in (COUNTRY, ADDRESS, ITEM):
        fastavro.parse_schema(s, known)
    parsed = fastavro.parse_schema(ORDER, known)
    for i in range(n):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, order(i))
        yield out.getvalue()


def compare(s, what, got, n, times):
    orders = [order(i) for i in range(n)]
    items = [x for o in orders for x in o["items"]]
    fields = got["fields"]
    s.equal(f"{what}: records", (got["records"], got["decoded"], got["violating_records"]), (n * times, n * times, 0))
    for path, values in {"to.country": [o["to"]["country"] for o in orders], "to.zip": [o["to"]["zip"] for o in orders],
                         "items[].made_in": [x["made_in"] for x in items]}.items():
        s.equal(f"{what}: {path}", (fields[path]["count"], fields[path]["missing"]),
                (times * sum(v is not None for v in values), times * sum(v is None for v in values)))
    s.equal(f"{what}: countries", dict(fields["to.country"]["top"]),
            {c: times * sum(o["to"]["country"] == c for o in orders) for c in COUNTRY["symbols"]})
    price = fields["items[].price"]
    s.equal(f"{what}: prices", (price["count"], price["sum"]), (times * len(items), times * sum(x["price"] for x in items)))


def main():
    n = 300
    with Suite("references") as s:
        redis = s.add(Redis(s.tmp))
        registry = s.add(Registry(s.tmp))
        kafka = s.add(Kafka(s.tmp))
        schema_id = register(registry)
        kafka.topic("orders")
        begin = int(time.time() * 1000) // 60000 * 60000
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url,
                           [{"name": "orders", "topic": "orders", "role": "features", "window": "10m", "slide": "1m"}])
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()

        def send():
            producer, before = kafka.producer(), counted(redis.client())
            for i, body in enumerate(encode(n)):
                producer.produce("orders", struct.pack(">bi", 0, schema_id) + body, partition=i % 2, timestamp=begin + i)
            producer.flush(60)
            wait_for("every record is counted", lambda: counted(redis.client()) >= before + n, 60)
        send()
        got = stats(config, "orders", begin, begin + 60000)
        compare(s, "asked", got, n, 1)
        s.equal("by schema id", got["schemas"], {str(schema_id): n})
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)
        registry.stop()
        m.start().wait_up()
        send()
        compare(s, "from Redis", stats(config, "orders", begin, begin + 60000), n, 2)
        m.stop()


main()
