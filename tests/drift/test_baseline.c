// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"
#include "util/buf.h"
#include "util/digest.h"
#include "util/json.h"
#include "util/xalloc.h"

enum { ROWS = 6000, MINUTE = 60000 };

// Every type of field, values missing and odd, in rows that are not quite in order of time.
static struct baseline *mixed(void)
{
	struct baseline_builder *b = baseline_builder_new("payments", true);
	struct error err = ERROR_INIT;
	struct rng rng;
	char text[32];

	rng_seed(&rng, 11);
	for (int i = 0; i < ROWS; i++) {
		baseline_builder_row(b, 1700000000000 + (i ^ 1) * (int64_t)MINUTE, i % 3);
		double x = rng_normal(&rng);
		if (i % 10)
			baseline_builder_number(b, "x", FIELD_NUMERIC, i % 50 == 1 ? NAN : i % 50 == 2 ? INFINITY : x);
		baseline_builder_number(b, "at", FIELD_TIME, 1.7e12 + i);
		baseline_builder_text(b, "b", FIELD_BOOLEAN, i % 4 ? "true" : "false", i % 4 ? 4 : 5);
		int n = snprintf(text, sizeof text, "c%d", (int)(400 * rng_uniform(&rng) * rng_uniform(&rng)));
		baseline_builder_text(b, "c", FIELD_CATEGORICAL, text, (size_t)n);
		baseline_builder_text(b, "odd", FIELD_CATEGORICAL, i & 1 ? "\xff\xfe" : "a\0b", i & 1 ? 2 : 3);
		baseline_builder_text(b, "t", FIELD_TEXT, text, (size_t)n);
		baseline_builder_number(b, "nan", FIELD_NUMERIC, NAN);
		if (i == 100)
			baseline_builder_text(b, "x", FIELD_CATEGORICAL, "?", 1);
	}
	struct baseline *out = baseline_builder_finish(b, json_pack("{s:s,s:f}", "source", "test", "share", 0.1), &err);
	cr_assert(out, "%s", err.text);
	return out;
}

static void read_all(struct buf *out, const char *path)
{
	cr_assert_geq(buf_read_file(out, path, 1 << 26), 0, "%s", path);
}

static void same_files(const char *a, const char *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;

	read_all(&x, a);
	read_all(&y, b);
	cr_assert_eq(x.len, y.len);
	cr_assert_arr_eq(x.data, y.data, x.len);
	buf_release(&x);
	buf_release(&y);
}

Test(baseline, what_is_built)
{
	struct baseline *b = mixed();
	const struct baseline_field *x = baseline_find(b, "x"), *c = baseline_find(b, "c");
	uint64_t records = 0, counted = 0, missing = 0, bins = 0;

	cr_expect_eq(b->nfields, 7);
	cr_expect_eq(b->total->records, ROWS);
	cr_expect_eq(b->total->nschemas, 3);
	cr_expect_eq(b->from, 1700000000000);
	cr_expect_eq(b->to, 1700000000000 + (ROWS - 1) * (int64_t)MINUTE + 1);
	cr_expect_eq(b->chunk_ms, 30 * MINUTE); // 200 chunks; of 15 minutes there would be 400
	cr_expect_eq(x->total->present, ROWS * 9 / 10 + 1);
	cr_expect_eq(x->total->nan, ROWS / 50);
	cr_expect_eq(x->total->inf, ROWS / 50);
	cr_expect_eq(x->total->other, 1);
	cr_expect_eq(x->nbins, BASELINE_BINS);
	cr_expect_eq(c->def.ncategories, PANE_MAX_VALUES);
	cr_expect_gt(c->total->unseen, 0);
	cr_expect_null(baseline_find(b, "y"));
	cr_expect_eq(baseline_grid(b, "x", x->def.grid->id), x->def.grid);
	cr_expect_null(baseline_grid(b, "x", "0000"));
	cr_expect_null(baseline_grid(NULL, "x", x->def.grid->id));
	for (struct chunk_reader r = baseline_field_chunks(x); chunk_next(&r);) {
		const struct baseline_chunk *k = &r.chunk;

		records += k->records;
		counted += k->count;
		missing += k->missing;
		for (size_t j = 0; j < x->nbins; j++)
			bins += k->bins[j];
		cr_expect_eq(k->to - k->from, b->chunk_ms);
		cr_expect_eq(k->from % b->chunk_ms, 0);
	}
	cr_expect_eq(records, ROWS);
	cr_expect_eq(counted, x->total->count);
	cr_expect_eq(bins, x->total->count);
	cr_expect_eq(missing, ROWS / 10 - 1); // one row in ten, but for the odd one
	baseline_free(b);
}

