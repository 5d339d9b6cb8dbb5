# SPDX-License-Identifier: Apache-2.0
"""kdrift backtest of files: real data with a known drift; windows, values and states against a naive reading of the
same rows; the same answer twice, with other workers, from other formats and with the rows spread over files;
elements of arrays and maps."""
import csv
import json
import os
from collections import Counter, defaultdict

import fastavro
import numpy as np

from lib.monitor import kdrift
from lib.suite import TOP, Suite

MINUTE, HOUR, DAY, WEEK = 60_000, 3_600_000, 86_400_000, 7 * 86_400_000
ELEC2 = os.path.join(TOP, "src", "sandbox", "elec2.csv")
JOINT_MARKET = 862581600000  # 4 May 1997, market clock: Victoria's columns are real from here on
SEED = 20261121


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text if isinstance(text, str) else json.dumps(text))
    return path


def config(folder, stream, rules, name="kdrift", **top):
    """A configuration with its rules by tier."""
    for tier, listed in rules.items():
        write(os.path.join(folder, f"{name}-alerts", f"{tier}.yaml"), listed)
    return write(os.path.join(folder, f"{name}.json"), {
        "kafka": {"bootstrap.servers": "127.0.0.1:1"}, "schema_registry": {"url": "http://127.0.0.1:1"},
        "alerts": f"{name}-alerts/", "streams": [{"role": "features", **stream}], **top})


def backtest(conf, *args):
    code, out, err = kdrift("backtest", "--config", conf, *args, "--json", seconds=300)
    if code:
        raise AssertionError(f"kdrift backtest: exit code {code}: {err.strip()}")
    return json.loads(out)


def ms(text):
    return int(np.datetime64(text.rstrip("Z"), "ms").astype(np.int64))


def span(v):
    return ms(v["window"]["from"]), ms(v["window"]["to"])


# --- Elec2 ----------------------------------------------------------------------------------------------


def weeks(answer):
    """Field -> {end of the week: state}."""
    out = defaultdict(dict)
    for v in answer["verdicts"]:
        out[v["field"]][span(v)[1]] = v["state"]
    return out


def elec2(s):
    with open(ELEC2, encoding="utf-8") as f:
        rows = list(csv.reader(f))
    start = int(rows[1][0])
    first = write(os.path.join(s.tmp, "elec2", "first.csv"),
                  "\n".join(",".join(r) for r in rows if r[0] == "ts" or int(r[0]) < start + 26 * WEEK) + "\n")
    stream = {"name": "elec2", "topic": "elec2", "event_time": "ts", "window": "7d", "slide": "7d",
              "baseline": "elec2.baseline.json", "fields": {"class": {"ignore": True}, "period": {"ignore": True}}}
    rules = {"above 5": {"above": 5}, "a budget of one a year": {"budget": "1/year"}}
    for name, limit in rules.items():
        folder = os.path.join(s.tmp, "elec2")
        conf = config(folder, stream, {"weekly": [{"alert": "Drift", "measure": "drift", **limit}]})
        code, _, err = kdrift("baseline", "--config", conf, "--stream", "elec2", "--file", first, "--out",
                              os.path.join(folder, "elec2.baseline.json"))
        s.check("elec2: a baseline of 26 weeks", code == 0, err)
        answer = backtest(conf, "--file", f"elec2={ELEC2}")
        states = weeks(answer)
        for field in ("vicprice", "vicdemand", "transfer"):
            before = [states[field][w] for w in sorted(states[field]) if w <= JOINT_MARKET][-25:]
            after = [state for w, state in states[field].items() if w > JOINT_MARKET and state != "unknown"]
            s.equal(f"elec2, {name}: {field} is no drift in the 25 weeks before", Counter(before), {"ok": 25})
            s.equal(f"elec2, {name}: {field} is drift in every week after", Counter(after), {"firing": 83})
        demand = Counter(states["nswdemand"].values())
        s.check(f"elec2, {name}: nswdemand is drift in at most one week in ten",
                demand["firing"] * 10 <= sum(demand.values()), demand)
        price = [states["nswprice"][w] for w in sorted(states["nswprice"]) if w <= JOINT_MARKET][-25:]
        s.check(f"elec2, {name}: nswprice is drift in at most two of the 25", price.count("firing") <= 2, Counter(price))
        s.equal(f"elec2, {name}: one page", len(answer["tiers"]["weekly"]["pages"]), 1)
        print(f"  {name}: " + ", ".join(f"{f} {dict(Counter(w.values()))}" for f, w in sorted(states.items())))


# --- rows of our own --------------------------------------------------------------------------------------

