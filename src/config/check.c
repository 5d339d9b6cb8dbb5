// SPDX-License-Identifier: Apache-2.0
// What concerns several parts of the configuration at once, and what is derived from them.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config/read.h"
#include "util/clock.h"
#include "util/gcd.h"
#include "util/xalloc.h"

enum { MINUTE_MS = 60000, PANE_LEAST_MS = 1000 };

static const struct node *root_node(const struct loader *l, const char *section, const char *key)
{
	const struct node *root = l->docs[0]->root, *map = node_get(root, section), *n = node_get(map, key);

	return n ? n : map ? map : root;
}

static void check_tls_file(struct loader *l, const char *key, const char *file)
{
	const struct node *tls = root_node(l, "schema_registry", "tls"), *n = node_get(tls, key);

	if (file && access(file, R_OK))
		problem(l, n ? n : tls, "schema_registry.tls.%s: %s cannot be read: %s", key, file, strerror(errno));
}

static void check_registry(struct loader *l)
{
	const struct config *c = l->c;
	const struct node *token = root_node(l, "schema_registry", "bearer_token"),
			  *tls_map = root_node(l, "schema_registry", "tls"), *key = node_get(tls_map, "key_file");
	bool tls = false;

	for (size_t i = 0; i < c->nregistry_urls; i++) {
		tls |= !strncasecmp(c->registry_urls[i], "https://", 8);
		if (strncasecmp(c->registry_urls[i], "http://", 7) &&
		    strncasecmp(c->registry_urls[i], "https://", 8))
			problem(l, root_node(l, "schema_registry", "url"),
				"schema_registry.url: an address must begin with http:// or https://");
	}
	if (c->registry_token && c->registry_user)
		problem(l, token, "schema_registry.bearer_token: stands beside basic_auth; give one of the two");
	for (const char *s = c->registry_token; s && *s; s++) {
		if (*s > ' ' && *s < 127)
			continue;
		problem(l, token, "schema_registry.bearer_token: holds a space or a control character; give the token alone, "
				  "without the word Bearer");
		break;
	}
	check_tls_file(l, "ca_file", c->registry_ca_file);
	check_tls_file(l, "cert_file", c->registry_cert_file);
	check_tls_file(l, "key_file", c->registry_key_file);
	if (c->registry_key_file && !c->registry_cert_file)
		problem(l, key ? key : tls_map,
			"schema_registry.tls.key_file: has no certificate; give cert_file, too");
	if (c->nregistry_urls && !tls && (c->registry_ca_file || c->registry_cert_file))
		warning(l, tls_map,
			"schema_registry.tls: no address of schema_registry.url begins with https://, so it is not used");
}

static void check_addresses(struct loader *l)
{
	const struct config *c = l->c;
	const char *port = c->http_listen ? strrchr(c->http_listen, ':') : NULL;

	if (!strncmp(c->redis_url, "rediss://", 9))
		problem(l, root_node(l, "redis", "url"),
			"redis.url: rediss:// asks for TLS, which Debian's hiredis cannot speak; put a TLS proxy (stunnel) "
			"beside kdrift and use redis://");
	else if (strncmp(c->redis_url, "redis://", 8) && strncmp(c->redis_url, "unix://", 7))
		problem(l, root_node(l, "redis", "url"), "redis.url: must begin with redis:// or unix://");
	if (!port || port == c->http_listen || !port[1] ||
	    strspn(port + 1, "0123456789") != strlen(port + 1) || strlen(port + 1) > 5 ||
	    atoi(port + 1) > 65535)
		problem(l, root_node(l, "http", "listen"),
			"http.listen: '%s' is not HOST:PORT; write e.g. 127.0.0.1:9464", c->http_listen);
}

// Rules that match the stream and are in want of something, as "A, B and 3 more"; false if there is none.
static bool list_rules(const struct loader *l, const struct stream_conf *s,
		       bool (*wants)(const struct rule *), struct buf *out)
{
	enum { SHOWN = 4 };
	size_t n = 0;

	for (size_t i = 0; i < l->c->nrules; i++) {
		const struct rule *r = &l->c->rules[i];
		if (!r->name || !config_rule_concerns(r, s) || !wants(r))
			continue;
		if (n++ < SHOWN)
			buf_addf(out, "%s%s", n > 1 ? ", " : "", r->name);
	}
	if (n > SHOWN)
		buf_addf(out, " and %zu more", n - SHOWN);
	return n > 0;
}

static bool wants_baseline(const struct rule *r)
{
	return r->measure && r->measure->needs_reference && r->against.kind == AGAINST_BASELINE;
}

// What is counted, or scanned, by a baseline of the stream's own.
static bool wants_file(const struct rule *r)
{
	static const char *const measures[] = {"glr", "unseen_ratio", "out_of_range_ratio"};

	for (size_t i = 0; r->measure && r->against.kind == AGAINST_BASELINE && i < ARRAY_LEN(measures); i++)
		if (!strcmp(r->measure->name, measures[i]))
			return true;
	return false;
}

