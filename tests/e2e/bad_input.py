# SPDX-License-Identifier: Apache-2.0
"""Everything that can be wrong: configuration, servers that are down at start or later, bytes of any kind,
receivers that refuse. A clear error, the right state, and nothing lost or counted twice."""
import os
import random
import socket
import time

from lib import workload
from lib.generate import Generator
from lib.monitor import Monitor, kdrift, stats
from lib.oracle import compare
from lib.receiver import Receiver, receivers_file
from lib.servers import Proxy, Redis
from lib.stack import Stack
from lib.suite import Suite, wait_for

UNKNOWN = (None, "unknown", "never_seen", "catching_up", "no_data")

GOOD = """kafka: {bootstrap.servers: "127.0.0.1:1", group.id: t}
schema_registry: {url: ["http://127.0.0.1:1"]}
streams:
  - name: payments
    topic: payments
    role: features
"""


def written(tmp, name, text):
    path = os.path.join(tmp, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def configuration(s):
    os.makedirs(os.path.join(s.tmp, "alerts"))
    good = written(s.tmp, "good.yaml", GOOD)
    code, out, err = kdrift("check", "--config", good)
    s.equal("check of a good configuration", code, 0)

    bad = written(s.tmp, "bad.yaml", GOOD.replace("role: features", "role: oracle\n    windw: 1h\n    slide: -3m"))
    code, out, err = kdrift("check", "--config", bad)
    said = out + err
    s.check("check tells every error at once, with file and line",
            code == 1 and all(f"bad.yaml:{n}" in said for n in (6, 7, 8)), said)
    s.check("and the mend of a typing error", "window" in said, said)
    code, out, err = kdrift("run", "--config", bad)
    s.check("run refuses it with the same words", code == 1 and "bad.yaml:7" in out + err, out + err)

    broken = written(s.tmp, "broken.yaml", "kafka: [\n")
    code, out, err = kdrift("check", "--config", broken)
    s.check("text that is no YAML", code == 1 and "broken.yaml:" in out + err, out + err)
    code, out, err = kdrift("check", "--config", os.path.join(s.tmp, "absent.yaml"))
    s.check("a file that is not there", code == 1 and "absent.yaml" in out + err, out + err)
    for name, text in (("bytes.yaml", "\x00\x01\x02"), ("list.yaml", "- 1\n- 2\n"), ("deep.yaml", "[" * 5000)):
        code, out, err = kdrift("check", "--config", written(s.tmp, name, text))
        s.check(f"{name} is refused", code == 1 and name in out + err, f"{code} {out + err}")

    rules = written(s.tmp, "alerts/immediate.yaml",
                    "- alert: A\n  measure: no_such_thing\n  above: 1\n- alert: B\n  measure: records\n  above: x\n")
    code, out, err = kdrift("check", "--config", good)
    said = out + err
    s.check("a rules file's errors by line", code == 1 and "immediate.yaml:2" in said and "immediate.yaml:6" in said,
            said)
    os.unlink(rules)

    for args in (["check", "--no-such-option"], ["nonsense"], ["stats", "--config", good],
                 ["stats", "--config", good, "--stream", "payments", "--from", "yesterday", "--to", "2"]):
        code, _, err = kdrift(*args)
        s.check(f"wrong usage exits 2: {' '.join(args)[:40]}", code == 2 and err, f"{code} {err}")
    code, _, err = kdrift("stats", "--config", good, "--stream", "nobody", "--from", "1", "--to", "2")
    s.check("stats of an unknown stream", code == 1 and "nobody" in err, err)

    tls = written(s.tmp, "tls.yaml", GOOD + 'redis: {url: "rediss://127.0.0.1:1/0"}\n')
    code, out, err = kdrift("check", "--config", tls)
    s.check("rediss:// is refused, saying so", code == 1 and "rediss" in out + err and "TLS" in out + err, out + err)


def baseline_of_another_stream(s, stack):
    rows = written(s.tmp, "rows.csv", "amount,region\n" + "".join(f"{i}.5,north\n" for i in range(500)))
    other = {**stack.stream, "name": "other"}
    config = stack.configure([stack.stream, other], name="twobase")
    base = os.path.join(s.tmp, "other.json")
    code, _, err = kdrift("baseline", "--config", config, "--stream", "other", "--file", rows, "--out", base)
    s.equal(f"a baseline is made {err}", code, 0)
    config = stack.configure([{**stack.stream, "baseline": base}], name="wrongbase")
    code, out, err = kdrift("run", "--config", config, seconds=20)
    said = out + err
    s.check("a baseline of another stream is refused", code == 1 and "other" in said and "payments" in said, said)
    written(s.tmp, "other.json", '{"format": "x"}')
    code, out, err = kdrift("run", "--config", config, seconds=20)
    s.check("a file that is no baseline is refused", code == 1 and "other.json" in out + err, out + err)


def busy_port(s, stack):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        config = stack.configure(name="busy", http={"listen": f"127.0.0.1:{port}"})
        code, out, err = kdrift("run", "--config", config, seconds=20)
        s.check("a busy HTTP port: exit 1, saying so", code == 1 and str(port) in out + err, f"{code} {out + err}")


def unfit_redis(s, stack):
    for name, extra, word in (("evicts", ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"], "evict"),
                              ("replica", ["--replicaof", "127.0.0.1", str(stack.redis.port)], "replica")):
        redis = Redis(s.tmp, name=name, extra=extra)
        s.add(redis)
        config = stack.configure(redis_url=redis.url, name=name)
        m = s.add(Monitor(config, os.path.join(s.tmp, f"run-{name}.log"))).start()
        wait_for(f"a Redis that {name} is refused with the reason",
                 lambda: word in m.log().lower() or not m.process.alive(), 20)
        s.check(f"a Redis that could lose state is refused: {name}",
                word in m.log().lower() and not list(redis.client().scan_iter(b"kdrift:part:*")), m.log()[-400:])
        m.stop()
        redis.stop()


def outages(s, stack):
    """Each server down at the start, then each one later, while records keep coming."""
    redis_proxy = s.add(Proxy(stack.redis.port))
    redis_proxy.cut = True
    stack.registry.kill()
    stack.kafka.kill()
    config = stack.configure(redis_url=f"redis://127.0.0.1:{redis_proxy.port}/0", name="outages",
                             kafka={"reconnect.backoff.max.ms": "500"})
    m = s.add(Monitor(config, os.path.join(s.tmp, "outages.log"))).start().wait_up()

    def state():
        st = [x for x in m.status().get("streams", []) if x.get("name", x.get("stream")) == "payments"]
        return st[0].get("state") if st else None
    s.check("it starts though nothing is there", m.process.alive())
    s.check("and is not ready", m.get("/-/ready")[0] == 503, m.get("/-/ready"))
    s.equal("kdrift_store_up", m.total("kdrift_store_up"), 0)
    s.check("its stream is not called healthy", state() in UNKNOWN, state())

    stack.kafka.start()
    g = Generator(stack.ids, seed=77, total=60000)
    stack.produce(g, 20000)
    redis_proxy.cut = False
    wait_for("the store is up", lambda: m.total("kdrift_store_up") == 1, 30)
    # The registry is still away: no record may be called a violation, none may be skipped.
    wait_for("the registry is missed", lambda: m.total("kdrift_registry_up") == 0, 30)
    s.equal("no unknown_schema while the registry is away",
            m.total("kdrift_violations_total", "payments", "unknown_schema"), 0)
    wait_for("the stream is unknown", lambda: state() in UNKNOWN, 20)
    stack.registry.start()
    stack.settled(90)
    wait_for("it is ready", lambda: m.get("/-/ready")[0] == 200, 30)
    exact(s, stack, config, "after each server was down at the start")

    redis_proxy.cut = True
    redis_proxy.drop()
    stack.produce(g, 10000)
    wait_for("Redis is missed", lambda: m.total("kdrift_store_up") == 0, 30)
    redis_proxy.cut = False
    stack.settled(60)
    exact(s, stack, config, "after Redis was away")

    stack.redis.client().script_flush()
    stack.produce(g, 5000)
    stack.settled(60)
    exact(s, stack, config, "after its script cache was flushed")

    stack.kafka.kill()
    wait_for("Kafka is down", lambda: not stack.kafka.process.alive(), 10)
    stack.kafka.start()
    stack.produce(g, 10000)
    stack.settled(90)
    exact(s, stack, config, "after the broker was killed")

    stack.registry.kill()
    m.kill()
    m.start().wait_up()
    # Records without violations: what the registry denied is never kept, so they would have to wait for it.
    stack.produce(Generator(stack.ids, seed=78, violations=0), 5000)
    stack.settled(60)
    exact(s, stack, config, "with the registry down and its schemas in Redis")
    stack.registry.start()
    s.equal("SIGTERM drains and exits 0", m.stop(), 0)


def exact(s, stack, config, when):
    o = stack.oracle()
    interval = o.interval(60000)
    wrong = compare(stats(config, "payments", *interval), o.stats(*interval), rank_error=0.01)
    s.check(f"stats equal the oracle {when}", not wrong, f"{len(wrong)}: {wrong[:6]}")


def any_bytes(s, stack):
    stack = stack.on("bytes")
    r = random.Random(int(time.time()))
    config = stack.configure(name="bytes", redis={"prefix": "bytes"}, kafka={"group.id": "bytes"})
    m = s.add(Monitor(config, os.path.join(s.tmp, "bytes.log"))).start().wait_up()
    g = Generator(stack.ids, seed=9)
    good = g.encode("v1", g.record(g.base))
    n = 5000

    def values():
        for i in range(n):
            kind = i % 4
            if kind == 0:
                v = r.randbytes(r.randrange(200))
            elif kind == 1:
                v = good[:5] + r.randbytes(r.randrange(200))
            elif kind == 2:
                v = bytearray(good)
                for _ in range(r.randrange(1, 8)):
                    v[r.randrange(5, len(v))] = r.randrange(256)
                v = bytes(v)
            else:
                v = good[:r.randrange(len(good))] + good
            yield i % 4, g.base, v
    stack.send(values())
    stack.settled(60, b"bytes")
    got = stats(config, "payments", 0, g.base + 10 * 365 * workload.DAY)
    broken_time = got["records"] + m.total("kdrift_bound_hits_total")
    s.check("any bytes are counted and stop nothing", broken_time >= n * 0.99 and got["violating_records"] > n / 2,
            {k: got[k] for k in ("records", "violating_records", "violations")})
    s.equal("SIGTERM drains and exits 0 after them", m.stop(), 0)


def receivers(s, stack):
    """One page to receivers that answer everything that can be answered."""
    stack = stack.on("pages")
    answers = {"fine": 200, "bad_request": 400, "gone": 410, "busy": 429, "broken": 500, "nothing": "nothing",
               "rubbish": "rubbish"}
    all_of = {name: s.add(Receiver()) for name in answers}
    for name, answer in answers.items():
        all_of[name].answer = lambda request, answer=answer: answer
    conf = receivers_file(*all_of.values(), tiers=("immediate",))
    rules = {"immediate": [{"alert": "Violations", "stream": "*", "measure": "violation_ratio", "above": 0.5,
                            "over": "5m", "min_records": 10}]}
    config = stack.configure(name="receivers", rules=rules, receivers=conf, redis={"prefix": "receivers"},
                             kafka={"group.id": "receivers"})
    m = s.add(Monitor(config, os.path.join(s.tmp, "receivers.log"))).start().wait_up()
    at = int(time.time() * 1000) - workload.HOUR
    stack.send((i % 4, at + i, b"garbage") for i in range(100))
    retried = [n for n, a in answers.items() if a not in (200, 400, 410)]
    wait_for("refused deliveries are tried again", lambda: all(len(all_of[n].requests) >= 2 for n in retried), 60)
    s.equal("an accepted page is sent once", len(all_of["fine"].requests), 1)
    s.equal("400 and 410 are final", [len(all_of[n].requests) for n in ("bad_request", "gone")], [1, 1])
    ids = {n: {r["id"] for r in all_of[n].requests} for n in answers}
    s.check("every attempt bears the delivery's id", all(len(v) == 1 for v in ids.values()), ids)
    s.equal("each receiver has a delivery of its own", len(set().union(*ids.values())), len(answers))
    for r in all_of.values():
        r.answer = lambda request: 200
    wait_for("what was retried arrives", lambda: all(all_of[n].requests[-1]["status"] == 200 for n in retried), 60)
    s.check("a final refusal is told to the operator", "400" in m.log() and "410" in m.log(), m.log()[-400:])
    s.check("no secret in the log", all(x.secret not in m.log() for x in all_of.values()))
    s.equal("SIGTERM drains and exits 0 after refusals", m.stop(), 0)


def main():
    with Suite("bad_input") as s:
        configuration(s)
        stack = Stack(s, registry_data=True)
        busy_port(s, stack)
        baseline_of_another_stream(s, stack)
        unfit_redis(s, stack)
        any_bytes(s, stack)
        receivers(s, stack)
        outages(s, stack)


main()
