# SPDX-License-Identifier: Apache-2.0
"""Makes the Avro test data of tests/files with fastavro, an independent implementation."""
import datetime
import decimal
import io
import json
import pathlib
import uuid

import fastavro

HERE = pathlib.Path(__file__).parent
UTC = datetime.timezone.utc

ORDER = {
    "type": "record", "name": "Order", "namespace": "shop", "fields": [
        {"name": "id", "type": "long"},
        {"name": "amount", "type": ["null", "double"], "default": None},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "paid", "type": "boolean"},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "DONE"]}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "key", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "address", "type": ["null", {"type": "record", "name": "Address", "fields": [
            {"name": "city", "type": "string"}, {"name": "zip", "type": ["null", "int", "string"]}]}]},
        {"name": "again", "type": "State"},
        {"name": "scores", "type": {"type": "array", "items": "float"}},
        {"name": "tags", "type": {"type": "map", "values": "string"}},
    ]}

ROWS = [
    {"id": 2**53 + 1, "amount": 1.5, "price": decimal.Decimal("-12.34"), "paid": True, "state": "DONE",
     "at": datetime.datetime(2024, 2, 29, 12, 0, 0, 123456, UTC), "day": datetime.date(1969, 12, 31),
     "key": uuid.UUID(int=7), "address": {"city": "Köln", "zip": 50667}, "again": "NEW",
     "scores": [0.5, -1.25], "tags": {"a": "x"}},
    {"id": -1, "amount": None, "price": decimal.Decimal("300.00"), "paid": False, "state": "NEW",
     "at": datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), "day": datetime.date(2024, 1, 1),
     "key": uuid.UUID(int=8), "address": None, "again": "DONE", "scores": [], "tags": {}},
    {"id": 0, "amount": float("inf"), "price": decimal.Decimal("0.00"), "paid": False, "state": "NEW",
     "at": datetime.datetime(1970, 1, 1, tzinfo=UTC), "day": datetime.date(1970, 1, 1),
     "key": uuid.UUID(int=9), "address": {"city": "", "zip": "SW1A"}, "again": "DONE", "scores": [2.0], "tags": {}},
]

for codec in ("null", "deflate"):
    with open(HERE / f"order-{codec}.avro", "wb") as f:
        fastavro.writer(f, ORDER, ROWS, codec=codec, sync_marker=b"0123456789abcdef")

RECURSIVE = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
with open(HERE / "recursive.avro", "wb") as f:
    fastavro.writer(f, RECURSIVE, [{"next": None}], sync_marker=b"0123456789abcdef")


def field(name, type_, **more):
    return {"name": name, "type": type_, **more}


def case(name, ext, text, fields, *rows):
    schema = fastavro.parse_schema({"type": "record", "name": "R", "fields": fields})
    out = []
    for row in rows:
        b = io.BytesIO()
        fastavro.schemaless_writer(b, schema, row)
        out.append(b.getvalue().hex())
    return {"name": name, "ext": ext, "text": text, "schema": {"type": "record", "name": "R", "fields": fields},
            "rows": out}


TS = {"type": "long", "logicalType": "timestamp-millis"}
US = {"type": "long", "logicalType": "timestamp-micros"}
DAY = {"type": "int", "logicalType": "date"}
DEC = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}
FIX = {"type": "fixed", "name": "F", "size": 4, "logicalType": "decimal", "precision": 8, "scale": 1}
when = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
CASES = [
    case("numbers", "csv", "a,b,c,d\n1,9007199254740993,1.5,-0.1\n-7,3.0,2,1e300\n",
         [field("a", "int"), field("b", "long"), field("c", "float"), field("d", "double")],
         {"a": 1, "b": 9007199254740993, "c": 1.5, "d": -0.1}, {"a": -7, "b": 3, "c": 2.0, "d": 1e300}),
    case("words", "csv", "s,e,t,y,f\n007,B,true,\u00e9,abcd\n\"a,\n\"\"b\",A,False,x,1234\n",
         [field("s", "string"), field("e", {"type": "enum", "name": "E", "symbols": ["A", "B"]}),
          field("t", "boolean"), field("y", "bytes"), field("f", {"type": "fixed", "name": "X", "size": 4})],
         {"s": "007", "e": "B", "t": True, "y": "\u00e9".encode(), "f": b"abcd"},
         {"s": 'a,\n"b', "e": "A", "t": False, "y": b"x", "f": b"1234"}),
    case("missing", "csv", "a,b\n,\n5,x\n",
         [field("a", ["null", "long"]), field("b", "string", default="none"), field("c", "int", default=3),
          field("d", ["int", "null"], default=1), field("e", {"type": "array", "items": "int"}, default=[1, 2])],
         {"a": None, "b": "none", "c": 3, "d": None, "e": [1, 2]}, {"a": 5, "b": "x", "c": 3, "d": None, "e": [1, 2]}),
    case("unions", "csv", "u\n12\nabc\n1.5\n\n\"\"\n",
         [field("u", ["null", "long", "double", "string"])], {"u": 12}, {"u": "abc"}, {"u": 1.5}, {"u": None}),
    case("times", "csv", "t,u,d\n2024-02-29T12:30:00Z,2024-02-29T13:30:00+01:00,2024-02-29\n1709209800000,1709209800000000,19782\n",
         [field("t", TS), field("u", US), field("d", DAY)],
         {"t": when, "u": when, "d": when.date()}, {"t": when, "u": when, "d": when.date()}),
    case("decimals", "csv", "p,q\n12.34,-1\n-0.01,1.5\n128,0\n-128.00,-12345.6\n",
         [field("p", DEC), field("q", FIX)],
         *[{"p": decimal.Decimal(p), "q": decimal.Decimal(q)} for p, q in
           [("12.34", "-1.0"), ("-0.01", "1.5"), ("128.00", "0.0"), ("-128.00", "-12345.6")]]),
    case("nested", "csv", "r.x,r.y,o.z\n1,a,2\n3,b,\n",
         [field("r", {"type": "record", "name": "In", "fields": [field("x", "int"), field("y", "string")]}),
          field("o", ["null", {"type": "record", "name": "Op", "fields": [field("z", "int")]}])],
         {"r": {"x": 1, "y": "a"}, "o": {"z": 2}}, {"r": {"x": 3, "y": "b"}, "o": None}),
    case("documents", "jsonl",
         json.dumps({"a": [1, 2], "m": {"k": 1.5}, "u": "12", "o": {"z": 9}, "b": "\u00ff\u0001", "extra": 1}) + "\n\n" +
         json.dumps({"a": [], "m": {}, "u": 12, "o": None, "b": ""}) + "\n",
         [field("a", {"type": "array", "items": "long"}), field("m", {"type": "map", "values": "double"}),
          field("u", ["long", "string"]),
          field("o", ["null", {"type": "record", "name": "Oz", "fields": [field("z", "int")]}]), field("b", "bytes")],
         {"a": [1, 2], "m": {"k": 1.5}, "u": "12", "o": {"z": 9}, "b": b"\xff\x01"},
         {"a": [], "m": {}, "u": 12, "o": None, "b": b""}),
]
(HERE / "encode.json").write_text(json.dumps(CASES, indent=1, ensure_ascii=True) + "\n")
