# SPDX-License-Identifier: Apache-2.0
"""How long from a record that breaks something to the page at its receiver: p50 and p99 over many streams,
each with an incident of its own.

BENCH_INCIDENTS (60)
"""
import os
import random
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from lib.monitor import Monitor  # noqa: E402
from lib.receiver import Receiver, receivers_file  # noqa: E402
from lib.stack import Stack  # noqa: E402
from lib.suite import Suite, wait_for  # noqa: E402

INCIDENTS = int(os.environ.get("BENCH_INCIDENTS", "60"))
RULE = {"alert": "Violations", "stream": "*", "measure": "violation_ratio", "above": 0.01, "over": "5m",
        "min_records": 10}


def main():
    with Suite("latency") as s:
        stack = Stack(s)
        topics = [stack.kafka.topic(f"t{i}", 1) for i in range(INCIDENTS)]
        receiver = s.add(Receiver())
        streams = [{"name": t, "topic": t, "role": "features"} for t in topics]
        config = stack.configure(streams, rules={"immediate": [RULE]}, receivers=receivers_file(receiver))
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        wait_for("every partition is claimed", lambda: m.log().count(": claimed, counting") >= INCIDENTS, 60)
        producer = stack.kafka.producer(linger_ms=0)
        r, taken = random.Random(1), []
        for topic in topics:
            time.sleep(r.uniform(0, 1))                      # anywhere between two checkpoints
            for _ in range(10):
                producer.produce(topic, b"garbage")
            began = time.time()                              # the tenth makes the condition true
            producer.flush(10)
            wait_for(f"the page of {topic}", lambda: receiver.pages(stream=topic), 30, 0.002)
            at = next(q["at"] for q in receiver.requests if q["data"].get("stream") == topic)
            taken.append(at - began)
        p50, p99 = np.percentile(taken, [50, 99])
        print(f"page latency over {len(taken)} incidents: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, "
              f"worst {max(taken) * 1000:.0f} ms")
        m.stop()


main()
