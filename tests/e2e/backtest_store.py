# SPDX-License-Identifier: Apache-2.0
"""kdrift backtest --from-store says of stored panes what kdrift backtest says of the records in the topics: every closed
window's verdict, the messages and pages of all tiers, the fields that came and went. Slices, a baseline, violations, a
topic by regular expression, several record types in a topic, days that are rolled up meanwhile, changed rules. The store
is the same before and after."""
import io
import json
import os
import random
import struct
import time

import fastavro

from lib.monitor import Monitor, configure, counted, kdrift
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

SEED = int(os.environ.get("SEED", str(int(time.time()))))
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
HOURS, PARTS = 4 * 24, 2
TS = {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}}


def schema(name, *fields):
    return {"type": "record", "name": name, "namespace": "test", "fields": [TS, *fields]}


PAY = schema("Pay", {"name": "amount", "type": ["null", "double"]}, {"name": "region", "type": "string"},
             {"name": "kind", "type": "string"})
WEB = schema("Web", {"name": "path", "type": "string"}, {"name": "extra", "type": ["null", "long"]})
ORDER, REFUND = schema("Order", {"name": "sum", "type": "double"}), schema("Refund", {"name": "sum", "type": "double"})
COMMON = {"role": "features", "event_time": "ts", "window": "2h", "slide": "1h", "lateness": "30s"}
STREAMS = [{"name": "pay", "topic": "pay", "slice_by": ["region"], "baseline": "pay.json",
            "fields": {"amount": {"range": [-100, 200]}}, **COMMON},
           {"name": "web", "topic": "/web-[0-9]+/", **COMMON},
           {"name": "shop", "topic": "shop", "subject_name_strategy": "TopicRecordName", **COMMON}]
RULES = {
    "immediate": [{"alert": "Violations", "measure": "violation_ratio", "above": 0.05, "over": "1h"}],
    "daily": [{"alert": "Paths", "field": "path", "measure": "distinct_ratio", "above": 0.02, "stream": "web"},
              {"alert": "Missing", "field": "amount", "measure": "missing_ratio", "above": 0.2},
              {"alert": "Kinds", "field": "kind", "measure": "unseen_ratio", "above": 0.1, "for": "2h"}],
    "weekly": [{"alert": "Drift", "measure": "ks", "above": 0.3, "clear_below": 0.25},
               {"alert": "Composite", "measure": "drift", "budget": "1/week", "stream": "pay"},
               {"alert": "Day", "field": "amount", "measure": "mean", "above": 52, "over": "24h"},
               {"alert": "Sums", "field": "sum", "measure": "p50", "above": 60},
               {"alert": "Earlier", "field": "amount", "measure": "mean_shift", "above": 1, "against": {"previous": "24h"}},
               {"alert": "Volume", "measure": "records", "below": 1}]}
CHANGED = {"immediate": [{"alert": "Violations", "measure": "violation_ratio", "above": 0.5, "over": "1h"}],
           "weekly": [{"alert": "Drift", "measure": "psi", "above": 0.2, "over": "3h"}]}
NARROW = {"weekly": [{"alert": "Narrow", "field": "amount", "measure": "mean", "above": 52, "over": "90s"}]}
HALVES = {"weekly": [{"alert": "Halves", "field": "amount", "measure": "mean", "above": 52, "over": "90m"}]}


def iso(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))


def records(r, begin):
    """(topic, partition, event time, type, record) in the order of event time but for what is a little late."""
    for minute in range(HOURS * 60):
        hour = minute // 60
        for i in range(4):
            at = begin + minute * MINUTE + i * 15_000 + r.randrange(14_000)
            at -= 25_000 if r.random() < 0.02 and minute else 0
            drifts = 30 <= hour < 44
            yield "pay", i % PARTS, at, PAY, {
                "ts": at, "amount": None if hour in (60, 61) and r.random() < 0.5 else
                r.gauss(80 if drifts else 50, 5) + (1000 if hour == 70 and r.random() < 0.3 else 0),
                "region": r.choice(["north", "south"]), "kind": "new" if 50 <= hour < 56 and r.random() < 0.5 else r.choice("abc")}
        at = begin + minute * MINUTE + r.randrange(50_000)
        if not minute % 2 and hour not in (20, 21, 22, 23):  # a gap
            yield f"web-{minute % 4}", 0, at, WEB, {"ts": at, "path": r.choice("ab" if hour < 66 else "abc"),
                                                    "extra": minute if 40 <= hour < 48 or hour > 80 else None}
        for kind in (ORDER, REFUND) if hour >= 25 else (ORDER,):
            at = begin + minute * MINUTE + r.randrange(50_000)
            yield "shop", 0, at, kind, {"ts": at, "sum": r.gauss(70 if 75 <= hour < 80 else 50, 5)}


