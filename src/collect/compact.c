// SPDX-License-Identifier: Apache-2.0
#include "collect/compact.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum { MANY = 8 };

struct found {
	char **keys;
	size_t n, cap;
	struct map panes; // slice -> merged pane
	bool broken;      // a segment that cannot be read is left for people to look at
};

static void see(void *arg, const char *key, const char *slice, const void *bytes, size_t len)
{
	struct found *f = arg;
	struct error err = ERROR_INIT;
	struct pane *p = pane_decode(bytes, len, NULL, NULL, &err), *sum = map_gets(&f->panes, slice);

	if (!p) {
		f->broken = true;
		return;
	}
	GROW(f->keys, f->n, f->cap);
	f->keys[f->n++] = xstrdup(key);
	if (!sum) {
		map_puts(&f->panes, slice, p);
		return;
	}
	pane_merge(sum, p);
	pane_free(p);
}

static void free_pane(void *p)
{
	pane_free(p);
}

static void found_release(struct found *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->keys[i]);
	free(f->keys);
	map_release(&f->panes, free_pane);
}

// New segments first, then the removal of those they replace: one checkpoint that moves no offset.
static enum store_result replace(struct part *p, const struct collect_port *port, const char *stream, int64_t interval,
				 struct found *f, struct error *err)
{
	size_t n = f->panes.count + f->n, k = 0;
	struct segment_write *w = xcalloc(n, sizeof *w);
	struct buf bytes = BUF_INIT;

	for (struct map_entry *e = NULL; (e = map_next(&f->panes, e));) {
		size_t at = bytes.len;
		pane_encode(e->value, &bytes);
		w[k++] = (struct segment_write){stream, e->key, interval, p->segments++, (void *)at, bytes.len - at, NULL, false};
	}
	for (size_t i = 0; i < k; i++)
		w[i].bytes = bytes.data + (size_t)w[i].bytes;
	for (size_t i = 0; i < f->n; i++)
		w[k++] = (struct segment_write){.stream = stream, .slice = "", .interval = interval, .key = f->keys[i]};
	enum store_result r = part_write(p, port, w, k, err);
	buf_release(&bytes);
	free(w);
	return r;
}

static bool is_open(const struct part_stream *s, int64_t interval)
{
	for (size_t i = 0; i < s->npanes; i++)
		if (s->panes[i].interval == interval)
			return true;
	return false;
}

enum store_result part_compact(struct part *p, const struct collect_port *port, struct error *err)
{
	enum store_result r = STORE_OK;

	for (size_t i = 0; i < p->nstreams && r == STORE_OK; i++) {
		struct part_stream *s = p->streams[i];
		for (; s->nreopened && r == STORE_OK; s->nreopened--) {
			int64_t interval = s->reopened[s->nreopened - 1];
			const struct stream_conf *c = s->stream->conf;
			struct found f = {0};
			if (is_open(s, interval))
				continue;
			if (port->segments(port->ctx, c->name, c->pane_ms, interval, p->topic, p->partition, see, &f, err))
				r = STORE_LOST;
			else if (f.n >= MANY && f.n > f.panes.count && !f.broken)
				r = replace(p, port, c->name, interval, &f, err);
			found_release(&f);
		}
	}
	return r;
}
