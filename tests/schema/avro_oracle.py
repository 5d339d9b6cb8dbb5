# SPDX-License-Identifier: Apache-2.0
"""Avro read by the book, slowly: what a plan that monitors every field should say of a record's bytes.

Written from the Avro specification and the rules in src/schema/plan.h, and checked against fastavro by
make_cases.py. decode() gives a verdict (ok, undecodable or trailing), the data, the values handed out, each
[path, kind, value], and by the path of an array's or a map's elements how many there were. Kinds: n number (a
string for NaN and infinities), a number to the last digit but one, s text as hex, b boolean, t [milliseconds,
whole milliseconds], o a value of a type that the field does not count.
"""
import math
import struct
from fractions import Fraction

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
NAMED = ("record", "enum", "fixed")
MS = {"date": (86400000, 1), "time-millis": (1, 1), "time-micros": (1, 1000), "timestamp-millis": (1, 1),
      "timestamp-micros": (1, 1000), "timestamp-nanos": (1, 1000000)}
ON = {"date": "int", "time-millis": "int"}
MAX_NESTING = 64


class Bad(Exception):
    pass


class Type:
    """A node of a schema: names resolved, invalid logical types dropped."""

    def __init__(self, kind):
        self.kind, self.logical, self.scale, self.size, self.name = kind, None, 0, 0, ""
        self.fields, self.symbols, self.parts = [], [], []

    def zero(self, inside=()):
        """Has no value of this type any bytes?"""
        if self.kind == "record":
            return self not in inside and all(t.zero(inside + (self,)) for _, t in self.fields)
        return self.kind == "null" or self.kind == "fixed" and self.size == 0

    def source(self):
        kind, logical = self.kind, self.logical
        if kind in ("int", "long"):
            return "time" if logical else "number"
        if kind in ("float", "double") or logical in ("decimal", "big-decimal", "duration"):
            return "number"
        if kind in ("record", "array", "map"):
            return "opaque"
        if kind in ("bytes", "fixed") or logical == "uuid":
            return "bytes"
        return {"string": "string", "enum": "string", "boolean": "boolean", "null": "null"}[kind]


def logical_of(t, v):
    name = v.get("logicalType")
    if not isinstance(name, str):
        return
    plain = name[6:] if name.startswith("local-timestamp") else name
    if plain in MS and t.kind == ON.get(plain, "long"):
        t.logical = plain
    elif name == "uuid" and (t.kind == "string" or t.kind == "fixed" and t.size == 16):
        t.logical = name
    elif name == "big-decimal" and t.kind == "bytes" or name == "duration" and t.kind == "fixed" and t.size == 12:
        t.logical = name
    elif name == "decimal" and t.kind in ("bytes", "fixed"):
        precision, scale = v.get("precision", 0), v.get("scale", 0)
        if 1 <= precision and 0 <= scale <= precision:
            t.logical, t.scale = name, scale


def parse(v, names, space=""):
    if isinstance(v, str):
        if v in PRIMITIVES:
            return Type(v)
        return names[v if "." in v or not space or f"{space}.{v}" not in names else f"{space}.{v}"]
    if isinstance(v, list):
        t = Type("union")
        t.parts = [parse(b, names, space) for b in v]
        return t
    kind = v["type"]
    if not isinstance(kind, str) or kind not in PRIMITIVES + ["array", "map", *NAMED]:
        return parse(kind, names, space)
    t = Type(kind)
    if kind in NAMED:
        name = v["name"]
        if "." not in name and v.get("namespace", space):
            name = v.get("namespace", space) + "." + name
        t.name = name
        names[name] = t
        inside = name.rpartition(".")[0]
        t.symbols = v.get("symbols", [])
        t.size = v.get("size", 0)
        for f in v.get("fields", []):
            t.fields.append((f["name"], parse(f["type"], names, inside)))
    elif kind in ("array", "map"):
        t.parts = [parse(v["items" if kind == "array" else "values"], names, space)]
    logical_of(t, v)
    return t


def fits(source, as_type):
    return source in {"numeric": ("number", "time"), "categorical": ("string", "bytes", "boolean"),
                      "boolean": ("boolean",), "text": ("string", "bytes"), "time": ("time", "number")}[as_type]


def element(t, path):
    return (path or "value") + ("[]" if t.kind == "array" else "{}")


class Schema:
    """A schema with what each of its paths is counted as."""

    def __init__(self, v):
        self.root = parse(v, {})
        self.seen = {}
        self.discover(self.root, "", ())
        self.types = {p: self.counted(s) for p, s in self.seen.items()}

    @staticmethod
    def counted(sources):
        if "number" in sources:
            return "numeric"
        return {"time": "time", "string": "categorical", "bytes": "text", "boolean": "boolean"}[sources[0]]

    def discover(self, t, path, inside):
        if t.kind == "union":
            for b in t.parts:
                self.discover(b, path, inside)
        elif t.kind == "record":
            if t not in inside:
                for name, f in t.fields:
                    self.discover(f, f"{path}.{name}" if path else name, inside + (t,))
        elif t.kind in ("array", "map"):
            self.discover(t.parts[0], element(t, path), inside)
        elif t.source() != "null":
            self.seen.setdefault(path or "value", []).append(t.source())

    def decode(self, data):
        d = Decoder(self, data)
        try:
            value = d.value(self.root, "", (), True, 0)
        except Bad:
            return "undecodable", None, [], {}
        return ("ok", value, d.out, d.elements) if d.at == len(data) else ("trailing", None, [], {})


