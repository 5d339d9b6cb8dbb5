# SPDX-License-Identifier: Apache-2.0
"""Files in and out: what `kdrift produce` puts on a topic is read back with fastavro, and a baseline of the
topic must say the same as one of the file, whose numbers NumPy gives."""
import csv
import hashlib
import io
import json
import os
import struct

import fastavro
import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from lib.monitor import configure, kdrift
from lib.servers import Kafka, Redis, Registry
from lib.suite import TOP, Suite

N = 3000
FEATURES = ["period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"]
SCHEMA = {"type": "record", "name": "Market", "namespace": "elec2", "fields": [
    {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    *[{"name": f, "type": ["null", "double"] if f == "nswdemand" else "double"} for f in FEATURES],
    {"name": "class", "type": {"type": "enum", "name": "Class", "symbols": ["DOWN", "UP"]}}]}


def write(path, text):
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(text)
    return path


def read_topic(kafka, topic):
    """[(Kafka timestamp, key, schema id, payload)] in order of timestamp."""
    ends = kafka.ends(topic)
    c = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "reader", "log_level": 0})
    c.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in ends])
    out = []
    while len(out) < sum(ends.values()):
        m = c.poll(10)
        if m is None or m.error():
            raise AssertionError(f"{len(out)} of {sum(ends.values())} messages: {m and m.error()}")
        magic, schema_id = struct.unpack(">bI", m.value()[:5])
        assert magic == 0
        out.append((m.timestamp()[1], m.key(), schema_id, m.value()[5:]))
    c.close()
    return sorted(out, key=lambda r: r[0])


def field(baseline, path):
    return next(f for f in baseline["fields"] if f["path"] == path)


def differences(a, b, path=""):
    """Where two JSON values differ."""
    if type(a) is not type(b) or not isinstance(a, (dict, list)):
        return [] if a == b else [f"{path}: {a} instead of {b}"]
    if isinstance(a, dict):
        keys = sorted(set(a) | set(b))
        return [d for k in keys for d in differences(a.get(k), b.get(k), f"{path}.{k}")]
    if len(a) != len(b):
        return [f"{path}: {len(a)} items instead of {len(b)}"]
    return [d for i, (x, y) in enumerate(zip(a, b)) for d in differences(x, y, f"{path}[{i}]")]


def without(value, *keys):
    return {k: v for k, v in value.items() if k not in keys}


CART = {"type": "record", "name": "Cart", "fields": [
    {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "items", "type": {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
        {"name": "price", "type": "double"}]}}},
    {"name": "tags", "type": {"type": "map", "values": "string"}}]}


def elements(s, kafka, registry, baseline):
    """Elements of arrays and maps have the same paths in a file and on a topic."""
    carts = [{"ts": 1700000000000 + i * 1000, "items": [{"price": i + k / 8} for k in range(i % 4)],
              "tags": {f"k{k}": f"v{k}" for k in range(i % 3)}} for i in range(600)]
    path, parsed = "carts.avro", fastavro.parse_schema(json.loads(json.dumps(CART)))
    with open(os.path.join(s.tmp, path), "wb") as f:
        fastavro.writer(f, parsed, carts)
    schema_id, producer = registry.register("carts-value", CART), kafka.producer()
    for cart in carts:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, cart)
        producer.produce("carts", struct.pack(">bI", 0, schema_id) + out.getvalue(), timestamp=cart["ts"], partition=0)
    producer.flush(30)
    code, of_file = baseline("carts-file.json", "--file", os.path.join(s.tmp, path), stream="carts")
    if s.check("a baseline of a file with arrays and maps", code == 0, of_file):
        code, of_topic = baseline("carts-topic.json", stream="carts")
        s.equal("its fields are those of the topic", (code, [f["path"] for f in of_file["fields"]]),
                (0, ["items[].price", "tags{}"]))
        wrong = differences(of_topic["fields"], of_file["fields"])
        s.check("and so are their values", not wrong, wrong[:5])
        s.equal("every element counts", field(of_file, "items[].price")["count"], sum(i % 4 for i in range(600)))


