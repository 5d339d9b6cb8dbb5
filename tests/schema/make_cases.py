#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Avro schemas, records of them encoded by fastavro, and what a plan that monitors every field should say.

usage: make_cases.py --seed 20261121 --cases 200 --fixed > tests/data/avro_cases.jsonl   (needs fastavro)
       make_cases.py --seed S --cases N              N random schemas, nested to depth 6, with a record each
       make_cases.py --seed S --cases N --mutate     small ones, and their records cut, flipped and garbled

A line is {"name", "schema", "payload": hex, "verdict", "values"}; without "schema" that of the line before
holds. What is expected comes from avro_oracle.py, which fastavro's reader confirms for every legal record.
"""
import argparse
import io
import json
import math
import random
import sys

import fastavro

from avro_oracle import NAMED, PRIMITIVES, Decoder, Schema

TEXTS = ["", "a", "EUR", "x" * 70, "grün", "日本語テキスト", "\U0001f600 ok", "tab\tnul\x00end", "é" * 9, "12345678",
         "1234567é"]
LOGICALS = [("int", "date"), ("int", "time-millis"), ("long", "time-micros"), ("long", "timestamp-millis"),
            ("long", "timestamp-micros"), ("long", "timestamp-nanos"), ("long", "local-timestamp-millis"),
            ("bytes", "big-decimal"), ("long", "local-timestamp-micros"), ("long", "local-timestamp-nanos"), ("string", "uuid"),
            # Unknown, or of another type than they belong to: ignored.
            ("int", "timestamp-millis"), ("long", "date"), ("string", "unheard-of"), ("bytes", "uuid"),
            ("double", "decimal")]
MAX_DEPTH = 6


def zigzag(n):
    n = ((n << 1) ^ (n >> 63)) & (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def branch_name(b, space):
    if isinstance(b, str) or b["type"] not in NAMED:
        return b if isinstance(b, str) else b["type"]
    space = b.get("namespace", space)
    return b["name"] if "." in b["name"] or not space else f"{space}.{b['name']}"


class Schemas:
    """A random schema: every type, nesting to a depth, names in namespaces, references, recursion."""

    def __init__(self, r, nodes):
        self.r, self.nodes = r, nodes
        self.n = 0
        self.closed = []  # full names that may be referred to anywhere
        self.open = []    # records around the one in hand: only where an end is possible

    def name(self, letter, space):
        self.n += 1
        name = f"{letter}{self.n}"
        out = {"name": name}
        if self.r.random() < 0.15:
            space = self.r.choice(["a.b", "c", "org.example.x"])
            if self.r.random() < 0.5:
                out = {"name": name, "namespace": space}
            else:
                out = {"name": f"{space}.{name}"}
        return out, space, f"{space}.{name}" if space else name

    def named(self, kind, space, more):
        out, _, full = self.name(kind[0].upper(), space)
        if self.r.random() < 0.2:
            out["aliases"] = [f"Old{self.n}", f"x.y.Older{self.n}"]
        self.closed.append(full)
        return {"type": kind, **out, **more}

    def leaf(self, space):
        r = self.r
        roll = r.random()
        if roll < 0.5:
            p = r.choice(PRIMITIVES + ["string", "double", "long"])
            return p if r.random() < 0.9 else {"type": p}
        if roll < 0.6:
            return self.named("enum", space, {"symbols": [f"S{i}" for i in range(r.choice([1, 2, 3, 70]))]})
        if roll < 0.7:
            return self.named("fixed", space, {"size": r.choice([0, 1, 7, 16, 33])})
        if roll < 0.74:
            return self.named("fixed", space, {"size": r.choice([16, 16, 5]), "logicalType": "uuid"})
        if roll < 0.76:
            return self.named("fixed", space, {"size": r.choice([12, 12, 11]), "logicalType": "duration"})
        if roll < 0.82:
            digits = r.choice([1, 4, 9, 18, 30, 38])
            more = {"logicalType": "decimal", "precision": digits, "scale": r.randrange(digits + 1)}
            if r.random() < 0.1:
                more["scale"] = digits + 1  # invalid: ignored
            if r.random() < 0.5:
                return {"type": "bytes", **more}
            return self.named("fixed", space, {"size": r.choice([1, 4, 12, 16]), **more})
        kind, logical = r.choice(LOGICALS)
        return {"type": kind, "logicalType": logical}

    def type(self, depth, space, endable, in_union=False):
        r = self.r
        self.nodes -= 1
        roll = r.random()
        # Inside a namespace a name without one cannot be referred to.
        known = [n for n in self.closed + (self.open if endable else []) if "." in n or not space]
        if known and roll < 0.06:
            return r.choice(known)
        if depth <= 0 or self.nodes <= 0 or roll < 0.4:
            return self.leaf(space)
        if roll < 0.54:
            return {"type": "array", "items": self.type(depth - 1, space, True)}
        if roll < 0.64:
            return {"type": "map", "values": self.type(depth - 1, space, True)}
        if roll < 0.8 and not in_union:
            return self.union(depth, space)
        return self.record(depth, space, endable)

    def union(self, depth, space):
        r = self.r
        branches, seen = [], set()
        for _ in range(r.randrange(1, 5)):
            known = len(self.closed)
            b = self.type(depth - 1, space, True, in_union=True)
            key = branch_name(b, space)
            if key in seen:
                del self.closed[known:]  # what it defined is dropped with it
            else:
                seen.add(key)
                branches.append(b)
        if "null" not in seen:
            branches.insert(r.randrange(len(branches) + 1), "null")
        return branches

    def record(self, depth, space, endable=False):
        r = self.r
        out, inside, full = self.name("R", space)
        self.open.append(full)
        fields = []
        for i in range(r.choice([0, 1, 2, 3, 4, 6]) if depth < MAX_DEPTH else r.randrange(1, 7)):
            f = {"name": f"f{i}", "type": self.type(depth - 1, inside, False)}
            if r.random() < 0.1:
                f["aliases"] = [f"g{i}"]
            if r.random() < 0.1:
                f["doc"] = "told"
            if f["type"] == "int" or isinstance(f["type"], list) and f["type"][0] == "null":
                f["default"] = None if isinstance(f["type"], list) else 7
            fields.append(f)
        self.open.remove(full)
        self.closed.append(full)
        return {"type": "record", **out, "fields": fields}

    def any(self):
        return self.record(MAX_DEPTH, "") if self.r.random() < 0.75 else self.type(MAX_DEPTH, "", True)


class Data:
    """Random data of a schema, as its encoding and as fastavro's writer wants it: unions by their branch."""

    def __init__(self, r, most):
        self.r, self.most = r, most

    def integer(self, bits):
        r = self.r
        top = 1 << (bits - 1)
        return r.choice([0, 1, -1, 63, 64, -64, -65, top - 1, -top, r.randrange(-top, top), r.randrange(-5000, 5000)])

    def count(self, depth):
        return 0 if depth > 12 or self.most <= 0 else self.r.choice([0, 1, 2, 3] if depth else [0, 1, 2, 5, 9])

    def make(self, t, depth=0):
        r, kind = self.r, t.kind
        self.most -= 1
        if kind == "union":
            i = r.randrange(len(t.parts))
            nulls = [k for k, b in enumerate(t.parts) if b.kind == "null"]
            if nulls and (depth > 8 or self.most <= 0):
                i = nulls[0]
            return i, self.make(t.parts[i], depth + 1)
        if kind == "null":
            return None
        if kind == "boolean":
            return r.random() < 0.5
        if kind in ("int", "long"):
            return self.integer(32 if kind == "int" else 64)
        if kind in ("float", "double"):
            v = r.choice([0.0, -0.0, 1.5, -2.25, 1e30, -1e-30, r.gauss(0, 1e6), math.inf, -math.inf, math.nan])
            return v if kind == "double" else float_of(v)
        if kind == "string":
            return r.choice(TEXTS)
        if kind in ("bytes", "fixed"):
            if t.logical == "big-decimal" and r.random() < 0.9:
                unscaled = bytes(r.randrange(256) for _ in range(r.choice([0, 1, 3, 8, 16])))
                return zigzag(len(unscaled)) + unscaled + zigzag(r.choice([0, 2, -3, 20, -30, r.randrange(-400, 400)]))
            n = t.size if kind == "fixed" else r.choice([0, 1, 2, 8, 16, 17, 40])
            return bytes(r.randrange(256) for _ in range(n))
        if kind == "enum":
            return r.choice(t.symbols)
        if kind == "record":
            return {name: self.make(f, depth + 1) for name, f in t.fields}
        return [(f"k{i}é" if kind == "map" else None, self.make(t.parts[0], depth + 1))
                for i in range(self.count(depth))]


