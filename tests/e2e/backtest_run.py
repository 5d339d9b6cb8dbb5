# SPDX-License-Identifier: Apache-2.0
"""kdrift backtest of a topic says what kdrift run said of it: the closed windows' verdicts as the status showed them
while the records came, the pages by fingerprint, window and time, and the fields that came and went. Slices, late records,
violations, drift against a baseline, conditions that must hold for a while, topics by regular expression."""
import io
import json
import os
import random
import struct
import time

import fastavro

from lib.monitor import Monitor, configure, counted, kdrift
from lib.receiver import Receiver, receivers_file
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

SEED = int(os.environ.get("SEED", "20261121"))
MINUTE, SLIDE = 60_000, 30 * 60_000
PARTS, EACH, STAGES = 3, 20, 14  # records a minute and partition; half hours
SCHEMA = {"type": "record", "name": "Pay", "namespace": "test", "fields": [
    {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}}, {"name": "amount", "type": ["null", "double"]},
    {"name": "region", "type": "string"}, {"name": "kind", "type": "string"}]}
STREAM = {"name": "pay", "topic": "pay", "role": "features", "event_time": "ts", "window": "1h", "slide": "30m",
          "lateness": "30s", "slice_by": ["region"], "baseline": "pay.json", "fields": {"amount": {"range": [-100, 200]}}}
WEB = {"name": "web", "topic": "/web-[0-9]+/", "role": "features", "event_time": "ts", "window": "1h", "slide": "30m",
       "lateness": "30s"}
WEB_TOPICS = ("web-1", "web-20")
WEB_SCHEMA = {"type": "record", "name": "Web", "namespace": "test", "fields": [
    SCHEMA["fields"][0], {"name": "path", "type": "string"}, {"name": "extra", "type": ["null", "long"]}]}
RULES = {
    "immediate": [{"alert": "Violations", "measure": "violation_ratio", "above": 0.05, "over": "1h"}],
    "daily": [{"alert": "Paths", "field": "path", "measure": "distinct_ratio", "above": 0.02, "stream": "web"},
              {"alert": "Missing", "field": "amount", "measure": "missing_ratio", "above": 0.2},
              {"alert": "Kinds", "field": "kind", "measure": "unseen_ratio", "above": 0.1, "for": "1h"}],
    "weekly": [{"alert": "Drift", "measure": "ks", "above": 0.3, "clear_below": 0.25},
               {"alert": "Long", "field": "amount", "measure": "mean", "above": 55, "over": "2h"},
               {"alert": "Volume", "measure": "records", "below": 1}]}


def half_hour(r, begin, stage):
    """(partition, event time, record) in the order of sending."""
    for i in range(30 * EACH):
        for p in range(PARTS):
            at = begin + stage * SLIDE + i * MINUTE // EACH + p
            # Late, but within the lateness; or for windows that no rule looks at any more: what a run makes of a
            # record that comes just after its window could close depends on when it looks.
            late = stage > 5 and i % 97 == 5
            if late:
                at -= (5 if i % 2 else 0) * SLIDE + 10_000
            minute = (at - begin) // MINUTE
            drifts, bad = 4 <= stage < 9, stage == 6 and i >= 15 * EACH
            amount = r.gauss(80 if drifts else 50, 5) + (1000 if bad and not late else 0)
            yield p, at, {"ts": at, "amount": None if stage in (10, 11) and minute % 2 else amount,
                          "region": "north" if r.random() < 0.5 else "south",
                          "kind": "new" if stage >= 7 and stage != 9 and r.random() < 0.5 else r.choice("abc")}


