# SPDX-License-Identifier: Apache-2.0
"""Killing everything: the monitor 20 times (each only after that life has counted something), Redis 5
times, Redis rolled back 3 times to a copy taken seconds earlier, and once replaced by a replica whose link
had been cut. All counts still equal the oracle's.

E2E_KILLS: how many monitor kills (20). E2E_RECORDS: how many records at least (1000000).
"""
import os
import random
import time

from lib.generate import Generator
from lib.monitor import Monitor, counted, counts_on, stats
from lib.oracle import compare
from lib.servers import Proxy, Redis
from lib.stack import Feed, Stack
from lib.suite import Suite, wait_for

KILLS = int(os.environ.get("E2E_KILLS", "20"))
LOST = 9000  # records at most that a Redis which comes back lacks: three seconds of them
N = int(os.environ.get("E2E_RECORDS", "1000000"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))


def main():
    with Suite("kills") as s:
        s.say(f"SEED={SEED}")
        r = random.Random(SEED)
        stack = Stack(s)
        proxy = s.add(Proxy(stack.redis.port))
        config = stack.configure(redis_url=f"redis://127.0.0.1:{proxy.port}/0", checkpoint_interval="300ms",
                                 kafka={"session.timeout.ms": "2000", "heartbeat.interval.ms": "300"})
        m = Monitor(config, os.path.join(s.tmp, "kdrift.log"))
        s.add(m)
        g = Generator(stack.ids, seed=SEED, total=max(N, 1000000))
        feed = s.add(Feed(stack, g, rate=3000))

        # The faults, in a random order; the monitor's own kills are mixed with those of Redis.
        faults = ["monitor"] * KILLS + ["redis"] * 5 + ["rollback"] * 3 + ["replica"]
        r.shuffle(faults)
        done = {}
        m.start()
        counts_on(stack.redis, "the start")
        for fault in faults:
            pause(r.uniform(0.1, 1.2))
            if fault == "monitor":
                counts_on(stack.redis, "the last fault")
                m.kill()
                m.start()
            elif fault == "redis":
                stack.redis.kill()
                pause(r.uniform(0, 1))
                stack.redis.start()
            elif fault == "rollback":
                stack.redis.roll_back(lambda: counts_on(stack.redis, "the copy", r.randrange(1, LOST)))
            else:
                replace_by_replica(s, stack, proxy, r)
            counts_on(stack.redis, fault)
            done[fault] = done.get(fault, 0) + 1
        s.equal("faults that came to pass", done, {"monitor": KILLS, "redis": 5, "rollback": 3, "replica": 1})

        feed.stop()
        left = max(0, N - feed.sent)
        stack.produce(g, left)
        end, redis = stack.end(), stack.redis.client()
        wait_for("every record is counted", lambda: counted(redis) >= end, 180)
        s.equal("nothing is counted beyond the end", counted(redis), end)
        o = stack.oracle()
        interval = o.interval(60000)
        wrong = compare(stats(config, "payments", *interval), o.stats(*interval), rank_error=0.01)
        s.check(f"stats equal the oracle on {len(o.event)} records", not wrong, f"{len(wrong)}: {wrong[:8]}")
        s.check("the log says that claims were fenced or taken again", "claim" in m.log(), "no word of a claim")
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)


def pause(seconds):
    """A random moment is what is tested here, not a wait for something."""
    time.sleep(seconds)


def replace_by_replica(s, stack, proxy, r):
    """A failover to a replica that lags: its link was cut, so it lacks the last seconds."""
    old = stack.redis
    replica = s.add(Redis(s.tmp, name="replica"))
    c = replica.client()
    c.execute_command("REPLICAOF", "127.0.0.1", str(old.port))
    wait_for("the replica is in step", lambda: c.info("replication")["master_link_status"] == "up")
    c.execute_command("REPLICAOF", "127.0.0.1", "1")
    counts_on(old, "the cut", r.randrange(1, LOST))
    old.kill()
    c.execute_command("REPLICAOF", "NO", "ONE")
    stack.redis = replica
    proxy.retarget(replica.port)


main()
