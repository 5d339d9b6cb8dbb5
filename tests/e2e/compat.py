# SPDX-License-Identifier: Apache-2.0
"""The pairs of tests/schema/compat before other judges: Java's SchemaCompatibility and a registry's
/compatibility. Every difference must be one that its case explains, and what is explained must be one."""
import glob
import json
import os
import shutil
import subprocess
import urllib.error

from lib.servers import Registry
from lib.suite import TOP, Suite


def pairs():
    for path in sorted(glob.glob(os.path.join(TOP, "tests", "schema", "compat", "*.jsonl"))):
        with open(path, encoding="utf-8") as f:
            for line in f:
                case = json.loads(line)
                case["name"] = f"{os.path.basename(path)[:-6]}: {case['name']}"
                yield case


def kinds(case):
    return {kind for kind, _ in case["breaches"]}


def by_java(s, cases, app):
    """Java's kinds of incompatibility are the case's, or those that its `java` names."""
    if not shutil.which("javac"):
        s.skip("Java's SchemaCompatibility", "no javac")
        return
    libs = [jar for pattern in ("*avro.avro-1*", "*jackson-*", "*slf4j*", "*commons-compress*")
            for jar in glob.glob(os.path.join(app, "**", "lib", pattern + ".jar"), recursive=True)]
    source = os.path.join(os.path.dirname(__file__), "lib", "java", "Compat.java")
    lines = "".join(json.dumps({k: c[k] for k in ("writer", "reader")}) + "\n" for c in cases)
    p = subprocess.run(["java", "-cp", ":".join(libs), source], input=lines, capture_output=True, text=True,
                       timeout=120, check=False)
    said = p.stdout.split("\n")[:-1]
    if not s.equal("Java answers for every pair", len(said), len(cases)):
        s.say(p.stderr[-500:])
        return
    for c, line in zip(cases, said):
        got, want = set(line.split(",")) - {""}, set(c.get("java", kinds(c)))
        if got != want:
            s.fail(f"Java on {c['name']}", f"says {sorted(got)}, the case {sorted(want)}")
    s.check("a case that excepts Java differs from it",
            all(set(c["java"]) != kinds(c) for c in cases if "java" in c))
    s.say(f"{len(cases)} pairs, {sum('java' in c for c in cases)} of which Java words differently")


def by_registry(s, cases, registry):
    """The registry takes the reader as the next version after the writer under BACKWARD where we do."""
    different = refused = 0
    for i, c in enumerate(cases):
        subject = f"pair-{i}"
        try:
            registry.register(subject, c["writer"])
            answer = registry.request("POST", f"/compatibility/subjects/{subject}/versions/latest?verbose=true",
                                      {"schema": json.dumps(c["reader"])})
            says = "compatible" if answer["is_compatible"] else "incompatible"
        except urllib.error.HTTPError as e:
            says = f"HTTP {e.code}: {e.read().decode()[:200]}"
            refused += 1
        ours = "incompatible" if c["breaches"] else "compatible"
        want = c.get("registry", ours)
        different += want != ours
        if not says.startswith(want):
            s.fail(f"the registry on {c['name']}", f"says {says}, the case {want}")
        if "registry" in c and (want == ours or not c.get("why")):
            s.fail(f"the exception of {c['name']}", "is none, or gives no reason")
    s.check("most pairs were judged", refused < 10, refused)
    s.say(f"{len(cases)} pairs, {different} of which the registry judges otherwise")


def main():
    with Suite("compat") as s:
        cases = list(pairs())
        s.check("at least 120 pairs", len(cases) >= 120, len(cases))
        registry = s.add(Registry(s.tmp))
        by_java(s, cases, registry.app)
        # The check asks by the subject's own level, which NONE would make say yes to all.
        registry.request("PUT", "/config", {"compatibility": "BACKWARD"})
        by_registry(s, cases, registry)


if __name__ == "__main__":
    main()
