// SPDX-License-Identifier: Apache-2.0
// A stream that reads its keys, too, has one space of paths for both: the key's fields stand behind `key.`, a key
// that is no record is `key`. A value's own field `key` is `value.key` then; so that no two meet, each path that
// looks so already gets one more `value.`.
#include <string.h>

#include "collect/stream.h"
#include "util/xalloc.h"

static const char top[] = "value"; // what a plan calls a type that is no record

static bool needs_value(const char *path)
{
	while (!strncmp(path, "value.", 6))
		path += 6;
	return path_within(path, "key");
}

char *side_path(const struct side *s, const char *shown)
{
	if (!s->stream->conf->has_key)
		return s->key ? NULL : xstrdup(shown);
	if (!s->key)
		return path_within(shown, "key") ? NULL : xstrdup(needs_value(shown) ? shown + 6 : shown);
	if (!path_within(shown, "key"))
		return NULL;
	return shown[3] == '.' ? xstrdup(shown + 4) : xasprintf("%s%s", top, shown + 3);
}

char *side_shown(const struct side *s, const struct plan *plan, const char *path)
{
	if (!s->stream->conf->has_key)
		return xstrdup(path);
	if (!s->key)
		return xasprintf("%s%s", needs_value(path) ? "value." : "", path);
	if (!*plan_record_name(plan) && path_within(path, top))
		return xasprintf("key%s", path + sizeof top - 1);
	return xasprintf("key.%s", path);
}
