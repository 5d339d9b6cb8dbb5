#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes contributions_table.h: terms of measures of category counts, by numpy from their definitions."""
import numpy as np

CASES = {  # reference and current counts of A, B, C ...
    "shifted": ([500, 300, 200, 0], [400, 350, 200, 50]),
    "one of twenty": ([100] * 20, [100] * 7 + [300] + [100] * 12),
    "sizes differ": ([90, 10], [4000, 6000]),
    "equal": ([5, 7, 9], [50, 70, 90]),
}


def terms(r, c):
    r, c = np.array(r, float), np.array(c, float)
    n, m = r.sum(), c.sum()
    p, q = r / n, c / m
    fp, fq, mid = np.maximum(p, 1e-4), np.maximum(q, 1e-4), (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        js = np.nan_to_num(p * np.log2(p / mid)) / 2 + np.nan_to_num(q * np.log2(q / mid)) / 2
    expected_r, expected_c = (r + c) * n / (n + m), (r + c) * m / (n + m)
    return {"psi": (fq - fp) * np.log(fq / fp), "js": js, "kl": fp * np.log(fp / fq),
            "chi2": (r - expected_r) ** 2 / expected_r + (c - expected_c) ** 2 / expected_c,
            "hellinger": (np.sqrt(p) - np.sqrt(q)) ** 2 / 2, "tvd": np.abs(p - q) / 2}


print("// SPDX-License-Identifier: Apache-2.0")
print("// Written by contributions.py. For each case the counts of the categories A, B ... and each measure's terms.")
for i, (name, (r, c)) in enumerate(CASES.items()):
    print(f"CASE({i}, \"{name}\", {len(r)}, COUNTS({', '.join(map(str, r))}), COUNTS({', '.join(map(str, c))}))")
    for measure, values in terms(r, c).items():
        for at, v in enumerate(values):
            print(f"TERM({i}, \"{measure}\", {at}, {v!r})".replace("np.float64(", "").replace("))", ")"))
