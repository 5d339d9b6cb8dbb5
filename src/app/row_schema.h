// SPDX-License-Identifier: Apache-2.0
// An Avro schema made of files' columns: every field nullable, numbers doubles, the event time a timestamp; a column
// that is numeric in one file and text in another is text. What the stream's `fields:` say of a type goes before.
#ifndef KD_APP_ROW_SCHEMA_H
#define KD_APP_ROW_SCHEMA_H
#include "config/config.h"
#include "files/rows.h"
#include "schema/registry.h"

// The files of one stream. To be freed with schema_file_free.
struct registry_schema *row_schema_make(const struct stream_conf *s, const struct rows *const *files, size_t n,
					struct error *err) MUST_CHECK;
#endif
