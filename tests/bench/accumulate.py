# SPDX-License-Identifier: Apache-2.0
"""Decode a record of 16 fields and count it, on one core: kdrift beside what is written in Python.

The same framed messages in memory: accumulate.c's worker loop on a baseline's grids of 256 cuts; fastavro with numpy
histograms of 256 bins in batches of 1,000 and a Counter; fastavro with River's sliding windows (mean, variance and
two quantiles of 1,000 values). CPU seconds of one thread each, in turns.
"""
import collections
import io
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time

import fastavro
import numpy

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PROGRAM = os.environ.get("ACCUMULATE", os.path.join(TOP, "build", "tests", "bench", "accumulate"))
NUMBERS = [f"x{i}" for i in range(10)] + ["count", "amount_cents"]
TEXTS = ["country", "method", "channel", "device"]
RECORDS, BATCH, ROUNDS = 50000, 1000, 3


def schema():
    fields = [{"name": n, "type": "double"} for n in NUMBERS[:10]] + [{"name": n, "type": "long"} for n in NUMBERS[10:]]
    return {"type": "record", "name": "Bench", "fields": fields + [{"name": t, "type": "string"} for t in TEXTS]}


def make(rng, parsed):
    out = []
    for _ in range(RECORDS):
        rec = {f"x{i}": rng.gauss(0, 1) if i % 2 else rng.lognormvariate(0, 1) for i in range(10)}
        rec.update(count=rng.randrange(1000), amount_cents=rng.randrange(10**6), country=rng.choice(["DE", "FR", "IT"]),
                   method=rng.choice(["card", "cash", "wire"]), channel=rng.choice(["web", "shop", "app"]),
                   device=rng.choice(["phone", "desk", "pad"]))
        b = io.BytesIO()
        fastavro.schemaless_writer(b, parsed, rec)
        out.append(struct.pack(">bI", 0, 1) + b.getvalue())
    return out


def careful(messages, parsed):
    """fastavro, numpy histograms in batches, a Counter of each text."""
    first = [fastavro.schemaless_reader(io.BytesIO(m[5:]), parsed) for m in messages[:BATCH * 5]]
    edges = {n: numpy.quantile([r[n] for r in first], numpy.linspace(0, 1, 257)) for n in NUMBERS}
    edges = {n: numpy.unique(e) for n, e in edges.items()}
    counts = {n: numpy.zeros(len(e) + 1, dtype=numpy.int64) for n, e in edges.items()}
    sums, squares = dict.fromkeys(NUMBERS, 0.0), dict.fromkeys(NUMBERS, 0.0)
    texts = {t: collections.Counter() for t in TEXTS}
    start = time.process_time()
    for at in range(0, len(messages), BATCH):
        rows = [fastavro.schemaless_reader(io.BytesIO(m[5:]), parsed) for m in messages[at:at + BATCH]]
        for n in NUMBERS:
            x = numpy.array([r[n] for r in rows], dtype=float)
            counts[n] += numpy.bincount(numpy.searchsorted(edges[n], x, side="right"), minlength=len(counts[n]))
            sums[n] += x.sum()
            squares[n] += numpy.dot(x, x)
        for t in TEXTS:
            texts[t].update(r[t] for r in rows)
    return len(messages) / (time.process_time() - start)


def river_windows(messages, parsed):
    from river import stats, utils  # pylint: disable=import-outside-toplevel
    rolling = {n: (utils.Rolling(stats.Mean(), 1000), utils.Rolling(stats.Var(), 1000), stats.RollingQuantile(0.5, 1000),
                   stats.RollingQuantile(0.99, 1000)) for n in NUMBERS}
    texts = {t: collections.Counter() for t in TEXTS}
    start = time.process_time()
    for m in messages:
        r = fastavro.schemaless_reader(io.BytesIO(m[5:]), parsed)
        for n in NUMBERS:
            for s in rolling[n]:
                s.update(r[n])
        for t in TEXTS:
            texts[t][r[t]] += 1
    return len(messages) / (time.process_time() - start)


def main():
    rng, parsed = random.Random(7), fastavro.parse_schema(schema())
    messages = make(rng, parsed)
    ours, theirs, windows = [], [], []
    with tempfile.TemporaryDirectory() as tmp:
        with open(os.path.join(tmp, "schema.avsc"), "w", encoding="utf-8") as f:
            json.dump(schema(), f)
        with open(os.path.join(tmp, "records"), "wb") as f:
            for m in messages:
                f.write(struct.pack("<I", len(m)) + m)
        for _ in range(ROUNDS):
            said = subprocess.run([PROGRAM, f.name.replace("records", "schema.avsc"), f.name, "2"], check=True,
                                  capture_output=True, text=True).stdout.split()
            ours.append(int(said[0]) / float(said[1]))
            theirs.append(careful(messages, parsed))
            try:
                windows.append(river_windows(messages[:10000], parsed))
            except ImportError:
                print("River is not installed: its windows are left out", file=sys.stderr)
    mid = sorted(ours)[ROUNDS // 2]
    print(f"{RECORDS} records of {len(messages[0])} bytes, 12 numbers and 4 texts, {ROUNDS} rounds in turns, medians")
    print(f"kdrift: decode, validate, panes, checkpoints   {mid:12,.0f} records/s a core, {1e9 / mid:6.0f} ns a record, "
          f"{1e9 / mid / 16:5.1f} ns a field")
    for name, rates in (("fastavro, numpy histograms in batches of 1,000", theirs), ("fastavro, River's sliding windows", windows)):
        if rates:
            their = sorted(rates)[len(rates) // 2]
            print(f"{name:46} {their:12,.0f} records/s a core: kdrift does {mid / their:.1f} times as many")


main()
