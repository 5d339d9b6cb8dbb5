// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <dirent.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/read.h"
#include "util/xalloc.h"

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_alert_file(const char *name)
{
	for (int t = 0; t < TIERS; t++)
		if (!strncmp(name, tier_names[t], strlen(tier_names[t])) &&
		    !strcmp(name + strlen(tier_names[t]), ".yaml"))
			return true;
	return !strcmp(name, "receivers.yaml");
}

static int is_stray(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return *e->d_name != '.' && dot &&
	       (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".json")) &&
	       !is_alert_file(e->d_name);
}

static void warn_strays(struct loader *l, const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_stray, alphasort);

	for (int i = 0; i < n; i++) {
		char *file = xasprintf("%s/%s", dir, names[i]->d_name);
		problem_at(l, true, file, 0,
			   "is not read; rules stand in immediate.yaml, daily.yaml and weekly.yaml, "
			   "receivers in receivers.yaml");
		free(file);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

// Other rules, the same people: their own directory's receivers, where the other has none.
static char *receivers_path(const struct loader *l, const char *own)
{
	char *file = xasprintf("%s/receivers.yaml", l->c->alerts_dir);

	if (!l->alerts || access(file, F_OK) == 0)
		return file;
	free(file);
	return xasprintf("%s/receivers.yaml", own);
}

static void read_rules_of(struct loader *l, const struct node *root, const char *own)
{
	struct config *c = l->c;
	const struct node *given = node_get(root, "alerts");
	char *file;

	for (size_t n = strlen(c->alerts_dir); n > 1 && c->alerts_dir[n - 1] == '/'; n--)
		c->alerts_dir[n - 1] = 0;
	if (!is_dir(c->alerts_dir)) {
		if (l->alerts)
			problem_at(l, false, l->alerts, 0, "is not a directory");
		else if (given && given->kind != NODE_NULL)
			problem(l, given, "alerts: %s is not a directory; make it, or correct the name",
				c->alerts_dir);
		else
			problem_at(
			    l, true, c->path, 0,
			    "there is no directory %s, so there are no rules and nobody is told anything",
			    c->alerts_dir);
		read_receivers(l, NULL);
		return;
	}
	for (int t = 0; t < TIERS; t++) {
		file = xasprintf("%s/%s.yaml", c->alerts_dir, tier_names[t]);
		struct document *d = access(file, F_OK) == 0 ? document_read(l, file) : NULL;
		if (d)
			read_rules(l, (enum tier)t, d);
		free(file);
	}
	file = receivers_path(l, own);
	if (access(file, F_OK) == 0) {
		struct document *d = document_read(l, file);
		read_receivers(l, d);
	} else {
		problem_at(l, true, file, 0,
			   "does not exist, so alerts only show on the API and nobody is told");
		read_receivers(l, NULL);
	}
	free(file);
	warn_strays(l, c->alerts_dir);
}

static void read_alerts(struct loader *l, const struct node *root)
{
	struct config *c = l->c;
	char *own = c->alerts_dir;

	if (!own)
		own = strcmp(c->dir, ".") ? xasprintf("%s/alerts", c->dir) : xstrdup("alerts");
	c->alerts_dir = xstrdup(l->alerts ? l->alerts : own);
	read_rules_of(l, root, own);
	free(own);
}

static void read_all(struct loader *l, const char *path)
{
	struct config *c = l->c;
	struct document *d = document_read(l, path);

	c->path = xstrdup(path);
	c->dir = xstrdup(l->docs[0]->dir);
	if (!d)
		return;
	if (d->root->kind == NODE_NULL)
		d->root->kind = NODE_MAP;
	env_collect(l);
	env_apply(l, &section_root, d->root);
	section_read(l, d->root, "", &section_root, c);
	if (d->root->kind != NODE_MAP)
		return;
	read_kafka(l, node_get(d->root, "kafka"));
	read_streams(l, node_get(d->root, "streams"));
	read_alerts(l, d->root);
	check_config(l);
	env_report_unused(l);
}

// --- problems in order ------------------------------------------------------------------------------------

struct ranked {
	struct config_problem p;
	size_t file, index;
};

static int compare(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (strcmp(a->p.file, b->p.file) != 0)
		return strcmp(a->p.file, b->p.file);
	if (a->p.line != b->p.line)
		return a->p.line < b->p.line ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

// By file (in order of reading; then, by name, what is no file that was read) and line.
static void sort_problems(struct loader *l)
{
	size_t n = l->out->n - l->first;
	struct ranked *r = xcalloc(n + 1, sizeof *r);

	for (size_t i = 0; i < n; i++) {
		r[i] = (struct ranked){l->out->items[l->first + i], 0, i};
		while (r[i].file < l->ndocs && strcmp(l->docs[r[i].file]->file, r[i].p.file) != 0)
			r[i].file++;
	}
	qsort(r, n, sizeof *r, compare);
	for (size_t i = 0; i < n; i++)
		l->out->items[l->first + i] = r[i].p;
	free(r);
}

static bool has_errors(const struct loader *l)
{
	for (size_t i = l->first; i < l->out->n; i++)
		if (!l->out->items[i].warning)
			return true;
	return false;
}

static void loader_release(struct loader *l)
{
	for (size_t i = 0; i < l->ndocs; i++) {
		node_free(l->docs[i]->root);
		free(l->docs[i]->file);
		free(l->docs[i]->dir);
		free(l->docs[i]);
	}
	for (size_t i = 0; i < l->nenv; i++) {
		free(l->env[i].name);
		free(l->env[i].file);
	}
	free(l->docs);
	free(l->env);
}

static struct config *load(const char *path, bool baselines_later, const char *alerts, struct config_problems *out)
{
	struct loader l = {.out = out, .first = out->n, .baselines_later = baselines_later, .alerts = alerts};
	struct config *c = l.c = xcalloc(1, sizeof *c);

	read_all(&l, path);
	sort_problems(&l);
	if (has_errors(&l)) {
		config_free(c);
		c = NULL;
	}
	loader_release(&l);
	return c;
}

struct config *config_load(const char *path, struct config_problems *out)
{
	return load(path, false, NULL, out);
}

struct config *config_load_before_baseline(const char *path, struct config_problems *out)
{
	return load(path, true, NULL, out);
}

struct config *config_load_with_alerts(const char *path, const char *alerts, struct config_problems *out)
{
	return load(path, false, alerts, out);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nkafka; i++) {
		free(c->kafka[i].name);
		free(c->kafka[i].value);
	}
	for (size_t i = 0; i < c->nstreams; i++)
		stream_release(&c->streams[i]);
	for (size_t i = 0; i < c->nrules; i++)
		rule_release(&c->rules[i]);
	receivers_release(c);
	section_release(&section_root, c);
	free(c->kafka);
	free(c->streams);
	free(c->rules);
	free(c->path);
	free(c->dir);
	free(c);
}

void config_problems_release(struct config_problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].file);
		free(p->items[i].text);
	}
	free(p->items);
	*p = (struct config_problems){0};
}

