#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/avro_cases.jsonl: schemas, records encoded by fastavro, and what each field should give.

usage: make_cases.py > tests/data/avro_cases.jsonl        (needs fastavro)

A line is {"name", "schema", "payload": hex, "values": [[path, kind, value], ...], "event_time", "event_ms"}.
Kinds: n number (a string for NaN and infinities), s text as hex, b boolean, t [milliseconds, whole
milliseconds], o a value of a type that the field does not count. The expectations come from the data that
are encoded and from the documented rules, never from the program under test.
"""
import io
import json
import math
import random
import sys
from decimal import Decimal
from fractions import Fraction

import fastavro

SEED = 20261121
PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
MS = {"timestamp-millis": Fraction(1), "timestamp-micros": Fraction(1, 1000), "timestamp-nanos": Fraction(1, 10**6),
      "time-millis": Fraction(1), "time-micros": Fraction(1, 1000), "date": Fraction(86400000)}
TEXTS = ["", "a", "EUR", "x" * 70, "grün", "日本語テキスト", "\U0001f600 ok", "tab\tnul\x00end", "é" * 9, "12345678",
         "1234567é"]


def single(x):
    import struct
    return struct.unpack("<f", struct.pack("<f", x))[0]


class Maker:
    """Random data of a schema, with what a plan that monitors every field should hand out."""

    def __init__(self, r):
        self.r = r
        self.out = []
        self.names = {}
        self.open = []

    def emit(self, path, kind, value):
        self.out.append([path or "value", kind, value])

    def number(self, path, x):
        self.emit(path, "n", x if math.isfinite(x) else str(x))

    def integer(self, bits):
        r = self.r
        top = 1 << (bits - 1)
        return r.choice([0, 1, -1, 63, 64, -64, -65, top - 1, -top, r.randrange(-top, top), r.randrange(-5000, 5000)])

    def real(self):
        r = self.r
        return r.choice([0.0, -0.0, 1.5, -2.25, 1e300, -1e-300, r.gauss(0, 1e6), math.inf, -math.inf, math.nan])

    def count(self, n):
        return self.r.choice([0, 1, 2, 5, n])

    def make(self, t, path, shown, types):
        """types: what the field at this path is counted as, or None where nothing is shown."""
        if isinstance(t, str) and t in self.names:
            t = self.names[t]
        if isinstance(t, list):
            return self.union(t, path, shown)
        if isinstance(t, str):
            t = {"type": t}
        kind, logical = t["type"], t.get("logicalType")
        r = self.r
        if kind in ("record", "enum", "fixed"):
            self.names[t["name"]] = t
        wanted = shown and (types is None or self.counted(t, types))
        if shown and not wanted and kind != "null":
            self.emit(path, "o", None)
        if kind == "null":
            return None
        if kind == "boolean":
            v = r.random() < 0.5
            if wanted:
                if types == "categorical":
                    self.emit(path, "s", (b"true" if v else b"false").hex())
                else:
                    self.emit(path, "b", v)
            return v
        if kind in ("int", "long"):
            v = self.integer(32 if kind == "int" else 64)
            if logical in MS:
                v = r.randrange(-10**6, 10**6) if logical == "date" else v % (10**18) - 5 * 10**17
                if kind == "int":
                    v = max(min(v, 2**31 - 1), -2**31)
                ms = v * MS[logical]
                if wanted:
                    self.emit(path, "t" if types != "numeric" else "n",
                              [float(ms), math.floor(ms)] if types != "numeric" else float(ms))
            elif wanted:
                self.number(path, float(v))
            return v
        if kind in ("float", "double"):
            v = self.real()
            if kind == "float":
                v = single(v) if math.isfinite(v) and abs(v) < 1e30 else v if not math.isfinite(v) else 3.5
            if wanted:
                self.number(path, v)
            return v
        if kind == "string":
            v = r.choice(TEXTS)
            if wanted:
                self.emit(path, "s", v.encode().hex())
            return v
        if kind in ("bytes", "fixed"):
            if logical == "decimal":
                digits = t["precision"]
                unscaled = r.randrange(-10**digits + 1, 10**digits)
                if r.random() < 0.2:
                    unscaled = r.choice([0, -1, 1, 127, 128, -128, -129, 255, 256])
                v = Decimal(unscaled).scaleb(-t.get("scale", 0))
                if wanted:
                    self.number(path, float(Fraction(unscaled, 10 ** t.get("scale", 0))))
                return v
            n = t["size"] if kind == "fixed" else self.count(40)
            v = bytes(r.randrange(256) for _ in range(n))
            if wanted:
                text = v
                if logical == "uuid" and kind == "fixed":
                    h = v.hex()
                    text = "-".join([h[:8], h[8:12], h[12:16], h[16:20], h[20:]]).encode()
                self.emit(path, "s", text.hex())
            return v
        if kind == "enum":
            v = r.choice(t["symbols"])
            if wanted:
                self.emit(path, "s", v.encode().hex())
            return v
        if kind == "array":
            return [self.make(t["items"], "", False, None) for _ in range(self.count(9))]
        if kind == "map":
            return {f"k{i}é": self.make(t["values"], "", False, None) for i in range(self.count(9))}
        assert kind == "record", kind
        inner = shown and t["name"] not in self.open
        self.open.append(t["name"])
        v = {}
        for f in t["fields"]:
            sub = f"{path}.{f['name']}" if path else f["name"]
            v[f["name"]] = self.make(f["type"], sub, inner, None)
        self.open.pop()
        return v

    @staticmethod
    def source(t):
        if isinstance(t, str):
            t = {"type": t}
        kind, logical = t["type"], t.get("logicalType")
        if kind in ("int", "long"):
            return "time" if logical in MS else "number"
        if kind in ("float", "double") or logical == "decimal":
            return "number"
        if kind in ("record", "array", "map"):
            return "opaque"
        if logical == "uuid" or kind in ("bytes", "fixed"):
            return "bytes"
        return {"string": "string", "enum": "string", "boolean": "boolean", "null": "null"}[kind]

    def counted(self, t, as_type):
        return self.source(t) in {"numeric": ("number", "time"), "categorical": ("string", "bytes", "boolean"),
                                  "boolean": ("boolean",), "text": ("string", "bytes"), "time": ("time", "number"),
                                  "none": ("opaque",)}[as_type]

    def union(self, branches, path, shown):
        resolved = [self.names.get(b, b) if isinstance(b, str) else b for b in branches]
        sources = [self.source(b) for b in resolved]
        rest = [s for s in sources if s not in ("null", "opaque")]
        first = next((s for s in sources if s != "null"), "null")
        if "number" in rest:
            types = "numeric"
        elif first == "opaque" and rest:
            types = {"time": "time", "string": "categorical", "bytes": "text", "boolean": "boolean"}[rest[0]]
        else:
            types = {"time": "time", "string": "categorical", "bytes": "text", "boolean": "boolean"}.get(first, "none")
        i = self.r.randrange(len(branches))
        b = resolved[i]
        if self.source(b) == "opaque" and types == "none":
            types = None
        v = self.make(b, path, shown, types)
        if self.source(b) == "opaque" and isinstance(b, dict) and b["type"] == "record" or isinstance(b, dict) and b["type"] in ("enum", "fixed"):
            return (b["name"], v)
        if self.source(b) == "null":
            return None
        name = b if isinstance(b, str) else b["type"]
        return (name, v)


def plain(t):
    """The schema without logical types: fastavro's date objects do not reach as far as Avro's numbers."""
    if isinstance(t, dict):
        return {k: plain(v) for k, v in t.items() if k != "logicalType"}
    return [plain(b) for b in t] if isinstance(t, list) else t


def case(name, schema, r, event_time=None, event_ms=None, data=None, values=None):
    parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
    m = Maker(r)
    if data is None:
        # Arrays and maps at the top show nothing; a container in a record is not a field either.
        data = m.make(schema, "", True, None)
        values = [v for v in m.out if not (v[1] == "o" and v[0] == "value" and isinstance(schema, dict))]
    b = io.BytesIO()
    fastavro.schemaless_writer(b, parsed, data, strict=False)
    fastavro.schemaless_reader(io.BytesIO(b.getvalue()), fastavro.parse_schema(plain(schema)))
    line = {"name": name, "schema": schema, "payload": b.getvalue().hex(), "values": values}
    if event_time:
        line["event_time"] = event_time
        line["event_ms"] = event_ms
        line["values"] = [v for v in values if v[0] != event_time]
    return line


def leaves(r, n):
    """Leaf types of every kind; n makes names unique."""
    return r.choice([
        *PRIMITIVES, "string", "double", "long",
        {"type": "enum", "name": f"E{n}", "symbols": ["A", "BB", "CCC"]},
        {"type": "fixed", "name": f"F{n}", "size": r.choice([0, 1, 7, 16])},
        {"type": "fixed", "name": f"U{n}", "size": 16, "logicalType": "uuid"},
        {"type": "string", "logicalType": "unheard-of"},
        {"type": "int", "logicalType": "date"}, {"type": "int", "logicalType": "time-millis"},
        {"type": "long", "logicalType": "time-micros"}, {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "long", "logicalType": "timestamp-micros"},
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18},
        {"type": "fixed", "name": f"D{n}", "size": 12, "logicalType": "decimal", "precision": 20, "scale": 4},
    ])


class Schemas:
    def __init__(self, r):
        self.r = r
        self.n = 0

    def type(self, depth):
        r = self.r
        self.n += 1
        roll = r.random()
        if depth <= 0 or roll < 0.5:
            return leaves(r, self.n)
        if roll < 0.62:
            return {"type": "array", "items": self.nonempty(depth - 1)}
        if roll < 0.7:
            return {"type": "map", "values": self.type(depth - 1)}
        if roll < 0.85:
            return self.union(depth)
        return self.record(depth - 1)

    def nonempty(self, depth):
        return self.type(depth)

    def union(self, depth):
        r = self.r
        branches, seen = [], set()
        for _ in range(r.randrange(1, 5)):
            b = self.type(depth - 1) if r.random() < 0.3 else leaves(r, self.n)
            self.n += 1
            key = b if isinstance(b, str) else b["type"] if isinstance(b, dict) else None
            if key is None or key in seen:
                continue
            seen.add(key)
            branches.append(b)
        if "null" not in seen:
            branches.insert(r.randrange(len(branches) + 1), "null")
        return branches

    def record(self, depth):
        self.n += 1
        name = f"R{self.n}"
        return {"type": "record", "name": name,
                "fields": [{"name": f"f{i}", "type": self.type(depth)} for i in range(self.r.randrange(0, 6))]}


def fixed_cases(r):
    for p in PRIMITIVES[1:]:
        for i in range(3):
            yield case(f"top {p} {i}", p, r)
            yield case(f"field {p} {i}", {"type": "record", "name": "R", "fields": [{"name": "x", "type": p}]}, r)
            yield case(f"null or {p} {i}",
                       {"type": "record", "name": "R", "fields": [{"name": "x", "type": ["null", p]}]}, r)
    for logical, kind in [("date", "int"), ("time-millis", "int"), ("time-micros", "long"),
                          ("timestamp-millis", "long"), ("timestamp-micros", "long"), ("timestamp-nanos", "long")]:
        for i in range(3):
            yield case(f"{logical} {i}", {"type": "record", "name": "R", "fields": [
                {"name": "t", "type": {"type": kind, "logicalType": logical}}, {"name": "y", "type": "int"}]}, r)
    for precision, scale in [(4, 0), (9, 2), (18, 9), (30, 10), (38, 38)]:
        for i in range(2):
            yield case(f"decimal({precision},{scale}) {i}", {"type": "record", "name": "R", "fields": [
                {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": precision,
                                       "scale": scale}}]}, r)
    tree = {"type": "record", "name": "Tree", "fields": [
        {"name": "value", "type": "int"}, {"name": "next", "type": ["null", "Tree"]},
        {"name": "all", "type": {"type": "array", "items": "int"}}]}
    for i in range(4):
        yield case(f"recursive {i}", tree, r)
    named = {"type": "record", "name": "N", "namespace": "a.b", "fields": [
        {"name": "e", "type": {"type": "enum", "name": "Color", "symbols": ["RED", "GREEN"]}},
        {"name": "again", "type": "Color"}, {"name": "full", "type": "a.b.Color"},
        {"name": "other", "type": {"type": "record", "name": "c.M", "fields": [{"name": "k", "type": "long"}]}},
        {"name": "deep", "type": "c.M"}]}
    data = {"e": "RED", "again": "GREEN", "full": "RED", "other": {"k": 7}, "deep": {"k": -9}}
    yield case("namespaces", named, r, data=data, values=[
        ["e", "s", b"RED".hex()], ["again", "s", b"GREEN".hex()], ["full", "s", b"RED".hex()],
        ["other.k", "n", 7.0], ["deep.k", "n", -9.0]])
    address = {"type": "record", "name": "Address", "fields": [
        {"name": "country", "type": "string"}, {"name": "zip", "type": ["null", "string"]}]}
    customer = {"type": "record", "name": "Customer", "fields": [
        {"name": "id", "type": "long"}, {"name": "address", "type": ["null", address]}]}
    order = {"type": "record", "name": "Order", "fields": [
        {"name": "customer", "type": ["null", customer]}, {"name": "total", "type": ["null", "int", "double", "string"]}]}
    for i in range(8):
        yield case(f"nested {i}", order, r)
    event = [("long", 1790000000123, 1790000000123), ("int", 1500000, 1500000), ("double", 1790000000000.75, 1790000000000),
             ("string", "2026-11-21T09:00:00Z", 1795251600000), ("string", "2026-11-21T10:00:00.250+01:00", 1795251600250),
             ({"type": "long", "logicalType": "timestamp-micros"}, -1500, -2),
             ({"type": "int", "logicalType": "date"}, 2, 172800000), ("string", "yesterday", None),
             (["null", "long"], None, None), (["null", "long"], 5, 5), ("double", math.nan, None),
             ("long", 2**63 - 1, None), (["null", "string", "long"], "1970-01-01T00:00:01Z", 1000)]
    for i, (t, v, ms) in enumerate(event):
        schema = {"type": "record", "name": "R", "fields": [{"name": "ts", "type": t}, {"name": "x", "type": "int"}]}
        yield case(f"event time {i}", schema, r, "ts", ms, {"ts": v, "x": 3}, [["x", "n", 3.0]])


def zigzag(n):
    n = (n << 1) ^ (n >> 63)
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def hand_made():
    """Legal encodings that fastavro's writer does not choose; its reader confirms what they mean."""
    ints = {"type": "record", "name": "R", "fields": [{"name": "a", "type": {"type": "array", "items": "int"}},
                                                      {"name": "x", "type": "long"}]}
    body = zigzag(1) + zigzag(2) + zigzag(300)
    sized = zigzag(-3) + zigzag(len(body)) + body
    for name, raw, want in [
            ("block with its size", sized + zigzag(0) + zigzag(9), {"a": [1, 2, 300], "x": 9}),
            ("two blocks", zigzag(1) + zigzag(5) + sized + zigzag(0) + zigzag(9), {"a": [5, 1, 2, 300], "x": 9}),
            ("a number with leading zeroes", zigzag(0) + b"\x92\x80\x80\x00", {"a": [], "x": 9})]:
        assert fastavro.schemaless_reader(io.BytesIO(raw), fastavro.parse_schema(ints)) == want, name
        yield {"name": name, "schema": ints, "payload": raw.hex(), "values": [["x", "n", 9.0]]}
    maps = {"type": "record", "name": "R", "fields": [{"name": "m", "type": {"type": "map", "values": "string"}},
                                                      {"name": "x", "type": "long"}]}
    body = zigzag(1) + b"k" + zigzag(2) + b"vv"
    raw = zigzag(-1) + zigzag(len(body)) + body + zigzag(0) + zigzag(9)
    assert fastavro.schemaless_reader(io.BytesIO(raw), fastavro.parse_schema(maps)) == {"m": {"k": "vv"}, "x": 9}
    yield {"name": "map block with its size", "schema": maps, "payload": raw.hex(), "values": [["x", "n", 9.0]]}


def main():
    r = random.Random(SEED)
    lines = list(fixed_cases(r)) + list(hand_made())
    i = 0
    while len(lines) < 320:
        i += 1
        schema = Schemas(r).record(4)
        if len(json.dumps(schema)) > 1500:
            continue
        line = case(f"random {i}", schema, r)
        if len(line["payload"]) <= 1200:
            lines.append(line)
    for line in lines:
        json.dump(line, sys.stdout, ensure_ascii=True, separators=(",", ":"))
        print()
    print(f"{len(lines)} cases, seed {SEED}", file=sys.stderr)


main()
