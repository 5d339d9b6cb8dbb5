# SPDX-License-Identifier: Apache-2.0
"""What `kdrift stats --json` must say, computed from the topic's own messages by other means: fastavro
decodes, numpy and scipy count. The rules are those of docs/counting.md, written a second time.

    o = Oracle(stream_conf, schemas_by_id, subject_ids, contract)
    o.read(bootstrap, topic)                   # every message, or o.add(partition, kafka_ms, value) for each
    want = o.stats(from_ms, to_ms)             # the same shape as kdrift's
    wrong = compare(got, want)                 # [] where they agree
"""
import io
import math
import re
import struct

import fastavro
import numpy as np

WHOLE = ("framing", "unknown_schema", "wrong_subject", "undecodable", "trailing_bytes")
INTEGERS, REALS = ("int", "long"), ("float", "double")


def strip(schema):
    """Without logical types, so that fastavro hands out what is stored; they are applied here instead."""
    if isinstance(schema, dict):
        return {k: strip(v) for k, v in schema.items() if k not in ("logicalType", "precision", "scale")}
    return [strip(s) for s in schema] if isinstance(schema, list) else schema


class Writer:
    """One writer schema: how to decode it, and where its monitored leaves are."""

    def __init__(self, schema):
        self.parsed = fastavro.parse_schema(strip(schema), named_schemas={})
        self.leaves = []                       # (path, keys, type, logical, scale)
        self._walk(schema, "", [])
        self.paths = {leaf[0] for leaf in self.leaves}
        self.incompatible = None               # known after the first record

    def _walk(self, kind, path, keys):
        logical, scale = None, 0
        if isinstance(kind, dict):
            logical, scale = kind.get("logicalType"), kind.get("scale", 0)
            if kind["type"] == "record":
                for f in kind["fields"]:
                    self._walk(f["type"], f"{path}.{f['name']}" if path else f["name"], keys + [f["name"]])
                return
            kind = kind["type"]
        if isinstance(kind, list):
            branches = [b for b in kind if b != "null"]
            if len(branches) == 1:
                self._walk(branches[0], path, keys)
            return
        if kind not in ("array", "map", "null"):
            self.leaves.append((path, keys, kind, logical, scale))

    def incompatible_with(self, contract, payload):
        """Can the contract's reader not take it? As fastavro resolves schemas, once a writer."""
        if self.incompatible is None and contract is not None:
            try:
                fastavro.schemaless_reader(io.BytesIO(payload), self.parsed, contract)
                self.incompatible = False
            except fastavro._read_common.SchemaResolutionError:
                self.incompatible = True
        return bool(self.incompatible)


def default_type(kind, logical):
    if logical and logical.startswith(("timestamp", "date", "time", "local-timestamp")):
        return "time"
    if logical == "decimal" or kind in INTEGERS + REALS:
        return "numeric"
    if kind == "boolean":
        return "boolean"
    return "text" if logical == "uuid" else "categorical"


class Field:
    def __init__(self, kind):
        self.type = kind
        self.row, self.value = [], []          # record numbers and their values
        self.other = []                        # record numbers of values of another kind


