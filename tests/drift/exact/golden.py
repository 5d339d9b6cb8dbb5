#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/drift/exact.json: what the packages themselves say of the same two samples.

Each package lives in a virtual environment of its own, because they do not go together
(requirements-NAME.txt beside this file):

    for p in evidently nannyml deepchecks; do
        python3 -m venv v-$p && v-$p/bin/pip install -r tests/drift/exact/requirements-$p.txt
    done
    python3 tests/drift/exact/golden.py v-evidently v-nannyml v-deepchecks > tests/data/drift/exact.json

The samples are made by a formula of additions, multiplications and divisions only, so that the C test makes
the same bits (tests/drift/exact_data.c). SciPy is that of the first environment. Three measures have no
package to ask and are computed here by their definition: cvm with ties, js.tfdv of numbers (TFDV cannot be
installed beside these) and linf.deequ-robust (deequ is Scala). cvm_p, ad_p and kuiper_p are limit laws, worked out with
40 digits.
"""
import json
import math
import os
import subprocess
import sys
import warnings

MASK = (1 << 64) - 1
PARTS = ("evidently", "nannyml", "deepchecks")


# --- samples --------------------------------------------------------------------------------------------

def side(kind, n, seed, a=0.0, b=1.0, **more):
    return {"kind": kind, "n": n, "seed": seed, "a": a, "b": b, **more}


def numeric_specs():
    s = side
    yield "normal, nothing changed", s("normal", 400, 1), s("normal", 300, 2)
    yield "normal, shifted", s("normal", 500, 3), s("normal", 400, 4, 0.25)
    yield "normal, wider", s("normal", 500, 5), s("normal", 450, 6, 0, 1.5)
    yield "normal, far off", s("normal", 300, 7), s("normal", 200, 8, 40, 2)
    yield "slash, heavy tails", s("slash", 700, 9), s("slash", 500, 10, 0.3)
    yield "pareto", s("pareto", 600, 11, 1, 2), s("pareto", 800, 12, 1, 2.5)
    yield "ten integers", s("ints", 900, 13, 0, 10, whole=True), s("ints", 400, 14, 1, 10, whole=True)
    yield "six integers", s("ints", 900, 15, 0, 6, whole=True), s("ints", 700, 16, 1, 5, whole=True)
    yield "six integers as reals", s("ints", 900, 15, 0, 6), s("ints", 700, 16, 1, 5)
    yield "binary", s("ints", 900, 17, 0, 2, whole=True), s("ints", 400, 18, 0, 2, whole=True)
    yield "binary as reals", s("ints", 900, 17, 0, 2), s("ints", 400, 18, 0, 2)
    yield "20 values", s("ints", 2000, 19, 0, 20, whole=True), s("ints", 1500, 20, 0, 22, whole=True)
    yield "21 values, many rows", s("ints", 9000, 21, 0, 21, whole=True), s("ints", 9500, 22, 0, 21, whole=True)
    yield "21 values as reals", s("ints", 9000, 21, 0, 21), s("ints", 9500, 22, 0, 21)
    yield "one decimal", s("rounded", 2000, 23, 0, 0.5), s("rounded", 1200, 24, 0.1, 0.6)
    yield "constant", s("const", 50, 0, 5), s("const", 70, 0, 5)
    yield "constant that moves", s("const", 50, 0, 5), s("const", 70, 0, 6.5)
    yield "constant of a tenth", s("const", 1000, 0, 0.1), s("const", 900, 0, 0.1)
    yield "constant becomes normal", s("const", 300, 0, 1), s("normal", 200, 25, 1)
    yield "normal becomes constant", s("normal", 300, 26), s("const", 200, 0, 0.5)
    yield "large constant", s("const", 60, 0, 1e17), s("const", 40, 0, 1e17)
    yield "two humps", s("normal", 800, 27), s("bimodal", 800, 28, 1.5, 0.5)
    yield "tiny", s("normal", 5, 29), s("normal", 3, 30, 1)
    yield "two and two", s("normal", 2, 31), s("normal", 2, 32)
    yield "one and one", s("normal", 1, 33), s("normal", 1, 34)
    yield "one and many", s("normal", 1, 33), s("normal", 100, 34)
    yield "with missing", s("normal", 600, 35, missing=7), s("normal", 500, 36, 0.1, missing=3)
    yield "with NaN and infinities", s("normal", 600, 37, nan=11, inf=13), s("normal", 400, 38, 0.2, nan=5, inf=17)
    yield "thousand milliards", s("normal", 500, 39, 1e12, 3e3), s("normal", 600, 40, 1e12 + 500, 3e3)
    yield "1e150", s("slash", 400, 41, scale=1e150), s("slash", 500, 42, 0.5, scale=1e150)
    yield "1e300", s("normal", 400, 43, scale=1e300), s("normal", 500, 44, 0.5, scale=1e300)
    yield "1e-300", s("normal", 400, 45, scale=1e-300), s("normal", 500, 46, 0.5, scale=1e-300)
    yield ("integers above 2^53", s("steps", 600, 47, 2.0**53, 2.0**30, step=2.0**12),
           s("steps", 500, 48, 2.0**53, 2.0**30 * 1.1, step=2.0**12))
    yield ("adjacent integers above 2^53", s("big", 600, 73, 2.0**53, 300, whole=True),
           s("big", 500, 74, 2.0**53 + 6, 310, whole=True))
    yield ("few integers above 2^53", s("big", 300, 75, 2.0**60, 5, whole=True),
           s("big", 200, 76, 2.0**60, 6, whole=True))
    yield "5,000 and 3,000", s("normal", 5000, 49), s("normal", 3000, 50, 0.3)
    yield "same size", s("normal", 1024, 51), s("normal", 1024, 52, 0.05)
    yield "10,000 each", s("normal", 10000, 53), s("normal", 10000, 54, 0.02)
    yield "10,000 and 9,999", s("normal", 10000, 55), s("normal", 9999, 56, 0.01)
    yield "past 10,000", s("normal", 12000, 57), s("normal", 15000, 58, 0.01)
    yield "past 10,000, clearly", s("slash", 20000, 59), s("slash", 11000, 60, 0.4)
    yield "20,000 and 500", s("uniform", 20000, 61, -1, 2), s("uniform", 500, 62, -1, 2.2)
    yield "100,000", s("normal", 100000, 63), s("normal", 90000, 64, 0.003)
    yield "no overlap", s("uniform", 200, 65, 0, 1), s("uniform", 150, 66, 2, 1)
    yield "heavy zero", s("zeros", 3000, 67, 1, 2), s("zeros", 2000, 68, 1.3, 2)
    yield "all negative", s("uniform", 333, 69, -9, 3), s("uniform", 222, 70, -9, 3.3)
    yield "small and close", s("uniform", 60, 71), s("uniform", 55, 72, 0.01)
    yield ("two humps of equal mean and variance", s("normal", 20000, 77),
           s("bimodal", 20000, 78, 0.9, math.sqrt(0.19)))
    yield "evenly interleaved", s("grid", 200, 0, 0, 1), s("grid", 200, 0, 0.5, 1)
    yield "evenly interleaved, many", s("grid", 4000, 0, 0, 1), s("grid", 3000, 0, 0.5, 4.0 / 3)


def category_specs():
    yield "page", {"A": 500, "B": 300, "C": 200}, {"A": 400, "B": 350, "C": 200, "D": 50}
    yield "same", {"A": 50, "B": 30}, {"A": 50, "B": 30}
    yield "in proportion", {"A": 50, "B": 30}, {"A": 500, "B": 300}
    yield "two by two", {"no": 400, "yes": 100}, {"no": 350, "yes": 170}
    yield "one category", {"A": 5}, {"A": 9}
    yield "one becomes another", {"A": 500}, {"B": 90}
    yield "all gone", {"A": 500, "B": 300, "C": 2}, {"E": 40, "F": 3}
    yield "rare", {"A": 50000, "B": 3, "C": 1}, {"A": 40000, "D": 2, "B": 9}
    many = {f"v{i}": 1 + (i * 7919) % 97 for i in range(300)}
    yield "300 values", many, {k: 1 + (v * 31) % 89 for i, (k, v) in enumerate(many.items()) if i % 10}
    yield "ids", {f"u{i}": 1 for i in range(500)}, {f"u{i}": 1 for i in range(250, 700)}


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def uniform(seed, k):
    """The k-th number of splitmix64 in (0, 1)."""
    return float((mix((seed + (k + 1) * 0x9E3779B97F4A7C15) & MASK) >> 11) + 0.5) * 2.0**-53


def value(spec, i):
    kind, seed, a, b = spec["kind"], spec["seed"], spec["a"], spec["b"]
    if kind == "const":
        return a
    if kind == "grid":
        return a + b * i
    u = uniform(seed, 16 * i)
    if kind == "uniform":
        return a + b * u
    if kind == "pareto":
        return a / (u * u) * b
    if kind == "ints":
        return a + math.floor(b * u)
    if kind == "big":                             # exact, where a double would not be
        return int(a) + math.floor(b * u)
    if kind == "steps":
        return a + math.floor(b * u) * spec["step"]
    z = -6.0
    for j in range(12):
        z += uniform(seed, 16 * i + j)
    if kind == "slash":
        return a + b * (z / uniform(seed, 16 * i + 12))
    if kind == "rounded":
        return math.floor((a + b * z) * 10 + 0.5) / 10
    if kind == "zeros":
        return 0.0 if uniform(seed, 16 * i + 13) < 0.6 else a + b * z
    if kind == "bimodal":
        return (a if uniform(seed, 16 * i + 14) < 0.5 else -a) + b * z
    assert kind == "normal"
    return a + b * z


def left_out(spec, i):
    """What stands in place of the i-th value, or None."""
    for what in ("missing", "nan", "inf"):
        if what in spec and i % spec[what] == spec[what] - 1:
            return what
    return None


def sample(spec):
    scale = spec.get("scale", 1.0)
    if spec["kind"] == "big":
        return [value(spec, i) for i in range(spec["n"])]
    return [value(spec, i) * scale for i in range(spec["n"]) if not left_out(spec, i)]


def count(spec, what):
    return sum(left_out(spec, i) == what for i in range(spec["n"]))


# --- by definition --------------------------------------------------------------------------------------

def cvm_by_definition(r, c):
    """nm/(n+m)^2 times the sum of (F-G)^2 over all values of both samples (Anderson 1962)."""
    import numpy as np
    r, c = np.sort(r), np.sort(c)
    z = np.concatenate([r, c])
    d = np.searchsorted(r, z, "right") / len(r) - np.searchsorted(c, z, "right") / len(c)
    return len(r) * len(c) / len(z)**2 * float(np.sum(d * d))


def tail(first, inverse, determinant, z):
    """P of a sum of chi-squares, each over x_j = inverse(first), inverse(first + 1), ..., at least z, by Smirnov's formula
    and mpmath's tanh-sinh quadrature."""
    from mpmath import mp
    total, k = mp.mpf(0), 0
    with mp.workdps(40):
        while True:
            lo, hi = inverse(mp, first + 2 * k), inverse(mp, first + 2 * k + 1)

            def f(s):                             # x = lo + s^2: a bell about 0, and a pole at hi
                x = lo + s * s
                return 2 * s * mp.exp(-x * z / 2) / (x * mp.sqrt(abs(determinant(mp, x))))
            end, width = mp.sqrt(hi - lo), 1 / mp.sqrt(z)
            cuts = [c * width for c in (1, 2, 3, 4, 6, 8, 12, 16) if c * width < end]
            part = mp.quad(f, [0, *cuts, end]) / mp.pi
            total += (-1)**k * part
            k += 1
            if part <= total * mp.mpf(10)**-25:
                return float(total)


