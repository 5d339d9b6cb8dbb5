# SPDX-License-Identifier: Apache-2.0
"""One evaluation of the judge by the shipped rules: CPU, what its caches and a baseline hold, a pane's bytes.

evaluate.c does it over a store in memory: 1 h windows of 1 min panes that slide by a minute; see there what the fields
are. Each row is a process of its own; CPU ms of one thread. BENCH_ROWS: how many of the rows (all).
"""
import os
import subprocess
import tempfile

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAM = os.environ.get("EVALUATE", os.path.join(TOP, "build", "tests", "bench", "evaluate"))
# fields, partitions, slices, records of a partition's pane
ROWS = [(10, 12, 1, 100), (100, 12, 1, 100), (1000, 12, 1, 100),  # fields
        (100, 1, 1, 1200), (100, 48, 1, 25),  # partitions of the same stream
        (10, 3, 1, 1000), (10, 3, 10, 1000), (10, 3, 100, 1000)]  # slices of the same stream
CONFIG = """kafka: {bootstrap.servers: "127.0.0.1:1"}
schema_registry: {url: "http://127.0.0.1:1"}
redis: {url: "redis://127.0.0.1:1/0"}
alerts: %s/alerts
streams: [{name: bench, topic: bench, role: features, owner: bench, window: 1h, slide: 1m, lateness: 30s}]
"""
COLUMNS = [("warm_median_ms", "warm ms"), ("warm_mean_ms", "mean ms"), ("warm_worst_ms", "worst ms"), ("cold_ms", "cold ms"), ("caches_mib", "caches MiB"),
           ("baseline_mib", "baseline MiB"), ("pane_bytes_a_field", "bytes a field")]


def main():
    rows = ROWS[:int(os.environ.get("BENCH_ROWS", len(ROWS)))]
    print("fields partitions slices records" + "".join(f"{title:>14}" for _, title in COLUMNS))
    with tempfile.TemporaryDirectory() as tmp:
        config = os.path.join(tmp, "kdrift.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG % TOP)
        for row in rows:
            out = subprocess.run([PROGRAM, config, *map(str, row)], check=True, capture_output=True, text=True).stdout
            got = dict(line.split() for line in out.splitlines())
            print("{:6} {:10} {:6} {:7}".format(*row) + "".join(f"{float(got[k]):14.1f}" for k, _ in COLUMNS), flush=True)


main()
