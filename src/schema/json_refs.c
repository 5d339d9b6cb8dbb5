// SPDX-License-Identifier: Apache-2.0
#include "schema/json_refs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

#define MAX_DEPTH 256

static const char *keep(struct json_refs *r, char *text)
{
	GROW(r->texts, r->ntexts, r->captexts);
	return r->texts[r->ntexts++] = text;
}

void json_refs_release(struct json_refs *r)
{
	map_release(&r->places, free);
	for (size_t i = 0; i < r->ntexts; i++)
		free(r->texts[i]);
	free(r->texts);
}

static size_t scheme_length(const char *uri) // with its colon; 0: none
{
	size_t n = 0;

	while (isalnum((unsigned char)uri[n]) || (n && uri[n] && strchr("+.-", uri[n])))
		n++;
	return n && uri[n] == ':' ? n + 1 : 0;
}

// RFC 3986, 5.2, but for "../".
static char *join(const char *base, const char *ref)
{
	size_t scheme = scheme_length(base), n = strcspn(base, "#");

	if (scheme_length(ref))
		return xstrdup(ref);
	if (!*ref || *ref == '#')
		return xasprintf("%.*s%s", (int)n, base, ref);
	if (!strncmp(ref, "./", 2))
		ref += 2;
	if (!strncmp(ref, "//", 2))
		return xasprintf("%.*s%s", (int)scheme, base, ref);
	if (*ref == '/') {
		size_t host = scheme + (!strncmp(base + scheme, "//", 2) ? 2 : 0);

		host += scheme ? strcspn(base + host, "/#?") : 0;
		return xasprintf("%.*s%s", (int)(scheme ? host : 0), base, ref);
	}
	while (n && base[n - 1] != '/' && base[n - 1] != ':')
		n--;
	return xasprintf("%.*s%s", (int)n, base, ref);
}

static void put_place(struct json_refs *r, const char *uri, const struct json_place *p)
{
	size_t n = strlen(uri);

	if (n && uri[n - 1] == '#')
		n--;
	if (map_get(&r->places, uri, n))
		return;
	struct json_place *copy = xmalloc(sizeof *copy);
	*copy = *p;
	map_put(&r->places, uri, n, copy);
}

static const char *id_of(const json_t *node, int draft)
{
	return json_get_str(node, draft == DRAFT_4 ? "id" : "$id", NULL);
}

struct json_place json_place_of(struct json_refs *r, const json_t *node, const struct json_place *around)
{
	struct json_place p = {node, around->base, around->draft};
	const char *id = id_of(node, p.draft);

	// Before 2019-09 what stands beside a $ref says nothing.
	if (id && *id && *id != '#' && (p.draft >= DRAFT_2019 || !json_object_get(node, "$ref"))) {
		char *uri = join(p.base, id);

		uri[strcspn(uri, "#")] = 0;
		p.base = keep(r, uri);
	}
	return p;
}

static void scan(struct json_refs *r, const json_t *v, const struct json_place *around, int depth)
{
	const char *key;
	json_t *item;
	size_t i;

	if (depth > MAX_DEPTH)
		return;
	json_array_foreach(v, i, item) scan(r, item, around, depth + 1);
	if (!json_is_object(v))
		return;
	struct json_place here = json_place_of(r, v, around);
	const char *id = id_of(v, here.draft), *anchor = json_get_str(v, "$anchor", NULL);

	if (here.base != around->base)
		put_place(r, here.base, &here);
	if (id && *id == '#')
		put_place(r, keep(r, join(here.base, id)), &here);
	if (anchor)
		put_place(r, keep(r, xasprintf("%s#%s", here.base, anchor)), &here);
	json_object_foreach((json_t *)(uintptr_t)v, key, item)
	{
		if (strcmp(key, "enum") != 0 && strcmp(key, "const") != 0 && strcmp(key, "default") != 0 &&
		    strcmp(key, "examples") != 0)
			scan(r, item, &here, depth + 1);
	}
}

static int draft_of(const json_t *doc)
{
	static const struct {
		const char *part;
		int draft;
	} known[] = {{"draft-03", DRAFT_4}, {"draft-04", DRAFT_4}, {"draft-06", DRAFT_6}, {"2019-09", DRAFT_2019}, {"2020-12", DRAFT_2020}};
	const char *schema = json_get_str(doc, "$schema", "");

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strstr(schema, known[i].part))
			return known[i].draft;
	return DRAFT_7;
}

struct json_place json_refs_add(struct json_refs *r, const char *name, const json_t *doc)
{
	struct json_place around = {doc, keep(r, xasprintf("%.*s", (int)strcspn(name, "#"), name)), draft_of(doc)};
	struct json_place own = json_place_of(r, doc, &around);

	put_place(r, name, &own);
	put_place(r, own.base, &own);
	scan(r, doc, &around, 0);
	return own;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

// One step of a pointer, its ~0, ~1 and %XX undone.
static char *step_text(const char *from, size_t n)
{
	char *out = xmalloc(n + 1), *at = out;

	for (size_t i = 0; i < n; i++) {
		if (from[i] == '~' && i + 1 < n && (from[i + 1] == '0' || from[i + 1] == '1')) {
			*at++ = from[++i] == '0' ? '~' : '/';
		} else if (from[i] == '%' && i + 2 < n && hex_digit(from[i + 1]) >= 0 && hex_digit(from[i + 2]) >= 0) {
			*at++ = (char)(hex_digit(from[i + 1]) * 16 + hex_digit(from[i + 2]));
			i += 2;
		} else {
			*at++ = from[i];
		}
	}
	*at = 0;
	return out;
}

static struct json_place follow_pointer(struct json_refs *r, struct json_place p, const char *pointer)
{
	while (*pointer == '/' && p.node) {
		size_t n = strcspn(++pointer, "/");
		char *step = step_text(pointer, n), *end;
		const json_t *next = json_object_get(p.node, step);

		if (json_is_array(p.node)) {
			unsigned long i = strtoul(step, &end, 10);
			next = *step && !*end ? json_array_get(p.node, i) : NULL;
		}
		free(step);
		struct json_place around = p;
		p = json_is_object(next) ? json_place_of(r, next, &around)
					 : (struct json_place){next, around.base, around.draft};
		pointer += n;
	}
	return p;
}

struct json_place json_refs_follow(struct json_refs *r, const struct json_place *from, const char *ref)
{
	char *uri = join(from->base, ref);
	size_t n = strcspn(uri, "#");
	const struct json_place *p = map_get(&r->places, uri, n);
	struct json_place found = {0};

	if (!p) // by the very name that the registry has for it
		p = map_get(&r->places, ref, strcspn(ref, "#"));
	if (p && uri[n] == '#' && uri[n + 1] && uri[n + 1] != '/') {
		char *anchor = xasprintf("%s%s", p->base, uri + n);

		p = map_gets(&r->places, anchor);
		free(anchor);
		if (p)
			found = *p;
	} else if (p) {
		found = uri[n] == '#' ? follow_pointer(r, *p, uri + n + 1) : *p;
	}
	free(uri);
	return found;
}
