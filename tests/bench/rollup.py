# SPDX-License-Identifier: Apache-2.0
"""What rolling up saves: 30 days of 4 partitions in panes of a minute, 100 records of two fields in each, on a Redis of
its own, before and after the judge has rolled up what its rules (an hour that slides by an hour; the month, every day)
leave. Memory is what Redis says it uses, less what it used empty; reading is the merge of the whole month by a process
that has just started, the median of BENCH_READS (5).
"""
import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from lib.servers import Redis  # noqa: E402
from lib.suite import KDRIFT  # noqa: E402

READS = int(os.environ.get("BENCH_READS", "5"))
PROGRAM = os.path.join(os.path.dirname(KDRIFT), "tests", "bench", "rollup")


def run(redis, what):
    return subprocess.run([PROGRAM, redis.url, what], check=True, capture_output=True, text=True).stdout.split()


def measure(redis, empty):
    used = redis.client().info("memory")["used_memory"] - empty
    reads = [run(redis, "read") for _ in range(READS)]
    return used / 1e6, statistics.median(float(r[0]) for r in reads), reads[0][1:]


def main():
    with tempfile.TemporaryDirectory() as tmp:
        redis = Redis(tmp)
        try:
            empty = redis.client().info("memory")["used_memory"]
            run(redis, "fill")
            before = measure(redis, empty)
            minutes, hours, days, passes, seconds = run(redis, "roll")
            after = measure(redis, empty)
        finally:
            redis.stop()
    if before[2] != after[2]:
        sys.exit(f"the month is another after rolling up: {before[2]}, {after[2]}")
    print(f"30 days of 4 partitions, {before[2][0]} records")
    print("                 Redis MB   cold read of the month ms   intervals")
    print(f"before          {before[0]:9.1f}   {before[1]:25.1f}   43200 minutes")
    print(f"rolled up       {after[0]:9.1f}   {after[1]:25.1f}   {minutes} minutes, {hours} hours, {days} days")
    print(f"the same bytes; rolled up in {seconds} s, {passes} passes, with all judging of the month")


main()
