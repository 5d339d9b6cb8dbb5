// SPDX-License-Identifier: Apache-2.0
// The file is one JSON object, written a field or a chunk a line so that it can be read and compared:
//
//     {"format":"kdrift-baseline","version":1,"hash":H,"stream":S,"event_time":B,"from":MS,"to":MS,
//      "chunk":MS,"provenance":{...},"totals":{"records":N,...,"violations":[...],"schemas":[[ID,N],...]},
//      "fields":[{"path":P,"type":T,"present":N,...,"edges":[...],"bins":[...],"coarse":[...],
//                 "categories":[[VALUE,N,KNOWN],...],"coarse_bins":N,"movement":{...},"chunks":[{...},...]},...]}
//
// H is the SHA-256, in hex, of the compact JSON text of the same object without "hash". Numbers have 17
// digits, so doubles come back to the bit; what is undefined (the mean of nothing) is null; a sum is the
// text "-0xHEXpN", exactly that integer times 2^N. A text that is not UTF-8, or has a NUL, is
// {"base64":...}. Bins count from below the first edge to above the last. Without event time all times are
// row numbers.
//
// Loading trusts nothing: the hash proves the file whole, not sane. A file as it was written is taken a field at a
// time; one that another program laid out anew is read as JSON, all at once, before it is hashed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drift/baseline_json.h"
#include "drift/baseline_text.h"
#include "util/digest.h"
#include "util/xalloc.h"

// A packed chunk of one great count and nothing else is longer than its text.
enum { FILE_LIMIT = 1 << 30, LARGE = 1 << 20, SPILL_TIMES = 4 };

static void hash_of(const json_t *o, char hash[65])
{
	char *text = json_text(o);

	sha256_hex(text, strlen(text), hash, 64);
	free(text);
}

static void print_compact(struct buf *out, const json_t *v)
{
	char *text = json_text(v);

	buf_adds(out, text);
	free(text);
}

// A member a line; the one named lists[0] is an array of objects, printed in the same way with lists[1].
static void print_object(struct buf *out, const json_t *o, const char *const *lists)
{
	const char *key, *sep = "{\n";
	json_t *member, *item;
	size_t i;

	if (!lists[0]) {
		print_compact(out, o);
		return;
	}
	json_object_foreach((json_t *)o, key, member) {
		buf_addf(out, "%s\"%s\":", sep, key);
		sep = ",\n";
		if (strcmp(key, lists[0]) != 0) {
			print_compact(out, member);
			continue;
		}
		json_array_foreach(member, i, item) {
			buf_adds(out, i ? ",\n" : "[\n");
			print_object(out, item, lists + 1);
		}
		buf_adds(out, json_array_size(member) ? "]" : "[]");
	}
	buf_adds(out, "}");
}

void baseline_print(const struct baseline *b, char hash[65], struct buf *out)
{
	json_t *o = baseline_encode(b), *with_hash = json_object(), *item;
	static const char *const lists[] = {"fields", "chunks", NULL};
	const char *key;

	hash_of(o, hash);
	json_object_foreach(o, key, item) {
		json_object_set(with_hash, key, item);
		if (!strcmp(key, "version"))
			json_object_set_new(with_hash, "hash", json_string(hash));
	}
	print_object(out, with_hash, lists);
	buf_addc(out, '\n');
	json_decref(with_hash);
	json_decref(o);
}

int baseline_save(struct baseline *b, const char *path, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	baseline_print(b, b->hash, &text);
	rc = buf_write_file(&text, path);
	if (rc)
		error_set(err, "cannot write baseline %s: %s", path, strerror(errno));
	buf_release(&text);
	return rc;
}

static bool is_known(const json_t *o, struct error *err)
{
	if (!json_is_object(o) || strcmp(json_get_str(o, "format", ""), BASELINE_FORMAT) != 0)
		return error_set(err, "not a baseline: it does not say \"format\": \"%s\"", BASELINE_FORMAT), false;
	if (json_get_int(o, "version", 0) != BASELINE_VERSION)
		return error_set(err, "version %lld of the format is not known here (only %d): use the kdrift that wrote it, or "
				      "build the baseline again",
				 (long long)json_get_int(o, "version", 0), BASELINE_VERSION), false;
	return true;
}

