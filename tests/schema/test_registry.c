// SPDX-License-Identifier: Apache-2.0
// The registry client against a small server that answers as registries, proxies and broken networks do.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "registry_help.h"

#define AVRO "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"R\\\",\\\"fields\\\":[]}\"}"
#define TEXT "{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}"
#define NO_SCHEMA  "{\"error_code\":40403,\"message\":\"Schema not found\"}"
#define NO_SUBJECT "{\"error_code\":40401,\"message\":\"Subject not found\"}"

Test(registry, a_schema_is_asked_for_once)
{
	struct reply replies[] = {{"/schemas/ids/7", 1, 200, AVRO, NULL, 0, false}};
	const struct registry_schema *s = NULL, *again = NULL;
	struct registry_stats st;
	struct bench b;

	START(b, replies);
	cr_assert(eq(int, registry_schema(b.registry, 7, &s), REGISTRY_PENDING)); // never blocks
	cr_assert(s == NULL);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
	cr_assert(strcmp(s->schema.text, TEXT) == 0 && s->schema.len == strlen(TEXT) && s->id == 7);
	cr_assert(eq(int, registry_schema(b.registry, 7, &again), REGISTRY_KNOWN));
	cr_assert(again == s);
	registry_stats(b.registry, &st);
	cr_assert(st.up && st.requests == 1 && st.failures == 0 && st.last_error[0] == 0);
	cr_assert(strstr(b.script.last_headers, "application/vnd.schemaregistry.v1+json") != NULL);
	finish(&b);
}

Test(registry, trouble_is_waited_out)
{
	static const int statuses[] = {500, 503, 408, 429, 502};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct reply replies[] = {{"/schemas/ids/7", 2, statuses[i], "oops", NULL, 0, false},
					  {"/schemas/ids/7", 0, 200, AVRO, NULL, 0, false}};
		const struct registry_schema *s;
		struct registry_stats st;
		struct bench b;

		START(b, replies);
		registry_schema(b.registry, 7, &s);
		wait_for_failures(&b, 1, &st);
		cr_assert(st.up == false);
		char status[8];
		snprintf(status, sizeof status, "%d", statuses[i]);
		cr_assert(strstr(st.last_error, status) != NULL, "%s", st.last_error);
		cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
		registry_stats(b.registry, &st);
		cr_assert(st.up && st.requests == 3 && st.failures == 2 && st.last_error[0] == 0);
		finish(&b);
	}
}

Test(registry, answers_that_are_none, .timeout = 60)
{
	static const struct {
		struct reply reply;
		const char *says;
	} cases[] = {
		{{"/schemas/ids/7", 1, 401, "{\"error_code\":401}", NULL, 0, false},
		 "give schema_registry.basic_auth or bearer_token"},
		{{"/schemas/ids/7", 1, 403, "", NULL, 0, false}, "give schema_registry.basic_auth or bearer_token"},
		{{"/schemas/ids/7", 1, 404, "", NULL, 0, false}, "404"},
		{{"/schemas/ids/7", 1, 404, "<html>nginx</html>", NULL, 0, false}, "404"},
		{{"/schemas/ids/7", 1, 404, "{\"error_code\":404,\"message\":\"HTTP 404\"}", NULL, 0, false}, "404"},
		{{"/schemas/ids/7", 1, 404, NO_SUBJECT, NULL, 0, false}, "404"},
		{{"/schemas/ids/7", 1, 200, "rubbish", NULL, 0, false}, "without a registry's answer"},
		{{"/schemas/ids/7", 1, 200, "{\"schema\":17}", NULL, 0, false}, "without a registry's answer"},
		{{"/schemas/ids/7", 1, 200, "", NULL, 0, false}, "without a registry's answer"},
		{{"/schemas/ids/7", 1, 302, "", "Location: /login\r\n", 0, false}, "302"},
		{{"/schemas/ids/7", 1, 200, AVRO, NULL, 0, true}, "127.0.0.1"},
		{{"/schemas/ids/7", 1, 200, "{\"schema\":\"\\\"in", NULL, 0, false}, "without a registry's answer"},
		{{"/schemas/ids/7", 1, 200, AVRO, NULL, 3000, false}, "timed out"}, // hangs
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reply replies[] = {cases[i].reply, {"/schemas/ids/7", 0, 200, AVRO, NULL, 0, false}};
		const struct registry_schema *s;
		struct registry_stats st;
		struct bench b;

		start_with(&b, replies, ARRAY_LEN(replies), (struct registry_conf){.timeout_ms = 500});
		cr_assert(eq(int, registry_schema(b.registry, 7, &s), REGISTRY_PENDING));
		wait_for_failures(&b, 1, &st);
		cr_assert(st.up == false && strstr(st.last_error, cases[i].says), "case %zu: %s", i, st.last_error);
		cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN), "case %zu", i); // and asked again
		finish(&b);
	}
}

static void answer_truncated(void *ctx, const struct fake_request *q, struct fake_answer *a)
{
	(void)ctx;
	buf_adds(&a->body, AVRO);
	a->cut = q->nth ? 0 : 10;
}

