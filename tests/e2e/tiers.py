# SPDX-License-Identifier: Apache-2.0
"""The three tiers on real servers: an outage pages at once, degradation waits for the daily digest, drift
for the weekly one; a stream without baseline is useful and not healthy; no data and constant values are
named."""
import datetime
import os
import time

from lib import workload
from lib.generate import Generator
from lib.monitor import Monitor
from lib.receiver import Receiver, receivers_file
from lib.stack import Stack
from lib.suite import Suite, wait_for

MINUTE = 60000


def minutes(g, begin, n, change=lambda rec, i: None, per_minute=200, schema="v1"):
    """n minutes of right records, evenly over the partitions, each through change(record, number)."""
    for i in range(n * per_minute):
        at = begin + i * MINUTE // per_minute
        rec = g.record(at)
        rec["discount"] = 0.5
        change(rec, i)
        yield i % 4, at, g.encode(schema, rec)


def three_tiers(s, stack):
    """Practice rows 1, 18 and 21 on one stream that has no baseline."""
    receivers = {t: s.add(Receiver()) for t in ("immediate", "daily", "weekly")}
    now = datetime.datetime.now(datetime.timezone.utc)
    due = now + datetime.timedelta(minutes=2 if now.second < 45 else 3)
    routes = {"receivers": [{"name": t, "webhook": {"url": r.url, "secret": r.secret}} for t, r in receivers.items()],
              "routes": {t: [t] for t in receivers},
              "digests": {"daily": {"at": due.strftime("%H:%M"), "timezone": "UTC"},
                          "weekly": {"at": due.strftime("%a %H:%M"), "timezone": "UTC"}}}
    rules = {
        "immediate": [
            {"alert": "Violations", "stream": "*", "measure": "violation_ratio", "above": 0.02, "over": "5m",
             "min_records": 100},
            {"alert": "NoData", "stream": "*", "measure": "staleness", "above": 3600 * 6}],
        "daily": [{"alert": "Nulls", "stream": "*", "measure": "missing_ratio", "above": 0.5, "min_records": 100},
                  {"alert": "Constant", "stream": "*", "field": "region", "measure": "top_share", "above": 0.9,
                   "min_records": 100}],
        "weekly": [{"alert": "Shift", "stream": "*", "field": "amount", "measure": "mean_shift",
                    "against": {"previous": "20m"}, "above": 1.0, "min_records": 100},
                   {"alert": "Drift", "stream": "*", "measure": "drift", "above": 6}]}
    config = stack.configure(rules=rules, receivers=routes)
    m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
    begin = (int(time.time() * 1000) - 2 * workload.HOUR) // (10 * MINUTE) * 10 * MINUTE
    g = Generator(stack.ids, seed=2, base_ms=begin)

    def varied(rec, i):
        rec["region"] = ("north", "south", "westa")[i % 3]
    stack.send(minutes(g, begin, 20, varied))
    stack.settled()

    def drift_state():
        return [r for st in m.status().get("streams", []) for f in st.get("fields", []) for r in f["readings"]
                if r["measure"] == "drift"]
    found = wait_for("drift is looked at", drift_state, 30)
    s.check("drift without a baseline says no_baseline, not healthy",
            all((r["reading"], r["state"]) == ("no_baseline", "unknown") for r in found), found[:2])
    s.check("silence while all is well", not any(r.requests for r in receivers.values()))

    def degraded(rec, i):                      # daily: the discount vanishes, one region fills everything
        rec["discount"], rec["region"] = None, "north"
        rec["amount"] *= 4                     # weekly: in another unit
    stack.send(minutes(g, begin + 20 * MINUTE, 20, degraded))

    def tenth_broken():
        for i, (partition, at, value) in enumerate(minutes(g, begin + 40 * MINUTE, 5, degraded)):
            yield partition, at, b"garbage" if i % 10 == 0 else value
    stack.send(tenth_broken())
    page = receivers["immediate"].wait_page(30, alert="Violations", status="firing")
    s.check("violations page at once", page["tier"] == "immediate" and page["stream"] == "payments", page)
    stack.send(minutes(g, begin + 45 * MINUTE, 25, degraded))
    receivers["immediate"].wait_page(60, alert="Violations", status="resolved")
    stack.settled()

    for tier, names in (("daily", {"Nulls", "Constant"}), ("weekly", {"Shift"})):
        wait_for(f"the {tier} digest", receivers[tier].digests, 240, 0.5)
        digest = receivers[tier].digests()[0]
        named = {p["alert"] for p in digest["pages"]}
        s.check(f"the {tier} digest holds what belongs to it", names <= named and not named & {"Violations"},
                f"{named}, expected {names}")
        s.check(f"the {tier} digest counts the stream",
                any(st["stream"] == "payments" and st["records"] > 0 for st in digest["streams"]), digest["streams"])
    m.kill()
    m.start().wait_up()
    stack.settled()
    wait_for("the restarted monitor leads", lambda: m.total("kdrift_leader") == 1, 30)
    # Its first passes after the restart are where a digest would be sent again.
    mark = m.total("kdrift_checkpoints_total")
    stack.send(minutes(g, begin + 70 * MINUTE, 2, degraded))
    wait_for("it judges on", lambda: m.total("kdrift_checkpoints_total") > mark, 30)
    stack.settled()
    s.equal("one digest a tier, also after a restart",
            [len(receivers[t].digests()) for t in ("daily", "weekly")], [1, 1])
    s.equal("daily and weekly never page", [len(receivers[t].pages()) for t in ("daily", "weekly")], [0, 0])
    pages = [(p["alert"], p["status"]) for p in receivers["immediate"].pages()]
    s.equal("one firing and one resolved page, and no other", pages, [("Violations", "firing"),
                                                                      ("Violations", "resolved")])
    s.check("everything is rightly signed", all(q["signed"] for r in receivers.values() for q in r.requests))
    m.stop()


def stopped_producer(s, stack):
    """Practice row 21: the producer stops; that is `no data`, not drift."""
    receiver = s.add(Receiver())
    rules = {"immediate": [{"alert": "NoData", "stream": "*", "measure": "staleness", "above": 8}],
             "weekly": [{"alert": "Drift", "stream": "*", "measure": "drift", "above": 6}]}
    config = stack.configure([{**stack.stream, "start": "latest"}], name="stopped", rules=rules,
                             receivers=receivers_file(receiver), kafka={"group.id": "stopped"},
                             redis={"prefix": "stopped"})
    m = s.add(Monitor(config, os.path.join(s.tmp, "stopped.log"))).start().wait_up()
    redis = stack.redis.client()
    wait_for("the partitions are claimed", lambda: len(list(redis.scan_iter(b"stopped:part:*"))) == 4, 30)
    g = Generator(stack.ids, seed=4)
    now = int(time.time() * 1000)
    stack.send([(i % 4, now, g.encode("v1", g.record(now))) for i in range(400)])
    page = receiver.wait_page(60, alert="NoData", status="firing")
    s.equal("a stopped producer pages as no data", page["stream"], "payments")
    now = int(time.time() * 1000)
    stack.send([(i % 4, now, g.encode("v1", g.record(now))) for i in range(400)])
    receiver.wait_page(60, alert="NoData", status="resolved")
    s.check("and resolves when data comes back", True)
    s.check("it was not called drift", not receiver.pages(alert="Drift"))
    m.stop()


def main():
    with Suite("tiers") as s:
        stack = Stack(s)
        three_tiers(s, stack)
        stopped_producer(s, stack)


main()
