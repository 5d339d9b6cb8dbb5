#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""JSON Schemas and records for them, with what Python's json and jsonschema say.

usage: make_json_cases.py --seed S --cases N            N random schemas with eight records each
       make_json_cases.py --seed S --cases N --mutate   the same records with bytes flipped, cut and inserted

A line is {"schema", "record": hex, "verdict", "kinds", "values"}; without "schema" that of the line before holds.
verdict: "ok", "undecodable" or "either" (a key stands twice); kinds: of breaches, sorted; values: by path, in the
record's order, `null` for one of a type that the field does not count.
"""
import argparse
import datetime
import json
import math
import random
import re
import sys

import jsonschema

DRAFTS = {
    "http://json-schema.org/draft-04/schema#": jsonschema.Draft4Validator,
    "http://json-schema.org/draft-06/schema#": jsonschema.Draft6Validator,
    "http://json-schema.org/draft-07/schema#": jsonschema.Draft7Validator,
    "https://json-schema.org/draft/2019-09/schema": jsonschema.Draft201909Validator,
    "https://json-schema.org/draft/2020-12/schema": jsonschema.Draft202012Validator,
}
NAMES = ["a", "b", "amount", "currency", "x y", "größe", "a_rather_long_name_of_a_field", "a_rather_long_name_of_another",
         "id", "values", "$odd", "then0"]
TEXTS = ["", "a", "EUR", "USD", "grün", "日本語", "\U0001f600 ok", "tab\tnul\x00end", "0123456789abcdef" * 3, "7", "true"]
PATTERNS = ["^[A-Z]{3}$", "\\d", "^.{0,3}$", "[^a-z]", "^(a|EUR|[A-Za-z_]+)$", "\\u0041|x", "ü"]
NUMBERS = [0, 1, -1, 3, 7.5, -0.25, 1e30, 1e-7, 2 ** 53, 2 ** 63, 2 ** 64, -2 ** 63, 10 ** 40, 2.0, 100]
KINDS = {"type": "wrong_type", "required": "missing_field", "enum": "allowed", "const": "allowed", "minimum": "range",
         "maximum": "range", "exclusiveMinimum": "range", "exclusiveMaximum": "range", "minLength": "length",
         "maxLength": "length", "minItems": "length", "maxItems": "length", "minProperties": "length",
         "maxProperties": "length", "pattern": "pattern", "format": "pattern"}
WITHIN = {"propertyNames", "then", "else", "dependentSchemas", "dependencies"}


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def scalar(self, kind, old):
        rng, s = self.rng, {"type": kind}
        if kind in ("integer", "number") and rng.random() < 0.4:
            low = rng.choice([-5, 0, 1, 2.5])
            s["minimum"] = low
            if rng.random() < 0.5:
                s["maximum"] = low + rng.choice([0, 3, 1000])
            if rng.random() < 0.3:
                s["exclusiveMinimum"] = True if old else low
            if rng.random() < 0.3:
                s["multipleOf"] = rng.choice([1, 2, 0.5])
        if kind == "string":
            what = rng.random()
            if what < 0.15:
                s["enum"] = rng.sample(TEXTS, 3)
            elif what < 0.3:
                s["minLength"], s["maxLength"] = rng.choice([(0, 3), (1, 5), (2, 48)])
            elif what < 0.45:
                s["pattern"] = rng.choice(PATTERNS)
            elif what < 0.6:
                s["format"] = rng.choice(["date-time", "date", "uuid", "ipv4"])
        return s

    def schema(self, depth, draft):
        rng, old = self.rng, "draft-04" in draft
        what = rng.random()
        if depth <= 0 or what < 0.4:
            s = self.scalar(rng.choice(["integer", "number", "string", "boolean"]), old)
            if rng.random() < 0.2:
                s["type"] = [s["type"], "null"]
                if "enum" in s:
                    s["enum"] = s["enum"] + [None]
            return s
        if what < 0.5:
            return {rng.choice(["oneOf", "anyOf"]): [{"type": "null"}, self.schema(depth - 1, draft)]}
        if what < 0.6:
            s = {"type": "array", "items": self.schema(depth - 1, draft)}
            if rng.random() < 0.3:
                s["minItems"], s["maxItems"] = 1, 3
            if rng.random() < 0.3:
                s["uniqueItems"] = True
            if rng.random() < 0.2 and not old:
                s["contains"] = {"type": rng.choice(["string", "number", "object"])}
            return s
        if what < 0.68:
            return {"type": "object", "additionalProperties": self.schema(depth - 1, draft)}
        if what < 0.74 and self.shared:
            return {"$ref": "#/definitions/" + rng.choice(sorted(self.shared))}
        return self.record(depth, draft)

    def record(self, depth, draft):
        rng, old = self.rng, "draft-04" in draft
        s = {"type": "object", "properties": {n: self.schema(depth - 1, draft)
                                              for n in rng.sample(NAMES, rng.randint(1, 5))}}
        names = list(s["properties"])
        if rng.random() < 0.6:
            s["required"] = rng.sample(names, rng.randint(1, len(names)))
        what = rng.random()
        if what < 0.25:
            s["additionalProperties"] = False
        elif what < 0.35:
            s["patternProperties"] = {"^x": {"type": "number"}}
        elif what < 0.42:
            s["minProperties"], s["maxProperties"] = 1, 3
        elif what < 0.5:
            s["dependencies" if "2019" not in draft and "2020" not in draft else "dependentRequired"] = {names[0]: [names[-1]]}
        elif what < 0.55 and not old:
            s["propertyNames"] = {"maxLength": 6}
        elif what < 0.6:
            s["allOf"] = [{"required": [names[0]]}, {"properties": {names[-1]: {"minimum": 1, "maxLength": 5}}}]
        elif what < 0.65:
            s["not"] = {"required": [rng.choice(NAMES)]}
        elif what < 0.7 and "draft-04" not in draft and "draft-06" not in draft:
            s["if"] = {"required": [names[0]]}
            s["then"] = {"required": [names[-1]]}
            s["else"] = {"maxProperties": 1}
        return s

    def document(self):
        draft = self.rng.choice(list(DRAFTS))
        self.shared = {}
        for name in ["P", "Q"][:self.rng.randint(0, 2)]:
            self.shared[name] = self.record(2, draft)
        s = self.record(self.rng.randint(1, 4), draft)
        s["$schema"], s["definitions"] = draft, self.shared
        return s

    # A value that mostly suits.
    def value(self, s, root, depth=0):
        rng = self.rng
        if rng.random() < 0.04 or depth > 12:
            return rng.choice([None, 5, "x", True, [], {}, [1, "a"], {"a": 1}, 2.5])
        if "$ref" in s:
            return self.value(root["definitions"][s["$ref"].split("/")[-1]], root, depth + 1)
        for key in ("oneOf", "anyOf"):
            if key in s:
                return self.value(rng.choice(s[key]), root, depth + 1)
        kind = s.get("type")
        if isinstance(kind, list):
            kind = rng.choice(kind)
        if "enum" in s and rng.random() < 0.9:
            return rng.choice(s["enum"])
        if kind == "null":
            return None
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "integer":
            return rng.choice([0, 1, 2, 3, 4, 10, 2.0, 10 ** 25]) if rng.random() < 0.6 else rng.randint(-10, 3000)
        if kind == "number":
            return rng.choice(NUMBERS) if rng.random() < 0.6 else rng.uniform(-10, 1000)
        if kind == "string":
            if "format" in s and rng.random() < 0.9:
                return {"date-time": "2024-02-29T12:34:56.789+01:30", "date": "2023-12-31", "ipv4": "10.0.0.255",
                        "uuid": "2f1e8d5c-0000-4000-8000-123456789abc"}[s["format"]]
            return rng.choice(TEXTS)
        if kind == "array":
            return [self.value(s["items"], root, depth + 1) for _ in range(rng.randint(0, 4))]
        out = {}
        for name, below in s.get("properties", {}).items():
            if rng.random() < 0.85:
                out[name] = self.value(below, root, depth + 1)
        if "properties" not in s or rng.random() < 0.1:
            for name in rng.sample(NAMES + ["x1", "other"], rng.randint(0, 3)):
                out.setdefault(name, self.value(s.get("additionalProperties") or {"type": "number"}, root, depth + 1))
        return out


# --- what is expected ------------------------------------------------------------------------------------

def moment(v):
    """Milliseconds of RFC 3339's date or date-time; None: it is neither."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?", v, re.ASCII):
        return None
    try:
        t = datetime.datetime.fromisoformat(v.upper())
    except ValueError:
        return None
    t = t if t.tzinfo else t.replace(tzinfo=datetime.timezone.utc)
    return round((t - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) / datetime.timedelta(milliseconds=1))