def baseline(s, config, r, begin):
    path = os.path.join(s.tmp, "train.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        for i in range(4000):
            f.write(json.dumps({"ts": begin - 86_400_000 + i * 15_000, "amount": r.gauss(50, 5),
                                "region": r.choice(["north", "south"]), "kind": r.choice("abc")}) + "\n")
    code, _, err = kdrift("baseline", "--config", config, "--stream", "pay", "--file", path, "--out",
                          os.path.join(s.tmp, "pay.json"))
    s.check("a baseline of files", code == 0, err)


def page_views(begin, stage):
    """(topic, event time, record): one a minute and topic; `extra` in some half hours, and `path` of one topic's own."""
    for i in range(30):
        for k, topic in enumerate(WEB_TOPICS):
            at = begin + stage * SLIDE + i * MINUTE + k
            yield topic, at, {"ts": at, "path": "abc"[(i + k) % (3 if stage >= 8 else 2)], "extra": i if 5 <= stage < 9 or stage == 12 else None}


def key(stream, rule, field, slice_, window):
    return stream, rule, field, slice_, window["from"], window["to"]


def shown(status, boundary):
    """The verdicts of windows that end there, as the status has them."""
    out = {}
    for stream in status.get("streams", []):
        readings = stream["readings"] + [v for f in stream["fields"] for v in f["readings"]]
        for v in readings:
            if v["window"] and v["window"]["to"] == boundary:
                state = v["state"] if v["reading"] == "known" else "unknown"
                out[key(stream["name"], v["rule"], v["field"], v["slice"], v["window"])] = (v["value"], v["threshold"], state)
    return out


def changes(events):
    """What is compared of fields that came and went: not the clock."""
    return [{k: e.get(k) for k in ("type", "stream", "field", "field_type", "window", "again")} for e in events]


def journal(redis):
    return [json.loads(entry[17:]) for entry in redis.zrange(b"kdrift:journal", 0, -1)]


def told(redis):
    """Page id -> what the journal says of it in the end."""
    pages = {}
    for event in journal(redis):
        if event.get("page"):
            pages[event["page"]["id"]] = about(event["page"])
    return pages


def about(page):
    """What is compared of a page. Immediate rules on counts look at open windows, a run at whatever moments its checkpoints
    come: which of them an item was of last is chance."""
    eager = page["tier"] == "immediate"
    return {k: page[k] for k in ("tier", "alert", "stream", "fingerprint", "status", "starts_at", "ends_at")} | {
        "items": sorted((str(i["field"]), str(i["slice"])) + (() if eager else (i["window"]["from"], i["window"]["to"]))
                        for i in page["items"])}


def same_key(pages):
    """A page's id is made of when it began."""
    return {(p["alert"], p["stream"], p["fingerprint"], p["starts_at"]): p for p in pages}


def iso(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))


def settle(m, redis, total, newest):
    """Waits until all is counted and looked at: a run looks 16 panes back, and must not miss one."""
    wait_for(f"{total} records are counted", lambda: counted(redis) >= total, 60)
    wait_for(f"it is looked at up to {newest}", lambda: [st for st in m.status().get("streams", []) if st["newest"] and
                                                         st["newest"][:19] == iso(newest)[:19]], 60)


def watch(m, begin, stage, seen):
    """Waits until the stage's boundary is judged; keeps what the status shows."""
    boundary = iso(begin + stage * SLIDE)

    def judged():
        status = m.status()
        streams = status.get("streams", [])
        return streams and all((st["window"] or {}).get("to") == boundary for st in streams) and status
    seen.update(shown(wait_for(f"the window up to {boundary} is judged", judged, 60), boundary))


def main():
    with Suite("backtest_run") as s:
        s.say(f"SEED={SEED}")
        r = random.Random(SEED)
        redis = s.add(Redis(s.tmp))
        registry = s.add(Registry(s.tmp))
        kafka = s.add(Kafka(s.tmp))
        kafka.topic("pay", partitions=PARTS)
        for topic in WEB_TOPICS + ("web-x",):  # the last is not the stream's
            kafka.topic(topic, partitions=1)
        number = registry.register("pay-value", SCHEMA)
        web_number = [registry.register(f"{topic}-value", WEB_SCHEMA) for topic in WEB_TOPICS][0]
        receiver = s.add(Receiver())
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, [STREAM, WEB], rules=RULES,
                           receivers=receivers_file(receiver), checkpoint_interval="200ms")
        # No digest's time (09:00) lies in it: a page is told anew there, by the clock, which is the watermark in a backtest alone.
        begin = (int(time.time() * 1000) // 86_400_000 - 2) * 86_400_000 + 20 * SLIDE
        baseline(s, config, r, begin)
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        schema, producer = fastavro.parse_schema(SCHEMA), kafka.producer(enable_idempotence=True)
        web_schema = fastavro.parse_schema(WEB_SCHEMA)
        seen, total, newest = {}, 0, 0
        for stage in range(STAGES):
            for topic, at, rec in page_views(begin, stage):
                out = io.BytesIO(struct.pack(">bi", 0, web_number))
                out.seek(0, 2)
                fastavro.schemaless_writer(out, web_schema, rec)
                producer.produce(topic, out.getvalue(), timestamp=at)
                total += 1
            for i, (p, at, rec) in enumerate(half_hour(r, begin, stage)):
                out = io.BytesIO(struct.pack(">bi", 0, number))
                out.seek(0, 2)
                if stage == 9 and total % 500 == 0:
                    out.write(b"\xff")  # cannot be decoded
                else:
                    fastavro.schemaless_writer(out, schema, rec)
                producer.produce("pay", out.getvalue(), partition=p, timestamp=at)
                total += 1
                newest = max(newest, at)
                # Ten minutes; where violations begin, one: all that comes is bad there, so that a window which is still
                # open is past its limit with a minute's last records, if at all, and not before.
                if (i + 1) % ((1 if stage == 6 else 10) * EACH * PARTS) == 0:
                    producer.flush(60)
                    settle(m, redis.client(), total, newest)
            if stage:
                watch(m, begin, stage, seen)
        pages, came = told(redis.client()), changes(e for e in journal(redis.client()) if e["type"].startswith("field_"))
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)
        compare(s, config, begin, seen, pages, came, total)
        ranges(s, config, begin, seen)
        s.check("what was compared has all states", {v[2] for v in seen.values()} >= {"ok", "pending", "firing", "unknown"},
                sorted({v[2] for v in seen.values()}))
        s.check("pages in all tiers", {p["tier"] for p in pages.values()} == {"immediate", "daily", "weekly"}, pages)