Test(registry, a_truncated_answer)
{
	struct bench b = {.server = fake_start(answer_truncated, NULL)};
	char *url = b.server->url;
	const struct registry_schema *s;
	struct registry_stats st;

	b.registry = registry_new(&(struct registry_conf){.urls = &url, .nurls = 1, .timeout_ms = 5000}, NULL);
	registry_schema(b.registry, 7, &s);
	wait_for_failures(&b, 1, &st);
	cr_assert(st.up == false && strstr(st.last_error, "remaining"), "%s", st.last_error);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
	cr_assert(strcmp(s->schema.text, TEXT) == 0);
	finish(&b);
}

// An error page is no schema, however long it is.
Test(registry, too_large_an_answer)
{
	struct buf huge = BUF_INIT;
	buf_adds(&huge, "{\"schema\":\"");
	for (int i = 0; i < (4 << 20); i++)
		buf_addc(&huge, 'x');
	buf_adds(&huge, "\"}");
	struct reply replies[] = {{"/schemas/ids/7", 0, 200, huge.data, NULL, 0, false},
				  {"/schemas/ids/8", 0, 404, huge.data, NULL, 0, false}};
	const struct registry_schema *s;
	struct registry_stats st;
	struct bench b;

	START(b, replies);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_INVALID));
	cr_assert(strstr(s->reason, "more than the 4 MiB") != NULL, "%s", s->reason);
	registry_stats(b.registry, &st);
	cr_assert(st.up && st.requests == 1); // asking again would not help
	registry_schema(b.registry, 8, &s);
	wait_for_failures(&b, 1, &st);
	cr_assert(strstr(st.last_error, "more than") != NULL, "%s", st.last_error);
	cr_assert(eq(int, registry_schema(b.registry, 8, &s), REGISTRY_PENDING));
	finish(&b);
	buf_release(&huge);
}

Test(registry, denied)
{
	struct reply replies[] = {{"/schemas/ids/9", 0, 404, NO_SCHEMA, NULL, 0, false}};
	const struct registry_schema *s;
	struct registry_stats st;
	struct bench b;

	START(b, replies);
	cr_assert(eq(int, settled(&b, 9, &s), REGISTRY_DENIED));
	cr_assert(eq(int, registry_schema(b.registry, 9, &s), REGISTRY_DENIED));
	cr_assert(eq(int, settled(&b, 9, &s), REGISTRY_DENIED));
	registry_stats(b.registry, &st);
	cr_assert(st.up && st.requests == 1); // an answer, and kept
	finish(&b);
}

Test(registry, invalid)
{
	static const struct {
		const char *body, *reason;
	} cases[] = {
		{"{\"schemaType\":\"THRIFT\",\"schema\":\"struct\"}", "THRIFT"},
		{"{\"schema\":\"{\"}", "line 1"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reply replies[] = {{"/schemas/ids/3", 1, 200, cases[i].body, NULL, 0, false}};
		const struct registry_schema *s;
		struct bench b;

		START(b, replies);
		cr_assert(eq(int, settled(&b, 3, &s), REGISTRY_INVALID));
		cr_assert(strstr(s->reason, cases[i].reason) != NULL, "%s", s->reason);
		finish(&b);
	}
}

Test(registry, urls_are_tried_in_turn)
{
	struct reply bad[] = {{"/schemas/ids/1", 0, 503, "", NULL, 0, false}};
	struct reply good[] = {{"/base/schemas/ids/1", 0, 200, AVRO, NULL, 0, false},
			       {"/base/schemas/ids/2", 0, 200, AVRO, NULL, 0, false}};
	struct script first = {.replies = bad, .n = 1, .lock = PTHREAD_MUTEX_INITIALIZER};
	struct fake_server *s1 = fake_start(answer_by_script, &first);
	const struct registry_schema *s;
	struct registry_stats st;
	struct bench b;

	// Nothing listens on port 1; the slash at the end is taken off.
	b.script = (struct script){.replies = good, .n = 2, .lock = PTHREAD_MUTEX_INITIALIZER};
	b.server = fake_start(answer_by_script, &b.script);
	char *last = xasprintf("%s/base/", b.server->url);
	char *urls[] = {(char *)(uintptr_t) "http://127.0.0.1:1", s1->url, last};
	struct registry_conf conf = {.urls = urls, .nurls = 3, .timeout_ms = 5000};
	b.registry = registry_new(&conf, NULL);
	cr_assert(eq(int, settled(&b, 1, &s), REGISTRY_KNOWN));
	registry_stats(b.registry, &st);
	cr_assert(st.up && st.requests == 3 && st.failures == 2);
	cr_assert(eq(int, settled(&b, 2, &s), REGISTRY_KNOWN)); // straight to the one that answered
	registry_stats(b.registry, &st);
	cr_assert(eq(u64, st.requests, 4));
	finish(&b);
	fake_stop(s1);
	free(last);
}

Test(registry, one_url_of_two_leads_elsewhere)
{
	static const int statuses[] = {404, 200, 302, 401, 403};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct reply bad[] = {{"/schemas/ids/1", 0, statuses[i], "<html/>", NULL, 0, false}};
		struct reply good[] = {{"/schemas/ids/1", 0, 200, AVRO, NULL, 0, false}};
		struct script first = {.replies = bad, .n = 1, .lock = PTHREAD_MUTEX_INITIALIZER};
		struct fake_server *s1 = fake_start(answer_by_script, &first);
		const struct registry_schema *s;
		struct bench b = {.script = {.replies = good, .n = 1, .lock = PTHREAD_MUTEX_INITIALIZER}};

		b.server = fake_start(answer_by_script, &b.script);
		char *urls[] = {s1->url, b.server->url};
		b.registry = registry_new(&(struct registry_conf){.urls = urls, .nurls = 2, .timeout_ms = 5000}, NULL);
		cr_assert(eq(int, settled(&b, 1, &s), REGISTRY_KNOWN), "HTTP %d", statuses[i]);
		finish(&b);
		fake_stop(s1);
	}
}