// A chunk's moments against a plain two-pass computation.
Test(baseline, moments_of_chunks)
{
	struct baseline_builder *builder = baseline_builder_new("s", false);
	struct error err = ERROR_INIT;
	double v[1000];
	struct rng rng;

	rng_seed(&rng, 5);
	for (int i = 0; i < 1000; i++) {
		v[i] = 1e6 + rng_normal(&rng);
		baseline_builder_row(builder, 0, 1);
		baseline_builder_number(builder, "x", FIELD_NUMERIC, v[i]);
	}
	struct baseline *b = baseline_builder_finish(builder, NULL, &err);
	cr_assert_eq(b->chunk_ms, 4);
	cr_assert_eq(b->fields[0]->nchunks, 250);
	struct chunk_reader r = baseline_field_chunks(b->fields[0]);
	for (size_t i = 0; i < 250; i++) {
		double mean = (v[4 * i] + v[4 * i + 1] + v[4 * i + 2] + v[4 * i + 3]) / 4, m2 = 0;
		for (size_t j = 0; j < 4; j++)
			m2 += (v[4 * i + j] - mean) * (v[4 * i + j] - mean);
		cr_assert(chunk_next(&r));
		cr_expect_float_eq(r.chunk.mean, mean, 1e-9);
		cr_expect_float_eq(r.chunk.variance, m2 / 3, 1e-8);
	}
	baseline_free(b);
}

// What a file may hold comes back to the bit.
Test(baseline, chunks_are_packed_without_loss)
{
	static const double reals[] = {-0.0, 5e-324, -1.7976931348623157e308, 1.0 / 3, 1e6 + 0x1p-30};
	struct baseline_chunk want[BASELINE_CHUNKS];
	struct rng rng;

	rng_seed(&rng, 11);
	for (size_t nbins = 0; nbins <= BASELINE_BINS; nbins++) {
		struct baseline_field f = {.nbins = nbins};
		memset(want, 0, sizeof want);
		for (size_t i = 0; i < BASELINE_CHUNKS; i++) {
			struct baseline_chunk *k = &want[i];
			k->from = !i ? INT64_MIN : i == BASELINE_CHUNKS - 1 ? INT64_MAX - 1 : (int64_t)(i * 7200000 + i % 5);
			k->to = i == BASELINE_CHUNKS - 1 ? INT64_MAX : k->from + (i % 3 ? 3600000 : 1);
			k->count = i % 4 ? (uint64_t)(rng_uniform(&rng) * 1000) : UINT64_C(1) << 47;
			k->missing = i % 7 ? i : UINT64_C(1) << 47;
			k->records = i % 6 ? k->count + k->missing : i; // elements may be more than records
			k->mean = i % 8 ? reals[i % 5] : NAN;
			k->variance = i % 8 > 1 ? reals[i % 4 + 1] : NAN;
			k->min = i % 8 ? -reals[i % 5] : INFINITY;
			k->max = i % 8 ? reals[i % 5] : -INFINITY;
			for (size_t j = 0; j < nbins; j++)
				k->bins[j] = i % 9 == 8 ? UINT64_MAX - j : i % 9 ? (uint64_t)(rng_uniform(&rng) * (double)(1 << i % 9)) : 0;
			baseline_field_add_chunk(&f, k);
		}
		struct chunk_reader r = baseline_field_chunks(&f);
		for (size_t i = 0; i < BASELINE_CHUNKS; i++) {
			struct baseline_chunk *k = &want[i], *got = &r.chunk;
			cr_assert(chunk_next(&r));
			cr_expect_eq(got->from, k->from, "%zu bins, chunk %zu", nbins, i);
			cr_expect_eq(got->to, k->to);
			cr_expect_eq(got->records, k->records);
			cr_expect_eq(got->count, k->count);
			cr_expect_eq(got->missing, k->missing);
			cr_expect(isnan(k->mean) ? isnan(got->mean) : !memcmp(&got->mean, &k->mean, sizeof k->mean));
			cr_expect(isnan(k->variance) ? isnan(got->variance) : got->variance == k->variance);
			cr_expect(got->min == k->min && got->max == k->max);
			cr_expect_arr_eq(got->bins, k->bins, sizeof k->bins, "%zu bins, chunk %zu", nbins, i);
		}
		cr_expect_not(chunk_next(&r));
		free(f.chunks.bytes);
	}
}