def p_values(cvm, ad, kuiper, n, m):
    """SciPy's own p of cvm loses its digits below 1e-7 and that of ad is read off a table: both are only checks here."""
    from mpmath import mp
    from scipy.stats._hypotests import _cdf_cvm_inf
    both, out = n + m, {}
    variance = (both + 1) * (4 * n * m * both - 3 * (n * n + m * m) - 2 * n * m) / (45 * both * both * 4 * n * m)
    if variance > 0:
        z = 1 / 6 + (cvm - (1 + 1 / both) / 6) / math.sqrt(45 * variance)
        out["cvm_p"] = 1.0 if z < 0.003 else tail(
            1, lambda mp, j: (mp.pi * j)**2, lambda mp, x: mp.sin(mp.sqrt(x)) / mp.sqrt(x), z)
        assert not 0.003 <= z < 1 or abs(out["cvm_p"] - 1 + float(_cdf_cvm_inf(z))) < 1e-13, (z, out["cvm_p"])
    if ad is not None and math.isfinite(ad):
        out["ad_p"] = tail(1, lambda mp, j: mp.mpf(j) * (j + 1),
                           lambda mp, x: mp.cos(mp.pi / 2 * mp.sqrt(1 + 4 * x)) / (mp.pi * x),
                           1 + ad * math.sqrt(2 * (math.pi**2 / 3 - 3)))
    x = math.sqrt(n * m / both) * kuiper
    out["kuiper_p"] = 1.0 if x < 0.4 else float(mp.nsum(
        lambda j: 2 * (4 * j * j * x * x - 1) * mp.exp(-2 * j * j * x * x), [1, mp.inf], method="d"))
    return out


