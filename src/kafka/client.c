// SPDX-License-Identifier: Apache-2.0
#include "kafka/client.h"

#include "util/log.h"

int client_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err)
{
	char why[300];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
		return 0;
	return error_set(err, "kafka.%s: %s (librdkafka %s)", name, why, rd_kafka_version_str());
}

int client_set_all(rd_kafka_conf_t *conf, const struct kafka_property *props, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (client_set(conf, props[i].name, props[i].value, err))
			return -1;
	return 0;
}

void client_on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	log_at(level <= 3 ? LOG_WARN : LOG_DEBUG, "kafka", "%s: %s", facility, text);
}