// A file's hash is its name: how chunks are held in memory is not in it. Made when they were plain arrays.
Test(baseline, the_hash_stays)
{
	struct baseline_builder *builder = baseline_builder_new("s", true);
	struct error err = ERROR_INIT;
	char *path = temp_path("hash.json");
	struct rng rng;

	rng_seed(&rng, 3);
	for (int i = 0; i < 2000; i++) {
		int n = (int)(100 * rng_uniform(&rng) * rng_uniform(&rng));
		baseline_builder_row(builder, 1700000000000 + i * (int64_t)MINUTE + i / 500 * 7200000, 1);
		if (n % 7)
			baseline_builder_number(builder, "x", FIELD_NUMERIC, n % 11 ? n / 64.0 : NAN);
		baseline_builder_text(builder, "c", FIELD_CATEGORICAL, (const char[]){(char)('a' + n / 8)}, 1);
		baseline_builder_number(builder, "at", FIELD_TIME, 1.7e12 + n);
	}
	struct baseline *b = baseline_builder_finish(builder, NULL, &err);
	cr_assert_eq(baseline_save(b, path, &err), 0, "%s", err.text);
	cr_expect_str_eq(b->hash, "e626dd258fbefe2f115454a72171b222bc2afcebe0d5149eaaf0f4333d17cbc8");
	baseline_free(b);
	unlink(path);
	free(path);
}

Test(baseline, save_load_save)
{
	struct error err = ERROR_INIT;
	char *one = temp_path("one.json"), *two = temp_path("two.json"), *three = temp_path("three.json");
	struct baseline *b = mixed(), *again = mixed(), *loaded;

	cr_assert_eq(baseline_save(b, one, &err), 0, "%s", err.text);
	cr_assert_eq(baseline_save(again, two, &err), 0);
	same_files(one, two); // identical input
	loaded = baseline_load(one, &err);
	cr_assert(loaded, "%s", err.text);
	cr_expect_str_eq(loaded->hash, b->hash);
	cr_assert_eq(baseline_save(loaded, three, &err), 0);
	same_files(one, three);
	cr_expect_str_eq(loaded->stream, "payments");
	cr_expect_float_eq(json_get_num(loaded->provenance, "share", 0), 0.1, 0);
	for (size_t i = 0; i < b->nfields; i++) {
		const struct baseline_field *f = b->fields[i], *g = loaded->fields[i];

		cr_expect_str_eq(f->def.path, g->def.path);
		cr_expect_eq(f->total->unseen, g->total->unseen);
		cr_expect_eq(f->def.ncategories, g->def.ncategories);
		if (f->total->min <= f->total->max) {
			cr_expect_eq(field_mean(f->total), field_mean(g->total));
			cr_expect_eq(field_stddev(f->total), field_stddev(g->total));
		}
		if (f->def.grid)
			cr_expect_str_eq(f->def.grid->id, g->def.grid->id);
	}
	baseline_free(b);
	baseline_free(again);
	baseline_free(loaded);
	unlink(one);
	unlink(two);
	unlink(three);
	free(one);
	free(two);
	free(three);
}

// Those of a large file are not held in memory.
Test(baseline, chunks_in_a_file)
{
	struct baseline_builder *builder = baseline_builder_new("wide", true);
	struct error err = ERROR_INIT;
	char *one = temp_path("one.json"), *two = temp_path("two.json"), name[16];
	struct rng rng;

	rng_seed(&rng, 5);
	for (int i = 0; i < 2000; i++) {
		baseline_builder_row(builder, 1700000000000 + i * (int64_t)MINUTE, 1);
		for (int k = 0; k < 40; k++) {
			snprintf(name, sizeof name, "f%02d", k);
			if (k % 4)
				baseline_builder_number(builder, name, FIELD_NUMERIC, rng_normal(&rng));
			else
				baseline_builder_text(builder, name, FIELD_CATEGORICAL, rng_uniform(&rng) < 0.3 ? "a" : "b", 1);
		}
	}
	struct baseline *b = baseline_builder_finish(builder, NULL, &err), *loaded;
	cr_assert_eq(baseline_save(b, one, &err), 0, "%s", err.text);
	loaded = baseline_load(one, &err);
	cr_assert(loaded, "%s", err.text);
	cr_assert(loaded->chunks);
	for (size_t i = 0; i < loaded->nfields; i++) {
		struct chunk_reader x = baseline_field_chunks(b->fields[i]), y = baseline_field_chunks(loaded->fields[i]);

		cr_expect_eq(loaded->fields[i]->chunks.cap, 0);
		cr_expect_gt(b->fields[i]->chunks.cap, 0);
		while (chunk_next(&x)) {
			cr_assert(chunk_next(&y));
			cr_expect_eq(x.chunk.from, y.chunk.from);
			cr_expect_eq(x.chunk.count, y.chunk.count);
			cr_expect_eq(memcmp(x.chunk.bins, y.chunk.bins, sizeof x.chunk.bins), 0);
		}
		cr_expect(!chunk_next(&y));
		baseline_rest(loaded);
	}
	cr_assert_eq(baseline_save(loaded, two, &err), 0, "%s", err.text);
	same_files(one, two);
	baseline_free(b);
	baseline_free(loaded);
	unlink(one);
	unlink(two);
	free(one);
	free(two);
}