def produce(s, kafka, registry, r, begin):
    producer, written, n = kafka.producer(enable_idempotence=True), {}, 0
    for topic, partition, at, kind, rec in records(r, begin):
        key = topic, kind["name"]
        if key not in written:
            subject = f"shop-test.{kind['name']}" if topic == "shop" else f"{topic}-value"
            written[key] = registry.register(subject, kind), fastavro.parse_schema(kind)
        number, parsed = written[key]
        out = io.BytesIO(struct.pack(">bi", 0, number))
        out.seek(0, 2)
        fastavro.schemaless_writer(out, parsed, rec)
        producer.produce(topic, out.getvalue(), partition=partition, timestamp=at)
        producer.poll(0)
        n += 1
    producer.flush(60)
    return n


def baseline(s, config, r, begin):
    path = os.path.join(s.tmp, "train.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        for i in range(8000):
            f.write(json.dumps({"ts": begin - 8 * DAY + i * 60_000, "amount": r.gauss(50, 5), "region": r.choice(["north", "south"]),
                                "kind": r.choice("abc")}) + "\n")
    code, _, err = kdrift("baseline", "--config", config, "--stream", "pay", "--file", path, "--out", os.path.join(s.tmp, "pay.json"))
    s.check("a baseline of files", code == 0, err)


def dump(redis):
    return {k: redis.dump(k) for k in redis.scan_iter(b"*") if redis.type(k) != b"string" or b"lease" not in k}


def backtest(config, *args):
    code, out, err = kdrift("backtest", "--config", config, *args, "--json", seconds=120)
    if code:
        raise AssertionError(f"kdrift backtest: exit code {code}: {err.strip()}")
    return json.loads(out), err


def key(v):
    return v["stream"], v["rule"], str(v["field"]), str(v["slice"]), v["window"]["from"], v["window"]["to"]


def verdicts(answer):
    return {key(v): {k: v.get(k) for k in ("value", "threshold", "state", "reason")} for v in answer["verdicts"]}


def about(page):
    """What is compared of a page: of rules on open windows not the minute."""
    eager = page["tier"] == "immediate"
    out = {k: v for k, v in page.items() if k != "commands"}
    if eager:
        return {k: out[k] for k in ("tier", "alert", "stream", "fingerprint", "status")} | {"starts_at": page["starts_at"][:13]}
    return out


def same(s, what, of_topic, of_store):
    a, b = verdicts(of_topic), verdicts(of_store)
    wrong = {k: (a.get(k), b.get(k)) for k in a.keys() | b.keys() if a.get(k) != b.get(k)}
    s.check(f"{what}: every verdict", a and not wrong, (len(a), len(b), len(wrong), dict(list(wrong.items())[:3])))
    s.equal(f"{what}: records, range and windows", {k: of_store[k] for k in ("from", "to", "records", "windows")},
            {k: of_topic[k] for k in ("from", "to", "records", "windows")})
    for tier in ("immediate", "daily", "weekly"):
        mine, other = ([about(p) for p in x["tiers"][tier]["pages"]] for x in (of_store, of_topic))
        s.check(f"{what}: {tier} pages", mine == other, [(m, o) for m, o in zip(mine, other) if m != o][:1] or (len(mine), len(other)))
        if tier != "immediate":
            s.equal(f"{what}: {tier} messages", of_store["tiers"][tier]["sent"], of_topic["tiers"][tier]["sent"])
    s.equal(f"{what}: fields that came and went", of_store["field_changes"], of_topic["field_changes"])


def with_rules(s, config, name, rules):
    other = os.path.join(s.tmp, f"{name}-alerts")
    os.makedirs(other)
    for tier in ("immediate", "daily", "weekly"):
        with open(os.path.join(other, f"{tier}.yaml"), "w", encoding="utf-8") as f:
            json.dump(rules.get(tier, []), f)
    with open(os.path.join(os.path.dirname(config), "kdrift-alerts", "receivers.yaml"), encoding="utf-8") as f:
        text = f.read()
    with open(os.path.join(other, "receivers.yaml"), "w", encoding="utf-8") as f:
        f.write(text)
    return other


def main():
    with Suite("backtest_store") as s:
        s.say(f"SEED={SEED}")
        r = random.Random(SEED)
        redis, registry, kafka = s.add(Redis(s.tmp)), s.add(Registry(s.tmp)), s.add(Kafka(s.tmp))
        kafka.topic("pay", partitions=PARTS)
        for topic in ("web-0", "web-2", "web-x", "shop"):
            kafka.topic(topic, partitions=1)
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, STREAMS, rules=RULES, checkpoint_interval="200ms")
        begin = (int(time.time() * 1000) // DAY - HOURS // 24 - 1) * DAY
        baseline(s, config, r, begin)
        total = produce(s, kafka, registry, r, begin)
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        db = redis.client()
        wait_for(f"{total} records are counted", lambda: counted(db) >= total, 120)
        wait_for("panes are rolled up", lambda: sum(db.zcard(k) for k in db.scan_iter(b"kdrift:rolls*")), 60)
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)
        before = dump(db)
        begin_, end = iso(begin), iso(begin + HOURS * HOUR)
        whole = backtest(config, "--from", begin_, "--to", end)[0]
        stored, err = backtest(config, "--from-store", "--from", begin_, "--to", end)
        s.equal("every record", stored["records"], total)
        same(s, "the whole range", whole, stored)
        s.check("what is not judged again is told", "not judged of: pay" in err, err)
        s.check("all that is compared happened", {v["state"] for v in whole["verdicts"]} >= {"ok", "pending", "firing", "unknown"} and
                all(whole["tiers"][t]["pages"] for t in whole["tiers"]) and whole["field_changes"] and
                {v["stream"] for v in whole["verdicts"]} == {"pay", "web", "shop", "shop/test.Order", "shop/test.Refund"},
                [whole["tiers"][t]["messages"] for t in whole["tiers"]] + sorted({v["stream"] for v in whole["verdicts"]}))
        part = "--from", iso(begin + 26 * HOUR), "--to", iso(begin + 58 * HOUR)
        same(s, "a range", backtest(config, *part)[0], backtest(config, "--from-store", *part)[0])
        open_ended = backtest(config, "--from-store")[0]
        wrong = {k for k, v in verdicts(whole).items() if v["reason"] != "incomplete" and verdicts(open_ended).get(k) != v}
        s.check("without a range, all that is stored", open_ended["records"] == total and not wrong, sorted(wrong)[:3])
        changed = with_rules(s, config, "changed", CHANGED)
        a, b = (backtest(config, *more, "--from", begin_, "--to", end, "--alerts", changed)[0] for more in ((), ("--from-store",)))
        same(s, "changed rules", a, b)
        for word in ("new", "gone"):
            s.check(f"and what they say otherwise: {word}", a["diff"]["weekly"][word] and
                    sorted(map(str, a["diff"]["weekly"][word])) == sorted(map(str, b["diff"]["weekly"][word])), b["diff"]["weekly"])
        rolled(s, config, begin)
        s.check("the store is as it was", dump(db) == before)
        refusals(s, config)


