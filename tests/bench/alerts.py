# SPDX-License-Identifier: Apache-2.0
"""Alert quality: false alarms under a budget, and the delay of true ones beside River, Evidently and NannyML.

alerts.c makes the streams and judges them with kdrift's own code. The peers' delays are those of alerts_peers.json,
which alerts_peers.py makes; they are not measured again here. By default a small part runs, some minutes;
docs/alert-quality.md has all of it:

    ALERTS_FIELDS=1000,1000 ALERTS_WEEKS=8 ALERTS_STREAMS=200 ALERTS_JOBS=2 ./dev bench alerts

ALERTS_PARTS=false,delay   ALERTS_KINDS=independent,ar1,seasonal   ALERTS_RECORDS=1000,10000   ALERTS_SEED=1
What is done is kept in .cache/alerts and not done again for the same program, options and seed.
"""
import collections
import concurrent.futures
import hashlib
import json
import math
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
PROGRAM = os.environ.get("ALERTS", os.path.join(TOP, "build", "tests", "bench", "alerts"))
CACHE = os.path.join(TOP, ".cache", "alerts")
STREAM_FIELDS, CHUNK = 1000, 5
CHANGES = ("shift 0.25", "shift 0.5", "shift 1", "variance 1.5", "ramp", "category")
GOAL = 1.2


def option(name, default):
    return os.environ.get("ALERTS_" + name, str(default))


STREAMS, JOBS, SEED = (int(option(n, d)) for n, d in (("STREAMS", 20), ("JOBS", 1), ("SEED", 1)))
WEEKS = float(option("WEEKS", 1))
KINDS, RECORDS = option("KINDS", "independent,ar1,seasonal").split(","), [int(r) for r in option("RECORDS", "1000,10000").split(",")]
FIELDS = [int(n) for n in option("FIELDS", "40,10").split(",")]  # at each of RECORDS
PARTS = option("PARTS", "false,delay").split(",")
STEP = {1000: 60, 10000: 10}  # seconds between evaluations of glr: 17 and 28 records
DRIFT, GLR = 0.05, 0.95  # the two rules' budgets a week


def run(arguments, version):
    """The program's lines; those of an earlier run with the same program and arguments where there was one."""
    name = os.path.join(CACHE, hashlib.sha256(" ".join([version, *arguments]).encode()).hexdigest()[:24])
    if not os.path.exists(name):
        said = subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, text=True).stdout
        os.makedirs(CACHE, exist_ok=True)
        with open(name + ".new", "w", encoding="utf-8") as f:
            f.write(said)
        os.rename(name + ".new", name)
    with open(name, encoding="utf-8") as f:
        return [line.rstrip("\n").split("\t") for line in f]


def poisson_most(mean):
    """The least k with P(X <= k) >= 0.95."""
    k, p = 0, math.exp(-mean)
    total = p
    while total < 0.95:
        k += 1
        p *= mean / k
        total += p
    return k


def common(kind, records):
    return [f"kind={kind}", f"records={records}", f"step={STEP.get(records, 60)}", f"fields={STREAM_FIELDS}",
            f"drift={DRIFT}", f"glr={GLR}", f"seed={SEED}"]


def false_alarms(pool, version):
    print(f"False alarms in {WEEKS:g} weeks of a stream of {STREAM_FIELDS} fields, some of which are run; budget 1/week for the "
          f"stream ({DRIFT} drift, {GLR} glr), seed {SEED}")
    print(f"{'kind':12}{'records/h':>10}{'fields':>8}{'evaluations':>13}{'allowed':>9}{'95 %':>6}{'alarms':>8}{'a week of all':>15}"
          "  within  by rule and member")
    for kind in KINDS:
        for records, fields in zip(RECORDS, FIELDS):
            jobs = [pool.submit(run, ["mode=false", *common(kind, records), f"weeks={WEEKS:g}", f"first={i}",
                                      f"last={min(i + CHUNK, fields)}"], version) for i in range(0, fields, CHUNK)]
            lines = [line for job in jobs for line in job.result()]
            by = collections.Counter(f"{f[4]} {f[5]} over {f[7]}" for f in lines if f[0] == "alarm")
            evaluations = sum(int(f[2]) for f in lines if f[0] == "total")
            alarms, allowed = sum(by.values()), (DRIFT + GLR) * WEEKS * fields / STREAM_FIELDS
            print(f"{kind:12}{records:10,}{fields:8,}{evaluations:13,}{allowed:9.2f}{poisson_most(allowed):6}{alarms:8}"
                  f"{alarms / WEEKS * STREAM_FIELDS / fields:15.2f}  {'yes' if alarms <= poisson_most(allowed) else 'NO':6}  "
                  + ", ".join(f"{n} {what}" for what, n in by.most_common()), flush=True)


