# SPDX-License-Identifier: Apache-2.0
"""kdrift compare: the same data as CSV, JSON Lines and Avro gives the same answer, which is SciPy's; the
answer's form; the gate's exit codes; what the text says."""
import csv
import json
import os
import pty
import subprocess
from html.parser import HTMLParser

import fastavro
import numpy as np
from scipy import stats

from lib.monitor import kdrift
from lib.suite import KDRIFT, Suite

N, M = 4000, 3000
SCHEMA = {"type": "record", "name": "Row", "fields": [
    {"name": "amount", "type": ["null", "double"]}, {"name": "count", "type": "long"},
    {"name": "currency", "type": "string"}, {"name": "new", "type": "boolean"}]}


def rows(rng, n, shift, currencies):
    for i in range(n):
        yield {"amount": None if i % 50 == 3 else float(np.round(rng.normal(shift, 2), 6)), "count": int(rng.poisson(4)),
               "currency": str(rng.choice(currencies)), "new": bool(rng.random() < 0.3)}


def cell(v):
    return "" if v is None else str(v).lower() if isinstance(v, bool) else str(v)


def write(folder, name, data):
    """The data in all three formats -> {ending: path}"""
    paths = {e: os.path.join(folder, f"{name}.{e}") for e in ("csv", "jsonl", "avro")}
    with open(paths["csv"], "w", newline="", encoding="utf-8") as f:
        w = csv.writer(f)
        w.writerow(data[0])
        w.writerows([cell(v) for v in r.values()] for r in data)
    with open(paths["jsonl"], "w", encoding="utf-8") as f:
        f.writelines(json.dumps(r) + "\n" for r in data)
    with open(paths["avro"], "wb") as f:
        fastavro.writer(f, SCHEMA, data, codec="deflate")
    return paths


def answer(*args):
    code, out, err = kdrift("compare", *args, "--json")
    return code, json.loads(out) if out else None, err


def near(a, b):
    return abs(a - b) <= 1e-9 * abs(b)


