# SPDX-License-Identifier: Apache-2.0
"""Real servers on loopback, free ports and temporary folders: Kafka (KRaft), a schema registry, Redis.

Kafka and the registry (Apicurio, which speaks Confluent's API) come from Maven Central once, into .cache.
"""
import fcntl
import glob
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

from .suite import CACHE, Process, Unavailable, free_port, wait_for

KAFKA_VERSION = "4.3.1"
REGISTRY_VERSION = "3.0.9"
CLUSTER_ID = "a2RyaWZ0LXRlc3RzLWNsdQ"

KAFKA_POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>kdrift.tests</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.4</version></dependency>
  </dependencies>
</project>
"""
LOG4J = """rootLogger.level=WARN
rootLogger.appenderRef.c.ref=console
appender.c.type=Console
appender.c.name=console
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=[%d] %p %m (%c)%n
"""


def need(tool):
    path = shutil.which(tool)
    if not path:
        raise Unavailable(f"{tool} is not installed")
    return path


def run(args, what, seconds=300):
    p = subprocess.run(args, capture_output=True, text=True, timeout=seconds)
    if p.returncode:
        raise Unavailable(f"{what}: {(p.stdout + p.stderr).strip().splitlines()[-1:] or p.returncode}")


def fetched(name, fetch):
    """.cache/NAME, filled by fetch(folder) the first time; safe against two suites at once."""
    folder = os.path.join(CACHE, name)
    os.makedirs(folder, exist_ok=True)
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, ".done")):
            need("mvn")
            fetch(folder)
            with open(os.path.join(folder, ".done"), "w", encoding="ascii"):
                pass
    return folder


def fetch_kafka(folder):
    pom = os.path.join(folder, "pom.xml")
    with open(pom, "w", encoding="utf-8") as f:
        f.write(KAFKA_POM)
    run(["mvn", "-B", "-q", "-ntp", "-f", pom, "dependency:copy-dependencies", "-DincludeScope=runtime",
         f"-DoutputDirectory={folder}/libs"], "Kafka cannot be fetched from Maven Central")


def fetch_registry(folder):
    archive = os.path.join(folder, "app.tar.gz")
    # The artifact's parent POM is not published; this version of the plugin does not ask for it.
    run(["mvn", "-B", "-q", "-ntp", "org.apache.maven.plugins:maven-dependency-plugin:2.8:get",
         "-Dtransitive=false", f"-Dartifact=io.apicurio:apicurio-registry-app:{REGISTRY_VERSION}:tar.gz:all",
         f"-Ddest={archive}"], "the registry cannot be fetched from Maven Central")
    run(["tar", "xzf", archive, "-C", folder], "the registry's archive cannot be unpacked")
    os.unlink(archive)


class Kafka:
    """One broker. stop() and kill() keep the data, start() comes back on the same port."""

    def __init__(self, tmp, name="kafka"):
        need("java")
        self.libs = os.path.join(fetched(f"kafka-{KAFKA_VERSION}", fetch_kafka), "libs")
        self.dir = os.path.join(tmp, name)
        self.port, controller = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        os.makedirs(self.dir)
        self.conf = os.path.join(self.dir, "server.properties")
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://{self.bootstrap}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={self.dir}/data
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=16777216
""")
        with open(os.path.join(self.dir, "log4j2.properties"), "w", encoding="ascii") as f:
            f.write(LOG4J)
        java = ["java", "-XX:+UseSerialGC", f"-Dlog4j2.configurationFile={self.dir}/log4j2.properties",
                "-cp", f"{self.libs}/*"]
        run(java + ["-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c",
                    self.conf], "Kafka's storage cannot be formatted")
        self.process = Process(java + ["-Xms128m", "-Xmx512m", "kafka.Kafka", self.conf],
                               os.path.join(tmp, f"{name}.log"))
        self.admin = None
        self.start()

    def start(self):
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient
        self.process.start()
        self.admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

        def answers():
            if not self.process.alive():
                raise AssertionError(f"Kafka ended: {self.process.text()[-400:]}")
            try:
                return self.admin.list_topics(timeout=1).brokers
            except KafkaException:
                return None
        wait_for("Kafka answers", answers, 90)
        return self

    def topic(self, name, partitions=4, **config):
        from confluent_kafka.admin import NewTopic
        # Records of long ago are kept: the tests' event times are what they are.
        config = {"retention.ms": "-1", **{k.replace("_", "."): str(v) for k, v in config.items()}}
        for future in self.admin.create_topics([NewTopic(name, partitions, 1, config=config)]).values():
            future.result(30)
        # Created is not yet known to the broker that answers clients.
        wait_for(f"topic {name}", lambda: len(
            [p for p in self.admin.list_topics(name, timeout=5).topics[name].partitions.values()
             if p.leader >= 0]) == partitions)
        return name

    def producer(self, **config):
        from confluent_kafka import Producer
        return Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 20, "batch.num.messages": 10000,
                         "batch.size": 1 << 20, "queue.buffering.max.messages": 500000, "log_level": 0,
                         **{k.replace("_", "."): v for k, v in config.items()}})

    def ends(self, topic):
        """{partition: end offset}"""
        from confluent_kafka import Consumer, TopicPartition
        c = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "harness", "log_level": 0})
        try:
            parts = self.admin.list_topics(topic, timeout=10).topics[topic].partitions
            return {p: c.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in parts}
        finally:
            c.close()

    def kill(self):
        self.process.kill()

    def stop(self):
        self.process.stop(20)


