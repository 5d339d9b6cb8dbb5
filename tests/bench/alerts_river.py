# SPDX-License-Identifier: Apache-2.0
"""River's detectors for alerts_peers.py: what they do a record at a time, how their thresholds are set, their delays.

ADWIN is the package's. PageHinkley and KSWIN are written for many streams at once, and asserted to be the package's
on samples (KSWIN draws at random: its test is, not its draws).
"""
import copy
import math

import numpy as np
from scipy import stats

STEP = 50  # records a step of the sampled PageHinkley
WARM = 256000  # records before a change
KSWIN_LIMIT = 20000  # records after which it is "never"


class PageHinkley:
    """River's, both sides, on a lane each: defaults min_instances 30, delta 0.005, threshold 50, alpha 0.9999."""
    DELTA, ALPHA, LEAST = 0.005, 1 - 0.0001, 30

    def __init__(self, lanes):
        self.n, self.mean = np.zeros(lanes), np.zeros(lanes)
        self.up, self.down = np.zeros(lanes), np.zeros(lanes)
        self.low, self.high = np.full(lanes, np.inf), np.full(lanes, -1.0)

    def update(self, x):
        """A value a lane; the statistic, 0 below the least number of values."""
        self.n += 1
        self.mean += (x - self.mean) / self.n
        dev = x - self.mean
        self.up = self.ALPHA * self.up + dev - self.DELTA
        self.down = self.ALPHA * self.down + dev + self.DELTA
        np.minimum(self.low, self.up, out=self.low)
        np.maximum(self.high, self.down, out=self.high)
        return np.where(self.n >= self.LEAST, np.maximum(self.up - self.low, self.high - self.down), 0)

    def reset(self, lanes):
        """After a detection River begins anew, in these lanes."""
        for a, v in ((self.n, 0), (self.mean, 0), (self.up, 0), (self.down, 0), (self.low, np.inf), (self.high, -1)):
            a[lanes] = v


