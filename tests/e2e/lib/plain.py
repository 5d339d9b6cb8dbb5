# SPDX-License-Identifier: Apache-2.0
"""Plain JSON records, for which no registry is asked, and the files of baselines."""
import json

from .monitor import counted
from .suite import wait_for

MINUTE, HOUR, DAY = 60000, 3600000, 86400000
NO_REGISTRY = ["http://127.0.0.1:1"]


def produce(kafka, topic, records, partitions=2):
    producer = kafka.producer()
    for i, r in enumerate(records):
        while True:
            try:
                producer.produce(topic, json.dumps(r).encode(), partition=i % partitions, timestamp=r["ts"])
                break
            except BufferError:
                producer.poll(0.05)
    producer.flush(60)
    return len(records)


def settled(kafka, redis, topics, prefix="kdrift"):
    end = sum(sum(kafka.ends(t).values()) for t in topics)
    wait_for("every record is counted", lambda: counted(redis.client(), prefix.encode()) >= end, 60)


def field(baseline, path):
    return next(f for f in baseline["fields"] if f["path"] == path)


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def scores(r, begin, minutes, per_minute, version="stable", shift=0.0):
    return [{"ts": begin + i * MINUTE // per_minute, "score": r.gauss(0.5 + shift, 0.1), "version": version}
            for i in range(minutes * per_minute)]
