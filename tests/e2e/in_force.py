# SPDX-License-Identifier: Apache-2.0
"""What a stream is compared with while it runs: a baseline that moves with it, one that takes another's place (swap.py has
the other grid), one of a slice."""
import json
import os
import random
import signal
import time

import numpy as np

from lib.monitor import Monitor, configure, kdrift
from lib.plain import DAY, HOUR, MINUTE, NO_REGISTRY, field, load, produce, scores, settled
from lib.servers import Kafka, Redis
from lib.suite import Suite, free_port, wait_for

SEED = int(os.environ.get("SEED", str(int(time.time()))))


def moving(s, kafka, redis):
    """Practice rows 30 and 48 on one topic: the mean creeps 0.5 % a day for sixty days, an accuracy stays at 0.90 and then
    falls to 0.87. A frozen baseline and one that moves, by the same rules."""
    r, before, days = random.Random(SEED + 2), 8, 68
    begin = int(time.time() * 1000) // DAY * DAY - (days + 1) * DAY
    kafka.topic("creep", 1)    # as in slices()
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
    produce(kafka, "creep", records, 1)
    settled(kafka, redis, ["creep"], "creep")
    last = time.strftime("%Y-%m-%dT%H", time.gmtime((begin + (days * 24 - 6) * HOUR) / 1000))
    wait_for("every window is judged", lambda: all((st.get("window") or {}).get("to", "") >= last
                                                   for st in m.status().get("streams", [])) and m.status().get("streams"), 240)
    fired = {}
    for e in redis.client().zrange("creep:journal", 0, -1):
        e = json.loads(e.split(b" ", 1)[1])
        for item in e.get("page", {}).get("items", []) + ([e["item"]] if "item" in e else []):
            if e["type"] in ("alert_firing", "item_firing"):
                fired.setdefault((e["stream"], e["rule"], item["field"]), item)
    s.check("the frozen baseline's rules see the creep", {("frozen", "Drift", "score"), ("frozen", "Shift", "score")} <= set(fired), fired)
    s.check("beside the day before it never fires", not [k for k in fired if k[0] != "frozen" and k[2] == "score"], fired)
    fell = time.strftime("%Y-%m-%dT%H", time.gmtime((begin + (days - 2) * DAY) / 1000))
    s.check("an accuracy of 0.90 and a little is silent, 0.87 is drift, by its own spread",
            ("daily", "Drift", "accuracy") in fired and fired["daily", "Drift", "accuracy"]["window"]["to"] > fell, fired)
    status = {st["name"]: st for st in m.status()["streams"]}
    s.equal("the status says what each is compared with", [(status[n]["baseline"] is None, status[n].get("previous"))
                                                           for n in ("frozen", "moving", "daily")],
            [(False, None), (True, "1d"), (True, "1d")])

    def readings(stream):
        return {x["measure"]: x for f in status[stream]["fields"] for x in f["readings"] if f["path"] == "score"}
    score = readings("moving")
    s.check("drift is judged by the stream's own spread", score["drift"]["reading"] == "known" and score["drift"].get("detail") and
            "independence" not in score["drift"]["detail"], score["drift"])

    def gate(stream, window, *conditions):
        code, _, err = kdrift("stats", "--config", config, "--stream", stream, "--from", window["from"], "--to", window["to"],
                              *[a for c in conditions for a in ("--fail-on", c)])
        return code, err
    window, shift = score["drift"]["window"], score["mean_shift"]["value"]
    s.equal("stats --fail-on compares with the day before", gate("moving", window, "score:drift>5", "score:mean_shift>1", "records<1"),
            (0, ""))
    code, err = gate("moving", window, f"score:mean_shift>={shift - 1e-9:.12f}", f"score:mean_shift<={shift + 1e-9:.12f}")
    s.check("and has the value that the rule had", code == 1 and err.count("score: mean_shift is") == 2, err)
    # With the limit of the rule: what cannot reach it counts for neither. (Of windows so late that no day of theirs is
    # rolled up, which would widen the interval.)
    for stream, name, item in (("frozen", "score", readings("frozen")["drift"]),
                               ("daily", "accuracy", fired["daily", "Drift", "accuracy"])):
        s.equal(f"so it has drift, beside {stream}'s", gate(stream, item["window"], f"{name}:drift>5"),
                (1, f"kdrift stats: {name}: drift is {item['value']:.6g} (fails on > 5)\n"))
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


def main():
    with Suite("in_force") as s:
        s.say(f"seed {SEED}")
        redis, kafka = s.add(Redis(s.tmp)), s.add(Kafka(s.tmp))
        swaps(s, kafka, redis)
        moving(s, kafka, redis)
        slices(s, kafka, redis)


if __name__ == "__main__":
    main()