class Fields:
    """The fields of a schema made above: path -> type, and a record's values by path."""

    def __init__(self, root):
        self.root = root
        self.values = {}

    def branches(self, s):
        if s is True or s == {} or s is None:
            return [{}]
        if "$ref" in s:
            return self.branches(self.root["definitions"][s["$ref"].split("/")[-1]])
        out = [s]
        for key in ("oneOf", "anyOf", "allOf"):
            for b in s.get(key, []):
                out += self.branches(b)
        return out

    def kinds(self, all_):
        found = []
        for b in all_:
            t = b.get("type", [])
            found += t if isinstance(t, list) else [t]
        return found

    def take(self, s_list, v, path, inside):
        all_ = [b for s in s_list for b in self.branches(s)]
        kinds = self.kinds(all_)
        ident = tuple(sorted({id(b) for b in all_ if "properties" in b}))
        # A record within itself is not followed.
        if any(ident and set(ident) == set(i) for i in inside):
            return
        inside = inside + [ident]
        scalar = self.type_of(all_, kinds)
        if v is not None and scalar:
            self.values.setdefault(path or "value", []).append(self.converted(scalar, all_, v))
        if isinstance(v, dict) and "object" in kinds:
            names = [n for b in all_ for n in b.get("properties", {})]
            for name, below in v.items():
                if names and name not in names:
                    continue
                if names:
                    self.take([b["properties"][name] for b in all_ if name in b.get("properties", {})], below,
                              f"{path}.{name}" if path else name, inside)
                else:
                    self.take([b["additionalProperties"] for b in all_ if isinstance(b.get("additionalProperties"), dict)],
                              below, (path or "value") + "{}", inside)
        if isinstance(v, list) and "array" in kinds:
            for item in v:
                self.take([b["items"] for b in all_ if "items" in b], item, (path or "value") + "[]", inside)

    def type_of(self, all_, kinds):
        if "integer" in kinds or "number" in kinds:
            return "number"
        if "boolean" in kinds and "string" not in kinds:
            return "boolean"
        if "boolean" in kinds:
            return "boolean"
        if "string" in kinds:
            formats = [b.get("format") for b in all_ if b.get("format") in ("date-time", "date")]
            return "time" if formats else "string"
        return None

    def converted(self, scalar, all_, v):
        number = isinstance(v, (int, float)) and not isinstance(v, bool)
        if scalar == "number":
            if not number:
                return None
            v = float(str(v))  # an int past the doubles is infinite
            return str(v) if math.isinf(v) else v
        if scalar == "boolean":
            return v if isinstance(v, bool) else None
        if not isinstance(v, str):
            return None
        if scalar == "string":
            return v
        return moment(v)


