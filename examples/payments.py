#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows of an invented payments stream as CSV, for schemas/payments-features.avsc.

usage: payments.py ROWS [--seed N] [--hours H] [--broken] > rows.csv
--hours: spread over the last H hours (1). --broken: amounts in cents, the discount gone, a new currency.
"""
import argparse
import csv
import random
import sys
import time

p = argparse.ArgumentParser(usage=__doc__)
p.add_argument("rows", type=int)
p.add_argument("--seed", type=int, default=1)
p.add_argument("--hours", type=float, default=1)
p.add_argument("--broken", action="store_true")
a = p.parse_args()

r = random.Random(a.seed)
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(["ts", "payment_id", "amount", "currency", "country", "items", "discount", "returning_customer"])
end = int(time.time() * 1000)
for i in range(a.rows):
    amount = r.lognormvariate(3.2, 0.9)
    currency = r.choices(["EUR", "USD", "GBP"], [6, 3, 1])[0]
    discount = "" if a.broken or r.random() < 0.3 else round(r.random() * 0.4, 3)
    if a.broken:
        amount, currency = amount * 100, r.choice([currency, "eur"])
    out.writerow([end - int((a.rows - i) * a.hours * 3600000 / a.rows), f"p{a.seed}-{i}", round(amount, 2), currency,
                  r.choices(["DE", "FR", "US", "IT"], [5, 3, 1, 1])[0], r.randint(1, 12), discount,
                  str(r.random() < 0.6).lower()])
