# SPDX-License-Identifier: Apache-2.0
"""kdrift tune: with the rules that it writes, a backtest of the same rows is within each tier's budget; what was within
its share stays; comments and other keys stay; the firings that it tells are the pages of backtests. Rules with a budget of
their own are held against it, and what it proposes for those past it meets it in a backtest."""
import json
import math
import os

import numpy as np

from lib.monitor import kdrift
from lib.suite import Suite

SEED = int(os.environ.get("SEED", "20261121"))
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0, DAYS, EACH = 1_700_006_400_000, 21, 60
STREAM = {"name": "pay", "topic": "pay", "role": "features", "event_time": "at", "window": "2h", "slide": "1h", "lateness": "30s",
          "slice_by": ["region"], "fields": {"amount": {"range": [0, 100]}}}
IMMEDIATE = """# pages at once
- alert: Violations
  measure: violation_ratio
  above: 0.01   # one in a hundred
  over: 1h
  min_records: 20
- {alert: Quiet, measure: records, below: 1}
"""
DAILY = [{"alert": "Mean", "field": "amount", "measure": "mean", "above": 50.5, "clear_below": 50.2},
         {"alert": "Low", "field": "amount", "measure": "mean", "below": 49.6, "for": "2h"},
         {"alert": "Missing", "field": "amount", "measure": "missing_ratio", "above": 0.05}]
WEEKLY = """- alert: Spread
  field: amount
  measure: stddev
  above: 5.1
  summary: "above: 5.1 is too much"
- {alert: Own, field: amount, measure: drift, budget: 1/year}
- {alert: Shift, field: amount, measure: mean_shift, against: {previous: 24h}, above: 0.1}
"""
BUDGETS = {"immediate": (2, "week", 7), "daily": (1, "day", 1), "weekly": (1, "month", 30)}


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def make_rows(path):
    rng = np.random.default_rng(SEED)
    with open(path, "w", encoding="utf-8") as f:
        f.write("at,amount,region\n")
        for i in range(DAYS * 24 * EACH):
            hour = i // EACH
            amount = rng.normal(50 + math.sin(hour / 7), 5)
            if rng.random() < (0.2 if hour % 50 in (7, 8) else 0.004):
                amount += 100
            missing = rng.random() < 0.03
            f.write(f"{T0 + hour * HOUR + i % EACH * (HOUR // EACH)},{'' if missing else round(amount, 6)},"
                    f"{'north' if rng.random() < 0.5 else 'south'}\n")
    return path


def pages(conf, path, *more):
    code, out, err = kdrift("backtest", "--config", conf, "--file", f"pay={path}", "--json", *more, seconds=300)
    if code:
        raise AssertionError(f"kdrift backtest: exit code {code}: {err.strip()}")
    counts = {}
    for tier, t in json.loads(out)["tiers"].items():
        for p in t["pages"]:
            counts[tier, p["alert"]] = counts.get((tier, p["alert"]), 0) + 1
    return counts


def numbers_aside(text):
    """Without comments and thresholds that tune may change."""
    lines = [line.split(" # ")[0] for line in text.splitlines() if not line.lstrip().startswith("# ")]
    return [line.split("above:")[0].split("below:")[0] if "summary" not in line else line for line in lines]