def js_divergence(p, q):
    total = 0.0
    for a, b in zip(p, q):
        if a:
            total += a * math.log2(a / ((a + b) / 2))
        if b:
            total += b * math.log2(b / ((a + b) / 2))
    return total / 2


def js_tfdv(r, c, odd_r, odd_c):
    """Ten equal bins of each side's own range, cut at the union of the edges with mass spread evenly;
    a side of one value is a point; NaN and infinities agree with nothing."""
    import numpy as np

    def pieces(x):
        lo, hi = min(x), max(x)
        if lo == hi:
            return None, {lo: len(x)}
        edges = [lo + (hi - lo) / 10 * k for k in range(10)] + [hi]
        return (edges, np.histogram(x, edges)[0]), {}

    (hr, pr), (hc, pc) = pieces(r), pieces(c)
    cuts = sorted(set((hr[0] if hr else []) + (hc[0] if hc else [])))

    def spread(h):
        out = []
        for lo, hi in zip(cuts, cuts[1:]):
            mass = 0.0
            if h:
                for k, n in enumerate(h[1]):
                    if h[0][k] <= lo and hi <= h[0][k + 1]:
                        mass = n * ((hi - lo) / (h[0][k + 1] - h[0][k]))
            out.append(mass)
        return out
    points = sorted(set(pr) | set(pc))
    p = spread(hr) + [pr.get(x, 0) for x in points] + [odd_r, 0]
    q = spread(hc) + [pc.get(x, 0) for x in points] + [0, odd_c]
    return js_divergence([x / sum(p) for x in p], [x / sum(q) for x in q])


