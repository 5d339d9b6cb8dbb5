# SPDX-License-Identifier: Apache-2.0
"""Records of the workload from a seed: most by a fixed-length template filled with numpy (fast), one in a
hundred odd but right (long texts, NaN, infinities, -0, nulls, extremes), and injected violations of each kind.

    g = Generator(ids, seed=7, violations=0.01)
    for partition, kafka_ms, value in g.records(1000000): ...
    g.injected                      # {kind: records whose injected fault is of that kind}

"""
import io
import struct
import time

import fastavro
import numpy as np

from . import workload as w

PARTITIONS = 4
CHUNK = 50000


class Generator:
    def __init__(self, ids, seed=1, violations=0.01, odd=0.01, tombstones=0.001, late=0.002, base_ms=None,
                 span_ms=w.HOUR, total=1000000):
        self.ids, self.seed = ids, seed
        self.rng = np.random.default_rng(seed)
        self.shares = {"violation": violations, "odd": odd, "tombstone": tombstones, "late": late}
        self.base = base_ms if base_ms is not None else int(time.time() * 1000) - span_ms - 10 * 60000
        self.step = span_ms / total
        self.i = 0
        self.injected = {kind: 0 for kind in FAULTS}
        self.kinds = sorted(FAULTS)
        self.parsed = {name: fastavro.parse_schema(_plain(schema), named_schemas={})
                       for name, schema in {**w.SCHEMAS, "refund": w.REFUND}.items()}

    def records(self, n):
        while n > 0:
            k = min(n, CHUNK)
            yield from self.chunk(k)
            n -= k

    def chunk(self, n):
        """-> [(partition, Kafka timestamp, value or None)] in order."""
        r = self.rng
        index = self.i + np.arange(n)
        self.i += n
        kafka = (self.base + index * self.step).astype(np.int64)
        event = kafka - r.integers(0, 10000, n)
        late = r.random(n) < self.shares["late"]
        event[late] -= 5 * 60000
        values = [None] * n
        fate = r.random(n)
        limits = np.cumsum([self.shares["tombstone"], self.shares["violation"], self.shares["odd"]])
        plain = fate >= limits[2]
        self._templates(values, np.flatnonzero(plain), event)
        for i in np.flatnonzero(~plain):
            if fate[i] < limits[0]:
                continue
            if fate[i] < limits[1]:
                kind = self.kinds[int(r.integers(len(self.kinds)))]
                self.injected[kind] += 1
                values[i] = FAULTS[kind](self, self.record(int(event[i])), int(kafka[i]))
            else:
                values[i] = self.odd(int(event[i]))
        return list(zip((index % PARTITIONS).tolist(), kafka.tolist(), values))

    # --- the fast way: one structured array a shape --------------------------------------------------

    def _templates(self, values, where, event):
        r = self.rng
        shape = r.choice(12, len(where), p=np.outer([.6, .25, .15], np.outer([.9, .1], [.2, .8]).ravel()).ravel())
        for s in range(12):
            at = where[shape == s]
            if len(at) == 0:
                continue
            name = ("v1", "v2", "v3")[s // 4]
            has_email, has_discount = not (s // 2) % 2, not s % 2
            a = np.zeros(len(at), _dtype(name, has_email, has_discount))
            self._fill(a, name, event[at])
            data, size = a.tobytes(), a.dtype.itemsize
            for j, i in enumerate(at.tolist()):
                values[i] = data[j * size:(j + 1) * size]

    def _fill(self, a, name, event):
        r, n = self.rng, len(a)
        a["frame"] = np.frombuffer(struct.pack(">bi", 0, self.ids[name]), np.uint8)
        z = event.astype(np.uint64) * np.uint64(2)
        for k in range(6):
            a["ts"][:, k] = ((z >> np.uint64(7 * k)) & np.uint64(0x7f)) | np.uint64(0x80 if k < 5 else 0)
        a["id"][:, 0] = 24
        a["id"][:, 1:] = r.integers(97, 123, (n, 12))
        a["amount"] = r.lognormal(3, 1, n)
        a["balance"] = r.normal(1000, 300, n)
        q = r.integers(100, 8000, n) * 2
        a["quantity"][:, 0] = (q & 0x7f) | 0x80
        a["quantity"][:, 1] = q >> 7
        a["score"] = r.random(n, np.float32)
        a["currency"] = b"\x06"
        a["currency_text"] = np.array(w.CURRENCIES, "S3")[r.choice(3, n, p=[.6, .3, .1])]
        a["channel"] = r.integers(0, 3, n) * 2
        a["approved"] = r.random(n) < 0.9
        if "customer_branch" in a.dtype.names:
            a["customer_branch"] = 2
        a["age"][:, 0] = r.integers(18, 64, n) * 2
        a["country"] = b"\x04"
        a["country_text"] = np.array(["DE", "FR", "US", "IT", "PL"], "S2")[r.choice(5, n, p=[.4, .3, .15, .1, .05])]
        if "email_text" in a.dtype.names:
            a["email"] = b"\x02\x18"
            a["email_text"][:, :] = np.frombuffer(b"aaaaaa@x.com", np.uint8)
            a["email_text"][:, :6] = r.integers(97, 123, (n, 6))
        if "discount_value" in a.dtype.names:
            a["discount"] = 2
            a["discount_value"] = r.random(n)
        a["phone"] = b"\x02\x12"
        a["phone_text"] = r.integers(48, 58, (n, 9))
        a["fee_size"] = 8
        a["fee"] = r.integers(1, 100000, n)
        a["tags"] = b"\x04\x06abc\x06def\x00"
        a["attrs"] = b"\x02\x04k1\x2a\x00"
        a["region"] = b"\x0a"
        a["region_text"] = np.array(["north", "south", "westa"], "S5")[r.choice(3, n)]
        if "risk" in a.dtype.names:
            a["risk"] = r.exponential(0.1, n)

    # --- one at a time -------------------------------------------------------------------------------

    def record(self, event):
        r = self.rng
        return {"ts": event, "id": f"tx-{self.i:x}", "amount": float(r.lognormal(3, 1)),
                "balance": float(r.normal(1000, 300)), "quantity": int(r.integers(100, 8000)),
                "score": float(r.random(dtype=np.float32)), "currency": w.CURRENCIES[int(r.integers(3))],
                "channel": w.CHANNELS[int(r.integers(3))], "approved": bool(r.random() < 0.9),
                "customer": {"age": int(r.integers(18, 64)), "country": "DE"}, "email": "who@example.com",
                "discount": None, "phone": "123", "fee": int(r.integers(1, 100000)).to_bytes(4, "big"),
                "tags": ["a"], "attrs": {}, "region": "north", "risk": 0.5}

    def encode(self, name, record, schema_id=None):
        b = io.BytesIO()
        b.write(struct.pack(">bi", 0, self.ids[name] if schema_id is None else schema_id))
        fastavro.schemaless_writer(b, self.parsed[name], record)
        return b.getvalue()

    def odd(self, event):
        """Unusual, and no violation."""
        r, rec = self.rng, self.record(event)
        name = ("v1", "v2", "v3")[int(r.integers(3))]
        what = int(r.integers(10))
        if what == 0:
            rec["balance"] = float("nan")
        elif what == 1:
            rec["balance"] = float("inf") if r.random() < 0.5 else float("-inf")
        elif what == 2:
            rec["balance"] = -0.0
        elif what == 3:
            rec["amount"] = float("nan")             # NaN breaks no range
        elif what == 4:
            rec["quantity"] = int(r.integers(-2**31, 2**31))
        elif what == 5:
            rec["id"] = "x" * int(r.integers(0, 3000))
        elif what == 6:
            rec["region"] = "région-" + str(int(r.integers(20)))
        elif what == 7:
            rec["fee"] = int(r.integers(-10**11, 10**11)).to_bytes(8, "big", signed=True)
        elif what == 8:
            rec["tags"] = ["t" * i for i in range(int(r.integers(0, 40)))]
            rec["attrs"] = {f"k{i}": i * 10**12 for i in range(int(r.integers(0, 10)))}
        elif name != "v3":
            rec["customer"] = None                   # its leaves are missing
        return self.encode(name, rec)


def _dtype(name, email, discount):
    customer = [("age", "u1", (1,)), ("country", "S1"), ("country_text", "S2")]
    if name != "v3":
        customer = [("customer_branch", "u1")] + customer
    fields = {
        "ts": [("ts", "u1", (6,))],
        "id": [("id", "u1", (13,))],
        "amount": [("amount", "<f8")],
        "balance": [("balance", "<f8")],
        "quantity": [("quantity", "u1", (2,))],
        "score": [("score", "<f8" if name == "v3" else "<f4")],
        "currency": [("currency", "S1"), ("currency_text", "S3")],
        "channel": [("channel", "u1")],
        "approved": [("approved", "?")],
        "customer": customer,
        "email": [("email", "S2"), ("email_text", "u1", (12,))] if email else [("email", "u1")],
        "discount": [("discount", "u1")] + ([("discount_value", "<f8")] if discount else []),
        "phone": [("phone", "S2"), ("phone_text", "u1", (9,))],
        "fee": [("fee_size", "u1"), ("fee", ">i4")],
        "tags": [("tags", "S10")],
        "attrs": [("attrs", "S6")],
        "region": [("region", "S1"), ("region_text", "S5")],
        "risk": [("risk", "<f8")],
    }
    order = [f["name"] for f in w.SCHEMAS[name]["fields"]]
    return np.dtype([("frame", "u1", (5,))] + [part for field in order for part in fields[field]])


def _plain(schema):
    """Without logical types: values are given as they are stored."""
    if isinstance(schema, dict):
        return {k: _plain(v) for k, v in schema.items() if k not in ("logicalType", "precision", "scale")}
    if isinstance(schema, list):
        return [_plain(s) for s in schema]
    return schema


# --- faults: (generator, a right record, its Kafka timestamp) -> value ------------------------------------

def framing(g, rec, kafka):
    return [b"", b"\x00\x00", b"\x02" + g.encode("v1", rec)[1:], b'{"json": true}', b"\x7fELF...."][
        int(g.rng.integers(5))]


def unknown_schema(g, rec, kafka):
    which = int(g.rng.integers(3))
    if which == 2:
        return b"\x01" + g.rng.bytes(16) + g.encode("v1", rec)[5:]  # a GUID
    return g.encode("v1", rec, w.UNKNOWN_IDS[which])


def wrong_subject(g, rec, kafka):
    return g.encode("refund", {"ts": rec["ts"], "refund_id": "r1"})


def undecodable(g, rec, kafka):
    what = int(g.rng.integers(5))
    good = g.encode("v1", rec)
    if what == 0:
        return good[:-int(g.rng.integers(1, 30))]                     # cut short
    if what == 1:
        return good[:5]                                               # nothing at all
    if what == 2:                                                     # Latin-1 in a string
        rec["id"] = "MARKER"
        return g.encode("v1", rec).replace(b"MARKER", b"caf\xe9 \xe9")
    if what == 3:                                                     # a branch that the union does not have
        rec["phone"] = "MARKER"
        return g.encode("v1", rec).replace(b"\x02\x0cMARKER", b"\x08\x0cMARKER")
    rec["id"] = "MARKER"                                              # a length of 2^40
    return g.encode("v1", rec).replace(b"\x0cMARKER", b"\x80\x80\x80\x80\x80\x40MARKER")


def trailing_bytes(g, rec, kafka):
    return g.encode("v1", rec) + bytes(int(g.rng.integers(1, 20)))


def missing_field(g, rec, kafka):
    return g.encode("no_region", rec)


def wrong_type(g, rec, kafka):
    rec["score"] = "high"
    return g.encode("score_text", rec)


def null(g, rec, kafka):
    rec["phone"] = None
    return g.encode("v2", rec)


def range_(g, rec, kafka):
    what = int(g.rng.integers(4))
    if what == 0:
        rec["amount"] = -1.0
    elif what == 1:
        rec["amount"] = float("inf")                                  # an infinity breaks the range
    elif what == 2:
        rec["score"] = 1.5
    else:                                                             # two breaches, one violating record
        rec["amount"], rec["score"] = 1e9, -0.5
    return g.encode("v1", rec)


def allowed(g, rec, kafka):
    rec["currency"] = ["XXX", "eur", ""][int(g.rng.integers(3))]
    return g.encode("v3", rec)


def pattern(g, rec, kafka):
    rec["email"] = "nobody"
    if g.rng.random() < 0.3:
        rec["currency"] = "???"                                       # and `allowed`
    return g.encode("v1", rec)


def future_time(g, rec, kafka):
    rec["ts"] = kafka + 10 * w.DAY
    return g.encode("v1", rec)


def stale_time(g, rec, kafka):
    rec["ts"] = kafka - 6 * w.HOUR
    return g.encode("v1", rec)


def incompatible_schema(g, rec, kafka):
    return g.encode("quantity_long" if g.rng.random() < 0.5 else "no_amount", rec)


FAULTS = {f.__name__.rstrip("_"): f for f in (
    framing, unknown_schema, wrong_subject, undecodable, trailing_bytes, missing_field, wrong_type, null, range_,
    allowed, pattern, future_time, stale_time, incompatible_schema)}


def produce(producer, topic, records, rate=None, stop=None):
    """Sends, at `rate` a second where given, until `stop` (an Event) is set; -> how many."""
    sent, began = 0, time.monotonic()
    for partition, kafka_ms, value in records:
        while True:
            try:
                producer.produce(topic, value, partition=partition, timestamp=kafka_ms)
                break
            except BufferError:
                producer.poll(0.05)
        sent += 1
        if sent % 1000 == 0 or rate:
            producer.poll(0)
        if rate and sent % 50 == 0:
            ahead = sent / rate - (time.monotonic() - began)
            if ahead > 0:
                producer.poll(ahead)
        if stop is not None and stop.is_set():
            break
    producer.flush(60)
    return sent
