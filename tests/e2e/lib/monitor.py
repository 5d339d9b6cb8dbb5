# SPDX-License-Identifier: Apache-2.0
"""kdrift itself under test: its configuration, its process, what it says on HTTP and on the command line."""
import json
import os
import re
import subprocess

from .servers import http_get
from .suite import KDRIFT, Process, free_port, wait_for

# Short times, so that a dead member's partitions move on quickly.
FAST_GROUP = {"session.timeout.ms": "3000", "heartbeat.interval.ms": "300", "fetch.wait.max.ms": "50",
              "topic.metadata.refresh.interval.ms": "5000"}


def configure(tmp, bootstrap, registry_urls, redis_url, streams, name="kdrift", rules=None, receivers=None, **more):
    """Writes NAME.yaml (JSON is YAML) and its alerts directory; -> the path.

    rules: {"immediate": [...], ...}; receivers: the whole receivers.yaml.
    """
    alerts = os.path.join(tmp, f"{name}-alerts")
    os.makedirs(alerts, exist_ok=True)
    for tier in ("immediate", "daily", "weekly"):
        _write(os.path.join(alerts, f"{tier}.yaml"), (rules or {}).get(tier, []))
    _write(os.path.join(alerts, "receivers.yaml"), receivers or {"receivers": [], "routes": {}})
    conf = {"kafka": {"bootstrap.servers": bootstrap, "group.id": "kdrift", **FAST_GROUP},
            "schema_registry": {"url": registry_urls}, "redis": {"url": redis_url},
            "http": {"listen": f"127.0.0.1:{free_port()}"}, "workers": 2, "alerts": alerts, "streams": streams}
    for key, value in more.items():
        conf[key] = {**conf[key], **value} if isinstance(conf.get(key), dict) else value
    path = os.path.join(tmp, f"{name}.yaml")
    _write(path, conf)
    return path


def _write(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1)


def kdrift(*args, seconds=60, env=None, cwd=None):
    """Runs a command to its end -> (exit code, stdout, stderr)."""
    p = subprocess.run([KDRIFT, *args], capture_output=True, text=True, timeout=seconds,
                       env={**os.environ, **(env or {})}, cwd=cwd, check=False)
    return p.returncode, p.stdout, p.stderr


def stats(config, stream, begin, end, *more):
    """The merged panes of an interval, as `kdrift stats --json` prints them."""
    code, out, err = kdrift("stats", "--config", config, "--stream", stream, "--from", str(begin), "--to", str(end),
                            "--json", *more)
    if code:
        raise AssertionError(f"kdrift stats: exit code {code}: {err.strip()}")
    return json.loads(out)


class Monitor:
    def __init__(self, config, log, env=None, listen=None):
        with open(config, encoding="utf-8") as f:
            self.address = listen or json.load(f)["http"]["listen"]
        if listen:
            env = {**(env or {}), "KDRIFT_HTTP_LISTEN": listen}
        self.config, self.url = config, f"http://{self.address}"
        self.process = Process([KDRIFT, "run", "--config", config], log, env=env)

    def start(self):
        self.process.start()
        return self

    def wait_up(self, seconds=30):
        def answers():
            if not self.process.alive():
                raise AssertionError(f"kdrift ended with {self.process.p.returncode}: {self.log()[-600:]}")
            return http_get(self.url + "/-/healthy")[0] == 200
        wait_for("kdrift answers on HTTP", answers, seconds)
        return self

    def log(self):
        return self.process.text()

    def get(self, path):
        return http_get(self.url + path)

    def status(self):
        code, text = self.get("/api/v1/status")
        return json.loads(text) if code == 200 else {}

    def metrics(self):
        """{(name, (label values in order)): value}; {} where nothing answers."""
        code, text = self.get("/metrics")
        out = {}
        if code != 200:
            return out
        for line in text.splitlines():
            m = re.fullmatch(r'(\w+)(?:\{(.*)\})? (\S+)', line)
            if m and not line.startswith("#"):
                labels = tuple(re.findall(r'\w+="((?:\\.|[^"\\])*)"', m.group(2) or ""))
                out[m.group(1), labels] = float(m.group(3))
        return out

    def total(self, name, *labels):
        """The sum of a metric over all label sets that contain the given values."""
        return sum(v for (n, have), v in self.metrics().items() if n == name and set(labels) <= set(have))

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop(15)


def counted(redis, prefix=b"kdrift"):
    """The sum of the next offsets that the store holds: what has been counted for good."""
    keys = list(redis.scan_iter(prefix + b":part:*"))
    return sum(int(redis.hget(k, "next") or 0) for k in keys)


def counts_on(server, what, more=1, seconds=60, feed=lambda: None):
    """Waits until so many records more are counted than before feed(): this life, or this Redis, is at work."""
    redis = server.client()
    before = counted(redis)
    feed()
    wait_for(f"{more} more records are counted after {what}", lambda: counted(redis) >= before + more, seconds)