def is_nullable(e, root):
    """One of null and a type: what it breaks is that type's."""
    if e.validator not in ("oneOf", "anyOf") or len(e.validator_value) != 2 or {"type": "null"} not in e.validator_value:
        return False
    other = [b for b in e.validator_value if b != {"type": "null"}]
    if e.validator == "anyOf" or not other:
        return bool(other)
    s = other[0]
    while "$ref" in s:
        s = root["definitions"][s["$ref"].split("/")[-1]]
    return "type" in s and "null" not in s["type"]


def kind_of(e, root):
    if is_nullable(e, root):
        found = set()
        for c in e.context:
            if e.validator_value[c.schema_path[0]] != {"type": "null"}:
                found |= kind_of(c, root)
        return found or {"rule"}
    if WITHIN & set(map(str, list(e.schema_path)[:-1])) or e.validator not in KINDS:
        return {"rule"}
    return {KINDS[e.validator]}


def breaches(schema, record):
    cls = DRAFTS[schema["$schema"]]
    checker = jsonschema.FormatChecker(["date", "ipv4", "uuid"])
    checker.checks("date-time")(lambda v: not isinstance(v, str) or (len(v) > 10 and moment(v) is not None))
    kinds = set()
    for e in cls(schema, format_checker=checker).iter_errors(record):
        kinds |= kind_of(e, schema)
    return sorted(kinds)


