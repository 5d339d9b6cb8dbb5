// SPDX-License-Identifier: Apache-2.0
// Plans of Protobuf schemas against what Python's protobuf makes of the same bytes (tests/schema/make_proto_cases.py):
// those of tests/data/proto_cases.jsonl always; random ones and mutated ones where protobuf and protoc are at hand.
//
// Environment: KDRIFT_SEED (else by the clock; printed), KDRIFT_CASES (120 random schemas, 7 records each).
#include <criterion/criterion.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "schema/plan.h"
#include "util/json.h"
#include "util/xalloc.h"

#define PYTHON SOURCE_DIR "/.cache/venv/bin/python"

static uint8_t *unhex(const char *hex, size_t *n)
{
	*n = strlen(hex) / 2;
	uint8_t *p = xmalloc(*n ? *n : 1); // so that a sanitizer sees a read past the end

	for (size_t i = 0; i < *n; i++)
		sscanf(hex + 2 * i, "%2hhx", &p[i]);
	return p;
}

static struct plan *compile(const json_t *doc)
{
	struct schema_text s = {.type = SCHEMA_PROTOBUF, .text = (char *)(uintptr_t)json_get_str(doc, "proto", "")};
	const struct plan_options all = {.all_fields = true};
	const json_t *refs = json_object_get(doc, "refs"), *path = json_object_get(doc, "message"), *item;
	struct error err = ERROR_INIT;
	size_t i;

	s.len = strlen(s.text);
	s.refs = xcalloc(json_array_size(refs) + 1, sizeof *s.refs);
	json_array_foreach(refs, i, item) s.refs[s.nrefs++] =
	    (struct schema_part){(char *)(uintptr_t)json_string_value(json_array_get(item, 0)),
				 (char *)(uintptr_t)json_string_value(json_array_get(item, 1))};
	json_array_foreach(path, i, item) s.message.at[s.message.n++] = (int32_t)json_integer_value(item);
	struct plan *p = plan_compile(&s, &all, &err);
	cr_assert(p != NULL, "%s: %s\n%s", json_get_str(doc, "name", ""), err.text, s.text);
	free(s.refs);
	return p;
}

static char *line_of(const struct plan *p, const struct value *v)
{
	const char *path = plan_slot(p, v->slot)->path;
	struct buf b = BUF_INIT;

	if (v->kind == VALUE_NUMBER)
		buf_addf(&b, isnan(v->num) ? "%s n nan" : "%s n %.17g", path, v->num);
	else if (v->kind == VALUE_BOOL)
		buf_addf(&b, "%s b %d", path, (int)v->num);
	else if (v->kind == VALUE_TIME)
		buf_addf(&b, "%s t %.17g %lld", path, v->num, (long long)v->ms);
	else if (v->kind == VALUE_STRING)
		buf_addf(&b, "%s s ", path);
	else
		buf_addf(&b, "%s other", path);
	for (size_t i = 0; v->kind == VALUE_STRING && i < v->len; i++)
		buf_addf(&b, "%02x", (unsigned char)v->str[i]);
	return buf_steal(&b);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check(const json_t *doc, const struct plan *p, const char *proto, struct record_values *r)
{
	const json_t *want = json_object_get(doc, "lines");
	const char *name = json_get_str(doc, "name", ""), *verdict = json_get_str(doc, "verdict", "");
	size_t n, nlines = 0;
	uint8_t *bytes = unhex(json_get_str(doc, "payload", ""), &n);

	plan_walk(p, bytes, n, r);
	cr_assert(strcmp(r->decoded ? "ok" : "undecodable", verdict) == 0, "%s: not %s: %s\n%s\n%s", name, verdict, r->detail,
		  json_get_str(doc, "payload", ""), proto);
	cr_assert(r->decoded || (r->nbreaches == 1 && r->breaches[0].kind == VIOLATION_UNDECODABLE && r->detail[0]), "%s", name);
	char **lines = xcalloc(r->nvalues + plan_slots(p) + 1, sizeof *lines);
	for (size_t i = 0; i < r->nvalues; i++)
		lines[nlines++] = line_of(p, &r->values[i]);
	for (size_t i = 0; r->decoded && i < plan_slots(p); i++)
		if (plan_slot(p, i)->element >= 0)
			lines[nlines++] = xasprintf("E %s %llu", plan_slot(p, i)->path,
						    (unsigned long long)r->elements[plan_slot(p, i)->element]);
	qsort(lines, nlines, sizeof *lines, by_text);
	for (size_t i = 0; i < nlines || i < json_array_size(want); i++) {
		const char *w = json_string_value(json_array_get(want, i)), *g = i < nlines ? lines[i] : NULL;

		cr_assert(w && g && !strcmp(w, g), "%s: want %s, got %s\n%s\n%s", name, w ? w : "no more", g ? g : "no more",
			  json_get_str(doc, "payload", ""), proto);
	}
	for (size_t i = 0; i < nlines; i++)
		free(lines[i]);
	free(lines);
	free(bytes);
}

static size_t each_line(FILE *f)
{
	struct error err = ERROR_INIT;
	struct record_values r;
	struct plan *p = NULL;
	char *line = NULL, *proto = NULL;
	size_t cap = 0, count = 0;

	record_values_init(&r);
	while (getline(&line, &cap, f) > 0) {
		json_t *doc = json_parse(line, strlen(line), &err);
		cr_assert(doc != NULL, "%s", err.text);
		if (json_object_get(doc, "proto")) {
			plan_free(p);
			free(proto);
			proto = xstrdup(json_get_str(doc, "proto", ""));
			p = compile(doc);
		}
		check(doc, p, proto, &r);
		json_decref(doc);
		count++;
	}
	record_values_release(&r);
	plan_free(p);
	free(proto);
	free(line);
	return count;
}

static long from_env(const char *name, long otherwise)
{
	const char *v = getenv(name);

	return v && *v ? atol(v) : otherwise;
}

static size_t made(const char *options, long cases)
{
	long seed = from_env("KDRIFT_SEED", time(NULL));

	if (access(PYTHON, X_OK) || system(PYTHON " -c 'import google.protobuf' 2>/dev/null && protoc --version >/dev/null"))
		cr_skip_test("no protobuf in .cache/venv, or no protoc (./dev setup)");
	fprintf(stderr, "make_proto_cases.py %s: KDRIFT_SEED=%ld KDRIFT_CASES=%ld\n", options, seed, cases);
	char *command = xasprintf(PYTHON " " SOURCE_DIR "/tests/schema/make_proto_cases.py --seed %ld --cases %ld %s", seed, cases,
				  options);
	FILE *f = popen(command, "r");
	cr_assert(f != NULL);
	size_t n = each_line(f);
	cr_assert(pclose(f) == 0, "%s", command);
	free(command);
	return n;
}

Test(proto_cases, kept)
{
	FILE *f = fopen(TEST_DATA "/proto_cases.jsonl", "r");

	cr_assert(f != NULL);
	cr_assert(each_line(f) >= 200);
	fclose(f);
}

Test(proto_cases, random, .timeout = 300)
{
	long cases = from_env("KDRIFT_CASES", 120);

	cr_assert(made("", cases) == (size_t)cases * 7);
}

Test(proto_cases, mutated, .timeout = 300)
{
	long cases = from_env("KDRIFT_CASES", 120) / 2;

	cr_assert(made("--mutate", cases) > (size_t)cases);
}
