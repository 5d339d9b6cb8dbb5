# SPDX-License-Identifier: Apache-2.0
"""/metrics passes `promtool check metrics`, with its label values hostile, and holds what the contract names."""
import os
import shutil
import subprocess

from lib.generate import Generator
from lib.monitor import Monitor
from lib.stack import Stack
from lib.suite import Suite, Unavailable, wait_for

NAMED = ["kdrift_records_total", "kdrift_violations_total", "kdrift_measure", "kdrift_alerts",
         "kdrift_outbox_entries", "kdrift_consumer_lag_records", "kdrift_watermark_timestamp_seconds",
         "kdrift_store_up", "kdrift_registry_up", "kdrift_build_info"]


def main():
    with Suite("metrics") as s:
        promtool = shutil.which("promtool")
        if not promtool:
            raise Unavailable("promtool is not installed (package prometheus)")
        stack = Stack(s)
        config = stack.configure([{**stack.stream, "slice_by": ["region"]}],
                                 rules={"daily": [{"alert": "Nulls", "measure": "missing_ratio", "above": 0.9}]})
        m = s.add(Monitor(config, os.path.join(s.tmp, "kdrift.log"))).start().wait_up()
        code, text = m.get("/metrics")
        s.check("/metrics before the first record passes", code == 200 and checked(promtool, text) == "",
                checked(promtool, text))
        g = Generator(stack.ids, seed=8, total=20000)
        stack.produce(g, 20000)
        rec = g.record(g.base)
        rec["region"] = 'a "quoted" \\ value\nof two lines, with = and {}'
        stack.send((0, g.base, g.encode("v1", rec)) for _ in range(3))
        stack.settled()
        wait_for("the judge has judged", lambda: NAMED[2] in m.get("/metrics")[1], 30)
        wait_for("the group has answered both workers", lambda: m.get("/-/ready")[0] == 200, 30)
        _, text = m.get("/metrics")
        s.equal("promtool check metrics", checked(promtool, text), "")
        names = {n for n, _ in m.metrics()}
        s.check("the contract's metrics are there", set(NAMED) <= names, set(NAMED) - names)
        for path, want in (("/-/healthy", 200), ("/-/ready", 200), ("/api/v1/status", 200), ("/api/v1/alerts", 200),
                           ("/", 200), ("/no/such/page", 404)):
            s.equal(f"GET {path}", m.get(path)[0], want)
        page = m.get("/")[1]
        s.check("the first page shows stream and fields", "payments" in page and "amount" in page, page[:300])
        m.stop()


def checked(promtool, text):
    p = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    return "" if p.returncode == 0 else p.stdout + p.stderr


main()
