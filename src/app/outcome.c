// SPDX-License-Identifier: Apache-2.0
#include "app/outcome.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

int outcome_init(struct outcome *o, struct error *err)
{
	*o = (struct outcome){.verdicts = tmpfile(), .field_changes = json_array()};
	for (int t = 0; t < TIERS; t++) {
		o->tiers[t].messages = json_array();
		o->tiers[t].pages = json_array();
		map_init(&o->tiers[t].by_id);
	}
	return o->verdicts ? 0 : error_set(err, "make a temporary file for verdicts: %s", strerror(errno));
}

void outcome_release(struct outcome *o)
{
	for (int t = 0; t < TIERS; t++) {
		json_decref(o->tiers[t].messages);
		json_decref(o->tiers[t].pages);
		map_release(&o->tiers[t].by_id, NULL);
	}
	json_decref(o->field_changes);
	if (o->verdicts)
		fclose(o->verdicts);
	free(o->spans);
	*o = (struct outcome){0};
}

// --- what would have been sent ------------------------------------------------------------------------

static enum tier tier_of(const char *name)
{
	int t = 0;

	while (t < TIERS - 1 && strcmp(tier_names[t], name) != 0)
		t++;
	return (enum tier)t;
}

static void keep_page(struct outcome *o, json_t *page)
{
	struct outcome_tier *t = &o->tiers[tier_of(json_get_str(page, "tier", ""))];
	const char *id = json_get_str(page, "id", "");
	size_t at = (size_t)map_gets(&t->by_id, id);

	if (at) {
		json_array_set(t->pages, at - 1, page);
		return;
	}
	json_array_append(t->pages, page);
	map_puts(&t->by_id, id, (void *)json_array_size(t->pages));
}

static void on_event(void *ctx, const char *json)
{
	struct outcome *o = ctx;
	struct error err = ERROR_INIT;
	json_t *event = json_parse(json, strlen(json), &err), *page = json_object_get(event, "page");

	if (page)
		keep_page(o, page);
	else if (!strncmp(json_get_str(event, "type", ""), "field_", 6) && !json_object_del(event, "at"))
		json_array_append(o->field_changes, event);
	json_decref(event);
}

static void on_message(void *ctx, const struct outbox_entry *e)
{
	struct outcome *o = ctx;
	struct error err = ERROR_INIT;
	json_t *message = json_parse(e->body, strlen(e->body), &err), *data = json_object_get(message, "data");
	const json_t *pages = json_object_get(data, "pages");
	json_t *sent = json_pack("{s:o, s:O, s:O}", "at", json_time(e->created), "type", json_object_get(message, "type"), "id",
				 json_object_get(data, "id"));

	if (pages) {
		json_t *ids = json_array();
		for (size_t i = 0; i < json_array_size(pages); i++) {
			json_array_append(ids, json_object_get(json_array_get(pages, i), "id"));
			keep_page(o, json_array_get(pages, i));
		}
		json_object_set_new(sent, "pages", ids);
	} else {
		json_object_set(sent, "status", json_object_get(data, "status"));
		keep_page(o, data);
	}
	json_array_append_new(o->tiers[tier_of(e->tier)].messages, sent);
	json_decref(message);
}

struct memory_sink outcome_sink(struct outcome *o)
{
	return (struct memory_sink){o, on_message, on_event};
}

size_t outcome_same_digests(const struct outcome_tier *t, size_t i)
{
	const json_t *pages = json_object_get(json_array_get(t->messages, i), "pages");
	size_t k = i + 1;

	while (pages && k < json_array_size(t->messages) &&
	       json_equal(pages, json_object_get(json_array_get(t->messages, k), "pages")))
		k++;
	return k - i;
}

// --- verdicts -----------------------------------------------------------------------------------------

static void count_window(struct outcome *o, const struct reading *r)
{
	if (o->stream != r->stream || o->to != r->to)
		o->nspans = 0;
	o->stream = r->stream;
	o->to = r->to;
	for (size_t i = 0; i < o->nspans; i++)
		if (o->spans[i] == r->from)
			return;
	GROW(o->spans, o->nspans, o->capspans);
	o->spans[o->nspans++] = r->from;
	o->windows++;
}

static void keep_verdict(struct outcome *o, const struct judge_verdict *v)
{
	const struct reading *r = v->reading;
	json_t *line = json_pack("{s:o, s:o, s:o, s:o, s:{s:o, s:o}, s:o, s:o, s:s}", "rule", json_str(v->rule->name), "stream",
				 json_str(r->stream), "field", *r->field ? json_str(r->field) : json_null(), "slice",
				 *r->slice ? json_str(r->slice) : json_null(), "window", "from", json_time(r->from), "to",
				 json_time(r->to), "value", json_num(r->v.value), "threshold", json_num(v->threshold), "state",
				 v->state);

	if (r->v.state != READING_KNOWN)
		json_object_set_new(line, "reason", json_string(reading_state_names[r->v.state]));
	if (r->v.approximate)
		json_object_set_new(line, "approximate", json_true());
	char *text = json_text(line);
	fprintf(o->verdicts, "%s\n", text);
	free(text);
	json_decref(line);
	o->nverdicts++;
	count_window(o, r);
}

static void on_verdict(void *ctx, const struct judge_verdict *v)
{
	struct outcome *o = ctx;

	if (!v->open)
		keep_verdict(o, v);
	if (o->also)
		o->also(o->ctx, v);
}

struct judge_replay outcome_replay(struct outcome *o)
{
	return (struct judge_replay){.ctx = o, .verdict = on_verdict};
}

// --- the answer ---------------------------------------------------------------------------------------

static int write_verdicts(struct outcome *o, FILE *out, struct error *err)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	const char *before = "";

	if (fflush(o->verdicts) || fseeko(o->verdicts, 0, SEEK_SET))
		return error_set(err, "write verdicts to a temporary file: %s", strerror(errno));
	while ((n = getline(&line, &cap, o->verdicts)) > 0) {
		line[n - 1] = 0;
		fprintf(out, "%s\n  %s", before, line);
		before = ",";
	}
	free(line);
	return ferror(o->verdicts) ? error_set(err, "read verdicts from a temporary file: %s", strerror(errno)) : 0;
}

int outcome_write(struct outcome *o, const struct backtest *b, FILE *out, struct error *err)
{
	int64_t from, to;
	bool any = backtest_range(b, &from, &to);
	json_t *tiers = json_object();

	for (int t = 0; t < TIERS; t++)
		json_object_set_new(tiers, tier_names[t],
				    json_pack("{s:I, s:O, s:O}", "messages", (json_int_t)json_array_size(o->tiers[t].messages),
					      "pages", o->tiers[t].pages, "sent", o->tiers[t].messages));
	json_t *range = json_pack("{s:o, s:o}", "from", json_time(any ? from : INT64_MIN), "to", json_time(any ? to : INT64_MIN));
	char *text = json_text(tiers), *head = json_text(range), *fields = json_text(o->field_changes);
	fprintf(out, "%.*s,\"records\":%" PRIu64 ",\"windows\":%" PRIu64 ",\n\"tiers\":%s,\n\"field_changes\":%s,\n\"verdicts\":[",
		(int)strlen(head) - 1, head, backtest_records(b), o->windows, text, fields);
	int rc = write_verdicts(o, out, err);
	fputs("]", out);
	free(text);
	free(head);
	free(fields);
	json_decref(range);
	json_decref(tiers);
	return rc;
}