// Every measure reads the same from a loaded baseline.
Test(baseline, violations_survive_the_file)
{
	struct error err = ERROR_INIT;
	char *path = temp_path("violations.json");
	struct baseline *b = mixed(), *loaded;

	pane_count_breach(b->total, VIOLATION_RANGE, "x", NULL, 1);
	pane_count_breach(b->total, VIOLATION_RULE, "", "start_before_end", 2);
	cr_assert_eq(baseline_save(b, path, &err), 0, "%s", err.text);
	loaded = baseline_load(path, &err);
	cr_assert(loaded, "%s", err.text);
	cr_assert_eq(loaded->total->nviolations, 2);
	cr_expect_str_eq(loaded->total->violations[0].field, "x");
	cr_expect_str_eq(loaded->total->violations[0].rule, "");
	cr_expect_str_eq(loaded->total->violations[1].rule, "start_before_end");
	cr_expect_eq(loaded->total->violations[1].n, 1);
	baseline_free(loaded);
	baseline_free(b);
	free(path);
}

Test(baseline, measures_survive_the_file)
{
	struct error err = ERROR_INIT;
	char *path = temp_path("m.json");
	struct baseline *b = mixed(), *loaded;

	cr_assert_eq(baseline_save(b, path, &err), 0);
	loaded = baseline_load(path, &err);
	cr_assert(loaded, "%s", err.text);
	for (size_t i = 0; i < b->nfields; i++) {
		struct pane *p = pane_new();
		struct field_stats *f = pane_field(p, 0, &b->fields[i]->def);

		for (int k = 0; k < 300; k++) {
			pane_count_record(p, k, k, 1, true, false, false);
			if (f->type == FIELD_NUMERIC)
				field_add_number(f, k / 100.0);
			else if (f->type == FIELD_CATEGORICAL)
				field_add_category(f, k & 1 ? "c1" : "c7", 2);
			else if (f->type == FIELD_BOOLEAN)
				field_add_bool(f, k & 1);
		}
		for (size_t m = 0; m < measure_table_len; m++) {
			struct measure_value v[2];
			for (int side = 0; side < 2; side++) {
				const struct baseline *of = side ? loaded : b;
				struct measure_input in = {.def = &of->fields[i]->def, .current = {p, f},
							   .reference = {of->total, of->fields[i]->total},
							   .baseline = of->fields[i], .source = of, .window_ms = 3600000};
				v[side] = measure_compute(&measure_table[m], &in);
			}
			cr_expect_eq(v[0].state, v[1].state);
			cr_expect(v[0].value == v[1].value || (isnan(v[0].value) && isnan(v[1].value)), "%s of %s",
				  measure_table[m].name, b->fields[i]->def.path);
		}
		pane_free(p);
	}
	baseline_free(b);
	baseline_free(loaded);
	unlink(path);
	free(path);
}

static void refuse(const char *text, size_t len, const char *why)
{
	struct error err = ERROR_INIT;
	char *path = temp_path("bad.json");
	FILE *f = fopen(path, "w");

	fwrite(text, 1, len, f);
	fclose(f);
	cr_expect_null(baseline_load(path, &err));
	cr_expect(strstr(err.text, why), "\"%s\" should say \"%s\"", err.text, why);
	cr_expect(strstr(err.text, "bad.json"));
	unlink(path);
	free(path);
}

