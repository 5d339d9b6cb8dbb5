# SPDX-License-Identifier: Apache-2.0
"""kdrift explain on a stream in which a new version of a producer, with a schema of its own, shifts one category
of twenty, in one slice and one partition: who carries it, since when, and what makes it up, beside numpy. A page
about violations. Pages that are over."""
import csv
import io
import json
import os
import struct
import time
from datetime import datetime, timezone

import fastavro
import numpy as np

from lib.monitor import Monitor, configure, counted, kdrift
from lib.servers import Kafka, Redis, Registry
from lib.suite import Suite, wait_for

SEED = int(os.environ.get("SEED", str(int(time.time()))))
MINUTE = 60_000
T0 = 1_699_999_200_000  # an hour and ten minutes of data, aligned to the hour
MINUTES, A_MINUTE, SHIFT, BAD, CALM = 250, 100, 160, 200, 220
KINDS = [f"k{i:02d}" for i in range(20)]
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
V1 = {"type": "record", "name": "Order", "fields": [
    {"name": "ts", "type": MILLIS}, {"name": "version", "type": "string"}, {"name": "kind", "type": "string"},
    {"name": "amount", "type": "double"}, {"name": "salary", "type": "double"}]}
V2 = {**V1, "fields": V1["fields"] + [{"name": "note", "type": "string", "default": ""}]}
STREAM = {"name": "orders", "topic": "orders", "role": "features", "event_time": "ts", "window": "20m", "slide": "5m",
          "lateness": "0s", "slice_by": ["version"], "redact": ["salary"],
          "fields": {"amount": {"range": [0, 1000]}}}
RULES = {"immediate": [{"alert": "Violations", "stream": "*", "measure": "violation_ratio", "above": 0.02, "over": "5m"}],
         "weekly": [{"alert": "Kinds", "stream": "orders", "field": "kind", "measure": "psi", "above": 0.1,
                     "min_records": 200},
                    {"alert": "Salaries", "stream": "orders", "field": "salary", "measure": "mean_shift", "above": 1}]}


