# SPDX-License-Identifier: Apache-2.0
"""The workload of the end-to-end suites: payments, written by several producers with several schemas.

The contract and the stream's rules stand here as data; generate.py makes records, oracle.py judges them.
"""
import copy
import json
import os

CHANNELS = ["WEB", "APP", "POS"]
CURRENCIES = ["EUR", "USD", "GBP"]

CUSTOMER = {"type": "record", "name": "Customer", "fields": [
    {"name": "age", "type": "int"},
    {"name": "country", "type": "string"}]}

V1 = {"type": "record", "name": "Payment", "namespace": "shop", "fields": [
    {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "id", "type": "string"},
    {"name": "amount", "type": "double"},
    {"name": "balance", "type": "double"},
    {"name": "quantity", "type": "int"},
    {"name": "score", "type": "float"},
    {"name": "currency", "type": "string"},
    {"name": "channel", "type": {"type": "enum", "name": "Channel", "symbols": CHANNELS}},
    {"name": "approved", "type": "boolean"},
    {"name": "customer", "type": ["null", CUSTOMER]},
    {"name": "email", "type": ["null", "string"]},
    {"name": "discount", "type": ["null", "double"]},
    {"name": "phone", "type": ["null", "string"]},
    {"name": "fee", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
    {"name": "tags", "type": {"type": "array", "items": "string"}},
    {"name": "attrs", "type": {"type": "map", "values": "long"}},
    {"name": "region", "type": "string"}]}


def changed(schema, **fields):
    """A copy with fields replaced by {name: type}, added where new, removed where None."""
    out = copy.deepcopy(schema)
    for name, kind in fields.items():
        have = [f for f in out["fields"] if f["name"] == name]
        if kind is None:
            out["fields"].remove(have[0])
        elif have:
            have[0]["type"] = kind
        else:
            out["fields"].append({"name": name, "type": kind})
    return out


V2 = changed(V1, risk="double")
V3 = changed(V1, score="double", quantity="int", customer=CUSTOMER)
V3["fields"] = V3["fields"][:2] + V3["fields"][2:][::-1]          # another order of fields
NO_REGION = changed(V1, region=None)                              # missing_field
SCORE_TEXT = changed(V1, score="string")                          # wrong_type
QUANTITY_LONG = changed(V1, quantity="long")                      # long cannot be read as the contract's int
NO_AMOUNT = changed(V1, amount=None)                              # the contract has no default for it
REFUND = {"type": "record", "name": "Refund", "namespace": "shop", "fields": [
    {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "refund_id", "type": "string"}]}

# What the models read: fewer fields, and quantity as an int.
CONTRACT = {"type": "record", "name": "Payment", "namespace": "shop", "fields": [
    f for f in copy.deepcopy(V1)["fields"] if f["name"] in ("ts", "id", "amount", "quantity", "currency",
                                                            "channel", "customer", "fee")]}

SCHEMAS = {"v1": V1, "v2": V2, "v3": V3, "no_region": NO_REGION, "score_text": SCORE_TEXT,
           "quantity_long": QUANTITY_LONG, "no_amount": NO_AMOUNT}

FIELDS = {
    "id": {"type": "text"},
    "amount": {"range": [0, 100000]},
    "score": {"type": "numeric", "range": [0, 1]},
    "currency": {"type": "categorical", "allowed": CURRENCIES},
    "channel": {"type": "categorical"},
    "customer.country": {"type": "categorical"},
    "email": {"type": "text", "pattern": "^[^@ ]+@[^@ ]+$"},
    "phone": {"type": "text", "not_null": True},
    "region": {"type": "categorical"},
    "tags": {"ignore": True},
    "attrs": {"ignore": True},
}
DAY = 86400000
HOUR = 3600000
UNKNOWN_IDS = [900001, 900002]


def stream(topic, tmp, name="payments", **more):
    """The stream's configuration; writes the contract beside it."""
    with open(os.path.join(tmp, "contract.avsc"), "w", encoding="utf-8") as f:
        json.dump(CONTRACT, f)
    return {"name": name, "topic": topic, "role": "features", "event_time": "ts", "window": "10m", "slide": "1m",
            "lateness": "30s", "max_future": "1h", "max_stale": "4h",
            "contract": {"schema": "contract.avsc", "compatibility": "BACKWARD"}, "fields": FIELDS, **more}


def register(registry, topic):
    """-> {schema name: id}; the refund's schema belongs to another subject only."""
    ids = {name: registry.register(f"{topic}-value", schema) for name, schema in SCHEMAS.items()}
    ids["refund"] = registry.register(f"{topic}-refunds-value", REFUND)
    return ids
