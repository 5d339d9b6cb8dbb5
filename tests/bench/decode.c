// SPDX-License-Identifier: Apache-2.0
// Records decoded by a plan and by Avro C's generic reader: the same bytes, in turns, on one core. Prints
// records a second and allocations a record, the medians' ratios, and what a field costs as fields grow.
// Exits with 1 where the two read different values or a plan allocates.
#include <avro.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schema/plan.h"
#include "util/sort.h"
#include "util/xalloc.h"

#define ROUNDS 7
#define SLICE  0.3 // seconds of one turn
#define TYPES  16

// glibc's own, behind the counting ones.
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
static uint64_t allocations;

void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}

static const char *const types[TYPES] = {
    "\"long\"",	   "\"string\"",
    "\"double\"",  "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}",
    "\"int\"",	   "[\"null\",\"double\"]",
    "\"boolean\"", "\"string\"",
    "\"double\"",  "{\"type\":\"enum\",\"name\":\"E%zu\",\"symbols\":[\"EUR\",\"USD\",\"GBP\"]}",
    "\"float\"",   "[\"null\",\"string\"]",
    "\"double\"",  "\"int\"",
    "\"string\"",  "\"double\"",
};

struct records {
	size_t fields, n;
	struct buf schema, bytes;
	size_t *at; // n + 1
};

struct turn {
	const char *what;
	struct plan *plan; // NULL: Avro C's
	bool use;
	double rate[ROUNDS], allocated;
	double sum; // of one pass over the records, where values are handed out
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void put_text(struct buf *b, const char *s)
{
	buf_svar(b, (int64_t)strlen(s));
	buf_adds(b, s);
}

static void put_field(struct buf *b, size_t type)
{
	static const char *const texts[] = {"DE", "merchant-4711", "card", "checkout"};
	double x = floor((double)rand() / 1000) / 100;

	switch (type) {
	case 0:
	case 4:
	case 13:
		buf_svar(b, rand() % 100000);
		break;
	case 3:
		buf_svar(b, 1790000000000 + rand());
		break;
	case 5:
		buf_svar(b, rand() % 8 > 0);
		if (((const uint8_t *)b->data)[b->len - 1])
			buf_f64(b, x);
		break;
	case 6:
		buf_u8(b, (uint8_t)(rand() % 2));
		break;
	case 9:
		buf_svar(b, rand() % 3);
		break;
	case 10:
		buf_add(b, &(float){(float)x}, 4);
		break;
	case 11:
		buf_svar(b, rand() % 4 > 0);
		if (!((const uint8_t *)b->data)[b->len - 1])
			break;
		put_text(b, texts[rand() % 4]);
		break;
	case 1:
	case 7:
	case 14:
		put_text(b, texts[rand() % 4]);
		break;
	default:
		buf_f64(b, x);
	}
}

static struct records make(size_t fields, size_t n)
{
	struct records r = {.fields = fields, .n = n, .schema = BUF_INIT, .bytes = BUF_INIT};

	buf_adds(&r.schema, "{\"type\":\"record\",\"name\":\"Bench\",\"fields\":[");
	for (size_t i = 0; i < fields; i++) {
		const char *enumeration = strstr(types[i % TYPES], "E%zu");

		buf_addf(&r.schema, "%s{\"name\":\"f%zu\",\"type\":", i ? "," : "", i);
		if (enumeration)
			buf_addf(&r.schema, "%.*sE%zu%s", (int)(enumeration - types[i % TYPES]),
				 types[i % TYPES], i, enumeration + 4);
		else
			buf_adds(&r.schema, types[i % TYPES]);
		buf_addc(&r.schema, '}');
	}
	buf_adds(&r.schema, "]}");
	r.at = xcalloc(n + 1, sizeof *r.at);
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < fields; i++)
			put_field(&r.bytes, i % TYPES);
		r.at[k + 1] = r.bytes.len;
	}
	return r;
}

static void release(struct records *r)
{
	buf_release(&r->schema);
	buf_release(&r->bytes);
	free(r->at);
}

