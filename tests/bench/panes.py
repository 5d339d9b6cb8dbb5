# SPDX-License-Identifier: Apache-2.0
"""What panes take in Redis, by its MEMORY USAGE: panes of a minute of 1,000 records each, counted by `kdrift run` on the
grids of a baseline (256 cuts) from real Kafka, and how that grows with fields, partitions and slices.

Every fourth field is a text of 20 values, the others doubles, as in memory.py. *key* is a slice of one minute's hash,
with all its partitions. The means are over the fields and panes of a row.
"""
import os
import struct
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from lib.generate import produce  # noqa: E402
from lib.monitor import Monitor, kdrift  # noqa: E402
from lib.stack import Stack  # noqa: E402
from lib.suite import Suite  # noqa: E402

# fields, partitions, slices
ROWS = [(10, 1, 1), (100, 1, 1), (1000, 1, 1), (100, 12, 1), (100, 1, 10), (100, 1, 100)]
RECORDS, MINUTE = 1000, 60000
WORDS = np.array([f"{n:02d}" for n in range(20)], "S2")


def schema(fields):
    return {"type": "record", "name": "Wide", "fields":
            [{"name": "slice", "type": "string"}] +
            [{"name": f"field_{k:04d}", "type": "string" if k % 4 == 3 else "double"} for k in range(fields)]}


def records(schema_id, rng, fields, partitions, slices, begin):
    """RECORDS of each slice in each partition, all within the minute."""
    shape = [("frame", "S5"), ("n", "S1"), ("slice", "S3")]
    for k in range(fields):
        shape += [(f"n{k}", "S1"), (f"f{k}", "S2")] if k % 4 == 3 else [(f"f{k}", "<f8")]
    for p in range(partitions):
        for s in range(slices):
            a = np.zeros(RECORDS, np.dtype([(n, "u1", (5,)) if n == "frame" else (n, t) for n, t in shape]))
            a["frame"] = np.frombuffer(struct.pack(">bi", 0, schema_id), np.uint8)
            a["n"], a["slice"] = b"\x06", b"%03d" % s
            for k in range(fields):
                if k % 4 == 3:
                    a[f"n{k}"] = b"\x04"
                    a[f"f{k}"] = WORDS[(rng.random(RECORDS) * rng.random(RECORDS) * 20).astype(int)]
                else:
                    x = rng.normal(size=RECORDS)
                    a[f"f{k}"] = np.exp(x) if k % 2 else x
            for i in range(RECORDS):
                yield p, begin + i * (MINUTE // RECORDS), a[i].tobytes()


def measure(s, stack, fields, partitions, slices):
    name = f"w-{fields}-{partitions}-{slices}"
    rng, begin = np.random.default_rng(1), int(time.time() * 1000) // MINUTE * MINUTE - 10 * MINUTE
    past, stack.topic = stack.kafka.topic(name + "-past", 1), stack.kafka.topic(name, partitions)
    for topic in (past, stack.topic):
        schema_id = stack.registry.register(topic + "-value", schema(fields))
    base = {"name": name, "topic": stack.topic, "role": "features", "owner": "bench", "window": "1m", "slide": "1m",
            "fields": {} if slices > 1 else {"slice": {"ignore": True}}}
    path = os.path.join(s.tmp, name + ".json")
    hours = [begin - 3600000 * h for h in (4, 3, 2)]
    for at in hours:
        produce(stack.kafka.producer(), past, records(schema_id, rng, fields, 1, 1, at))
    config = stack.configure([{**base, "topic": past}], name=name + "-past")
    code, _, err = kdrift("baseline", "--config", config, "--stream", name, "--out", path, "--from", str(hours[0]),
                          "--to", str(begin), seconds=120)
    assert code == 0, err
    if slices > 1:
        base["slice_by"], base["max_slices"] = ["slice"], slices
    config = stack.configure([{**base, "baseline": path}], name=name, kafka={"group.id": name}, redis={"prefix": name})
    m = s.add(Monitor(config, os.path.join(s.tmp, name + ".log")).start().wait_up(60))
    stack.send(records(schema_id, rng, fields, partitions, slices, begin))
    stack.settled(120, prefix=name.encode())
    redis = stack.redis.client()
    keys = [k for k in redis.scan_iter(name.encode() + b":seg:*")]
    panes = [v for k in keys for v in redis.hvals(k)]
    used = sum(redis.memory_usage(k, samples=0) for k in keys)
    fields += slices > 1    # the slice's name is one, then
    assert len(panes) == partitions * slices, (len(panes), keys[:3])
    print(f"{fields:6} {partitions:10} {slices:6} {len(panes):6} {used / 1024:10.0f} {used / len(panes) / fields:16.1f} "
          f"{sum(map(len, panes)) / len(panes) / fields:16.1f}", flush=True)
    m.stop()


def main():
    with Suite("panes") as s:
        stack = Stack(s)
        print(f"{'fields':>6} {'partitions':>10} {'slices':>6} {'panes':>6} {'Redis, KiB':>10} {'bytes a field':>16} "
              f"{'of them encoded':>16}")
        for row in ROWS:
            measure(s, stack, *row)


main()
