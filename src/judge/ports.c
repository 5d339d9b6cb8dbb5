// SPDX-License-Identifier: Apache-2.0
#include "judge/ports.h"

#include <stdlib.h>

void stream_view_release(struct stream_view *v)
{
	for (size_t i = 0; i < v->nparts; i++)
		free(v->parts[i].topic);
	free(v->parts);
	free(v->holes);
	*v = (struct stream_view){.first_seen = INT64_MIN};
}
