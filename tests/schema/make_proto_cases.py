#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random .proto texts, messages of them that Python's protobuf wrote, and what a plan should say of their bytes.

usage: make_proto_cases.py --seed 20261121 --cases 40 > tests/data/proto_cases.jsonl   (needs protobuf and protoc)
       make_proto_cases.py --seed S --cases N            N random schemas, with a few records each
       make_proto_cases.py --seed S --cases N --mutate   their records cut, flipped and garbled

A line is {"name", "proto", "refs", "message", "payload": hex, "verdict", "lines"}; without "proto" that of the line
before holds. `lines` are the values of every monitored field and, as E, how many elements each field's array or map has,
sorted, written as the test writes them. What is expected is read off the message that Python's parser makes of the bytes.
"""
import argparse
import json
import os
import random
import struct
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, unknown_fields
from google.protobuf.descriptor import FieldDescriptor as F
from google.protobuf.message import DecodeError

SCALARS = ["double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
           "sfixed64", "bool", "string", "bytes"]
KEYS = ["int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string"]
WRAPPERS = ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"]
SPECIAL = [f"google.protobuf.{w}Value" for w in WRAPPERS] + ["google.protobuf.Timestamp", "google.protobuf.Duration"]
IMPORTS = "".join(f'import "google/protobuf/{f}.proto";\n' for f in ("timestamp", "duration", "wrappers"))
TEXTS = ["", "a", "EUR", "grün", "日本語テキスト", "x" * 200, "nul\x00end", "\U0001f600"]


class Schema:
    """One random file, and one that it may import."""

    def __init__(self, r):
        self.r, self.names, self.enums, self.count = r, [], [], 0
        self.proto3 = r.random() < 0.7
        self.refs = []
        if r.random() < 0.4:
            body = self.enum("other") + "".join(self.message(0, "other") for _ in range(r.randint(1, 2)))
            self.refs.append(("dir/other.proto", self.head("other") + body))
        imported = '' if not self.refs else 'import "dir/other.proto";\n'
        body = self.enum("a.b") + "".join(self.message(0, "a.b") for _ in range(r.randint(1, 4)))
        self.text = self.head("a.b", imported) + body

    def head(self, package, imported=""):
        return f'syntax = "proto{3 if self.proto3 else 2}";\npackage {package};\n{IMPORTS}{imported}'

    def name(self, letter):
        self.count += 1
        return f"{letter}{self.count}"

    def enum(self, package):
        name, n = self.name("E"), self.r.randint(1, 5)
        numbers = [0] + self.r.sample([1, 2, 3, 7, 100, -1, -5, 2147483647], n - 1)
        if not self.proto3 and self.r.random() < 0.5:
            self.r.shuffle(numbers)
        self.enums.append(f".{package}.{name}")
        return f"enum {name} {{ " + " ".join(f"{name}_{i} = {v};" for i, v in enumerate(numbers)) + " }\n"

    def type(self, around):
        x = self.r.random()
        if x < 0.65:
            return self.r.choice(SCALARS)
        if x < 0.75:
            return self.r.choice(self.enums)
        if x < 0.87 or not (self.names or around):
            return self.r.choice(SPECIAL)
        return self.r.choice(self.names + around)

    def field(self, number, around, in_oneof=False):
        r, name = self.r, self.name("f")
        if not in_oneof and r.random() < 0.12:
            value = self.type(around)
            if self.proto3 or value not in self.enums:
                return f"map<{r.choice(KEYS)}, {value}> {name} = {number};"
        t = self.type(around)
        label = "" if in_oneof else r.choice(["", "", "optional ", "repeated "] if self.proto3
                                             else ["optional ", "optional ", "repeated ", "required "])
        if label == "required " and (r.random() < 0.8 or t in self.names + around):
            label = "optional "
        packed = t not in ("string", "bytes") and (t in SCALARS or t in self.enums)
        option = r.choice(["", " [packed=true]", " [packed=false]"]) if label == "repeated " and packed else ""
        if label == "optional " and not self.proto3 and t == "int32":
            option = " [default = 7]"
        return f"{label}{t} {name} = {number}{option};"

    def message(self, depth, package, around=()):
        r, name = self.r, self.name("M")
        path = f"{package}.{name}"
        around = [*around, f".{path}"]
        nested = [self.message(depth + 1, path, around) for _ in range(r.randint(0, 2) if depth < 2 else 0)]
        n = r.randint(1, 9)
        numbers = list(range(1, n + 1)) if r.random() < 0.5 else r.sample([*range(1, 60), 536870911, 20000, 18999, 300], n)
        r.shuffle(numbers)
        out = [f"message {name} {{", *nested]
        while numbers:
            if r.random() < 0.15:
                members = [numbers.pop() for _ in range(min(len(numbers), r.randint(1, 3)))]
                out.append(f"oneof {self.name('o')} {{ " + " ".join(self.field(k, around, True) for k in members) + " }")
            elif not self.proto3 and r.random() < 0.05:
                out.append(f"optional group {self.name('G')} = {numbers.pop()} {{ optional int32 x = 1; }}")
            else:
                out.append(self.field(numbers.pop(), around))
        self.names.append(f".{path}")
        return "\n".join(out) + "\n}\n"


def compiled(schema, tmp):
    for path, text in [("main.proto", schema.text), *schema.refs]:
        os.makedirs(os.path.dirname(os.path.join(tmp, path)), exist_ok=True)
        with open(os.path.join(tmp, path), "w", encoding="utf-8") as f:
            f.write(text)
    out = os.path.join(tmp, "set.pb")
    done = subprocess.run(["protoc", "-I", tmp, "-I", "/usr/include", "--include_imports", f"--descriptor_set_out={out}",
                           "main.proto"], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stderr}\n{schema.text}")
    files = descriptor_pb2.FileDescriptorSet()
    with open(out, "rb") as f:
        files.ParseFromString(f.read())
    pool = descriptor_pool.DescriptorPool()
    for f in files.file:
        pool.Add(f)
    return pool.FindFileByName("main.proto")


def declared(messages, path=()):
    """Every message of the file with its path, map entries left out as the registry leaves them out."""
    at = 0
    for d in messages:
        if d.GetOptions().map_entry:
            continue
        yield (*path, at), d
        yield from declared(d.nested_types, (*path, at))
        at += 1


# --- records ------------------------------------------------------------------------------------------

def number(r, bits, signed):
    edge = [0, 1, 127, 128, 2 ** (bits - 1) - 1] + ([-1, -2 ** (bits - 1)] if signed else [2 ** bits - 1, 2 ** (bits - 1)])
    return r.choice(edge) if r.random() < 0.5 else r.randint(-1000 if signed else 0, 100000)


def scalar(r, f):
    t = f.type
    if t in (F.TYPE_DOUBLE, F.TYPE_FLOAT):
        return r.choice([0.0, -0.0, 1.5, -2.25, float("nan"), float("inf"), r.uniform(-1e6, 1e6)])
    if t == F.TYPE_BOOL:
        return r.random() < 0.5
    if t == F.TYPE_STRING:
        return r.choice(TEXTS)
    if t == F.TYPE_BYTES:
        return r.randbytes(r.randint(0, 9))
    if t == F.TYPE_ENUM:
        values = [v.number for v in f.enum_type.values]
        return r.choice([*values, 12345] if not f.enum_type.is_closed else values)
    bits = 64 if t in (F.TYPE_INT64, F.TYPE_UINT64, F.TYPE_SINT64, F.TYPE_FIXED64, F.TYPE_SFIXED64) else 32
    return number(r, bits, t not in (F.TYPE_UINT32, F.TYPE_UINT64, F.TYPE_FIXED32, F.TYPE_FIXED64))


def is_map(f):
    return f.type == F.TYPE_MESSAGE and f.message_type.GetOptions().map_entry


def fill(r, m, depth=0):
    d = m.DESCRIPTOR
    if d.full_name == "google.protobuf.Timestamp":
        m.seconds, m.nanos = r.choice([0, -62135596800, 253402300799, 1700000000, -1]), r.choice([0, 1, 999999999, 123456789])
        return m
    for f in d.fields:
        if f.type == F.TYPE_GROUP or (not f.is_required and (r.random() < 0.25 or (depth > 3 and f.type == F.TYPE_MESSAGE))):
            continue
        if is_map(f):
            key, value = f.message_type.fields_by_name["key"], f.message_type.fields_by_name["value"]
            target = getattr(m, f.name)
            for _ in range(r.randint(0, 3)):
                k = r.choice(["a", "b", ""]) if key.type == F.TYPE_STRING else key.type == F.TYPE_BOOL and r.random() < .5 or r.randint(0, 2)
                k = bool(k) if key.type == F.TYPE_BOOL else k
                if value.type == F.TYPE_MESSAGE:
                    fill(r, target[k], depth + 1)
                else:
                    target[k] = scalar(r, value)
        elif f.is_repeated:
            for _ in range(r.choice([0, 1, 2, 5])):
                if f.type == F.TYPE_MESSAGE:
                    fill(r, getattr(m, f.name).add(), depth + 1)
                else:
                    getattr(m, f.name).append(scalar(r, f))
        elif f.type == F.TYPE_MESSAGE:
            getattr(m, f.name).SetInParent()
            fill(r, getattr(m, f.name), depth + 1)
        else:
            setattr(m, f.name, scalar(r, f))
    return m


def varint(v):
    out = b""
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def read_varint(b, at):
    v = shift = 0
    while True:
        v |= (b[at] & 127) << shift
        shift += 7
        at += 1
        if b[at - 1] < 128:
            return v, at


def chunks(b):
    """A message's fields, each with its tag. Groups stay whole."""
    at, out, start, depth = 0, [], 0, 0
    while at < len(b):
        tag, at = read_varint(b, at)
        wire = tag & 7
        if wire == 0:
            _, at = read_varint(b, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        elif wire == 2:
            n, at = read_varint(b, at)
            at += n
        depth += (wire == 3) - (wire == 4)
        if not depth:
            out.append(b[start:at])
            start = at
    return out


UNKNOWN = [varint(777 << 3) + varint(2 ** 63), varint(778 << 3 | 1) + b"12345678", varint(779 << 3 | 5) + b"1234",
           varint(780 << 3 | 2) + b"\x03abc", varint(781 << 3 | 3) + varint(1 << 3) + b"\x05" + varint(781 << 3 | 4),
           varint(782 << 3 | 3) + varint(783 << 3 | 3) + varint(783 << 3 | 4) + varint(782 << 3 | 4)]


def messed(r, *records):
    """Fields of several records in any order with unknown ones among them: legal, and merged as Protobuf merges."""
    parts = [c for b in records for c in chunks(b)] + r.sample(UNKNOWN, r.randint(0, 3))
    r.shuffle(parts)
    return b"".join(parts)


# --- what is expected ---------------------------------------------------------------------------------

class Bad(Exception):
    pass


class Peculiar(Exception):
    """A map's entry with an unknown field: Python puts it aside, C++ and Java take it."""


def moment(m):
    if not (-62135596800 <= m.seconds <= 253402300799 and 0 <= m.nanos <= 999999999):
        raise Bad
    micros = m.seconds * 1000000 + m.nanos // 1000
    return f"t {float(micros) / 1000:.17g} {micros // 1000}"


def leaf(f, v):
    name = f.message_type.full_name if f.type == F.TYPE_MESSAGE else ""
    if name == "google.protobuf.Timestamp":
        return moment(v)
    if name == "google.protobuf.Duration":
        return f"n {v.seconds * 1e3 + v.nanos / 1e6:.17g}"
    if name:
        return leaf(v.DESCRIPTOR.fields[0], v.value)
    if f.type == F.TYPE_ENUM:
        v = next((x.name for x in f.enum_type.values if x.number == v), "UNRECOGNIZED")
    if f.type == F.TYPE_STRING and isinstance(v, bytes):  # so Python gives proto2's, where it is not UTF-8
        raise Bad
    if isinstance(v, bool):
        return f"b {int(v)}"
    if isinstance(v, (str, bytes)):
        return "s " + (v.encode() if isinstance(v, str) else v).hex()
    return f"n {float(v):.17g}".replace("-nan", "nan")


def is_leaf(f):
    return f.type != F.TYPE_MESSAGE or f.message_type.full_name in SPECIAL


class Reader:
    def __init__(self, message):
        self.lines, self.elements, self.paths = [], {}, []
        self.static(message.DESCRIPTOR, "", ())
        self.read(message, "", ())
        for p in self.paths:
            around = p[:max(p.rfind("]"), p.rfind("}")) + 1]
            if around:
                self.lines.append(f"E {p} {self.elements.get(around, 0)}")
        self.lines.sort()

    def static(self, d, path, around):
        if d in around:
            return
        for f in d.fields:
            if f.type == F.TYPE_GROUP:
                continue
            p = path + f.name + ("{}" if is_map(f) else "[]" if f.is_repeated else "")
            f = f.message_type.fields_by_name["value"] if is_map(f) else f
            if is_leaf(f):
                self.paths.append(p)
            else:
                self.static(f.message_type, p + ".", (*around, d))

    def one(self, f, v, path, around, monitored):
        if not is_leaf(f):
            self.read(v, path + ".", around, monitored)
        else:
            said = leaf(f, v)  # also of what is not monitored: it must be sound
            if monitored:
                self.lines.append(f"{path} {said}")

    def read(self, m, path, around, monitored=True):
        d = m.DESCRIPTOR
        monitored = monitored and d not in around
        around = (*around, d)
        maps = [f.number for f in d.fields if is_map(f)]
        if any(u.field_number in maps and u.wire_type == 2 for u in maps and unknown_fields.UnknownFieldSet(m)):
            raise Peculiar
        for f in d.fields:
            if f.type == F.TYPE_GROUP or (f.has_presence and not m.HasField(f.name)):
                continue
            v, p = getattr(m, f.name), path + f.name
            if is_map(f):
                if monitored:
                    self.elements[p + "{}"] = self.elements.get(p + "{}", 0) + len(v)
                for k in v:
                    self.one(f.message_type.fields_by_name["value"], v[k], p + "{}", around, monitored)
            elif f.is_repeated:
                if monitored:
                    self.elements[p + "[]"] = self.elements.get(p + "[]", 0) + len(v)
                for x in v:
                    self.one(f, x, p + "[]", around, monitored)
            else:
                self.one(f, v, p, around, monitored)


def expected(cls, payload):
    m = cls()
    try:
        m.ParseFromString(payload)
        if not m.IsInitialized():
            raise Bad
        return "ok", Reader(m).lines
    except (DecodeError, Bad, UnicodeDecodeError):
        return "undecodable", []


def mutations(r, payload):
    for n in range(len(payload)):
        yield payload[:n]
    for i in range(len(payload)):
        yield payload[:i] + bytes([payload[i] ^ 1 << r.randint(0, 7)]) + payload[i + 1:]
        yield payload[:i] + bytes([r.choice([0, 255, 128, 127, 1])]) + payload[i + 1:]
    for _ in range(20):
        yield payload + r.randbytes(r.randint(1, 12))


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--seed", type=int, required=True)
    a.add_argument("--cases", type=int, default=100)
    a.add_argument("--mutate", action="store_true")
    o = a.parse_args()
    for i in range(o.cases):
        r = random.Random(f"{o.seed}/{i}")
        schema = Schema(r)
        with tempfile.TemporaryDirectory() as tmp:
            file = compiled(schema, tmp)
        path, d = r.choice(list(declared(file.message_types_by_name.values())))
        cls = message_factory.GetMessageClass(d)
        doc = {"proto": schema.text, "refs": schema.refs, "message": path}
        plain = [fill(r, cls()).SerializePartialToString() for _ in range(4)]
        payloads = [b"", *plain, messed(r, *plain[:2]), messed(r, *plain)]
        if o.mutate:
            payloads = list(mutations(r, min(payloads[1:], key=lambda b: abs(len(b) - 60))))
        for k, payload in enumerate(payloads):
            try:
                verdict, lines = expected(cls, payload)
            except Peculiar:
                continue
            print(json.dumps({"name": f"{o.seed}/{i}/{k}", **doc, "payload": payload.hex(), "verdict": verdict,
                              "lines": lines}, ensure_ascii=False))
            doc = {}


if __name__ == "__main__":
    main()