def backtest(config, *args):
    code, out, err = kdrift("backtest", "--config", config, *args, "--json", seconds=120)
    if code:
        raise AssertionError(f"kdrift backtest: exit code {code}: {err.strip()}")
    return json.loads(out)


def verdicts(answer):
    return {key(v["stream"], v["rule"], v["field"], v["slice"], v["window"]): (v["value"], v["threshold"], v["state"])
            for v in answer["verdicts"]}


def compare(s, config, begin, seen, pages, came, total):
    answer = backtest(config, "--from", iso(begin - 86_400_000), "--to", iso(begin + STAGES * SLIDE + 86_400_000))
    s.equal("every record", answer["records"], total)
    got = verdicts(answer)
    wrong = {k: (v, got.get(k)) for k, v in seen.items() if got.get(k) != v}
    print(f"  {len(seen)} verdicts of run, {len(got)} of backtest, {len(pages)} pages")
    s.check("closed windows have the verdicts that the status showed", seen and not wrong, dict(list(wrong.items())[:3]))
    missing = {k for k, v in got.items() if k not in seen and v[2] != "unknown" and k[1] != "Violations"}
    s.check("and no others", not missing, sorted(missing)[:3])
    mine, pages = same_key(about(p) for t in answer["tiers"].values() for p in t["pages"]), same_key(pages.values())
    s.check("fields came and went, of the stream of several topics", {(e["type"], e["stream"], e["field"], e["again"]) for e in came} ==
            {("field_appeared", "web", "extra", None), ("field_disappeared", "web", "extra", None),
             ("field_appeared", "web", "extra", True)}, came)
    s.equal("and are told of the same windows", changes(answer["field_changes"]), came)
    s.check("the same pages", mine == pages, [(mine.get(k), pages.get(k)) for k in mine.keys() | pages.keys()
                                              if mine.get(k) != pages.get(k)])


def ranges(s, config, begin, seen):
    """A range inside the topic: windows that lie in it are as before, those that it cuts are not judged."""
    first, last = begin + 4 * SLIDE, begin + 9 * SLIDE
    got = verdicts(backtest(config, "--from", iso(first), "--to", iso(last)))
    inside = {k: v for k, v in seen.items() if k[4] >= iso(first) and k[5] <= iso(last)}
    # What holds for a while, or has fired before, has a past.
    wrong = {k: (v, got.get(k)) for k, v in inside.items() if k[1] in ("Missing", "Long", "Violations") and got.get(k) != v}
    s.check("a range gives its windows' verdicts", inside and not wrong, dict(list(wrong.items())[:3]))
    s.check("and judges no window that it cuts",
            all(v[2] == "unknown" for k, v in got.items() if k[4] < iso(first) or k[5] > iso(last)))
    s.check("up to its very end", any(k[5] == iso(last) and v[2] != "unknown" for k, v in got.items()))
    with open(config, encoding="utf-8") as f:
        none = dict(json.load(f), streams=[dict(WEB, topic="/nothing-.*/")])
    with open(os.path.join(s.tmp, "none.json"), "w", encoding="utf-8") as f:
        json.dump(none, f)
    code, _, err = kdrift("backtest", "--config", os.path.join(s.tmp, "none.json"), "--from", iso(first), "--to", iso(last))
    s.check("no topic matches: said so", code == 1 and "no topic that matches /nothing-.*/" in err, err)
    same = [kdrift("backtest", "--config", config, "--from", iso(first), "--to", iso(last), "--json") for _ in range(2)]
    s.check("byte-identical twice", same[0] == same[1] and same[0][0] == 0, same[1][2])


main()
