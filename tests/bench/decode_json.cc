// SPDX-License-Identifier: Apache-2.0
// JSON records through a plan, beside simdjson's bare parse of the same bytes: in turns, on one core. Prints records a
// second, allocations a record and the median of the rounds' ratios. Exits with 1 where a plan allocates or finds
// fault with a record.
#include <simdjson.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" // a function may be called as a struct is, in C
extern "C" {
#include "schema/plan.h"
}
#pragma GCC diagnostic pop

// glibc's own, behind the counting ones.
extern "C" void *__libc_malloc(size_t n);
extern "C" void *__libc_calloc(size_t n, size_t size);
extern "C" void *__libc_realloc(void *p, size_t n);
static uint64_t allocations;

extern "C" void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

extern "C" void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

extern "C" void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}

static const int rounds = 7;
static const size_t count = 2048;
static const double slice = 0.3; // seconds of one turn

static double seconds()
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// The 16 fields of the bench's Avro record, as a JSON Schema and as texts.
static std::string schema_of_records()
{
	static const char *const types[] = {
	    R"({"type":"integer"})", R"({"type":"string"})", R"({"type":"number"})", R"({"type":"integer"})",
	    R"({"type":"integer"})", R"({"oneOf":[{"type":"null"},{"type":"number"}]})", R"({"type":"boolean"})",
	    R"({"type":"string"})", R"({"type":"number"})", R"({"enum":["EUR","USD","GBP"]})", R"({"type":"number"})",
	    R"({"oneOf":[{"type":"null"},{"type":"string"}]})", R"({"type":"number"})", R"({"type":"integer"})",
	    R"({"type":"string"})", R"({"type":"number"})"};
	std::string s = R"({"$schema":"http://json-schema.org/draft-07/schema#","type":"object","additionalProperties":false,)"
			R"("required":["f0","f1","f2","f3"],"properties":{)";

	for (int i = 0; i < 16; i++)
		s += std::string(i ? "," : "") + "\"f" + std::to_string(i) + "\":" + types[i];
	return s + "}}";
}

static std::string record()
{
	static const char *const texts[] = {"\"DE\"", "\"merchant-4711\"", "\"card\"", "\"checkout\""};
	static const char *const currencies[] = {"\"EUR\"", "\"USD\"", "\"GBP\""};
	std::string s = "{";
	char number[32];

	for (int i = 0; i < 16; i++) {
		s += std::string(i ? "," : "") + "\"f" + std::to_string(i) + "\":";
		switch (i) {
		case 0: case 4: case 13:
			s += std::to_string(rand() % 100000);
			break;
		case 3:
			s += std::to_string(1790000000000 + rand());
			break;
		case 6:
			s += rand() % 2 ? "true" : "false";
			break;
		case 9:
			s += currencies[rand() % 3];
			break;
		case 1: case 7: case 11: case 14:
			s += i == 11 && rand() % 4 == 0 ? "null" : texts[rand() % 4];
			break;
		default:
			snprintf(number, sizeof number, "%.2f", rand() / 100000.0);
			s += i == 5 && rand() % 8 == 0 ? "null" : number;
		}
	}
	return s + "}";
}

struct bench {
	std::string bytes; // one record behind the other, as a batch of Kafka's; then what the parser may read past the last
	std::vector<size_t> at;
	simdjson::dom::parser parser;
	struct record_values values;
};

static void bare(bench &b, size_t k)
{
	if (b.parser.parse(b.bytes.data() + b.at[k], b.at[k + 1] - b.at[k], false).error())
		exit(1);
}

static void walk(bench &b, size_t k, const struct plan *p)
{
	plan_walk(p, reinterpret_cast<const uint8_t *>(b.bytes.data() + b.at[k]), b.at[k + 1] - b.at[k], &b.values);
	if (!b.values.decoded || b.values.nbreaches) {
		fprintf(stderr, "decode: %s\n", b.values.detail);
		exit(1);
	}
}

struct turn {
	const char *what;
	const struct plan *plan; // NULL: the bare parse
	double rate[rounds], allocated;
};

static void run(bench &b, turn &t, int round)
{
	auto one = [&](size_t k) { t.plan ? walk(b, k, t.plan) : bare(b, k); };
	uint64_t done = 0;

	for (size_t k = 0; k < count; k++)
		one(k);
	const uint64_t before = allocations;
	const double began = seconds();
	double took;
	do {
		for (size_t k = 0; k < count; k++)
			one(k);
		done += count;
	} while ((took = seconds() - began) < slice);
	t.rate[round] = static_cast<double>(done) / took;
	t.allocated = static_cast<double>(allocations - before) / static_cast<double>(done);
}

static double median(const double *v)
{
	double sorted[rounds];

	std::copy(v, v + rounds, sorted);
	std::sort(sorted, sorted + rounds);
	return sorted[rounds / 2];
}

static struct plan *compile(const std::string &schema, const struct plan_options &opt)
{
	struct error err = {};
	struct schema_text text = {};

	text.type = SCHEMA_JSON;
	text.text = const_cast<char *>(schema.data());
	text.len = schema.size();
	struct plan *p = plan_compile(&text, &opt, &err);
	if (!p) {
		fprintf(stderr, "decode: %s\n", err.text);
		exit(1);
	}
	return p;
}

int main()
{
	const std::string schema = schema_of_records();
	struct plan_options none = {}, all = {};
	bench b;
	int rc = 0;

	record_values_init(&b.values);
	for (size_t k = 0; k < count; k++) {
		b.at.push_back(b.bytes.size());
		b.bytes += record();
	}
	b.at.push_back(b.bytes.size());
	b.bytes.append(simdjson::SIMDJSON_PADDING, ' ');
	all.all_fields = true;
	struct plan *checks = compile(schema, none), *fields = compile(schema, all), *learned = compile("{}", all);
	struct error err = {};
	for (size_t k = 0; k < count; k++) { // what is null in one may be there in another
		walk(b, k, learned);
		if (b.values.unknown && plan_learn(learned, &all, &b.values, &err))
			exit(1);
	}
	turn turns[] = {{"simdjson: bare parse", nullptr, {}, 0},
			{"plan: parse, validate", checks, {}, 0},
			{"plan: parse, validate, hand out all fields", fields, {}, 0},
			{"plan: parse, hand out all fields, no schema", learned, {}, 0}};
	for (int round = 0; round < rounds; round++)
		for (turn &t : turns)
			run(b, t, round);
	printf("\nJSON record of 16 fields, %.0f bytes on average, %zu of them, %d rounds in turns\n",
	       static_cast<double>(b.at[count]) / static_cast<double>(count), count, rounds);
	printf("%-48s %14s %12s %18s %14s\n", "", "records/s", "ns/record", "allocations/record", "of bare parse");
	for (turn &t : turns) {
		double ratio[rounds];

		for (int k = 0; k < rounds; k++)
			ratio[k] = t.rate[k] / turns[0].rate[k];
		printf("%-48s %14.0f %12.1f %18.3f %14.2f\n", t.what, median(t.rate), 1e9 / median(t.rate), t.allocated, median(ratio));
		if (t.plan && t.allocated > 0) {
			fprintf(stderr, "decode: a plan allocates\n");
			rc = 1;
		}
	}
	plan_free(checks);
	plan_free(fields);
	plan_free(learned);
	record_values_release(&b.values);
	return rc;
}
