// SPDX-License-Identifier: Apache-2.0
// Plans against records that fastavro encoded (tests/schema/make_cases.py), and against Avro C's reader.
#include <avro.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "schema/plan.h"
#include "util/json.h"
#include "util/xalloc.h"

struct one {
	const char *name;
	char *schema;
	uint8_t *bytes; // exactly n of them on the heap, so that a sanitizer sees a read past the end
	size_t n;
	const json_t *values;
	const json_t *doc;
	struct plan *plan;
};

static uint8_t *unhex(const char *hex, size_t *n)
{
	*n = strlen(hex) / 2;
	uint8_t *p = xmalloc(*n ? *n : 1);

	for (size_t i = 0; i < *n; i++) {
		char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
		p[i] = (uint8_t)strtol(two, NULL, 16);
	}
	return p;
}

static size_t each_case(void (*run)(const struct one *c))
{
	FILE *f = fopen(TEST_DATA "/avro_cases.jsonl", "r");
	char *line = NULL;
	size_t cap = 0, count = 0;

	cr_assert(f != NULL);
	while (getline(&line, &cap, f) > 0) {
		struct error err = ERROR_INIT;
		json_t *doc = json_parse(line, strlen(line), &err);
		cr_assert(doc != NULL, "%s", err.text);
		struct one c = {.name = json_get_str(doc, "name", ""), .doc = doc};
		struct plan_options opt = {.all_fields = true, .event_time = json_get_str(doc, "event_time", NULL)};

		c.schema = json_text(json_object_get(doc, "schema"));
		c.bytes = unhex(json_get_str(doc, "payload", ""), &c.n);
		c.values = json_object_get(doc, "values");
		c.plan = plan_compile(c.schema, strlen(c.schema), &opt, &err);
		cr_assert(c.plan != NULL, "%s: %s", c.name, err.text);
		run(&c);
		plan_free(c.plan);
		free(c.schema);
		free(c.bytes);
		json_decref(doc);
		count++;
	}
	free(line);
	fclose(f);
	return count;
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
		return v->kind == VALUE_NUMBER && (v->num == as_number(want) || (isnan(v->num) && isnan(as_number(want))));
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

static void check_values(const struct one *c)
{
	struct record_values r;
	const json_t *want;
	size_t i;

	record_values_init(&r);
	plan_walk(c->plan, c->bytes, c->n, &r);
	cr_assert(r.decoded, "%s: %s", c->name, r.detail);
	cr_assert(zero(sz, r.nbreaches), "%s: %s", c->name, r.detail);
	cr_assert(eq(sz, r.nvalues, json_array_size(c->values)), "%s", c->name);
	json_array_foreach(c->values, i, want) {
		const char *path = json_string_value(json_array_get(want, 0));
		const char *got = plan_slot(c->plan, r.values[i].slot)->path;

		cr_assert(eq(str, (char *)(uintptr_t)got, (char *)(uintptr_t)path), "%s", c->name);
		cr_assert(is_value(&r.values[i], json_string_value(json_array_get(want, 1)), json_array_get(want, 2)),
			  "%s: %s, got kind %d, %.17g", c->name, path, (int)r.values[i].kind, r.values[i].num);
	}
	const json_t *ms = json_object_get(c->doc, "event_ms");
	cr_assert(r.has_event_time == json_is_integer(ms), "%s", c->name);
	if (r.has_event_time)
		cr_assert(eq(i64, r.event_ms, json_integer_value(ms)), "%s", c->name);
	record_values_release(&r);
}

Test(plan_cases, values_are_those_that_were_encoded)
{
	cr_assert(each_case(check_values) >= 300);
}

// What lies at a path, as Avro C's generic value tells it. False: not there.
static bool generic_at(avro_value_t *v, const char *path)
{
	while (avro_value_get_type(v) == AVRO_UNION) {
		avro_value_t branch;

		avro_value_get_current_branch(v, &branch);
		*v = branch;
	}
	if (!*path)
		return true;
	size_t n = strcspn(path, ".");
	char *name = xstrndup(path, n);
	avro_value_t field;
	bool found = avro_value_get_type(v) == AVRO_RECORD && !avro_value_get_by_name(v, name, &field, NULL);
	free(name);
	if (!found)
		return false;
	*v = field;
	return generic_at(v, path + n + (path[n] == '.'));
}

static void agree(const struct one *c, const struct value *got, avro_value_t *v)
{
	double f64 = NAN;
	float f32;
	int32_t i32;
	int64_t i64;
	const char *s;
	size_t n;
	int b, e;

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
		f64 = b;
		break;
	case AVRO_STRING:
		avro_value_get_string(v, &s, &n);
		if (got->kind == VALUE_STRING)
			cr_assert(got->len == n - 1 && !memcmp(got->str, s, n - 1), "%s", c->name);
		return;
	case AVRO_ENUM:
		avro_value_get_enum(v, &e);
		s = avro_schema_enum_get(avro_value_get_schema(v), e);
		if (got->kind == VALUE_STRING)
			cr_assert(got->len == strlen(s) && !memcmp(got->str, s, got->len), "%s", c->name);
		return;
	default:
		return;
	}
	bool raw = got->kind == VALUE_BOOL || (got->kind == VALUE_NUMBER && !strstr(c->schema, "logicalType"));
	if (raw)
		cr_assert(close_to(got->num, f64), "%s", c->name);
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

static void check_against_avro_c(const struct one *c)
{
	if (!avro_c_can_read(c->schema))
		return;
	avro_schema_t schema;
	avro_value_iface_t *iface;
	avro_value_t top = generic_new(c->schema, &schema, &iface);
	avro_reader_t reader = avro_reader_memory((const char *)c->bytes, (int64_t)c->n);
	struct record_values r;

	cr_assert(zero(int, avro_value_read(reader, &top)), "%s: %s", c->name, avro_strerror());
	record_values_init(&r);
	plan_walk(c->plan, c->bytes, c->n, &r);
	for (size_t i = 0; i < r.nvalues; i++) {
		const char *path = plan_slot(c->plan, r.values[i].slot)->path;
		avro_value_t v = top;

		if (!strcmp(path, "value") && !*plan_record_name(c->plan))
			path = "";
		cr_assert(generic_at(&v, path), "%s: %s", c->name, path);
		agree(c, &r.values[i], &v);
	}
	record_values_release(&r);
	avro_reader_free(reader);
	generic_free(&top, schema, iface);
}

Test(plan_cases, agrees_with_avro_c)
{
	each_case(check_against_avro_c);
}

static void check_sane(const struct one *c, const struct record_values *r)
{
	cr_assert(r->nvalues <= plan_slots(c->plan), "%s", c->name);
	for (size_t i = 0; i < r->nvalues; i++)
		for (size_t j = 0; j < i; j++)
			cr_assert(ne(u32, r->values[i].slot, r->values[j].slot), "%s", c->name);
	for (size_t i = 0; i < r->nbreaches; i++)
		for (size_t j = 0; j < i; j++)
			cr_assert(r->breaches[i].kind != r->breaches[j].kind || r->breaches[i].slot != r->breaches[j].slot,
				  "%s", c->name);
	if (r->decoded)
		return;
	cr_assert(zero(sz, r->nvalues), "%s", c->name);
	cr_assert(eq(sz, r->nbreaches, 1), "%s", c->name);
	cr_assert(eq(int, r->breaches[0].slot, -1), "%s", c->name);
	cr_assert(r->has_event_time == false && r->detail[0], "%s", c->name);
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
		cr_assert(r.decoded == false && r.breaches[0].kind == VIOLATION_UNDECODABLE, "%s cut to %zu bytes", c->name, n);
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

// What we take for a record, Avro C must be able to read. (It checks less, so the reverse does not hold.)
static void check_flipped(const struct one *c)
{
	static const uint8_t masks[] = {0x01, 0x02, 0x10, 0x80, 0xff};
	uint8_t *bytes = xmalloc(c->n ? c->n : 1);
	avro_schema_t schema;
	avro_value_iface_t *iface;
	avro_value_t v = generic_new(c->schema, &schema, &iface);
	struct record_values r;

	record_values_init(&r);
	for (size_t i = 0; i < c->n; i++) {
		for (size_t m = 0; m < ARRAY_LEN(masks); m++) {
			memcpy(bytes, c->bytes, c->n);
			bytes[i] ^= masks[m];
			plan_walk(c->plan, bytes, c->n, &r);
			check_sane(c, &r);
			if (!r.decoded || !avro_c_can_read(c->schema))
				continue;
			avro_reader_t reader = avro_reader_memory((const char *)bytes, (int64_t)c->n);
			avro_value_reset(&v);
			cr_assert(zero(int, avro_value_read(reader, &v)), "%s: byte %zu ^ %02x: %s", c->name, i, masks[m],
				  avro_strerror());
			avro_reader_free(reader);
		}
	}
	record_values_release(&r);
	generic_free(&v, schema, iface);
	free(bytes);
}

Test(plan_cases, flipped_bytes_stay_in_bounds, .timeout = 300)
{
	each_case(check_flipped);
}
