# SPDX-License-Identifier: Apache-2.0
"""A schema version that breaks the contract pages before any record is written with it, by the shipped rule:
once, whatever is killed, and until a version is registered that keeps the contract."""
import json
import os
import shutil
import time

from lib.monitor import Monitor, configure
from lib.receiver import Receiver, receivers_file
from lib.servers import Kafka, Proxy, Redis, Registry
from lib.suite import KDRIFT, TOP, Process, Suite, wait_for


def record(*fields):
    return {"type": "record", "name": "Payment",
            "fields": [{"name": name, "type": kind, **more} for name, kind, more in fields]}


ID, AMOUNT = ("id", "string", {}), ("amount", "double", {})
CONTRACT = record(ID, AMOUNT)
KEEPS = record(ID, AMOUNT, ("note", "string", {}))
BREAKS = record(("id", "int", {}), ("note", "string", {}))     # one field retyped, one dropped


class Seen:
    """What the judge knows of the subject: its document in the store, and the journal."""

    def __init__(self, redis):
        self.redis = redis.client()

    def version(self):
        doc = self.redis.hget("kdrift:doc:version", "payments")
        return json.loads(doc)["version"] if doc else None

    def wait(self, version):
        wait_for(f"version {version} is seen", lambda: self.version() == version, 40)

    def events(self):
        entries = [json.loads(e.split(b" ", 1)[1]) for e in self.redis.zrange("kdrift:journal", 0, -1)]
        return [(e["version"], e["breaches"]) for e in entries if e["type"] == "schema_version"]


def main():
    with Suite("breaking") as s:
        redis, registry, kafka = s.add(Redis(s.tmp)), s.add(Registry(s.tmp)), s.add(Kafka(s.tmp))
        way = s.add(Proxy(registry.port))
        receiver, seen = s.add(Receiver()), Seen(redis)
        kafka.topic("payments")
        contract = os.path.join(s.tmp, "contract.avsc")
        with open(contract, "w", encoding="utf-8") as f:
            json.dump(CONTRACT, f)
        stream = {"name": "payments", "topic": "payments", "role": "features", "window": "5m",
                  "contract": {"schema": contract}}
        plain = {"name": "plain", "topic": "payments", "role": "features", "window": "5m"}
        url = registry.url.replace(str(registry.port), str(way.port))
        config = configure(s.tmp, kafka.bootstrap, [url], redis.url, [stream, plain],
                           receivers=receivers_file(receiver))
        shutil.copy(os.path.join(TOP, "alerts", "immediate.yaml"), os.path.join(s.tmp, "kdrift-alerts"))
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        seen.wait(0)
        registry.register("payments-value", KEEPS)
        seen.wait(1)
        s.check("a version that keeps the contract is no alert", not receiver.requests, receiver.requests)

        at = time.time()
        schema_id = registry.register("payments-value", BREAKS)
        page = receiver.wait_page(30, alert="BreakingVersion", status="firing")
        s.say(f"paged {time.time() - at:.1f} s after the version was registered")
        s.check("the page names the version, its breach and how many there are", all(t in page["summary"] for t in (
            f"version 2 (schema id {schema_id}) of payments-value", "in 2 places",
            "id: type mismatch (reader string, writer int); and 1 more")), page["summary"])
        s.equal("its evidence is the schema and no record", (page["evidence"]["schema_ids"], page["evidence"]["partitions"]),
                ([schema_id], []))
        s.equal("no record was written", sum(kafka.ends("payments").values()), 0)
        s.equal("the stream without a contract is silent", receiver.pages(stream="plain"), [])

        m.kill()                               # another leads, one that only judges
        judge = s.add(Process([KDRIFT, "run", "--config", config, "--role", "judge"], os.path.join(s.tmp, "judge.log")))
        judge.start()
        way.cut = True                         # and the registry is gone: what fires goes on
        way.drop()
        wait_for("the judge looks for the registry", lambda: "asking again" in judge.text(), 30)
        wait_for("the judge leads", lambda: "this process leads" in judge.text(), 30)
        way.cut = False
        registry.register("payments-value", CONTRACT)
        receiver.wait_page(60, alert="BreakingVersion", status="resolved")
        registry.register("payments-value", record(ID))
        wait_for("another page", lambda: len(receiver.pages(alert="BreakingVersion", status="firing")) == 2, 40)
        s.equal("each incident was told once",
                [(p["status"], p["id"] == page["id"]) for p in receiver.pages(alert="BreakingVersion")],
                [("firing", True), ("resolved", True), ("firing", False)])
        s.equal("each version is one event of the journal", seen.events(), [(0, 0), (1, 0), (2, 2), (3, 0), (4, 1)])
        s.equal("the judge ends well", judge.stop(), 0)


if __name__ == "__main__":
    main()
