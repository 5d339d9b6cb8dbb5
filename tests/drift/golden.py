#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/drift/golden.json: expected values for tests/drift, by SciPy.

    python3 tests/drift/golden.py > tests/data/drift/golden.json
"""
import json
import sys

import numpy as np
from scipy import special, stats
from scipy.spatial import distance

rng = np.random.default_rng(20240607)


def special_functions():
    out = []
    for a in (0.5, 1, 3.5, 20, 127.5, 1000, 10000):
        for x in (0.01 * a, 0.5 * a, a, 1.1 * a, 2 * a, 5 * a):
            out.append(["gamma_p", [a, x], special.gammainc(a, x)])
            out.append(["gamma_q", [a, x], special.gammaincc(a, x)])
    for a in (0.5, 1, 2.5, 30, 127.5, 900):
        for b in (0.5, 1, 4, 60):
            for x in (1e-9, 0.01, 0.3, 0.5, 0.9, 0.999):
                out.append(["beta_i", [a, b, x], special.betainc(a, b, x)])
    for x in (0.05, 0.2, 0.4, 0.7, 0.99, 1.0, 1.01, 1.5, 2.5, 5, 12, 18):
        out.append(["kolmogorov_sf", [x], special.kolmogorov(x)])
    for df in (1, 2, 3, 9, 31, 255):
        for x in (0.1, 1, df, 3 * df, 10 * df + 40, 800):
            out.append(["chi2_sf", [x, df], stats.chi2.sf(x, df)])
    for d1 in (1, 1.7, 4, 30):
        for d2 in (2, 9.3, 25, 255):
            for x in (0.1, 1, 3.3, 20, 500):
                out.append(["f_sf", [x, d1, d2], stats.f.sf(x, d1, d2)])
    for df in (2, 2.5, 10, 25, 99, 255):
        for t in (-4, -0.3, 0, 0.5, 3, 8, 40):
            out.append(["student_sf", [t, df], stats.t.sf(t, df)])
    for z in (-5, -1, 0, 0.5, 3, 8, 20, 37):
        out.append(["normal_sf", [z], stats.norm.sf(z)])
    for p in (0.999, 0.7, 0.51, 0.4, 0.05, 1e-3, 1e-10, 1e-100, 1e-300):
        out.append(["normal_isf", [p], stats.norm.isf(p)])
    for k in (1, 2, 10, 300):
        for rate in (1e-6, 0.1, 3, 40):
            value = stats.poisson.sf(k - 1, rate)
            if value > 1e-290:
                out.append(["poisson_sf_from", [k, rate], value])
    return [[f, a, float(v)] for f, a, v in out]


def psi(p, q):
    p, q = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    return float(np.sum((q - p) * np.log(q / p)))


def numeric(name, r, c):
    n, m = len(r), len(c)
    d = stats.ks_2samp(r, c).statistic
    cuts = np.quantile(r, np.arange(1, 10) / 10)
    share = [np.bincount(np.searchsorted(cuts, x, side="right"), minlength=10) / len(x) for x in (r, c)]
    out = {
        "name": name, "reference": list(r), "current": list(c),
        "ks": d, "ks_p": float(special.kolmogorov(np.sqrt(n * m / (n + m)) * d)),
        "wasserstein": stats.wasserstein_distance(r, c),
        "mean_shift": (c.mean() - r.mean()) / r.std(),
        "variance_ratio": c.var(ddof=1) / r.var(ddof=1),
        "sum": c.sum(), "mean": c.mean(), "stddev": c.std(ddof=1),
        "psi_deciles": psi(*share), "js_deciles": float(distance.jensenshannon(*share, base=2)),
        "out_of_range_ratio": float(np.mean((c < r.min()) | (c > r.max()))),
    }
    values = np.union1d(r, c)
    if len(np.unique(r)) <= 10:
        table = np.array([[np.sum(x == v) for v in values] for x in (r, c)])
        chi2 = stats.chi2_contingency(table, correction=False)
        out.update(chi2=chi2.statistic, chi2_p=chi2.pvalue)
    return {k: float(v) if isinstance(v, np.floating) else v for k, v in out.items()}


def categorical(name, r, c):
    keys = sorted(set(r) | set(c))
    table = np.array([[x.get(k, 0) for k in keys] for x in (r, c)])
    p, q = table / table.sum(axis=1, keepdims=True)
    chi2 = stats.chi2_contingency(table, correction=False)
    return {
        "name": name, "reference": r, "current": c,
        "psi": psi(p, q), "js": float(distance.jensenshannon(p, q, base=2)),
        "chi2": float(chi2.statistic), "chi2_p": float(chi2.pvalue),
        "unseen_ratio": float(q[p == 0].sum()), "top_share": float(q.max()),
    }


def numbers():
    normal = rng.normal
    yield numeric("two decimals", np.round(normal(0, 0.5, 2000), 1), np.round(normal(0.1, 0.6, 1200), 1))
    yield numeric("few", rng.integers(0, 6, 900).astype(float), rng.integers(1, 6, 400).astype(float))
    yield numeric("binary", rng.integers(0, 2, 900).astype(float), rng.integers(0, 2, 400).astype(float))
    yield numeric("normal", normal(0, 1, 3000), normal(0.2, 1.2, 2000))
    yield numeric("lognormal", np.exp(normal(0, 1, 3000)), np.exp(normal(0.1, 1, 2000)))
    yield numeric("far outside", normal(0, 1, 3000), normal(50, 3, 1000))
    yield numeric("heavy zero", np.where(rng.random(3000) < 0.6, 0, normal(1, 2, 3000)),
                  np.where(rng.random(2000) < 0.4, 0, normal(1, 2, 2000)))


def categories():
    yield categorical("page", {"A": 500, "B": 300, "C": 200}, {"A": 400, "B": 350, "C": 200, "D": 50})
    yield categorical("same", {"A": 50, "B": 30}, {"A": 500, "B": 300})
    yield categorical("gone", {"A": 500, "B": 300, "C": 2}, {"A": 40, "E": 3, "F": 2})
    for size in (2, 12, 200):
        names = [f"value {i}" for i in range(size)]
        r, c = (dict(zip(names, map(int, rng.multinomial(5000, rng.dirichlet(np.full(size, 5)))))) for _ in "rc")
        yield categorical(f"{size} values", {k: v for k, v in r.items() if v}, {k: v for k, v in c.items() if v})


def lengths():
    """Of texts, in bytes: the inverse of the empirical distribution function."""
    own = np.random.default_rng(5)
    for name, r, c in (("short", own.poisson(12, 700), own.poisson(14, 500)),
                       ("long", own.lognormal(7, 1, 600).astype(int), own.lognormal(7.2, 1.1, 450).astype(int)),
                       ("empty and one", np.array([0] * 60 + [9] * 41), np.array([0] * 60 + [9] * 61))):
        q = {k: [float(np.quantile(x, v, method="inverted_cdf")) for x in (r, c)] for k, v in (("p50", .5), ("p99", .99))}
        yield {"name": name, "reference": r.tolist(), "current": c.tolist(),
               **{k: v[1] for k, v in q.items()}, **{f"{k}_shift": (v[1] - v[0]) / float(r.std()) for k, v in q.items()}}


json.dump({"special": special_functions(), "numeric": list(numbers()), "categorical": list(categories()),
           "lengths": list(lengths())}, sys.stdout,
          separators=(",", ":"))
print()