def main():
    with Suite("tune") as s:
        s.say(f"SEED={SEED}")
        alerts = os.path.join(s.tmp, "alerts")
        os.makedirs(alerts)
        write(os.path.join(alerts, "immediate.yaml"), IMMEDIATE)
        write(os.path.join(alerts, "daily.yaml"), json.dumps(DAILY))
        write(os.path.join(alerts, "weekly.yaml"), WEEKLY)
        conf = write(os.path.join(s.tmp, "kdrift.json"), json.dumps({
            "kafka": {"bootstrap.servers": "127.0.0.1:1"}, "schema_registry": {"url": "http://127.0.0.1:1"}, "streams": [STREAM]}))
        path = make_rows(os.path.join(s.tmp, "rows.csv"))
        out = os.path.join(s.tmp, "tuned")
        budget = ",".join(f"{t}={n}/{per}" for t, (n, per, _) in BUDGETS.items())
        args = ["tune", "--config", conf, "--budget", budget, "--file", f"pay={path}"]
        code, text, err = kdrift(*args, "--out", out, "--json", seconds=300)
        s.check("it answers", code == 0, err)
        answer = json.loads(text)
        rules = {r["rule"]: r for r in answer["rules"]}
        before, after = pages(conf, path), pages(conf, path, "--alerts", out)
        for name, r in rules.items():
            if "left" in r:
                s.equal(f"{name} is left", name, "Own")
                continue
            s.equal(f"{name}: the firings before are the pages of a backtest", r["firings"]["before"], before.get((r["tier"], name), 0))
            s.equal(f"{name}: and those after", r["firings"]["after"], after.get((r["tier"], name), 0))
            s.check(f"{name}: within its share", r["firings"]["after"] <= r["share"], r)
            same = r["firings"]["before"] <= r["share"]
            s.equal(f"{name}: {'stays' if same else 'is changed'}", r["threshold"]["before"] == r["threshold"]["after"], same)
        history = (DAYS * 24 * EACH - 1) * (HOUR // EACH)
        for tier, (n, _, days) in BUDGETS.items():
            allowed = math.floor(n * history / (days * DAY))
            s.equal(f"{tier}: the budget of this history", answer["tiers"][tier]["allowed"], allowed)
            total = sum(k for (t, _), k in after.items() if t == tier)
            s.check(f"{tier}: a backtest with the written rules is within it", total <= allowed, (total, allowed))
        s.check("some rules were over, in every tier", {r["tier"] for r in rules.values() if "left" not in r and
                r["threshold"]["before"] != r["threshold"]["after"]} == set(BUDGETS), rules)
        files(s, alerts, out, rules)
        again(s, args, out)
        refusals(s, args, conf)
        budgets(s)


def files(s, alerts, out, rules):
    for tier in ("immediate", "weekly"):
        with open(os.path.join(alerts, f"{tier}.yaml"), encoding="utf-8") as f, \
                open(os.path.join(out, f"{tier}.yaml"), encoding="utf-8") as g:
            was, now = f.read(), g.read()
        s.equal(f"{tier}.yaml: all else stays", numbers_aside(now), numbers_aside(was))
        s.check(f"{tier}.yaml: comments stay", all(c in now for c in ("# pages at once", "# one in a hundred") if c in was), now)
    with open(os.path.join(out, "daily.yaml"), encoding="utf-8") as f:
        lines = f.read().splitlines()
    s.check("daily.yaml: the reasons stand above its one line", all(x.startswith("# ") for x in lines[:-1]) and
            any(x.startswith("# Mean: was 50.5: ") for x in lines), lines)
    want = [dict(r, **{rules[r["alert"]]["key"]: rules[r["alert"]]["threshold"]["after"]}) for r in DAILY]
    s.equal("daily.yaml: only thresholds are changed", json.loads(lines[-1]), want)


def again(s, args, out):
    code, text, err = kdrift(*args, seconds=300)
    s.check("text for people", code == 0 and "Violations" in text and
            "left as it is: it has no reading with a limit on this history" in text, text + err)
    first, second = (kdrift(*args, "--json", seconds=300) for _ in range(2))
    s.check("the same answer twice", first == second)
    s.check("check finds nothing wrong with the rules", os.path.exists(os.path.join(out, "weekly.yaml")))


def refusals(s, args, conf):
    for name, bad in {"an unknown tier": ["--budget", "hourly=1/week"], "no period": ["--budget", "daily=1"]}.items():
        code, _, err = kdrift("tune", "--config", conf, *bad, *args[5:])
        s.check(f"refused: {name}", code == 2 and "budget" in err, f"{code}: {err}")
    alerts = os.path.join(s.tmp, "numbers")
    os.makedirs(alerts)
    for tier in BUDGETS:
        write(os.path.join(alerts, f"{tier}.yaml"), json.dumps(DAILY) if tier == "daily" else "[]")
    with open(conf, encoding="utf-8") as f:
        numbers = write(os.path.join(s.tmp, "numbers.json"), json.dumps(dict(json.load(f), alerts="numbers")))
    code, _, err = kdrift("tune", "--config", numbers, *args[5:])
    s.check("refused: nobody has a budget", code == 1 and "no rule has a budget" in err, f"{code}: {err}")
    code, _, err = kdrift(*args, "--out", "/nowhere/x")
    s.check("refused: a directory that cannot be made", code == 1 and "/nowhere/x" in err, err)


OWN = """# by their budgets
- alert: Restless
  measure: drift
  budget: 1/week   # of a good month
- alert: Held
  measure: mean_shift
  field: amount
  budget: 1/week
  every: 1h
- {alert: Calm, measure: drift, field: steady, budget: 2/week}
"""
WEEKS = 8


def steady_rows(path, weeks, bursts):
    """`amount` moves for two hours in every 30 where there are bursts; `steady` never."""
    rng = np.random.default_rng(SEED + weeks)
    with open(path, "w", encoding="utf-8") as f:
        f.write("at,amount,steady\n")
        for i in range(weeks * 7 * 24 * EACH):
            hour = i // EACH
            moved = bursts and hour % 30 in (11, 12)
            f.write(f"{T0 + hour * HOUR + i % EACH * (HOUR // EACH)},{rng.normal(58 if moved else 50, 5):.6f},{rng.normal(3, 1):.6f}\n")
    return path


def budgets(s):
    alerts, out, again_out = (os.path.join(s.tmp, d) for d in ("own", "own-tuned", "own-again"))
    os.makedirs(alerts)
    weekly = write(os.path.join(alerts, "weekly.yaml"), OWN)
    stream = {"name": "pay", "topic": "pay", "role": "features", "event_time": "at", "window": "1h", "slide": "1h", "lateness": "30s",
              "baseline": "own-baseline.json"}
    conf = write(os.path.join(s.tmp, "own.json"), json.dumps({
        "kafka": {"bootstrap.servers": "127.0.0.1:1"}, "schema_registry": {"url": "http://127.0.0.1:1"}, "streams": [stream],
        "alerts": "own"}))
    past = steady_rows(os.path.join(s.tmp, "past.csv"), 1, False)
    rows = steady_rows(os.path.join(s.tmp, "now.csv"), WEEKS, True)
    code, _, err = kdrift("baseline", "--config", conf, "--stream", "pay", "--file", past, "--out",
                          os.path.join(s.tmp, "own-baseline.json"), seconds=300)
    s.check("budgets: a baseline", code == 0, err)
    args = ["tune", "--config", conf, "--file", f"pay={rows}", "--json"]
    code, text, err = kdrift(*args, "--out", out, seconds=300)
    s.check("budgets: no tier needs one", code == 0, err)
    rules = {r["rule"]: r for r in json.loads(text)["rules"]}
    before, after = pages(conf, rows), pages(conf, rows, "--alerts", out)
    for name, r in rules.items():
        s.equal(f"{name}: what the derived limits fired is a backtest's pages", r["firings"], before.get(("weekly", name), 0))
        s.check(f"{name}: what the budget allows", abs(r["expected"] - WEEKS * (2 if name == "Calm" else 1)) < 0.01, r)
        if "proposal" in r:
            s.equal(f"{name}: what is proposed fires so often in a backtest", r["proposal"]["firings"], after.get(("weekly", name), 0))
            s.check(f"{name}: and is within the budget", r["proposal"]["firings"] <= r["expected"], r)
    s.equal("budgets: past, past and not past", [rules[n]["state"] == "past" for n in ("Restless", "Held", "Calm")], [True, True, False])
    s.check("Restless: a number", "above" in rules["Restless"]["proposal"], rules)
    s.check("Held: a for", "for" in rules["Held"]["proposal"], rules)
    with open(os.path.join(out, "weekly.yaml"), encoding="utf-8") as f:
        now = f.read()
    s.check("budgets: comments stay", "# by their budgets" in now and "# of a good month" in now, now)
    s.check("budgets: the figures stand beside each rule", all(
        sum("tune: " in line and f"it fired {r['firings']} time" in line for line in now.splitlines()) >= 1 for r in rules.values()), now)
    s.check("Restless: its number stands for its budget", f"\n  above: {rules['Restless']['proposal']['above']:g}" in now and
            f"\n  clear_below: {rules['Restless']['proposal']['clear_below']:g}\n" in now and now.count("budget: 1/week") == 1, now)
    s.check("Held: its for stands above its budget", f"  for: {rules['Held']['proposal']['for']}\n  budget: 1/week # tune: " in now, now)
    with open(weekly, "w", encoding="utf-8") as f:
        f.write(now)
    code, _, err = kdrift(*args, "--out", again_out, seconds=300)
    with open(os.path.join(again_out, "weekly.yaml"), encoding="utf-8") as f:
        then = f.read()
    s.check("budgets: a second run says it once", code == 0 and then.count("tune: it fired") == len(rules), then + err)
    code, text, err = kdrift(*args[:-1], seconds=300)
    s.check("budgets: text for people", code == 0 and "Held                     it fired once in 55d23h of history, where 1/week allows 8" in text and
            "there is room" in text, text + err)


main()
