# SPDX-License-Identifier: Apache-2.0
"""Records per second and CPU seconds per million records of kdrift and of a bare librdkafka consumer that
only counts, on the same real topic, in turns; medians of the pairs, and their ratios. kdrift counts on the
grids of a baseline made of the topic's first minute, as it does in production.

BENCH_RECORDS (8000000: fewer last under a second), BENCH_PAIRS (5), BENCH_WORKERS (2)
"""
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from lib.generate import Generator  # noqa: E402
from lib.monitor import Monitor, kdrift  # noqa: E402
from lib.stack import Stack  # noqa: E402
from lib.suite import TOP, Suite, wait_for  # noqa: E402

N = int(os.environ.get("BENCH_RECORDS", "8000000"))
PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
WORKERS = int(os.environ.get("BENCH_WORKERS", "2"))
# Without it librdkafka stops fetching for a second at a time; both sides have it.
QUEUE = {"queued.min.messages": "1000000"}


def bare(stack):
    """-> (seconds, CPU seconds)"""
    out = subprocess.run([os.path.join(TOP, "build", "tests", "bench", "bare_consumer"), stack.kafka.bootstrap,
                          stack.topic, str(WORKERS), *(f"{k}={v}" for k, v in QUEUE.items())],
                         capture_output=True, text=True, check=True).stdout.split()
    assert int(out[0]) == N, out
    return float(out[1]), float(out[2])


def frozen(s, stack, g):
    """The stream with a baseline of the topic's first minute."""
    path = os.path.join(s.tmp, "baseline.json")
    code, _, err = kdrift("baseline", "--config", stack.configure(name="frozen"), "--stream", "payments", "--out", path,
                          "--from", str(g.base), "--to", str(g.base + 60000), seconds=300)
    assert code == 0, err
    return {**stack.stream, "window": "10m", "baseline": path}


def ours(s, stack, stream, n):
    """A fresh group and prefix; from the first claim until the last record is acknowledged by the store."""
    name = f"bench{n}"
    config = stack.configure([stream], name=name, workers=WORKERS,
                             checkpoint_interval="250ms",
                             kafka={"group.id": name, **QUEUE}, redis={"prefix": name})
    m = Monitor(config, os.path.join(s.tmp, f"{name}.log")).start()
    s.add(m)
    wait_for("the first claim", lambda: "claimed" in m.log(), 60, 0.005)
    began, idle_cpu = time.monotonic(), m.process.cpu_seconds()
    redis_cpu = stack.redis.process.cpu_seconds()
    wait_for("the last record", lambda: m.total("kdrift_records_total") >= N, 600, 0.1)
    took = time.monotonic() - began
    cpu, redis_cpu = m.process.cpu_seconds() - idle_cpu, stack.redis.process.cpu_seconds() - redis_cpu
    m.stop()
    return took, cpu, redis_cpu


def main():
    with Suite("throughput") as s:
        stack = Stack(s)
        g = Generator(stack.ids, seed=8, violations=0, odd=0, tombstones=0, late=0, total=N)
        began = time.monotonic()
        stack.produce(g, N)
        print(f"{N} records of {len(g.chunk(1)[0][2])} bytes produced in {time.monotonic() - began:.0f} s", flush=True)
        stream = frozen(s, stack, g)
        bare(stack)                                          # the page cache is warm for the first pair too
        rows = []
        print(f"{'pair':>4} {'bare rec/s':>12} {'CPU s/M':>8} {'kdrift rec/s':>13} {'CPU s/M':>8} {'Redis s/M':>9}")
        for n in range(PAIRS):
            b, k = bare(stack), ours(s, stack, stream, n)
            rows.append((N / b[0], b[1] / N * 1e6, N / k[0], k[1] / N * 1e6, k[2] / N * 1e6))
            print("{:4d} {:12.0f} {:8.3f} {:13.0f} {:8.3f} {:9.4f}".format(n + 1, *rows[-1]), flush=True)
        m = [statistics.median(column) for column in zip(*rows)]
        speed = statistics.median(r[0] / r[2] for r in rows)
        cost = statistics.median(r[3] / r[1] for r in rows)
        print(f"median: bare {m[0]:.0f} rec/s, {m[1]:.3f} CPU s per million; "
              f"kdrift {m[2]:.0f} rec/s, {m[3]:.3f} CPU s per million (Redis {m[4]:.4f})")
        print(f"ratio: bare is {speed:.2f} times as fast; kdrift takes {cost:.2f} times the CPU")


main()
