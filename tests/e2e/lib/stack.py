# SPDX-License-Identifier: Apache-2.0
"""Kafka, registry and Redis with the workload's topic and schemas: what most suites begin with."""
import copy
import threading

from . import generate, oracle, workload
from .monitor import configure, counted
from .servers import Kafka, Redis, Registry
from .suite import wait_for


class Stack:
    def __init__(self, suite, topic="payments", registry_data=False):
        self.suite = suite
        self.redis = suite.add(Redis(suite.tmp))
        self.registry = suite.add(Registry(suite.tmp, data=registry_data))
        self.kafka = suite.add(Kafka(suite.tmp))
        self._use(topic)

    def _use(self, topic):
        self.topic = topic
        self.kafka.topic(topic)
        self.ids = workload.register(self.registry, topic)
        self.stream = workload.stream(topic, self.suite.tmp)

    def on(self, topic):
        """The same servers with another topic."""
        other = copy.copy(self)
        other._use(topic)
        return other

    def configure(self, streams=None, redis_url=None, **more):
        """The configuration's path: the stack's own stream and servers but for what is given."""
        return configure(self.suite.tmp, self.kafka.bootstrap, [self.registry.url], redis_url or self.redis.url,
                         streams or [self.stream], **more)

    def oracle(self):
        """One that has read the whole topic."""
        return oracle.Oracle(self.stream, {self.ids[n]: s for n, s in workload.SCHEMAS.items()},
                             [self.ids[n] for n in workload.SCHEMAS], workload.CONTRACT,
                             known=self.ids.values()).read(self.kafka.bootstrap, self.topic)

    def end(self):
        """The sum of the topic's end offsets: what `counted` must reach."""
        return sum(self.kafka.ends(self.topic).values())

    def settled(self, seconds=60, prefix=b"kdrift"):
        """Waits until the store has counted up to the topic's end."""
        end, redis = self.end(), self.redis.client()
        wait_for("every record is counted", lambda: counted(redis, prefix) >= end, seconds)

    def send(self, records):
        return generate.produce(self.kafka.producer(), self.topic, records)

    def produce(self, generator, n, rate=None, stop=None):
        return generate.produce(self.kafka.producer(), self.topic, generator.records(n), rate, stop)


class Feed(threading.Thread):
    """Produces in the background at a rate until stop() is called."""

    def __init__(self, stack, generator, rate, most=10**9):
        super().__init__(daemon=True)
        self.stack, self.generator, self.rate, self.most = stack, generator, rate, most
        self.ending, self.sent = threading.Event(), 0
        self.start()

    def run(self):
        self.sent = self.stack.produce(self.generator, self.most, self.rate, self.ending)

    def stop(self):
        self.ending.set()
        self.join(60)
