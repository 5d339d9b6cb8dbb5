# SPDX-License-Identifier: Apache-2.0
"""A stream takes to a baseline on another grid while it runs. Beside it one monitor that keeps the old baseline and one
that has the new one from the start: what is said of every window must be the one's, byte for byte, and from the window
on that was counted with the new baseline as a whole, the other's. Kills, restarts, a second process, and a baseline's
file that is no more change nothing of it."""
import json
import os
import random
import shutil
import signal
import time

from lib.monitor import Monitor, configure, counted, kdrift
from lib.plain import HOUR, MINUTE, NO_REGISTRY
from lib.servers import Kafka, Redis
from lib.suite import Suite, free_port, wait_for

SEED = int(os.environ.get("SEED", str(int(time.time()))))
A_MINUTE, PARTITIONS, WINDOW, EARLIER, STEP, LATE = 120, 3, 10, 4, 2, 3
KINDS = ["card", "cash", "cheque", "crypto"]
RULES = {"daily": [{"alert": n, "stream": "*", "measure": m, "above": a} for n, m, a in (
    ("Shape", "ks", 2), ("Shares", "psi", 99), ("Unseen", "unseen_ratio", 2), ("Mean", "mean_shift", 99), ("Drift", "drift", 999))]
    + [{"alert": "Earlier", "stream": "*", "measure": "ks", "above": 2, "against": {"previous": f"{EARLIER}m"}}]}


def rows(r, begin, minutes, kinds=4, extra=True):
    out = []
    for i in range(minutes * A_MINUTE):
        row = {"ts": begin + i * MINUTE // A_MINUTE, "amount": r.lognormvariate(3, 1), "score": r.gauss(0.5, 0.1),
               "kind": r.choice(KINDS[:kinds])}
        if extra:
            row["fee"] = r.expovariate(2)
        out.append(row)
    return out


def write_csv(path, records):
    names = list(records[0])
    with open(path, "w", encoding="utf-8") as f:
        f.write(",".join(names) + "\n" + "".join(",".join(str(x[n]) for n in names) + "\n" for x in records))


class Side:
    """One group of processes with their own group.id and prefix."""

    def __init__(self, s, kafka, redis, name, baseline):
        self.s, self.kafka, self.redis, self.name, self.baseline = s, kafka, redis, name, baseline
        self.listen = "127.0.0.1:" + str(free_port())
        self.monitor = s.add(Monitor(self.write(), os.path.join(s.tmp, f"{name}.log")))
        self.said = {}

    def write(self, baseline=None):
        self.baseline = baseline or self.baseline
        stream = {"name": "swap", "topic": "swap", "role": "features", "format": "json", "event_time": "ts",
                  "window": f"{WINDOW}m", "lateness": f"{LATE}m", **({"baseline": self.baseline} if self.baseline else {}),
                  "fields": {"amount": {"type": "numeric"}, "score": {"type": "numeric"}, "fee": {"type": "numeric"},
                             "kind": {"type": "categorical"}}}
        return configure(self.s.tmp, self.kafka.bootstrap, NO_REGISTRY, self.redis.url, [stream], name=self.name, rules=RULES,
                         kafka={"group.id": self.name}, redis={"prefix": self.name}, http={"listen": self.listen})

    def stream(self):
        return next(iter(self.monitor.status().get("streams", [])), {})

    def look(self, end):
        """Notes what is read at the boundary, once it is."""
        to = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(end / 1000))

        def read():
            st = self.stream()
            found = [x for f in st.get("fields", []) for x in f["readings"]]
            return st if found and all(x["window"]["to"] == to for x in found) else None
        st = wait_for(f"{self.name}: the window that ends {to} is judged", read, 60)
        self.said[end] = (st["baseline"], st.get("recalibrating"),
                          json.dumps([x for f in st["fields"] for x in f["readings"]], sort_keys=True))

    def panes(self):
        """How many of the stored segments have fields on one grid, and on two."""
        c, n = self.redis.client(), [0, 0]
        for key in c.scan_iter(f"{self.name}:seg:swap:*".encode()):
            for v in c.hvals(key):
                n[v[0] == 3] += 1
        return n

    def copies(self):
        return self.redis.client().hlen(f"{self.name}:doc:baseline_copy")

    def journal(self, kind):
        entries = (json.loads(e.split(b" ", 1)[1]) for e in self.redis.client().zrange(f"{self.name}:journal", 0, -1))
        return [e for e in entries if e["type"] == kind]


