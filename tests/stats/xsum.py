#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes xsum_table.h: exact sums, means and variances, by fractions, of data that test_xsum.c makes too."""
from decimal import Decimal, getcontext
from fractions import Fraction
import math
import os

from moments import splitmix

getcontext().prec = 400


def value(kind, i, u):
    unit = (u >> 11) * 2.0**-53
    spread = int(u & 0x7FF)
    return {
        "unit": lambda: unit - 0.5,
        "far": lambda: 1e9 + unit,
        "all exponents": lambda: math.ldexp(unit - 0.5, spread - 1074 if spread < 2098 else 0),
        "subnormal": lambda: math.ldexp(float(u & 0xFFFF), -1074),
        "tiny": lambda: math.ldexp(unit, -1000),
        "greatest": lambda: math.ldexp(unit, 1023),
        "long integers": lambda: float((1 << 53) + (u & 0xFF)) * 2,
        "cancel": lambda: [1e300, 1.0, -1e300, 2.0**-1074][i % 4],
        "constant": lambda: 0.1,
    }[kind]()


CASES = [("unit", 10000), ("far", 10000), ("all exponents", 3000), ("subnormal", 1000), ("tiny", 1000),
         ("greatest", 100), ("long integers", 5000), ("cancel", 4000), ("cancel", 4001), ("constant", 10),
         ("constant", 3), ("unit", 2)]
# each value 2^33 times
MANY = [("unit", 5), ("far", 3), ("subnormal", 3), ("all exponents", 4), ("long integers", 7)]


def rounded(x):
    try:
        return float(x).hex()
    except OverflowError:
        return "INFINITY" if x > 0 else "-INFINITY"


def root(x):
    return rounded(Fraction((Decimal(x.numerator) / Decimal(x.denominator)).sqrt()))


def main():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "xsum_table.h"), "w") as out:
        out.write("// SPDX-License-Identifier: Apache-2.0\n// Written by xsum.py in exact rational arithmetic.\n")
        out.write("static const struct {\n\tconst char *kind;\n\tint n, doubled;\n\tdouble sum, mean, variance, stddev;\n"
                  "} xsum_table[] = {\n")
        for seed, (kind, n) in enumerate(CASES + MANY):
            doubled = 33 if seed >= len(CASES) else 0
            gen = splitmix(seed)
            xs = [Fraction(value(kind, i, next(gen))) for i in range(n)]
            total = sum(xs) * 2**doubled
            all_of = n * 2**doubled
            var = (all_of * sum(x * x for x in xs) * 2**doubled - total * total) / (all_of * (all_of - 1))
            out.write('\t{"%s", %d, %d, %s,\n\t %s,\n\t %s,\n\t %s},\n'
                      % (kind, n, doubled, rounded(total), rounded(total / all_of), rounded(var), root(var)))
        out.write("};\n")


main()
