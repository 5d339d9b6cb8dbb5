# SPDX-License-Identifier: Apache-2.0
"""Dead letters, read back by an independent client: every violating record once and no other, byte for byte with
its key, headers and timestamp, though the monitor is killed, frozen and Redis taken back; the limits stop the
copying and page, and outlive a restart; a topic that cannot be written stops no counting.

E2E_FAULTS: how many faults (14).
"""
import json
import os
import random
import signal
import threading
import time

from lib import oracle, workload
from lib.generate import Generator
from lib.monitor import Monitor, counts_on, stats
from lib.receiver import Receiver, receivers_file
from lib.stack import Stack
from lib.suite import Suite, wait_for

FAULTS = int(os.environ.get("E2E_FAULTS", "14"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
OWN = ("kdrift.", "__rule.")
PAGE = {"alert": "DeadLettersStopped", "stream": "*", "measure": "dead_letters_stopped", "above": 0}


def all_visible(bootstrap, topic, seconds=40):
    """Waits until no open transaction of a killed monitor holds letters back."""
    from confluent_kafka import Consumer, TopicPartition
    ends = []
    consumers = [Consumer({"bootstrap.servers": bootstrap, "group.id": "ends", "isolation.level": level, "log_level": 0})
                 for level in ("read_committed", "read_uncommitted")]
    parts = consumers[0].list_topics(topic, timeout=10).topics[topic].partitions

    def same():
        ends[:] = [[c.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in parts] for c in consumers]
        return ends[0] == ends[1]
    wait_for("every letter is visible", same, seconds, 0.5)
    for c in consumers:
        c.close()


def read(bootstrap, topic, isolation="read_committed"):
    """Every message of the topic, in the order of each partition."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
    c = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False,
                  "enable.partition.eof": True, "isolation.level": isolation, "log_level": 0})
    parts = c.list_topics(topic, timeout=10).topics[topic].partitions
    c.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in parts])
    ends, out = 0, []
    while ends < len(parts):
        for m in c.consume(10000, 1.0):
            if m.error() is None:
                out.append(m)
            elif m.error().code() == KafkaError._PARTITION_EOF:
                ends += 1
            else:
                raise AssertionError(str(m.error()))
    c.close()
    return out


def own(letter):
    """The headers that kdrift has added, as text."""
    return {k: v.decode() for k, v in letter.headers() if k.startswith(OWN)}


def theirs(message):
    return [(k, v) for k, v in message.headers() or [] if not k.startswith(OWN)]


def source(letter):
    h = own(letter)
    return h["kdrift.topic"], int(h["kdrift.partition"]), int(h["kdrift.offset"])


def judged(stack, messages):
    """{(topic, partition, offset): the kinds of its breaches} of the violating ones, and the oracle."""
    o = stack.oracle_of()
    bad = {}
    for m in messages:
        at, n = len(o.event), len(o.breaches)
        o.add(m.partition(), m.timestamp()[1], m.value())
        if len(o.event) > at and len(o.breaches) > n:
            bad[m.topic(), m.partition(), m.offset()] = [kind for _, kind in o.breaches[n:]]
    return bad, o


class Letters(Stack):
    def oracle_of(self):
        return oracle.Oracle(self.stream, {self.ids[n]: s for n, s in workload.SCHEMAS.items()},
                             [self.ids[n] for n in workload.SCHEMAS], workload.CONTRACT, known=self.ids.values())


def send(stack, records, r, rate=None, stop=None):
    """With keys and headers of every kind, those that kdrift itself writes among them."""
    producer, sent, began = stack.kafka.producer(), 0, time.monotonic()
    for partition, kafka_ms, value in records:
        key = [None, b"", b"key-%d" % (sent % 7), bytes(r.randrange(256) for _ in range(9))][r.randrange(4)]
        headers = [[], [("trace", b"\x00\xff")], [("a", b"1"), ("a", b"2"), ("b", None), ("c", b"")],
                   [("x", b"y" * 300)]][r.randrange(4)]
        while True:
            try:
                producer.produce(stack.topic, value, key=key, headers=headers, partition=partition, timestamp=kafka_ms)
                break
            except BufferError:
                producer.poll(0.05)
        sent += 1
        producer.poll(0)
        if rate and sent % 20 == 0:
            producer.poll(max(0, sent / rate - (time.monotonic() - began)))
        if stop is not None and stop.is_set():
            break
    producer.flush(60)
    return sent


def check_letters(s, stack, config, letters_topic, partitions, when):
    records = read(stack.kafka.bootstrap, stack.topic)
    by_place = {(m.topic(), m.partition(), m.offset()): m for m in records}
    bad, o = judged(stack, records)
    all_visible(stack.kafka.bootstrap, letters_topic)
    letters = read(stack.kafka.bootstrap, letters_topic)
    all_of = read(stack.kafka.bootstrap, letters_topic, "read_uncommitted")
    s.say(f"{len(records)} records, {len(bad)} violating, {len(letters)} letters, {len(all_of) - len(letters)} undone")
    times = {}
    for m in letters:
        times[source(m)] = times.get(source(m), 0) + 1
    twice = {k: n for k, n in times.items() if n > 1}
    s.check(f"no record has two letters {when}", not twice, f"{len(twice)} of {len(times)}: {list(twice.items())[:5]}")
    missing, extra = set(bad) - set(times), set(times) - set(bad)
    s.check(f"every violating record has one {when}", not missing, f"{len(missing)}: {sorted(missing)[:5]}")
    s.check(f"and no other has {when}", not extra, f"{len(extra)}: {sorted(extra)[:5]}")

    def wrong(what, differs):
        found = [source(m) for m in letters if source(m) in by_place and differs(m, by_place[source(m)])]
        s.check(f"{what} {when}", not found, f"{len(found)}: {found[:5]}")
    wrong("values are byte-identical", lambda m, was: m.value() != was.value())
    wrong("keys are, null and empty told apart", lambda m, was: m.key() != was.key())
    wrong("headers stand first, in order, null and empty told apart",
          lambda m, was: m.headers()[:len(was.headers() or [])] != (was.headers() or []) or theirs(m) != theirs(was))
    wrong("timestamps are the records'", lambda m, was: m.timestamp()[1] != was.timestamp()[1])
    wrong("they lie in the partition of the record's number", lambda m, was: m.partition() != was.partition() % partitions)
    wrong("kinds are the oracle's", lambda m, was: sorted(
        v["kind"] for v in json.loads(own(m)["kdrift.violations"])) != sorted(bad.get(source(m), [])))
    wrong("the first names the reason", lambda m, was: own(m)["kdrift.kind"] != json.loads(
        own(m)["kdrift.violations"])[0]["kind"] or not own(m)["kdrift.reason"])
    wrong("the words of Confluent's action stand beside", lambda m, was: (
        own(m)["__rule.name"], own(m)["__rule.mode"], own(m)["__rule.topic"], own(m)["__rule.exception"],
        own(m)["__rule.subject"]) != (own(m).get("kdrift.rule", own(m)["kdrift.kind"]), "READ", stack.topic,
                                      own(m)["kdrift.reason"], f"{stack.topic}-value"))
    wrong("stream and schema id are told", lambda m, was: own(m)["kdrift.stream"] != "payments" or (
        was.value()[:1] == b"\0" and len(was.value()) > 4) != ("kdrift.schema_id" in own(m)))
    wrong("the schema id is the record's", lambda m, was: "kdrift.schema_id" in own(m) and was.value()[:1] == b"\0" and
          int(own(m)["kdrift.schema_id"]) != int.from_bytes(was.value()[1:5], "big"))
    places = {}
    for m in letters:
        places.setdefault(source(m)[1], []).append(source(m)[2])
    s.check(f"letters of a partition keep its order {when}", all(p == sorted(p) for p in places.values()))
    interval = o.interval(60000)
    differ = oracle.compare(stats(config, "payments", *interval), o.stats(*interval), rank_error=0.01)
    s.check(f"counts equal the oracle {when}", not differ, f"{len(differ)}: {differ[:6]}")


def once(s, stack):
    """Two monitors, of which one is killed or frozen at random; Redis killed and taken back."""
    r = random.Random(SEED)
    topic = stack.kafka.topic("payments.invalid", 3)
    stream = {**stack.stream, "dead_letter": {"topic": topic, "max_ratio": 1, "max_consecutive": 0}}
    monitors = []
    for name in ("one", "two"):
        config = stack.configure([stream], name=name, checkpoint_interval="300ms", workers=1,
                                 kafka={"session.timeout.ms": "2000", "heartbeat.interval.ms": "300"})
        monitors.append(s.add(Monitor(config, os.path.join(s.tmp, f"{name}.log"))).start())
    g, ending = Generator(stack.ids, seed=SEED, total=1000000, violations=0.1), threading.Event()
    feed = threading.Thread(target=send, args=(stack, g.records(10**9), random.Random(SEED), 600, ending), daemon=True)
    feed.start()

    counts_on(stack.redis, "the start", seconds=90)
    faults = (["kill", "kill", "freeze", "kill", "rollback", "kill", "redis"] * FAULTS)[:FAULTS]
    r.shuffle(faults)
    for fault in faults:
        time.sleep(r.uniform(0.2, 1.5))                       # a random moment is what is tested
        m = r.choice(monitors)
        if fault == "kill":
            m.kill()
            m.start()
        elif fault == "freeze":
            m.process.signal(signal.SIGSTOP)
            time.sleep(r.uniform(2.5, 5))                     # past its session: it wakes up a zombie
            m.process.signal(signal.SIGCONT)
        elif fault == "redis":
            stack.redis.kill()
            stack.redis.start()
        else:
            stack.redis.roll_back(lambda: counts_on(stack.redis, "the copy", r.randrange(1, 1500), 90))
        counts_on(stack.redis, fault, seconds=90)
    ending.set()
    feed.join(60)
    stack.settled(120)
    s.say(f"faults: {' '.join(faults)}")
    check_letters(s, stack, config, topic, 3, "after all that")
    stack.send((i % 4, g.base, b"garbage") for i in range(200))
    stack.kafka.kill()
    for m in monitors:
        began = time.monotonic()
        code = m.stop()
        s.check("SIGTERM drains and exits 0 within 10 s though the brokers are gone",
                code == 0 and time.monotonic() - began < 10, f"{code} after {time.monotonic() - began:.1f} s")


def limits(s, stack):
    """40 in a row at the most: the copying stops, pages, outlives a kill, and starts again by itself."""
    topic, receiver = stack.kafka.topic("limited.invalid", 1), s.add(Receiver())
    stream = {**stack.stream, "dead_letter": {"topic": topic, "max_ratio": 1, "max_consecutive": 40}}
    config = stack.configure([stream], name="limits", workers=1, checkpoint_interval="300ms",
                             redis={"prefix": "limits"}, kafka={"group.id": "limits"},
                             rules={"immediate": [PAGE]}, receivers=receivers_file(receiver, tiers=("immediate",)))
    m = s.add(Monitor(config, os.path.join(s.tmp, "limits.log"))).start().wait_up()
    g = Generator(stack.ids, seed=5)
    good, at, sent = g.encode("v1", g.record(g.base)), g.base, []

    def more(pattern):
        values = [good if c == "." else b"garbage %d" % (len(sent) + i) for i, c in enumerate(pattern)]
        stack.send((0, at + len(sent) + i, v) for i, v in enumerate(values))
        sent.extend(pattern)
        stack.settled(60, b"limits")

    def copied():
        return [source(x)[2] for x in read(stack.kafka.bootstrap, topic)]
    more("." * 10 + "x" * 30 + "." + "x" * 40 + "x" * 100)
    want = list(range(10, 40)) + list(range(41, 81))
    s.equal("the copying stops at the 41st in a row", copied(), want)
    page = receiver.wait_page(40, alert="DeadLettersStopped", status="firing")
    s.equal("a page tells the stream", page["stream"], "payments")
    s.check("and why", page["items"][0].get("detail") == "past max_consecutive" and page["items"][0]["value"] == 1, page["items"])
    s.equal("and where", [(p["topic"], p["partition"]) for p in page["evidence"]["partitions"]], [(stack.topic, 0)])
    s.equal("kdrift_dead_letters_total{limited}", m.total("kdrift_dead_letters_total", "payments", "limited"), 100)
    s.equal("kdrift_dead_letters_stopped", m.total("kdrift_dead_letters_stopped", "payments"), 1)
    m.kill()
    m.start().wait_up()
    more("x" * 50)
    s.equal("a restart does not start it again", copied(), want)
    wait_for("the metric says so", lambda: m.total("kdrift_dead_letters_stopped", "payments") == 1)
    n = len(sent)
    more(".xx")
    want += [n + 1, n + 2]
    wait_for("the next good record does", lambda: copied() == want, 20)
    receiver.wait_page(60, alert="DeadLettersStopped", status="resolved")
    s.equal("one page in all", len(receiver.pages(status="firing")), 1)
    got = stats(config, "payments", g.base - workload.DAY, g.base + workload.DAY)
    s.equal("all of them are counted", (got["records"], got["violating_records"]), (len(sent), sent.count("x")))
    journal = stack.redis.client().zrange("limits:journal", 0, -1)
    types = [json.loads(e[17:])["type"] for e in journal]
    s.equal("stop and start stand in the journal", [t for t in types if t.startswith("dead")],
            ["dead_letters_stopped", "dead_letters_resumed"])
    s.equal("SIGTERM drains and exits 0", m.stop(), 0)


def unwritable(s, stack):
    """No topic at first; then one that does not take large messages; then it is gone for a while."""
    topic, receiver = "late.invalid", s.add(Receiver())
    stream = {**stack.stream, "dead_letter": {"topic": topic, "max_ratio": 1, "max_consecutive": 0}}
    config = stack.configure([stream], name="late", workers=1, checkpoint_interval="300ms", redis={"prefix": "late"},
                             kafka={"group.id": "late"}, rules={"immediate": [PAGE]},
                             receivers=receivers_file(receiver, tiers=("immediate",)))
    m = s.add(Monitor(config, os.path.join(s.tmp, "late.log"))).start().wait_up()
    at = int(time.time() * 1000) - workload.HOUR
    stack.send((i % 4, at + i, b"garbage") for i in range(100))
    stack.settled(60, b"late")
    s.check("counting goes on without the topic", True)
    page = receiver.wait_page(40, alert="DeadLettersStopped", status="firing")
    s.equal("a page says why", page["items"][0].get("detail"), "the topic cannot be written")
    s.equal("kdrift_dead_letters_total{undelivered}", m.total("kdrift_dead_letters_total", "payments", "undelivered"), 100)
    stack.kafka.topic(topic, 2, max_message_bytes=20000)
    wait_for("it works again by itself", lambda: m.total("kdrift_dead_letters_stopped", "payments") == 0, 90)
    receiver.wait_page(60, alert="DeadLettersStopped", status="resolved")
    stack.send((0, at + i, b"x" * 40000 if i == 5 else b"garbage") for i in range(20))
    stack.settled(60, b"late")
    letters = read(stack.kafka.bootstrap, topic)
    ends = stack.kafka.ends(stack.topic)
    s.equal("a letter that the topic never takes keeps no other from it",
            [source(x)[1:] for x in letters], [(0, o) for o in range(ends[0] - 20, ends[0]) if o != ends[0] - 15])
    s.equal("and is counted", m.total("kdrift_dead_letters_total", "payments", "undelivered"), 101)
    s.equal("SIGTERM drains and exits 0", m.stop(), 0)


def main():
    with Suite("dead_letters") as s:
        s.say(f"SEED={SEED}")
        stack = Letters(s)
        limits(s, stack.on("limited"))
        unwritable(s, stack.on("late"))
        once(s, stack)


main()
