// SPDX-License-Identifier: Apache-2.0
// Plans against records that fastavro encoded, with what an independent reading of them gives
// (tests/schema/make_cases.py), and against Avro C's reader and writer. Those of tests/data/avro_cases.jsonl
// always; random ones and mutated ones where fastavro is at hand.
//
// Environment: KDRIFT_SEED (else by the clock; printed), KDRIFT_CASES (2,000 random schemas).
#include <avro.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "schema/plan.h"
#include "util/json.h"
#include "util/xalloc.h"

#define PYTHON SOURCE_DIR "/.cache/venv/bin/python"

struct one {
	const char *name;
	const char *schema;
	uint8_t *bytes; // exactly n of them on the heap, so that a sanitizer sees a read past the end
	size_t n;
	const json_t *doc;
	struct plan *plan;
};

static uint8_t *unhex(const char *hex, size_t *n)
{
	*n = strlen(hex) / 2;
	uint8_t *p = xmalloc(*n ? *n : 1);

	for (size_t i = 0; i < *n; i++) {
		const char *at = hex + 2 * i;
		p[i] = (uint8_t)((at[0] % 32 + 9) % 25 << 4 | (at[1] % 32 + 9) % 25);
	}
	return p;
}

// Every line of f; one without a schema is about the schema of the line before.
static size_t each_line(FILE *f, void (*run)(const struct one *c))
{
	struct error err = ERROR_INIT;
	struct plan *plan = NULL;
	char *line = NULL, *schema = NULL;
	size_t cap = 0, count = 0;

	while (getline(&line, &cap, f) > 0) {
		json_t *doc = json_parse(line, strlen(line), &err);
		cr_assert(doc != NULL, "%s", err.text);
		struct one c = {.name = json_get_str(doc, "name", ""), .doc = doc};
		struct plan_options opt = {.all_fields = true,
					   .event_time = json_get_str(doc, "event_time", NULL)};
		const json_t *next = json_object_get(doc, "schema");

		if (next) {
			plan_free(plan);
			free(schema);
			schema = json_text(next);
			plan = plan_compile(&(struct schema_text){.text = (char *)schema, .len = strlen(schema)}, &opt, &err);
			cr_assert(plan != NULL, "%s: %s\n%s", c.name, err.text, schema);
		}
		c.schema = schema;
		c.plan = plan;
		c.bytes = unhex(json_get_str(doc, "payload", ""), &c.n);
		run(&c);
		free(c.bytes);
		json_decref(doc);
		count++;
	}
	plan_free(plan);
	free(schema);
	free(line);
	return count;
}

static size_t each_case(void (*run)(const struct one *c))
{
	FILE *f = fopen(TEST_DATA "/avro_cases.jsonl", "r");

	cr_assert(f != NULL);
	size_t n = each_line(f, run);
	fclose(f);
	return n;
}

static long from_env(const char *name, long otherwise)
{
	const char *v = getenv(name);

	return v && *v ? atol(v) : otherwise;
}

// `options` of make_cases.py besides the seed.
static size_t each_made(const char *options, long cases, void (*run)(const struct one *c))
{
	long seed = from_env("KDRIFT_SEED", time(NULL));

	if (access(PYTHON, X_OK) || system(PYTHON " -c 'import fastavro' 2>/dev/null"))
		cr_skip_test("no fastavro in .cache/venv (./dev setup)");
	fprintf(stderr, "make_cases.py %s: KDRIFT_SEED=%ld KDRIFT_CASES=%ld\n", options, seed, cases);
	char *command =
	    xasprintf(PYTHON " " SOURCE_DIR "/tests/schema/make_cases.py --seed %ld --cases %ld %s", seed,
		      cases, options);
	FILE *f = popen(command, "r");
	cr_assert(f != NULL);
	size_t n = each_line(f, run);
	cr_assert(zero(int, pclose(f)), "%s", command);
	free(command);
	return n;
}

// Microseconds past 2^53 are rounded twice on their way to milliseconds.
static bool close_to(double a, double b)
{
	return isnan(b) ? isnan(a) : isinf(b) ? a == b : fabs(a - b) <= fabs(b) * 3e-16;
}

static double as_number(const json_t *v)
{
	return json_is_string(v) ? strtod(json_string_value(v), NULL) : json_number_value(v);
}