def middle(delays):
    d = sorted(delays)
    return (d[(len(d) - 1) // 2] + d[len(d) // 2]) / 2, d[int(0.9 * (len(d) - 1))]


def number(x):
    return "never" if x is None or math.isinf(x) else f"{x:,.0f}"


def kdrift_delays(pool, version, kind, records):
    jobs = [pool.submit(run, ["mode=delay", *common(kind, records), f"first={i}",
                              f"last={min(i + CHUNK, STREAMS)}"], version) for i in range(0, STREAMS, CHUNK)]
    delays, spoke = collections.defaultdict(list), collections.defaultdict(collections.Counter)
    for f in (line for job in jobs for line in job.result()):
        if f[0] == "delay":
            delays[f[1]].append(math.inf if f[3] == "-1" else float(f[3]))
            spoke[f[1]]["no one" if f[3] == "-1" else f"{f[4]} {f[5]}"] += 1
        elif f[0] == "early":
            spoke[f[1]]["fired before"] += 1
    return delays, spoke


def delay_tables(pool, version):
    with open(os.path.join(HERE, "alerts_peers.json"), encoding="utf-8") as f:
        peers = json.load(f)
    print(f"\nDelay in records from the change to the alarm, median (90th percentile); kdrift: {STREAMS} streams, seed {SEED}. "
          "Peers: kept results of " + ", ".join(f"{p} {v}" for p, v in sorted(peers["versions"].items())))
    for kind in KINDS:
        for records in RECORDS:
            delays, spoke = kdrift_delays(pool, version, kind, records)
            mine = {c: middle(delays[c]) for c in CHANGES}
            print(f"\n{kind}, {records:,} records a window of 1 h")
            row("", CHANGES)
            row("kdrift", [f"{number(mine[c][0])} ({number(mine[c][1])})" for c in CHANGES])
            row("  who spoke", ["; ".join(w for w, _ in spoke[c].most_common(1)) for c in CHANGES])
            if kind == "independent":
                beside(mine, {**peers.get("river", {}).get(str(records), {}), **peers["batch"][str(records)]})


def beside(mine, table):
    names = list(dict.fromkeys(k.split("|")[0] for k in sorted(table, reverse=True)))
    best = {c: (math.inf, "-") for c in CHANGES}
    for how in ("recalibrated", "as it comes"):
        print(f"  {how}")
        for name in names:
            cells = [table.get(f"{name}|{how}|{c}") for c in CHANGES]
            row("    " + name, [f"{number(x['median'])} ({number(x['p90'])})" if x else "-" for x in cells])
            if how == "recalibrated":
                for c, x in zip(CHANGES, cells):
                    if x and x["median"] is not None:
                        best[c] = min(best[c], (x["median"], name))
    row("best recalibrated peer", [best[c][1] for c in CHANGES])
    ratios = [mine[c][0] / best[c][0] for c in CHANGES]
    row("kdrift / best", [f"{r:.2f}{'' if r <= GOAL else ' !'}" for r in ratios])


def row(name, cells):
    print(f"{name:36}" + "".join(f"{c:>24}" for c in cells))


def main():
    with open(PROGRAM, "rb") as f:
        version = hashlib.sha256(f.read()).hexdigest()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        if "false" in PARTS:
            false_alarms(pool, version)
        if "delay" in PARTS:
            delay_tables(pool, version)
    sys.stdout.flush()


main()