def float_of(x):
    import struct
    return struct.unpack("<f", struct.pack("<f", x))[0]


def for_fastavro(t, v):
    if t.kind == "union":
        b = t.parts[v[0]]
        return None if b.kind == "null" else (b.name or b.kind, for_fastavro(b, v[1]))
    return rebuilt(t, v, for_fastavro)


def bare(t, v):
    """As fastavro's reader gives it."""
    return bare(t.parts[v[0]], v[1]) if t.kind == "union" else rebuilt(t, v, bare)


def rebuilt(t, v, each):
    if t.kind == "record":
        return {name: each(f, v[name]) for name, f in t.fields}
    if t.kind == "array":
        return [each(t.parts[0], x) for _, x in v]
    if t.kind == "map":
        return {k: each(t.parts[0], x) for k, x in v}
    return v


def encode(t, v, r):
    """The encodings that fastavro's writer does not choose: several blocks, and blocks with their size."""
    import struct
    kind = t.kind
    if kind == "union":
        return zigzag(v[0]) + encode(t.parts[v[0]], v[1], r)
    if kind == "null":
        return b""
    if kind == "boolean":
        return bytes([v])
    if kind in ("int", "long"):
        return zigzag(v)
    if kind in ("float", "double"):
        return struct.pack("<f" if kind == "float" else "<d", v)
    if kind == "fixed":
        return v
    if kind == "enum":
        return zigzag(t.symbols.index(v))
    if kind in ("bytes", "string"):
        raw = v if kind == "bytes" else v.encode()
        return zigzag(len(raw)) + raw
    if kind == "record":
        return b"".join(encode(f, v[name], r) for name, f in t.fields)
    out, rest = b"", v
    while rest:
        n = r.randrange(1, len(rest) + 1)
        body = b"".join((zigzag(len(k.encode())) + k.encode() if k is not None else b"") +
                        encode(t.parts[0], x, r) for k, x in rest[:n])
        out += (zigzag(n) if r.random() < 0.5 else zigzag(-n) + zigzag(len(body))) + body
        rest = rest[n:]
    return out + zigzag(0)


