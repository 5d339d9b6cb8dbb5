# SPDX-License-Identifier: Apache-2.0
"""Six days of event time within minutes, so that panes are rolled up while the monitor is killed, Redis is killed
and rolled back, and records come days late for what was rolled up. One partition falls silent with a pane open that is
rolled up before its next record comes. Meanwhile `kdrift stats` reads all of it again and again. All counts equal the
oracle's.

E2E_KILLS: how many monitor kills (6). E2E_RECORDS: how many records at least (200000).
"""
import os
import random
import threading
import time

from lib.generate import Generator
from lib.monitor import Monitor, counted, counts_on, kdrift, stats
from lib.oracle import compare
from lib.stack import Feed, Stack
from lib.suite import Suite, wait_for

KILLS = int(os.environ.get("E2E_KILLS", "6"))
N = int(os.environ.get("E2E_RECORDS", "200000"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
DAY = 24 * 3600000
SILENT = 3


class Reader(threading.Thread):
    """Reads the whole range over and over until stop() is called."""

    def __init__(self, config, begin, end):
        super().__init__(daemon=True)
        self.args = ("stats", "--config", config, "--stream", "payments", "--from", str(begin), "--to", str(end), "--json")
        self.ending, self.reads, self.failures = threading.Event(), 0, []
        self.start()

    def run(self):
        while not self.ending.wait(0.1):
            code, _, err = kdrift(*self.args)
            self.reads += not code
            if code:
                self.failures.append(err.strip())

    def stop(self):
        self.ending.set()
        self.join(60)


def elsewhere(records):
    """Without the silent partition."""
    return ((p if p != SILENT else 0, at, value) for p, at, value in records)


def main():
    with Suite("rollup") as s:
        s.say(f"SEED={SEED}")
        r = random.Random(SEED)
        stack = Stack(s)
        config = stack.configure(checkpoint_interval="300ms",
                                 kafka={"session.timeout.ms": "2000", "heartbeat.interval.ms": "300"})
        m = Monitor(config, os.path.join(s.tmp, "kdrift.log"))
        s.add(m)
        g = Generator(stack.ids, seed=SEED, total=N, span_ms=6 * DAY)
        old = Generator(stack.ids, seed=SEED + 1, total=20000, span_ms=2 * DAY, base_ms=g.base)
        # In one minute of the first hour, early enough that what lies up to ten seconds before is in it, too.
        minute = (g.base // 3600000 + 1) * 3600000
        silent = Generator(stack.ids, seed=SEED + 2, total=60, span_ms=30000, base_ms=minute + 20000, late=0, violations=0,
                           tombstones=0)
        m.start()
        redis = stack.redis.client()
        stack.send((SILENT, at, value) for _, at, value in silent.chunk(30))
        wait_for("the silent partition is counted", lambda: counted(redis) >= 30, 60)
        reader = Reader(config, g.base - DAY, g.base + 7 * DAY)
        stack.send(elsewhere(g.records(N // 2)))  # three days: the first can be rolled up
        wait_for("panes are rolled up", lambda: redis.zcard("kdrift:rolls:payments") > 2, 120)
        wait_for("the silent partition's pane is rolled up",
                 lambda: redis.zscore("kdrift:idx:payments", str(minute)) is None, 60)
        stack.settled(120)
        before = counted(redis)
        stack.send((SILENT, at, value) for _, at, value in silent.chunk(30))
        wait_for("its records are counted", lambda: counted(redis) >= before + 30, 60)
        s.equal("its worker was fenced: what it had written was gone", m.log().count("a segment of it was rolled up"), 1)
        reader.stop()
        s.check(f"{reader.reads} reads of all of it while it was rolled up, none in vain",
                reader.reads > 5 and not reader.failures, reader.failures[:3])
        feed = s.add(Feed(stack, g, rate=1500, most=N - N // 2))

        faults = ["monitor"] * KILLS + ["redis"] * 2 + ["rollback"] * 2
        r.shuffle(faults)
        for fault in faults:
            stack.produce(old, 300)
            time.sleep(r.uniform(0.3, 2))  # a random moment is what is tested here
            if fault == "monitor":
                m.kill()
                m.start()
            elif fault == "redis":
                stack.redis.kill()
                stack.redis.start()
            else:
                stack.redis.roll_back(lambda: counts_on(stack.redis, "the copy", r.randrange(1, 300),
                                                        feed=lambda: stack.produce(old, 300)))
            # The feed may have come to its end.
            counts_on(stack.redis, fault, feed=lambda: stack.produce(old, 100))
        redis = stack.redis.client()
        feed.join(300)
        end = stack.end()
        wait_for("every record is counted", lambda: counted(redis) >= end, 180)
        wait_for("the fourth day is rolled up, but for its end",
                 lambda: redis.zcard("kdrift:rolls:payments") > 90, 180)
        s.equal("nothing is counted beyond the end", counted(redis), end)
        o = stack.oracle()
        interval = o.interval(60000)
        wrong = compare(stats(config, "payments", *interval), o.stats(*interval), rank_error=0.01)
        s.check(f"stats equal the oracle on {len(o.event)} records", not wrong, f"{len(wrong)}: {wrong[:8]}")
        # A day that begins within a day, of a stream that looks at whole ones: what was rolled up is read whole.
        daily = stack.configure(name="daily", streams=[{**stack.stream, "window": "1d", "slide": "1d"}])
        nine = (g.base // DAY + 1) * DAY + DAY * 9 // 24
        code, _, err = kdrift("stats", "--config", daily, "--stream", "payments", "--from", str(nine), "--to", str(nine + DAY),
                              "--fail-on", "records<1,amount:p50<-1e18,amount:missing_ratio>0.999")
        s.check("a gate reads what was rolled up", code == 0, err)
        s.say(f"intervals: {redis.zcard('kdrift:idx:payments')} of a pane, "
              f"{redis.zcard('kdrift:rolls:payments')} rolled up; fenced by it: {m.log().count('was rolled up')}")
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)


main()
