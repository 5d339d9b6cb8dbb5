// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config/nearest.h"
#include "config/read.h"
#include "util/digest.h"
#include "util/map.h"
#include "util/xalloc.h"

static bool is_http(const char *url)
{
	const char *host = !strncasecmp(url, "http://", 7)    ? url + 7
			   : !strncasecmp(url, "https://", 8) ? url + 8
							      : "";

	return *host && *host != '/' && !strpbrk(url, " \t\r\n");
}

// After whsec_ stands the key in base64, where the padding may be missing.
static ssize_t key_bytes(const char *base64)
{
	uint8_t key[512];
	char padded[700];

	snprintf(padded, sizeof padded - 4, "%s", base64);
	for (size_t len = strlen(padded); len % 4; len++) {
		padded[len] = '=';
		padded[len + 1] = 0;
	}
	ssize_t n = base64_decode(padded, key, sizeof key);
	explicit_bzero(key, sizeof key);
	explicit_bzero(padded, sizeof padded);
	return n;
}

static void check_secret(struct loader *l, const struct node *n, const char *path, const char *secret)
{
	enum { LEAST = 24 };
	static const char mend[] = "make one with: echo whsec_$(openssl rand -base64 32)";

	if (strncmp(secret, "whsec_", 6) != 0) {
		if (strlen(secret) < LEAST)
			warning(l, n, "%s: has fewer than %d bytes and may be guessed; %s", path, LEAST,
				mend);
		return;
	}
	ssize_t bytes = key_bytes(secret + 6);
	if (bytes < 0)
		problem(l, n, "%s: what follows whsec_ is not base64; %s", path, mend);
	else if (bytes < LEAST)
		problem(l, n, "%s: the key has %zd bytes and needs at least %d; %s", path, bytes, LEAST,
			mend);
}

static void read_webhook(struct loader *l, const struct node *map, const char *path, struct receiver_conf *r)
{
	const struct node *url = node_get(map, "url"), *secret = node_get(map, "secret");
	char at[PATH_TEXT];

	if (map->kind != NODE_MAP)
		return;
	if (!url)
		url = node_get(map, "url_file");
	if (!secret)
		secret = node_get(map, "secret_file");
	if (r->url && !is_http(r->url))
		problem(l, url, "%s: is not an http:// or https:// address",
			child_path(at, sizeof at, path, "url"));
	if (r->secret)
		check_secret(l, secret, child_path(at, sizeof at, path, "secret"), r->secret);
	if (!secret)
		warning(l, map, "%s: has no secret, so its messages are not signed; give secret_file", path);
}

// Marks names of receivers that this version cannot serve, so that routes may name them.
static char is_unserved[] = "unserved", is_served[] = "served";

static const struct key *receiver_kind(const struct node *map, size_t *kinds)
{
	const struct key *found = NULL;

	*kinds = 0;
	for (const struct key *k = section_receiver.keys; k->name; k++) {
		if (k->kind != KEY_TEXT && node_get(map, k->name)) {
			found = k;
			++*kinds;
		}
	}
	return found;
}

static void read_receiver(struct loader *l, const struct node *map, const char *path, struct map *names)
{
	struct config *c = l->c;
	struct receiver_conf *r = &c->receivers[c->nreceivers];
	char at[PATH_TEXT];
	size_t kinds;

	*r = (struct receiver_conf){.line = map->line};
	section_read(l, map, path, &section_receiver, r);
	c->nreceivers++;
	const struct key *kind = receiver_kind(map, &kinds);
	if (kinds != 1 && map->kind == NODE_MAP)
		problem(l, map,
			"%s: has %zu kinds of receiver; give one, e.g. webhook: {url: ..., secret_file: ...}",
			path, kinds);
	r->type = xstrdup(kind ? kind->name : "webhook");
	if (kind && kind->kind == KEY_SECTION)
		read_webhook(l, node_get(map, kind->name), child_path(at, sizeof at, path, kind->name), r);
	if (r->name &&
	    check_name(l, node_get(map, "name"), child_path(at, sizeof at, path, "name"), r->name) &&
	    map_puts(names, r->name, kind && kind->kind == KEY_LATER ? is_unserved : is_served))
		problem(l, node_get(map, "name"), "%s.name: two receivers are named '%s'; choose another",
			path, r->name);
}

static void receiver_release(struct receiver_conf *r)
{
	section_release(&section_receiver, r);
	free(r->type);
}

// Receivers of kinds that this version does not serve were warned about; nothing may be owed to them.
static void drop_unserved(struct config *c, const struct map *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->nreceivers; i++) {
		if (c->receivers[i].name && map_gets(names, c->receivers[i].name) == is_unserved)
			receiver_release(&c->receivers[i]);
		else
			c->receivers[kept++] = c->receivers[i];
	}
	c->nreceivers = kept;
	for (int t = 0; t < TIERS; t++) {
		kept = 0;
		for (size_t i = 0; i < c->nroutes[t]; i++) {
			if (map_gets(names, c->routes[t][i]) == is_unserved)
				free(c->routes[t][i]);
			else
				c->routes[t][kept++] = c->routes[t][i];
		}
		c->nroutes[t] = kept;
	}
}