def deequ_robust(d, n, m):
    return max(0.0, d - 1.8 * math.sqrt((n + m) / (n * m)))


def footrule(table, top=10):
    """Spearman's, of top-k lists with location k + 1 for what is not in one (Fagin, Kumar, Sivakumar 2003)."""
    import numpy as np
    from scipy import stats
    k = min(top, int(np.count_nonzero(table, axis=1).max()))
    places = [np.where(row > 0, np.minimum(stats.rankdata(-row), k + 1), k + 1) for row in table]
    return float(np.abs(places[0] - places[1]).sum()) / (k * (k + 1))


# --- SciPy and Evidently --------------------------------------------------------------------------------

def attempt(f):
    try:
        return float(f())
    except (ValueError, FloatingPointError, ZeroDivisionError, IndexError):
        return None


def scipy_numeric(r, c):
    import numpy as np
    from scipy import special, stats
    n, m = len(r), len(c)
    en = n * m / (n + m)
    d = stats.ks_2samp(r, c, method="asymp").statistic
    distinct = len(np.unique(np.concatenate([r, c])))
    out = {
        "ks": d, "ks_p": special.kolmogorov(np.sqrt(en) * d),
        "ks_p.scipy": stats.ks_2samp(r, c, method="asymp").pvalue,
        "wasserstein": stats.wasserstein_distance(r, c),
        "energy": stats.energy_distance(r, c),
        "kuiper": (stats.ks_2samp(r, c, alternative="less", method="asymp").statistic +
                   stats.ks_2samp(r, c, alternative="greater", method="asymp").statistic),
        "cvm": cvm_by_definition(r, c),
        "linf.deequ-robust": deequ_robust(d, n, m),
    }
    if distinct == n + m and min(n, m) > 1:
        theirs = stats.cramervonmises_2samp(r, c, method="asymptotic").statistic
        assert abs(theirs - out["cvm"]) <= 1e-9 * abs(theirs), (theirs, out["cvm"])
        out["cvm"] = theirs
    out["ad"] = attempt(lambda: stats.anderson_ksamp([r, c], variant="midrank", method=None).statistic)
    out.update(p_values(out["cvm"], out["ad"], out["kuiper"], n, m))
    # Moments do not depend on a power of two or on where 0 is: taken near 1 and about a value of the reference
    # nothing overflows and nothing is lost beside a large mean.
    x, y = np.asarray(r, dtype=float), np.asarray(c, dtype=float)
    k = 2.0**-math.frexp(max(np.max(np.abs(x)), np.max(np.abs(y)), 1e-305))[1]
    x, y = x * k - x[0] * k, y * k - x[0] * k
    k = 2.0**-math.frexp(max(np.max(np.abs(x)), np.max(np.abs(y)), 1e-305))[1]
    x, y = x * k, y * k
    def inverse(v, q):                            # the inverse of the empirical distribution function
        return float(np.sort(v)[max(0, math.ceil(q * len(v)) - 1)])
    out.update({"p50": inverse(c, 0.5), "p99": inverse(c, 0.99), "min": float(np.min(c)), "max": float(np.max(c)),
                "distinct_ratio": len(np.unique(c)) / m})
    if np.min(x) != np.max(x):
        out["p50_shift"] = (inverse(y, 0.5) - inverse(x, 0.5)) / x.std()
        out["p99_shift"] = (inverse(y, 0.99) - inverse(x, 0.99)) / x.std()
        out["mean_shift"] = (y.mean() - x.mean()) / x.std()
        if m > 1:
            out["variance_ratio"] = y.var(ddof=1) / x.var(ddof=1) if np.min(y) != np.max(y) else 0.0
    if min(n, m) > 1 and not (np.min(x) == np.max(x) and np.min(y) == np.max(y)):
        out["t_p"] = stats.ttest_ind(x, y, equal_var=False).pvalue
    return out