def record(rng, minute, i):
    """A minute's ith record; from SHIFT on every second one is of version 2, in partition 1, and wrong until CALM."""
    new = SHIFT <= minute and i % 2 == 1
    wrong = new and minute < CALM
    kind = "k07" if wrong and rng.random() < 0.3 else str(rng.choice(KINDS))
    out = {"ts": T0 + minute * MINUTE + i * (MINUTE // A_MINUTE), "version": "2" if new else "1", "kind": kind,
           "amount": float(rng.normal(130 if wrong else 100, 10)),
           "salary": float(rng.normal(98765.5 if wrong else 1234.5, 0.1))}
    if BAD <= minute < BAD + 6 and i % 20 == 0:
        out["amount"] = 5000.0
    return (1 if new else 0, out) if new or minute % 3 else (minute % 2, out)


def frame(number, schema, rec):
    out = io.BytesIO(struct.pack(">bi", 0, number))
    out.seek(0, 2)
    fastavro.schemaless_writer(out, schema, rec)
    return out.getvalue()


def at(minute):
    return datetime.fromtimestamp((T0 + minute * MINUTE) / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def minute_of(text):
    return (datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp() * 1000 - T0) / MINUTE


def psi_terms(reference, current):
    p, q = (np.array([side.get(k, 0) for k in KINDS], float) for side in (reference, current))
    p, q = np.maximum(p / p.sum(), 1e-4), np.maximum(q / q.sum(), 1e-4)
    return dict(zip(KINDS, (q - p) * np.log(q / p)))


def counts(rows):
    out = {}
    for r in rows:
        out[r["kind"]] = out.get(r["kind"], 0) + 1
    return out


def explain(config, page, *more):
    code, out, err = kdrift("explain", page, "--config", config, *more)
    return code, json.loads(out) if code == 0 and "--json" in more else out, err


def pages(config, *more):
    _, out, _ = kdrift("alerts", "--config", config, "--json", *more)
    return {p["alert"]: p for p in json.loads(out)["pages"]}


def drifted(s, config, page, rows, reference, ids):
    code, v, err = explain(config, page["id"], "--json")
    if not s.check("a page is explained", code == 0 and not err, err):
        return
    s.equal("the slice fires too, and farther out", [x["slice"] for x in v["items"]], ["version=2", None])
    item = v["items"][1]
    begin, end = minute_of(item["window"]["from"]), minute_of(item["window"]["to"])
    window = [(p, r) for m, p, r in rows if begin <= m < end]
    terms = psi_terms(counts(reference), counts(r for _, r in window))
    got = {c["value"]: c for c in item["contributions"]["rows"]}
    s.check("the category that was shifted is first, with over 80 % of psi",
            item["contributions"]["rows"][0]["value"] == "k07" and got["k07"]["share"] > 0.8, item["contributions"])
    s.check("each term is numpy's", all(abs(got[k]["part"] - t) < 1e-9 for k, t in terms.items() if k in got) and
            abs(item["contributions"]["total"] - sum(terms.values())) < 1e-9, f"{got} instead of {terms}")
    s.equal("both distributions", {r["value"]: (r["reference"], r["current"]) for r in item["distribution"]["rows"]},
            {k: (counts(reference)[k], counts(r for _, r in window)[k]) for k in KINDS})

    def value(keep):
        return sum(psi_terms(counts(reference), counts(r for p, r in window if keep(p, r))).values())
    slices = {x["slice"]: x["value"] for x in item["slices"]}
    s.check("the slice that carries it is first", item["slices"][0]["slice"] == "version=2" and
            all(abs(slices[f"version={v}"] - value(lambda p, r, v=v: r["version"] == v)) < 1e-9 for v in "12"), slices)
    parts = {x["partition"]: x["value"] for x in item["partitions"]}
    s.check("and the partition", item["partitions"][0]["partition"] == 1 and
            all(abs(parts[n] - value(lambda p, r, n=n: p == n)) < 1e-9 for n in (0, 1)), parts)
    s.check("its offsets are there", item["partitions"][0]["to_offset"] > item["partitions"][0]["from_offset"] >= 0)
    of = {x["schema_id"]: x for x in item["schemas"]}
    s.check("and the schema id, of panes that hold no other", item["schemas"][0]["schema_id"] == ids[1] and
            of[ids[1]]["value"] > 5 * of.get(ids[0], {"value": 0})["value"], item["schemas"])
    s.equal("no record is without a schema id", sum(x["records"] for x in item["schemas"]) + item["records_of_mixed_schemas"],
            len(window))
    began = item["began"]
    s.check("it began to move soon after the new version came",
            not began["or_earlier"] and SHIFT < minute_of(began["window_to"]) <= SHIFT + 20, began)
    s.equal("the new schema id is named", v["schemas"]["new"], [ids[1]])
    s.equal("and the mix before and now", ([x["id"] for x in v["schemas"]["before"]], sorted(x["id"] for x in v["schemas"]["now"])),
            ([ids[0]], sorted(ids)))
    s.check("what else moved is there", {m["field"] for m in v["also_moved"]} >= {"amount"} and
            all(m["before"] is None or m["before"] < m["now"] for m in v["also_moved"]), v["also_moved"])
    s.check("the page's commands name kdrift explain", page["commands"][0].startswith(f"kdrift explain {page['id']} "),
            page["commands"])
    code, by_fingerprint, _ = explain(config, page["fingerprint"], "--json")
    s.equal("a fingerprint will do", by_fingerprint["page"]["id"], page["id"])
    code, text, _ = explain(config, page["id"])
    s.check("the text has it all", all(x in text for x in (
        "kind\n", "psi is ", "It began to move in the window that ended at ", "k07", "version=2", "orders/1",
        f"schema id {ids[1]}", f"New: {ids[1]}.", "█", "amount: ", "To look further\n  kdrift explain")), text)
    s.check("and its pictures fit a terminal", all(len(x) <= 78 for x in text.split("\n") if "█" in x))


def redacted(s, config, page):
    code, v, err = explain(config, page["id"], "--json")
    _, text, _ = explain(config, page["id"])
    s.check("a redacted field's values are not told", code == 0 and v["items"][0].get("redacted") is True and
            "distribution" not in v["items"][0] and "contributions" not in v["items"][0] and
            "9876" not in text and "1234." not in text, err)


def violations(s, config, page):
    code, v, err = explain(config, page["id"], "--json")
    s.check("a page about violations", code == 0 and v["violations"] and v["violations"][0]["kind"] == "range" and
            v["violations"][0]["field"] == "amount", err or v.get("violations"))
    item = v["items"][0]
    s.check("its ratio by partition and slice", {p["partition"] for p in item["partitions"]} == {0, 1} and
            {x["slice"] for x in item["slices"]} <= {"version=1", "version=2"} and item["slices"], item)
    s.check("and since when", BAD < minute_of(item["began"]["window_to"]) <= BAD + 5, item["began"])
    text = explain(config, page["id"])[1]
    s.check("as text", "range on amount" in text and "Samples" in text and "in the window beside" not in text, text)


def html(s, config, page):
    path = os.path.join(s.tmp, "page.html")
    code, _, err = explain(config, page["id"], "--html", path)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    s.check("--html is one page with pictures", code == 0 and text.count("<svg") >= 2 and "<script" not in text and
            "https://" not in text and "k07" in text and "version=2" in text, err)


def main():
    with Suite("explain") as s:
        s.say(f"SEED={SEED}")
        rng = np.random.default_rng(SEED)
        rows = [(m, *record(rng, m, i)) for m in range(MINUTES) for i in range(A_MINUTE)]
        reference = [record(rng, 1, 0)[1] for _ in range(20000)]
        training = os.path.join(s.tmp, "training.csv")
        with open(training, "w", newline="", encoding="utf-8") as f:
            w = csv.DictWriter(f, ["kind", "amount", "salary"], extrasaction="ignore")
            w.writeheader()
            w.writerows(reference)
        redis = s.add(Redis(s.tmp))
        registry = s.add(Registry(s.tmp))
        kafka = s.add(Kafka(s.tmp))
        kafka.topic("orders", partitions=2)
        ids = [registry.register("orders-value", x) for x in (V1, V2)]
        stream = {**STREAM, "baseline": os.path.join(s.tmp, "orders.json")}
        config = configure(s.tmp, kafka.bootstrap, [registry.url], redis.url, [stream], rules=RULES,
                           checkpoint_interval="200ms")
        code, _, err = kdrift("baseline", "--config", config, "--stream", "orders", "--file", training, "--out", stream["baseline"])
        s.check("a baseline of the training file", code == 0, err)
        schemas = [fastavro.parse_schema(x) for x in (V1, V2)]
        producer = kafka.producer()

        def send(first, last):
            for m, p, r in rows:
                new = r["version"] == "2"
                if first <= m < last:
                    producer.produce("orders", frame(ids[new], schemas[new], {**r, "note": ""}), partition=p, timestamp=r["ts"])
                    producer.poll(0)
            producer.flush(60)
            wait_for("every record is counted", lambda: counted(redis.client()) >= sum(kafka.ends("orders").values()), 60)
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start()
        send(0, BAD + 6)
        wait_for("three pages fire", lambda: len(pages(config)) == 3, 60)
        firing = pages(config)
        drifted(s, config, firing["Kinds"], rows, reference, ids)
        redacted(s, config, firing["Salaries"])
        violations(s, config, firing["Violations"])
        html(s, config, firing["Kinds"])
        send(BAD + 6, MINUTES)
        wait_for("the pages are over", lambda: not pages(config), 60)
        m.stop()
        redis.client().delete("kdrift:doc:page")
        for name in ("Kinds", "Violations"):
            code, v, err = explain(config, firing[name]["id"], "--json")
            s.check(f"{name}: over, and still explained from the journal",
                    code == 0 and v["page"]["status"] == "resolved" and v["page"]["ends_at"], err)
        code, _, err = explain(config, "page_none")
        s.check("a page that is not there is exit 1 and says where it looked", code == 1 and "no page page_none" in err, err)
        s.equal("no id is wrong usage", kdrift("explain", "--config", config)[0], 2)


main()
