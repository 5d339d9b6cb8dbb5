// SPDX-License-Identifier: Apache-2.0
// The CRC-64-AVRO (Rabin) fingerprint of a schema's parsing canonical form, as single-object encoding bears it.
#ifndef KD_SCHEMA_FINGERPRINT_H
#define KD_SCHEMA_FINGERPRINT_H
#include "schema/avsc.h"
#include "util/buf.h"

void schema_canonical(const struct avsc *a, struct buf *out); // the form itself: one text, whatever it referred to
uint64_t schema_fingerprint(const struct avsc *a);
#endif