Test(registry, every_url_is_told_of)
{
	struct reply bad[] = {{"/schemas/ids/1", 0, 503, "", NULL, 0, false}};
	struct registry_stats st;
	const struct registry_schema *s;
	struct bench b = {.script = {.replies = bad, .n = 1, .lock = PTHREAD_MUTEX_INITIALIZER}};

	b.server = fake_start(answer_by_script, &b.script);
	char *urls[] = {b.server->url, (char *)(uintptr_t) "http://127.0.0.1:1"};
	b.registry = registry_new(&(struct registry_conf){.urls = urls, .nurls = 2, .timeout_ms = 5000}, NULL);
	registry_schema(b.registry, 1, &s);
	wait_for_failures(&b, 2, &st);
	cr_assert(strstr(st.last_error, "HTTP 503; GET http://127.0.0.1:1: ") != NULL, "%s", st.last_error);
	finish(&b);
}

Test(registry, none_listens)
{
	char *urls[] = {(char *)(uintptr_t) "http://127.0.0.1:1"};
	struct registry_conf conf = {.urls = urls, .nurls = 1, .timeout_ms = 5000};
	struct bench b = {.registry = registry_new(&conf, NULL)};
	const struct registry_schema *s;
	struct registry_stats st;

	cr_assert(eq(int, registry_schema(b.registry, 1, &s), REGISTRY_PENDING));
	wait_for_failures(&b, 2, &st); // and asked again
	cr_assert(st.up == false && strstr(st.last_error, "http://127.0.0.1:1: "), "%s", st.last_error);
	cr_assert(eq(int, registry_schema(b.registry, 1, &s), REGISTRY_PENDING));
	registry_free(b.registry);
}

Test(registry, retry_after_is_kept)
{
	struct reply replies[] = {{"/schemas/ids/7", 1, 429, "", "Retry-After: 1\r\n", 0, false},
				  {"/schemas/ids/7", 0, 200, AVRO, NULL, 0, false},
				  {"/schemas/ids/8", 0, 200, AVRO, NULL, 0, false}};
	struct mono_time start = mono_now();
	const struct registry_schema *s;
	struct registry_stats st;
	struct bench b;

	START(b, replies);
	registry_schema(b.registry, 7, &s);
	wait_for_failures(&b, 1, &st);
	cr_assert(eq(int, settled(&b, 8, &s), REGISTRY_KNOWN)); // others wait too
	cr_assert(mono_ms_since(start) >= 1000);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
	finish(&b);
}

Test(registry, credentials_are_sent_and_not_said)
{
	struct reply replies[] = {{"/schemas/ids/7", 1, 401, "", NULL, 0, false},
				  {"/schemas/ids/7", 0, 200, AVRO, NULL, 0, false}};
	const struct registry_schema *s;
	struct registry_stats st;
	struct bench b;

	start_with(&b, replies, 2, (struct registry_conf){.user = "bob", .password = "hunter2"});
	registry_schema(b.registry, 7, &s);
	wait_for_failures(&b, 1, &st);
	cr_assert(strstr(st.last_error, "hunter2") == NULL && strstr(st.last_error, "basic_auth"), "%s", st.last_error);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
	cr_assert(strstr(b.script.last_headers, "Authorization: Basic Ym9iOmh1bnRlcjI=") != NULL);
	finish(&b);
}

Test(registry, a_bearer_token_is_sent_and_not_said)
{
	struct reply replies[] = {{"/schemas/ids/7", 1, 401, "", NULL, 0, false},
				  {"/schemas/ids/7", 0, 200, AVRO, NULL, 0, false},
				  {"/subjects/s/versions", 0, 200, "[1]", NULL, 0, false}};
	const struct registry_schema *s;
	struct error err = ERROR_INIT;
	struct registry_stats st;
	int32_t *all;
	size_t n;
	struct bench b;

	start_with(&b, replies, ARRAY_LEN(replies), (struct registry_conf){.token = "eyJ.hunter2"});
	registry_schema(b.registry, 7, &s);
	wait_for_failures(&b, 1, &st);
	cr_assert(strstr(st.last_error, "hunter2") == NULL, "%s", st.last_error);
	cr_assert(strstr(st.last_error, "check schema_registry.bearer_token") != NULL, "%s", st.last_error);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
	cr_assert(strstr(b.script.last_headers, "Authorization: Bearer eyJ.hunter2") != NULL, "%s",
		  b.script.last_headers);
	cr_assert(registry_versions(b.registry, "s", &all, &n, &err) == 0, "%s", err.text); // a link of its own
	cr_assert(strstr(b.script.last_headers, "Authorization: Bearer eyJ.hunter2") != NULL);
	free(all);
	finish(&b);
}