def rolled(s, config, begin):
    """Windows of an hour and a half: what was rolled up to hours has an answer only where they begin and end with one."""
    halves = with_rules(s, config, "halves", HALVES)
    args = "--from", iso(begin), "--to", iso(begin + HOURS * HOUR), "--alerts", halves
    of_topic, of_store = verdicts(backtest(config, *args)[0]), verdicts(backtest(config, "--from-store", *args)[0])
    cut = {k for k, v in of_store.items() if v["reason"] == "rolled_up"}
    wrong = {k: (v, of_topic.get(k)) for k, v in of_store.items() if k not in cut and v["reason"] != "incomplete" and of_topic.get(k) != v}
    s.check("windows that cut rolled-up panes are unknown, and say why", cut and all(of_store[k]["state"] == "unknown" for k in cut), len(cut))
    s.check("others are judged", len(cut) < len(of_store) and not [k for k, v in wrong.items() if v[0]["value"] != v[1]["value"]],
            dict(list(wrong.items())[:2]))


def refusals(s, config):
    code, _, err = kdrift("backtest", "--config", config, "--from-store", "--file", "pay=x.csv")
    s.check("--from-store beside --file is wrong usage", code == 2 and "--from-store" in err, err)
    code, out, _ = kdrift("backtest", "--config", config, "--from-store", "--to", "2001-01-01T00:00:00Z")
    s.check("a range without panes has no record", code == 0 and "no record" in out, out)
    narrow = with_rules(s, config, "narrow", NARROW)
    code, _, err = kdrift("backtest", "--config", config, "--from-store", "--alerts", narrow)
    s.check("rules that need narrower panes are refused", code == 1 and "panes wider than the 30 s" in err, err)
    code, out, err = kdrift("tune", "--config", config, "--from-store", "--budget", "weekly=1/month", "--json", seconds=120)
    s.check("tune reads stored panes, too", code == 0 and json.loads(out), err)


main()
