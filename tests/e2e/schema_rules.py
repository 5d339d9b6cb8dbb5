# SPDX-License-Identifier: Apache-2.0
"""Rules in schemas with a real registry: every breach by its rule's name against Google's CEL in Python; rules that
cannot be judged are told; tags, encrypted fields and encrypted payloads.

The registry at hand keeps no rule sets: a front before it adds them to its answers.
"""
import io
import json
import os
import random
import re
import struct
import sys
import time

import fastavro
from lib.front import Front
from lib.monitor import Monitor, configure, counted, stats
from lib.receiver import Receiver, receivers_file
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "schema"))
from make_rule_cases import PERSON, RULE_SET, Judge, person  # noqa: E402

SEED = int(os.environ.get("KDRIFT_SEED") or time.time())
ODD = {"type": "record", "name": "Odd", "confluent:rules": [
    {"name": "macro", "expr": "this.l.all(x, x > 0)"}, {"name": "fine", "expr": "this.n != 3"}],
    "fields": [{"name": "n", "type": "int", "confluent:rules": [{"name": "mail", "expr": "isEmail(this)"}]},
               {"name": "l", "type": {"type": "array", "items": "int"}}]}
CARD = {"type": "record", "name": "Card", "fields": [
    {"name": "number", "type": "string", "confluent:tags": ["SECRET"],
     "confluent:rules": [{"name": "visa", "expr": "this.startsWith('4')"}]},
    {"name": "amount", "type": "double"}]}
SEALED = {"type": "record", "name": "Sealed", "fields": [{"name": "amount", "type": "double"}]}
NAMED = {"type": "record", "name": "Named", "fields": [
    {"name": "secret", "type": "string", "confluent:tags": ["PII"]},
    {"name": "open", "type": "string", "confluent:rules": [{"name": "openShort", "expr": "size(this) < 4"}]}]}
ENCRYPT = {"domainRules": [{"name": "e", "kind": "TRANSFORM", "type": "ENCRYPT", "mode": "WRITEREAD", "tags": ["SECRET"]}]}
PAYLOAD = {"encodingRules": [{"name": "p", "kind": "TRANSFORM", "type": "ENCRYPT_PAYLOAD", "mode": "WRITEREAD"}]}


class RuleSets(Front):
    """With rule sets by schema id."""

    def __init__(self, registry):
        self.sets = {}
        super().__init__(registry)

    def changed(self, path, body):
        asked = re.fullmatch(r"/schemas/ids/(\d+)(\?.*)?", path)
        if asked and int(asked[1]) in self.sets:
            return json.dumps({**json.loads(body), "ruleSet": self.sets[int(asked[1])]}).encode()
        return body


class Topic:
    def __init__(self, name, schema, registry, front, rule_set=None, **stream):
        self.name, self.parsed, self.messages = name, fastavro.parse_schema(json.loads(json.dumps(schema))), []
        self.rules, self.violating = {}, 0
        self.id = registry.register(f"{name}-value", schema)
        if rule_set:
            front.sets[self.id] = rule_set
        self.stream = {"name": name, "topic": name, "role": "features", "window": "10m", "slide": "1m", **stream}

    def send(self, record, broken=()):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self.parsed, record)
        self.raw(out.getvalue(), broken)

    def raw(self, payload, broken=()):
        self.messages.append(struct.pack(">bi", 0, self.id) + payload)
        self.violating += bool(broken)
        for rule, _ in broken:
            self.rules[rule] = self.rules.get(rule, 0) + 1


def people(topic, rule_set, r):
    for _ in range(300):
        record = person(r)
        judge = Judge(rule_set)
        judge.record(PERSON, record, "")
        topic.send(record, judge.broken)
    return topic


