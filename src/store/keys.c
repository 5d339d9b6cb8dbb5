// SPDX-License-Identifier: Apache-2.0
#include "store/keys.h"

#include <inttypes.h>

#include "util/xalloc.h"

char *key_plain(const char *prefix, const char *name)
{
	return xasprintf("%s:%s", prefix, name);
}

char *key_of(const char *prefix, const char *kind, const char *name)
{
	return xasprintf("%s:%s:%s", prefix, kind, name);
}

char *key_part(const char *prefix, const char *scope, const char *topic, int32_t partition)
{
	return xasprintf("%s:part:%s/%s/%" PRId32, prefix, scope, topic, partition);
}

char *key_state(const char *prefix, const char *scope, const char *topic, int32_t partition)
{
	return xasprintf("%s:state:%s/%s/%" PRId32, prefix, scope, topic, partition);
}

char *key_segment(const char *prefix, const char *stream, int64_t width, int64_t start)
{
	return xasprintf("%s:seg:%s:%" PRId64 ":%" PRId64, prefix, stream, width, start);
}

char *key_roll(const char *prefix, const char *stream, int64_t width, int64_t start)
{
	return xasprintf("%s:roll:%s:%" PRId64 ":%" PRId64, prefix, stream, width, start);
}