def scipy_table(keys, r, c):
    import numpy as np
    from scipy import special, stats
    from scipy.spatial import distance
    table = np.array([[x.get(k, 0) for k in keys] for x in (r, c)], dtype=float)
    chi2 = stats.chi2_contingency(table, correction=False)
    g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    p, q = table / table.sum(axis=1, keepdims=True)
    f, h = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    f1, h1 = (table + 1) / (table + 1).sum(axis=1, keepdims=True)
    n, m = table.sum(axis=1)
    linf = float(np.max(np.abs(p - q)))
    present = int(np.count_nonzero(q))
    entropy = float(stats.entropy(q, base=2))
    level = len(set(table[0])) == 1 or len(set(table[1])) == 1
    return {
        "rank_correlation": None if level else stats.spearmanr(table[0], table[1]).statistic,
        "top10_footrule": footrule(table),
        "cramers_v": stats.contingency.association(table.astype(int)) if len(keys) > 1 else 0.0,
        "tvd_sorted": distance.cityblock(np.sort(p), np.sort(q)) / 2,
        "entropy": entropy, "normalized_entropy": entropy / math.log2(present) if present > 1 else 0.0,
        "distinct_ratio": present / m,
        "chi2": chi2.statistic, "chi2_p": chi2.pvalue, "g_test": g.statistic, "g_test_p": g.pvalue,
        "psi": float(np.sum((h - f) * np.log(h / f))), "kl": max(0.0, float(np.sum(special.rel_entr(f, h)))), "js": distance.jensenshannon(p, q, base=2),
        "hellinger": math.sqrt(max(0, 1 - float(np.sum(np.sqrt(p * q))))), "linf": linf,
        "tvd": float(np.sum(np.abs(p - q))) / 2, "js.tfdv": js_divergence(p, q),
        "psi.fiddler": float(np.sum((h1 - f1) * np.log(h1 / f1))),
        "linf.deequ-robust": deequ_robust(linf, n, m),
    }