class Decoder:
    def __init__(self, schema, data):
        self.schema, self.data, self.at, self.out, self.elements = schema, data, 0, [], {}
        self.numbers = []  # (from, to) of every varint that is a length, a count or an index

    def take(self, n):
        if n < 0 or n > len(self.data) - self.at:
            raise Bad("length")
        self.at += n
        return self.data[self.at - n:self.at]

    def long(self):
        v, shift = 0, 0
        while True:
            c = self.take(1)[0]
            v |= (c & 127) << shift
            shift += 7
            if v >> 64 or shift > 70:
                raise Bad("64 bits")
            if c < 128:
                return (v >> 1) ^ -(v & 1)

    def int(self):
        v = self.long()
        if not -2**31 <= v < 2**31:
            raise Bad("32 bits")
        return v

    def marked(self, read):
        before = self.at
        v = read()
        self.numbers.append((before, self.at))
        return v

    def text(self):
        v = self.take(self.marked(self.long))
        try:
            v.decode("utf-8", "strict")
        except UnicodeDecodeError as e:
            raise Bad("UTF-8") from e
        return v

    def emit(self, path, kind, value):
        self.out.append([path or "value", kind, value])

    def number(self, path, v):
        self.emit(path, "n", v if math.isfinite(v) else str(v))

    def value(self, t, path, inside, shown, depth):
        if depth > MAX_NESTING:
            raise Bad("nesting")
        kind = t.kind
        if kind == "union":
            i = self.marked(self.long)
            if not 0 <= i < len(t.parts):
                raise Bad("branch")
            v = self.value(t.parts[i], path, inside, shown, depth)
            return (i, v)
        as_type = self.schema.types.get(path or "value") if shown and not (kind == "record" and not path) else None
        wanted = as_type is not None and kind != "null"
        if wanted and not fits(t.source(), as_type):
            self.emit(path, "o", None)
            wanted = False
        if kind == "record":
            if t in inside:
                shown, depth = False, depth + 1
                if depth > MAX_NESTING:
                    raise Bad("nesting")
                inside = ()
            return {name: self.value(f, f"{path}.{name}" if path else name, inside + (t,), shown, depth)
                    for name, f in t.fields}
        if kind in ("array", "map"):
            return self.blocks(t, path, inside, shown, depth)
        return self.leaf(t, path, as_type if wanted else None)

    def blocks(self, t, path, inside, shown, depth):
        items = []
        item = t.parts[0]
        free = t.kind == "array" and item.zero()
        shown &= not free
        below = element(t, path)
        while True:
            n = self.marked(self.long)
            if n == 0:
                return items
            end = None
            if n < 0:
                size = self.marked(self.long)
                if n == -2**63 or size < 0 or size > len(self.data) - self.at:
                    raise Bad("block")
                n, end = -n, self.at + size
            if free:
                n = min(n, 1000)  # however many, they say nothing
            elif n > len(self.data) - self.at:
                raise Bad("items")
            if shown:
                self.elements[below] = self.elements.get(below, 0) + n
            for _ in range(n):
                key = self.text().decode() if t.kind == "map" else None
                v = self.value(item, below, inside, shown, depth + 1)
                items.append((key, v))
            if end is not None and self.at != end:
                raise Bad("block size")

    def decimal(self, path, v, scale):
        self.number(path, decimal(v, scale))
        if len(v) > 16:
            self.out[-1][1] = "a"

    def big_decimal(self, path, v):
        inner = Decoder(self.schema, v)
        try:
            unscaled = inner.take(inner.long())
            scale = inner.int()
            if inner.at != len(v):
                raise Bad("more")
            self.decimal(path, unscaled, scale)
        except Bad:
            self.emit(path, "o", None)

    def leaf(self, t, path, as_type):
        kind, logical = t.kind, t.logical
        if kind == "null":
            return None
        if kind == "boolean":
            v = self.take(1)[0]
            if v > 1:
                raise Bad("boolean")
            if as_type == "categorical":
                self.emit(path, "s", (b"true" if v else b"false").hex())
            elif as_type:
                self.emit(path, "b", v == 1)
            return v == 1
        if kind in ("int", "long"):
            v = self.int() if kind == "int" else self.long()
            if as_type and logical:
                times, per = MS[logical]
                ms = float(v) * times / per
                if as_type == "numeric":
                    self.number(path, ms)
                else:
                    self.emit(path, "t", [ms, v * times // per])
            elif as_type:
                self.number(path, float(v))
            return v
        if kind in ("float", "double"):
            v = struct.unpack("<f" if kind == "float" else "<d", self.take(4 if kind == "float" else 8))[0]
            if as_type:
                self.number(path, v)
            return v
        if kind == "enum":
            i = self.marked(self.int)
            if not 0 <= i < len(t.symbols):
                raise Bad("symbol")
            v = t.symbols[i].encode()
        elif kind == "fixed":
            v = self.take(t.size)
        else:
            v = self.text() if kind == "string" else self.take(self.marked(self.long))
        if as_type and logical == "decimal":
            self.decimal(path, v, t.scale)
        elif as_type and logical == "duration":
            months, days, ms = struct.unpack("<III", v)
            self.number(path, float((months * 30 + days) * 86400000 + ms))
        elif as_type and logical == "big-decimal":
            self.big_decimal(path, v)
        elif as_type and kind == "fixed" and logical == "uuid":
            h = v.hex()
            self.emit(path, "s", "-".join([h[:8], h[8:12], h[12:16], h[16:20], h[20:]]).encode().hex())
        elif as_type:
            self.emit(path, "s", v.hex())
        return v if kind in ("bytes", "fixed") else v.decode()


def decimal(v, scale):
    unscaled = int.from_bytes(v, "big", signed=True)
    inf = math.inf if unscaled > 0 else -math.inf
    if abs(scale) > 5000:
        return inf if scale < 0 and unscaled else 0.0
    exact = unscaled / Fraction(10)**scale
    try:
        return float(exact)
    except OverflowError:
        return inf