static json_t *as_json(void)
{
	struct error err = ERROR_INIT;
	char *path = temp_path("good.json");
	struct baseline *b = mixed();
	json_t *o;

	cr_assert_eq(baseline_save(b, path, &err), 0);
	o = json_parse_file(path, &err);
	cr_assert(o, "%s", err.text);
	baseline_free(b);
	unlink(path);
	free(path);
	return o;
}

// With its hash made right again, so that only the content is at fault.
static void refuse_content(json_t *o, const char *why)
{
	char hash[65], *text;

	json_object_del(o, "hash");
	text = json_text(o);
	sha256_hex(text, strlen(text), hash, 64);
	free(text);
	json_object_set_new(o, "hash", json_string(hash));
	text = json_text(o);
	refuse(text, strlen(text), why);
	free(text);
	json_decref(o);
}

Test(baseline, refuses_what_was_changed)
{
	json_t *o = as_json();
	char *text = json_text(o), *digit = strstr(text, "\"present\":");

	digit += strlen("\"present\":");
	*digit = *digit == '1' ? '2' : '1';
	refuse(text, strlen(text), "does not match its hash");
	free(text);
	json_object_del(o, "hash");
	text = json_text(o);
	refuse(text, strlen(text), "does not match its hash");
	json_object_set_new(o, "version", json_integer(2));
	refuse_content(o, "version 2");
	refuse("[]", 2, "not a baseline");
	refuse("{\"format\":\"x\"}", 14, "not a baseline");
	refuse(text, strlen(text) / 2, "line");
	refuse("", 0, "line");
	free(text);
}

static json_t *field(json_t *o, const char *path)
{
	json_t *f;
	size_t i;

	json_array_foreach(json_object_get(o, "fields"), i, f)
		if (!strcmp(json_get_str(f, "path", ""), path))
			return f;
	return NULL;
}

Test(baseline, refuses_malformed_content)
{
	json_t *o, *f;

	o = as_json();
	json_array_set_new(json_object_get(field(o, "x"), "edges"), 0, json_real(1e9));
	refuse_content(o, "field x: \"edges\" must be finite and ascend");
	o = as_json();
	json_array_append_new(json_object_get(field(o, "x"), "bins"), json_integer(0));
	refuse_content(o, "\"bins\" must be an array of");
	o = as_json();
	json_array_set_new(json_object_get(field(o, "x"), "bins"), 3, json_integer(100000));
	refuse_content(o, "do not add up");
	o = as_json();
	json_array_set_new(json_object_get(field(o, "x"), "bins"), 3, json_integer(-1));
	refuse_content(o, "must be a count");
	o = as_json();
	json_array_set_new(json_object_get(field(o, "x"), "coarse"), 5, json_integer(31));
	refuse_content(o, "\"coarse\" must number the bins");
	o = as_json();
	json_object_set_new(field(o, "x"), "coarse_bins", json_integer(33));
	refuse_content(o, "at most 32");
	o = as_json();
	json_object_set_new(field(o, "c"), "coarse_bins", json_integer(3));
	refuse_content(o, "field c:");
	o = as_json();
	json_object_set_new(field(o, "x"), "type", json_string("none"));
	refuse_content(o, "\"type\" must be");
	o = as_json();
	json_object_set_new(field(o, "t"), "path", json_string("a"));
	refuse_content(o, "in order of path");
	o = as_json();
	json_object_del(field(o, "x"), "edges");
	refuse_content(o, "counts without bins");
	o = as_json();
	f = json_array_get(json_object_get(field(o, "x"), "chunks"), 1);
	json_object_set_new(f, "variance", json_real(-1));
	refuse_content(o, "moments contradict");
	o = as_json();
	f = json_object_get(field(o, "x"), "chunks");
	for (int i = 0; i < 100; i++)
		json_array_append(f, json_array_get(f, 0));
	refuse_content(o, "\"chunks\" must be an array");
	o = as_json();
	json_array_remove(json_object_get(field(o, "c"), "categories"), 0);
	refuse_content(o, "do not add up");
	o = as_json();
	json_array_clear(json_object_get(json_object_get(field(o, "c"), "movement"), "series"));
	refuse_content(o, "\"series\" or \"groups\"");
	o = as_json();
	f = json_object_get(field(o, "x"), "movement");
	json_array_set_new(json_object_get(f, "groups"), 0, json_integer(0));
	refuse_content(o, "\"groups\" must be a whole number");
	o = as_json();
	f = json_object_get(field(o, "x"), "movement");
	json_object_set_new(f, "period", json_integer(7));
	json_object_set_new(f, "phase", json_integer(7));
	refuse_content(o, "a day or a week");
	o = as_json();
	json_object_set_new(o, "chunk", json_integer(0));
	refuse_content(o, "do not make a range");
	o = as_json();
	json_object_del(o, "totals");
	refuse_content(o, "malformed");
	o = as_json();
	json_object_set_new(o, "fields", json_integer(3));
	refuse_content(o, "\"fields\" must be an array");
}