struct kept {
	int loads, saves; // of the schema
	char text[400], subject[400];
};

static char *kept_text(struct kept *k, const char *key)
{
	return strcmp(key, "7") == 0 ? k->text : strcmp(key, "7/t-value") == 0 ? k->subject : NULL;
}

static char *load(void *ctx, const char *key)
{
	struct kept *k = ctx;
	const char *text = kept_text(k, key);

	k->loads += strcmp(key, "7") == 0;
	return text && text[0] ? xstrdup(text) : NULL;
}

static void save(void *ctx, const char *key, const char *text)
{
	struct kept *k = ctx;
	char *to = kept_text(k, key);

	k->saves += strcmp(key, "7") == 0;
	if (to)
		snprintf(to, sizeof k->text, "%s", text);
}

Test(registry, a_persisted_schema_needs_no_registry)
{
	struct kept k = {0};
	struct reply replies[] = {{"/schemas/ids/7", 0, 200, AVRO, NULL, 0, false}};
	struct registry_conf conf = {.load = load, .save = save, .ctx = &k};
	const struct registry_schema *s;
	struct registry_stats st;
	struct bench b;

	start_with(&b, replies, 1, conf);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
	finish(&b);
	cr_assert(k.loads == 1 && k.saves == 1);

	struct reply down[] = {{"/schemas/ids/7", 0, 500, "", NULL, 0, false}};
	start_with(&b, down, 1, conf);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
	cr_assert(strcmp(s->schema.text, TEXT) == 0);
	registry_stats(b.registry, &st);
	cr_assert(zero(u64, st.requests));
	finish(&b);
	cr_assert(k.loads == 2 && k.saves == 1);

	static const char *const no_copies[] = {"damaged", "{\"kdrift_schema\":1,\"type\":\"AVRO\",\"schema\":\"{\"}",
						"{\"kdrift_schema\":1,\"type\":\"AVRO\"}",
						"{\"kdrift_schema\":2,\"type\":\"AVRO\",\"schema\":\"\\\"int\\\"\"}",
						TEXT}; // as it was before rules were kept
	for (size_t i = 0; i < ARRAY_LEN(no_copies); i++) {
		snprintf(k.text, sizeof k.text, "%s", no_copies[i]);
		start_with(&b, replies, 1, conf);
		cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
		cr_assert(strcmp(s->schema.text, TEXT) == 0, "%s", no_copies[i]);
		finish(&b);
		cr_assert(eq(int, k.saves, 2 + (int)i), "%s", no_copies[i]);
	}
}

Test(registry, only_a_persisted_yes_needs_no_registry)
{
	struct kept k = {0};
	struct reply no[] = {{"/schemas/ids/7", 0, 200, AVRO, NULL, 0, false},
			     {"/schemas/ids/7/subjects", 0, 200, "[]", NULL, 0, false},
			     {"/schemas/ids/7/subjects?deleted=true", 0, 200, "[]", NULL, 0, false}};
	struct reply yes[] = {{"/schemas/ids/7/subjects", 0, 200, "[\"t-value\"]", NULL, 0, false}};
	struct reply down[] = {{"/schemas/ids/7", 0, 500, "", NULL, 0, false}};
	struct registry_conf conf = {.load = load, .save = save, .ctx = &k};
	struct registry_stats st;
	struct bench b;

	start_with(&b, no, ARRAY_LEN(no), conf);
	cr_assert(eq(int, subject_settled(&b, 7, "t-value"), SUBJECT_NO));
	finish(&b);
	cr_assert(strcmp(k.subject, "") == 0); // it may be registered later

	start_with(&b, yes, ARRAY_LEN(yes), conf);
	cr_assert(eq(int, subject_settled(&b, 7, "t-value"), SUBJECT_YES));
	finish(&b);

	start_with(&b, down, ARRAY_LEN(down), conf);
	cr_assert(eq(int, subject_settled(&b, 7, "t-value"), SUBJECT_YES));
	registry_stats(b.registry, &st);
	cr_assert(zero(u64, st.requests));
	cr_assert(eq(int, registry_subject_has(b.registry, 7, "other"), SUBJECT_PENDING));
	finish(&b);
}

