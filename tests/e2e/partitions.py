# SPDX-License-Identifier: Apache-2.0
"""The same records in 1, 3 and 12 partitions, counted by 1 and 4 workers and by two processes, with kills in between:
`kdrift stats --json` over any range is the same text, to the byte.

E2E_RECORDS: how many records (200000). SEED.
"""
import json
import os
import random
import time

from lib import generate, workload
from lib.generate import Generator
from lib.monitor import Monitor, configure, counted, kdrift
from lib.oracle import compare
from lib.stack import Stack
from lib.suite import Suite, free_port, wait_for

N = int(os.environ.get("E2E_RECORDS", "200000"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
# (name, partitions, workers, processes, kills)
RUNS = [("plain", 1, 1, 1, 0), ("three", 3, 4, 1, 2), ("twelve", 12, 1, 1, 2), ("twelve-two", 12, 4, 2, 3)]


def fill(s, stack, records, partitions):
    """A topic with the records in turns over its partitions; -> its name."""
    topic = f"payments-{partitions}"
    stack.kafka.topic(topic, partitions=partitions)
    workload.register(stack.registry, topic)
    spread = ((i % partitions, ms, value) for i, (_, ms, value) in enumerate(records))
    s.equal(f"records in {partitions} partitions", generate.produce(stack.kafka.producer(), topic, spread), len(records))
    return topic


def count(s, stack, topic, run, r):
    """Counts the topic under a prefix of its own; -> the configuration's path."""
    name, _, workers, processes, kills = run
    end, redis, prefix = sum(stack.kafka.ends(topic).values()), stack.redis.client(), name.encode()
    # Small steps, so that a kill falls in between.
    config = configure(s.tmp, stack.kafka.bootstrap, [stack.registry.url], stack.redis.url,
                       [workload.stream(topic, s.tmp)], name=name, workers=workers, checkpoint_interval="50ms",
                       redis={"url": stack.redis.url, "prefix": name},
                       kafka={"group.id": f"kdrift-{name}", "max.partition.fetch.bytes": "20000",
                              "fetch.message.max.bytes": "20000", "queued.max.messages.kbytes": "64"})
    monitors = [s.add(Monitor(config, os.path.join(s.tmp, f"{name}-{i}.log"), listen=f"127.0.0.1:{free_port()}"))
                for i in range(processes)]
    for m in monitors:
        m.start()
    amid = 0
    for k in range(kills):
        wait_for(f"{name}: a share is counted", lambda k=k: counted(redis, prefix) >= end * (k + 1) // (kills + 2), 90, 0.005)
        victim = monitors[r.randrange(processes)]
        victim.kill()
        amid += counted(redis, prefix) < end
        victim.start()
    wait_for(f"{name}: every record is counted", lambda: counted(redis, prefix) >= end, 120)
    s.equal(f"{name}: killed in the midst", amid, kills)
    for m in monitors:
        s.equal(f"{name}: SIGTERM drains and exits 0", m.stop(), 0)
    return config


def text(config, begin, end):
    code, out, err = kdrift("stats", "--config", config, "--stream", "payments", "--from", str(begin), "--to", str(end),
                            "--json")
    if code:
        raise AssertionError(f"kdrift stats: exit code {code}: {err.strip()}")
    return out


def main():
    with Suite("partitions") as s:
        s.say(f"SEED={SEED}")
        r = random.Random(SEED)
        stack = Stack(s)
        g = Generator(stack.ids, seed=SEED, total=N, late=0)  # late is told of a partition: it is not the same in three
        records = list(g.records(N))
        topics = {n: fill(s, stack, records, n) for n in sorted({run[1] for run in RUNS})}
        configs = {run[0]: count(s, stack, topics[run[1]], run, r) for run in RUNS}
        stack.topic = topics[1]
        o = stack.oracle()
        begin, end = o.interval(60000)
        ranges = [(begin, end)]
        for _ in range(6):
            at = begin + r.randrange((end - begin) // 60000) * 60000
            ranges.append((at, min(end, at + r.choice([1, 7, 30]) * 60000)))
        want = {i: text(configs["plain"], *i) for i in ranges}
        for name, config in configs.items():
            wrong = [i for i in ranges if text(config, *i) != want[i]]
            s.check(f"{name}: the same bytes over {len(ranges)} ranges", not wrong, f"differs over {wrong[:3]}")
        wrong = compare(json.loads(want[ranges[0]]), o.stats(*ranges[0]), rank_error=0.01)
        s.check(f"which are the oracle's of {len(o.event)} records", not wrong, f"{len(wrong)}: {wrong[:8]}")


main()
