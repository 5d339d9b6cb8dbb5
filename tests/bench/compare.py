# SPDX-License-Identifier: Apache-2.0
"""`kdrift compare` on two CSV files of a million rows by 16 columns (12 numbers of seven digits, four
categories), every measure of every column, beside Evidently's data-drift preset (one measure a column, pandas
reading the same files) and whylogs' profiling, in one run: CPU seconds, peak memory, ratios.

The peers need environments of their own (tests/drift/exact/requirements-evidently.txt and whylogs==1.6.4):
they are made in .cache/bench, or taken from BENCH_EVIDENTLY and BENCH_WHYLOGS (folders of environments). What
cannot be installed is left out.

BENCH_ROWS (1000000), BENCH_TURNS (3)
"""
import json
import os
import statistics
import subprocess
import sys
import time

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
CACHE = os.path.join(TOP, ".cache", "bench")
ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
TURNS = int(os.environ.get("BENCH_TURNS", "3"))
NUMBERS, CATEGORIES = 12, 4

EVIDENTLY = """
import sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
from evidently import Dataset, DataDefinition, Report
from evidently.presets import DataDriftPreset
r, c = pd.read_csv(sys.argv[1]), pd.read_csv(sys.argv[2])
number = [x for x in r.columns if x.startswith("x")]
of = DataDefinition(numerical_columns=number, categorical_columns=[x for x in r.columns if x not in number])
Report([DataDriftPreset()]).run(Dataset.from_pandas(c, data_definition=of), Dataset.from_pandas(r, data_definition=of))
"""
WHYLOGS = """
import sys, warnings
warnings.simplefilter("ignore")
import pandas as pd, whylogs
for path in sys.argv[1:3]:
    whylogs.log(pd.read_csv(path))
"""
PANDAS = """
import sys
import pandas as pd
frames = [pd.read_csv(path) for path in sys.argv[1:3]]
"""


def write(path, seed, shift):
    import numpy as np
    rng = np.random.default_rng(seed)
    with open(path + ".part", "w") as f:
        f.write(",".join([f"x{i}" for i in range(NUMBERS)] + [f"c{i}" for i in range(CATEGORIES)]) + "\n")
        for _ in range(0, ROWS, 10000):
            n = min(10000, ROWS)
            x = rng.normal(shift, 1, (n, NUMBERS)) * [1, 10, 1000, 0.01, 1, 5, 1, 1, 100, 1, 1, 2]
            x[:, 6:8] = np.exp(x[:, 6:8])
            c = rng.zipf(1.5, (n, CATEGORIES)) % [3, 10, 50, 200]
            form = ",".join(["%.7g"] * NUMBERS + ["category-%d"] * CATEGORIES) + "\n"
            f.write("".join(form % (*a, *b) for a, b in zip(x.tolist(), c.tolist())))
    os.replace(path + ".part", path)


def files():
    os.makedirs(CACHE, exist_ok=True)
    paths = [os.path.join(CACHE, f"{name}-{ROWS}.csv") for name in ("reference", "current")]
    for seed, path in enumerate(paths):
        if not os.path.exists(path):
            write(path, seed, 0.02 * seed)
    return paths


def environment(variable, name, packages):
    """The interpreter of that environment, or None."""
    folder = os.environ.get(variable) or os.path.join(CACHE, name)
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        print(f"installing {' '.join(packages)} into {folder}", file=sys.stderr, flush=True)
        done = subprocess.run([sys.executable, "-m", "venv", folder]).returncode or \
            subprocess.run([python, "-m", "pip", "-q", "install", *packages]).returncode
        if done:
            return None
    return python


def measure(command):
    """-> (CPU s, wall s, peak MiB) of the command alone."""
    began = time.monotonic()
    p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = p.stderr.read()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = status
    assert status == 0, error.decode()[-2000:]
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / 1024


def main():
    paths = files()
    kdrift = os.environ.get("KDRIFT") or os.path.join(TOP, "build", "kdrift")
    sides = {"kdrift compare": [kdrift, "compare", *paths, "--json"]}
    evidently = environment("BENCH_EVIDENTLY", "evidently",
                            ["-r", os.path.join(TOP, "tests", "drift", "exact", "requirements-evidently.txt")])
    whylogs = environment("BENCH_WHYLOGS", "whylogs", ["whylogs==1.6.4", "pandas==2.3.3"])
    if evidently:
        sides["pandas reads both files"] = [evidently, "-c", PANDAS, *paths]
        sides["pandas, Evidently's preset"] = [evidently, "-c", EVIDENTLY, *paths]
    if whylogs:
        sides["pandas, whylogs' profiles"] = [whylogs, "-c", WHYLOGS, *paths]
    answer = json.loads(subprocess.run(sides["kdrift compare"], capture_output=True, check=True).stdout)
    values = sum(len(f["measures"]) for f in answer["fields"].values())
    size = sum(os.path.getsize(p) for p in paths) / 2**20
    print(f"two files of {ROWS} rows by {NUMBERS + CATEGORIES} columns, {size:.0f} MiB in all; "
          f"kdrift prints {values} values")
    rows = {name: [] for name in sides}
    for turn in range(TURNS):
        for name, command in sides.items():
            if turn and not name.startswith("kdrift"):
                continue                     # minutes each, and their figures are steady
            rows[name].append(measure(command))
    print(f"{'':28} {'CPU s':>8} {'wall s':>8} {'peak MiB':>9} {'CPU, times':>11} {'peak, times':>12}")
    ours = [statistics.median(x) for x in zip(*rows["kdrift compare"])]
    for name, turns in rows.items():
        cpu, wall, peak = (statistics.median(x) for x in zip(*turns))
        print(f"{name:28} {cpu:8.2f} {wall:8.2f} {peak:9.0f} {cpu / ours[0]:11.1f} {peak / ours[2]:12.1f}", flush=True)


main()