const struct stream_conf *config_stream(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->nstreams; i++)
		if (c->streams[i].name && !strcmp(c->streams[i].name, name))
			return &c->streams[i];
	return NULL;
}

const struct stream_conf *config_stream_of(const struct config *c, const char *name)
{
	const struct stream_conf *whole = config_stream(c, name);
	const char *slash = strchr(name, '/');

	for (size_t i = 0; !whole && slash && i < c->nstreams; i++) {
		const struct stream_conf *s = &c->streams[i];
		size_t n = (size_t)(slash - name);
		if (s->by_record && strlen(s->name) == n && !strncmp(s->name, name, n))
			whole = s;
	}
	return whole;
}

bool config_stream_reads(const struct stream_conf *s, const char *topic)
{
	regex_t re;

	if (!s->is_regex)
		return !strcmp(s->topic, topic);
	if (regcomp(&re, s->topic, REG_EXTENDED | REG_NOSUB))
		return false;
	bool match = !regexec(&re, topic, 0, NULL, 0);
	regfree(&re);
	return match;
}

// What types there will be is not known: a pattern that may fit one of them does.
bool config_rule_concerns(const struct rule *r, const struct stream_conf *s)
{
	if (!s->name || rule_matches_stream(r, s->name, role_names[s->role]))
		return s->name;
	if (!s->by_record || !r->stream || (r->role && strcmp(r->role, role_names[s->role]) != 0))
		return false;
	size_t n = strlen(s->name), plain = strcspn(r->stream, "*?[");
	return r->stream[plain] ? !strncmp(r->stream, s->name, plain < n ? plain : n)
				: !strncmp(r->stream, s->name, n) && r->stream[n] == '/';
}

int64_t config_retention_ms(const struct config *c, const struct stream_conf *s)
{
	int64_t longest = s->window_ms;

	for (size_t i = 0; i < c->nrules; i++) {
		const struct rule *r = &c->rules[i];
		bool moving = r->against.kind == AGAINST_BASELINE && r->measure && r->measure->needs_reference;
		int64_t need = (r->over_ms ? r->over_ms : s->window_ms) + (moving ? s->baseline_previous_ms : r->against.previous_ms);
		if (config_rule_concerns(r, s) && need > longest)
			longest = need;
	}
	longest += s->slide_ms + s->lateness_ms;
	return longest > s->retention_ms ? longest : s->retention_ms;
}