DAYS, EACH = 6, 120 # rows an hour
T0 = 1_700_006_400_000 # a midnight
SCHEMA = {"type": "record", "name": "Row", "fields": [
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}, {"name": "amount", "type": ["null", "double"]},
    {"name": "kind", "type": "string"}, {"name": "new", "type": "boolean"}]}
STREAM = {"name": "pay", "topic": "pay", "event_time": "at", "window": "1h", "slide": "1h", "lateness": "30s",
          "fields": {"amount": {"range": [0, 100]}}}
RULES = {
    "immediate": [{"alert": "Violations", "measure": "violation_ratio", "above": 0.05, "over": "1h"}],
    "daily": [{"alert": "Mean", "field": "amount", "measure": "mean", "above": 60},
              {"alert": "Missing", "field": "amount", "measure": "missing_ratio", "above": 0.2},
              {"alert": "Volume", "measure": "records", "below": 70}],
    "weekly": [{"alert": "Long", "field": "amount", "measure": "mean", "above": 60, "over": "3h"}]}
BAD_HOUR, SHIFTED, THIN, FEW = 30, (60, 70), 80, 50


def make_rows():
    """Hours from T0 + 10 min on; one with values out of range, ten shifted, one with few rows."""
    rng = np.random.default_rng(SEED)
    rows = []
    for hour in range(DAYS * 24):
        n = FEW if hour == THIN else EACH
        for i in range(n):
            at = T0 + 600_000 + hour * HOUR + i * (HOUR // n)
            inside = (at - T0) // HOUR
            amount = float(np.round(rng.normal(80 if SHIFTED[0] <= inside < SHIFTED[1] else 50, 5), 6))
            if inside == BAD_HOUR and i % 3 == 0:
                amount += 1000
            rows.append({"at": at, "amount": None if i % 10 == 7 else amount, "kind": str(rng.choice(["a", "b"])),
                         "new": bool(rng.random() < 0.5)})
    return rows


def cell(v):
    return "" if v is None else str(v).lower() if isinstance(v, bool) else str(v)


def save(folder, name, rows):
    base = os.path.join(folder, name)
    with open(base + ".csv", "w", newline="", encoding="utf-8") as f:
        w = csv.writer(f)
        w.writerow(rows[0])
        w.writerows([cell(v) for v in r.values()] for r in rows)
    with open(base + ".jsonl", "w", encoding="utf-8") as f:
        f.writelines(json.dumps(r) + "\n" for r in rows)
    with open(base + ".avro", "wb") as f:
        fastavro.writer(f, SCHEMA, rows)
    return base


def naive(rows, begin, end):
    """What the rules' measures are over [begin, end), from the definitions."""
    inside = [r for r in rows if begin <= r["at"] < end]
    amounts = [r["amount"] for r in inside if r["amount"] is not None]
    return {"Violations": sum(not 0 <= a <= 100 for a in amounts) / len(inside), "Mean": float(np.mean(amounts)),
            "Missing": 1 - len(amounts) / len(inside), "Volume": len(inside), "Long": float(np.mean(amounts))}


def expected_state(rule, value, rows, begin, end):
    first, last = rows[0]["at"] // MINUTE * MINUTE, rows[-1]["at"]
    if begin < first or end > last - 30_000:
        return "unknown" # cut
    if rule != "Volume" and len([r for r in rows if begin <= r["at"] < end]) < (end - begin) / HOUR * EACH / 2:
        return "unknown" # thin
    met = {"Violations": value > 0.05, "Mean": value > 60, "Missing": value > 0.2, "Volume": value < 70, "Long": value > 60}
    return "firing" if met[rule] else "ok"


def values(s, folder, rows):
    conf = config(folder, STREAM, RULES)
    base = save(folder, "rows", rows)
    answer = backtest(conf, "--file", f"pay={base}.csv")
    s.equal("records", answer["records"], len(rows))
    s.equal("from and to", [ms(answer["from"]), ms(answer["to"])], [rows[0]["at"], rows[-1]["at"]])
    wrong = []
    for v in answer["verdicts"]:
        begin, end = span(v)
        want = naive(rows, begin, end)[v["rule"]]
        state = expected_state(v["rule"], want, rows, begin, end)
        if v["state"] != state or (v["value"] is None) != (state == "unknown") or (
                v["value"] is not None and abs(v["value"] - want) > 1e-12 * abs(want)):
            wrong.append((v, want, state))
    s.check("every verdict's value and state are those of its rows", not wrong, wrong[:3])
    hours = DAYS * 24 + 1
    # A long window ends at each hour, too; the first two begin before the data.
    s.equal("a verdict a rule and window", Counter(v["rule"] for v in answer["verdicts"]), {r: hours for r in (
        "Violations", "Mean", "Missing", "Volume", "Long")})
    s.equal("windows", answer["windows"], 2 * hours)
    pages = {t: [p["alert"] for p in answer["tiers"][t]["pages"]] for t in answer["tiers"]}
    s.equal("pages by tier", pages, {"immediate": ["Violations"], "daily": ["Mean", "Mean", "Volume"],
                                      "weekly": ["Long", "Long"]}) # of the bad hour and of those that are shifted
    page = answer["tiers"]["immediate"]["pages"][0]
    s.equal("the immediate page is over", page["status"], "resolved")
    s.equal("it was sent twice", answer["tiers"]["immediate"]["messages"], 2)
    s.check("it begins in the hour with values out of range", ms(page["starts_at"]) - T0 in range(
        BAD_HOUR * HOUR, (BAD_HOUR + 1) * HOUR + 1), page["starts_at"])
    s.equal("digests: one a day at nine", [m["at"][11:] for m in answer["tiers"]["daily"]["sent"]], ["09:00:00Z"] * DAYS)
    return conf, base, answer


def same(s, conf, base, answer, folder, rows):
    first, second = (kdrift("backtest", "--config", conf, "--file", f"pay={base}.csv", "--json") for _ in range(2))
    s.check("byte-identical twice", first == second and first[0] == 0, second[2])
    four = config(folder, STREAM, RULES, workers=4)
    s.check("byte-identical with four workers", kdrift("backtest", "--config", four, "--file", f"pay={base}.csv",
                                                       "--json")[1] == first[1])
    for ending in ("jsonl", "avro"):
        other = backtest(conf, "--file", f"pay={base}.{ending}")
        s.check(f"the same of .{ending}", other == answer, [a for a, b in zip(other["verdicts"], answer["verdicts"]) if a != b][:2])
    spread = [f"pay={save(folder, f'part{k}', rows[k::3])}.csv" for k in range(3)]
    other = backtest(conf, *[x for p in spread for x in ("--file", p)])
    s.check("the same verdicts with rows spread over files", other["verdicts"] == answer["verdicts"])
    s.equal("and the same pages", [[(p["fingerprint"], p["starts_at"]) for p in t["pages"]] for t in other["tiers"].values()],
            [[(p["fingerprint"], p["starts_at"]) for p in t["pages"]] for t in answer["tiers"].values()])


def late(s, folder, rows):
    """A row that comes after its window closed changes no verdict on it."""
    moved = rows[:5000] + [dict(rows[1000], amount=99.0)] + rows[5000:]
    conf = config(folder, STREAM, RULES, "late")
    answer = backtest(conf, "--file", f"pay={save(folder, 'late', moved)}.csv")
    plain = backtest(conf, "--file", f"pay={save(folder, 'rows', rows)}.csv")
    s.equal("a late row is a record", answer["records"], len(moved))
    s.check("and changes no closed window", answer["verdicts"] == plain["verdicts"])


def contract(s, folder, rows):
    """Encoded with the contract: a row that does not fit cannot be decoded."""
    strict = json.loads(json.dumps(SCHEMA))
    strict["fields"][1]["type"] = "double"
    write(os.path.join(folder, "strict.avsc"), strict)
    stream = {**STREAM, "contract": {"schema": "strict.avsc"}}
    conf = config(folder, stream, {"immediate": [{"alert": "Bad", "measure": "violating_records", "above": 10000}]}, "strict")
    answer = backtest(conf, "--file", f"pay={save(folder, 'rows', rows)}.csv")
    for v in answer["verdicts"]:
        begin, end = span(v)
        if v["value"] is not None:
            inside = [r["amount"] for r in rows if begin <= r["at"] < end]
            want = sum(a is None or not 0 <= a <= 100 for a in inside)
            if v["value"] != want:
                s.fail("rows that do not fit the contract are violations", f"{v}: expected {want}")
                return
    s.check("rows that do not fit the contract are violations", True)


def nested(s, folder):
    """Elements of arrays and maps of JSON Lines, and the rules that look at other fields, records before or a clock."""
    r, rows, begin = np.random.default_rng(SEED), [], 1_700_006_400_000
    for i in range(6 * 60 + 2):
        at = begin + i * MINUTE
        rows.append({"at": at, "id": f"x{i - 1 if i == 70 else i}", "n": 5 if i == 130 else i, "made": at - (2 * HOUR if i == 190 else 1000),
                     "a": 9 if i in (200, 201) else 1, "b": 2, "items": [{"price": float(p), "tags": ["q"] * int(p)} for p in
                                                                     r.integers(0, 5, int(r.integers(0, 4)))],
                     "grid": [[float(i), 1.0], []], "scores": {f"k{r.integers(0, 99)}": float(k) for k in range(i % 3)}})
    path = write(os.path.join(folder, "nested.jsonl"), "".join(json.dumps(x) + "\n" for x in rows))
    fields = {"id": {"type": "categorical", "unique": "1h"}, "n": {"type": "numeric", "monotonic": "increasing"},
              "made": {"type": "time", "freshness": "1h"}, "items[].price": {"type": "numeric"}}
    stream = {"name": "pay", "topic": "pay", "event_time": "at", "window": "1h", "slide": "1h", "lateness": "30s", "fields": fields,
              "rules": [{"name": "ordered", "expr": "a <= b"}]}
    values = {"items[].price": lambda x: [i["price"] for i in x["items"]], "grid[][]": lambda x: x["grid"][0],
              "scores{}": lambda x: list(x["scores"].values())}
    broken = {"n": 130, "id": 70, "made": 190}
    for form in ("avro", "json"):
        paths = [k for k in values if form == "json" or "{" not in k]
        conf = config(folder, {**stream, "format": form, "fields": {**fields, **({"scores{}": {"type": "numeric"}} if form == "json" else {})}},
                      {"immediate": [{"alert": "Bad", "measure": "violating_records", "above": 10000}],
                       "daily": [{"alert": f"Mean{i}", "field": k, "measure": "mean", "above": 10000} for i, k in enumerate(paths)]}, form)
        got = {(v["rule"], ms(v["window"]["from"])): v["value"] for v in backtest(conf, "--file", f"pay={path}")["verdicts"]}
        for hour in range(6):
            inside = rows[hour * 60:hour * 60 + 60]
            for i, k in enumerate(paths):
                s.check(f"{form}, hour {hour}: {k}", abs(got[f"Mean{i}", begin + hour * HOUR] - np.mean(sum(map(values[k], inside), []))) < 1e-12,
                        got[f"Mean{i}", begin + hour * HOUR])
            want = sum(hour * 60 <= i < hour * 60 + 60 for i in list(broken.values()) + [200, 201])
            s.equal(f"{form}, hour {hour}: rules over other fields, records and a clock", got["Bad", begin + hour * HOUR], want)
        code, _, err = kdrift("baseline", "--config", conf, "--stream", "pay", "--file", path, "--out", os.path.join(folder, "n.json"))
        s.check(f"{form}: a baseline names the rules that it does not judge", code == 0 and
                "id.unique, n.monotonic, made.freshness, ordered; kdrift backtest" in err, err)


OTHER = {"immediate": RULES["immediate"], "daily": [{**RULES["daily"][0], "above": 40}, RULES["daily"][2]],
         "weekly": [{**RULES["weekly"][0], "above": 70}, RULES["daily"][1]]}


def firing(answer, rules):
    """Tier -> {(rule, field, window)} that fire."""
    tier = {r["alert"]: t for t, listed in rules.items() for r in listed}
    out = {t: set() for t in ("immediate", "daily", "weekly")}
    for v in answer["verdicts"]:
        if v["state"] == "firing":
            out[tier[v["rule"]]].add((v["rule"], v["field"], *span(v)))
    return out


def expand(runs, length):
    """The windows of {from, to, windows}s, hour by hour."""
    return {(r["alert"], r["field"], end - length[r["alert"]], end) for r in runs
            for end in range(ms(r["from"]) + length[r["alert"]], ms(r["to"]) + 1, HOUR)}


def diff(s, folder, conf, base, answer):
    config(folder, STREAM, OTHER, "other")
    other = os.path.join(folder, "other-alerts")
    got = backtest(conf, "--file", f"pay={base}.csv", "--alerts", other)
    alone = backtest(config(folder, STREAM, OTHER, "other"), "--file", f"pay={base}.csv")
    s.check("--alerts: the answer is that of the other rules", got["verdicts"] == alone["verdicts"] and all(
        [p["id"] for p in got["tiers"][t]["pages"]] == [p["id"] for p in alone["tiers"][t]["pages"]] for t in alone["tiers"]))
    before, now = firing(answer, RULES), firing(alone, OTHER)
    length = {"Long": 3 * HOUR} | {a: HOUR for a in ("Violations", "Mean", "Missing", "Volume")}
    for tier, d in got["diff"].items():
        s.check(f"--alerts: what fires newly, {tier}", expand(d["new"], length) == now[tier] - before[tier], d["new"][:3])
        s.check(f"--alerts: what no longer fires, {tier}", expand(d["gone"], length) == before[tier] - now[tier], d["gone"][:3])
        s.equal(f"--alerts: pages, {tier}", d["pages"], {k: len(a["tiers"][tier]["pages"]) for k, a in (
            ("current", answer), ("changed", alone))})
    s.check("--alerts: each tier's windows are counted", all(r["windows"] == len(expand([r], length))
            for d in got["diff"].values() for k in ("new", "gone") for r in d[k]))
    code, out, err = kdrift("backtest", "--config", conf, "--file", f"pay={base}.csv", "--alerts", other)
    s.check("--alerts: in words", code == 0 and "fires newly: Mean on pay amount" in out and "no longer:" in out, out + err)
    code, _, err = kdrift("backtest", "--config", conf, "--file", f"pay={base}.csv", "--alerts", "nowhere")
    s.check("--alerts: no such directory", code == 1 and "nowhere" in err, err)


def gate(s, conf, base):
    cases = {"mean>1e9": (0, ""), "amount:mean>60": (1, "amount: mean"), "immediate>0": (1, "immediate has 1 page"),
             "immediate>1, weekly>2": (0, ""), "ks>0.1": (1, "no rule"), "nix:mean>0": (1, "no rule"), "mean>x": (2, "number"),
             "meen>1": (2, "did you mean mean"), "daily>=3": (1, "daily has 3 pages")}
    for condition, (want, word) in cases.items():
        code, _, err = kdrift("backtest", "--config", conf, "--file", f"pay={base}.csv", "--fail-on", condition)
        s.check(f"--fail-on {condition}", code == want and word in err, f"{code}: {err}")


def page(s, folder, conf, base):
    path = os.path.join(folder, "report.html")
    code, _, err = kdrift("backtest", "--config", conf, "--file", f"pay={base}.csv", "--alerts",
                          os.path.join(folder, "other-alerts"), "--html", path)
    with open(path, encoding="utf-8") as f:
        html = f.read()
    s.check("--html: a page", code == 0 and html.startswith("<!DOCTYPE html>") and html.rstrip().endswith("</html>"), err)
    rest = html.replace('xmlns="http://www.w3.org/2000/svg"', "")
    s.check("--html: nothing from elsewhere", not any(w in rest for w in ("http:", "https:", "<script", "src=", "@import")))
    s.check("--html: a picture a rule, and what changed", html.count("<svg") >= 5 and "fires newly" in html and
            "Mean on pay" in html, html.count("<svg"))
    code, _, err = kdrift("backtest", "--config", conf, "--file", f"pay={base}.csv", "--html", "/nowhere/x.html")
    s.check("--html: a place that cannot be written", code == 1 and "/nowhere/x.html" in err, err)


def text(s, conf, base):
    code, out, err = kdrift("backtest", "--config", conf, "--file", f"pay={base}.csv")
    s.check("text for people", code == 0 and "immediate: 2 messages, 1 page" in out and "Mean on pay" in out, out + err)


def refusals(s, folder, conf, base):
    cases = {
        "no file": ([], 2, "--file"), "not STREAM=FILE": (["--file", f"{base}.csv"], 2, "STREAM=FILE"),
        "no such stream": (["--file", f"nix={base}.csv"], 1, "no stream nix"),
        "no such file": (["--file", "pay=nowhere.csv"], 1, "nowhere.csv"),
        "a time that is none": (["--file", "pay=" + write(os.path.join(folder, "bad.csv"), "at,amount\nsoon,1\n")], 1, "bad.csv:2"),
        "no column of the event time": (["--file", "pay=" + write(os.path.join(folder, "none.csv"), "x\n1\n")], 1, "event_time")}
    for name, (args, want, word) in cases.items():
        code, out, err = kdrift("backtest", "--config", conf, *args, "--json")
        s.check(f"refused: {name}", code == want and word in err and out == "", f"{code}: {err}")


def main():
    with Suite("backtest") as s:
        print(f"  seed {SEED}")
        folder = os.path.join(s.tmp, "rows")
        os.makedirs(folder)
        rows = make_rows()
        conf, base, answer = values(s, folder, rows)
        same(s, conf, base, answer, folder, rows)
        late(s, folder, rows)
        contract(s, folder, rows)
        nested(s, folder)
        diff(s, folder, conf, base, answer)
        gate(s, conf, base)
        page(s, folder, conf, base)
        text(s, conf, base)
        refusals(s, folder, conf, base)
        elec2(s)


main()