static struct plan *compile(const struct records *r, const struct plan_options *opt)
{
	struct error err = ERROR_INIT;
	struct plan *p = plan_compile(&(struct schema_text){.text = (char *)r->schema.data, .len = r->schema.len}, opt, &err);

	if (!p) {
		fprintf(stderr, "decode: %s\n", err.text);
		exit(1);
	}
	return p;
}

// What a use of the values would touch: each number, each text's length.
static double sum_of(const struct record_values *v)
{
	double sum = 0;

	for (size_t i = 0; i < v->nvalues; i++)
		sum += v->values[i].kind == VALUE_STRING ? (double)v->values[i].len : v->values[i].num;
	return sum;
}

static double use_generic(avro_value_t *v)
{
	avro_value_t part;
	const char *s;
	double f64 = 0;
	float f32;
	int64_t i64;
	int32_t i32;
	size_t n;
	int i;

	switch (avro_value_get_type(v)) {
	case AVRO_UNION:
		avro_value_get_current_branch(v, &part);
		return use_generic(&part);
	case AVRO_INT32:
		avro_value_get_int(v, &i32);
		return i32;
	case AVRO_INT64:
		avro_value_get_long(v, &i64);
		return (double)i64;
	case AVRO_FLOAT:
		avro_value_get_float(v, &f32);
		return (double)f32;
	case AVRO_DOUBLE:
		avro_value_get_double(v, &f64);
		return f64;
	case AVRO_BOOLEAN:
		avro_value_get_boolean(v, &i);
		return i;
	case AVRO_STRING:
		avro_value_get_string(v, &s, &n);
		return (double)(n - 1);
	case AVRO_ENUM:
		avro_value_get_enum(v, &i);
		return 3; // the length of each symbol
	default:
		return 0;
	}
}

struct generic {
	avro_schema_t schema;
	avro_value_iface_t *iface;
	avro_value_t value;
	avro_reader_t reader;
};

static struct generic generic_new(const struct records *r)
{
	struct generic g;

	if (avro_schema_from_json_length(r->schema.data, r->schema.len, &g.schema))
		exit(1);
	g.iface = avro_generic_class_from_schema(g.schema);
	avro_generic_value_new(g.iface, &g.value);
	g.reader = avro_reader_memory(r->bytes.data, (int64_t)r->bytes.len);
	return g;
}

static void generic_free(struct generic *g)
{
	avro_reader_free(g->reader);
	avro_value_decref(&g->value);
	avro_value_iface_decref(g->iface);
	avro_schema_decref(g->schema);
}

// One record; what its values sum to, where they are handed out.
static double one(const struct turn *t, const struct records *r, size_t k, struct generic *g,
		  struct record_values *v)
{
	const char *p = r->bytes.data + r->at[k];
	size_t n = r->at[k + 1] - r->at[k];
	double sum = 0;

	if (t->plan) {
		plan_walk(t->plan, (const uint8_t *)p, n, v);
		if (!v->decoded) {
			fprintf(stderr, "decode: %s\n", v->detail);
			exit(1);
		}
		return t->use ? sum_of(v) : 0;
	}
	avro_reader_memory_set_source(g->reader, p, (int64_t)n);
	avro_value_reset(&g->value);
	if (avro_value_read(g->reader, &g->value)) {
		fprintf(stderr, "decode: %s\n", avro_strerror());
		exit(1);
	}
	for (size_t i = 0; t->use && i < r->fields; i++) {
		avro_value_t field;

		avro_value_get_by_index(&g->value, i, &field, NULL);
		sum += use_generic(&field);
	}
	return sum;
}

static void run(struct turn *t, const struct records *r, int round, struct generic *g,
		struct record_values *v)
{
	uint64_t done = 0, before;
	double began, took;

