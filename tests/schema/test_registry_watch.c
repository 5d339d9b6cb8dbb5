// SPDX-License-Identifier: Apache-2.0
// Every version of a subject, the names of an id, and the registry's own verdict and level.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "registry_help.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define VERSION(v, id) "{\"subject\":\"s-value\",\"version\":" v ",\"id\":" id ",\"schema\":\"\\\"int\\\"\"}"

struct seen {
	int32_t versions[64];
	size_t n;
};

static void on_version(void *ctx, const struct registry_version *v)
{
	struct seen *s = ctx;

	cr_assert(s->n < ARRAY_LEN(s->versions));
	s->versions[s->n++] = v->version;
}

static struct seen every(struct bench *b, const char *subject)
{
	struct mono_time deadline = mono_after_ms(20000);
	struct seen s = {.n = 0};

	while (!registry_every_version(b->registry, subject, on_version, &s)) {
		cr_assert(not(mono_passed(deadline)));
		nanosleep(&(struct timespec){0, 2000000}, NULL);
	}
	return s;
}

Test(registry_watch, tells_every_version_that_is_there)
{
	struct reply replies[] = {
	    {"/subjects/s-value/versions", 0, 200, "[1,2,4]", NULL, 0, false},
	    {"/subjects/s-value/versions/1", 1, 200, VERSION("1", "7"), NULL, 0, false},
	    {"/subjects/s-value/versions/2", 0, 404, "{\"error_code\":40402}", NULL, 0, false}, // deleted meanwhile
	    {"/subjects/s-value/versions/4", 1, 503, "", NULL, 0, false},
	    {"/subjects/s-value/versions/4", 1, 200, VERSION("4", "9"), NULL, 0, false},
	    {"/subjects/none/versions", 0, 404, "{\"error_code\":40401}", NULL, 0, false}};
	struct bench b;

	START(b, replies);
	struct seen s = every(&b, "s-value");
	cr_assert(s.n == 2 && s.versions[0] == 1 && s.versions[1] == 4);
	cr_assert(eq(sz, every(&b, "none").n, 0));
	finish(&b);
}

Test(registry_watch, many_versions_are_fetched_in_turns)
{
	struct reply replies[46];
	char paths[45][60], bodies[45][100], list[300] = "[1";
	struct bench b;

	for (int i = 0; i < 45; i++) {
		snprintf(paths[i], sizeof paths[i], "/subjects/s-value/versions/%d", i + 1);
		snprintf(bodies[i], sizeof bodies[i], "{\"version\":%d,\"id\":%d,\"schema\":\"\\\"int\\\"\"}", i + 1, i + 100);
		replies[i] = (struct reply){paths[i], 1, 200, bodies[i], NULL, 0, false};
		if (i)
			snprintf(list + strlen(list), sizeof list - strlen(list), ",%d", i + 1);
	}
	strcat(list, "]");
	replies[45] = (struct reply){"/subjects/s-value/versions", 0, 200, list, NULL, 0, false};
	START(b, replies);
	struct seen s = every(&b, "s-value");
	cr_assert(s.n == 45 && s.versions[0] == 1 && s.versions[44] == 45);
	finish(&b);
}

static enum registry_answer named(struct bench *b, int32_t id, char out[40], int32_t *version)
{
	struct mono_time deadline = mono_after_ms(20000);
	enum registry_answer is;

	while ((is = registry_version_name(b->registry, id, "own-value", out, 40, version)) == REGISTRY_PENDING) {
		cr_assert(not(mono_passed(deadline)));
		nanosleep(&(struct timespec){0, 2000000}, NULL);
	}
	return is;
}

Test(registry_watch, names_an_id_by_the_own_subject_first)
{
	struct reply replies[] = {
	    {"/schemas/ids/7/versions", 0, 200,
	     "[{\"subject\":\"a-value\",\"version\":5},{\"subject\":\"own-value\",\"version\":2},{\"subject\":\"z\",\"version\":3}]",
	     NULL, 0, false},
	    {"/schemas/ids/8/versions", 0, 200, "[{\"subject\":\"a-value\",\"version\":5}]", NULL, 0, false},
	    {"/schemas/ids/9/versions", 0, 404, "not found", NULL, 0, false}};
	int32_t version = 0;
	char name[40];
	struct bench b;

	START(b, replies);
	cr_assert(named(&b, 7, name, &version) == REGISTRY_KNOWN && version == 2 && !strcmp(name, "own-value"));
	cr_assert(named(&b, 8, name, &version) == REGISTRY_KNOWN && version == 5 && !strcmp(name, "a-value"));
	cr_assert(named(&b, 9, name, &version) == REGISTRY_DENIED);
	finish(&b);
}

Test(registry_watch, asks_for_the_registrys_own_verdict)
{
	struct reply replies[] = {
	    {"POST /compatibility/subjects/s-value/versions/2?verbose=true", 1, 200,
	     "{\"is_compatible\":false,\"messages\":[\"READER_FIELD_MISSING_DEFAULT_VALUE\"]}", NULL, 0, false},
	    {"POST /compatibility/subjects/s-value/versions/2?verbose=true", 1, 403,
	     "{\"error_code\":40301,\"message\":\"denied\"}", NULL, 0, false},
	    {"/config/s-value?defaultToGlobal=true", 1, 200, "{\"compatibilityLevel\":\"FULL\"}", NULL, 0, false},
	    {"/config/s-value?defaultToGlobal=true", 1, 405, "", NULL, 0, false}};
	const struct schema_text schema = schema_text_avro("\"int\"", 5);
	struct registry_verdict v;
	struct error err = ERROR_INIT;
	char *level, *why;
	struct bench b;

	START(b, replies);
	cr_assert(registry_compatible(b.registry, "s-value", 2, &schema, &v, &err) == 0, "%s", err.text);
	cr_assert(v.known && !v.compatible && json_array_size(v.messages) == 1);
	cr_assert(strstr(b.script.last_body, "{\"schema\":\"\\\"int\\\"\"}") != NULL, "%s", b.script.last_body);
	registry_verdict_release(&v);
	cr_assert(registry_compatible(b.registry, "s-value", 2, &schema, &v, &err) == 0, "%s", err.text);
	cr_assert(not(v.known));
	cr_assert(eq(str, v.why, (char *)"HTTP 403: denied"));
	registry_verdict_release(&v);
	cr_assert(registry_level(b.registry, "s-value", &level, &why, &err) == 0, "%s", err.text);
	cr_assert(eq(str, level, (char *)"FULL"));
	free(level);
	cr_assert(registry_level(b.registry, "s-value", &level, &why, &err) == 0, "%s", err.text);
	cr_assert(level == NULL);
	cr_assert(eq(str, why, (char *)"HTTP 405"));
	free(why);
	finish(&b);
}
