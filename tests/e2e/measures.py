# SPDX-License-Identifier: Apache-2.0
"""Measures of a running monitor against NumPy on the very records: vectors, ages of times, and what a reading says of its
own error."""
import json
import os
import random
import time
from fractions import Fraction

import numpy as np

from lib.monitor import Monitor, configure, kdrift, stats
from lib.plain import HOUR, NO_REGISTRY, field, load, produce, settled
from lib.servers import Kafka, Redis
from lib.suite import Suite, wait_for

SEED = int(os.environ.get("SEED", str(int(time.time()))))
DIMS = 8


def records(r, begin, hours, turned=False):
    out = []
    for i in range(hours * 300):
        ts = begin + i * HOUR // 300
        e = [r.gauss(1 if (k < DIMS // 2) != turned else 0, 0.5) for k in range(DIMS)]
        o = {"ts": ts, "amount": r.lognormvariate(3, 1 if not turned else 1.2), "e": e,
             "at": ts - (r.randrange(1000, 5000) if not turned else r.randrange(600000, 900000))}
        if r.random() < 0.02:
            del o["e"]
        elif turned and r.random() < 0.02:
            o["e"] = e[:3]
        out.append(o)
    return out


def vectors(rows):
    return [o["e"] for o in rows if len(o.get("e", [])) == DIMS]


def centroid(rows):
    return np.array([float(sum(map(Fraction, x)) / len(x)) for x in zip(*vectors(rows))])


def run(s, kafka, redis):
    r = random.Random(SEED)
    begin = int(time.time() * 1000) // HOUR * HOUR - 40 * HOUR
    kafka.topic("points", 3)
    stream = {"name": "points", "topic": "points", "role": "features", "format": "json", "event_time": "ts", "window": "2h",
              "slide": "1h", "fields": {"e": {"type": "vector"}, "at": {"type": "time"}, "amount": {"type": "numeric"}}}
    rules = {"weekly": [{"alert": "Turned", "stream": "*", "measure": "centroid_cosine", "above": 0.2},
                        {"alert": "Moved", "stream": "*", "measure": "centroid_distance", "above": 1},
                        {"alert": "Longer", "stream": "*", "field": "e", "measure": "mean", "above": 1e9},
                        {"alert": "Old", "stream": "*", "measure": "freshness_p50", "above": 60},
                        {"alert": "Oldest", "stream": "*", "measure": "freshness_max", "above": 60},
                        {"alert": "Shape", "stream": "*", "field": "amount", "measure": "ks", "above": 0.9},
                        {"alert": "Tail", "stream": "*", "field": "amount", "measure": "p99", "above": 1e9}]}
    good = records(r, begin, 24)

    # A baseline of the topic, and one of what the store holds: the same sums.
    produce(kafka, "points", good, 3)
    config = configure(s.tmp, kafka.bootstrap, NO_REGISTRY, redis.url, [stream], rules=rules)
    out = os.path.join(s.tmp, "points.json")

    def make(path, to, *args):
        code, _, err = kdrift("baseline", "--config", config, "--stream", "points", "--from", str(begin), "--to", str(to),
                              "--out", path, *args)
        return code == 0 or not s.fail("a baseline", err)
    if not make(out, begin + 24 * HOUR):
        return
    b = field(load(out), "e")
    s.equal("a baseline of the topic counts its vectors, and as many dimensions", (b["type"], b["count"], len(b["dimensions"])),
            ("vector", len(vectors(good)), DIMS))
    s.equal("whose sums are exact", [fraction(x) for x in b["dimensions"]], [sum(map(Fraction, x)) for x in zip(*vectors(good))])
    m = s.add(Monitor(config, os.path.join(s.tmp, "first.log"))).start().wait_up()
    settled(kafka, redis, ["points"])
    s.check("a baseline of the store has the same", make(out + ".store", begin + 24 * HOUR, "--from-store") and
            field(load(out + ".store"), "e")["dimensions"] == b["dimensions"])
    m.stop()

    # A monitor with that baseline: vectors turn, times grow old, amounts spread.
    stream["baseline"] = out
    config = configure(s.tmp, kafka.bootstrap, NO_REGISTRY, redis.url, [stream], rules=rules)
    bad = records(r, begin + 26 * HOUR, 6, turned=True)
    produce(kafka, "points", bad, 3)
    m = s.add(Monitor(config, os.path.join(s.tmp, "points.log"))).start().wait_up()
    settled(kafka, redis, ["points"])

    def firing():
        return {(a["alert"], a["field"]) for a in m.status().get("alerts", []) if a["state"] == "firing"}
    want = {("Turned", "e"), ("Moved", "e"), ("Old", "at"), ("Oldest", "at")}
    found = wait_for("what changed fires", lambda: want <= firing() and firing(), 60)
    s.equal("and nothing else does", found, want)
    to = begin + 30 * HOUR
    wait_for("a window is judged that lies among the changed", lambda: window(m)["to"] >= iso(to), 30)
    w = window(m)
    a, z = millis(w["from"]), millis(w["to"])
    inside = [o for o in bad if a <= o["ts"] < z]
    s.check("of known records", len(inside) > 500, (w, len(inside)))
    c, ref = centroid(inside), centroid(good)

    def reading(measure, path):
        return next(x for st in m.status()["streams"] if st["name"] == "points" for f in st["fields"] if f["path"] == path
                    for x in f["readings"] if x["measure"] == measure)

    def near(name, got, want, error=0.0):
        s.check(name, got["reading"] == "known" and abs(got["value"] - want) <= error + 1e-9 * abs(want), (got, want))
    near("centroid_distance is NumPy's", reading("centroid_distance", "e"), float(np.linalg.norm(c - ref)))
    near("centroid_cosine is NumPy's", reading("centroid_cosine", "e"),
         1 - float(c @ ref / np.linalg.norm(c) / np.linalg.norm(ref)))
    near("the mean of the norms", reading("mean", "e"), float(np.mean(np.linalg.norm(vectors(inside), axis=1))))
    s.equal("vectors of another dimension than the baseline's are not counted", reading("centroid_distance", "e")["n_current"],
            len(vectors(inside)))
    ages = np.array([o["ts"] - o["at"] for o in inside]) / 1000
    got = reading("freshness_p50", "at")
    near("freshness_p50 within its error", got, float(np.quantile(ages, 0.5, method="inverted_cdf")), got["error"])
    s.check("which is a 32th at most", 0 < got["error"] <= got["value"] / 31, got)
    near("freshness_max", reading("freshness_max", "at"), float(ages.max()))
    amounts, base = np.sort([o["amount"] for o in inside]), np.sort([o["amount"] for o in good])
    every = np.concatenate([amounts, base])
    ks = np.max(np.abs(np.searchsorted(amounts, every, "right") / len(amounts) - np.searchsorted(base, every, "right") / len(base)))
    got = reading("ks", "amount")
    near("ks within its error", got, float(ks), got["error"])
    s.check("which is small", 0 < got["error"] < 0.02, got)
    got = reading("p99", "amount")
    near("p99 within its error", got, float(np.quantile(amounts, 0.99, method="inverted_cdf")), got["error"])
    now = stats(config, "points", a, z)["fields"]
    s.equal("stats has them, too", (now["e"]["count"], now["e"]["dimensions"], now["at"]["freshness"]["max"]),
            (len(vectors(inside)), DIMS, float(ages.max())))
    s.check("pages say the error", all("error" in i for p in pages(redis) for i in p["items"]) and pages(redis), pages(redis))
    m.stop()
    # Without a baseline nobody said which dimension is the right one.
    s.check("a baseline of vectors of two dimensions has their norms, but no centroid", make(out + ".odd", begin + 32 * HOUR) and
            "dimensions" not in field(load(out + ".odd"), "e") and field(load(out + ".odd"), "e")["count"] > b["count"])


def fraction(text):
    """-0xHEXpEXPONENT"""
    digits, exponent = text.split("p")
    return Fraction(int(digits, 16)) * Fraction(2) ** int(exponent)


def iso(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms / 1000))


def millis(text):
    return int(np.datetime64(text.rstrip("Z"), "ms").astype("int64"))


def window(m):
    return next(st["window"] for st in m.status()["streams"] if st["name"] == "points")


def pages(redis):
    events = [json.loads(e.split(b" ", 1)[1]) for e in redis.client().zrange("kdrift:journal", 0, -1)]
    return [e["page"] for e in events if e.get("page")]


def main():
    with Suite("measures") as s:
        s.say(f"seed {SEED}")
        redis, kafka = s.add(Redis(s.tmp)), s.add(Kafka(s.tmp))
        run(s, kafka, redis)


if __name__ == "__main__":
    main()