def main():
    with Suite("swap") as s:
        s.say(f"seed {SEED}")
        r = random.Random(SEED)
        redis, kafka = s.add(Redis(s.tmp)), s.add(Kafka(s.tmp))
        kafka.topic("swap", PARTITIONS)
        begin = int(time.time() * 1000) // HOUR * HOUR - 24 * HOUR
        paths = {n: os.path.join(s.tmp, n + ".json") for n in ("old", "new", "place")}
        config = Side(s, kafka, redis, "first", None).write()
        for name, records in (("old", rows(r, begin - HOUR, 60, 3, False)), ("new", rows(r, begin - 2 * HOUR, 50))):
            write_csv(os.path.join(s.tmp, name + ".csv"), records)
            code, _, err = kdrift("baseline", "--config", config, "--stream", "swap", "--file", os.path.join(s.tmp, name + ".csv"),
                                  "--out", paths[name])
            s.check(f"the {name} baseline is made", code == 0, err)
        hashes = {n: json.load(open(paths[n], encoding="utf-8"))["hash"] for n in ("old", "new")}
        shutil.copy(paths["old"], paths["place"])
        old, new = Side(s, kafka, redis, "old", paths["old"]), Side(s, kafka, redis, "new", paths["new"])
        # One is told to reload, and the old baseline's file is written over; one is stopped, and started with another file.
        place, path = Side(s, kafka, redis, "place", paths["place"]), Side(s, kafka, redis, "path", paths["old"])
        sides, at, producer = [old, new, place, path], 0, kafka.producer()
        for side in sides:
            side.monitor.start()
        for side in sides:
            side.monitor.wait_up()

        def feed(minutes):
            nonlocal at
            for i, x in enumerate(rows(r, begin + at * MINUTE, minutes)):
                producer.produce("swap", json.dumps(x).encode(), partition=i % PARTITIONS, timestamp=x["ts"])
            producer.flush(60)
            at += minutes
            want = sum(kafka.ends("swap").values())
            for side in sides:
                wait_for(f"{side.name}: every record is counted", lambda side=side: counted(redis.client(), side.name.encode()) >= want, 60)
            for side in sides:
                side.look(begin + (at - 1 - LATE) * MINUTE)  # none of what was fed is in it: no partition races another

        def steps(n):
            for _ in range(n):
                feed(STEP)
        feed(2 * WINDOW + LATE)
        steps(2)
        s.equal("at first both are judged by the old one", {x.said[max(x.said)][0] for x in (old, place, path)}, {hashes["old"]})

        shutil.copy(paths["new"], paths["place"])
        place.monitor.process.p.send_signal(signal.SIGHUP)
        path.monitor.stop()
        path.write(paths["new"])
        path.monitor.start().wait_up()
        wait_for("both know that another one is wanted", lambda: all(x.stream().get("recalibrating") for x in (place, path)), 30)
        swapped = at
        steps(2)
        until = time.strftime("%Y-%m-%dT%H:%M:", time.gmtime((begin + (swapped + WINDOW + EARLIER) * MINUTE) / 1000))
        for side in (place, path):
            said = side.said[max(side.said)]
            s.equal(f"{side.name}: judged by the old one, and the status says what comes and when",
                    (said[0], said[1]["baseline"], said[1]["until"][:17]), (hashes["old"], hashes["new"], until))
            s.check(f"{side.name}: panes are counted on both grids, and the store has a copy of the old baseline",
                    side.panes()[1] > 0 and side.copies() == 1, (side.panes(), side.copies()))
            listed = json.loads(side.monitor.get("/api/v1/baselines")[1])
            s.equal(f"{side.name}: /api/v1/baselines has both", sorted((b["hash"], u["state"]) for b in listed for u in b["used_by"]),
                    sorted([(hashes["old"], "in_force"), (hashes["new"], "next")]))
            code, text = side.monitor.get("/api/v1/baselines/" + hashes["old"])
            s.check(f"{side.name}: with the fields of the old one", code == 200 and json.loads(text)["fields"], text)
            gauge = side.monitor.metrics().get(("kdrift_recalibrating_until_timestamp_seconds", ("swap",)))
            s.equal(f"{side.name}: the metric says it, too", gauge, (begin + (swapped + WINDOW + EARLIER) * MINUTE) / 1000)
        for side in (place, path):
            side.monitor.kill()
        os.rename(paths["old"], paths["old"] + ".gone")
        for side in (place, path):
            side.monitor.start().wait_up()
        steps(1)
        other = s.add(Monitor(path.monitor.config, os.path.join(s.tmp, "other.log"), listen="127.0.0.1:" + str(free_port())))
        other.start().wait_up()
        steps(1)
        path.monitor.kill()
        path.monitor, other = other, path.monitor
        steps(6)
        for side in (place, path):
            wait_for(f"{side.name}: workers count on one grid again",
                     lambda side=side: "own baseline alone again" in side.monitor.log(), 30)
        steps(1)
        place.monitor.kill()
        place.monitor.start().wait_up()
        two = {side.name: side.panes()[1] for side in (place, path)}
        steps(4)

        expect = {e: hashes["old"] if e < begin + (swapped + WINDOW + EARLIER) * MINUTE else hashes["new"] for e in old.said}
        for side in (place, path):
            s.equal(f"{side.name}: the new baseline is taken to when it filled the window, once",
                    {e: x[0] for e, x in side.said.items()}, expect)
            wrong = [(e - begin) // MINUTE for e, x in side.said.items()
                     if x[2] != (old if expect[e] == hashes["old"] else new).said[e][2]]
            s.equal(f"{side.name}: every window is said to be what it is for a monitor with that baseline alone", wrong, [])
            s.check(f"{side.name}: nothing of it was ever unknown", not any("recalibrating" in x[2] or "mixed" in x[2]
                                                                            for x in side.said.values()))
            s.equal(f"{side.name}: no pane is on two grids any more, no copy is left", (side.panes()[1] - two[side.name], side.copies()),
                    (0, 0))
            s.equal(f"{side.name}: the journal has it", [len(side.journal(k)) for k in ("baseline_recalibrating", "baseline_taken")], [1, 1])
        s.check("the two baselines say different things", all(old.said[e][2] != new.said[e][2] for e in old.said))
        s.equal("the other two never changed", [{x[0] for x in side.said.values()} for side in (old, new)], [{hashes["old"]}, {hashes["new"]}])
        for side in sides:
            side.monitor.stop()


if __name__ == "__main__":
    main()
