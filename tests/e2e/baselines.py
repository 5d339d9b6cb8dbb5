# SPDX-License-Identifier: Apache-2.0
"""Baselines of what the store holds, against NumPy and exact fractions of the very records; what they refuse; gates; two
streams on one grid."""
import json
import os
import random
import time
from fractions import Fraction

import numpy as np

from lib.monitor import Monitor, configure, kdrift
from lib.plain import DAY, HOUR, MINUTE, NO_REGISTRY, field, load, produce, scores, settled
from lib.servers import Kafka, Redis
from lib.suite import Suite, wait_for

SEED = int(os.environ.get("SEED", str(int(time.time()))))


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
            [(b["hash"], [{"stream": "orders", "slice": None, "state": "in_force"}], b["totals"]["records"])])
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


if __name__ == "__main__":
    main()
