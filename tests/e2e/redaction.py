# SPDX-License-Identifier: Apache-2.0
"""Values of redacted fields stand nowhere: planted texts are looked for in pages, metrics, the API, the log, on the
command line, in baselines and in every key of the store. Beside them the same of a field that is not redacted, so that
the search is known to find."""
import io
import json
import os
import struct
import time

import fastavro
from lib.monitor import Monitor, configure, counted, kdrift, stats
from lib.receiver import Receiver, receivers_file
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

SECRET, OPEN = "xq7-Zelda-secret", "open-Wilma"
HIDDEN = ["email", "customer", "cards[].number", "salary"]
SALARY = 918273.5
SCHEMA = {"type": "record", "name": "Payment", "fields": [
    {"name": "email", "type": "string"},
    {"name": "nick", "type": "string"},
    {"name": "salary", "type": "double"},
    {"name": "customer", "type": {"type": "record", "name": "Customer", "fields": [
        {"name": "city", "type": "string"}, {"name": "kind", "type": {"type": "enum", "name": "Kind",
                                                                      "symbols": ["ZeldaVip", "plain"]}},
        {"name": "notes", "type": {"type": "map", "values": "string"}}]}},
    {"name": "cards", "type": {"type": "array", "items": {"type": "record", "name": "Card", "fields": [
        {"name": "number", "type": "string"}]}}}]}
RECORD = {"email": SECRET, "nick": OPEN, "salary": SALARY,
          "customer": {"city": SECRET, "kind": "ZeldaVip", "notes": {SECRET: SECRET}}, "cards": [{"number": SECRET}]}
FIELDS = {"email": {"pattern": "^[^@]+@[^@]+$"}, "nick": {"allowed": ["nobody"]}, "salary": {"range": [0, 10]},
          "customer.city": {"allowed": ["Rome"]}, "customer.notes{}": {"pattern": "^never$"},
          "cards[].number": {"pattern": "^[0-9]+$"}}
RULES = [{"alert": f"R{i}", "measure": m, "above": a, "over": "5m", "min_records": 10}
         for i, (m, a) in enumerate((("violation_ratio", 0.01), ("unseen_ratio", -1), ("top_share", 0.1),
                                     ("constant", 0), ("missing_ratio", -1)))]


def letters(kafka, topic, n):
    """The headers of a topic's records, as bytes."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
    c = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "letters", "log_level": 0})
    c.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    out = []
    wait_for("the dead letters", lambda: (out.extend(m for m in c.consume(1000, 1) if not m.error()), len(out) >= n)[1], 60)
    c.close()
    return b"\n".join(k.encode() + b": " + (v or b"") for m in out for k, v in m.headers() or [])


def whole_store(redis):
    """Every key with its content, as bytes, but for schemas: an enum's symbols stand there."""
    r, out = redis.client(), []
    for key in r.scan_iter(b"*"):
        if b":schema" in key:
            continue
        out += [key, {b"string": r.get, b"hash": r.hgetall, b"zset": lambda k: r.zrange(k, 0, -1), b"list": lambda k:
                      r.lrange(k, 0, -1), b"set": r.smembers, b"stream": r.xrange}[r.type(key)](key)]
    return b"\n".join(repr(x).encode() if not isinstance(x, bytes) else x for x in out)


def unfit(s, config):
    """Errors about values that a schema does not take: of rows that are produced, and of rows that are replayed."""
    schema = {"type": "record", "name": "R", "fields": [
        {"name": "salary", "type": "int"}, {"name": "nick", "type": ["null", "int"], "default": None},
        {"name": "cards", "default": [], "type": {"type": "array", "items": {"type": "record", "name": "C", "fields": [
            {"name": "number", "type": ["int", "double"]}]}}},
        {"name": "customer", "default": None, "type": ["null", "string", "int"]}]}
    paths = [os.path.join(s.tmp, name) for name in ("unfit.avsc", "unfit.jsonl", "unfit.csv", "replay.yaml")]
    with open(paths[0], "w", encoding="utf-8") as f:
        json.dump(schema, f)
    produce = ("produce", "--config", config, "--topic", "payments", "--schema", paths[0], "--file")
    for row, told in (({"salary": SECRET}, "column salary: "), ({"salary": 1, "cards": [{"number": SECRET}]}, "column cards[].number: "),
                      ({"salary": 1, "customer": {"city": SECRET}}, "column customer: "), ({"salary": 1, "nick": OPEN}, OPEN)):
        with open(paths[1], "w", encoding="utf-8") as f:
            f.write(json.dumps(row) + "\n")
        code, out, err = kdrift(*produce, paths[1])
        s.check(f"produce refuses {list(row)[-1]} by its name", code == 1 and told in err and "Zelda" not in out + err, (told, err))
    with open(paths[2], "w", encoding="utf-8") as f:
        f.write(f"salary,nick\n{SECRET},2\n")
    code, out, err = kdrift(*produce, paths[2])
    s.check("and of a CSV file", code == 1 and "column salary: " in err and "Zelda" not in out + err, err)
    code, out, err = kdrift(*produce, paths[2], "--time-field", "salary")
    s.check("and where it is the time", code == 1 and "column salary: " in err and "Zelda" not in out + err, err)
    with open(config, encoding="utf-8") as f:
        replay = json.load(f)
    replay["streams"] = [{**replay["streams"][0], "event_time": "ts", "fields": {"email": {"type": "numeric"}, "nick": {"type": "numeric"}}}]
    for field, hidden in (("email", True), ("nick", False)):
        with open(paths[3], "w", encoding="utf-8") as f:
            json.dump(replay, f)
        with open(paths[1], "w", encoding="utf-8") as f:
            f.write(json.dumps({"ts": 1, field: 1}) + "\n" + json.dumps({"ts": 2, field: SECRET if hidden else OPEN}) + "\n")
        code, out, err = kdrift("backtest", "--config", paths[3], "--file", f"payments={paths[1]}")
        s.check(f"backtest refuses {field} by its name", code == 1 and f"column {field}: " in err and "Zelda" not in out + err and
                (hidden or OPEN in err), err)


