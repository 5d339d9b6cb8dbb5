#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/deliver/webhook_vectors.json with the Python library `standardwebhooks`.

    .cache/venv/bin/python tests/deliver/make_vectors.py            writes the table
    .cache/venv/bin/python tests/deliver/make_vectors.py --check    says whether it is as the library signs

A secret without "whsec_" is for kdrift the key itself; the library is given it as bytes.
"""
import base64
import json
import pathlib
import sys
from datetime import datetime, timezone

from standardwebhooks.webhooks import Webhook

TABLE = pathlib.Path(__file__).parents[1] / "data/deliver/webhook_vectors.json"


def whsec(key, padded=True):
    text = base64.b64encode(key).decode()
    return "whsec_" + (text if padded else text.rstrip("="))


CASES = [
    (whsec(bytes(range(24))), "msg_2b1a", 1795230760, '{"type":"kdrift.alert"}'),
    (whsec(bytes(range(25))), "msg_2b1a", 1795230760, '{"type":"kdrift.alert"}'),
    (whsec(bytes(range(25)), padded=False), "msg_2b1a", 1795230760, '{"type":"kdrift.alert"}'),
    (whsec(bytes(range(26)), padded=False), "msg_2b1a", 1795230760, '{"type":"kdrift.alert"}'),
    (whsec(bytes(255 - i for i in range(64))), "0f9e8d7c6b5a", 1,
     '{"summary":"Betr\u00e4ge \u20ac \U0001f4c8"}'),
    (whsec(b"\0" * 32), "with.dots.in.it", 4102444800, ""),
    ("a raw secret of 30 characters!", "msg_raw", 1795230761, '{"a":[1,2,3]}\n'),
    ("na\u00efve\u20ac-secret", "msg_raw", 1795230761, '{"a":[1,2,3]}\n'),
    (whsec(bytes(range(256)) * 2), "msg_long", 1795230760, '{"x":"' + "y" * 5000 + '"}'),
]


def vector(secret, msg_id, timestamp, body):
    key = secret if secret.startswith("whsec_") else secret.encode()
    when = datetime.fromtimestamp(timestamp, tz=timezone.utc)
    signature = Webhook(key).sign(msg_id, when, body)
    return {
        "secret": secret,
        "id": msg_id,
        "timestamp": timestamp,
        "body": body,
        "signature": signature,
    }


def main():
    text = json.dumps([vector(*c) for c in CASES], indent=1) + "\n"
    if "--check" in sys.argv:
        same = TABLE.read_text() == text
        print("as the library signs" if same else "NOT what the library signs")
        sys.exit(not same)
    TABLE.write_text(text)


if __name__ == "__main__":
    main()