// Whatever member is taken away or replaced, at any depth: an answer, never a crash.
static void spoil(json_t *root, json_t *at, struct rng *rng, size_t *left)
{
	const char *key;
	json_t *member, *copy;
	void *tmp;
	size_t i;

	if (json_is_object(at)) {
		json_object_foreach_safe(at, tmp, key, member) {
			char *name = xstrdup(key);
			if (*left && rng_uniform(rng) < 0.5) {
				struct error err = ERROR_INIT;
				char hash[65], *text, *path = temp_path("spoilt.json");
				struct baseline *b;
				FILE *f = fopen(path, "w");

				copy = json_incref(member);
				json_object_set_new(at, name, rng_uniform(rng) < 0.5 ? json_null() : json_pack("[i]", 7));
				text = json_text(root);
				sha256_hex(text, strlen(text), hash, 64);
				free(text);
				json_object_set_new(root, "hash", json_string(hash));
				json_dumpf(root, f, JSON_COMPACT | JSON_REAL_PRECISION(17));
				fclose(f);
				json_object_del(root, "hash");
				b = baseline_load(path, &err);
				cr_expect(b || err.set);
				baseline_free(b);
				json_object_set_new(at, name, copy);
				unlink(path);
				free(path);
				(*left)--;
			}
			free(name);
			spoil(root, member, rng, left);
		}
	} else {
		json_array_foreach(at, i, member)
			if (i < 2)
				spoil(root, member, rng, left);
	}
}

// A file as it was written is taken apart as text; one laid out anew is not, and is the same baseline.
Test(baseline, in_any_layout)
{
	struct error err = ERROR_INIT;
	char *path = temp_path("layout.json"), *again = temp_path("again.json"), *texts[3];
	json_t *o = as_json();
	struct baseline *b = mixed();

	cr_assert_eq(baseline_save(b, path, &err), 0, "%s", err.text);
	texts[0] = json_dumps(o, JSON_INDENT(3));
	texts[1] = json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT); // "fields" before "hash"
	json_object_del(o, "hash");
	json_object_set_new(o, "hash", json_string(b->hash));
	texts[2] = json_text(o);
	for (int i = 0; i < 3; i++) {
		struct buf text = BUF_INIT;
		buf_adds(&text, texts[i]);
		cr_assert_eq(buf_write_file(&text, again), 0);
		struct baseline *loaded = baseline_load(again, &err);
		if (i == 1) { // the order of members is hashed
			cr_expect_null(loaded);
			cr_expect(strstr(err.text, "does not match its hash"));
			err = (struct error)ERROR_INIT;
		} else {
			cr_assert(loaded, "%s", err.text);
			cr_assert_eq(baseline_save(loaded, again, &err), 0);
			same_files(path, again);
		}
		baseline_free(loaded);
		buf_release(&text);
		free(texts[i]);
	}
	json_decref(o);
	baseline_free(b);
	unlink(path);
	unlink(again);
	free(path);
	free(again);
}

Test(baseline, survives_any_spoiling)
{
	json_t *o = as_json();
	struct rng rng;
	size_t left = 60;

	rng_seed(&rng, 21);
	json_object_del(o, "hash");
	spoil(o, o, &rng, &left);
	json_decref(o);
}

Test(baseline, errors)
{
	struct error err = ERROR_INIT;

	cr_expect_null(baseline_load("/nonexistent/b.json", &err));
	cr_expect(strstr(err.text, "No such file"));
	error_clear(&err);
	cr_expect_null(baseline_builder_finish(baseline_builder_new("s", true), json_object(), &err));
	cr_expect(strstr(err.text, "at least one row"));
	error_clear(&err);
	struct baseline *b = mixed();
	cr_expect_eq(baseline_save(b, "/nonexistent/b.json", &err), -1);
	cr_expect(strstr(err.text, "/nonexistent/b.json"));
	baseline_free(b);
	baseline_builder_free(baseline_builder_new("s", true));
}
