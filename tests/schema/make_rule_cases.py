#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Avro schemas with rules in them, random records written by fastavro, and the rules that each record breaks, as
Google's implementation of CEL judges them (cel-expr-python).

usage: make_rule_cases.py --seed 20261121 --cases 60 > tests/data/rule_cases.jsonl

A line: {"schema", "rule_set" (both only where they change), "hex", "breaches": [[rule, field's path or ""], ...]}.
The walk is written from the words of docs/rules.md: a field's rule is skipped where the field is null, a record's
where an error has a null behind it; every element is judged, and a rule is broken once a record and place.
"""
import argparse
import io
import json
import random
import re

import fastavro
from cel_expr_python import cel

ADDRESS = {
    "type": "record", "name": "Address",
    "confluent:rules": [{"name": "zipOrCity", "expr": "this.zip != '' || this.city != ''"}],
    "fields": [{"name": "zip", "type": "string",
                "confluent:rules": [{"name": "zipLong", "expr": "this.size() > 3"}]},
               {"name": "city", "type": ["string", "null"]}]}
PERSON = {
    "type": "record", "name": "Person", "namespace": "t",
    "confluent:rules": [{"name": "ageNotInsane", "expr": "this.age <= 150"},
                        {"name": "ordered", "expr": "this.start <= this.end", "doc": "it must not end before it starts"},
                        {"name": "message", "expr": "this.age > 140 ? 'too old' : ''"},
                        {"name": "overflow", "expr": "this.big + 1 > 0"},
                        {"name": "nested", "expr": "this.home == null || this.home.zip.size() == 5"},
                        {"name": "cityKnown", "expr": "this.home.city != null"},
                        {"name": "few", "expr": "size(this.items) < 4 && this.items.size() != 1"},
                        {"name": "hasEnd", "expr": "has(this.end)"}],
    "fields": [
        {"name": "age", "type": "int", "confluent:rules": [{"name": "agePositive", "expr": "this >= 0"}]},
        {"name": "name", "type": ["null", "string"], "confluent:tags": ["PII"],
         "confluent:rules": [{"name": "nameNotEmpty", "expr": "size(this) > 0"},
                             {"name": "nameListed", "expr": "this in ['b', 'Ann', 'anna']"},
                             {"name": "nameLooks", "expr": "this.matches('^[A-Zé][a-z]*$')"}]},
        {"name": "start", "type": "long"},
        {"name": "end", "type": ["null", "long"]},
        {"name": "big", "type": "long"},
        {"name": "score", "type": ["null", "double", "int"],
         "confluent:rules": [{"name": "scoreRange", "expr": "this >= 0.0 && this <= 1.0"}]},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B", "C"]},
         "confluent:rules": [{"name": "kindKnown", "expr": "this in ['A', 'B']"}]},
        {"name": "ok", "type": "boolean", "confluent:rules": [{"name": "isOk", "expr": "this"}]},
        {"name": "home", "type": ["null", ADDRESS],
         "confluent:rules": [{"name": "homeZip", "expr": "this.zip.startsWith('1')"}]},
        {"name": "work", "type": ["null", "t.Address"]},
        {"name": "items", "type": {"type": "array", "items": {
            "type": "record", "name": "Item",
            "confluent:rules": [{"name": "discounted", "expr": "this.discount <= this.price"}],
            "fields": [{"name": "price", "type": "double",
                        "confluent:rules": [{"name": "pricePositive", "expr": "this > 0.0"}]},
                       {"name": "discount", "type": ["null", "double"]},
                       {"name": "tags", "type": {"type": "map", "values": "string"}, "confluent:tags": ["T"]}]}},
         "confluent:rules": [{"name": "itemsSome", "expr": "size(this) > 0"}]},
        {"name": "blob", "type": "bytes", "confluent:rules": [{"name": "blobShort", "expr": "size(this) < 4"}]},
    ]}
RULE_SET = {"domainRules": [
    {"name": "domAge", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "message.age != 7"},
    {"name": "domGuard", "kind": "CONDITION", "type": "CEL", "mode": "WRITEREAD",
     "expr": "message.ok; message.kind == 'A'"},
    {"name": "noEmptyStrings", "kind": "CONDITION", "type": "CEL_FIELD", "mode": "WRITE",
     "expr": "typeName == 'STRING' ; value != ''"},
    {"name": "tagged", "kind": "CONDITION", "type": "CEL_FIELD", "mode": "WRITE", "tags": ["PII", "T"],
     "expr": "typeName == 'STRING' && ('PII' in tags || name == 'tags') && fullName != 'x'; value != 'b'"},
    {"name": "reading", "kind": "CONDITION", "type": "CEL", "mode": "READ", "expr": "false"},
    {"name": "off", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "false", "disabled": True},
    {"name": "transform", "kind": "TRANSFORM", "type": "CEL_FIELD", "mode": "WRITE", "expr": "value + 'x'"}]}
PRIMITIVE = {"boolean": "BOOLEAN", "int": "INT", "long": "LONG", "float": "FLOAT", "double": "DOUBLE",
             "bytes": "BYTES", "string": "STRING"}


class Judge:
    programs = {}  # compiled once for all records

    def __init__(self, rule_set):
        self.rules = [r for r in (rule_set or {}).get("domainRules", [])
                      if r["kind"] == "CONDITION" and r["mode"] != "READ" and not r.get("disabled")]
        self.broken = set()

    def evaluate(self, text, **vars):
        """True, False, None for an error that a null is behind."""
        asked = re.sub(r"has\(([\w.]+)\)", r"(\1 != null)", text)
        key = (asked, tuple(vars))
        if key not in self.programs:
            env = cel.NewEnv(variables={k: cel.Type.DYN for k in vars})
            self.programs[key] = env.compile(asked)
        v = self.programs[key].eval(data=vars)  # an error is a value of type ERROR
        kind = str(v.type().name()).upper()
        if kind.startswith("BOOL"):
            return v.value()
        if kind.startswith("STRING"):
            return v.value() == ""
        for path in re.findall(r"[a-z]+(?:\.[a-z]+)+", asked):
            at = vars.get(path.split(".")[0])
            for name in path.split(".")[1:]:
                if isinstance(at, dict) and name in at:
                    at = at[name]
                    if at is None:
                        return None
        return False

    def judge(self, rule, path, text, **vars):
        if self.evaluate(text, **vars) is False:
            self.broken.add((rule["name"], path))

    def domain(self, rule, path, **vars):
        guard, _, text = rule["expr"].rpartition(";")
        if not guard.strip() or self.evaluate(guard, **vars) is True:
            self.judge(rule, path, text, **vars)

    def value(self, t, v, path, owner, field):
        if isinstance(t, list):
            for part in t:
                if self.fits(part, v):
                    return self.value(part, v, path, owner, field)
        t = ADDRESS if t == "t.Address" else t
        if isinstance(t, str):
            for r in self.rules:
                tags = field.get("confluent:tags", [])
                if v is not None and r["type"] == "CEL_FIELD" and (not r.get("tags") or set(tags) & set(r["tags"])):
                    self.domain(r, path, value=v, typeName=PRIMITIVE[t], tags=tags, name=field["name"],
                                fullName=owner["name"] + "." + field["name"])
        elif t["type"] == "array":
            for item in v:
                self.value(t["items"], item, path + "[]", owner, field)
        elif t["type"] == "map":
            for item in v.values():
                self.value(t["values"], item, path + "{}", owner, field)
        elif t["type"] == "record":
            self.record(t, v, path)

    def fits(self, t, v):
        t = ADDRESS if t == "t.Address" else t
        kind = t if isinstance(t, str) else t["type"]
        return {"null": v is None, "double": isinstance(v, float), "int": isinstance(v, int),
                "long": isinstance(v, int), "string": isinstance(v, str), "record": isinstance(v, dict)}[kind]

    def record(self, t, v, path):
        for r in t.get("confluent:rules", []):
            self.judge(r, "", r["expr"], this=v)
        if not path:
            for r in self.rules:
                if r["type"] == "CEL":
                    self.domain(r, "", message=v)
        for f in t["fields"]:
            at = f"{path}.{f['name']}" if path else f["name"]
            for r in f.get("confluent:rules", []):
                if v[f["name"]] is not None:
                    # An array is not monitored, so a breach is told of the record; nor is a record.
                    told = "" if isinstance(v[f["name"]], (list, dict)) else at
                    self.judge(r, told, r["expr"], this=v[f["name"]])
            self.value(f["type"], v[f["name"]], at, t, f)


def address(r):
    if r.random() < .3:
        return None
    return {"zip": r.choice(["", "123", "12345", "91234"]), "city": r.choice(["", "b", "x", None])}


def person(r):
    items = [{"price": r.choice([-1.0, 0.0, 1.5, 9.0]), "discount": r.choice([None, 0.5, 5.0]),
              "tags": {k: r.choice(["", "b", "c"]) for k in r.sample("pqr", r.randint(0, 2))}}
             for _ in range(r.choice([0, 1, 2, 3, 5]))]
    return {"age": r.choice([-3, 0, 7, 30, 145, 151]), "name": r.choice([None, "", "b", "Ann", "éa", "anna"]),
            "start": r.choice([1, 2, 2**53 + 1]), "end": r.choice([None, 1, 2, 2**53]), "big": r.choice([0, 2**63 - 1]),
            "score": r.choice([None, 0.0, 0.5, 1.5, 1, 2, float("nan")]), "kind": r.choice("ABC"),
            "ok": r.random() < .5, "home": address(r), "work": address(r), "items": items,
            "blob": r.choice([b"", b"abc", b"abcd"])}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seed", type=int, required=True)
    a.add_argument("--cases", type=int, required=True)
    args = a.parse_args()
    r = random.Random(args.seed)
    parsed = fastavro.parse_schema(json.loads(json.dumps(PERSON)))
    for i in range(args.cases):
        line = {}
        if i in (0, args.cases // 2):
            rule_set = RULE_SET if i else None
            line = {"schema": PERSON, "rule_set": rule_set}
        record = person(r)
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, record)
        judge = Judge(rule_set)
        judge.record(PERSON, record, "")
        line |= {"hex": out.getvalue().hex(), "breaches": sorted(judge.broken)}
        print(json.dumps(line, ensure_ascii=True))


if __name__ == "__main__":
    main()