static bool is_value(const struct value *v, const char *kind, const json_t *want)
{
	size_t n;
	uint8_t *text;
	bool same;

	switch (*kind) {
	case 'n':
		return v->kind == VALUE_NUMBER &&
		       (v->num == as_number(want) || (isnan(v->num) && isnan(as_number(want))));
	case 'a':
		return v->kind == VALUE_NUMBER && close_to(v->num, as_number(want));
	case 'b':
		return v->kind == VALUE_BOOL && v->num == json_is_true(want);
	case 't':
		return v->kind == VALUE_TIME && v->ms == json_integer_value(json_array_get(want, 1)) &&
		       close_to(v->num, json_number_value(json_array_get(want, 0)));
	case 's':
		text = unhex(json_string_value(want), &n);
		same = v->kind == VALUE_STRING && v->len == n && !memcmp(v->str, text, n);
		free(text);
		return same;
	default:
		return v->kind == VALUE_OTHER;
	}
}

static void check_sane(const struct one *c, const struct record_values *r)
{
	for (size_t i = 0; i < r->nbreaches; i++)
		for (size_t j = 0; j < i; j++)
			cr_assert(r->breaches[i].kind != r->breaches[j].kind ||
				      r->breaches[i].slot != r->breaches[j].slot,
				  "%s", c->name);
	if (r->decoded)
		return;
	cr_assert(zero(sz, r->nvalues), "%s", c->name);
	cr_assert(eq(sz, r->nbreaches, 1), "%s", c->name);
	cr_assert(eq(int, r->breaches[0].slot, -1), "%s", c->name);
	cr_assert(r->has_event_time == false && r->detail[0], "%s", c->name);
}

static const char *verdict_of(const struct record_values *r)
{
	return r->decoded					 ? "ok"
	       : r->breaches[0].kind == VIOLATION_TRAILING_BYTES ? "trailing"
								 : "undecodable";
}

static void check_elements(const struct one *c, const struct record_values *r)
{
	const json_t *want = json_object_get(c->doc, "elements");

	for (size_t i = 0; r->decoded && i < plan_slots(c->plan); i++) {
		const struct plan_slot *s = plan_slot(c->plan, i);
		size_t n = strlen(s->path);

		while (n && !strchr("]}", s->path[n - 1]))
			n--;
		cr_assert(s->element < 0 ? n == 0 : n > 0, "%s: %s", c->name, s->path);
		if (!n)
			continue;
		char *path = xstrndup(s->path, n);
		cr_assert(r->elements[s->element] == (uint64_t)json_get_int(want, path, 0), "%s: %s\n%s",
			  c->name, path, c->schema);
		free(path);
	}
}

static void check_values(const struct one *c, const struct record_values *r)
{
	const json_t *values = json_object_get(c->doc, "values"), *want;
	size_t i;

	cr_assert(strcmp(verdict_of(r), json_get_str(c->doc, "verdict", "")) == 0, "%s: %s %s\n%s", c->name,
		  verdict_of(r), r->detail, c->schema);
	check_sane(c, r);
	cr_assert(eq(sz, r->nvalues, json_array_size(values)), "%s\n%s", c->name, c->schema);
	json_array_foreach(values, i, want)
	{
		const char *path = json_string_value(json_array_get(want, 0));
		const char *got = plan_slot(c->plan, r->values[i].slot)->path;

		cr_assert(strcmp(got, path) == 0, "%s: %s, got %s\n%s", c->name, path, got, c->schema);
		cr_assert(is_value(&r->values[i], json_string_value(json_array_get(want, 1)),
				   json_array_get(want, 2)),
			  "%s: %s, got kind %d, %.17g\n%s", c->name, path, (int)r->values[i].kind,
			  r->values[i].num, c->schema);
	}
	check_elements(c, r);
	const json_t *ms = json_object_get(c->doc, "event_ms");
	cr_assert(r->has_event_time == json_is_integer(ms), "%s", c->name);
	if (r->has_event_time)
		cr_assert(eq(i64, r->event_ms, json_integer_value(ms)), "%s", c->name);
}

static void check_oracle(const struct one *c)
{
	struct record_values r;

	record_values_init(&r);
	plan_walk(c->plan, c->bytes, c->n, &r);
	check_values(c, &r);
	record_values_release(&r);
}

// Avro C's generic value in writer order beside what the plan handed out.
struct reading {
	const struct one *c;
	const struct record_values *r;
	size_t at;	       // the next value
	const char *open[130]; // records around the one in hand
	size_t nopen;
};

