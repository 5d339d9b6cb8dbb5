// SPDX-License-Identifier: Apache-2.0
#include "kafka/property.h"

#include <librdkafka/rdkafka.h>

int kafka_property_check(const char *name, const char *value, struct error *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[300];
	rd_kafka_conf_res_t r = rd_kafka_conf_set(conf, name, value, why, sizeof why);

	rd_kafka_conf_destroy(conf);
	if (r == RD_KAFKA_CONF_OK)
		return 0;
	if (r == RD_KAFKA_CONF_UNKNOWN)
		return error_set(err, "librdkafka %s has no such property; correct its name or remove it",
				 rd_kafka_version_str());
	return error_set(err, "%s (librdkafka %s)", why, rd_kafka_version_str());
}