	t->sum = 0;
	for (size_t k = 0; k < r->n; k++) // warm, and for comparison
		t->sum += one(t, r, k, g, v);
	before = allocations;
	began = seconds();
	do {
		static volatile double sink;

		for (size_t k = 0; k < r->n; k++)
			sink = one(t, r, k, g, v);
		(void)sink;
		done += r->n;
		took = seconds() - began;
	} while (took < SLICE);
	t->rate[round] = (double)done / took;
	t->allocated = (double)(allocations - before) / (double)done;
}

static double median(const double *v)
{
	double sorted[ROUNDS];

	memcpy(sorted, v, sizeof sorted);
	qsort(sorted, ROUNDS, sizeof *sorted, double_cmp);
	return sorted[ROUNDS / 2];
}

static bool allocates(const struct turn *turns, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= turns[i].plan && turns[i].allocated > 0;
	if (any)
		fprintf(stderr, "decode: a plan allocates\n");
	return any;
}

static int compare(struct record_values *v)
{
	static char eur[] = "EUR", usd[] = "USD", gbp[] = "GBP", *allowed[] = {eur, usd, gbp};
	static const struct field_rule rules[] = {
	    {.path = "f0",
	     .type = FIELD_NUMERIC,
	     .required = true,
	     .not_null = true,
	     .has_range = true,
	     .range_max = 1e6},
	    {.path = "f2", .type = FIELD_NUMERIC, .required = true, .has_range = true, .range_max = 1e9},
	    {.path = "f5", .type = FIELD_NUMERIC, .required = true, .has_range = true, .range_max = 1e9},
	    {.path = "f9", .type = FIELD_CATEGORICAL, .required = true, .allowed = allowed, .nallowed = 3},
	};
	struct records r = make(TYPES, 2048);
	struct generic g = generic_new(&r);
	struct turn turns[] = {
	    {.what = "Avro C: read", .use = false},
	    {.what = "Avro C: read, use all fields", .use = true},
	    {.what = "plan: decode, validate", .plan = compile(&r, &(struct plan_options){0})},
	    {.what = "plan: decode, validate, hand out all fields",
	     .plan = compile(&r, &(struct plan_options){.all_fields = true})},
	    {.what = "plan: decode, validate, hand out, use all fields",
	     .plan = compile(&r, &(struct plan_options){.all_fields = true}),
	     .use = true},
	    {.what = "plan: the same with 4 rules and the event time",
	     .plan = compile(&r, &(struct plan_options){.all_fields = true,
							.event_time = "f3",
							.rules = rules,
							.nrules = sizeof rules / sizeof *rules}),
	     .use = true},
	};
	const size_t n = sizeof turns / sizeof *turns;
	double handed[ROUNDS], used[ROUNDS];

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < n; i++)
			run(&turns[i], &r, round, &g, v);
	printf("record of 16 fields, %.0f bytes on average, %zu of them, %d rounds in turns\n",
	       (double)r.bytes.len / (double)r.n, r.n, ROUNDS);
	printf("%-48s %14s %12s %18s\n", "", "records/s", "ns/record", "allocations/record");
	for (size_t i = 0; i < n; i++)
		printf("%-48s %14.0f %12.1f %18.3f\n", turns[i].what, median(turns[i].rate),
		       1e9 / median(turns[i].rate), turns[i].allocated);
	for (int k = 0; k < ROUNDS; k++) {
		handed[k] = turns[3].rate[k] / turns[0].rate[k];
		used[k] = turns[4].rate[k] / turns[1].rate[k];
	}
	printf("times Avro C's reader, median of the rounds: all fields handed out %.1f, and used %.1f\n",
	       median(handed), median(used));
	int rc = allocates(turns, n);
	if (turns[1].sum != turns[4].sum) {
		fprintf(stderr, "decode: Avro C read %.17g, the plan %.17g\n", turns[1].sum, turns[4].sum);
		rc = 1;
	}
	for (size_t i = 0; i < n; i++)
		plan_free(turns[i].plan);
	generic_free(&g);
	release(&r);
	return rc;
}