Test(registry, subjects)
{
	static const struct {
		struct reply replies[4];
		enum subject_answer want;
	} cases[] = {
		{{{"/schemas/ids/7/subjects", 0, 200, "[\"a\",\"t-value\"]", NULL, 0, false}}, SUBJECT_YES},
		{{{"/schemas/ids/7/subjects", 0, 200, "[\"a\"]", NULL, 0, false},
		  {"/schemas/ids/7/subjects?deleted=true", 0, 200, "[\"a\"]", NULL, 0, false}},
		 SUBJECT_NO},
		{{{"/schemas/ids/7/subjects", 0, 200, "[]", NULL, 0, false},
		  {"/schemas/ids/7/subjects?deleted=true", 0, 200, "[\"t-value\"]", NULL, 0, false}},
		 SUBJECT_YES},
		// no such endpoint: the look-up
		{{{"/schemas/ids/7/subjects", 0, 404, "", NULL, 0, false},
		  {"POST /subjects/t-value", 0, 200, "{\"subject\":\"t-value\",\"id\":7,\"version\":1}", NULL, 0, false}},
		 SUBJECT_YES},
		{{{"/schemas/ids/7/subjects", 0, 404, "<html/>", NULL, 0, false},
		  {"POST /subjects/t-value", 0, 200, "{\"id\":8}", NULL, 0, false}},
		 SUBJECT_UNCHECKED},
		{{{"POST /subjects/t-value", 0, 404, NO_SCHEMA, NULL, 0, false},
		  {"POST /subjects/t-value?deleted=true", 0, 404, NO_SCHEMA, NULL, 0, false}},
		 SUBJECT_NO},
		{{{"POST /subjects/t-value", 0, 404, NO_SUBJECT, NULL, 0, false},
		  {"POST /subjects/t-value?deleted=true", 0, 404, NO_SUBJECT, NULL, 0, false}},
		 SUBJECT_NO},
		{{{"POST /subjects/t-value", 0, 404, NO_SCHEMA, NULL, 0, false},
		  {"POST /subjects/t-value?deleted=true", 0, 200, "{\"id\":7}", NULL, 0, false}},
		 SUBJECT_YES},
		{{{"POST /subjects/t-value", 0, 404, "", NULL, 0, false}}, SUBJECT_UNCHECKED},
		{{{"POST /subjects/t-value", 0, 405, "", NULL, 0, false}}, SUBJECT_UNCHECKED},
		{{{"POST /subjects/t-value", 0, 422, "{\"error_code\":42201}", NULL, 0, false}}, SUBJECT_UNCHECKED},
		{{{"POST /subjects/t-value", 0, 403, "", NULL, 0, false}}, SUBJECT_UNCHECKED},
		{{{"/schemas/ids/7/subjects", 0, 404, NO_SCHEMA, NULL, 0, false}}, SUBJECT_UNCHECKED},
		// trouble passes
		{{{"/schemas/ids/7/subjects", 1, 500, "", NULL, 0, false},
		  {"/schemas/ids/7/subjects", 0, 200, "[\"t-value\"]", NULL, 0, false}},
		 SUBJECT_YES},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reply replies[5] = {{"/schemas/ids/7", 0, 200, AVRO, NULL, 0, false}};
		size_t n = 1;
		struct bench b;

		while (n < 5 && cases[i].replies[n - 1].path) {
			replies[n] = cases[i].replies[n - 1];
			n++;
		}
		start_with(&b, replies, n, (struct registry_conf){0});
		cr_assert(eq(int, registry_subject_has(b.registry, 7, "t-value"), SUBJECT_PENDING));
		cr_assert(eq(int, subject_settled(&b, 7, "t-value"), cases[i].want), "case %zu: %s", i, b.script.log);
		finish(&b);
	}
}

Test(registry, the_look_up_sends_the_schema_and_escapes_the_subject)
{
	struct reply replies[] = {{"/schemas/ids/7", 0, 200, AVRO, NULL, 0, false},
				  {"POST /subjects/a%2Fb%20c-value", 0, 200, "{\"id\":7}", NULL, 0, false}};
	struct bench b;

	START(b, replies);
	cr_assert(eq(int, subject_settled(&b, 7, "a/b c-value"), SUBJECT_YES), "%s", b.script.log);
	cr_assert(strcmp(b.script.last_body,
			 "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"R\\\",\\\"fields\\\":[]}\"}") == 0,
		  "%s", b.script.last_body);
	finish(&b);
}

Test(registry, registering)
{
	struct reply replies[] = {{"POST /subjects/s-value/versions", 1, 200, "{\"id\":42}", NULL, 0, false},
				  {"POST /subjects/s-value/versions", 1, 409,
				   "{\"error_code\":40901,\"message\":\"incompatible\"}", NULL, 0, false},
				  {"POST /subjects/s-value/versions", 1, 422, "rubbish", NULL, 0, false}};
	struct error err = ERROR_INIT;
	struct bench b;

	START(b, replies);
	cr_assert(eq(int, registry_register(b.registry, "s-value", TEXT, &err), 42));
	cr_assert(eq(int, registry_register(b.registry, "s-value", TEXT, &err), -1));
	cr_assert(strstr(err.text, "409") && strstr(err.text, "incompatible"), "%s", err.text);
	error_clear(&err);
	cr_assert(eq(int, registry_register(b.registry, "s-value", TEXT, &err), -1));
	cr_assert(strstr(err.text, "422") != NULL, "%s", err.text);
	finish(&b);
}

#define VERSION(v, id, schema) "{\"subject\":\"s-value\",\"version\":" v ",\"id\":" id ",\"schema\":\"" schema "\"}"

