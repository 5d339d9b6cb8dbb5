// SPDX-License-Identifier: Apache-2.0
#include "app/before.h"

#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "util/log.h"
#include "util/xalloc.h"

enum { FILE_LIMIT = 1 << 30 };

static char *copy_key(const char *stream, const char *hash)
{
	return xasprintf("%s %s", stream, hash);
}

static struct baseline *parse(const char *text, size_t n, const char *hash)
{
	struct error err = ERROR_INIT;
	struct baseline *b = baseline_parse(text, n, &err);

	if (b && strcmp(b->hash, hash) != 0) {
		baseline_free(b);
		return NULL;
	}
	return b;
}

// *text, where it is the one, is the file's.
static struct baseline *from_file(const char *file, const char *hash, struct buf *text)
{
	return file && buf_read_file(text, file, FILE_LIMIT) >= 0 ? parse(text->data, text->len, hash) : NULL;
}

int before_find(struct store *s, const char *stream, const char *hash, const char *file, struct baseline **out, struct error *err)
{
	char *key = copy_key(stream, hash), *copy = NULL;
	struct error ignored = ERROR_INIT;
	struct buf text = BUF_INIT;
	size_t n;
	int rc = store_doc(s, "baseline_copy", key, &copy, &n, err);

	*out = copy ? parse(copy, n, hash) : NULL;
	if (!rc && !*out && (*out = from_file(file, hash, &text)) &&
	    store_doc_add(s, "baseline_copy", key, text.data, text.len, &ignored))
		log_warn("app", "stream %s: its baseline %.12s has no copy in the store: %s", stream, hash, ignored.text);
	buf_release(&text);
	free(copy);
	free(key);
	return rc;
}

static int read_record(struct store *s, const char *stream, json_t **out, struct error *err)
{
	struct error ignored = ERROR_INIT;
	char *text;
	size_t n;
	int rc = store_doc(s, "baseline", stream, &text, &n, err);

	*out = text ? json_parse(text, n, &ignored) : NULL;
	free(text);
	return rc;
}

// Slices whose baseline before is not to be had go by the stream's.
static int put_slices(struct model *m, size_t i, struct store *s, const json_t *record, struct error *err)
{
	struct judge_stream *j = &m->judge_streams[i];
	size_t n = 0;

	for (size_t k = 0; k < j->nslices; k++) {
		struct slice_reference *of = &m->slices[i][k];
		const json_t *was = json_object_get(json_object_get(record, "slices"), of->slice);
		struct baseline *b = NULL;
		if (was && before_find(s, j->name, json_get_str(was, "hash", ""), json_get_str(was, "file", NULL), &b, err))
			return -1;
		baseline_free((struct baseline *)(uintptr_t)of->baseline);
		of->baseline = b;
		if (!b)
			continue;
		struct slice_reference first = m->slices[i][n];
		m->slices[i][n++] = *of;
		*of = first;
	}
	j->nslices = n;
	return 0;
}

int before_put(struct model *m, struct store *s, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < m->config->nstreams; i++) {
		struct judge_stream *j = &m->judge_streams[i];
		struct baseline *b = NULL;
		json_t *record = NULL;
		if (!j->baseline)
			continue;
		rc = before_look(s, j->name, j->baseline, "", &b, err) < 0 || read_record(s, j->name, &record, err) ||
				     (b && put_slices(m, i, s, record, err)) ? -1 : 0;
		if (b) {
			j->next = j->baseline;
			j->baseline = m->before[i] = b;
		}
		json_decref(record);
	}
	return rc;
}

int before_look(struct store *s, const char *stream, const struct baseline *own, const char *known, struct baseline **out,
		struct error *err)
{
	json_t *record;

	*out = NULL;
	if (read_record(s, stream, &record, err))
		return -1;
	const char *hash = json_get_str(record, "hash", own->hash);
	int rc = !strcmp(hash, own->hash) ? 0 : !strcmp(hash, known) ? 2 : 1;
	if (rc == 1 && before_find(s, stream, hash, json_get_str(record, "file", NULL), out, err))
		rc = -1;
	if (rc == 1 && (!*out || baseline_same_grids(*out, own))) {
		baseline_free(*out);
		*out = NULL;
		rc = 0;
	}
	json_decref(record);
	return rc;
}

static void keep(struct store *s, const char *stream, const struct baseline *b, const char *file)
{
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	char hash[65];
	struct baseline *there = from_file(file, b->hash, &text);

	if (!there) {
		char *key = copy_key(stream, b->hash);
		buf_clear(&text);
		baseline_print(b, hash, &text);
		if (store_doc_add(s, "baseline_copy", key, text.data, text.len, &err))
			log_warn("app", "stream %s: its baseline %.12s is not kept: %s", stream, b->hash, err.text);
		free(key);
	}
	baseline_free(there);
	buf_release(&text);
}

void before_keep(const struct model *old, const struct model *fresh)
{
	struct error err = ERROR_INIT;
	struct store *s = store_of(fresh->config, &err);

	for (size_t i = 0; s && i < old->config->nstreams; i++) {
		const struct judge_stream *was = &old->judge_streams[i], *is = NULL;
		for (size_t k = 0; k < fresh->config->nstreams; k++)
			if (!strcmp(fresh->judge_streams[k].name, was->name))
				is = &fresh->judge_streams[k];
		if (!is || !was->baseline || !is->baseline || baseline_same_grids(was->baseline, is->baseline))
			continue;
		keep(s, was->name, was->baseline, was->baseline_file);
		for (size_t k = 0; k < was->nslices; k++)
			keep(s, was->name, was->slices[k].baseline, was->slices[k].file);
	}
	store_free(s);
}