def several_topics(s, kafka, registry, baseline):
    """A stream of all topics that match: the same baseline as of a file with the records of all of them."""
    shelf = {"type": "record", "name": "Shelf", "fields": [CART["fields"][0], {"name": "width", "type": "double"},
                                                           {"name": "kind", "type": "string"}]}
    shelves = [{"ts": 1700000000000 + i * 1000, "width": (i * 7919 % 1000) / 8, "kind": "abc"[i % 3]} for i in range(900)]
    path, parsed = os.path.join(s.tmp, "shelves.avro"), fastavro.parse_schema(json.loads(json.dumps(shelf)))
    with open(path, "wb") as f:
        fastavro.writer(f, parsed, shelves)
    topics = ["shelf-1", "shelf-22", "shelf-x"]  # the last is not the stream's
    ids, producer = [registry.register(f"{t}-value", shelf) for t in topics], kafka.producer()
    for i, x in enumerate(shelves + shelves[:10]):
        out, which = io.BytesIO(), i % 2 if i < len(shelves) else 2
        fastavro.schemaless_writer(out, parsed, x)
        producer.produce(topics[which], struct.pack(">bI", 0, ids[which]) + out.getvalue(), timestamp=x["ts"], partition=0)
    producer.flush(30)
    code, of_file = baseline("shelves-file.json", "--file", path, stream="shelves")
    code2, of_topics = baseline("shelves-topics.json", stream="shelves")
    if s.check("a baseline of several topics", (code, code2) == (0, 0), (of_file, of_topics)):
        wrong = differences(of_topics["fields"], of_file["fields"])
        s.check("has the values of a file with all of their records", not wrong, wrong[:5])
        s.equal("and names them", sorted((p["topic"], p["to_offset"]) for p in of_topics["provenance"]["partitions"]),
                [(t, len(shelves) // 2) for t in topics[:2]])
    code, err = baseline("nothing.json", stream="nothing")
    s.check("where none matches it is an error", code == 1 and "no topic that matches /nothing-.*/" in str(err), err)


def main():
    with Suite("files") as s:
        redis, registry, kafka = s.add(Redis(s.tmp)), s.add(Registry(s.tmp)), s.add(Kafka(s.tmp))
        kafka.topic("market")
        kafka.topic("broken", 1)
        for topic in ("carts", "shelf-1", "shelf-22", "shelf-x"):
            kafka.topic(topic, 1)
        with open(os.path.join(TOP, "src/sandbox/elec2.csv"), encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))[:N]
        for i in range(0, N, 10):
            rows[i]["nswdemand"] = ""
        out = io.StringIO()
        w = csv.DictWriter(out, rows[0])
        w.writeheader()
        w.writerows(rows)
        data = write(os.path.join(s.tmp, "market.csv"), out.getvalue())
        avsc = write(os.path.join(s.tmp, "market.avsc"), json.dumps(SCHEMA))
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, [
            {"name": "market", "topic": "market", "role": "features", "event_time": "ts",
             "contract": {"schema": avsc}},
            {"name": "broken", "topic": "broken", "role": "features", "event_time": "ts",
             "fields": {"nswprice": {"range": [0, 0.1]}}},
            {"name": "carts", "topic": "carts", "role": "features", "event_time": "ts"},
            {"name": "shelves", "topic": "/shelf-[0-9]+/", "role": "features", "event_time": "ts"},
            {"name": "nothing", "topic": "/nothing-.*/", "role": "features", "event_time": "ts"}])

        # --- produce
        code, said, err = kdrift("produce", "--topic", "market", "--schema", avsc, "--file", data, "--time-field", "ts",
                                 "--key", "class", "--config", config)
        if not s.check("produce ends with exit code 0", code == 0, err):
            return
        s.check("it says how many", f"{N} records produced to topic market" in said, said)
        got = read_topic(kafka, "market")
        parsed = fastavro.parse_schema(SCHEMA)
        want = [{"ts": int(r["ts"]), **{f: float(r[f]) if r[f] else None for f in FEATURES}, "class": r["class"]}
                for r in rows]
        read = [fastavro.schemaless_reader(io.BytesIO(v), parsed) for _, _, _, v in got]
        for r in read:
            r["ts"] = round(r["ts"].timestamp() * 1000)
        s.check("fastavro reads every row back", read == want,
                next((f"{a} instead of {b}" for a, b in zip(read, want) if a != b), f"{len(read)} of {len(want)}"))
        s.equal("the Kafka timestamps are the time field's", [t for t, _, _, _ in got], [r["ts"] for r in want])
        s.equal("the keys are the column's", [k.decode() for _, k, _, _ in got], [r["class"] for r in rows])
        body = registry.request("GET", "/subjects/market-value/versions/latest")
        s.equal("the schema is registered under the subject", body["id"], got[0][2])

        bad = [dict(r) for r in rows[:20]]
        bad[12]["transfer"] = "n/a"
        out = io.StringIO()
        w = csv.DictWriter(out, bad[0])
        w.writeheader()
        w.writerows(bad)
        code, said, err = kdrift("produce", "--topic", "broken", "--schema", avsc, "--file",
                                 write(os.path.join(s.tmp, "bad.csv"), out.getvalue()), "--time-field", "ts",
                                 "--brokers", kafka.bootstrap, "--registry", registry.url)
        s.equal("a bad cell ends produce with exit code 1", code, 1)
        s.check("it names line, column, value and what is wanted",
                'bad.csv:14: column transfer: "n/a"' in err and "double" in err, err)
        s.check("it says how many were sent, and they were", "12 of the records" in err and
                kafka.ends("broken") == {0: 12}, f"{err} {kafka.ends('broken')}")
        code, _, err = kdrift("produce", "--topic", "nowhere", "--schema", avsc, "--file", data, "--brokers",
                              kafka.bootstrap, "--registry", registry.url)
        s.check("an unknown topic is an error, not silence", code == 1 and "nowhere" in err, f"{code} {err}")

        # --- baseline of the file
        def baseline(name, *args, stream="market"):
            path = os.path.join(s.tmp, name)
            code, _, err = kdrift("baseline", "--config", config, "--stream", stream, "--out", path, *args)
            if code:
                return code, err
            with open(path, encoding="utf-8") as f:
                return 0, json.load(f)

        code, of_file = baseline("file.json", "--file", data)
        if not s.check("baseline --file ends with exit code 0", code == 0, of_file):
            return
        for f in FEATURES:
            x = np.array([float(r[f]) for r in rows if r[f]])
            b = field(of_file, f)
            mean = float.fromhex(b["sum"]) / b["count"]
            s.check(f"{f}: NumPy's count, extremes and mean",
                    (b["type"], b["count"], b["min"], b["max"]) == ("numeric", len(x), x.min(), x.max())
                    and abs(mean - x.mean()) <= 1e-12, f"{b['count']} {mean} instead of {len(x)} {x.mean()}")
        s.equal("the categories are counted", sorted((v, n) for v, n, _ in field(of_file, "class")["categories"]),
                sorted((v, sum(r["class"] == v for r in rows)) for v in ("UP", "DOWN")))
        s.equal("the event time is not a field", [f["path"] for f in of_file["fields"]], sorted(FEATURES + ["class"]))
        with open(data, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        s.equal("the file stands in the provenance", of_file["provenance"]["files"],
                [{"path": data, "sha256": digest, "rows": N}])

        # --- of other formats, and of the topic
        lines = "".join(json.dumps(without(r, *[k for k, v in r.items() if v is None])) + "\n" for r in want)
        avro = os.path.join(s.tmp, "market.avro")
        with open(avro, "wb") as f:
            fastavro.writer(f, parsed, want, codec="deflate")
        same = ("totals", "fields", "from", "to", "chunk", "event_time")
        for name, args in (("JSON Lines", ("--file", write(os.path.join(s.tmp, "market.jsonl"), lines))),
                           ("Avro", ("--file", avro)), ("the topic", ())):
            code, b = baseline(f"{name}.json", *args)
            if s.check(f"baseline of {name} ends with exit code 0", code == 0, b):
                for part in same:
                    if name == "the topic" and part == "totals": # there are schema ids, too
                        s.equal(f"{name}: schema ids", b[part]["schemas"], [[got[0][2], N]])
                        continue
                    wrong = differences(b[part], of_file[part], part)
                    s.check(f"{name}: {part} as of CSV", not wrong, f"{len(wrong)}: {wrong[:5]}")
        s.equal("the offsets stand in the provenance", {p["partition"]: (p["from_offset"], p["to_offset"])
                                                        for p in b["provenance"]["partitions"]},
                {p: (0, end) for p, end in kafka.ends("market").items()})
        code, b = baseline("part.json", "--from", rows[1000]["ts"], "--to", rows[2000]["ts"])
        s.check("--from and --to choose by event time", code == 0 and b["totals"]["records"] == 1000
                and b["from"] >= int(rows[1000]["ts"]), b if code else (b["totals"]["records"], b["from"]))

        elements(s, kafka, registry, baseline)
        several_topics(s, kafka, registry, baseline)

        # --- refusals
        out_of_range = sum(float(r["nswprice"]) > 0.1 for r in rows)
        code, said, err = kdrift("produce", "--topic", "broken", "--schema", avsc, "--file", data, "--time-field", "ts",
                                 "--config", config)
        s.check("produce for the next test", code == 0, err)
        s.check("some rows lie out of range", out_of_range > 0, out_of_range)
        code, err = baseline("broken.json", stream="broken")
        s.check("a range with violations is refused, with their kinds", code == 1 and f"range {out_of_range}" in str(err)
                and "--allow-violations" in str(err), f"{code} {err}")
        code, b = baseline("broken.json", "--allow-violations", stream="broken")
        s.check("unless they are allowed", code == 0 and b["provenance"]["violations"] == {"range": out_of_range}, b if code else b["provenance"])
        code, err = baseline("none.json", "--from", "2030-01-01", "--to", "2030-02-01")
        s.check("an empty range is refused", code == 1 and "no record" in str(err), f"{code} {err}")
        code, err = baseline("both.json", "--file", data, "--from", "2030-01-01")
        s.equal("--file with --from is wrong usage", code, 2)


main()