static bool wants_owner(const struct rule *r)
{
	return r->tier == TIER_IMMEDIATE && !r->owner && !r->runbook;
}

static void check_stream(struct loader *l, const struct stream_conf *s)
{
	struct buf names = BUF_INIT;

	if (!s->baseline && !s->baseline_previous_ms && list_rules(l, s, wants_baseline, &names))
		problem_at(l, true, l->c->path, s->line,
			   "stream %s: has no baseline, so these rules stay unknown (no_baseline): %s; %s", s->name,
			   names.data,
			   s->by_record ? "a record type that is to have one needs a stream of its own with `record`"
					: "make one with `kdrift baseline`");
	buf_clear(&names);
	if (!s->baseline && s->baseline_previous_ms && list_rules(l, s, wants_file, &names))
		problem_at(l, true, l->c->path, s->line,
			   "stream %s: its baseline is its own past, of which these rules know no range, no values and no rhythm, so they "
			   "stay unknown (no_baseline): %s; give them a stream on the same topic whose baseline is a file",
			   s->name, names.data);
	buf_clear(&names);
	if (!s->owner && list_rules(l, s, wants_owner, &names))
		problem_at(l, true, l->c->path, s->line,
			   "stream %s: has no owner, so pages of these rules name nobody: %s; give owner:",
			   s->name, names.data);
	buf_release(&names);
}

static void derive_pane(struct loader *l, struct stream_conf *s)
{
	char text[32];

	s->pane_ms = gcd(gcd(s->window_ms, s->slide_ms), MINUTE_MS);
	for (size_t i = 0; i < l->c->nrules; i++) {
		const struct rule *r = &l->c->rules[i];
		if (!config_rule_concerns(r, s))
			continue;
		s->pane_ms = gcd(s->pane_ms, r->over_ms);
		if (s->slide_ms && r->every_ms % s->slide_ms)
			problem_at(l, false, r->file, r->line,
				   "%s: every is not a whole number of slides of stream %s (%s)", r->name ? r->name : "a rule",
				   s->name ? s->name : "?", duration_format(s->slide_ms, text, sizeof text));
	}
	if (s->pane_ms < PANE_LEAST_MS)
		problem_at(l, false, l->c->path, s->line,
			   "stream %s: window, slide and the rules' `over` have only %s in common; use whole "
			   "seconds, better minutes",
			   s->name ? s->name : "?", duration_format(s->pane_ms, text, sizeof text));
}

// A missing receivers.yaml was already told.
static void check_told(struct loader *l)
{
	const char *file = l->docs[l->ndocs - 1]->file;

	if (!l->c->nrules || !l->has_receivers)
		return;
	if (!l->c->nreceivers) {
		problem_at(l, true, file, 0,
			   "names no receiver, so alerts only show on the API and nobody is told");
		return;
	}
	for (int t = 0; t < TIERS; t++) {
		const struct rule *first = NULL;
		for (size_t i = 0; i < l->c->nrules && !first; i++)
			if (l->c->rules[i].tier == (enum tier)t)
				first = &l->c->rules[i];
		if (first && !l->c->nroutes[t])
			problem_at(
			    l, true, file, 0,
			    "routes.%s names no receiver, so the rules of that tier only show on the API",
			    tier_names[t]);
	}
}

// A dead letter that is read as a record would be one again.
static void check_dead_letters(struct loader *l)
{
	const struct config *c = l->c;
	bool asked = false;

	for (size_t i = 0; i < c->nstreams; i++) {
		const char *topic = c->streams[i].dead_letter_topic;
		asked |= topic != NULL;
		for (size_t k = 0; topic && k < c->nstreams; k++)
			if (c->streams[k].topic && config_stream_reads(&c->streams[k], topic))
				problem_at(l, false, c->path, c->streams[i].line,
					   "stream %s: dead_letter.topic %s is read by stream %s, so its letters would come back "
					   "as records; name another topic",
					   c->streams[i].name, topic, c->streams[k].name);
	}
	for (size_t i = 0; asked && i < c->nkafka; i++)
		if (!strcmp(c->kafka[i].name, "isolation.level") && strcmp(c->kafka[i].value, "read_committed") != 0)
			problem_at(l, false, c->path, c->kafka[i].line,
				   "kafka.isolation.level: dead_letter needs read_committed, to know which letters were sent; "
				   "remove the property");
}

void check_config(struct loader *l)
{
	check_registry(l);
	check_addresses(l);
	for (size_t i = 0; i < l->c->nstreams; i++) {
		derive_pane(l, &l->c->streams[i]);
		check_stream(l, &l->c->streams[i]);
	}
	check_dead_letters(l);
	check_told(l);
}