static void check_routes(struct loader *l, const struct node *routes, const struct map *names)
{
	for (int t = 0; t < TIERS; t++) {
		const struct node *n = node_get(routes, tier_names[t]);

		for (size_t i = 0; i < l->c->nroutes[t]; i++) {
			const char *name = l->c->routes[t][i];
			struct nearest near;
			if (map_gets(names, name))
				continue;
			nearest_init(&near, name);
			for (struct map_entry *e = NULL; (e = map_next(names, e));)
				nearest_try(&near, e->key);
			problem(l, n,
				near.best ? "routes.%s: no receiver is named '%s'; did you mean '%s'?"
					  : "routes.%s: no receiver is named '%s'; add it under receivers:",
				tier_names[t], name, near.best);
		}
	}
}

// --- digests --------------------------------------------------------------------------------------------

static int parse_at(const char *s, bool weekly, struct digest_conf *d)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	int used = 0, hour, minute, weekday = -1;

	if (weekly) {
		for (weekday = 0; weekday < 7 && strncasecmp(s, days + 3 * weekday, 3) != 0; weekday++)
			;
		if (weekday == 7 || s[3] != ' ')
			return -1;
		s += 4;
	}
	if (strspn(s, "0123456789:") != strlen(s) || sscanf(s, "%2d:%2d%n", &hour, &minute, &used) != 2 ||
	    s[used] || s[used - 3] != ':' || hour > 23 || minute > 59)
		return -1;
	d->weekday = weekday;
	d->hour = hour;
	d->minute = minute;
	return 0;
}

static bool timezone_exists(const char *name)
{
	char file[PATH_TEXT + 32];

	if (*name == '/' || strstr(name, "..") || strlen(name) > PATH_TEXT)
		return false;
	snprintf(file, sizeof file, "/usr/share/zoneinfo/%s", name);
	return !strcmp(name, "UTC") || access(file, R_OK) == 0;
}

static void read_digest(struct loader *l, const struct node *map, bool weekly, struct digest_conf *d)
{
	const char *name = tier_names[weekly ? TIER_WEEKLY : TIER_DAILY];
	const struct node *at = node_get(map, "at"), *zone = node_get(map, "timezone");
	char path[64];

	if (parse_at(weekly ? "Mon 09:00" : "09:00", weekly, d) < 0)
		return;
	snprintf(path, sizeof path, "digests.%s.at", name);
	const char *s = at ? read_text(l, at, path) : NULL;
	if (s && parse_at(s, weekly, d) < 0)
		problem(l, at, "%s: '%s' is not %s", path, s,
			weekly ? "a day and a time; write e.g. \"Mon 09:00\""
			       : "a time of day; write e.g. \"09:00\"");
	if (zone && zone->text && !timezone_exists(d->timezone))
		problem(l, zone,
			"digests.%s.timezone: '%s' is not in this machine's time zone database; write e.g. "
			"Europe/Berlin",
			name, d->timezone);
}

static void read_list(struct loader *l, const struct node *list, struct map *names)
{
	char path[64];

	if (!list || list->kind == NODE_NULL)
		return;
	if (list->kind != NODE_LIST) {
		problem(l, list, "receivers: a list must stand here (- name: ...)");
		return;
	}
	l->c->receivers = xcalloc(list->n + 1, sizeof *l->c->receivers);
	for (size_t i = 0; i < list->n; i++) {
		snprintf(path, sizeof path, "receivers[%zu]", i);
		read_receiver(l, list->items[i], path, names);
	}
}

void read_receivers(struct loader *l, struct document *d)
{
	struct node *root = d ? d->root : NULL;
	const struct node *digests;
	struct map names;

	map_init(&names);
	l->has_receivers = root != NULL;
	if (root && root->kind == NODE_NULL)
		root->kind = NODE_MAP;
	if (root)
		env_apply(l, &section_receivers, root);
	section_read(l, root, "", &section_receivers, l->c);
	read_list(l, node_get(root, "receivers"), &names);
	check_routes(l, node_get(root, "routes"), &names);
	drop_unserved(l->c, &names);
	digests = node_get(root, "digests");
	read_digest(l, node_get(digests, "daily"), false, &l->c->digests[TIER_DAILY]);
	read_digest(l, node_get(digests, "weekly"), true, &l->c->digests[TIER_WEEKLY]);
	map_release(&names, NULL);
}

void receivers_release(struct config *c)
{
	section_release(&section_receivers, c);
	for (size_t i = 0; i < c->nreceivers; i++)
		receiver_release(&c->receivers[i]);
	free(c->receivers);
}
