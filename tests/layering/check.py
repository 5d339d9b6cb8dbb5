#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on an include, a third-party header or a call that the layout of src/ does not allow.

usage: check.py [ROOT]     prints `ok NAME` and `not ok NAME: why` lines; exit 1 where anything is wrong.
Afterwards it proves on a temporary tree that each of its checks can fail.
"""
import os
import re
import sys
import tempfile

# Which rooms a room may include from (docs/development.md). A "room/header.h" is that header alone.
MAY_INCLUDE = {
    "util": [],
    "stats": ["util"],
    "drift": ["util", "stats"],
    "judge": ["util", "stats", "drift", "store/types.h"],
    "report": ["util"],
    "config": ["util", "stats", "drift", "judge", "schema/expr.h"],
    "kafka": ["util"],
    "http": ["util"],
    "files": ["util", "stats"],
    "schema": ["util", "stats", "http"],
    "store": ["util"],
    "collect": ["util", "stats", "drift", "config", "kafka", "store/types.h", "schema/plan.h", "schema/wire.h",
                "schema/contract.h", "schema/registry.h", "schema/text.h", "schema/message.h", "schema/subject.h"],
    "deliver": ["util", "http", "config", "store/types.h"],
    "web": ["util"],
    "sandbox": ["util", "kafka", "http", "files"],
    "app": ["util", "stats", "drift", "judge", "config", "kafka", "http", "files", "schema", "store", "collect",
            "deliver", "web", "sandbox", "report"],
    "cli": ["util", "stats", "drift", "judge", "config", "kafka", "http", "files", "schema", "store", "collect",
            "deliver", "web", "sandbox", "report", "app"],
    "main.c": ["cli"],
}

# Third-party header -> where it may be included (a room, or one file).
THIRD_PARTY = {
    r"librdkafka/": ["kafka", "sandbox"],
    r"curl/": ["http"],
    r"avro(\.h|/)": ["schema", "files"],
    r"hiredis/": ["store"],
    r"simdjson\.h": ["schema"],
    r"re2/": ["util/re.cc"],
    r"google/protobuf/": ["schema"],
    r"microhttpd\.h": ["web", "sandbox"],
    r"c?yaml(\.h|/)": ["config"],
    r"jansson\.h": ["util/json.h"],
    r"openssl/": ["util/digest.c"],
    r"zlib\.h": ["util/digest.c"],
    r"criterion/": [],
}

# Call -> (where it is allowed, what to use instead).
BANNED = {
    "strcpy": ([], "buf_adds or xstrdup"),
    "strcat": ([], "buf_adds"),
    "sprintf": (["util/digest.c"], "snprintf or buf_addf"),
    "vsprintf": ([], "vsnprintf"),
    "gets": ([], "fgets"),
    "system": ([], "posix_spawn or fork and execv"),
    "exit": (["main.c", "cli", "util/xalloc.c"], "a returned error"),
}
# Rooms without I/O. util holds the file reader and the log, which write for everybody.
NO_IO = ["stats", "drift", "judge", "report"]
IO_HEADERS = r"(sys/socket|netinet/.*|netdb|fcntl|sys/stat|poll|sys/epoll)\.h"
LONG = 600


def strip(text):
    """Comments and literals blanked out, lines kept."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def within(path, places):
    return any(path == p or path.startswith(p + "/") for p in places)


def sources(src):
    for folder, _, names in os.walk(src):
        for name in sorted(names):
            if name.endswith((".c", ".cc", ".h")):
                yield os.path.relpath(os.path.join(folder, name), src)


