// SPDX-License-Identifier: Apache-2.0
// Where the baseline before is found, on a real redis-server.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../store/redis.h"
#include "app/before.h"
#include "util/xalloc.h"

static struct test_redis redis;
static struct error err;
static struct store *store;
static struct baseline *old_one, *new_one, *alike;
static char file[100];

static struct baseline *make(double scale)
{
	struct baseline_builder *b = baseline_builder_new("s", false);

	for (int i = 0; i < 1000; i++) {
		baseline_builder_row(b, i, -1);
		baseline_builder_number(b, "a", FIELD_NUMERIC, i == 500 ? 3.5 : scale * (i * 7919 % 1000));
	}
	struct baseline *out = baseline_builder_finish(b, json_object(), &err);
	cr_assert(out, "%s", err.text);
	cr_assert_eq(baseline_save(out, file, &err), 0, "%s", err.text);
	return out;
}

static void start(void)
{
	const struct store_conf conf = {.prefix = "t", .timeout_ms = 5000, .url = redis.url};

	test_redis_start(&redis);
	err = (struct error)ERROR_INIT;
	cr_assert((store = store_new(&conf, &err)), "%s", err.text);
	snprintf(file, sizeof file, "%s/old.json", redis.dir);
	alike = make(1);
	new_one = make(2);
	old_one = make(1); // its file is what is left
}

static void stop(void)
{
	baseline_free(old_one);
	baseline_free(new_one);
	baseline_free(alike);
	store_free(store);
	test_redis_stop(&redis);
}

TestSuite(before, .init = start, .fini = stop, .timeout = 60);

static void cli(const char *format, const char *text)
{
	char *command = xasprintf(format, text);

	free(test_redis_cli(&redis, command));
	free(command);
}

static void in_force(const char *hash)
{
	char *text = xasprintf("{\"hash\":\"%s\",\"file\":\"%s\"}", hash, file);

	cli("del t:doc:baseline", "");
	cr_assert_eq(store_doc_add(store, "baseline", "s", text, strlen(text), &err), 0, "%s", err.text);
	free(text);
}

static void expect(const struct baseline *own, const char *known, int found, const char *what)
{
	struct baseline *b = NULL;
	int rc = before_look(store, "s", own, known, &b, &err);

	cr_expect_eq(rc, found, "%s: %d %s", what, rc, err.text);
	cr_expect_eq(b != NULL, found == 1, "%s", what);
	cr_expect(!b || !strcmp(b->hash, old_one->hash), "%s", what);
	baseline_free(b);
}

Test(before, is_found_in_its_file_and_from_then_on_in_the_store)
{
	char *text;
	size_t n;

	expect(new_one, "", 0, "nobody judged yet");
	in_force(new_one->hash);
	expect(new_one, "", 0, "its own");
	in_force(old_one->hash);
	expect(new_one, "", 1, "the file");
	expect(new_one, old_one->hash, 2, "known");
	unlink(file);
	expect(new_one, "", 1, "the copy");
	expect(alike, "", 0, "the same content");
	cli("del t:doc:baseline_copy", "");
	expect(new_one, "", 0, "neither");
	cr_expect_eq(baseline_save(new_one, file, &err), 0);
	expect(new_one, "", 0, "the file is another one by now");
	cr_expect(!store_doc(store, "baseline_copy", old_one->hash, &text, &n, &err) && !text);
	cr_expect_eq(baseline_save(old_one, file, &err), 0);
	cli("hset t:doc:baseline_copy \"s %s\" damaged", old_one->hash);
	expect(new_one, "", 1, "the copy is damaged");
	test_redis_kill(&redis);
	expect(new_one, "", -1, "the store is away");
}