def main():
    with Suite("schema_rules") as s:
        s.say(f"KDRIFT_SEED={SEED}")
        redis = s.add(Redis(s.tmp))
        registry = s.add(Registry(s.tmp))
        kafka = s.add(Kafka(s.tmp))
        front = s.add(RuleSets(registry))
        receiver = s.add(Receiver())
        r = random.Random(SEED)
        plain = people(Topic("plain", PERSON, registry, front), None, r)
        guarded = people(Topic("guarded", {**PERSON, "doc": "with a rule set"}, registry, front, RULE_SET), RULE_SET, r)
        odd = Topic("odd", ODD, registry, front)
        for n in (1, 3, 4):
            odd.send({"n": n, "l": [n]}, [("fine", "")] if n == 3 else [])
        cards = Topic("cards", CARD, registry, front, ENCRYPT,
                      fields={"number": {"type": "categorical", "allowed": ["4111"]}})
        for i in range(5):
            cards.send({"number": "Zm9vYmFyYmF6" + "=" * i, "amount": i + 0.5})
        sealed = Topic("sealed", SEALED, registry, front, PAYLOAD)
        for i in range(4):
            sealed.raw(r.randbytes(20 + i))
        named = Topic("named", NAMED, registry, front, samples=True,
                      fields={"secret": {"type": "categorical", "pattern": "^x"}, "open": {"pattern": "^x"}})
        named.send({"secret": "jane@example.com", "open": "shown"}, [("openShort", "open")])
        topics = [plain, guarded, odd, cards, sealed, named]
        for t in topics:
            kafka.topic(t.name)
        begin = int(time.time() * 1000) // 60000 * 60000
        rules = {"immediate": [{"alert": "Broken", "stream": "named", "measure": "violation_ratio", "above": 0, "over": "10m"}]}
        config = configure(s.tmp, kafka.bootstrap, [front.url], redis.url, [t.stream for t in topics], rules=rules,
                           receivers=receivers_file(receiver))
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        producer = kafka.producer()
        for t in topics:
            for i, value in enumerate(t.messages):
                producer.produce(t.name, value, partition=i % 2, timestamp=begin + i)
        producer.flush(60)
        wait_for("every record is counted", lambda: counted(redis.client()) >= sum(len(t.messages) for t in topics), 60)

        for t in (plain, guarded, odd):
            got = stats(config, t.name, begin, begin + 60000)
            s.equal(f"{t.name}: records", got["records"], len(t.messages))
            s.equal(f"{t.name}: violating records", got["violating_records"], t.violating)
            s.equal(f"{t.name}: breaches of rules", got["violations"].get("rule", 0), sum(t.rules.values()))
            s.equal(f"{t.name}: by rule", got["rules"], t.rules)
        wait_for("the metrics have them", lambda: m.total("kdrift_rule_violations_total", "odd", "fine") == 1, 30)
        metrics = m.metrics()
        s.equal("rules that cannot be judged have a metric",
                {labels: v for (name, labels), v in metrics.items() if name == "kdrift_unsupported_rules"},
                {("odd", "macro"): 1, ("odd", "mail"): 1, ("cards", "visa"): 1})
        wait_for("the streams are in the status", lambda: m.status().get("streams"), 60)
        listed = [x for x in m.status()["streams"] if x["name"] == "odd"][0].get("unsupported_rules", [])
        s.equal("and stand in the status", sorted((x["name"], x["field"], x["reason"]) for x in listed),
                [("macro", "", "column 7: this.l.all() is not supported"), ("mail", "n", "column 1: isEmail() is not supported")])
        s.equal("and in the log, once each", len(re.findall(r"is not judged: ", m.log())), 3)  # with the one on a card
        s.check("and on the first page", "isEmail() is not supported" in m.get("/")[1])

        got = stats(config, "cards", begin, begin + 60000)
        s.equal("encrypted: nothing is broken", {k: n for k, n in got["violations"].items() if n}, {})
        number = got["fields"]["number"]
        s.equal("encrypted: counted, with its length", (number["count"], number["min"], number["max"]), (5, 12, 16))
        s.equal("beside it values are values", got["fields"]["amount"]["mean"], 2.5)
        got = stats(config, "sealed", begin, begin + 60000)
        s.equal("encrypted payloads are opaque", (got["records"], got["opaque"], got["violating_records"]), (4, 4, 0))

        page = json.dumps(receiver.wait_page(60, alert="Broken", stream="named"))
        s.check("a sample shows an open field", "shown" in page, page)
        s.check("and not one that is tagged PII", "jane@example.com" not in page, page)
        s.check("and the broken rule by its name", "openShort" in page, page)
        s.equal("SIGTERM drains and exits 0", m.stop(), 0)


main()
