#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fingerprints and frames by fastavro, uuid and struct: prints framing_cases.h (run it where one is to be added)."""
import json
import struct
import uuid

from fastavro.schema import fingerprint, to_parsing_canonical_form

GUID = "89791762-2336-4186-9674-299b90a802e2"
SCHEMAS = [
    "null", "int", {"type": "string", "doc": "x", "logicalType": "uuid"}, ["null", "long", {"type": "int", "x": 1}],
    {"type": "array", "items": {"type": "map", "values": "bytes"}},
    {"type": "fixed", "name": "F", "namespace": "a.b", "size": 16, "aliases": ["G"]},
    {"name": "E", "symbols": ["B", "A"], "type": "enum", "default": "A", "doc": "y"},
    {"doc": "z", "type": "record", "namespace": "x.y", "name": "Point", "fields": [
        {"type": "double", "default": 1.5, "name": "x"}, {"name": "y", "type": {"type": "double"}}]},
    {"type": "record", "name": "x.List", "aliases": ["Old"], "fields": [
        {"name": "value", "type": {"type": "fixed", "name": "Id", "size": 4}, "order": "ignore"},
        {"name": "other", "type": "Id"}, {"name": "third", "type": {"type": "enum", "name": "q.E", "symbols": ["S"]}},
        {"name": "next", "type": ["null", "List"], "default": None}]},
]


def c_bytes(data):
    return '"' + "".join(f"\\x{b:02x}" for b in data) + '"'


def main():
    print("// SPDX-License-Identifier: Apache-2.0\n// Made by make_framing_cases.py.")
    print("static const struct {\n\tconst char *schema;\n\tuint64_t fingerprint;\n} fingerprints[] = {")
    for s in SCHEMAS:
        print_of = fingerprint(to_parsing_canonical_form(s), "CRC-64-AVRO")
        value = int.from_bytes(bytes.fromhex(print_of), "little")
        print(f"\t{{{json.dumps(json.dumps(s))},\n\t 0x{value:016x}}},")
    print("};\n")
    marker = bytes.fromhex(fingerprint(to_parsing_canonical_form("int"), "CRC-64-AVRO"))
    for name, data in (("V0", struct.pack(">bi", 0, 123456)), ("V1", b"\x01" + uuid.UUID(GUID).bytes),
                       ("LONG", struct.pack(">q", 123456)), ("LONG_V0", struct.pack(">bq", 0, 123456)),
                       ("SINGLE", b"\xc3\x01" + marker)):
        print(f"#define {name} {c_bytes(data)}")
    print(f'#define GUID "{GUID}"')


main()