static bool has_slot(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < plan_slots(p); i++)
		if (!strcmp(plan_slot(p, i)->path, path))
			return true;
	return false;
}

static const struct value *next_value(struct reading *g, const char *path)
{
	cr_assert(g->at < g->r->nvalues, "%s: %s is not handed out", g->c->name, path);
	const struct value *v = &g->r->values[g->at++];
	const char *got = plan_slot(g->c->plan, v->slot)->path;

	cr_assert(strcmp(got, path) == 0, "%s: %s, got %s\n%s", g->c->name, path, got, g->c->schema);
	return v;
}

static void agree_text(const struct reading *g, const struct value *got, const void *s, size_t n)
{
	cr_assert(got->len == n && !memcmp(got->str, s, n), "%s\n%s", g->c->name, g->c->schema);
}

static void agree_leaf(const struct reading *g, const struct value *got, avro_value_t *v)
{
	const bool logical = strstr(g->c->schema, "logicalType");
	const void *bytes;
	const char *s;
	double f64 = NAN;
	float f32;
	int32_t i32;
	int64_t i64;
	size_t n;
	int b, e;

	if (got->kind == VALUE_OTHER)
		return;
	switch (avro_value_get_type(v)) {
	case AVRO_INT32:
		avro_value_get_int(v, &i32);
		f64 = i32;
		break;
	case AVRO_INT64:
		avro_value_get_long(v, &i64);
		f64 = (double)i64;
		break;
	case AVRO_FLOAT:
		avro_value_get_float(v, &f32);
		f64 = (double)f32;
		break;
	case AVRO_DOUBLE:
		avro_value_get_double(v, &f64);
		break;
	case AVRO_BOOLEAN:
		avro_value_get_boolean(v, &b);
		if (got->kind == VALUE_STRING)
			agree_text(g, got, b ? "true" : "false", b ? 4 : 5);
		f64 = b;
		break;
	case AVRO_STRING:
		avro_value_get_string(v, &s, &n);
		agree_text(g, got, s, n - 1);
		return;
	case AVRO_ENUM:
		avro_value_get_enum(v, &e);
		s = avro_schema_enum_get(avro_value_get_schema(v), e);
		agree_text(g, got, s, strlen(s));
		return;
	case AVRO_BYTES:
	case AVRO_FIXED:
		if (avro_value_get_type(v) == AVRO_BYTES)
			avro_value_get_bytes(v, &bytes, &n);
		else
			avro_value_get_fixed(v, &bytes, &n);
		if (got->kind == VALUE_STRING && got->len == n) // else a uuid
			agree_text(g, got, bytes, n);
		return;
	default:
		break;
	}
	if (got->kind == VALUE_BOOL || (got->kind == VALUE_NUMBER && !logical))
		cr_assert(close_to(got->num, f64), "%s", g->c->name);
}

static void agree(struct reading *g, avro_value_t *v, const char *path)
{
	avro_value_t part;
	size_t n = 0;

	switch (avro_value_get_type(v)) {
	case AVRO_UNION:
		avro_value_get_current_branch(v, &part);
		agree(g, &part, path);
		return;
	case AVRO_NULL:
		return;
	case AVRO_RECORD:
	case AVRO_ARRAY:
	case AVRO_MAP:
		if (has_slot(g->c->plan, *path ? path : "value") &&
		    (*path || avro_value_get_type(v) != AVRO_RECORD))
			cr_assert(eq(int, next_value(g, *path ? path : "value")->kind, VALUE_OTHER), "%s",
				  g->c->name);
		break;
	default:
		agree_leaf(g, next_value(g, *path ? path : "value"), v);
		return;
	}
	avro_value_get_size(v, &n);
	for (size_t i = 0; avro_value_get_type(v) != AVRO_RECORD && i < n; i++) {
		const char *key;

		avro_value_get_by_index(v, i, &part, &key);
		char *below = xasprintf("%s%s", *path ? path : "value",
					avro_value_get_type(v) == AVRO_MAP ? "{}" : "[]");
		agree(g, &part, below);
		free(below);
	}
	if (avro_value_get_type(v) != AVRO_RECORD)
		return;
	const char *name = avro_schema_name(avro_value_get_schema(v));
	for (size_t i = 0; i < g->nopen; i++)
		if (!strcmp(g->open[i], name))
			return;
	g->open[g->nopen++] = name;
	for (size_t i = 0; i < n; i++) {
		const char *field;

		avro_value_get_by_index(v, i, &part, &field);
		char *below = xasprintf("%s%s%s", path, *path ? "." : "", field);
		agree(g, &part, below);
		free(below);
	}
	g->nopen--;
}

