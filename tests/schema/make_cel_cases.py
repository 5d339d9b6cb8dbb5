#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random expressions over random records, with what Google's implementation of CEL (cel-expr-python) makes of them.

usage: make_cel_cases.py --seed 20261121 --cases 400 > tests/data/cel_cases.jsonl
       make_cel_cases.py --seed S --cases N

A line: {"expr", "vars": {"this.a": {TYPE: VALUE}}, "want": "true" | "false" | "null" | "error", "nulls": bool}.
has(this.a) is `this.a != null` to the oracle: its records are maps, ours have all fields of their schema. An
expression that the oracle's type checker refuses before any record is seen is left out. No double past 2^53
is compared with an int: CEL's specification has one line of numbers, the oracle turns the int into a double.
"""
import argparse
import json
import random

from cel_expr_python import cel

INTS = [0, 1, -1, 2, 3, 7, -7, 10, 100, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, -(2**63)]
DOUBLES = [0.0, -0.0, 0.5, 1.0, -1.0, 1.5, 2.0, 3.0, 7.25, 1e10, -1e15, 1e300, float("inf"),
           float("-inf"), float("nan")]
STRINGS = ["", "a", "b", "ab", "abc", "aab", "A", "é", "éa", "日本", "a b", "a\nb", "x-1", "12", "-5", "1.5", "EUR",
           "a.b", "aaa", "_", "tab\there", "😀"]
BOOLS = [True, False]
FIELDS = ["this.i", "this.j", "this.d", "this.e", "this.s", "this.t", "this.b", "this.n", "this.r.i", "this.r.s"]


def quoted(r, s):
    if r.random() < .2 and "\n" not in s and "'" not in s:
        return "r'" + s + "'"
    out = ""
    for c in s:
        if c in "'\\":
            out += "\\" + c
        elif c == "\n":
            out += "\\n"
        elif c == "\t":
            out += r.choice(["\\t", "\\x09", "\\011", "\\u0009"])
        elif ord(c) > 127 and r.random() < .3:
            out += f"\\U{ord(c):08x}"
        else:
            out += c
    return "'" + out + "'"


def literal(r, kind):
    if kind == "int":
        v = r.choice(INTS)
        text = hex(v) if r.random() < .1 else str(v)
    elif kind == "uint":
        text = f"{abs(r.choice(INTS))}u"
    elif kind == "double":
        v = r.choice([d for d in DOUBLES if abs(d) < 1e301])
        text = repr(v)
        if "." not in text and "e" not in text:
            text += ".0"
    elif kind == "string":
        text = quoted(r, r.choice(STRINGS))
    elif kind == "bool":
        text = r.choice(["true", "false"])
    else:
        text = "null"
    return f"dyn({text})" if r.random() < .5 else text


def pattern_class(r):
    inner = "".join(r.choice(["a", "b", "c", "a-c", "0-9", "é", r"\d", r"\w", r"\s", r"\W", " ", "_", r"\-", r"\]", "."])
                    for _ in range(r.randint(1, 3)))
    return "[" + r.choice(["", "^"]) + inner + "]"


def pattern(r, depth=0):
    parts = []
    for _ in range(r.randint(0 if depth else 1, 3)):
        k = r.random()
        if k < .4:
            p = r.choice(["a", "b", "c", "é", "1", "-", " ", "日", "E", r"\.", r"\x61", r"\n", r"\t"])
        elif k < .55:
            p = r.choice([r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", "."])
        elif k < .7:
            p = pattern_class(r)
        elif k < .8 and depth < 3:
            p = r.choice(["(", "(?:", "(?P<n>" if depth == 0 and not parts else "("]) + pattern(r, depth + 1) + ")"
        elif k < .9:
            parts.append(r.choice(["^", "$", r"\b", r"\B", r"\A", r"\z"]))
            continue
        else:
            p = "a"
        parts.append(p + (r.choice(["*", "+", "?", "{2}", "{1,}", "{0,2}", "{1,3}"]) + r.choice(["", "", "?"])
                          if r.random() < .3 else ""))
    text = "".join(parts)
    return text + "|" + pattern(r, depth + 1) if r.random() < .2 and depth < 3 else text


def number(r, depth):
    k = r.random()
    if depth <= 0 or k < .3:
        return r.choice([r.choice(["this.i", "this.j", "this.d", "this.e", "this.r.i", "this.n"]),
                         literal(r, r.choice(["int", "int", "double", "uint"]))])
    if k < .75:
        return f"({number(r, depth - 1)} {r.choice('+-*/%')} {number(r, depth - 1)})"
    if k < .8:
        return f"-{r.choice(['this.i', 'this.d', 'this.j', '(' + number(r, depth - 1) + ')'])}"
    if k < .88:
        return f"size({text(r, depth - 1)})" if r.random() < .5 else f"{text(r, 0)}.size()"
    if k < .93:
        return f"double({r.choice(['this.j', 'this.d', 'this.e', 'this.n', text(r, depth - 1)])})"
    return f"int({r.choice([number, number, text])(r, depth - 1)})"


def text(r, depth):
    k = r.random()
    if depth <= 0 or k < .7:
        return r.choice([r.choice(["this.s", "this.t", "this.r.s", "this.n"]), literal(r, "string")])
    if k < .85:
        return f"({text(r, depth - 1)} + {text(r, depth - 1)})"
    return f"string({r.choice(['this.i', 'this.b', 'this.s', literal(r, 'int'), literal(r, 'uint')])})"


def member(r):
    """Of a list: no int past 2^53, as above."""
    return r.choice([r.choice(["this.j", "this.e", "this.s", "this.t", "this.b", "this.n", "this.r.s"]),
                     f"{r.choice(INTS[:9])}", f"{r.choice(DOUBLES[:9])!r}", literal(r, "string"), literal(r, "bool")])


def anything(r, depth):
    return r.choice([number, text, boolean])(r, depth)


def boolean(r, depth):
    k = r.random()
    if depth <= 0 or k < .08:
        return r.choice(["this.b", "true", "false", "this.b", "this.n", "this.i"])
    if k < .3:
        return f"({boolean(r, depth - 1)} {r.choice(['&&', '||'])} {boolean(r, depth - 1)})"
    if k < .36:
        return "!" * r.randint(1, 2) + r.choice(["this.b", "(" + boolean(r, depth - 1) + ")"])
    if k < .42:
        return f"({boolean(r, depth - 1)} ? {boolean(r, depth - 1)} : {boolean(r, depth - 1)})"
    if k < .58:
        return f"{number(r, depth - 1)} {r.choice(['<', '<=', '>', '>='])} {number(r, depth - 1)}"
    if k < .66:
        return f"{text(r, depth - 1)} {r.choice(['<', '<=', '>', '>='])} {text(r, depth - 1)}"
    if k < .78:
        return f"({anything(r, depth - 1)} {r.choice(['==', '!='])} {anything(r, depth - 1)})"
    if k < .83:
        return f"({r.choice(FIELDS)} {r.choice(['==', '!='])} null)"
    if k < .87:
        return f"has({r.choice(FIELDS)})"
    if k < .92:
        members = ", ".join(member(r) for _ in range(r.randint(0, 4)))
        return f"({anything(r, depth - 1)} in [{members}])"
    if k < .96:
        return f"{text(r, 0)}.{r.choice(['startsWith', 'endsWith', 'contains'])}({text(r, depth - 1)})"
    return matching(r, depth)


def matching(r, depth=1):
    p = pattern(r)
    shown = f"r'{p}'" if "'" not in p and "\n" not in p else quoted(r, p)
    return f"{text(r, 0)}.matches({shown})" if r.random() < .7 else f"matches({text(r, depth - 1)}, {shown})"


def record(r):
    def maybe(v, p=.1):
        return None if r.random() < p else v
    inner = maybe({"i": maybe(r.choice(INTS)), "s": maybe(r.choice(STRINGS))}, .15)
    return {"i": maybe(r.choice(INTS)), "j": maybe(r.choice(INTS[:8])), "d": maybe(r.choice(DOUBLES)),
            "e": maybe(r.choice(DOUBLES[:9])), "s": maybe(r.choice(STRINGS)), "t": maybe(r.choice(STRINGS)),
            "b": maybe(r.choice(BOOLS)), "n": None, "r": inner}


def typed(v):
    if v is None:
        return {"null": None}
    if isinstance(v, bool):
        return {"bool": v}
    if isinstance(v, int):
        return {"int": str(v)}
    if isinstance(v, float):
        return {"double": v.hex() if v == v and abs(v) != float("inf") else str(v)}
    return {"string": v}


def variables(rec):
    out = {}
    for path in FIELDS:
        at = rec
        for name in path.split(".")[1:]:
            at = at[name] if at is not None else {"absent": None}
            if at == {"absent": None}:
                break
        out[path] = at if isinstance(at, dict) and "absent" in at else typed(at)
    return out


def oracle_text(expr):
    for f in FIELDS:
        expr = expr.replace(f"has({f})", f"({f} != null)")
    return expr


def judge(env, expr, rec):
    """What CEL says; None: its checker refuses the expression."""
    try:
        program = env.compile(oracle_text(expr))
    except Exception:
        return None
    try:
        v = program.eval(data={"this": rec})
    except Exception:
        return "error"
    kind = v.type().name()
    kind = str(kind).upper()
    if "ERROR" in kind or "UNKNOWN" in kind:
        return "error"
    if kind.startswith("BOOL"):
        return "true" if v.value() else "false"
    if kind.startswith("STRING"):
        return "false" if v.value() else "true"
    return "null" if "NULL" in kind else "error"


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seed", type=int, required=True)
    a.add_argument("--cases", type=int, required=True)
    args = a.parse_args()
    r = random.Random(args.seed)
    env = cel.NewEnv(variables={"this": cel.Type.DYN})
    done = 0
    while done < args.cases:
        expr = r.choice([boolean, boolean, boolean, text, matching])(r, r.randint(1, 4))
        for _ in range(3):
            rec = record(r)
            want = judge(env, expr, rec)
            if want is None:
                break
            found = variables(rec)
            nulls = any(f in expr and ("null" in v or "absent" in v) for f, v in found.items()) or "null" in expr
            print(json.dumps({"expr": expr, "vars": found, "want": want, "nulls": nulls}, ensure_ascii=True))
            done += 1


main()