class Oracle:
    def __init__(self, conf, schemas, subject_ids, contract=None, known=None):
        self.conf, self.schemas, self.subject_ids = conf, schemas, set(subject_ids)
        self.known = set(schemas) if known is None else set(known)
        self.contract = fastavro.parse_schema(strip(contract), named_schemas={}) if contract else None
        self.contract_paths = Writer(contract).paths if contract else set()
        self.rules = conf.get("fields", {})
        self.required = (self.contract_paths | set(self.rules)) - {conf.get("event_time")} - {
            p for p, r in self.rules.items() if r.get("ignore")}
        self.writers = {}
        self.fields = {}
        self.event, self.decoded, self.late, self.violating, self.schema = [], [], [], [], []
        self.breaches = []                     # (record number, kind)
        self.tombstones = []
        self.newest = {}                       # partition -> newest event time
        self.limits = {k: duration(conf.get(k)) for k in ("max_future", "max_stale", "lateness")}
        self.patterns = {p: re.compile(r["pattern"]) for p, r in self.rules.items() if "pattern" in r}

    def read(self, bootstrap, topic):
        from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
        c = Consumer({"bootstrap.servers": bootstrap, "group.id": "oracle", "enable.auto.commit": False,
                      "enable.partition.eof": True, "log_level": 0})
        parts = c.list_topics(topic, timeout=10).topics[topic].partitions
        c.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in parts])
        ends = 0
        while ends < len(parts):
            for m in c.consume(10000, 1.0):
                if m.error():
                    if m.error().code() != KafkaError._PARTITION_EOF:
                        raise AssertionError(str(m.error()))
                    ends += 1
                else:
                    self.add(m.partition(), m.timestamp()[1], m.value())
        c.close()
        return self

    def add(self, partition, kafka, value):
        if value is None:
            self.tombstones.append(kafka)
            return
        number, event, breaches, schema_id, decoded = len(self.event), kafka, [], -1, False
        kind, record, writer = None, None, None
        if len(value) >= 17 and value[0] == 1:  # a GUID, which no workload has
            kind = "unknown_schema"
        elif len(value) < 5 or value[0] != 0:
            kind = "framing"
        else:
            schema_id = struct.unpack_from(">i", value, 1)[0]
            if schema_id not in self.known:
                kind = "unknown_schema"
            elif schema_id not in self.subject_ids:
                kind = "wrong_subject"
            else:
                writer = self.writers.get(schema_id)
                if writer is None:
                    writer = self.writers[schema_id] = Writer(self.schemas[schema_id])
                    self._prepare(writer)
                payload = io.BytesIO(value)
                payload.seek(5)
                try:
                    record = fastavro.schemaless_reader(payload, writer.parsed)
                    if payload.tell() != len(value):
                        kind = "trailing_bytes"
                except (EOFError, IndexError, UnicodeDecodeError, ValueError, OverflowError, MemoryError):
                    kind = "undecodable"
        if kind:
            breaches.append(kind)
        else:
            decoded = True
            if writer.incompatible_with(self.contract, value[5:]):
                breaches.append("incompatible_schema")
            event = self._fields(number, writer, record, breaches, kafka)
        newest = self.newest.get(partition)
        self.late.append(newest is not None and event < newest - self.limits["lateness"])
        if decoded and "future_time" not in breaches and (newest is None or event > newest):
            self.newest[partition] = event
        self.event.append(event)
        self.decoded.append(decoded)
        self.violating.append(bool(breaches))
        self.schema.append(schema_id)
        self.breaches.extend((number, b) for b in breaches)

    def _prepare(self, writer):
        """What each leaf of a writer is checked for, worked out once."""
        writer.absent = len(self.required - writer.paths)
        writer.steps = []
        for path, keys, kind, logical, scale in writer.leaves:
            rule = self.rules.get(path) or {}
            natural = default_type(kind, logical)
            if kind == "string" and rule.get("type") == "text":
                natural = "text"
            wanted = rule.get("type", natural)
            field, is_time = None, path == self.conf.get("event_time")
            if not rule.get("ignore") and not is_time:     # the clock of a record is not one of its features
                field = self.fields.get(path)
                if field is None:
                    field = self.fields[path] = Field(wanted)
            writer.steps.append((keys, field, is_time, wanted != natural,
                                 path in self.required, rule.get("not_null"), rule.get("range"),
                                 rule.get("allowed"), self.patterns.get(path), logical == "decimal", scale))

    def _fields(self, number, writer, record, breaches, kafka):
        event = kafka
        breaches.extend(["missing_field"] * writer.absent)
        for keys, field, is_time, mistyped, required, not_null, limits, allowed, pattern, decimal, scale in writer.steps:
            value = record[keys[0]]
            for k in keys[1:]:
                value = value[k] if value is not None else None
            if is_time and value is not None:
                future, stale = self.limits["max_future"], self.limits["max_stale"]
                if future and value > kafka + future:
                    breaches.append("future_time")
                else:
                    event = value
                    if stale and value < kafka - stale:
                        breaches.append("stale_time")
            if field is None:
                continue
            if mistyped:
                if required:
                    breaches.append("wrong_type")
                if value is not None:
                    field.other.append(number)
                continue
            if value is None:
                if not_null:
                    breaches.append("null")
                continue
            if decimal:
                value = int.from_bytes(value, "big", signed=True) / 10 ** scale
            field.row.append(number)
            field.value.append(value)
            if limits and (value < limits[0] or value > limits[1]):
                breaches.append("range")
            if allowed and value not in allowed:
                breaches.append("allowed")
            if pattern and not pattern.search(value):
                breaches.append("pattern")
        return event

    def interval(self, width):
        """[from, to) rounded outward to `width` that holds every record."""
        times = self.event + self.tombstones
        return min(times) // width * width, max(times) // width * width + width

    def stats(self, begin, end):
        event = np.array(self.event, dtype=np.int64)
        inside = (event >= begin) & (event < end)
        decoded = int((inside & np.array(self.decoded)).sum())
        violations = {}
        for number, kind in self.breaches:
            if inside[number]:
                violations[kind] = violations.get(kind, 0) + 1
        named = np.array(self.schema)[inside]
        ids, counts = np.unique(named[named >= 0], return_counts=True)
        return {"records": int(inside.sum()), "tombstones": sum(begin <= t < end for t in self.tombstones),
                "late": int((inside & np.array(self.late)).sum()),
                "violating_records": int((inside & np.array(self.violating)).sum()), "violations": violations,
                "schemas": {str(i): int(n) for i, n in zip(ids.tolist(), counts.tolist())},
                "fields": {p: self._field(f, inside, decoded) for p, f in sorted(self.fields.items())}}

    def values(self, path, begin, end):
        """The finite values of a numeric field in an interval."""
        f = self.fields[path]
        event = np.array(self.event, dtype=np.int64)[f.row]
        v = np.array(f.value, dtype=np.float64)[(event >= begin) & (event < end)]
        return v[np.isfinite(v)]

    @staticmethod
    def _field(f, inside, decoded):
        keep = inside[f.row] if f.row else np.zeros(0, bool)
        others = int(inside[f.other].sum()) if f.other else 0
        out = {"type": f.type, "missing": decoded - int(keep.sum()) - others}
        if f.type == "numeric":
            v = np.array(f.value, dtype=np.float64)[keep]
            finite = v[np.isfinite(v)]
            out.update(count=len(finite), nan=int(np.isnan(v).sum()), inf=int(np.isinf(v).sum()))
            if len(finite):
                total = math.fsum(finite)
                mean = total / len(finite)
                out.update(min=float(finite.min()), max=float(finite.max()), mean=mean, sum=total)
                if len(finite) > 1:
                    out["stddev"] = math.sqrt(math.fsum((finite - mean) ** 2) / (len(finite) - 1))
                s = np.sort(finite)
                out["sorted"] = s
        else:
            picked = [v for v, k in zip(f.value, keep.tolist()) if k]
            out["count"] = len(picked)
            if f.type == "text" and picked:                # of a text its length in bytes
                sizes = [len(v.encode()) for v in picked]
                out.update(min=float(min(sizes)), max=float(max(sizes)), mean=sum(sizes) / len(sizes),
                           sorted=np.sort(sizes))
            if f.type in ("categorical", "boolean"):
                counts = {}
                for v in picked:
                    v = v if isinstance(v, str) else str(v).lower()
                    counts[v] = counts.get(v, 0) + 1
                out["counts"] = counts
                out["distinct"] = len(counts)
        return out


