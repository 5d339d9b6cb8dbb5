# SPDX-License-Identifier: Apache-2.0
"""Resident memory of `kdrift run`, collecting and judging, over a stream of many fields with real Kafka, registry and
Redis: 1 h windows that slide by a minute, the shipped rules, a baseline of 6,000 records over 60 hours.

Every fourth field is a text of 20 values, the others doubles, as in evaluate.c. Prints MiB: once it answers, when two
hours of 100 records a minute are counted, which come at BENCH_RATE a second, at the first readings, and each minute of
100 more records after that. RSS is of the whole
process, libraries and librdkafka's queue of fetched records too; *heap* of it what malloc's arenas have touched.

BENCH_FIELDS (1000), BENCH_PARTITIONS (4), BENCH_SLICES (1: none; up to 20, by a text), BENCH_MINUTES (3),
BENCH_RATE (200), BENCH_QUEUE_KB (librdkafka's queued.max.messages.kbytes)
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
from lib.suite import TOP, Suite, wait_for  # noqa: E402

FIELDS = int(os.environ.get("BENCH_FIELDS", "1000"))
MINUTES = int(os.environ.get("BENCH_MINUTES", "3"))
RATE = int(os.environ.get("BENCH_RATE", "200"))
QUEUE = os.environ.get("BENCH_QUEUE_KB")
PARTITIONS = int(os.environ.get("BENCH_PARTITIONS", "4"))
SLICES = int(os.environ.get("BENCH_SLICES", "1"))
MINUTE, HOUR = 60000, 3600000
NAMES = [f"field_{k:04d}" for k in range(FIELDS)]
SCHEMA = {"type": "record", "name": "Wide", "fields":
          [{"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}}] +
          [{"name": n, "type": "string" if k % 4 == 3 else "double"} for k, n in enumerate(NAMES)]}
WORDS = np.array([f"{n:02d}" for n in range(20)], "S2")


def records(schema_id, rng, times):
    """One at each of the times (ms)."""
    shape = [("frame", "u1", (5,)), ("ts", "u1", (6,))]
    for k, name in enumerate(NAMES):
        shape += [(name + "n", "S1"), (name, "S2")] if k % 4 == 3 else [(name, "<f8")]
    for begin in range(0, len(times), 500):
        at = np.array(times[begin:begin + 500], np.uint64)
        a = np.zeros(len(at), np.dtype(shape))
        a["frame"] = np.frombuffer(struct.pack(">bi", 0, schema_id), np.uint8)
        for i in range(6):
            low = (at * np.uint64(2) >> np.uint64(7 * i)) & np.uint64(0x7f)
            a["ts"][:, i] = low | np.uint64(0x80 if i < 5 else 0)
        for k, name in enumerate(NAMES):
            if k % 4 == 3:
                a[name + "n"] = b"\x04"
                a[name] = WORDS[(rng.random(len(at)) * rng.random(len(at)) * 20).astype(int)]
                if k == 3 and SLICES > 1:
                    a[name] = WORDS[np.arange(begin, begin + len(at)) // PARTITIONS % SLICES]
            else:
                x = rng.normal(size=len(at))
                a[name] = np.exp(x) if k % 2 else x
        for i, t in enumerate(at.tolist()):
            yield (begin + i) % PARTITIONS, t, a[i].tobytes()


def memory(m):
    """-> MiB of (RSS, its peak, heap)"""
    got, heap, mine = {}, 0, False
    with open(f"/proc/{m.process.pid}/status", encoding="ascii") as f:
        for line in f:
            key, _, value = line.partition(":")
            got[key] = value
    with open(f"/proc/{m.process.pid}/smaps", encoding="ascii") as f:
        for line in f:
            if not line.split()[0].endswith(":"):
                mine = line.rstrip().endswith("[heap]") or len(line.split()) == 5    # anonymous: arenas, and stacks
            elif line.startswith("Rss:") and mine:
                heap += int(line.split()[1])
    return tuple(int(got[k].split()[0]) / 1024 for k in ("VmRSS", "VmHWM")) + (heap / 1024,)


def say(what, m):
    print("{:44} {:8.1f} {:8.1f} {:8.1f}".format(what, *memory(m)), flush=True)


def main():
    with Suite("memory") as s:
        stack = Stack(s)
        past = stack.kafka.topic("past", PARTITIONS)    # the baseline's records: `run` does not read them
        stack.topic = stack.kafka.topic("wide", PARTITIONS)
        stack.registry.register("past-value", SCHEMA)
        schema_id, rng = stack.registry.register("wide-value", SCHEMA), np.random.default_rng(1)
        now = int(time.time() * 1000) // MINUTE * MINUTE
        begin = now - 2 * HOUR
        produce(stack.kafka.producer(), past, records(schema_id, rng, list(range(begin - 60 * HOUR, begin, 36000))))
        base = {"name": "wide", "topic": "wide", "role": "features", "owner": "bench", "event_time": "ts",
                "window": "1h", "slide": "1m", "lateness": "30s"}
        path = os.path.join(s.tmp, "baseline.json")
        config = stack.configure([{**base, "topic": past}], name="frozen")
        code, _, err = kdrift("baseline", "--config", config, "--stream", "wide", "--out", path,
                              "--from", str(begin - 60 * HOUR), "--to", str(begin), seconds=300)
        assert code == 0, err
        if SLICES > 1:
            base["slice_by"] = NAMES[3]
        print(f"{FIELDS} fields, {PARTITIONS} partitions, {SLICES} slices; baseline file {os.path.getsize(path) / 2**20:.0f} MiB", flush=True)
        more = {"kafka": {"queued.max.messages.kbytes": QUEUE}} if QUEUE else {}
        config = stack.configure([{**base, "baseline": path}], alerts=os.path.join(TOP, "alerts"), **more)
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log")).start().wait_up(120))
        print(f"{'MiB':44} {'RSS':>8} {'peak':>8} {'heap':>8}")
        say("answers on HTTP", m)
        produce(stack.kafka.producer(), stack.topic, records(schema_id, rng, list(range(begin, now, 600))), RATE)
        stack.settled(300)
        say("all is counted", m)

        wait_for("the first readings", lambda: m.total("kdrift_measure"), 300, 5)
        say("the first readings", m)
        for i in range(MINUTES):
            until, at = time.monotonic() + 60, int(time.time() * 1000)
            stack.send(records(schema_id, rng, list(range(at - MINUTE, at, 600))))
            wait_for("a minute", lambda t=until: time.monotonic() > t, 90, 0.5)
            say(f"minute {i + 1}", m)
        m.stop()


main()
