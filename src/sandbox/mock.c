// SPDX-License-Identifier: Apache-2.0
#include "sandbox/mock.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

#include "util/xalloc.h"

struct mock {
	rd_kafka_t *handle; // the mock cluster lives on a client's threads
	rd_kafka_mock_cluster_t *cluster;
	int brokers;
};

struct mock *mock_new(int brokers, struct error *err)
{
	struct mock *m = xcalloc(1, sizeof *m);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];

	m->brokers = brokers;
	rd_kafka_conf_set(conf, "log_level", "3", NULL, 0); // not that it has no brokers: it is them
	m->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (!m->handle) {
		rd_kafka_conf_destroy(conf);
		error_set(err, "mock cluster: %s", why);
		mock_free(m);
		return NULL;
	}
	m->cluster = rd_kafka_mock_cluster_new(m->handle, brokers);
	if (!m->cluster) {
		error_set(err, "mock cluster: cannot start %d brokers on loopback", brokers);
		mock_free(m);
		return NULL;
	}
	return m;
}

void mock_free(struct mock *m)
{
	if (!m)
		return;
	if (m->cluster)
		rd_kafka_mock_cluster_destroy(m->cluster);
	if (m->handle)
		rd_kafka_destroy(m->handle);
	free(m);
}

const char *mock_bootstrap(const struct mock *m)
{
	return rd_kafka_mock_cluster_bootstraps(m->cluster);
}

int mock_topic(struct mock *m, const char *topic, int partitions, struct error *err)
{
	rd_kafka_resp_err_t e = rd_kafka_mock_topic_create(m->cluster, topic, partitions, m->brokers);

	return e ? error_set(err, "mock cluster: topic %s: %s", topic, rd_kafka_err2str(e)) : 0;
}
