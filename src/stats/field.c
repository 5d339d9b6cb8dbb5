// SPDX-License-Identifier: Apache-2.0
#include "stats/field.h"

#include <string.h>

static const char *const names[FIELD_TYPES] = {
    [FIELD_NONE] = "none",	 [FIELD_NUMERIC] = "numeric", [FIELD_CATEGORICAL] = "categorical",
    [FIELD_BOOLEAN] = "boolean", [FIELD_TEXT] = "text",	      [FIELD_TIME] = "time",
    [FIELD_VECTOR] = "vector",
};

const char *field_type_name(enum field_type t)
{
	return names[t];
}

enum field_type field_type_parse(const char *name)
{
	int i;

	for (i = 0; i < FIELD_TYPES; i++)
		if (!strcmp(names[i], name))
			break;
	return (enum field_type)i;
}