def series(values, whole):
    import pandas as pd
    return pd.Series([int(x) for x in values] if whole else values, dtype="int64" if whole else "float64")


def labels(counts):
    import pandas as pd
    return pd.Series([k for k, n in counts.items() for _ in range(n)], dtype=object, name="x")


def value_counts(values):
    out = {}
    for x in values:
        out[x] = out.get(x, 0) + 1
    return out


def evidently_of(r, c, categorical):
    from evidently.legacy.calculations.stattests import chisquare_stattest, hellinger_distance, jensenshannon
    from evidently.legacy.calculations.stattests import kl_div, ks_stattest, psi, wasserstein_distance_norm
    from evidently.legacy.core import ColumnType
    kind = ColumnType.Categorical if categorical else ColumnType.Numerical

    def ask(f):
        return attempt(lambda: f(r.copy(), c.copy(), kind, 0.1)[0])
    out = {
        "psi.evidently": ask(psi._psi), "js.evidently": ask(jensenshannon._jensenshannon),
        "kl.evidently": ask(kl_div._kl_div), "hellinger.evidently": ask(hellinger_distance._hellinger_distance),
    }
    if not categorical:
        out["ks_p.evidently"] = ask(ks_stattest._ks_stat_test)
        out["wasserstein.evidently"] = ask(wasserstein_distance_norm._wasserstein_distance_norm)
    if categorical or r.nunique() <= 10:
        out["chi2.evidently"] = ask(chisquare_stattest._chi_stat_test)
    return out


def laws():
    """[n, d, p] of one sample and [n, m, d, p] of two, over every region of both algorithms."""
    from scipy import stats
    one, two = [], []
    for n in (1, 2, 3, 7, 30, 140, 141, 500, 3000, 54321, 100000, 100001, 750000, 4000000):
        for nd2 in (0.02, 0.1, 0.3, 0.7, 0.8, 1.5, 2.1, 2.3, 3.9, 4.1, 12, 60, 200, 349, 371):
            d = math.sqrt(nd2 / n)
            if 0.6 / n < d < 1:
                one.append([n, d, float(stats.kstwo.sf(d, n))])
        for d in (0.7 / n, 0.99 / n, 1 / n, 1.3 / n, 0.49, 0.5, 0.51, 0.8, 1 - 0.9 / n):
            if 0.6 / n < d < 1:
                one.append([n, d, float(stats.kstwo.sf(d, n))])
    from scipy.stats import _stats_py
    for n, m in ((1, 1), (2, 3), (7, 5), (10, 10), (100, 99), (100, 50), (1000, 1000), (1000, 10), (3000, 2999),
                 (10000, 10000), (9999, 10000)):
        lcm = n // math.gcd(n, m) * m
        for share in (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.9, 1):
            h = round(share * lcm)
            if n * m < 10**7 or n == m or share <= 0.05:
                done, d, p = _stats_py._attempt_exact_2kssamp(n, m, math.gcd(n, m), h / lcm, "two-sided")
                assert done
                two.append([n, m, d, float(p)])
    return one, two


def part_evidently():
    import numpy as np
    numeric, categorical = {}, {}
    for name, rs, cs in numeric_specs():
        r, c = np.array(sample(rs)), np.array(sample(cs))
        out = scipy_numeric(r, c)
        odd = [count(s, "nan") + count(s, "inf") for s in (rs, cs)]
        out["js.tfdv"] = js_tfdv([float(v) for v in r], [float(v) for v in c], *odd)
        if len(np.unique(r)) <= 10:
            cr, cc = value_counts(r), value_counts(c)
            table = scipy_table(sorted(set(cr) | set(cc)), cr, cc)
            out.update({k: table[k] for k in ("chi2", "chi2_p", "g_test", "g_test_p")})
        whole = rs.get("whole", False)
        out.update(evidently_of(series(r, whole), series(c, whole), False))
        if rs["kind"] == "big":
            # NumPy's mean of such numbers is off by 2, and its deviation by 4e-4: taken about a value instead.
            out["wasserstein.evidently"] = out["wasserstein"] / max(float(np.std(r.astype(float) - float(r[0]))), 0.001)
        numeric[name] = out
    for name, r, c in category_specs():
        out = scipy_table(sorted(set(r) | set(c)), r, c)
        out.update(evidently_of(labels(r), labels(c), True))
        categorical[name] = out
    return numeric, categorical, laws()