def page_hinkley_maxima(rng, sd, first, records, lanes):
    """Its largest value in `records` after `first`, of independent values of that deviation, in steps of STEP.
    The mean is known by then, and the two sums are of the same noise."""
    decay = PageHinkley.ALPHA ** STEP
    pull = PageHinkley.DELTA * (1 - decay) / (1 - PageHinkley.ALPHA)
    noise = sd * math.sqrt((1 - decay ** 2) / (1 - PageHinkley.ALPHA ** 2))
    up, down, low, high, most = (np.zeros(lanes) for _ in range(5))
    for i in range((first + records) // STEP):
        e = noise * rng.standard_normal(lanes)
        up = decay * up + e - pull
        down = decay * down + e + pull
        np.minimum(low, up, out=low)
        np.maximum(high, down, out=high)
        if i * STEP >= first:
            np.maximum(most, np.maximum(up - low, high - down), out=most)
    return most


class Kswin:
    """River's KSWIN (window 100, statistic over 30) on a lane each: the distance in steps of 1/30."""
    WINDOW, STAT = 100, 30

    def __init__(self, rng, window):
        self.rng, self.window = rng, window  # lanes x 100, oldest first

    def update(self, x):
        self.window = np.concatenate((self.window[:, 1:], x[:, None]), axis=1)
        old = self.WINDOW - self.STAT
        pick = np.argpartition(self.rng.random((len(x), old)), self.STAT, axis=1)[:, :self.STAT]
        return ks_steps(np.concatenate((np.take_along_axis(self.window, pick, 1), self.window[:, old:]), axis=1))


def ks_steps(both):
    """30 D of the first 30 values against the last, in each row."""
    order = np.argsort(both, axis=1)
    walk = np.cumsum(np.where(order < Kswin.STAT, 1, -1), axis=1)
    v, ends = np.take_along_axis(both, order, 1), np.ones_like(walk, dtype=bool)
    ends[:, :-1] = v[:, 1:] != v[:, :-1]  # ties end together
    return np.max(np.where(ends, np.abs(walk), 0), axis=1)


def kswin_steps(rate):
    """The least k for which P(30 D >= k) of 30 against 30 values is at most `rate`."""
    at = np.arange(30.0)
    for k in range(4, 31):
        if stats.ks_2samp(at, at + k - 0.5, method="exact").pvalue <= rate:
            return k
    return 31


def adwin_fires(drift, delta, values, detector=None):
    """Firings, the detector at the end. After one, River begins anew."""
    a = detector or drift.ADWIN(delta=delta)
    update, fired = a._helper.update, 0  # pylint: disable=protected-access
    for x in values:
        if update(x):
            fired += 1
            a._reset()  # pylint: disable=protected-access
            update = a._helper.update  # pylint: disable=protected-access
    return fired, a


def first_adwin(detectors, columns):
    """The number of records until any of the detectors fires on its column; inf."""
    first = math.inf
    for a, values in zip(detectors, columns):
        update = a._helper.update  # pylint: disable=protected-access
        for i, x in enumerate(values):
            if i >= first:
                break
            if update(x):
                first = i + 1
                break
    return first


def check(drift, rng):
    """This file's detectors are the package's."""
    x = rng.standard_normal(20000)
    x[12000:] += 0.3
    theirs, mine, n = drift.PageHinkley(threshold=20), PageHinkley(1), 0
    for v in x:
        theirs.update(v)
        s = mine.update(np.array([v]))[0]
        assert theirs.drift_detected == (s > 20), n
        if theirs.drift_detected:
            mine, n = PageHinkley(1), n + 1
    assert n > 3
    whole, fired, helper = drift.ADWIN(), 0, adwin_fires(drift, 0.002, x.tolist())[0]
    for v in x:
        whole.update(v)
        fired += whole.drift_detected
    assert fired == helper > 0
    for _ in range(200):
        both = rng.standard_normal((1, 60)).round(1) + np.repeat([0, 0.8], 30)
        assert abs(stats.ks_2samp(both[0, :30], both[0, 30:]).statistic - ks_steps(both)[0] / 30) < 1e-12


# --- thresholds ----------------------------------------------------------------------------------------------------

def rates(c, drift, rng, deltas, categories):
    """Firings per record of ADWIN (five of them on categories' indicators) at each delta."""
    out = {}
    for delta, records in deltas.items():
        fired, done, detectors = 0, 0, None
        while done < records:
            n = 1000000
            if categories:
                code = rng.choice(5, n, p=c.SHARES)
                columns = [(code == i).astype(float).tolist() for i in range(5)]
            else:
                columns = [rng.standard_normal(n).tolist()]
            said = [adwin_fires(drift, delta, x, d) for x, d in zip(columns, detectors or [None] * len(columns))]
            fired, detectors, done = fired + sum(f for f, _ in said), [d for _, d in said], done + n
        out[delta] = (fired, done)
        c.say("ADWIN, categories" if categories else "ADWIN", delta, "fired", fired, "in", done, "records")
    return out


def delta_at(counts, rate):
    """log(rate) linear in log(delta), weighted by what was counted."""
    x, y, w = zip(*[(math.log(d), math.log(n / done), math.sqrt(n)) for d, (n, done) in counts.items() if n])
    slope, start = np.polyfit(x, y, 1, w=w)
    return math.exp((math.log(rate) - start) / slope), slope


def page_hinkley_threshold(c, rng, w, deviations, lanes):
    """The level that lanes of all deviations together pass at one a week over FIELDS fields."""
    most = np.concatenate([page_hinkley_maxima(rng, sd, c.REFERENCE * w, c.WEEK * c.WEEKS * w, lanes) for sd in deviations])
    share = c.WEEKS / c.FIELDS / len(deviations)
    return float(np.quantile(most, 1 - share)), share * len(most)


# --- delays --------------------------------------------------------------------------------------------------------

def indicators(code):
    return [(code == i).astype(float) for i in range(5)]


def stream(c, rng, change, lanes, records, since=0):
    """Values after the change: lanes x records, or five such for a category."""
    if change == "category":
        return indicators(rng.choice(5, (lanes, records), p=c.CHANGED))
    return [c.changed(change, rng.standard_normal((lanes, records)), since)]


def before(c, rng, lanes, records):
    """What comes before a change: of numbers, of categories."""
    return {"number": [rng.standard_normal((lanes, records))],
            "category": indicators(rng.choice(5, (lanes, records), p=c.SHARES))}


def kind_of(change):
    return "category" if change == "category" else "number"


def adwin_delays(c, drift, rng, delta, streams):
    out = {change: [] for change in c.CHANGES}
    for _ in range(streams):
        warm = {kind: [adwin_fires(drift, delta[kind], x[0].tolist())[1] for x in columns]
                for kind, columns in before(c, rng, 1, WARM + int(rng.integers(32))).items()}
        for change in c.CHANGES:
            columns = [x[0].tolist() for x in stream(c, rng, change, 1, c.LIMIT)]
            out[change].append(first_adwin(copy.deepcopy(warm[kind_of(change)]), columns))
    return out


def lanes_delays(c, rng, change, detectors, over, limit, lanes, block=1000):
    """Of detectors on lanes; over(statistics) says which fire."""
    first, done = np.full(lanes, math.inf), 0
    while done < limit and np.isinf(first).any():
        xs = stream(c, rng, change, lanes, block, done)
        for i in range(block):
            done += 1
            for d, x in zip(detectors, xs):
                first[np.isinf(first) & over(d.update(x[:, i]))] = done
    return first


def page_hinkley_delays(c, rng, threshold, records, lanes):
    """As it comes it fires on the way to the change: then the lane begins anew."""
    warm = {"number": [PageHinkley(lanes)], "category": [PageHinkley(lanes) for _ in range(5)]}
    for _ in range(0, records, 1000):
        for kind, xs in before(c, rng, lanes, 1000).items():
            for d, x in zip(warm[kind], xs):
                for i in range(1000):
                    d.reset(d.update(x[:, i]) > threshold[kind])
    return {change: lanes_delays(c, rng, change, copy.deepcopy(warm[kind_of(change)]),
                                 lambda s, t=threshold[kind_of(change)]: s > t, c.LIMIT, lanes) for change in c.CHANGES}


def kswin_delays(c, rng, least, lanes):
    return {change: lanes_delays(c, rng, change, [Kswin(rng, x) for x in before(c, rng, lanes, 100)[kind_of(change)]],
                                 lambda s: s >= least, KSWIN_LIMIT, lanes) for change in c.CHANGES}


def adwin(c, drift, rng, results):
    limits = results.setdefault("river thresholds", {})
    counts = {"number": rates(c, drift, rng, {0.02: 20000000, 0.005: 50000000, 0.002: 100000000, 5e-4: 150000000,
                                              1e-4: 250000000}, False),
              "category": rates(c, drift, rng, {0.02: 10000000, 0.005: 20000000, 0.002: 30000000, 5e-4: 50000000}, True)}
    limits["ADWIN firings, records"] = {k: {str(d): n for d, n in v.items()} for k, v in counts.items()}
    for how in ("as it comes", *c.WINDOWS):
        delta = {"number": 0.002, "category": 0.002}
        if how != "as it comes":
            fits = {k: delta_at(v, 1 / (c.WEEK * c.FIELDS * how)) for k, v in counts.items()}
            delta = {k: d for k, (d, _) in fits.items()}
            limits[f"ADWIN {how}"] = {k: {"delta": d, "slope": s} for k, (d, s) in fits.items()}
        c.say("ADWIN", how, delta)
        for change, v in adwin_delays(c, drift, rng, delta, 100).items():
            for w in c.WINDOWS if how == "as it comes" else [how]:
                keep(c, results, w, "ADWIN", how, change, v)


def keep(c, results, w, name, how, change, delays):
    how = how if how == "as it comes" else "recalibrated"
    results.setdefault("river", {}).setdefault(str(w), {})[f"River {name}|{how}|{change}"] = c.summary(delays)


def page_hinkley_and_kswin(c, rng, results):
    limits = results.setdefault("river thresholds", {})
    deviations = np.sqrt(c.SHARES * (1 - c.SHARES))
    for how in ("as it comes", *c.WINDOWS):
        threshold, least = {"number": 50, "category": 50}, kswin_steps(0.005)
        if how != "as it comes":
            threshold["number"], past = page_hinkley_threshold(c, rng, how, [1.0], 4000 if how == 1000 else 2000)
            threshold["category"], _ = page_hinkley_threshold(c, rng, how, deviations, 1000 if how == 1000 else 500)
            least = kswin_steps(1 / (c.WEEK * c.FIELDS * how))
            limits[f"PageHinkley {how}"], limits[f"KSWIN steps {how}"] = threshold, least
            c.say("PageHinkley", how, threshold, "lanes past it", past, "KSWIN", least)
        for name, delays in (("PageHinkley", page_hinkley_delays(c, rng, threshold, 20000 if how == "as it comes" else WARM, 100)),
                             ("KSWIN", kswin_delays(c, rng, least, 50))):
            for change, v in delays.items():
                for w in c.WINDOWS if how == "as it comes" else [how]:
                    keep(c, results, w, name, how, change, v)
            c.say(name, how, "delays done")


def run(c, results):
    from river import drift, __version__  # pylint: disable=import-outside-toplevel
    assert __version__ == "0.26.1", __version__
    rng = np.random.default_rng(c.SEED)
    check(drift, rng)
    results.setdefault("versions", {})["river"] = __version__
    c.say("PageHinkley and KSWIN as written are River's on samples")
    page_hinkley_and_kswin(c, rng, results)
    adwin(c, drift, rng, results)
