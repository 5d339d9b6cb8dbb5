# SPDX-License-Identifier: Apache-2.0
"""Baselines of what the store holds, against NumPy and exact fractions of the very records; what they refuse; how a
stream takes to one."""
import json
import os
import random
import signal
import time
from fractions import Fraction

import numpy as np

from lib.monitor import Monitor, configure, counted, kdrift, stats
from lib.servers import Kafka, Redis
from lib.suite import Suite, free_port, wait_for

SEED = int(os.environ.get("SEED", str(int(time.time()))))
MINUTE, HOUR, DAY = 60000, 3600000, 86400000
NO_REGISTRY = ["http://127.0.0.1:1"]  # plain JSON asks none


def produce(kafka, topic, records, partitions=2):
    producer = kafka.producer()
    for i, r in enumerate(records):
        while True:
            try:
                producer.produce(topic, json.dumps(r).encode(), partition=i % partitions, timestamp=r["ts"])
                break
            except BufferError:
                producer.poll(0.05)
    producer.flush(60)
    return len(records)


def settled(kafka, redis, topics, prefix="kdrift"):
    end = sum(sum(kafka.ends(t).values()) for t in topics)
    wait_for("every record is counted", lambda: counted(redis.client(), prefix.encode()) >= end, 60)


def field(baseline, path):
    return next(f for f in baseline["fields"] if f["path"] == path)


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def orders(r, begin, hours, per_hour, change=lambda o, hour: None):
    out = []
    for h in range(hours):
        for i in range(per_hour):
            o = {"ts": begin + h * HOUR + i * HOUR // per_hour, "amount": round(r.lognormvariate(3, 1), 3),
                 "discount": r.choice([0, 0, 0, 0.5]), "country": r.choice(["de", "fr", "it", "it"]),
                 "express": r.random() < 0.2, "region": r.choice(["eu", "us"])}
            if r.random() < 0.1:
                o["amount"] = None
            change(o, h)
            out.append(o)
    return out


def exact_mean(values):
    return float(sum(map(Fraction, values)) / len(values))