# --- NannyML, deepchecks --------------------------------------------------------------------------------

def nannyml_of(name, r, c):
    from nannyml.chunk import CountBasedChunker
    from nannyml.drift.univariate import methods
    from nannyml.thresholds import ConstantThreshold
    m = getattr(methods, name)(chunker=CountBasedChunker(1), threshold=ConstantThreshold(None, 1.0))

    def ask():
        m._fit(r)
        return m._calculate(c)
    return attempt(ask)


def part_nannyml():
    import numpy as np
    import pandas as pd
    numeric, categorical = {}, {}
    for name, rs, cs in numeric_specs():
        r, c = pd.Series(sample(rs), name="x"), pd.Series(sample(cs), name="x")
        numeric[name] = {
            "js.nannyml": nannyml_of("ContinuousJensenShannonDistance", r, c),
            "hellinger.nannyml": nannyml_of("ContinuousHellingerDistance", r, c),
        }
        if len(np.unique(r)) <= 10:
            numeric[name]["chi2.nannyml"] = nannyml_of("Chi2Statistic", r, c)
    for name, r, c in category_specs():
        r, c = labels(r), labels(c)
        categorical[name] = {
            "js.nannyml": nannyml_of("CategoricalJensenShannonDistance", r, c),
            "hellinger.nannyml": nannyml_of("CategoricalHellingerDistance", r, c),
            "chi2.nannyml": nannyml_of("Chi2Statistic", r, c),
        }
    return numeric, categorical


def part_deepchecks():
    from deepchecks.utils.distribution import drift
    categorical = {}
    for name, r, c in category_specs():
        r, c = labels(r), labels(c)
        categorical[name] = {
            "psi.deepchecks": attempt(lambda: drift.psi(r, c)),
            "cramers_v.deepchecks": attempt(lambda: drift.cramers_v(r, c)),
        }
    return {}, categorical


# --- putting together -----------------------------------------------------------------------------------

def finite(values):
    return {k: float(v) for k, v in sorted(values.items()) if v is not None and math.isfinite(v)}


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--part":
        warnings.simplefilter("ignore")
        real, sys.stdout = sys.stdout, sys.stderr     # a package that prints shall not spoil the answer
        json.dump(globals()["part_" + sys.argv[2]](), real)
        return
    assert len(sys.argv) == 1 + len(PARTS), __doc__
    numeric = {name: {} for name, _, _ in numeric_specs()}
    categorical = {name: {} for name, _, _ in category_specs()}
    for part, env in zip(PARTS, sys.argv[1:]):
        done = subprocess.run([os.path.join(env, "bin", "python"), os.path.abspath(__file__), "--part", part],
                              stdout=subprocess.PIPE, text=True, check=True)
        answer = json.loads(done.stdout)
        if part == "evidently":
            one, two = answer.pop()
        for mine, theirs in zip((numeric, categorical), answer):
            for name, values in theirs.items():
                mine[name].update(values)
    lines = ['{"numeric": [']
    items = [json.dumps({"name": n, "reference": r, "current": c, "values": finite(numeric[n])})
             for n, r, c in numeric_specs()]
    lines += [",\n".join(items), '], "categorical": [']
    items = [json.dumps({"name": n, "reference": r, "current": c, "values": finite(categorical[n])})
             for n, r, c in category_specs()]
    lines += [",\n".join(items), '], "one_sample": [', ",\n".join(map(json.dumps, one))]
    lines += ['], "two_samples": [', ",\n".join(map(json.dumps, two)), "]}"]
    print("\n".join(lines))


main()