// Avro C's reader loops over items without bytes, and fails on an array of them.
static bool avro_c_can_read(const char *schema)
{
	return !strstr(schema, "\"items\":\"null\"") && !strstr(schema, "\"size\":0") &&
	       !strstr(schema, "\"fields\":[]") && !strstr(schema, "\"type\":\"null\"");
}

static avro_value_t generic_new(const char *schema_json, avro_schema_t *schema, avro_value_iface_t **iface)
{
	avro_value_t v;

	cr_assert(zero(int, avro_schema_from_json_length(schema_json, strlen(schema_json), schema)));
	*iface = avro_generic_class_from_schema(*schema);
	cr_assert(zero(int, avro_generic_value_new(*iface, &v)));
	return v;
}

static void generic_free(avro_value_t *v, avro_schema_t schema, avro_value_iface_t *iface)
{
	avro_value_decref(v);
	avro_value_iface_decref(iface);
	avro_schema_decref(schema);
}

// The plan's values are those of Avro C's reader, and come again from what Avro C's writer makes of them.
static void check_against_avro_c(const struct one *c)
{
	if (!avro_c_can_read(c->schema) || strcmp(json_get_str(c->doc, "verdict", ""), "ok") ||
	    json_object_get(c->doc, "event_time"))
		return;
	avro_schema_t schema;
	avro_value_iface_t *iface;
	avro_value_t top = generic_new(c->schema, &schema, &iface);
	avro_reader_t reader = avro_reader_memory((const char *)c->bytes, (int64_t)c->n);
	struct record_values r;
	size_t size;

	cr_assert(zero(int, avro_value_read(reader, &top)), "%s: %s\n%s", c->name, avro_strerror(),
		  c->schema);
	record_values_init(&r);
	plan_walk(c->plan, c->bytes, c->n, &r);
	struct reading g = {.c = c, .r = &r};
	agree(&g, &top, "");
	cr_assert(eq(sz, g.at, r.nvalues), "%s", c->name);
	avro_reader_free(reader);

	cr_assert(zero(int, avro_value_sizeof(&top, &size)));
	char *again = xmalloc(size + 1);
	avro_writer_t writer = avro_writer_memory(again, (int64_t)size);
	cr_assert(zero(int, avro_value_write(writer, &top)), "%s: %s", c->name, avro_strerror());
	plan_walk(c->plan, (const uint8_t *)again, size, &r);
	check_values(c, &r);
	avro_writer_free(writer);
	free(again);
	record_values_release(&r);
	generic_free(&top, schema, iface);
}

static void check_both(const struct one *c)
{
	check_oracle(c);
	check_against_avro_c(c);
}

Test(plan_cases, values_are_those_that_were_encoded)
{
	cr_assert(each_case(check_both) >= 200);
}

Test(plan_cases, random_schemas_and_records, .timeout = 3600)
{
	long cases = from_env("KDRIFT_CASES", 2000);

	cr_assert(each_made("", cases, check_both) >= (size_t)cases);
}

static void check_truncated(const struct one *c)
{
	struct record_values r;

	record_values_init(&r);
	for (size_t n = 0; n < c->n; n++) {
		uint8_t *part = xmalloc(n ? n : 1);

		memcpy(part, c->bytes, n);
		plan_walk(c->plan, part, n, &r);
		check_sane(c, &r);
		cr_assert(r.decoded == false && r.breaches[0].kind == VIOLATION_UNDECODABLE,
			  "%s cut to %zu bytes", c->name, n);
		free(part);
	}
	uint8_t *more = xmalloc(c->n + 1);
	memcpy(more, c->bytes, c->n);
	more[c->n] = 0;
	plan_walk(c->plan, more, c->n + 1, &r);
	check_sane(c, &r);
	cr_assert(r.decoded == false && r.breaches[0].kind == VIOLATION_TRAILING_BYTES, "%s", c->name);
	free(more);
	record_values_release(&r);
}

Test(plan_cases, every_truncation_is_undecodable)
{
	each_case(check_truncated);
}

// Cut anywhere, any byte flipped, any length, count or index absurd: the verdict and the values are the
// oracle's.
Test(plan_cases, mutated_records, .timeout = 3600)
{
	cr_assert(each_made("--mutate", from_env("KDRIFT_CASES", 2000) / 20, check_oracle) > 0);
}
