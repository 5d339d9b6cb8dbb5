# SPDX-License-Identifier: Apache-2.0
"""The main job on real servers: a million records, four partitions, two workers, one record in a hundred
broken in one of fourteen ways. What `kdrift stats --json` says equals what the oracle counts.

E2E_RECORDS: how many (1000000).
"""
import csv
import os
import time

import numpy as np
from scipy.stats import ks_2samp

from lib.generate import Generator
from lib.monitor import Monitor, counted, kdrift, stats
from lib.oracle import compare
from lib.stack import Stack
from lib.suite import Suite, wait_for

N = int(os.environ.get("E2E_RECORDS", "1000000"))
REFERENCE = {"amount": lambda r, n: r.lognormal(3.1, 1, n), "score": lambda r, n: r.random(n) ** 1.1,
             "balance": lambda r, n: r.normal(1000, 300, n), "quantity": lambda r, n: r.integers(100, 8000, n)}
REGIONS = ["north", "south"]                    # so that `westa` is unseen


def reference(path):
    """A CSV file of training data; -> its columns."""
    r = np.random.default_rng(11)
    columns = {name: make(r, 20000) for name, make in REFERENCE.items()}
    columns["region"] = r.choice(REGIONS, 20000)
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(columns)
        out.writerows(zip(*(c.tolist() for c in columns.values())))
    return columns


def readings(status, measure):
    """(field, value, from, to) of a measure, as the status document has them."""
    for stream in status.get("streams", []):
        for field in stream.get("fields", []):
            for r in field.get("readings", []):
                if r.get("measure") == measure and r.get("value") is not None:
                    yield field["path"], r["value"], r["window"]["from"], r["window"]["to"]


def main():
    with Suite("main_job") as s:
        stack = Stack(s)
        columns = reference(os.path.join(s.tmp, "train.csv"))
        config = stack.configure()
        base = os.path.join(s.tmp, "payments.baseline.json")
        code, _, err = kdrift("baseline", "--config", config, "--stream", "payments", "--file",
                              os.path.join(s.tmp, "train.csv"), "--out", base)
        s.check("baseline from a file", code == 0, err)
        stack.stream["baseline"] = base
        weekly = [{"alert": "Shift", "stream": "payments", "measure": "ks", "above": 0.5}]
        config = stack.configure(rules={"weekly": weekly})
        g = Generator(stack.ids, seed=20261, total=N)
        began = time.monotonic()
        stack.produce(g, N)
        s.say(f"{N} records produced in {time.monotonic() - began:.0f} s")

        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        began = time.monotonic()
        end, redis = stack.end(), stack.redis.client()
        wait_for("every record is counted", lambda: counted(redis) >= end, 240)
        took = time.monotonic() - began
        s.say(f"{N} records counted in {took:.1f} s, {m.process.cpu_seconds() / N * 1e6:.2f} CPU s per million")
        s.equal("nothing is counted beyond the end", counted(redis), end)

        o = stack.oracle()
        begin, end_ms = o.interval(60000)
        want = o.stats(begin, end_ms)
        got = stats(config, "payments", begin, end_ms)
        wrong = compare(got, want, rank_error=0.01)
        s.check(f"stats equal the oracle on {N} records", not wrong, f"{len(wrong)} differ: {wrong[:8]}")
        s.equal("every kind of violation was there", set(want["violations"]), set(g.injected))
        s.check("every injected fault is counted", all(want["violations"][k] >= n for k, n in g.injected.items()))
        unseen = sum(n for v, n in want["fields"]["region"]["counts"].items() if v not in REGIONS)
        s.equal("values outside the baseline's categories", got["fields"]["region"]["unseen"], unseen)

        # A part of the hour that the records lie in; asked for with edges inside panes.
        a, b = (g.base // 60000 + 20) * 60000, (g.base // 60000 + 40) * 60000
        part = o.stats(a, b)
        s.check("the part is one", 0 < part["records"] < want["records"], part["records"])
        for name, x, y in (("exactly", a, b), ("rounded outward to panes", a + 1, b - 1)):
            wrong = compare(stats(config, "payments", x, y), part, rank_error=0.01)
            s.check(f"stats of a part of it, {name}", not wrong, wrong[:8])

        s.equal("records on /metrics", m.total("kdrift_records_total", "payments"), want["records"])
        on_metrics = {k: m.total("kdrift_violations_total", "payments", k) for k in want["violations"]}
        s.equal("violations on /metrics", on_metrics, want["violations"])

        def judged():
            return {f: (v, a, b) for f, v, a, b in readings(m.status(), "ks")}
        ks = wait_for("ks is judged", judged, 60)
        for field in REFERENCE:
            value, a, b = ks[field]
            current = o.values(field, ms(a), ms(b))
            d = ks_2samp(columns[field], current).statistic
            # On a grid of 256 quantile cuts the distance is off by at most the largest bin's share.
            s.check(f"ks of {field} is SciPy's within the grid's error", d - 0.006 <= value <= d + 1e-9,
                    f"{value} against {d} on {len(current)} values")
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)
        s.equal("nothing changes after the end", compare(stats(config, "payments", begin, end_ms), want, 0.01), [])


def ms(t):
    """RFC 3339 or unix milliseconds -> unix milliseconds."""
    if isinstance(t, str):
        return int(np.datetime64(t.rstrip("Z"), "ms").astype(np.int64))
    return int(t)


main()