def same(a, b):
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return a == b or isinstance(a, float) and math.isnan(a) and math.isnan(b)


def plain(t):
    """The schema without logical types: fastavro's date objects do not reach as far as Avro's numbers."""
    if isinstance(t, dict):
        return {k: plain(v) if k in ("type", "items", "values", "fields") else v for k, v in t.items()
                if k not in ("logicalType", "aliases")}
    return [plain(b) for b in t] if isinstance(t, list) else t


class Case:
    def __init__(self, name, schema):
        self.name, self.json = name, schema
        self.schema = Schema(schema)
        self.fast = fastavro.parse_schema(plain(schema))
        self.shown = False

    def line(self, name, payload, **more):
        verdict, _, values, elements = self.schema.decode(payload)
        out = {"name": f"{self.name} {name}".strip(), "payload": payload.hex(), "verdict": verdict, "values": values,
               "elements": elements}
        if not self.shown:
            out["schema"] = self.json
            self.shown = True
        return {**out, **more}

    def legal(self, name, payload, want=None):
        """A line for a payload that fastavro reads as the oracle does."""
        verdict, data, _, _ = self.schema.decode(payload)
        assert verdict == "ok", (self.name, verdict)
        data = bare(self.schema.root, data)
        assert want is None or same(data, want), self.name
        read = fastavro.schemaless_reader(io.BytesIO(payload), self.fast)
        assert same(data, read), (self.name, data, read)
        return self.line(name, payload)

    def random(self, r, most):
        root = self.schema.root
        data = Data(r, most).make(root)
        b = io.BytesIO()
        fastavro.schemaless_writer(b, self.fast, for_fastavro(root, data), strict=False)
        yield self.legal("", b.getvalue(), bare(root, data))
        other = encode(root, data, r)
        if other != b.getvalue():
            yield self.legal("in other blocks", other, bare(root, data))


def record(*fields):
    return {"type": "record", "name": "R", "fields": [{"name": n, "type": t} for n, t in fields]}