def from_store(s, kafka, redis):
    """Practice rows 11 and 44 on the store: last week was good, the week before was not."""
    r = random.Random(SEED)
    now = int(time.time() * 1000) // DAY * DAY
    kafka.topic("orders", 2)
    stream = {"name": "orders", "topic": "orders", "role": "features", "format": "json", "event_time": "ts",
              "slice_by": ["region"], "window": "6h", "slide": "1h", "fields": {"amount": {"type": "numeric", "range": [0, 1e6]}, "discount": {"type": "numeric"}}}
    rules = {"weekly": [{"alert": "Drift", "stream": "*", "measure": "drift", "above": 5},
                        {"alert": "Shape", "stream": "*", "field": "amount", "measure": "ks", "above": 0.2}]}
    config = configure(s.tmp, kafka.bootstrap, NO_REGISTRY, redis.url, [stream], rules=rules)
    m = s.add(Monitor(config, os.path.join(s.tmp, "orders.log"))).start().wait_up()
    bad_begin, begin, end = now - 15 * DAY, now - 8 * DAY, now - DAY

    def broken(o, _):
        if r.random() < 0.05:
            o["amount"] = -5.0
    bad, good = orders(r, bad_begin, 24, 60, broken), orders(r, begin, 7 * 24, 60)
    produce(kafka, "orders", bad + good)
    settled(kafka, redis, ["orders"])

    out = os.path.join(s.tmp, "orders.json")

    def make(*args, path=out):
        return kdrift("baseline", "--config", config, "--stream", "orders", "--from-store", "--out", path, *args)
    code, said, err = make("--from", str(begin), "--to", str(end))
    if not s.check("a baseline of last week's panes", code == 0, err):
        return
    b = load(out)
    s.equal("it has the range's records", (b["totals"]["records"], b["totals"]["violating_records"]), (len(good), 0))
    s.check("the command names it", b["hash"][:12] in said and str(len(good)) in said, said)
    p = b["provenance"]
    s.equal("its provenance: source, rows, range", (p["source"], p["records"], p["from"][:10], p["to"][:10]),
            ("store", len(good), time.strftime("%Y-%m-%d", time.gmtime(begin / 1000)),
             time.strftime("%Y-%m-%d", time.gmtime(end / 1000))))
    s.check("and tool version, schema ids, violations", p["kdrift"] and p["schema_ids"] == {} and p["violations"] == {}, p)
    amounts = [o["amount"] for o in good if o["amount"] is not None]
    a = field(b, "amount")
    s.equal("values, least and greatest", (a["count"], a["min"], a["max"]), (len(amounts), min(amounts), max(amounts)))
    cuts = np.histogram(amounts, [-np.inf, *a["edges"], np.inf])[0]
    s.check("each bin of its grid holds the values that lie in it", list(cuts) == a["bins"], np.flatnonzero(cuts - np.array(a["bins"])))
    s.check("whose greatest holds little more than a 256th of the rows", max(a["bins"]) <= len(amounts) / 40, max(a["bins"]))
    s.equal("categories", {v: n for v, n, _ in field(b, "country")["categories"]},
            {c: sum(o["country"] == c for o in good) for c in ("de", "fr", "it")})
    hours = {}
    for o in good:
        if o["amount"] is not None:
            hours.setdefault(o["ts"] // b["chunk"] * b["chunk"], []).append(o["amount"])
    s.equal("chunks in order of time", [k["from"] for k in a["chunks"]], sorted(hours))
    s.check("their means are exact", all(k["mean"] == exact_mean(hours[k["from"]]) for k in a["chunks"]))
    s.equal("and their values are in 32 coarse bins", [sum(k["bins"]) for k in a["chunks"]],
            [len(hours[k]) for k in sorted(hours)])

    code, _, err = make("--from", str(begin), "--to", str(end), "--slice", "region=eu", path=out + ".eu")
    eu = load(out + ".eu") if not code else {"totals": {}, "provenance": {}}
    s.equal("a baseline of one slice", (eu["totals"].get("records"), eu["provenance"].get("slice")),
            (sum(o["region"] == "eu" for o in good), "region=eu"))
    code, _, err = make("--from", str(bad_begin), "--to", str(bad_begin + DAY), path=out + ".bad")
    breaks = sum(o["amount"] == -5 for o in bad)
    s.check("a range with violations is refused", code == 1 and f"{breaks} of {len(bad)} records break rules (range {breaks})" in err, err)
    code, _, err = make("--from", str(bad_begin), "--to", str(bad_begin + DAY), "--allow-violations", path=out + ".bad")
    s.equal("unless told", (code, load(out + ".bad")["provenance"]["violations"] if not code else err), (0, {"range": breaks}))
    code, _, err = make("--from", str(end + 300 * DAY), "--to", str(end + 301 * DAY), path=out + ".none")
    s.check("so is an empty one", code == 1 and "no record of stream orders" in err, err)
    for args in (["--file", "x.csv"], ["--slice", "region=eu"]):
        code, _, err = kdrift("baseline", "--config", config, "--stream", "orders", "--out", "x", *args,
                              *([] if "--slice" in args else ["--from-store"]))
        s.equal(f"wrong usage: {args[0]}", code, 2)
    files_refuse(s, config)

    # The stream takes to its baseline: like data is silent, shifted data fires.
    m.stop()
    stream["baseline"] = out
    config = configure(s.tmp, kafka.bootstrap, NO_REGISTRY, redis.url, [stream], rules=rules)
    m = s.add(Monitor(config, os.path.join(s.tmp, "orders2.log"))).start().wait_up()
    produce(kafka, "orders", orders(r, end, 9, 600))
    settled(kafka, redis, ["orders"])

    def readings(measure, path="amount"):
        return [x for st in m.status().get("streams", []) for f in st.get("fields", []) if f["path"] == path
                for x in f["readings"] if x["measure"] == measure and not x.get("slice")]

    def closed(to):
        text = time.strftime("%Y-%m-%dT%H", time.gmtime(to / 1000))
        return any(st.get("window", {}).get("to", "").startswith(text) for st in m.status().get("streams", []) if st.get("window"))
    wait_for("its windows are judged", lambda: closed(end + 8 * HOUR), 60)
    got = wait_for("shape is known on the baseline's grid", lambda: [x for x in readings("ks") if x["reading"] == "known"], 30)
    s.check("the same data again: ks is small", got[0]["value"] < 0.1, got)
    drift = readings("drift")
    s.check("and drift is known, calibrated and low", drift and drift[0]["reading"] == "known" and drift[0]["value"] < 5
            and "independence" not in (drift[0].get("detail") or ""), drift)

    def dearer(o, _):
        o["amount"] = o["amount"] and o["amount"] * 3
    produce(kafka, "orders", orders(r, end + 9 * HOUR, 9, 600, dearer))
    settled(kafka, redis, ["orders"])

    def firing():
        return {(a["alert"], a["field"]) for a in m.status().get("alerts", []) if a["state"] == "firing" and not a.get("slice")}
    found = wait_for("shifted data fires", lambda: {("Drift", "amount"), ("Shape", "amount")} <= firing() and firing(), 60)
    s.equal("and nothing else does", found, {("Drift", "amount"), ("Shape", "amount")})
    api(s, m, out, config)
    m.stop()
    stats_gates(s, config, end, bad_begin)

    diff(s, out)

    # A second baseline keeps the grid of the first.
    code, _, err = kdrift("baseline", "--config", config, "--stream", "orders", "--from-store", "--from", str(end + 7 * HOUR),
                          "--to", str(end + 18 * HOUR), "--out", out + ".next")
    s.check("the next baseline has the grid of the present one", code == 0 and
            field(load(out + ".next"), "amount")["edges"] == a["edges"], err)
    code, _, err = kdrift("baseline", "--config", config, "--stream", "orders", "--from-store", "--from", str(begin),
                          "--to", str(end + 18 * HOUR), "--out", out + ".mixed")
    s.check("a range that was counted on two grids is refused", code == 1 and "two grids" in err, err)


def diff(s, out):
    """The week's baseline beside that of one slice of it, and beside one that was given another field."""
    code, said, err = kdrift("baseline", "diff", out, out + ".eu", "--json")
    if not s.check("baseline diff", code == 0, err):
        return
    d, a, b = json.loads(said), load(out), load(out + ".eu")
    s.equal("it names both, with provenance", [(d[k]["hash"], d[k]["provenance"]) for k in "ab"],
            [(x["hash"], x["provenance"]) for x in (a, b)])
    s.equal("no field is new, gone or of another type", {f["change"] for f in d["fields"].values()}, {"none"})
    s.equal("the mean shift is that of the files' numbers", round(d["fields"]["amount"]["measures"]["mean_shift"], 9),
            round((mean_of(b, "amount") - mean_of(a, "amount")) / deviation_of(a, "amount"), 9))
    s.equal("grids differ, so shape is not known", (d["fields"]["amount"]["same_grid"], d["fields"]["amount"]["unknown"].get("ks")),
            (False, "mixed_grids"))
    s.check("of categories it is", d["fields"]["country"]["measures"]["js"] < 0.1, d["fields"]["country"])
    code, said, err = kdrift("baseline", "diff", out, out + ".bad")
    s.check("as text", code == 0 and "amount" in said and "mean_shift" in said and "grids differ" in said, said)
    code, said, err = kdrift("baseline", "diff", out, out)
    s.check("a baseline is like itself", code == 0 and "the grids are equal" in said and "ks 0" in said, said)
    code, said, err = kdrift("baseline", "diff", out, out + ".eu", "--fail-on", "country:js>0.5,violation_ratio>0.01")
    s.equal("as a gate: it holds", (code, err), (0, ""))
    code, said, err = kdrift("baseline", "diff", out, out + ".bad", "--fail-on", "violation_ratio>0.01", "--fail-on", "ks>1")
    s.check("broken, and not known", code == 1 and "violation_ratio is 0.0" in err and "amount: ks is not known: mixed_grids" in err, err)
    path = os.path.join(s.tmp, "narrow.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("amount,country,size\n" + "".join(f"a{i % 3},de,{i}\n" for i in range(100)))
    config = configure(s.tmp, "127.0.0.1:1", NO_REGISTRY, "redis://127.0.0.1:1", [{"name": "orders", "topic": "orders",
                                                                                   "role": "features"}], name="narrow")
    code, _, err = kdrift("baseline", "--config", config, "--stream", "orders", "--file", path, "--out", path + ".json")
    code, said, err = kdrift("baseline", "diff", out, path + ".json", "--json")
    s.equal("fields that are new, gone or of another type", {p: f["change"] for p, f in json.loads(said)["fields"].items()}
            if not code else err, {"amount": "retyped", "country": "none", "size": "added", "discount": "removed",
                                   "express": "removed", "region": "removed"})
    for wrong in (["diff", out], ["difference", out, out], ["diff", out, out, "--stream", "x"]):
        s.equal(f"wrong usage: {wrong[0]} {len(wrong)}", kdrift("baseline", *wrong)[0], 2)


def api(s, m, out, config):
    """Practice row 43: what the stream is compared with, and where that comes from."""
    b = load(out)
    status = next(st for st in m.status()["streams"] if st["name"] == "orders")
    s.equal("the status names the stream's baseline", status["baseline"], b["hash"])
    listed = json.loads(m.get("/api/v1/baselines")[1])
    s.equal("/api/v1/baselines lists it with who uses it", [(x["hash"], x["used_by"], x["records"]) for x in listed],
            [(b["hash"], [{"stream": "orders", "slice": None}], b["totals"]["records"])])
    code, text = m.get("/api/v1/baselines/" + b["hash"])
    one = json.loads(text)
    s.check("/api/v1/baselines/HASH has its provenance and its fields", code == 200 and one["provenance"] == b["provenance"] and
            [(f["path"], f["count"]) for f in one["fields"]] == [(f["path"], f["count"]) for f in b["fields"]], text)
    s.equal("another hash is not there", m.get("/api/v1/baselines/" + "0" * 64)[0], 404)
    s.check("the page links to it", f'/api/v1/baselines/{b["hash"]}' in m.get("/")[1], "")
    # A byte of a source file is another baseline; a byte of a baseline is none.
    path, hashes = os.path.join(s.tmp, "bytes.csv"), []
    for last in "78":
        with open(path, "w", encoding="utf-8") as f:
            f.write("amount,country\n" + "3,de\n" * 50 + last + ",de\n")
        code, _, err = kdrift("baseline", "--config", config, "--stream", "orders", "--file", path, "--out", path + ".json")
        hashes.append(load(path + ".json")["hash"] if not code else err)
    s.check("changing a byte of the file changes the hash", hashes[0] != hashes[1] and len(hashes[0]) == 64, hashes)
    text = json.dumps(load(path + ".json")).replace('"count": 51', '"count": 52', 1)
    with open(path + ".json", "w", encoding="utf-8") as f:
        f.write(text)
    code, _, err = kdrift("baseline", "diff", path + ".json", out)
    s.check("a baseline that was changed is refused", code == 1 and "does not match its hash" in err, err)


def moving(s, kafka, redis):
    """Practice rows 30 and 48 on one topic: the mean creeps 0.5 % a day for sixty days, an accuracy stays at 0.90 and then
    falls to 0.87. A frozen baseline and one that moves, by the same rules."""
    r, before, days = random.Random(SEED + 2), 8, 68
    begin = int(time.time() * 1000) // DAY * DAY - (days + 1) * DAY
    kafka.topic("creep", 2)
    common = {"topic": "creep", "role": "predictions", "format": "json", "event_time": "ts", "window": "6h", "slide": "6h",
              "retention": "90d", "fields": {"score": {"type": "numeric"}, "accuracy": {"type": "numeric"}}}
    rules = {"weekly": [{"alert": "Drift", "stream": "*", "measure": "drift", "above": 5},
                        {"alert": "Shift", "stream": "*", "field": "score", "measure": "mean_shift", "above": 1},
                        {"alert": "New", "stream": "moving", "field": "score", "measure": "out_of_range_ratio", "above": 0.5}]}
    records, level = [], 0.9
    for h in range(days * 24):
        if h % 6 == 0:
            level = (0.90 if h < (days - 2) * 24 else 0.87) + r.uniform(-0.01, 0.01)
        records += [{"ts": begin + h * HOUR + i * HOUR // 30, "score": r.gauss(100 + max(0, h / 24 - before) / 2, 12),
                     "accuracy": r.gauss(level, 0.02)} for i in range(30)]
    first = os.path.join(s.tmp, "creep.csv")
    with open(first, "w", encoding="utf-8") as f:
        f.write("ts,score,accuracy\n" + "".join(f"{x['ts']},{x['score']!r},{x['accuracy']!r}\n" for x in records[:before * 24 * 30]))

    def write(streams, name, **more):
        return configure(s.tmp, kafka.bootstrap, NO_REGISTRY, redis.url, streams, name=name, rules=rules,
                         kafka={"group.id": name}, redis={"prefix": name}, **more)
    frozen = {**common, "name": "frozen"}
    code, _, err = kdrift("baseline", "--config", write([frozen], "creep"), "--stream", "frozen", "--file", first,
                          "--out", first + ".json")
    s.check("a baseline of the days before", code == 0, err)
    config = write([{**frozen, "baseline": first + ".json"}, {**common, "name": "moving", "baseline": {"previous": "1d"}},
                    {**common, "name": "daily", "window": "1d", "baseline": {"previous": "1d"}}], "creep")
    code, said, _ = kdrift("check", "--config", config)
    s.check("check says what the stream is compared with", code == 0 and "the same window earlier by 1d" in said, said)
    m = s.add(Monitor(config, os.path.join(s.tmp, "creep.log"))).start().wait_up()
    produce(kafka, "creep", records)
    settled(kafka, redis, ["creep"], "creep")
    last = time.strftime("%Y-%m-%dT%H", time.gmtime((begin + (days * 24 - 6) * HOUR) / 1000))
    wait_for("every window is judged", lambda: all((st.get("window") or {}).get("to", "") >= last
                                                   for st in m.status().get("streams", [])) and m.status().get("streams"), 240)
    fired = {}
    for e in redis.client().zrange("creep:journal", 0, -1):
        e = json.loads(e.split(b" ", 1)[1])
        for item in e.get("page", {}).get("items", []) + ([e["item"]] if "item" in e else []):
            if e["type"] in ("alert_firing", "item_firing"):
                fired.setdefault((e["stream"], e["rule"], item["field"]), item["window"]["to"])
    s.check("the frozen baseline's rules see the creep", {("frozen", "Drift", "score"), ("frozen", "Shift", "score")} <= set(fired), fired)
    s.check("beside the day before it never fires", not [k for k in fired if k[0] != "frozen" and k[2] == "score"], fired)
    fell = time.strftime("%Y-%m-%dT%H", time.gmtime((begin + (days - 2) * DAY) / 1000))
    s.check("an accuracy of 0.90 and a little is silent, 0.87 is drift, by its own spread",
            fired.get(("daily", "Drift", "accuracy"), "") > fell, fired)
    status = {st["name"]: st for st in m.status()["streams"]}
    s.equal("the status says what each is compared with", [(status[n]["baseline"] is None, status[n].get("previous"))
                                                           for n in ("frozen", "moving", "daily")],
            [(False, None), (True, "1d"), (True, "1d")])
    drift = [x for f in status["moving"]["fields"] for x in f["readings"] if x["measure"] == "drift" and f["path"] == "score"]
    s.check("drift is judged by the stream's own spread", drift and drift[0]["reading"] == "known" and drift[0].get("detail") and
            "independence" not in drift[0]["detail"], drift)
    score = {x["measure"]: x for f in status["moving"]["fields"] for x in f["readings"] if f["path"] == "score"}
    at = [score["drift"]["window"][k] for k in ("from", "to")]

    def gate(*conditions):
        return kdrift("stats", "--config", config, "--stream", "moving", "--from", at[0], "--to", at[1],
                      *[a for c in conditions for a in ("--fail-on", c)])
    code, _, err = gate("score:drift>1e9", "score:mean_shift>1e9", "records<1")
    s.check("stats --fail-on compares with the day before", code == 0, err)
    # A drift without a limit of its own counts the members that no limit leaves out.
    near = {"drift": 1.5, "mean_shift": 1e-9}
    code, _, err = gate(*[f"score:{name}>={score[name]['value'] - d:.12f}" for name, d in near.items()])
    s.check("with the values that the rules had", code == 1 and err.count("score: ") == 2 and "not known" not in err, err)
    code, _, err = gate(*[f"score:{name}>{score[name]['value'] + d:.12f}" for name, d in near.items()])
    s.check("neither more nor less", code == 0, err)
    s.check("check names the rules that need a file", "they stay unknown (no_baseline): New; give" in
            kdrift("check", "--config", config)[1] + kdrift("check", "--config", config)[2], kdrift("check", "--config", config))
    m.stop()


def swaps(s, kafka, redis):
    """A stream takes to another baseline while it runs: at once where the grid is the same, else when its windows
    were counted on it (swap.py). With the first of all, shape is `recalibrating`, not drift, until the window has passed."""
    r, begin = random.Random(SEED + 3), int(time.time() * 1000) // HOUR * HOUR - 24 * HOUR
    kafka.topic("swaps", 2)
    stream = {"name": "swaps", "topic": "swaps", "role": "features", "format": "json", "event_time": "ts", "window": "10m",
              "fields": {"score": {"type": "numeric"}}}
    rules = {"daily": [{"alert": "Shape", "stream": "*", "field": "score", "measure": "ks", "above": 0.3},
                       {"alert": "Mean", "stream": "*", "field": "score", "measure": "mean_shift", "above": 1}]}

    def write():
        return configure(s.tmp, kafka.bootstrap, NO_REGISTRY, redis.url, [stream], name="swaps", rules=rules,
                         kafka={"group.id": "swaps"}, redis={"prefix": "swaps"}, http={"listen": listen})
    listen = "127.0.0.1:" + str(free_port())
    m = s.add(Monitor(write(), os.path.join(s.tmp, "swaps.log"))).start().wait_up()
    at = [0]

    def feed(minutes):
        """-> how ks and mean_shift are read at the last boundary."""
        produce(kafka, "swaps", [{"ts": x["ts"], "score": x["score"]} for x in
                                 scores(r, begin + at[0] * MINUTE, minutes, 100)])
        at[0] += minutes
        settled(kafka, redis, ["swaps"], "swaps")
        last = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime((begin + (at[0] - 1) * MINUTE) / 1000))

        def read():
            found = {x["measure"]: x["reading"] for st in m.status().get("streams", []) for f in st["fields"] for x in f["readings"]
                     if x["window"]["to"] == last}
            return found if len(found) == 2 else None
        return wait_for(f"the window that ends {last} is judged", read, 60)

    def take(path):
        stream["baseline"] = path
        write()
        m.process.p.send_signal(signal.SIGHUP)
        wait_for("the new baseline is in force", lambda: [st.get("baseline") for st in m.status().get("streams", [])] == [load(path)["hash"]], 30)

    def from_store(name, first, last):
        path = os.path.join(s.tmp, name)
        code, _, err = kdrift("baseline", "--config", m.config, "--stream", "swaps", "--from-store", "--from",
                              str(begin + first * MINUTE), "--to", str(begin + last * MINUTE), "--out", path)
        s.check(f"{name} is made of the store", code == 0, err)
        return path
    s.equal("without a baseline", feed(31), {"ks": "no_baseline", "mean_shift": "no_baseline"})
    take(from_store("first.json", 0, 30))
    s.equal("the first baseline: recalibrating, means are known", feed(2), {"ks": "recalibrating", "mean_shift": "known"})
    s.equal("until the window has passed", feed(11), {"ks": "known", "mean_shift": "known"})
    path = os.path.join(s.tmp, "swaps.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("score\n" + "".join(f"{x['score']!r}\n" for x in scores(r, 0, 20, 100)))
    code, _, err = kdrift("baseline", "--config", m.config, "--stream", "swaps", "--file", path, "--out", path + ".json")
    stream["baseline"] = path + ".json"
    write()
    m.process.p.send_signal(signal.SIGHUP)
    wait_for("the status says that it will be taken to", lambda: [(st.get("recalibrating") or {}).get("baseline")
                                                                  for st in m.status().get("streams", [])] == [load(path + ".json")["hash"]], 30)
    s.equal("another grid: all is known, by the baseline before", (feed(3), m.status()["streams"][0]["baseline"]),
            ({"ks": "known", "mean_shift": "known"}, load(os.path.join(s.tmp, "first.json"))["hash"]))
    s.equal("until the window has passed", (feed(11), m.status()["streams"][0]["baseline"]),
            ({"ks": "known", "mean_shift": "known"}, load(path + ".json")["hash"]))
    second = from_store("second.json", at[0] - 9, at[0] - 1)
    s.equal("the next one has the same grid", field(load(second), "score")["edges"], field(load(path + ".json"), "score")["edges"])
    take(second)
    s.equal("and is taken to at once", feed(2), {"ks": "known", "mean_shift": "known"})
    s.check("nothing of it was drift", not [a for a in m.status()["alerts"] if a["state"] == "firing"], m.status()["alerts"])
    m.stop()


def slices(s, kafka, redis):
    """A slice with a baseline of its own is compared with that one, all others with the stream's; when it is taken away, so
    is that slice."""
    r, begin = random.Random(SEED + 4), int(time.time() * 1000) // HOUR * HOUR - 24 * HOUR
    means, fed = {"eu": 100, "us": 50, "asia": 50}, []
    kafka.topic("regions", 1)    # of two, one that was read to its end holds up no window until it is read again
    stream = {"name": "regions", "topic": "regions", "role": "features", "format": "json", "event_time": "ts", "window": "10m",
              "slice_by": ["region"], "fields": {"score": {"type": "numeric"}}}
    rules = {"daily": [{"alert": "Mean", "stream": "*", "field": "score", "measure": "mean_shift", "above": 9}]}
    whole, listen = os.path.join(s.tmp, "regions.csv"), "127.0.0.1:" + str(free_port())
    training = [r.gauss(means[("us", "us", "eu")[i % 3]], 5) for i in range(3000)]
    with open(whole, "w", encoding="utf-8") as f:
        f.write("score\n" + "".join(f"{x!r}\n" for x in training))

    def write(baseline):
        return configure(s.tmp, kafka.bootstrap, NO_REGISTRY, redis.url, [{**stream, **baseline}], name="regions", rules=rules,
                         kafka={"group.id": "regions"}, redis={"prefix": "regions"}, http={"listen": listen})
    default, eu = whole + ".json", whole + ".eu.json"
    code, _, err = kdrift("baseline", "--config", write({}), "--stream", "regions", "--file", whole, "--out", default)
    s.check("slices: the stream's baseline", code == 0, err)
    config = write({"baseline": default})
    m = s.add(Monitor(config, os.path.join(s.tmp, "regions.log"))).start().wait_up()

    def feed(minutes):
        """-> slice -> mean_shift at the last boundary, and what it is of the records themselves beside a reference."""
        first = len(fed) // 90
        new = [{"ts": begin + (first + i // 90) * MINUTE + i % 90 * 600, "score": r.gauss(means[region], 5), "region": region}
               for i in range(minutes * 90) for region in [("eu", "us", "asia")[i % 3]]]
        fed.extend(new)
        produce(kafka, "regions", new, 1)
        settled(kafka, redis, ["regions"], "regions")
        to = begin + (first + minutes - 1) * MINUTE
        last = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(to / 1000))

        def read():
            found = {x["slice"] or "": x["value"] for st in m.status().get("streams", []) for f in st["fields"]
                     for x in f["readings"] if x["window"]["to"] == last and x["measure"] == "mean_shift"}
            return found if len(found) == 4 else None

        def shift(region, reference):
            now = [x["score"] for x in new if to - 10 * MINUTE <= x["ts"] < to and region in ("", x["region"])]
            return round((np.mean(now) - np.mean(reference)) / np.std(reference), 9)
        got = wait_for(f"the window that ends {last} is judged", read, 60)
        return {k: round(v, 9) for k, v in got.items()}, shift

    def take(baseline, own):
        write({"baseline": baseline})
        m.process.p.send_signal(signal.SIGHUP)
        wait_for("they are in force", lambda: [(st.get("baseline"), st.get("slice_baselines")) for st in m.status().get("streams", [])] ==
                 [(load(default)["hash"], own)], 30)
    names = {"": "", "eu": "region=eu", "us": "region=us", "asia": "region=asia"}
    got, shift = feed(31)
    s.equal("slices: all are beside the stream's", got, {n: shift(k, training) for k, n in names.items()})
    code, _, err = kdrift("baseline", "--config", config, "--stream", "regions", "--from-store", "--slice", "region=eu", "--from",
                          str(begin), "--to", str(begin + 30 * MINUTE), "--out", eu)
    s.check("slices: one of the slice's panes", code == 0, err)
    own = [x["score"] for x in fed if x["region"] == "eu" and x["ts"] < begin + 30 * MINUTE]
    take({"default": default, "slices": {"region=eu": eu}}, {"region=eu": load(eu)["hash"]})
    got, shift = feed(12)
    s.equal("slices: one is beside its own, the others beside the stream's", got,
            {n: shift(k, own if k == "eu" else training) for k, n in names.items()})
    s.check("slices: which makes a difference", abs(got["region=eu"]) < 0.5 and got["region=us"] < -0.5, got)

    def gate(region):
        return kdrift("stats", "--config", config, "--stream", "regions", "--from", str(begin + 31 * MINUTE), "--to",
                      str(begin + 42 * MINUTE), "--slice", f"region={region}", "--fail-on", "score:mean_shift>0.5,score:mean_shift<-0.5")
    s.equal("slices: stats --fail-on compares likewise", (gate("eu")[0], gate("us")[0]), (0, 1))
    take(default, None)
    got, shift = feed(12)
    s.equal("slices: and back", got, {n: shift(k, training) for k, n in names.items()})
    m.stop()


def sum_of(text):
    """-0xHEXpN, exactly."""
    mantissa, exponent = text.split("p")
    return Fraction(int(mantissa, 16)) * Fraction(2) ** int(exponent)


def mean_of(b, path):
    f = field(b, path)
    return float(sum_of(f["sum"]) / f["count"])


def deviation_of(b, path):
    f = field(b, path)
    n, s, q = f["count"], sum_of(f["sum"]), sum_of(f["sumsq"])
    return float((q / n - (s / n) ** 2)) ** 0.5


def stats_gates(s, config, end, bad_begin):
    """Practice row 36: `stats --fail-on` on panes, beside the stream's baseline."""
    def gate(begin, to, *conditions):
        code, _, err = kdrift("stats", "--config", config, "--stream", "orders", "--from", str(begin), "--to", str(to),
                              *[a for c in conditions for a in ("--fail-on", c)])
        return code, err
    code, err = gate(end, end + 9 * HOUR, "amount:ks>0.1, violation_ratio > 0.001", "amount:missing_ratio>=0.2", "drift>5")
    s.equal("a gate that holds", (code, err), (0, ""))
    code, err = gate(end + 9 * HOUR, end + 18 * HOUR, "amount:ks>0.1", "violation_ratio>0.001")
    s.check("one that is broken names field, measure and limit",
            code == 1 and err.startswith("kdrift stats: amount: ks is 0.") and "(fails on > 0.1)" in err and "violation" not in err, err)
    code, err = gate(bad_begin, bad_begin + DAY, "violation_ratio>0.01")
    s.check("a measure of the whole stream", code == 1 and "kdrift stats: violation_ratio is 0.0" in err, err)
    for what, condition, why in (("too few values", "amount:ks>0.9", "too_few"), ("no such measure of the field", "country:ks>0.9",
                                 "not_applicable"), ("no such field", "height:ks>0.9", "no such field")):
        code, err = gate(end, end + MINUTE, condition)
        s.check(f"what is not known has not passed: {what}", code == 1 and why in err, (code, err))
    for wrong in ("staleness>1", "wassersteim>1", "ks", "ks_p.evidently>1"):
        code, err = gate(end, end + HOUR, wrong)
        s.check(f"'{wrong}' is wrong usage", code == 2 and "kdrift stats: --fail-on" in err, (code, err))


def files_refuse(s, config):
    """Practice row 44 on files: 5 % of the rows break a rule."""
    path = os.path.join(s.tmp, "orders.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("ts,amount,discount\n")
        for i in range(200):
            f.write(f"{1700000000000 + i},{-1 if i % 20 == 7 else i},0\n")
    out = os.path.join(s.tmp, "file.json")
    args = ["baseline", "--config", config, "--stream", "orders", "--file", path, "--out", out]
    code, _, err = kdrift(*args)
    s.check("a file with 5 % violations is refused, its first one named",
            code == 1 and "10 of 200 records break rules (range 10; the first: range at" in err and "orders.csv:9" in err, err)
    code, _, err = kdrift(*args, "--allow-violations")
    s.equal("unless told", (code, load(out)["provenance"]["violations"] if not code else err), (0, {"range": 10}))


def scores(r, begin, minutes, per_minute, version="stable", shift=0.0):
    return [{"ts": begin + i * MINUTE // per_minute, "score": r.gauss(0.5 + shift, 0.1), "version": version}
            for i in range(minutes * per_minute)]


def against(s, kafka, redis):
    """A challenger beside a champion, a canary beside the stable version (practice rows 4, 8 and 15): both sides on one
    grid, which check enforces; too few records are unknown."""
    r = random.Random(SEED + 1)
    begin = int(time.time() * 1000) // DAY * DAY - 2 * DAY
    files = {}
    for name, shift in (("champion", 0), ("challenger", 0.3)):
        files[name] = os.path.join(s.tmp, f"{name}.csv")
        with open(files[name], "w", encoding="utf-8") as f:
            f.write("score,version\n" + "".join(f"{x['score']!r},stable\n" for x in scores(r, 0, 100, 60, shift=shift)))
    streams = [{"name": n, "topic": n, "role": "predictions", "format": "json", "event_time": "ts", "window": "10m",
                "slice_by": ["version"], "fields": {"score": {"type": "numeric"}}} for n in ("champion", "challenger")]
    rules = {"immediate": [{"alert": "Challenger", "stream": "challenger", "field": "score", "measure": "ks", "above": 0.2,
                            "against": {"stream": "champion"}},
                           {"alert": "Canary", "stream": "champion", "field": "score", "measure": "ks", "above": 0.2,
                            "against": {"slice": "version=stable"}},
                           {"alert": "Means", "stream": "challenger", "measure": "mean_shift", "above": 9,
                            "against": {"stream": "champion"}}]}

    def write():
        return configure(s.tmp, kafka.bootstrap, NO_REGISTRY, redis.url, streams, name="against", rules=rules,
                         kafka={"group.id": "against"}, redis={"prefix": "against"})
    config = write()
    for n, path in files.items():
        code, _, err = kdrift("baseline", "--config", config, "--stream", n, "--file", path, "--out", path + ".json")
        s.check(f"a baseline of {n}'s file", code == 0, err)
    for st in streams:
        st["baseline"] = files[st["name"]] + ".json"
    code, said, _ = kdrift("check", "--config", write())
    lines = [x for x in said.splitlines() if "grid" in x]
    s.check("check: two baselines, two grids, an error where the rule stands, with the mend",
            code == 1 and len(lines) == 1 and "immediate.yaml:" in lines[0] and "Challenger" in lines[0] and "same `baseline:`" in lines[0], said)
    code, _, err = kdrift("stats", "--config", config, "--stream", "champion", "--from", "0", "--to", "1")
    s.check("the monitor does not start with it either", code == 1 and "needs one grid" in err, err)
    streams[1].pop("baseline")
    code, said, _ = kdrift("check", "--config", write())
    s.check("check: a baseline on one side alone", code == 1 and "grid" in said, said)
    streams[1]["baseline"] = files["champion"] + ".json"
    code, said, _ = kdrift("check", "--config", write())
    s.check("check: one baseline for both is one grid", code == 0 and "grid" not in said, said)

    for n in ("champion", "challenger"):
        kafka.topic(n, 2)
    m = s.add(Monitor(config, os.path.join(s.tmp, "against.log"))).start().wait_up()
    # The canary has 20 records in the first ten minutes, 500 bad ones in the next.
    produce(kafka, "champion", scores(r, begin, 21, 100) + scores(r, begin, 10, 2, "canary", 0.3)
            + scores(r, begin + 10 * MINUTE, 11, 50, "canary", 0.3))
    produce(kafka, "challenger", scores(r, begin, 10, 50) + scores(r, begin + 10 * MINUTE, 11, 50, shift=0.2))
    settled(kafka, redis, ["champion", "challenger"], "against")

    def events():
        out = []
        for e in redis.client().zrange("against:journal", 0, -1):
            out.append(json.loads(e.split(b" ", 1)[1]))
        return out

    def alerts():
        return {(a["alert"], a["slice"], a["state"]) for a in m.status().get("alerts", []) if a["state"] == "firing"}
    wait_for("the challenger's scores differ from the champion's", lambda: ("Challenger", "version=stable", "firing") in alerts(), 60)
    found = wait_for("the canary's differ from the stable version's", lambda: ("Canary", "version=canary", "firing") in alerts() and alerts(), 60)
    s.check("nothing else fires", {(a, sl) for a, sl, _ in found} == {("Challenger", "version=stable"), ("Challenger", None),
                                                                     ("Canary", "version=canary")}, found)
    # Ten minutes end with 20, 68 and 116 records of it; ks says nothing under 100.
    item = next(e for e in events() if e.get("rule") == "Canary")["page"]["items"][0]
    s.equal("under 100 records of the canary are too few to say", (item["n_current"], item["window"]["to"]),
            (116, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((begin + 12 * MINUTE) / 1000))))
    m.stop()


def main():
    with Suite("baselines") as s:
        s.say(f"seed {SEED}")
        redis, kafka = s.add(Redis(s.tmp)), s.add(Kafka(s.tmp))
        from_store(s, kafka, redis)
        against(s, kafka, redis)
        swaps(s, kafka, redis)
        moving(s, kafka, redis)
        slices(s, kafka, redis)


if __name__ == "__main__":
    main()
