# SPDX-License-Identifier: Apache-2.0
"""Records that Kafka deletes before they are read: told and counted as lost, what is left counted once, and the
windows that they would be in unknown, across a kill, until a window is whole again."""
import datetime
import json
import os
import time

from lib.generate import Generator
from lib.monitor import Monitor, stats
from lib.oracle import compare
from lib.receiver import Receiver, receivers_file
from lib.stack import Stack
from lib.suite import Suite, wait_for

MINUTE = 60000
PER_MINUTE = 200                               # evenly over 4 partitions
PER_PARTITION = PER_MINUTE // 4


def minutes(g, begin, first, last):
    for i in range((last - first) * PER_MINUTE):
        at = begin + first * MINUTE + i * MINUTE // PER_MINUTE
        yield i % 4, at, g.encode("v1", g.record(at))


def delete(kafka, topic, before):
    from confluent_kafka import TopicPartition
    for future in kafka.admin.delete_records([TopicPartition(topic, p, o) for p, o in before.items()]).values():
        future.result(30)


def main():
    with Suite("lost") as s:
        stack = Stack(s)
        receiver = s.add(Receiver())
        # Of 1000 records a window; what is left of the windows in the hole is fewer.
        rules = {"immediate": [
            {"alert": "Volume", "stream": "*", "measure": "records", "below": 900},
            {"alert": "Violations", "stream": "*", "measure": "violation_ratio", "above": 0.5, "min_records": 10}]}
        config = stack.configure([{**stack.stream, "window": "5m"}], rules=rules, receivers=receivers_file(receiver),
                                 checkpoint_interval="200ms")
        # Minutes 0 to 10 are counted; of 10 to 15 three partitions lose theirs; 15 is about now.
        begin = int(time.time() * 1000) // MINUTE * MINUTE - 15 * MINUTE
        g = Generator(stack.ids, seed=6)
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log")))

        def stream():
            found = m.status().get("streams", [])
            return found[0] if found else {}

        def judged(minute):
            """The stream once the window that ends at the minute is judged."""
            def there():
                st = stream()
                end = ((st.get("window") or {}).get("to") or "1970-01-01T00:00:00Z").replace("Z", "+00:00")
                return st if datetime.datetime.fromisoformat(end).timestamp() * 1000 == begin + minute * MINUTE else None
            st = wait_for(f"minute {minute} is judged", there, 40)
            return st, {r["rule"]: (r["reading"], r["state"]) for r in st["readings"]}

        def flow(first, last):
            """As producers do: no partition is minutes ahead of one that stands at its end."""
            for minute in range(first, last):
                stack.send(minutes(g, begin, minute, minute + 1))
                stack.settled()

        lost = {"Volume": ("records_lost", "unknown"), "Violations": ("records_lost", "unknown")}
        known = {"Volume": ("known", "ok"), "Violations": ("known", "ok")}
        m.start().wait_up()
        redis = stack.redis.client()
        wait_for("the partitions are claimed", lambda: len(list(redis.scan_iter(b"kdrift:part:*"))) == 4)
        flow(0, 10)
        s.equal("windows before are known", judged(9)[1], known)
        s.equal("it ends with 0", m.stop(), 0)
        o = stack.oracle()

        head, gone = 10 * PER_PARTITION, 15 * PER_PARTITION
        stack.send(minutes(g, begin, 10, 15))
        delete(stack.kafka, stack.topic, {0: gone, 1: gone, 2: gone, 3: head})
        m.start().wait_up()
        stack.settled()
        st, readings = judged(14)
        s.equal("windows that touch the hole are unknown", readings, lost)
        s.equal("and so is the stream", st["state"], "unknown")
        s.equal("what is lost is counted", st["records_lost"], 3 * (gone - head))
        events = [json.loads(e.split(b" ", 1)[1]) for e in redis.zrange("kdrift:journal", 0, -1)]
        s.equal("each gap is told with its range",
                sorted((e["partition"], e["from"], e["to"]) for e in events if e["type"] == "gap"),
                [(p, head, gone) for p in range(3)])
        m.kill()
        stack.send(minutes(g, begin, 15, 17))
        m.start().wait_up()
        stack.settled()
        st, readings = judged(16)
        s.equal("unknown also after a kill", (st["state"], readings), ("unknown", lost))
        flow(17, 23)
        st, readings = judged(22)
        s.equal("windows past the hole are known", (st["state"], readings), ("healthy", known))
        s.equal("no page told of what is not known", receiver.pages(), [])

        o.read(stack.kafka.bootstrap, stack.topic)
        interval = o.interval(MINUTE)
        wrong = compare(stats(config, "payments", *interval), o.stats(*interval), rank_error=0.01)
        s.check(f"stats equal the oracle on the {len(o.event)} records that were left", not wrong,
                f"{len(wrong)}: {wrong[:8]}")
        s.equal("that is all but what was lost", len(o.event), 23 * PER_MINUTE - 3 * (gone - head))
        m.stop()


main()
