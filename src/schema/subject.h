// SPDX-License-Identifier: Apache-2.0
// How the subject is named that a record's schema is registered under.
#ifndef KD_SCHEMA_SUBJECT_H
#define KD_SCHEMA_SUBJECT_H
#include <stdbool.h>

enum subject_naming { SUBJECT_TOPIC, SUBJECT_RECORD, SUBJECT_TOPIC_RECORD, SUBJECT_ANY };
enum { SUBJECT_MAX = 700 };

// Of the configuration's word; `unsaid` for NULL.
enum subject_naming subject_naming_of(const char *strategy, enum subject_naming unsaid);
// record: the full name, "" where it has none or is not known. False, and out is "", where there is no one such name.
bool subject_name(enum subject_naming naming, const char *topic, const char *record, bool key, char out[SUBJECT_MAX]);
#endif