def main():
    with Suite("redaction") as s:
        redis, registry, kafka = s.add(Redis(s.tmp)), s.add(Registry(s.tmp)), s.add(Kafka(s.tmp))
        receiver = s.add(Receiver())
        kafka.topic("payments", 1)
        kafka.topic("plain", 1)
        kafka.topic("letters", 1)
        schema_id = registry.register("payments-value", SCHEMA)
        stream = {"name": "payments", "topic": "payments", "role": "features", "window": "5m", "samples": True,
                  "redact": HIDDEN, "fields": FIELDS}
        json_fields = {f: v for f, v in FIELDS.items() if f != "customer.notes{}"}
        plain = {**stream, "name": "plain", "topic": "plain", "format": "json", "fields": json_fields}
        stream["dead_letter"] = {"topic": "letters", "max_ratio": 1, "max_consecutive": 0}
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, [stream, plain], rules={"immediate": RULES},
                           receivers=receivers_file(receiver))
        producer, parsed = kafka.producer(), fastavro.parse_schema(json.loads(json.dumps(SCHEMA)))
        begin = int(time.time() * 1000) - 60000
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, RECORD)
        for i in range(400):
            # Every tenth is cut short within the secret: the reason of `undecodable` must not show what was read.
            body = out.getvalue()[:8 if i % 10 == 0 else None]
            producer.produce("payments", struct.pack(">bI", 0, schema_id) + body, partition=0, timestamp=begin + i)
            producer.produce("plain", json.dumps(RECORD), partition=0, timestamp=begin + i)
        producer.flush(30)
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        wait_for("every record is counted", lambda: counted(redis.client()) >= 800, 60)
        for name in ("payments", "plain"):
            receiver.wait_page(30, alert="R0", stream=name)
            receiver.wait_page(30, alert="R2", stream=name)
        base = os.path.join(s.tmp, "base.json")
        code, said, err = kdrift("baseline", "--config", config, "--stream", "payments", "--from", str(begin - 1000),
                                 "--to", str(begin + 60000), "--allow-violations", "--out", base)
        s.equal(f"a baseline is made from the topic {err}", code, 0)
        rows = os.path.join(s.tmp, "rows.jsonl")
        with open(rows, "w", encoding="utf-8") as f:
            for _ in range(300):
                f.write(json.dumps({"email": SECRET, "nick": OPEN, "customer": {"city": SECRET}}) + "\n")
        of_files = os.path.join(s.tmp, "files.json")
        make = ("baseline", "--config", config, "--stream", "payments", "--file", rows, "--out", of_files)
        refused = kdrift(*make)
        s.check("rows that break rules are refused by the field's name alone", refused[0] == 1 and "email (redacted)" in refused[2] and
                "Zelda" not in refused[2], refused)
        unfit(s, config)
        code, _, err = kdrift(*make, "--allow-violations")
        s.equal(f"and one from files {err}", code, 0)
        shown = stats(config, "payments", begin - 60000, begin + 60000)
        of_json = stats(config, "plain", begin - 60000, begin + 60000)
        text = [kdrift(*a)[1] for a in (
            ("stats", "--config", config, "--stream", "payments", "--from", str(begin - 60000), "--to", str(begin + 60000)),
            ("alerts", "--config", config))]
        places = {
            "pages": b"\n".join(r["body"] for r in receiver.requests),
            "metrics": m.get("/metrics")[1].encode(),
            "first page": m.get("/")[1].encode(),
            "the API": "\n".join(m.get(f"/api/v1/{p}")[1] for p in ("status", "alerts", "streams", "measures")).encode(),
            "dead letters' headers": letters(kafka, "letters", 400),
            "the log": m.log().encode(),
            "the command line": ("\n".join(text) + json.dumps(shown) + json.dumps(of_json) + said).encode(),
            "the store": whole_store(redis),
            "the baseline of a topic": open(base, "rb").read(),
            "the baseline of files": open(of_files, "rb").read(),
        }
        for place, content in places.items():
            found = [w for w in (b"Zelda", b"918273") if w in content]
            if place in ("the store", "the baseline of a topic"):
                found = [w for w in found if w == b"Zelda"]    # numbers are kept as sums and bins
            s.check(f"nothing that is hidden in {place}", not found, f"{found} in {content[:300]!r}")
        s.check("dead letters say why", b"kdrift.reason: " in places["dead letters' headers"],
                places["dead letters' headers"][:300])
        for place in ("pages", "the command line", "the store", "the baseline of a topic", "the baseline of files"):
            s.check(f"what is not hidden is in {place}", OPEN.encode() in places[place])
        s.equal("hidden fields are counted", (shown["fields"]["email"]["count"], shown["fields"]["email"].get("redacted")),
                (360, True))
        s.equal("and judged", {f: sum(shown["violations_by_field"][f].values()) for f in FIELDS},
                {f: 360 for f in FIELDS})
        s.equal("of JSON, too, but for names that only records tell",
                {f: v["count"] for f, v in of_json["fields"].items()},
                {"email": 400, "nick": 400, "salary": 400, "customer.city": 400, "cards[].number": 400})
        s.equal("kdrift ends well", m.stop(), 0)


if __name__ == "__main__":
    main()