def duration(text):
    if not text:
        return 0
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text).groups()
    return int(number) * {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}[unit]


def close(a, b, relative):
    return a is not None and (a == b or abs(a - b) <= relative * max(abs(a), abs(b)))


def compare(got, want, rank_error=0.02):
    """What differs, in words. Counts are exact; extremes and means to 1e-9, stddev to 1e-6 relative; a
    quantile's rank within rank_error."""
    wrong = []

    def same(what, a, b):
        if a != b:
            wrong.append(f"{what} {a!r}, expected {b!r}")
    for key in ("records", "tombstones", "late", "violating_records"):
        same(key, got.get(key), want[key])
    same("violations", {k: n for k, n in got.get("violations", {}).items() if n}, want["violations"])
    same("schemas", got.get("schemas"), want["schemas"])
    for path, w in want["fields"].items():
        g = got.get("fields", {}).get(path)
        if g is None:
            if w["count"]:
                wrong.append(f"{path} is not there")
            continue
        for key in ("type", "count", "missing"):
            same(f"{path}.{key}", g.get(key), w[key])
        if w["type"] == "numeric":
            for key in ("nan", "inf"):
                same(f"{path}.{key}", g.get(key), w[key])
        if "mean" in w:
            for key, relative in (("min", 1e-9), ("max", 1e-9), ("mean", 1e-9), ("sum", 1e-9), ("stddev", 1e-6)):
                if key in w and not close(g.get(key), w[key], relative):
                    wrong.append(f"{path}.{key} {g.get(key)!r}, expected {w[key]!r}")
            for name, value in (g.get("quantiles") or {}).items():
                if value is None or "sorted" not in w:
                    continue
                q, s = float(name[1:].replace("_", ".")) / 100, w["sorted"]
                # 0.5 % relative error of the value (of a text's length half of a sixteenth), then the rank that it has.
                off = 1 / 32 if w["type"] == "text" else 0.0051
                low = np.searchsorted(s, value - abs(value) * off, "left") / len(s)
                high = np.searchsorted(s, value + abs(value) * off, "right") / len(s)
                if not low - rank_error <= q <= high + rank_error:
                    wrong.append(f"{path}.{name} {value!r} has rank {low:.4f}..{high:.4f}")
        if "counts" in w:
            for value, n in g.get("top") or []:
                same(f"{path} '{value}'", n, w["counts"].get(value))
            if w["distinct"] <= 256:
                same(f"{path}.distinct", g.get("distinct"), w["distinct"])
            if not g.get("top") and w["counts"]:
                wrong.append(f"{path}.top is empty")
    return wrong