class Registry:
    """Apicurio Registry in memory, or with data=True in a file that survives stop() and kill()."""

    def __init__(self, tmp, name="registry", data=False):
        need("java")
        self.app = app = fetched(f"registry-{REGISTRY_VERSION}", fetch_registry)
        jar = glob.glob(os.path.join(app, "**", "*-runner.jar"), recursive=True)
        if not jar:
            raise Unavailable(f"{app} holds no runner jar; remove it to fetch it again")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/apis/ccompat/v7"
        args = ["java", "-Xmx384m", "-XX:+UseSerialGC", "-Dquarkus.http.host=127.0.0.1",
                f"-Dquarkus.http.port={self.port}", "-Dquarkus.http.access-log.enabled=false",
                "-Dquarkus.log.level=WARN"]
        if data:
            args.append(f"-Dapicurio.datasource.url=jdbc:h2:file:{tmp}/{name}-db;DB_CLOSE_ON_EXIT=FALSE")
        args += ["-cp", f"{jar[0]}:{os.path.dirname(jar[0])}/lib/*", "io.quarkus.runner.GeneratedMain"]
        self.process = Process(args, os.path.join(tmp, f"{name}.log"))
        self.start()

    def start(self):
        self.process.start()

        def answers():
            if not self.process.alive():
                raise AssertionError(f"the registry ended: {self.process.text()[-400:]}")
            try:
                return self.request("GET", "/subjects") is not None
            except OSError:
                return False
        wait_for("the registry answers", answers, 120, 0.2)
        return self

    def request(self, method, path, body=None):
        req = urllib.request.Request(self.url + path, method=method,
                                     data=None if body is None else json.dumps(body).encode(),
                                     headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
        with urllib.request.urlopen(req, timeout=10) as answer:
            return json.load(answer)

    def register(self, subject, schema):
        return self.request("POST", f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})["id"]

    def kill(self):
        self.process.kill()

    def stop(self):
        self.process.stop(10)


class Redis:
    """A private redis-server. By default its append-only file survives kill() and can be rolled back."""

    def __init__(self, tmp, name="redis", port=None, extra=()):
        need("redis-server")
        self.dir = os.path.join(tmp, name)
        os.makedirs(self.dir, exist_ok=True)
        self.port = port or free_port()
        self.process = Process(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.dir, "--save", "",
             "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", "--loglevel", "notice", *extra],
            os.path.join(tmp, f"{name}.log"))
        self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self):
        import redis
        return redis.Redis(port=self.port, decode_responses=False, socket_timeout=5)

    def start(self):
        import redis
        self.process.start()

        def answers():
            try:
                return self.client().ping()
            except redis.exceptions.RedisError:
                return False
        wait_for("Redis answers", answers, 20)
        return self

    def kill(self):
        self.process.kill()

    def stop(self):
        self.process.stop(10)

    def roll_back(self, meanwhile):
        """Killed after meanwhile(), and started again on what its append-only file held before."""
        copy = self.dir + ".copy"
        shutil.copytree(self.dir, copy)
        meanwhile()
        self.kill()
        shutil.rmtree(self.dir)
        os.rename(copy, self.dir)
        self.start()


class Proxy:
    """A TCP forwarder, so that what stands behind an address can be cut off or replaced."""

    def __init__(self, target):
        self.target = target
        self.cut = False
        self.pairs = set()
        self.lock = threading.Lock()
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(64)
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            try:
                if self.cut:
                    raise OSError
                upstream = socket.create_connection(("127.0.0.1", self.target), 2)
                upstream.settimeout(None)
            except OSError:
                client.close()
                continue
            for s in (client, upstream):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.pairs.add((client, upstream))
            for a, b in ((client, upstream), (upstream, client)):
                threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    @staticmethod
    def _pump(a, b):
        try:
            while data := a.recv(1 << 16):
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def drop(self):
        with self.lock:
            pairs, self.pairs = self.pairs, set()
        for pair in pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()

    def retarget(self, port):
        self.target = port
        self.drop()

    def stop(self):
        self.server.close()
        self.drop()


def http_get(url, seconds=5):
    """-> (status, text); status 0 where nothing answered."""
    try:
        with urllib.request.urlopen(url, timeout=seconds) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode("utf-8", "replace")
    except OSError as e:
        return 0, str(e)


def now_ms():
    return int(time.time() * 1000)
