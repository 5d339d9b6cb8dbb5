// SPDX-License-Identifier: Apache-2.0
// Where a topic carries several record types and their subjects are named by record, each type is a stream of its
// own, "STREAM/TYPE". A stream's name has no '/', so no two names meet.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "collect/stream.h"
#include "util/log.h"
#include "util/xalloc.h"

enum { MAX_TYPES = 100, NAME_MAX_LEN = 400 };

// Avro's names need no escapes; a JSON Schema's title may.
static char *name_of(const struct wstream *parent, const char *record)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%s/", parent->conf->name);
	for (const char *c = record; *c; c++)
		buf_addf(&b, isalnum((unsigned char)*c) || strchr("._-", *c) ? "%c" : "%%%02X", (unsigned char)*c);
	return buf_steal(&b);
}

static struct wstream *find(const struct wstream *parent, const char *name)
{
	for (size_t i = 0; i < parent->ntypes; i++)
		if (!strcmp(parent->types[i]->conf->name, name))
			return parent->types[i];
	return NULL;
}

static struct wstream *add(struct wstream *parent, const char *name)
{
	struct wstream *s = xcalloc(1, sizeof *s);
	struct own_conf *own = xcalloc(1, sizeof *own);

	own->conf = *parent->conf;
	own->conf.name = xstrdup(name);
	own->conf.by_record = false;
	own->def = *parent->def;
	own->def.conf = &own->conf;
	wstream_init(s, &own->def);
	s->own = own;
	s->parent = parent;
	GROW(parent->types, parent->ntypes, parent->captypes);
	return parent->types[parent->ntypes++] = s;
}

struct wstream *wstream_type_named(struct wstream *parent, const char *name)
{
	size_t n = strlen(parent->conf->name);

	if (!parent->conf->by_record || strncmp(name, parent->conf->name, n) || name[n] != '/')
		return NULL;
	struct wstream *s = find(parent, name);
	return s ? s : add(parent, name);
}

static bool contains(char *const *names, size_t n, const char *name)
{
	size_t i = 0;

	while (i < n && strcmp(names[i], name) != 0)
		i++;
	return i < n;
}

// All workers' types count, and those of earlier lives.
static int has_room(struct wstream *parent, const struct collect_port *port, const char *name, bool *room)
{
	struct error err = ERROR_INIT;
	char **names;
	size_t n;

	if (port->types(port->ctx, parent->conf->name, &names, &n, &err)) {
		log_debug("collect", "%s", err.text);
		return -1;
	}
	size_t met = n;
	for (size_t i = 0; i < parent->ntypes; i++)
		met += !contains(names, n, parent->types[i]->conf->name); // and is not yet written
	*room = contains(names, n, name) || met < MAX_TYPES;
	while (n--)
		free(names[n]);
	free(names);
	return 0;
}

int wstream_type(struct wstream *parent, const struct collect_port *port, const char *record, struct wstream **out)
{
	char *name = name_of(parent, record);
	struct error err = ERROR_INIT;
	bool room = false;
	int rc = 0;

	*out = find(parent, name);
	if (!*out && strlen(name) <= NAME_MAX_LEN)
		rc = has_room(parent, port, name, &room);
	if (room)
		*out = add(parent, name);
	else if (!*out && !rc)
		log_warn("collect", "stream %s: %s is past the %d record types that have statistics of their own",
			 parent->conf->name, record, MAX_TYPES);
	free(name);
	if (!rc && *out && !(*out)->looked_before && wstream_look_before(*out, port, &err)) {
		log_debug("collect", "%s", err.text);
		rc = -1;
	}
	return rc;
}