def fixed_cases(r):
    for p in PRIMITIVES[1:]:
        for i, schema in enumerate([p, record(("x", p)), record(("x", ["null", p]))]):
            c = Case(f"{p} {i}", schema)
            for _ in range(3):
                yield from c.random(r, 9)
    for kind, logical in LOGICALS:
        c = Case(f"{logical} on {kind}", record(("t", {"type": kind, "logicalType": logical}), ("y", "int")))
        for _ in range(3):
            yield from c.random(r, 9)
    for digits, scale in [(4, 0), (9, 2), (18, 9), (30, 10), (38, 38)]:
        c = Case(f"decimal({digits},{scale})", record(("d", {"type": "bytes", "logicalType": "decimal",
                                                            "precision": digits, "scale": scale})))
        for unscaled in [0, -1, 127, -129, 10**digits - 1, r.randrange(-10**digits + 1, 10**digits)]:
            raw = unscaled.to_bytes((unscaled.bit_length() + 8) // 8, "big", signed=True)
            yield c.legal("", zigzag(len(raw)) + raw)
    tree = {"type": "record", "name": "Tree", "fields": [
        {"name": "value", "type": "int"}, {"name": "next", "type": ["null", "Tree"]},
        {"name": "all", "type": {"type": "array", "items": "Tree"}}]}
    for i in range(4):
        yield from Case(f"recursive {i}", tree).random(r, 30)
    named = {"type": "record", "name": "N", "namespace": "a.b", "fields": [
        {"name": "e", "type": {"type": "enum", "name": "Color", "symbols": ["RED", "GREEN"]}},
        {"name": "again", "type": "Color"}, {"name": "full", "type": "a.b.Color"},
        {"name": "other", "type": {"type": "record", "name": "c.M", "fields": [{"name": "k", "type": "long"}]}},
        {"name": "deep", "type": "c.M"}]}
    yield Case("namespaces", named).legal("", b"\x00\x02\x00" + zigzag(7) + zigzag(-9), {
        "e": "RED", "again": "GREEN", "full": "RED", "other": {"k": 7}, "deep": {"k": -9}})
    event = [("long", 1790000000123, 1790000000123), ("int", 1500000, 1500000),
             ("double", 1790000000000.75, 1790000000000), ("string", "2026-11-21T09:00:00Z", 1795251600000),
             ("string", "2026-11-21T10:00:00.250+01:00", 1795251600250),
             ({"type": "long", "logicalType": "timestamp-micros"}, -1500, -2),
             ({"type": "int", "logicalType": "date"}, 2, 172800000), ("string", "yesterday", None),
             (["null", "long"], (0, None), None), (["null", "long"], (1, 5), 5), ("double", math.nan, None),
             ("long", 2**63 - 1, None), (["null", "string", "long"], (1, "1970-01-01T00:00:01Z"), 1000)]
    for i, (t, v, ms) in enumerate(event):
        c = Case(f"event time {i}", record(("ts", t), ("x", "int")))
        out = c.legal("", encode(c.schema.root, {"ts": v, "x": 3}, r))
        yield {**out, "values": [["x", "n", 3.0]], "event_time": "ts", "event_ms": ms}
    yield Case("leading zeroes", record(("x", "long"))).legal("", b"\x92\x80\x80\x00", {"x": 9})


MASKS = [0x01, 0x80, 0xff]
ABSURD = [zigzag(n) for n in (-1, 1, 2, 5, 64, 1 << 20, -(1 << 20), 2**31 - 1, 2**31, -2**31, 2**63 - 1, -2**63,
                              -2**63 + 1)] + [b"\x82\x80\x00", b"\xff" * 9 + b"\x02", b"\x80" * 10 + b"\x00"]


def mutations(c, payload, r):
    """Cut at every byte, every byte flipped, every length, count and index made absurd."""
    for n in range(len(payload)):
        yield f"cut to {n}", payload[:n]
    yield "one byte more", payload + b"\x00"
    for i, b in enumerate(payload):
        for mask in MASKS + [1 << r.randrange(8)]:
            yield f"byte {i} ^ {mask:02x}", payload[:i] + bytes([b ^ mask]) + payload[i + 1:]
    d = Decoder(c.schema, payload)
    d.value(c.schema.root, "", (), True, 0)
    for start, end in d.numbers:
        for absurd in ABSURD:
            yield f"number {start}-{end} is {absurd.hex()}", payload[:start] + absurd + payload[end:]


def random_cases(r, cases, mutate):
    i = 0
    while i < cases:
        schema = Schemas(r, 12 if mutate else r.choice([10, 40, 90])).any()
        if len(json.dumps(schema)) > 12000:
            continue
        c = Case(f"random {i}", schema)
        for line in c.random(r, 25 if mutate else 300):
            payload = bytes.fromhex(line["payload"])
            if mutate and not 0 < len(payload) <= 160:
                continue
            i += 1
            yield line
            if mutate:
                for name, bad in mutations(c, payload, r):
                    yield c.line(name, bad)
            if i >= cases:
                return


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seed", type=int, required=True)
    a.add_argument("--cases", type=int, required=True)
    a.add_argument("--fixed", action="store_true")
    a.add_argument("--mutate", action="store_true")
    args = a.parse_args()
    r = random.Random(args.seed)
    if args.fixed:
        for line in fixed_cases(r):
            print(json.dumps(line, separators=(",", ":")))
    for line in random_cases(r, args.cases, args.mutate):
        print(json.dumps(line, separators=(",", ":")))


main()
