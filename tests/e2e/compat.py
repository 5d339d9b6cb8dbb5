# SPDX-License-Identifier: Apache-2.0
"""The pairs of tests/schema/compat before other judges: Java's SchemaCompatibility and a registry's
/compatibility. Every difference must be one that its case explains, and what is explained must be one. And
`kdrift schema`, whose check asks the same registry."""
import glob
import http.server
import json
import os
import shutil
import subprocess
import threading
import urllib.error
import urllib.request

from lib.monitor import configure, kdrift
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


OLD = {"type": "record", "name": "R", "fields": [{"name": "id", "type": "string"}, {"name": "amount", "type": "int"}]}
NEW = {"type": "record", "name": "R", "fields": [{"name": "id", "type": "string"}, {"name": "amount", "type": "long"},
                                                 {"name": "note", "type": "string"}]}


def write(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f)
    return path


def diff(s):
    """kdrift schema diff: what changed, the levels, the exit code of each."""
    old, new = write(os.path.join(s.tmp, "old.avsc"), OLD), write(os.path.join(s.tmp, "new.avsc"), NEW)
    code, out, err = kdrift("schema", "diff", old, new, "--json")
    got = json.loads(out)
    s.equal("diff names the changes", [(c["path"], c["text"]) for c in got["changes"]],
            [("amount", "type int is now long"), ("note", "added, string, without default")])
    s.equal("diff names the breaches", [(b["direction"], b["kind"], b["path"]) for b in got["breaches"]],
            [("BACKWARD", "READER_FIELD_MISSING_DEFAULT_VALUE", "note"), ("FORWARD", "TYPE_MISMATCH", "amount")])
    want = {"NONE": 0, "BACKWARD": 1, "BACKWARD_TRANSITIVE": 1, "FORWARD": 1, "FULL": 1, "FULL_TRANSITIVE": 1}
    s.equal("diff exits by its level", {level: kdrift("schema", "diff", old, new, "--level", level)[0] for level in want},
            want)
    s.equal("diff of the same is good", kdrift("schema", "diff", old, old)[0], 0)
    text = kdrift("schema", "diff", old, new)[1]
    s.check("diff says it in words", all(t in text for t in (
        "amount: type int is now long", "BACKWARD  NO", "note: reader field missing default value")), text)
    broken = write(os.path.join(s.tmp, "broken.avsc"), {"type": "recrod"})
    code, out, err = kdrift("schema", "diff", old, broken)
    s.check("diff says what is no schema", code == 1 and "broken.avsc" in err and "recrod" in err, (code, err))


def check(s, registry):
    """kdrift schema check: contracts against what is registered, by level."""
    def streams(level):
        contract = {"schema": write(os.path.join(s.tmp, "contract.avsc"), OLD), "compatibility": level}
        return [{"name": n, "topic": n, "role": "features", "contract": contract} for n in ("good", "late", "empty")]

    def run(level, *more):
        config = configure(s.tmp, "127.0.0.1:1", [registry.url], "redis://127.0.0.1:1/0", streams(level))
        return kdrift("schema", "check", "--config", config, *more)
    registry.register("good-value", OLD)
    registry.register("late-value", NEW)
    registry.register("late-value", OLD)
    code, out, err = run("BACKWARD", "--json")
    got = {v["stream"]: v for v in json.loads(out)["streams"]}
    s.equal("check looks at the latest version", (code, {n: [v["version"] for v in got[n]["versions"]] for n in got}),
            (0, {"good": [1], "late": [2], "empty": []}))
    code, out, err = run("BACKWARD_TRANSITIVE", "--json")
    late = {v["stream"]: v for v in json.loads(out)["streams"]}["late"]
    s.equal("check looks at all versions where the level is transitive",
            (code, [(v["version"], v["compatible"], [(b["kind"], b["path"]) for b in v["breaches"]])
                    for v in late["versions"]]),
            (1, [(1, False, [("TYPE_MISMATCH", "amount")]), (2, True, [])]))
    registry.register("good-value", NEW)
    code, out, err = run("BACKWARD")
    s.check("check names the breaking version", code == 1 and "good-value version 2 (id " in out and
            "amount: type mismatch (reader int, writer long)" in out and
            "empty-value: nothing is registered yet" in out, (code, out, err))
    s.check("the registry's level and verdict stand beside them", "BACKWARD (the registry: NONE)" in out and
            "warning: the registry holds good-value to NONE" in out and "the registry differs: compatible" in out, out)
    s.equal("check at NONE asks nothing", run("NONE")[0], 0)
    registry.request("PUT", "/config", {"compatibility": "BACKWARD"})
    code, out, err = run("BACKWARD", "--json")
    good = {v["stream"]: v for v in json.loads(out)["streams"]}["good"]
    s.equal("at one level the registry says the same",
            (code, good["registry_level"], good["versions"][0]["registry"]["compatible"], "warning" in good), (1, "BACKWARD",
                                                                                                               False, False))
    refusing(s, registry)
    without_registry(s, registry)
    registry.stop()
    code, out, err = run("BACKWARD")
    s.check("check without a registry fails and says so", code == 1 and out.count("cannot be told") == 3, (code, out, err))


class Refusing(http.server.BaseHTTPRequestHandler):
    """A registry for readers: it tells versions and answers 403 or 405 to everything else."""
    registry = None

    def do_GET(self):
        if self.path.startswith("/config"):
            return self.reply(405, b"")
        with urllib.request.urlopen(self.registry.url + self.path, timeout=10) as answer:
            return self.reply(answer.status, answer.read())

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(403, b'{"error_code": 40301, "message": "User is denied operation Read on Subject"}')

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def one_stream(s, url, **more):
    contract = {"schema": write(os.path.join(s.tmp, "contract.avsc"), OLD)}
    config = configure(s.tmp, "127.0.0.1:1", [url], "redis://127.0.0.1:1/0",
                       [{"name": "good", "topic": "late", "role": "features", "contract": contract, **more}])
    return kdrift("schema", "check", "--config", config)


def refusing(s, registry):
    Refusing.registry = registry
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code, out, err = one_stream(s, f"http://127.0.0.1:{server.server_port}")
    s.check("a registry that refuses the question is no failure", code == 0 and "late-value version 2" in out and
            "own verdict is not to be had: HTTP 403: User is denied" in out, (code, out, err))
    server.shutdown()


def without_registry(s, registry):
    for schema, want, words in ((OLD, 0, "bare.avsc, which its records are written with: compatible"),
                                (NEW, 1, "amount: type mismatch (reader int, writer long)")):
        bare = write(os.path.join(s.tmp, "bare.avsc"), schema)
        code, out, err = one_stream(s, registry.url, framing="none", schema=bare)
        s.check("records without a schema's name are held by the configured one", code == want and words in out,
                (code, out, err))


def main():
    with Suite("compat") as s:
        diff(s)
        cases = list(pairs())
        s.check("at least 120 pairs", len(cases) >= 120, len(cases))
        registry = s.add(Registry(s.tmp))
        by_java(s, cases, registry.app)
        # The check asks by the subject's own level, which NONE would make say yes to all.
        registry.request("PUT", "/config", {"compatibility": "BACKWARD"})
        by_registry(s, cases, registry)
        registry.request("PUT", "/config", {"compatibility": "NONE"})
        check(s, registry)


if __name__ == "__main__":
    main()