static json_t *field_of_array(const void *ctx, size_t i, struct error *err)
{
	(void)err;
	return json_incref(json_array_get(ctx, i));
}

static struct baseline *load_json(const struct buf *text, struct error *err)
{
	json_t *o = json_parse(text->data, text->len, err);
	char hash[65], claimed[65];
	struct baseline *b = NULL;

	if (o && is_known(o, err)) {
		const json_t *list = json_object_get(o, "fields");
		const struct field_source fields = {field_of_array, list, json_array_size(list)};

		snprintf(claimed, sizeof claimed, "%s", json_get_str(o, "hash", "none"));
		json_object_del(o, "hash");
		hash_of(o, hash);
		if (strcmp(claimed, hash) != 0)
			error_set(err, "the content does not match its hash (%s in the file, %s computed): the file was "
				       "changed after it was written; take the original, or build the baseline again",
				  claimed, hash);
		else if (!json_is_array(list))
			error_set(err, "malformed: \"fields\" must be an array");
		else if ((b = baseline_decode(o, &fields, NULL, err)))
			memcpy(b->hash, hash, sizeof b->hash);
	}
	json_decref(o);
	return b;
}

struct parts {
	const char *text;
	const struct baseline_text *of;
};

static json_t *field_of_text(const void *ctx, size_t i, struct error *err)
{
	const struct parts *p = ctx;

	return json_parse(p->text + p->of->fields[i].at, p->of->fields[i].len, err);
}

// false: this way shows nothing about the text, which it spoils. Else *out is the baseline, or NULL with err.
static bool load_parts(struct buf *text, struct baseline **out, struct error *err)
{
	struct buf frame = BUF_INIT;
	struct error none = ERROR_INIT;
	struct baseline_text t;
	bool whole = false, large = text->len >= LARGE;
	char hash[65];
	json_t *o = NULL;

	if (baseline_text_scan(&t, text)) {
		buf_add(&frame, text->data, t.list.at);
		buf_adds(&frame, text->data + t.list.at + t.list.len);
		o = json_parse(frame.data, frame.len, &none);
		memmove(text->data + t.hash.at, text->data + t.hash.at + t.hash.len, text->len - t.hash.at - t.hash.len);
		text->len -= t.hash.len;
		sha256_hex(text->data, text->len, hash, 64);
		whole = o && is_known(o, &none) && !strcmp(hash, json_get_str(o, "hash", ""));
	}
	if (whole) {
		const struct parts parts = {text->data - t.hash.len, &t};
		const struct field_source fields = {field_of_text, &parts, t.nfields};

		if ((*out = baseline_decode(o, &fields, large ? spill_new(SPILL_TIMES * text->len) : NULL, err)))
			memcpy((*out)->hash, hash, sizeof hash);
	}
	json_decref(o);
	buf_release(&frame);
	baseline_text_release(&t);
	return whole;
}

struct baseline *baseline_parse(const char *text, size_t n, struct error *err)
{
	struct buf copy = BUF_INIT;
	struct baseline *b = NULL;

	buf_add(&copy, text, n);
	if (!load_parts(&copy, &b, err)) {
		buf_clear(&copy);
		buf_add(&copy, text, n);
		b = load_json(&copy, err);
	}
	buf_release(&copy);
	return b;
}

struct baseline *baseline_load(const char *path, struct error *err)
{
	struct buf text = BUF_INIT;
	struct baseline *b = NULL;

	if (buf_read_file(&text, path, FILE_LIMIT) < 0) {
		error_set(err, "%s", strerror(errno));
	} else if (!load_parts(&text, &b, err)) {
		buf_clear(&text);
		if (buf_read_file(&text, path, FILE_LIMIT) < 0)
			error_set(err, "%s", strerror(errno));
		else
			b = load_json(&text, err);
	}
	if (!b)
		error_prefix(err, "cannot load baseline %s", path);
	buf_release(&text);
	return b;
}