// What a rule in CEL costs beside decoding and handing out.
static int judge(struct record_values *v)
{
	static const struct record_rule rules[] = {
	    {"compare", "f0 >= -1000000000000", NULL},
	    {"either", "f2 < 1e300 || f4 == 3", NULL},
	    {"length", "size(f1) < 1000", NULL},
	    {"listed", "f9 in ['EUR', 'USD', 'GBP']", NULL},
	    {"null", "f5 == null || f5 < 1e300", NULL},
	    {"sum", "f12 + 1.0 > f12 - 1.0", NULL},
	    {"text", "f7 != 'nothing' && !f7.startsWith('~')", NULL},
	    {"chosen", "f6 ? f8 < 1e300 : f8 > -1e300", NULL},
	    {"pattern", "f1.matches('^[^~]*$')", NULL},
	};
	enum { RULES = sizeof rules / sizeof *rules };
	struct records r = make(TYPES, 2048);
	struct turn turns[RULES + 1];
	double of_eight[ROUNDS];

	for (size_t i = 0; i <= RULES; i++) { // none, each alone but the last, all but the pattern
		const bool all = i == RULES;
		struct plan_options opt = {.all_fields = true, .record_rules = i && !all ? &rules[i - 1] : rules,
					   .nrecord_rules = all ? RULES - 1 : i ? 1 : 0};

		turns[i] = (struct turn){.what = !i ? "no rule" : all ? "the first eight" : rules[i - 1].expr,
					 .plan = compile(&r, &opt)};
	}
	struct turn pattern = {.what = rules[RULES - 1].expr,
			       .plan = compile(&r, &(struct plan_options){.all_fields = true, .record_rules = &rules[RULES - 1],
									  .nrecord_rules = 1})};
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i <= RULES; i++)
			run(&turns[i], &r, round, NULL, v);
		run(&pattern, &r, round, NULL, v);
		of_eight[round] = (1e9 / turns[RULES].rate[round] - 1e9 / turns[0].rate[round]) / (RULES - 1);
	}
	printf("\n%-48s %14s %12s %18s\n", "rules on the record of 16 fields", "records/s", "ns of rules", "allocations/record");
	for (size_t i = 0; i <= RULES + 1; i++) {
		const struct turn *t = i > RULES ? &pattern : &turns[i];

		printf("%-48s %14.0f %12.1f %18.3f\n", t->what, median(t->rate), 1e9 / median(t->rate) - 1e9 / median(turns[0].rate),
		       t->allocated);
	}
	printf("ns a rule, median of the rounds, of the first eight together: %.1f\n", median(of_eight));
	int rc = allocates(turns, RULES + 1) | allocates(&pattern, 1);
	for (size_t i = 0; i <= RULES; i++)
		plan_free(turns[i].plan);
	plan_free(pattern.plan);
	release(&r);
	return rc;
}

static int grow(struct record_values *v)
{
	static const size_t fields[] = {4, 16, 64, 250, 1000};
	int rc = 0;

	printf("\n%-8s %10s %14s %12s %12s %18s\n", "fields", "bytes", "records/s", "ns/record", "ns/field",
	       "allocations/record");
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct records r = make(fields[i], 32768 / fields[i]);
		struct turn t = {.plan = compile(&r, &(struct plan_options){.all_fields = true}),
				 .use = true};

		for (int round = 0; round < ROUNDS; round++)
			run(&t, &r, round, NULL, v);
		double ns = 1e9 / median(t.rate);
		printf("%-8zu %10.0f %14.0f %12.1f %12.2f %18.3f\n", fields[i],
		       (double)r.bytes.len / (double)r.n, median(t.rate), ns, ns / (double)fields[i],
		       t.allocated);
		rc |= allocates(&t, 1);
		plan_free(t.plan);
		release(&r);
	}
	return rc;
}

int main(void)
{
	struct record_values v;

	srand(20261121);
	record_values_init(&v);
	int rc = compare(&v);
	rc |= grow(&v);
	rc |= judge(&v);
	record_values_release(&v);
	return rc;
}