def refuse(name):
    raise ValueError(name)


class Twice(Exception):
    pass


def read(raw):
    """-> (verdict, record)"""
    twice = []

    def pairs(items):
        if len({k for k, _ in items}) < len(items):
            twice.append(1)
        return dict(items)
    try:
        record = json.loads(raw.decode("utf-8"), parse_constant=refuse, object_pairs_hook=pairs)
        json.dumps(record, ensure_ascii=False).encode("utf-8")  # no lone surrogates
    except (ValueError, RecursionError):
        return "undecodable", None
    return ("either" if twice else "ok"), record


def big(v):
    if isinstance(v, dict):
        return any(map(big, v.values()))
    return any(map(big, v)) if isinstance(v, list) else isinstance(v, (int, float)) and abs(v) > 2 ** 53


def text_of(rng, record):
    style = rng.random()
    if style < 0.3:
        return json.dumps(record, indent=rng.choice([1, 4]), ensure_ascii=False)
    if style < 0.6:
        return json.dumps(record, separators=(",", ":"))
    return json.dumps(record, ensure_ascii=False)


def mutate(rng, raw):
    raw = bytearray(raw)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(raw) + 1)
        what = rng.random()
        if what < 0.4 and at < len(raw):
            raw[at] ^= 1 << rng.randrange(8)
        elif what < 0.6:
            raw[at:at] = bytes([rng.choice(b'{}[]",:0e-.\\tn\xff\x00 ')])
        elif what < 0.8:
            del raw[at:at + rng.randint(1, 4)]
        else:
            del raw[at:]
    return bytes(raw)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, required=True)
    p.add_argument("--cases", type=int, required=True)
    p.add_argument("--mutate", action="store_true")
    a = p.parse_args()
    rng = random.Random(a.seed)
    maker = Maker(rng)
    for _ in range(a.cases):
        schema = maker.document()
        shown = {"schema": schema}
        for _ in range(8):
            raw = text_of(rng, maker.value(schema, schema)).encode("utf-8")
            if a.mutate:
                raw = mutate(rng, raw)
            verdict, record = read(raw)
            if verdict == "ok" and ("multipleOf" in json.dumps(schema) or "draft-04" in schema["$schema"]) and big(record):
                verdict = "either"  # a double has not the last digits, nor draft 4's word of what is an integer
            line = dict(shown, record=raw.hex(), verdict=verdict)
            if verdict == "ok":
                fields = Fields(schema)
                fields.take([schema], record, "", [])
                line["kinds"] = breaches(schema, record)
                line["values"] = fields.values
            print(json.dumps(line))
            shown = {}


if __name__ == "__main__":
    sys.exit(main())
