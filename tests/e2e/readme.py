# SPDX-License-Identifier: Apache-2.0
"""The README's commands, run as a reader would: each fenced block after `<!-- tested: NAME -->`, in order, in
an empty directory, with the addresses of this test's servers in place of the README's."""
import os
import re
import signal
import subprocess

from lib.monitor import stats
from lib.servers import Kafka, Redis, Registry, http_get
from lib.suite import KDRIFT, TOP, Suite, free_port, wait_for


def blocks():
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as f:
        return re.findall(r"<!-- tested: (\w+) -->\n```sh\n(.*?)```", f.read(), re.S)


class Reader:
    """A shell per block; what it leaves in the background is ended by its process group."""

    def __init__(self, folder, swaps):
        self.folder, self.swaps, self.groups = folder, swaps, []

    def run(self, name, text, seconds=60):
        for old, new in self.swaps:
            text = text.replace(old, new)
        log = os.path.join(self.folder, f"{name}.log")
        with open(log, "w", encoding="utf-8") as out:
            p = subprocess.Popen(["bash", "-euo", "pipefail", "-c", text], cwd=self.folder, stdout=out, stderr=out,
                                 stdin=subprocess.DEVNULL, start_new_session=True,
                                 env={**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"})
            self.groups.append(p.pid)
            code = p.wait(seconds)
        return code, self.output(name)

    def output(self, name):
        with open(os.path.join(self.folder, f"{name}.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        for group in self.groups:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                pass


def main():
    with Suite("readme") as s:
        found = dict(blocks())
        s.equal("the README's tested blocks", list(found),
                ["demo", "configure", "produce", "receivers", "baseline", "run", "look"])
        redis, registry, kafka = s.add(Redis(s.tmp)), s.add(Registry(s.tmp)), s.add(Kafka(s.tmp))
        kafka.topic("payments.features")
        web, hook = free_port(), free_port()
        os.mkdir(os.path.join(s.tmp, "bin"))
        os.symlink(os.path.abspath(KDRIFT), os.path.join(s.tmp, "bin", "kdrift"))
        reader = s.add(Reader(s.tmp, [
            ("/path/to/kdrift", TOP), ("localhost:9092", kafka.bootstrap), ("http://localhost:8081", registry.url),
            ("localhost:6379", f"127.0.0.1:{redis.port}"), ("localhost:9464", f"127.0.0.1:{web}"),
            ("localhost:8090", f"127.0.0.1:{hook}"), ("receiver.py 8090", f"receiver.py {hook}"),
            ("streams:\n", f'http: {{listen: "127.0.0.1:{web}"}}\nstreams:\n'),
            # The receiver needs a moment that a reader's fingers give it.
            ("kdrift test-receiver", f"until curl -s 127.0.0.1:{hook}; do sleep 0.1; done; kdrift test-receiver")]))
        for name in ("configure", "produce", "receivers", "baseline", "run"):
            code, out = reader.run(name, found[name])
            if not s.check(f"block '{name}' runs", code == 0, f"exit code {code}: {out[-500:]}"):
                return
        s.check("the receiver printed the test message", "kdrift.test" in reader.output("receivers"),
                reader.output("receivers"))
        url = f"http://127.0.0.1:{web}/metrics"
        wait_for("the monitor has counted the topic",
                 lambda: 'kdrift_records_total{stream="payments-features"} 20000' in http_get(url)[1], 40)
        code, out = reader.run("look", found["look"])
        s.check("block 'look' runs", code == 0, f"exit code {code}: {out[-500:]}")
        s.check("it shows the stream", 'kdrift_records_total{stream="payments-features"} 20000' in out
                and "amount" in out, out[:600])
        got = stats(os.path.join(s.tmp, "kdrift.yaml"), "payments-features", 0, 4102444800000)
        s.equal("what was produced is counted", (got["records"], got["violating_records"]), (20000, 0))

        def shown():
            page = http_get(f"http://127.0.0.1:{web}/")[1]
            return "payments-features" in page and "amount" in page
        wait_for("the page shows stream and fields", shown, 20)
        s.check("the page shows stream and fields", shown())
        reader.stop()
        code, out = reader.run("demo", f"cd {TOP}\n" + found["demo"].replace("./dev demo", f"{KDRIFT} demo --once"), 240)
        s.check("block 'demo' runs", code == 0, f"exit code {code}: {out[-600:]}")


main()
