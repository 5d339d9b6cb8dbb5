# SPDX-License-Identifier: Apache-2.0
"""Alert quality of River, Evidently and NannyML on the streams of alerts_source.h (the independent kind): delays as they
come, and with the threshold set to one false alarm a week over 1,000 fields. The results are kept in
alerts_peers.json, so that `./dev bench alerts` needs none of these packages.

usage: alerts_peers.py PART...   each in an environment that has what it needs (numpy, scipy and):
  river       river 0.26.1: ADWIN, PageHinkley, KSWIN
  batch       nothing more: the statistics of Evidently and NannyML as written below
  evidently   evidently 0.7.23: the statistics below are Evidently's own, on samples
  nannyml     nannyml 0.13.1: and NannyML's

What a peer is given: the 256 windows before as its reference (a detector of River's runs through them); a category as
it is, for River five detectors on its five indicators, of which any may fire. Windows tumble; the change falls
anywhere inside one. A delay is counted from the first changed record to the one after which the alarm is known.

How thresholds are set. A week has 168 windows, so a test a window may fire with probability 1/168,000.
  KS, chi-square: their null laws (SciPy's kstwo at nm/(n+m); chi-square with 4 degrees).
  JS, L-infinity: 20,000,000 windows drawn as multinomial counts (given a reference): the empirical quantile.
  Wasserstein: 200,000 windows of 1,000 against a reference; its tail is that of a Gaussian process' norm, so
    log P(W > x) is close to a + b x^2: fitted from 3e-3 down, and read off. 10,000: scaled by sqrt(10), which
    the quantile 0.999 of 10,000 such windows confirms (printed).
  ADWIN: firings per record counted at several deltas; log(rate) is close to linear in log(delta): fitted, read off.
  PageHinkley: the largest value of its statistic in 8 weeks after the reference, in many lanes of a process
    sampled every 50 records; the quantile at which 8 lanes of 1,000 fire in 8 weeks.
  KSWIN: the exact law of KS of 30 against 30 values, a test a record: the least D whose P is at most the rate.
"""
import json
import math
import os
import sys
import time

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get("ALERTS_PEERS", os.path.join(HERE, "alerts_peers.json"))
WINDOWS = (1000, 10000)
FIELDS, WEEK, WEEKS, REFERENCE = 1000, 168, 8, 256
P_WINDOW = 1 / (WEEK * FIELDS)
RAMP, LIMIT = 50000, 100000
CHANGES = ("shift 0.25", "shift 0.5", "shift 1", "variance 1.5", "ramp", "category")
SHARES = np.array([.30, .25, .20, .15, .10])
CHANGED = np.array([.35] + [.65 / .70 * s for s in SHARES[1:]])
SEED = 20261121


def say(*what):
    print(time.strftime("%H:%M:%S"), *what, flush=True)


def changed(change, x, since=0):
    """Values after the change, from `x` of before it (standard normal, records along the last axis)."""
    if change.startswith("shift"):
        return x + float(change.split()[1])
    if change == "variance 1.5":
        return x * math.sqrt(1.5)
    return x + np.minimum(1, (since + np.arange(x.shape[-1])) / RAMP)