def formats(s, r, c, reference, current):
    code, by_csv, err = answer(r["csv"], c["csv"])
    s.check("CSV files are compared", code == 0 and err == "", err)
    s.equal("rows", by_csv["rows"], {"reference": N, "current": M})
    s.equal("types", {k: f["type"] for k, f in by_csv["fields"].items()},
            {"amount": "numeric", "count": "numeric", "currency": "categorical", "new": "boolean"})
    s.equal("missing", by_csv["fields"]["amount"]["missing"], {"reference": N // 50, "current": M // 50})
    for ending in ("jsonl", "avro"):
        s.equal(f"{ending} says the same", answer(r[ending], c[ending])[1], by_csv)
    s.equal("formats may differ", answer(r["avro"], c["csv"])[1], by_csv)
    x, y = ([v["amount"] for v in side if v["amount"] is not None] for side in (reference, current))
    got = by_csv["fields"]["amount"]["measures"]
    want = {"ks": stats.ks_2samp(x, y).statistic, "ks_p.evidently": stats.ks_2samp(x, y).pvalue,
            "wasserstein": stats.wasserstein_distance(x, y), "energy": stats.energy_distance(x, y),
            "t_p": stats.ttest_ind(x, y, equal_var=False).pvalue, "mean_shift": (np.mean(y) - np.mean(x)) / np.std(x)}
    s.check("numbers are SciPy's", all(near(got[k], v) for k, v in want.items()), f"{got} instead of {want}")
    s.check("an equal pair does not drift", all(answer(r["csv"], r["csv"])[1]["fields"][f]["measures"]["js"] == 0
                                                 for f in ("amount", "count", "currency", "new")))


def gate(s, r, c):
    def run(*conditions):
        args = [a for x in conditions for a in ("--fail-on", x)]
        code, _, err = kdrift("compare", r["csv"], c["csv"], *args)
        return code, err
    code, err = run("psi>0.2")
    s.check("a broken condition is exit 1 and named", code == 1 and "currency: psi is" in err and "amount" not in err, err)
    s.equal("a kept condition is exit 0", run("psi>100, ks>=1")[0], 0)
    s.equal("for one field", run("amount:psi>0.2")[0], 0)
    s.equal("several with commas", run("amount:psi>0.2,currency:linf > 0.01")[0], 1)
    s.equal("several options", run("psi>100", "amount:ks_p<0.01")[0], 1)
    s.equal("<= and >=", [run("amount:missing_ratio<=0.02")[0], run("amount:missing_ratio<0.02")[0],
                          run("amount:missing_ratio>=0.02")[0], run("amount:missing_ratio>0.02")[0]], [1, 0, 1, 0])
    code, err = run("nothing:psi>0.2")
    s.check("a field that is not there has not passed", code == 1 and "nothing: psi is not known: no such field" in err, err)
    code, err = run("currency:ks>0.2")
    s.check("a measure that the field has not has not passed", code == 1 and "currency: ks is not known" in err, err)
    for wrong in ("psii>1", "psi", "psi>x", "psi=1", "amount:>1"):
        code, err = run(wrong)
        s.check(f"'{wrong}' is wrong usage", code == 2 and "kdrift compare: --fail-on" in err, f"{code} {err}")
    s.check("a wrong measure is answered with all of them", "wasserstein.evidently" in run("psii>1")[1])
    code, _, err = kdrift("compare", r["csv"])
    s.equal("one file is wrong usage", code, 2)
    code, _, err = kdrift("compare", r["csv"], c["csv"] + ".gone.csv")
    s.check("a missing file is exit 1 and named", code == 1 and ".gone.csv: No such file" in err, err)


def unlike(s):
    """Files that do not have the same columns or types."""
    def put(name, text):
        path = os.path.join(s.tmp, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path
    a = put("a.csv", "x,only_a,mixed,empty\n1,1,1.50,\n2,1,2,\n3,1,3,\n")
    b = put("b.csv", "x,only_b,mixed,empty\n1,q,1.50,7\n2,q,two,8\n3,q,3,9\n")
    code, got, err = answer(a, b)
    fields = got["fields"]
    s.equal("every field of either file", (code, list(fields)), (0, ["x", "only_a", "mixed", "empty", "only_b"]))
    s.equal("what is text on one side is on both", (fields["mixed"]["type"], fields["mixed"]["measures"]["tvd"] * 3),
            ("categorical", 1))
    s.equal("a column of one file is missing in the other",
            [fields["only_a"]["measures"]["missing_ratio"], fields["only_b"]["measures"]["missing_ratio"]], [1, 0])
    s.check("and is not compared", "psi" not in fields["only_a"]["measures"] and "psi" not in fields["only_b"]["measures"])
    s.equal("a gate does not pass what cannot be compared", kdrift("compare", a, b, "--fail-on", "psi>1000")[0], 1)
    near53 = [put(f"{x}.csv", f"id\n{2**53 + x}\n{2**53 + x}\n") for x in (0, 1)]
    s.equal("neighbours past 2^53 are two values", answer(*near53)[1]["fields"]["id"]["measures"]["ks"], 1)
    code, out, _ = kdrift("compare", a, b)
    s.check("the text says so", "only_a: numeric; reference: 3 values, 0 % missing; no such column in the current file" in out,
            out)


def text(s, r, c):
    code, out, err = kdrift("compare", r["csv"], c["csv"])
    blocks = out.strip().split("\n\n")
    s.check("a block a field, the most drifted first", code == 0 and len(blocks) == 5 and
            blocks[1].startswith("currency: categorical; reference: 4000 values, 0 % missing"), out[:900])
    s.equal("no bar where there is no terminal", err, "")
    # The bar goes to a terminal's stderr.
    parent, child = pty.openpty()
    p = subprocess.Popen([KDRIFT, "compare", r["csv"], c["csv"]], stdout=subprocess.DEVNULL, stderr=child)
    p.wait()
    os.close(child)
    s.check("a bar on a terminal", b"[====" in os.read(parent, 65536))
    os.close(parent)
    code, out, _ = kdrift("measures")
    s.check("kdrift measures explains them", code == 0 and "wasserstein.evidently" in out and "as computed by NannyML" in out)
    listed = json.loads(kdrift("measures", "--json")[1])
    printed = {m for f in answer(r["csv"], c["csv"])[1]["fields"].values() for m in f["measures"]}
    s.equal("and every one that is printed", printed - {m["measure"] for m in listed}, set())


CART = {"type": "record", "name": "Cart", "fields": [
    {"name": "items", "type": {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
        {"name": "price", "type": ["null", "double"]}, {"name": "sku", "type": "string"},
        {"name": "sizes", "type": {"type": "array", "items": ["null", "long"]}}]}}},
    {"name": "flags", "type": {"type": "array", "items": "boolean"}}]}


def carts(rng, n, shift, skus):
    for _ in range(n):
        yield {"items": [{"price": None if rng.random() < 0.1 else round(float(rng.normal(shift, 2)), 6), "sku": str(rng.choice(skus)),
                          "sizes": [None if rng.random() < 0.2 else int(v) for v in rng.poisson(5, rng.integers(0, 3))]}
                         for _ in range(rng.integers(0, 5))],
               "flags": [bool(v) for v in rng.random(rng.integers(0, 3)) < 0.4]}


def elements(s, rng):
    """Each element of an array is a value, and has a place for one, as in the monitor."""
    sides = list(carts(rng, 900, 0, ["a", "b"])), list(carts(rng, 700, 0.5, ["a", "b", "c"]))
    paths = []
    for name, side in zip(("carts", "later"), sides):
        for ending in ("jsonl", "avro"):
            paths.append(os.path.join(s.tmp, f"{name}.{ending}"))
            with open(paths[-1], "w" if ending == "jsonl" else "wb") as f:
                if ending == "jsonl":
                    f.writelines(json.dumps(c) + "\n" for c in side)
                else:
                    fastavro.writer(f, fastavro.parse_schema(json.loads(json.dumps(CART))), side)
    code, got, err = answer(paths[0], paths[2])
    s.check("files with arrays are compared", code == 0, err)
    s.equal("Avro says the same", answer(paths[1], paths[3])[1], got)
    flat = [{"items[].price": [i["price"] for c in side for i in c["items"]],
             "items[].sku": [i["sku"] for c in side for i in c["items"]],
             "items[].sizes[]": [v for c in side for i in c["items"] for v in i["sizes"]],
             "flags[]": [v for c in side for v in c["flags"]]} for side in sides]
    s.equal("paths and types", {k: f["type"] for k, f in got["fields"].items()},
            {"items[].price": "numeric", "items[].sku": "categorical", "items[].sizes[]": "numeric", "flags[]": "boolean"})
    for path, f in got["fields"].items():
        a, b = ([v for v in side[path] if v is not None] for side in flat)
        s.equal(f"{path}: values", f["count"], {"reference": len(a), "current": len(b)})
        s.equal(f"{path}: elements without one", f["missing"], {"reference": len(flat[0][path]) - len(a), "current": len(flat[1][path]) - len(b)})
        s.check(f"{path}: their share", near(f["measures"]["missing_ratio"], 1 - len(b) / len(flat[1][path])), f["measures"]["missing_ratio"])
        if f["type"] == "numeric":
            want = {"ks": stats.ks_2samp(a, b).statistic, "wasserstein": stats.wasserstein_distance(a, b),
                    "mean_shift": (np.mean(b) - np.mean(a)) / np.std(a)}
        else:
            want = {"tvd": sum(abs(a.count(v) / len(a) - b.count(v) / len(b)) for v in set(a) | set(b)) / 2}
        s.check(f"{path}: SciPy's numbers", all(near(f["measures"][k], v) for k, v in want.items()), (f["measures"], want))
    s.equal("a gate on them", [kdrift("compare", paths[0], paths[2], "--fail-on", f"items[].price:ks>{x}")[0] for x in (0.01, 0.9)], [1, 0])
    bare, none = os.path.join(s.tmp, "bare.jsonl"), os.path.join(s.tmp, "none.jsonl")
    with open(bare, "w", encoding="utf-8") as f:
        f.writelines(json.dumps({"items": [{"sku": "a"}] * 3, "flags": []}) + "\n" for _ in range(50))
    with open(none, "w", encoding="utf-8") as f:
        f.writelines(json.dumps({"other": 1}) + "\n" for _ in range(50))
    fields = answer(paths[0], bare)[1]["fields"]
    s.equal("elements without the field miss it", (fields["items[].price"]["missing"]["current"],
                                                   fields["items[].price"]["measures"]["missing_ratio"]), (150, 1))
    s.equal("where there are no elements nothing is missing", (fields["flags[]"]["missing"]["current"],
                                                               "missing_ratio" in fields["flags[]"]["measures"]), (0, False))
    s.equal("nor where there are no arrays", answer(paths[0], none)[1]["fields"]["items[].sku"]["missing"]["current"], 0)


class Page(HTMLParser):
    """What a page holds: the text outside of style, the ids, the links, and whether every element is closed."""
    VOID = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.text, self.crossed = [], [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [v for k, v in attrs.items() if k in ("href", "src") or k.endswith(":href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def page(s, rng):
    """--html: one file that needs nothing else, whatever the files' names and values hold."""
    def put(name, shift, evil):
        path = os.path.join(s.tmp, name)
        with open(path, "w", newline="", encoding="utf-8") as f:
            w = csv.writer(f)
            w.writerow(["same", "shifted", "</p><b>kind", "gone" if shift else "came"] + [f"n{i}" for i in range(1000)])
            for i in range(400):
                w.writerow([i % 7, "" if shift and i % 10 == 0 else rng.normal(shift, 1), evil if i % 2 else "plain",
                            "x"] + [i % 5] * 1000)
        return path
    a, b = put("a.csv", 0, "<script>alert('1')</script>"), put("b.csv", 1, "& more")
    out = os.path.join(s.tmp, "report.html")
    code, printed, err = kdrift("compare", a, b, "--json", "--html", out)
    s.check("--html goes with --json", code == 0 and not err and json.loads(printed)["rows"]["current"] == 400, err)
    with open(out, encoding="utf-8") as f:
        html = f.read()
    p = Page(html)
    words = "\n".join(p.text)
    s.check("the page is well-formed", not p.open and not p.crossed, f"{p.open} {p.crossed}")
    s.check("it has no script and asks for nothing", "script" not in p.tags and "url(" not in html and
            all(x.startswith("#") for x in p.links) and "@import" not in html)
    s.check("ids are unique and every link has its end",
            len(p.ids) == len(set(p.ids)) and {x[1:] for x in p.links} <= set(p.ids))
    s.check("markup of the files is text", "<script>alert('1')</script>" in words and "</p><b>kind" in words)
    order = [words.index(f"\n{x}\n") for x in ("came", "gone", "</p><b>kind", "shifted", "same")]
    s.equal("the most different first", order, sorted(order))
    s.check("a thousand fields are a page of a few megabytes", len(html) < 8e6, len(html))
    s.check("only the first few are unfolded", html.count("<details open>") == 10 and html.count("<details") == 1005)
    s.check("what differs is a sentence", "Missing: 0 % became 10 %. The mean went from" in words and
            "plain went from" not in words and "& more went from 0 % to 50 %" in words and
            "Only the current file has this column." in words, words[:3000])
    s.check("what does not differ is said too", "No difference beyond chance (ks_p 1)." in words)
    code, _, err = kdrift("compare", a, b, "--html", os.path.join(s.tmp, "no", "such.html"))
    s.check("a page that cannot be written is exit 1 and named", code == 1 and "such.html cannot be written: No such file" in err, err)


def main():
    with Suite("compare") as s:
        rng = np.random.default_rng(5)
        reference, current = list(rows(rng, N, 0, ["EUR", "USD"])), list(rows(rng, M, 0.2, ["EUR", "USD", "CHF"]))
        r, c = write(s.tmp, "reference", reference), write(s.tmp, "current", current)
        formats(s, r, c, reference, current)
        gate(s, r, c)
        unlike(s)
        elements(s, rng)
        text(s, r, c)
        page(s, rng)


main()