Test(registry, versions_of_a_subject)
{
	struct reply replies[] = {
	    {"/subjects/s%2F1-value/versions/latest", 1, 200, VERSION("3", "9", "\\\"int\\\""), NULL, 0, false},
	    {"/subjects/s%2F1-value/versions/2", 0, 200,
	     "{\"version\":2,\"id\":8,\"schemaType\":\"THRIFT\",\"schema\":\"struct\"}", NULL, 0, false},
	    {"/subjects/s%2F1-value/versions", 1, 200, "[1,2,3]", NULL, 0, false},
	    {"/subjects/none/versions/latest", 0, 404, NO_SUBJECT, NULL, 0, false},
	    {"/subjects/none/versions", 0, 404, NO_SUBJECT, NULL, 0, false},
	    {"/subjects/gone/versions/7", 0, 404, "{\"error_code\":40402}", NULL, 0, false},
	    {"/subjects/odd/versions/latest", 0, 404, "not found", NULL, 0, false},
	    {"/subjects/odd/versions", 0, 200, "{}", NULL, 0, false},
	    {"/subjects/bad/versions/latest", 0, 200, "{\"schema\":\"\\\"int\\\"\"}", NULL, 0, false}};
	struct error err = ERROR_INIT;
	struct registry_version v;
	int32_t *all;
	size_t n;
	struct bench b;

	START(b, replies);
	cr_assert(registry_version(b.registry, "s/1-value", 0, &v, &err) == 0, "%s", err.text);
	cr_assert(eq(int, v.version, 3));
	cr_assert(eq(int, v.id, 9));
	cr_assert(eq(int, v.is, REGISTRY_KNOWN));
	cr_assert(eq(str, v.schema.text, (char *)"\"int\""));
	registry_version_release(&v);
	cr_assert(registry_version(b.registry, "s/1-value", 2, &v, &err) == 0, "%s", err.text);
	cr_assert(eq(int, v.is, REGISTRY_INVALID));
	cr_assert(strstr(v.reason, "THRIFT") != NULL, "%s", v.reason);
	registry_version_release(&v);
	cr_assert(registry_versions(b.registry, "s/1-value", &all, &n, &err) == 0, "%s", err.text);
	cr_assert(n == 3 && all[0] == 1 && all[2] == 3);
	free(all);
	cr_assert(registry_version(b.registry, "none", 0, &v, &err) == 0 && v.is == REGISTRY_DENIED && v.version == 0);
	cr_assert(registry_version(b.registry, "gone", 7, &v, &err) == 0 && v.is == REGISTRY_DENIED);
	cr_assert(registry_versions(b.registry, "none", &all, &n, &err) == 0 && n == 0);
	free(all);
	cr_assert(registry_version(b.registry, "odd", 0, &v, &err) == -1);
	cr_assert(strstr(err.text, "404") != NULL, "%s", err.text);
	error_clear(&err);
	cr_assert(registry_versions(b.registry, "odd", &all, &n, &err) == -1);
	error_clear(&err);
	cr_assert(registry_version(b.registry, "bad", 0, &v, &err) == -1);
	finish(&b);
}

static void wait_for_version(struct bench *b, const char *subject, struct registry_version *v, int32_t want)
{
	struct mono_time deadline = mono_after_ms(20000);

	while ((!registry_latest(b->registry, subject, v) || v->version != want) && !mono_passed(deadline))
		nanosleep(&(struct timespec){0, 5000000}, NULL);
	cr_assert(eq(int, v->version, want), "%s", b->script.log);
}

Test(registry, the_newest_version_is_polled, .timeout = 40)
{
	struct reply replies[] = {
	    {"/subjects/s-value/versions/latest", 1, 503, "", NULL, 0, false},
	    {"/subjects/s-value/versions/latest", 1, 200, VERSION("3", "9", "\\\"int\\\""), NULL, 0, false},
	    {"/subjects/s-value/versions/latest", 0, 200, VERSION("4", "11", "\\\"long\\\""), NULL, 0, false}};
	struct registry_version v = {0};
	struct bench b;

	START(b, replies);
	cr_assert(registry_latest(b.registry, "s-value", &v) == false, "nothing is known at once");
	wait_for_version(&b, "s-value", &v, 3);
	cr_assert(eq(str, v.schema.text, (char *)"\"int\""));
	const char *kept = v.schema.text;
	cr_assert(registry_latest(b.registry, "s-value", &v) && v.schema.text == kept, "what is known is not copied anew");
	wait_for_version(&b, "s-value", &v, 4);
	cr_assert(eq(str, v.schema.text, (char *)"\"long\""));
	cr_assert(eq(int, v.id, 11));
	registry_version_release(&v);
	finish(&b);
}

Test(registry, a_refusal_to_tell_versions_is_no_outage)
{
	struct reply replies[] = {{"/subjects/s-value/versions/latest", 0, 403, "{\"error_code\":40301}", NULL, 0, false}};
	struct registry_version v = {0};
	struct registry_stats st = {0};
	struct error err = ERROR_INIT;
	struct mono_time deadline = mono_after_ms(10000);
	struct bench b;

	START(b, replies);
	while (!st.requests && !mono_passed(deadline)) {
		cr_assert(registry_latest(b.registry, "s-value", &v) == false);
		nanosleep(&(struct timespec){0, 2000000}, NULL);
		registry_stats(b.registry, &st);
	}
	cr_assert(st.requests == 1 && st.up, "%s", st.last_error);
	cr_assert(registry_latest(b.registry, "s-value", &v) == false, "not known");
	cr_assert(registry_version(b.registry, "s-value", 0, &v, &err) == -1);
	cr_assert(strstr(err.text, "s-value") && strstr(err.text, "403"), "%s", err.text);
	finish(&b);
}

#define GUID "89791762-2336-4186-9674-299b90a802e2"
static const struct schema_ref guid = {SCHEMA_BY_GUID, 0x8979176223364186, 0x9674299b90a802e2};

