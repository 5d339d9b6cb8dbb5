# SPDX-License-Identifier: Apache-2.0
"""Reporting, processes and waiting.

    with Suite("main_job") as s:
        redis = s.add(Redis(s.tmp))       # stopped when the suite ends, whatever happens
        s.check("records", got == want, f"{got} instead of {want}")

Each check prints `ok NAME` or `not ok NAME: why`. A server that cannot be had raises Unavailable: the suite
is then skipped by name. An exception is a failed test with its last line; the trace goes to stderr.
"""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
CACHE = os.path.join(TOP, ".cache")
KDRIFT = os.environ.get("KDRIFT", os.path.join(TOP, "build", "kdrift"))


class Unavailable(Exception):
    """A server or tool cannot be had on this machine."""


class Suite:
    def __init__(self, name):
        self.name = name
        self.failed = 0
        self.owned = []

    def __enter__(self):
        self.tmp = tempfile.mkdtemp(prefix=f"kdrift-{self.name}-")
        # A time-out of the caller comes as SIGTERM: leave through __exit__, so that every server is stopped.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        if not os.access(KDRIFT, os.X_OK):
            self.fail("build", f"{KDRIFT} is not there: ./dev build")
            sys.exit(1)
        return self

    def add(self, thing):
        self.owned.append(thing)
        return thing

    def check(self, name, good, why=""):
        if good:
            print(f"ok {name}", flush=True)
        else:
            self.fail(name, why)
        return good

    def equal(self, name, got, want):
        return self.check(name, got == want, f"got {got!r}, expected {want!r}")

    def fail(self, name, why):
        self.failed += 1
        print(f"not ok {name}: {' '.join(str(why).split())[:600]}", flush=True)

    def skip(self, name, why):
        print(f"skip {name}: {why}", flush=True)

    def say(self, text):
        print(f"  {text}", flush=True)

    def __exit__(self, kind, value, trace):
        if kind is not None and issubclass(kind, Unavailable):
            self.skip("all", value)
        elif kind is not None and not issubclass(kind, (SystemExit, KeyboardInterrupt)):
            traceback.print_exception(kind, value, trace)
            self.fail("run", f"{kind.__name__}: {value}")
        for thing in reversed(self.owned):
            thing.stop()
        if self.failed and os.environ.get("KEEP"):
            print(f"  logs stay in {self.tmp}", flush=True)
        else:
            if self.failed:
                keep = os.path.join(CACHE, "logs", f"{self.name}-files")
                shutil.rmtree(keep, ignore_errors=True)
                os.makedirs(keep, exist_ok=True)
                for folder, _, names in os.walk(self.tmp):
                    for n in names:
                        if n.endswith((".log", ".yaml", ".json")):
                            shutil.copy(os.path.join(folder, n), os.path.join(keep, n))
                print(f"  logs: {keep}", flush=True)
            shutil.rmtree(self.tmp, ignore_errors=True)
        if kind is not None and issubclass(kind, (SystemExit, KeyboardInterrupt)):
            return False
        sys.exit(1 if self.failed else 0)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, seconds=30, every=0.05):
    """The first true value of condition(); an AssertionError that names `what` after the time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(every)


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Process:
    """A child in its own session that does not outlive the suite; its output goes to a log file."""

    def __init__(self, args, log, env=None, cwd=None):
        self.args, self.log, self.env, self.cwd = args, log, env, cwd
        self.p = None

    def start(self):
        with open(self.log, "ab") as out:
            self.p = subprocess.Popen(self.args, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                      env={**os.environ, **(self.env or {})}, cwd=self.cwd,
                                      start_new_session=True, preexec_fn=_die_with_parent)
        return self

    @property
    def pid(self):
        return self.p.pid

    def alive(self):
        return self.p is not None and self.p.poll() is None

    def signal(self, number):
        self.p.send_signal(number)

    def kill(self):
        if self.alive():
            self.p.kill()
            self.p.wait()

    def stop(self, seconds=20):
        """SIGTERM, then SIGKILL; -> the exit code, None where it had to be killed or never ran."""
        if self.p is None:
            return None
        if self.alive():
            self.p.send_signal(signal.SIGCONT)
            self.p.terminate()
            try:
                self.p.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                return None
        return self.p.returncode

    def wait(self, seconds):
        return self.p.wait(seconds)

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def cpu_seconds(self):
        with open(f"/proc/{self.p.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
