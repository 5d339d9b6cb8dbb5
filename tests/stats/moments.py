#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes moments_table.h: exact moments of data that test_numeric.c makes from the same splitmix64."""
from decimal import Decimal, getcontext
from fractions import Fraction
import math
import os

getcontext().prec = 80
MASK = (1 << 64) - 1


def splitmix(seed):
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = seed
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        yield z ^ (z >> 31)


def value(kind, i, u):
    unit = (u >> 11) * 2.0**-53
    return {
        "counting": lambda: float(i + 1),
        "unit": lambda: unit,
        "far": lambda: 1e9 + unit,  # spread 1e-9 of the mean
        "tiny_spread": lambda: 1e6 + unit * 2.0**-30,
        "cancel": lambda: [1e16, 1.0, -1e16][i % 3],
        "wide": lambda: math.ldexp(unit - 0.5, (u & 127) - 64),
        "far_and_long": lambda: 1e12 + unit,
        "huge": lambda: math.ldexp(unit, 500),
        "milliseconds": lambda: 1.7e12 + float(u & 0xFFFFF),
        "pair": lambda: [0.1, 0.3][i % 2],
    }[kind]()


CASES = [("counting", 1000), ("unit", 10000), ("far", 10000), ("tiny_spread", 10000), ("cancel", 9999),
         ("wide", 20000), ("milliseconds", 10000), ("pair", 2),
         ("far_and_long", 100000), ("huge", 1000)]


def root(x):
    return float((Decimal(x.numerator) / Decimal(x.denominator)).sqrt())


def main():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "moments_table.h"), "w") as out:
        out.write("// SPDX-License-Identifier: Apache-2.0\n// Written by moments.py in exact rational arithmetic.\n")
        out.write("static const struct {\n\tconst char *kind;\n\tint n;\n\tdouble sum, mean, stddev;\n} moments_table[] = {\n")
        for seed, (kind, n) in enumerate(CASES):
            gen = splitmix(seed)
            xs = [Fraction(value(kind, i, next(gen))) for i in range(n)]
            total = sum(xs)
            var = (n * sum(x * x for x in xs) - total * total) / (n * (n - 1))
            out.write('\t{"%s", %d, %s, %s, %s},\n' % (kind, n, float(total).hex(), float(total / n).hex(),
                                                      root(var).hex()))
        out.write("};\n")


if __name__ == "__main__":
    main()
