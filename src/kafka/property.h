// SPDX-License-Identifier: Apache-2.0
// librdkafka's own word on a property, without a client: nothing is connected to.
#ifndef KD_KAFKA_PROPERTY_H
#define KD_KAFKA_PROPERTY_H
#include "util/error.h"

// -1 where this librdkafka has no such property or does not take the value.
int kafka_property_check(const char *name, const char *value, struct error *err) MUST_CHECK;
#endif