static enum registry_answer id_settled(struct bench *b, const struct schema_ref *ref, int32_t *id)
{
	struct mono_time until = mono_after_ms(15000);
	enum registry_answer a;

	while ((a = registry_id_of(b->registry, ref, "t-value", id)) == REGISTRY_PENDING && !mono_passed(until))
		poll(NULL, 0, 2);
	return a;
}

Test(registry, a_guid_has_an_id)
{
	static const struct {
		struct reply replies[3];
		enum registry_answer want;
		int32_t id;
	} cases[] = {
		{{{"/schemas/guids/" GUID "/ids", 0, 200, "[{\"context\":\".a\",\"id\":3},{\"context\":\".\",\"id\":9}]", NULL, 0,
		   false}},
		 REGISTRY_KNOWN, 9},
		{{{"/schemas/guids/" GUID "/ids", 0, 200, "[{\"context\":\".a\",\"id\":3}]", NULL, 0, false}}, REGISTRY_INVALID, 3},
		{{{"/schemas/guids/" GUID "/ids", 0, 200, "[]", NULL, 0, false}}, REGISTRY_DENIED, -1},
		{{{"/schemas/guids/" GUID "/ids", 0, 404, NO_SCHEMA, NULL, 0, false}}, REGISTRY_DENIED, -1},
		// a registry without such a look-up
		{{{"/schemas/types", 0, 200, "[\"AVRO\"]", NULL, 0, false}}, REGISTRY_DENIED, -1},
		{{{"/schemas/guids/" GUID "/ids", 0, 404, "{\"error_code\":404}", NULL, 0, false},
		  {"/schemas/types", 0, 200, "[\"AVRO\"]", NULL, 0, false}},
		 REGISTRY_DENIED, -1},
		// trouble passes
		{{{"/schemas/guids/" GUID "/ids", 1, 404, "<html/>", NULL, 0, false},
		  {"/schemas/types", 1, 404, "<html/>", NULL, 0, false},
		  {"/schemas/guids/" GUID "/ids", 0, 200, "[{\"context\":\".\",\"id\":9}]", NULL, 0, false}},
		 REGISTRY_KNOWN, 9},
		{{{"/schemas/guids/" GUID "/ids", 1, 403, "", NULL, 0, false},
		  {"/schemas/guids/" GUID "/ids", 0, 200, "[{\"context\":\".\",\"id\":9}]", NULL, 0, false}},
		 REGISTRY_KNOWN, 9},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reply replies[3];
		struct bench b;
		int32_t id = -1;
		size_t n = 0;

		for (; n < 3 && cases[i].replies[n].path; n++)
			replies[n] = cases[i].replies[n];
		start_with(&b, replies, n, (struct registry_conf){0});
		cr_assert(eq(int, registry_id_of(b.registry, &guid, "t-value", &id), REGISTRY_PENDING));
		cr_assert(eq(int, id_settled(&b, &guid, &id), cases[i].want), "case %zu: %s", i, b.script.log);
		cr_assert(eq(int, id, cases[i].id), "case %zu", i);
		finish(&b);
	}
}

// Else a topic of garbage would ask twice for every record.
Test(registry, a_registry_without_guids_is_asked_for_one_of_them)
{
	struct reply replies[] = {{"/schemas/types", 0, 200, "[\"AVRO\"]", NULL, 0, false}};
	struct registry_stats st;
	struct bench b;
	int32_t id;

	START(b, replies);
	for (uint64_t i = 0; i < 20; i++)
		cr_assert(eq(int, id_settled(&b, &(struct schema_ref){SCHEMA_BY_GUID, i, i}, &id), REGISTRY_DENIED));
	registry_stats(b.registry, &st);
	cr_assert(eq(u64, st.requests, 2), "%s", b.script.log);
	finish(&b);
}

Test(registry, a_fingerprint_is_looked_for_among_the_versions)
{
	struct reply replies[] = {
	    {"/subjects/t-value/versions", 0, 200, "[1,2,3]", NULL, 0, false},
	    {"/subjects/t-value/versions/1", 0, 200, VERSION("1", "4", "\\\"int\\\""), NULL, 0, false},
	    {"/subjects/t-value/versions/2", 0, 200, "{\"version\":2,\"id\":8,\"schemaType\":\"JSON\",\"schema\":\"{}\"}", NULL, 0,
	     false},
	    {"/subjects/t-value/versions/3", 1, 503, "", NULL, 0, false},
	    {"/subjects/t-value/versions/3", 0, 200, VERSION("3", "6", "\\\"null\\\""), NULL, 0, false}};
	const struct schema_ref integer = {SCHEMA_BY_FINGERPRINT, 0, 0x7275d51a3f395c8f};
	const struct schema_ref null = {SCHEMA_BY_FINGERPRINT, 0, 0x63dd24e7cc258f8a}, other = {SCHEMA_BY_FINGERPRINT, 0, 0};
	struct registry_stats st;
	struct bench b;
	int32_t id = 0;

	START(b, replies);
	cr_assert(eq(int, id_settled(&b, &integer, &id), REGISTRY_KNOWN), "%s", b.script.log);
	cr_assert(eq(int, id, 4));
	cr_assert(eq(int, id_settled(&b, &null, &id), REGISTRY_KNOWN));
	cr_assert(eq(int, id, 6));
	registry_stats(b.registry, &st);
	cr_assert(eq(u64, st.requests, 6)); // two lists, for the one refused, and four versions
	cr_assert(eq(int, id_settled(&b, &other, &id), REGISTRY_DENIED));
	registry_stats(b.registry, &st);
	cr_assert(eq(u64, st.requests, 7), "%s", b.script.log); // the list may have grown; what is known is not fetched
	finish(&b);
}