def summary(delays, **more):
    """Median and 90th percentile; never within LIMIT counts as infinite, which JSON has no word for."""
    d = np.sort(np.array(delays, dtype=float))
    mid, high = (d[(len(d) - 1) // 2] + d[len(d) // 2]) / 2, d[int(0.9 * (len(d) - 1))]
    return {"median": mid if np.isfinite(mid) else None, "p90": high if np.isfinite(high) else None, "streams": len(d),
            "never": int(np.sum(~np.isfinite(d))), **more}


# --- Evidently, NannyML: a statistic a window ----------------------------------------------------------------------

class Numbers:
    """A reference of numbers, and every statistic of a window against it."""

    def __init__(self, values, m):
        self.values, self.m, self.times = values, m, len(values) // m
        self.sorted = np.sort(values)
        self.sums = np.concatenate(([0.0], np.cumsum(self.sorted)))
        self.std = values.std()
        self.bins = np.histogram_bin_edges(values, bins="doane")
        self.shares = np.append(np.histogram(values, self.bins)[0] / len(values), 0.0)

    def of(self, window):
        x = np.sort(window)
        at = np.searchsorted(self.sorted, x, side="right")
        n, m, k = len(self.sorted), self.m, self.times
        high, low = np.arange(1, m + 1) / m, np.arange(m) / m
        before = np.searchsorted(self.sorted, x, side="left")
        ks = max(np.max(high - at / n), np.max(before / n - low))
        first = np.arange(m) * k
        inside = np.clip(at - first, 0, k)
        cut = self.sums[first + inside]
        area = x * inside - (cut - self.sums[first]) + (self.sums[first + k] - cut) - x * (k - inside)
        counts = np.histogram(x, self.bins)[0]
        share = np.append(counts, m - counts.sum()) / m
        return {"ks": ks, "wasserstein": area.sum() / n, "js": jensenshannon(self.shares, share, base=2)}


def category_statistics(reference, counts):
    """reference: counts of 5; counts: (..., 5)."""
    n, m = reference.sum(), counts.sum(-1, keepdims=True)
    p, q = reference / n, counts / m
    mid = (p + q) / 2
    js = (stats.entropy(np.broadcast_to(p, q.shape), mid, axis=-1) + stats.entropy(q, mid, axis=-1)) / 2
    both = reference + counts
    expected, here = both * (n / (n + m)), both * (m / (n + m))
    chi2 = ((reference - expected) ** 2 / expected + (counts - here) ** 2 / here).sum(-1)
    fit = ((counts - p * m) ** 2 / (p * m)).sum(-1)
    return {"js_nat": np.sqrt(np.maximum(js, 0)), "js": np.sqrt(np.maximum(js, 0) / math.log(2)), "chi2": chi2,
            "fit": fit, "linf": np.abs(p - q).max(-1)}


def tail_quantile(values, p):
    """log P(V > x) = a + b x^2, fitted where 3e-3 > P, read off at p."""
    v = np.sort(values)[::-1]
    rank = np.unique(np.geomspace(10, 3e-3 * len(v), 30).astype(int))
    b, a = np.polyfit(v[rank - 1] ** 2, np.log(rank / len(v)), 1, w=np.sqrt(rank))
    return math.sqrt((math.log(p) - a) / b)


def batch_thresholds(rng, w):
    out = {}
    n = REFERENCE * w
    effective = round(n * w / (n + w))
    out["ks"] = float(stats.kstwo.isf(P_WINDOW, effective))
    out["chi2"] = float(stats.chi2.isf(P_WINDOW, 4))
    out["fit"] = out["chi2"] * (1 + 1 / REFERENCE)
    found = {"js": [], "js_cat": [], "js_nat": [], "linf": []}
    for _ in range(5):
        r = Numbers(rng.standard_normal(n), w)
        p = np.diff(stats.norm.cdf(r.bins))
        p = np.append(p, 1 - p.sum())
        js = np.empty(1000000)
        ref = np.where(r.shares > 0, r.shares, 0)
        for i in range(0, len(js), 50000):
            q = rng.multinomial(w, p, size=50000) / w
            mid = (q + ref) / 2
            with np.errstate(divide="ignore", invalid="ignore"):
                d = np.nansum(np.where(q > 0, q * np.log2(q / mid), 0), -1) + np.nansum(np.where(ref > 0, ref * np.log2(ref / mid), 0), -1)
            js[i:i + 50000] = np.sqrt(np.maximum(d / 2, 0))
        found["js"].append(js)
        reference = rng.multinomial(n, SHARES)
        for _ in range(4):
            s = category_statistics(reference, rng.multinomial(w, SHARES, size=1000000))
            for name in ("js", "js_nat", "linf"):
                found[name if name != "js" else "js_cat"].append(s[name])
    for name, values in found.items():
        out[name] = float(np.quantile(np.concatenate(values), 1 - P_WINDOW))
    out["js_cat_by_fit"] = tail_quantile(np.concatenate(found["js_cat"])[:2000000], P_WINDOW)
    return out


def wasserstein_threshold(rng):
    r = Numbers(rng.standard_normal(REFERENCE * 1000), 1000)
    thousand = np.array([r.of(rng.standard_normal(1000))["wasserstein"] for _ in range(200000)])
    r = Numbers(rng.standard_normal(REFERENCE * 10000), 10000)
    ten = np.array([r.of(rng.standard_normal(10000))["wasserstein"] for _ in range(10000)])
    at = tail_quantile(thousand, P_WINDOW)
    say("wasserstein", at, "first half of the windows:", tail_quantile(thousand[:100000], P_WINDOW), "second:",
        tail_quantile(thousand[100000:], P_WINDOW), "0.999 at 1,000, at 10,000 x sqrt(10):", np.quantile(thousand, .999),
        np.quantile(ten, .999) * math.sqrt(10))
    return {1000: at, 10000: at / math.sqrt(10)}


BATCH = {  # detector: (numbers' statistic, its threshold as it comes, categories' statistic, its threshold)
    "Evidently default": ("wasserstein_normed", 0.1, "js_nat", 0.1),
    "Evidently KS, chi-square": ("ks_p", 0.05, "fit_p", 0.05),
    "NannyML JS": ("js", "chunks", "js", "chunks"),
    "NannyML KS, chi2": ("ks", "chunks", "chi2_p", 0.05),
    "NannyML Wasserstein, L-infinity": ("wasserstein", "chunks", "linf", "chunks"),
}


def over(value, limit, name):
    return value <= limit if name == "ks_p" else value < limit if name.endswith("_p") else \
        value >= limit if name in ("wasserstein_normed", "js_nat") else value > limit


def add_derived(s, r, w):
    if "wasserstein" in s:
        s["wasserstein_normed"] = s["wasserstein"] / r.std
        n = len(r.sorted)
        s["ks_p"] = stats.kstwo.sf(s["ks"], round(n * w / (n + w)))
    else:
        s["fit_p"], s["chi2_p"] = stats.chi2.sf(s["fit"], 4), stats.chi2.sf(s["chi2"], 4)
    return s


def batch_delays(rng, w, limits):
    references, each = (10, 20) if w == 1000 else (5, 20)
    first = {}  # (detector, how, change) -> delays
    for number in range(references):
        r = Numbers(rng.standard_normal(REFERENCE * w), w)
        own = [add_derived(r.of(r.values[i * w:(i + 1) * w]), r, w) for i in range(REFERENCE)]
        counts = rng.multinomial(w, SHARES, size=REFERENCE)
        ref = counts.sum(0)
        own_c = category_statistics(ref, counts)
        for change in CHANGES:
            cat = change == "category"
            for _ in range(each):
                at, want = int(rng.integers(w)), {}
                for name, (num, num_limit, c, c_limit) in BATCH.items():
                    s, limit = (c, c_limit) if cat else (num, num_limit)
                    if limit == "chunks":
                        v = own_c[s] if cat else np.array([o[s] for o in own])
                        limit = v.mean() + 3 * v.std()
                    want[name, "as it comes"] = (s, limit)
                    plain = {"wasserstein_normed": "wasserstein", "ks_p": "ks", "fit_p": "fit", "chi2_p": "chi2"}.get(s, s)
                    want[name, "recalibrated"] = (plain, limits["js_cat" if cat and plain == "js" else plain])
                done = 0
                while want and done - at < LIMIT:
                    before = max(0, at - done)
                    if cat:
                        now = rng.multinomial(before, SHARES) + rng.multinomial(w - before, CHANGED)
                        s = add_derived(category_statistics(ref, now), r, w)
                    else:
                        x = rng.standard_normal(w)
                        x[before:] = changed(change, x[before:], max(0, done - at))
                        s = add_derived(r.of(x), r, w)
                    done += w
                    for key in [k for k, (name, limit) in want.items() if over(s[name], limit, name)]:
                        first.setdefault((*key, change), []).append(done - at)
                        del want[key]
                for key in want:
                    first.setdefault((*key, change), []).append(math.inf)
        say("batch", w, "reference", number + 1, "of", references)
    return {f"{d}|{how}|{c}": summary(v) for (d, how, c), v in first.items()}


def batch(results):
    rng = np.random.default_rng(SEED)
    wasserstein = wasserstein_threshold(rng)
    for w in WINDOWS:
        limits = {**batch_thresholds(rng, w), "wasserstein": wasserstein[w]}
        say(w, limits)
        results.setdefault("thresholds", {})[str(w)] = limits
        results.setdefault("batch", {})[str(w)] = batch_delays(rng, w, limits)


def samples(rng):
    for w in WINDOWS:
        reference = rng.standard_normal(REFERENCE * w)
        for shift in (0, 0.1, 0.5):
            yield w, reference, rng.standard_normal(w) * (1 + shift) + shift
    return


def category_samples(rng):
    for w in WINDOWS:
        for shares in (SHARES, CHANGED):
            yield w, rng.choice(5, REFERENCE * w, p=SHARES), rng.choice(5, w, p=shares)


def close(what, mine, theirs, tolerance=1e-9):
    assert abs(mine - theirs) <= tolerance * max(1, abs(theirs)), (what, mine, theirs)


def evidently(results):
    import evidently as package  # pylint: disable=import-outside-toplevel
    import pandas as pd  # pylint: disable=import-outside-toplevel
    from evidently.legacy.calculations.stattests import (  # pylint: disable=import-outside-toplevel
        chisquare_stattest, jensenshannon as js, ks_stattest, wasserstein_distance_norm)
    from evidently.legacy.core import ColumnType  # pylint: disable=import-outside-toplevel
    assert package.__version__ == "0.7.23", package.__version__
    rng = np.random.default_rng(SEED)
    num, cat, n = ColumnType.Numerical, ColumnType.Categorical, 0
    for w, reference, x in samples(rng):
        r = Numbers(reference, w)
        s = add_derived(r.of(x), r, w)
        a, b = pd.Series(reference), pd.Series(x)
        close("wasserstein", s["wasserstein_normed"], wasserstein_distance_norm._wasserstein_distance_norm(a, b, num, .1)[0])
        theirs = ks_stattest._ks_stat_test(a, b, num, .05)[0]
        close("ks", s["ks"], stats.ks_2samp(reference, x).statistic)
        close("ks p", s["ks_p"], theirs, 1e-3)
        n += 2
    for w, reference, x in category_samples(rng):
        s = add_derived(category_statistics(np.bincount(reference, minlength=5), np.bincount(x, minlength=5)), None, w)
        a, b = pd.Series(reference).astype(str), pd.Series(x).astype(str)
        close("js", s["js_nat"], js._jensenshannon(a, b, cat, .1)[0])
        close("fit", s["fit_p"], chisquare_stattest._chi_stat_test(a, b, cat, .05)[0])
        n += 2
    results.setdefault("versions", {})["evidently"] = package.__version__
    say("Evidently: equal on", n, "samples")


def nannyml(results):
    import nannyml as package  # pylint: disable=import-outside-toplevel
    import pandas as pd  # pylint: disable=import-outside-toplevel
    from nannyml.drift.univariate.methods import FeatureType, MethodFactory  # pylint: disable=import-outside-toplevel
    assert package.__version__ == "0.13.1", package.__version__
    rng, n = np.random.default_rng(SEED), 0

    def theirs(key, kind, reference, x):
        method = MethodFactory.create(key, kind, chunker=None, threshold=None)
        return method._fit(pd.Series(reference))._calculate(pd.Series(x))  # pylint: disable=protected-access

    for w, reference, x in samples(rng):
        s = Numbers(reference, w).of(x)
        close("js", s["js"], theirs("jensen_shannon", FeatureType.CONTINUOUS, reference, x))
        # From 10,000 rows on NannyML counts on 10,000 equal bins.
        close("ks", s["ks"], theirs("kolmogorov_smirnov", FeatureType.CONTINUOUS, reference, x), 2e-3)
        close("wasserstein", s["wasserstein"], theirs("wasserstein", FeatureType.CONTINUOUS, reference, x), 2e-3)
        n += 3
    for w, reference, x in category_samples(rng):
        del w
        s = category_statistics(np.bincount(reference, minlength=5), np.bincount(x, minlength=5))
        reference, x = reference.astype(str), x.astype(str)
        close("js", s["js"], theirs("jensen_shannon", FeatureType.CATEGORICAL, reference, x), 1e-6)
        close("linf", s["linf"], theirs("l_infinity", FeatureType.CATEGORICAL, reference, x))
        close("chi2", s["chi2"], theirs("chi2", FeatureType.CATEGORICAL, reference, x))
        n += 3
    results.setdefault("versions", {})["nannyml"] = package.__version__
    say("NannyML: equal on", n, "samples")


def main():
    results = {}
    if os.path.exists(OUT):
        with open(OUT, encoding="utf-8") as f:
            results = json.load(f)
    for part in sys.argv[1:] or sys.exit(__doc__):
        if part == "river":
            import alerts_river  # pylint: disable=import-outside-toplevel
            alerts_river.run(sys.modules[__name__], results)
        else:
            {"batch": batch, "evidently": evidently, "nannyml": nannyml}[part](results)
        with open(OUT, "w", encoding="utf-8") as f:
            json.dump(results, f, indent=1, sort_keys=True)
            f.write("\n")


main()
