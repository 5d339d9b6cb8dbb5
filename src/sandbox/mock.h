// SPDX-License-Identifier: Apache-2.0
// A Kafka cluster inside this process: librdkafka's mock brokers on loopback. It keeps the last 5 MB of a
// partition, so it serves demos and tests, not throughput.
#ifndef KD_SANDBOX_MOCK_H
#define KD_SANDBOX_MOCK_H
#include "util/error.h"

struct mock;
struct mock *mock_new(int brokers, struct error *err) MUST_CHECK;
void mock_free(struct mock *m);
const char *mock_bootstrap(const struct mock *m); // "127.0.0.1:34567,..."
int mock_topic(struct mock *m, const char *topic, int partitions, struct error *err) MUST_CHECK;
#endif
