// SPDX-License-Identifier: Apache-2.0
#include "judge/batch.h"

#include <stdlib.h>
#include <string.h>

#include "util/digest.h"
#include "util/xalloc.h"

void batch_init(struct batch *b)
{
	*b = (struct batch){0};
	map_init(&b->docs);
}

void batch_release(struct batch *b)
{
	map_release(&b->docs, free);
	for (size_t i = 0; i < b->nevents; i++)
		free(b->events[i]);
	free(b->events);
	for (size_t i = 0; i < b->noutbox; i++) {
		free(b->outbox[i].id);
		free(b->outbox[i].receiver);
		free(b->outbox[i].tier);
		free(b->outbox[i].body);
		free(b->outbox[i].last_error);
	}
	free(b->outbox);
	batch_init(b);
}

void batch_doc(struct batch *b, const char *table, const char *key, json_t *doc)
{
	char *name = xasprintf("%s\037%s", table, key);

	free(map_puts(&b->docs, name, doc ? json_text(doc) : xstrdup("")));
	json_decref(doc);
	free(name);
}

void batch_event(struct batch *b, json_t *event)
{
	GROW(b->events, b->nevents, b->capevents);
	b->events[b->nevents++] = json_text(event);
	json_decref(event);
}

void batch_message(struct batch *b, const char *type, int64_t at, const json_t *data, const char *identity, enum tier tier,
		   const char *const *receivers, size_t n)
{
	json_t *message = json_pack("{s:s, s:o, s:O}", "type", type, "timestamp", json_time(at), "data", data);
	char *body = json_text(message);

	json_decref(message);
	for (size_t i = 0; i < n; i++) {
		char *text = xasprintf("%s\n%s", identity, receivers[i]), hex[33];
		sha256_hex(text, strlen(text), hex, 32);
		free(text);
		GROW(b->outbox, b->noutbox, b->capoutbox);
		// Due at once; the milliseconds keep messages of one pass in order.
		b->outbox[b->noutbox] = (struct outbox_entry){
			.id = xasprintf("msg_%s", hex),
			.receiver = xstrdup(receivers[i]),
			.tier = xstrdup(tier_names[tier]),
			.body = xstrdup(body),
			.created = at,
			.due = at + (int64_t)b->noutbox,
			.last_error = xstrdup(""),
		};
		b->noutbox++;
	}
	free(body);
}

int batch_commit(struct batch *b, const struct judge_port *port, struct error *err)
{
	struct doc *docs = xcalloc(b->docs.count + 1, sizeof *docs);
	char **tables = xcalloc(b->docs.count + 1, sizeof *tables);
	size_t n = 0;

	for (struct map_entry *e = NULL; (e = map_next(&b->docs, e)); n++) {
		const char *sep = strchr(e->key, '\037'), *text = e->value;
		tables[n] = xstrndup(e->key, (size_t)(sep - e->key));
		docs[n] = (struct doc){tables[n], sep + 1, *text ? text : NULL};
	}
	struct judge_commit c = {docs, n, (const char *const *)b->events, b->nevents, b->outbox, b->noutbox};
	int rc = n || b->nevents || b->noutbox ? port->commit(port->ctx, &c, err) : 0;
	for (size_t i = 0; i < n; i++)
		free(tables[i]);
	free(tables);
	free(docs);
	if (!rc)
		batch_release(b);
	return rc;
}
