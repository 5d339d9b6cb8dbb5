// SPDX-License-Identifier: Apache-2.0
// Private to kafka/: what every client of librdkafka is set up with.
#ifndef KD_KAFKA_CLIENT_H
#define KD_KAFKA_CLIENT_H
#include <librdkafka/rdkafka.h>

#include "kafka/consumer.h"

// -1 names the property that librdkafka refused.
int client_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err) MUST_CHECK;
int client_set_all(rd_kafka_conf_t *conf, const struct kafka_property *props, size_t n, struct error *err) MUST_CHECK;
// Its log lines as ours.
void client_on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text);
#endif
