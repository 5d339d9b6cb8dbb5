# SPDX-License-Identifier: Apache-2.0
"""A worker stopped with SIGSTOP past its session time-out and then continued changes nothing, and says so."""
import os
import signal
import time

from lib.generate import Generator
from lib.monitor import Monitor, counted, stats
from lib.oracle import compare
from lib.stack import Feed, Stack
from lib.suite import Suite, free_port, wait_for

TIMES = 3


def main():
    with Suite("zombie") as s:
        stack = Stack(s)
        config = stack.configure(workers=1, checkpoint_interval="500ms", kafka={"session.timeout.ms": "2000"})
        a, b = (s.add(Monitor(config, os.path.join(s.tmp, f"{n}.log"), listen=f"127.0.0.1:{free_port()}"))
                for n in ("a", "b"))
        feed = s.add(Feed(stack, Generator(stack.ids, seed=5, total=200000), rate=4000))
        redis = stack.redis.client()
        a.start().wait_up()
        b.start().wait_up()

        def nonces():
            return {k: redis.hget(k, "nonce") for k in redis.scan_iter(b"kdrift:part:*")}

        def both_count():
            return a.total("kdrift_records_total") > 0 and b.total("kdrift_records_total") > 0
        wait_for("both processes count", both_count, 40)

        def steady(held={}):
            """No claim was taken for longer than a session and a rebalance last: each has its share."""
            now, t = nonces(), time.monotonic()
            if now != held.get("nonces"):
                held.update(nonces=now, since=t)
            return t - held["since"] > 4
        fenced = 0
        for i in range(TIMES):
            wait_for("the group is at rest", steady, 60)
            before = nonces()
            a.process.signal(signal.SIGSTOP)

            def taken_over():
                now = nonces()
                return sum(now[k] != n for k, n in before.items()) > 0 and progress(redis, before)
            wait_for("the other takes the stopped one's partitions over", taken_over, 40)
            reached = counted(redis)
            wait_for("the other goes on", lambda: counted(redis) > reached + 2000, 40)
            a.process.signal(signal.SIGCONT)
            wait_for("the continued one is fenced", lambda: a.total("kdrift_claims_fenced_total") > fenced, 40)
            fenced = a.total("kdrift_claims_fenced_total")
            was = a.total("kdrift_records_total")
            wait_for("the continued one counts again", lambda: a.total("kdrift_records_total") > was, 60)
        s.check("the continued worker was fenced", fenced >= TIMES, f"{fenced} times")
        s.check("and says so", "fenced" in a.log().lower(), a.log()[-500:])
        feed.stop()
        end = stack.end()
        wait_for("every record is counted", lambda: counted(redis) >= end, 60)
        o = stack.oracle()
        interval = o.interval(60000)
        wrong = compare(stats(config, "payments", *interval), o.stats(*interval), rank_error=0.01)
        s.check(f"stats equal the oracle on {len(o.event)} records", not wrong, f"{len(wrong)}: {wrong[:8]}")
        s.equal("both end with 0", (a.stop(), b.stop()), (0, 0))


def progress(redis, before):
    """Every partition of `before` has an owner that writes: its beat moves."""
    beats = {k: redis.hget(k, "beat") for k in before}
    return all(beats.values())


main()
