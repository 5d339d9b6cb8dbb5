// SPDX-License-Identifier: Apache-2.0
#include "schema/subject.h"

#include <stdio.h>
#include <string.h>

enum subject_naming subject_naming_of(const char *strategy, enum subject_naming unsaid)
{
	static const char *const words[] = {"TopicName", "RecordName", "TopicRecordName"};

	for (int i = 0; strategy && i < SUBJECT_ANY; i++)
		if (!strcmp(strategy, words[i]))
			return (enum subject_naming)i;
	return unsaid;
}

bool subject_name(enum subject_naming naming, const char *topic, const char *record, bool key, char out[SUBJECT_MAX])
{
	int len = -1;

	if (naming == SUBJECT_TOPIC)
		len = snprintf(out, SUBJECT_MAX, "%s-%s", topic, key ? "key" : "value");
	else if (naming == SUBJECT_RECORD && *record)
		len = snprintf(out, SUBJECT_MAX, "%s", record);
	else if (naming == SUBJECT_TOPIC_RECORD && *record)
		len = snprintf(out, SUBJECT_MAX, "%s-%s", topic, record);
	if (len < 0 || len >= SUBJECT_MAX)
		*out = 0;
	return *out;
}
