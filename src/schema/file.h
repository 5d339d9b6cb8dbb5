// SPDX-License-Identifier: Apache-2.0
// A schema in a file, as a registry would have given it (id -1): of records that name none themselves.
#ifndef KD_SCHEMA_FILE_H
#define KD_SCHEMA_FILE_H
#include "schema/registry.h"

struct registry_schema *schema_file_load(const char *path, enum schema_type type, struct error *err) MUST_CHECK;
void schema_file_free(struct registry_schema *s);
#endif
