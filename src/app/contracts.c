// SPDX-License-Identifier: Apache-2.0
#include "app/contracts.h"

#include <stdio.h>

bool contract_subject(const struct stream_conf *c, char *out, size_t n)
{
	return !c->is_regex && !c->record && snprintf(out, n, "%s-value", c->topic) < (int)n;
}