static char alias_key[100], alias_id[20];

static char *load_alias(void *ctx, const char *key)
{
	(void)ctx;
	return strcmp(key, alias_key) == 0 && alias_id[0] ? xstrdup(alias_id) : NULL;
}

static void save_alias(void *ctx, const char *key, const char *text)
{
	(void)ctx;
	snprintf(alias_key, sizeof alias_key, "%s", key);
	snprintf(alias_id, sizeof alias_id, "%s", text);
}

Test(registry, a_persisted_guid_needs_no_registry)
{
	struct reply up[] = {{"/schemas/guids/" GUID "/ids", 0, 200, "[{\"context\":\".\",\"id\":9}]", NULL, 0, false}};
	struct reply down[] = {{"/schemas/guids/" GUID "/ids", 0, 500, "", NULL, 0, false}};
	struct registry_conf conf = {.load = load_alias, .save = save_alias};
	struct registry_stats st;
	struct bench b;
	int32_t id = -1;

	start_with(&b, up, 1, conf);
	cr_assert(eq(int, id_settled(&b, &guid, &id), REGISTRY_KNOWN));
	finish(&b);
	cr_assert_str_eq(alias_key, "guid/" GUID);
	cr_assert_str_eq(alias_id, "9");
	start_with(&b, down, 1, conf);
	cr_assert(eq(int, id_settled(&b, &guid, &id), REGISTRY_KNOWN));
	cr_assert(eq(int, id, 9));
	registry_stats(b.registry, &st);
	cr_assert(zero(u64, st.requests));
	finish(&b);
	snprintf(alias_id, sizeof alias_id, "9x"); // damaged: not believed
	start_with(&b, up, 1, conf);
	cr_assert(eq(int, id_settled(&b, &guid, &id), REGISTRY_KNOWN));
	registry_stats(b.registry, &st);
	cr_assert(eq(u64, st.requests, 1));
	finish(&b);
}

Test(registry, nothing_registered_is_an_answer)
{
	struct reply replies[] = {{"/subjects/s-value/versions/latest", 0, 404, NO_SUBJECT, NULL, 0, false}};
	struct registry_version v = {0};
	struct mono_time deadline = mono_after_ms(10000);
	struct bench b;

	START(b, replies);
	while (!registry_latest(b.registry, "s-value", &v) && !mono_passed(deadline))
		nanosleep(&(struct timespec){0, 2000000}, NULL);
	cr_assert(registry_latest(b.registry, "s-value", &v));
	cr_assert(v.version == 0 && v.schema.text == NULL);
	finish(&b);
}

Test(registry, freeing_does_not_wait_for_the_backoff)
{
	struct reply replies[] = {{"/schemas/ids/7", 0, 429, "", "Retry-After: 200\r\n", 0, false}};
	const struct registry_schema *s;
	struct registry_stats st;
	struct bench b;

	START(b, replies);
	registry_schema(b.registry, 7, &s);
	wait_for_failures(&b, 1, &st);
	struct mono_time start = mono_now();
	finish(&b);
	cr_assert(mono_ms_since(start) < 5000);
}

static void *hammer(void *arg)
{
	struct bench *b = arg;
	const struct registry_schema *s;

	for (int32_t id = 1; id <= 50; id++) {
		enum registry_answer a = settled(b, id, &s);

		if (a != (id % 5 ? REGISTRY_KNOWN : REGISTRY_DENIED))
			return arg;
		if (id % 5 && subject_settled(b, id, "t-value") != SUBJECT_YES)
			return arg;
	}
	return NULL;
}

static void answer_all(void *ctx, const struct fake_request *q, struct fake_answer *a)
{
	int id = atoi(q->path + strlen("/schemas/ids/"));

	(void)ctx;
	if (id % 5 == 0) {
		a->status = 404;
		buf_adds(&a->body, NO_SCHEMA);
	} else {
		buf_adds(&a->body, strstr(q->path, "/subjects") ? "[\"t-value\"]" : AVRO);
	}
}

Test(registry, many_threads_many_ids, .timeout = 60)
{
	struct bench b = {.server = fake_start(answer_all, NULL)};
	char *url = b.server->url;
	pthread_t t[4];
	void *failed;

	b.registry = registry_new(&(struct registry_conf){.urls = &url, .nurls = 1, .timeout_ms = 5000}, NULL);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_create(&t[i], NULL, hammer, &b);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		pthread_join(t[i], &failed);
		cr_assert(failed == NULL);
	}
	finish(&b);
}

Test(registry, no_url)
{
	struct error err = ERROR_INIT;

	cr_assert(registry_new(&(struct registry_conf){0}, &err) == NULL);
	cr_assert(strstr(err.text, "schema_registry.url") != NULL, "%s", err.text);
}
