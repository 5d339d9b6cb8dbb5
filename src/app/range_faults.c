// SPDX-License-Identifier: Apache-2.0
#include "app/range_faults.h"

#include <inttypes.h>
#include <stdio.h>

int range_faults_judge(const struct range_faults *f, struct error *err)
{
	char list[400] = "";
	size_t at = 0;

	if (!f->violating)
		return 0;
	for (int k = 0; k < VIOLATION_KINDS && at < sizeof list; k++)
		if (f->violations[k])
			at += (size_t)snprintf(list + at, sizeof list - at, "%s%s %" PRIu64, at ? ", " : "",
					       violation_table[k].name, f->violations[k]);
	return error_set(err,
			 "%" PRIu64 " of %" PRIu64 " records break rules (%.200s%s%.220s); choose a good period, or "
			 "--allow-violations",
			 f->violating, f->records, list, *f->first ? "; the first: " : "", f->first);
}

json_t *range_faults_json(const struct range_faults *f)
{
	json_t *kinds = json_object();

	for (int k = 0; k < VIOLATION_KINDS; k++)
		if (f->violations[k])
			json_object_set_new(kinds, violation_table[k].name, json_integer((json_int_t)f->violations[k]));
	return kinds;
}