def check(root):
    """-> ({check: [problem, ...]}, [warning, ...])"""
    src = os.path.join(root, "src")
    found = {"rooms": [], "third party": [], "no I/O": [], "calls": [], "licence": []}
    warnings = []
    for path in sources(src):
        with open(os.path.join(src, path), encoding="utf-8") as f:
            text = f.read()
        room = path.split("/")[0]
        if room not in MAY_INCLUDE:
            found["rooms"].append(f"src/{path}: there is no room '{room}'")
            continue
        if "SPDX-License-Identifier: Apache-2.0" not in text.split("\n", 1)[0]:
            found["licence"].append(f"src/{path}:1: the first line must be the SPDX line")
        allowed = MAY_INCLUDE[room] + [room]
        for number, line in enumerate(text.split("\n"), 1):
            m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not m:
                continue
            where, header = f"src/{path}:{number}", m.group(2)
            if m.group(1) == '"' and not within(header, allowed):
                found["rooms"].append(f"{where}: {room} must not include {header}")
            for pattern, places in THIRD_PARTY.items():
                if re.match(pattern, header) and not within(path, places):
                    found["third party"].append(f"{where}: {header} belongs to {' and '.join(places) or 'tests'}")
            if room in NO_IO and m.group(1) == "<" and re.fullmatch(IO_HEADERS, header):
                found["no I/O"].append(f"{where}: {room} does no I/O, {header} is for it")
        for number, line in enumerate(strip(text).split("\n"), 1):
            for call, (places, instead) in BANNED.items():
                if re.search(rf"(?<![\w.>]){call}\s*\(", line) and not within(path, places):
                    found["calls"].append(f"src/{path}:{number}: {call}() is banned: use {instead}")
        lines = text.count("\n")
        if lines > LONG:
            warnings.append(f"src/{path}: {lines} lines, more than {LONG}")
    return found, warnings


# One wrong file a check: the path, its text, the check that must find it.
MISTAKES = [
    ("stats/a.c", '#include "drift/measure.h"\n', "rooms"),
    ("web/a.c", '#include "store/store.h"\n', "rooms"),
    ("collect/a.c", '#include "store/store.h"\n', "rooms"),
    ("store/a.h", '#include "collect/worker.h"\n', "rooms"),
    ("spare/a.c", "", "rooms"),
    ("app/a.c", "#include <librdkafka/rdkafka.h>\n", "third party"),
    ("cli/a.c", "#include <jansson.h>\n", "third party"),
    ("util/a.c", "#include <openssl/sha.h>\n", "third party"),
    ("judge/a.c", "#include <sys/socket.h>\n", "no I/O"),
    ("util/b.c", "void f(char *a, const char *b) { strcpy(a, b); }\n", "calls"),
    ("app/b.c", "void f(void) { exit(1); }\n", "calls"),
    ("util/c.c", "char *f(char *a) { return gets (a); }\n", "calls"),
    ("kafka/a.c", None, "licence"),
]
FINE = [
    ("drift/f.c", '#include "stats/pane.h"\n#include <math.h>\n// strcpy(a, b) and "exit(1)"\n'),
    ("judge/f.c", '#include "store/types.h"\nint f(struct s *x) { return x->exit(1); }\n'),
    ("kafka/f.c", '#include <librdkafka/rdkafka.h>\nvoid on_exit_(void); const char *t = "system(";\n'),
]
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


def self_test():
    """-> what the checks missed or wrongly found."""
    wrong = []
    for path, text, expected in MISTAKES + [(p, t, None) for p, t in FINE]:
        with tempfile.TemporaryDirectory() as root:
            file = os.path.join(root, "src", path)
            os.makedirs(os.path.dirname(file))
            with open(file, "w", encoding="utf-8") as f:
                f.write("int x;\n" if text is None else SPDX + text)
            found, _ = check(root)
            names = [name for name, problems in found.items() if problems]
            if names != ([expected] if expected else []):
                wrong.append(f"src/{path} with {text!r}: found {names}, expected {expected}")
    return wrong


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    found, warnings = check(root)
    found["can fail"] = self_test()
    bad = 0
    for warning in warnings:
        print(f"warning: {warning}")
    for name, problems in found.items():
        for problem in problems:
            print(f"  {problem}")
        if problems:
            bad = 1
            print(f"not ok {name}: {len(problems)} wrong, first {problems[0]}")
        else:
            print(f"ok {name}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
