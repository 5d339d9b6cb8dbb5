// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/receivers.h"
#include "deliver/webhook.h"
#include "util/json.h"
#include "util/xalloc.h"

// The table was made by the Python library standardwebhooks (make_vectors.py beside this file).
Test(webhook, signatures_of_the_reference_library)
{
	struct error err = ERROR_INIT;
	json_t *table = json_parse_file(TEST_DATA "/deliver/webhook_vectors.json", &err), *v;
	size_t i;

	cr_assert(table, "%s", err.text);
	cr_assert_geq(json_array_size(table), 9);
	json_array_foreach(table, i, v)
	{
		const char *body = json_get_str(v, "body", NULL);
		char *got = NULL;
		cr_assert_eq(webhook_sign(json_get_str(v, "secret", NULL), json_get_str(v, "id", NULL),
					  json_get_int(v, "timestamp", 0), body, strlen(body), &got, &err),
			     0, "%zu: %s", i, err.text);
		cr_expect_str_eq(got, json_get_str(v, "signature", NULL), "vector %zu", i);
		free(got);
	}
	json_decref(table);
}

Test(webhook, malformed_secrets)
{
	static const char *const bad[] = {"whsec_", "whsec_!!!!", "whsec_a", "whsec_MfKQ MfKQ"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = ERROR_INIT;
		char *got = NULL;
		cr_expect_eq(webhook_sign(bad[i], "id", 1, "x", 1, &got, &err), -1, "%s", bad[i]);
		cr_expect(strstr(err.text, "not base64"), "%s", err.text);
		cr_expect(strlen(bad[i]) < 8 || !strstr(err.text, bad[i] + 6), "the secret is in: %s",
			  err.text);
		free(got);
	}
}

Test(webhook, checks)
{
	static const struct {
		const char *url, *secret;
		int rc;
	} cases[] = {
		{"http://127.0.0.1:1/x", NULL, 0}, {"https://h/x", "", 0},
		{"https://h/x", "raw", 0},	   {"https://h/x", "whsec_AAECAwQFBgc", 0},
		{"https://h/x", "whsec_%", -1},	   {"ftp://h/x", NULL, -1},
		{"hooks.example.com/x", NULL, -1}, {NULL, NULL, -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct receiver_conf r = {
			.name = (char *)"r", .url = (char *)cases[i].url, .secret = (char *)cases[i].secret};
		struct error err = ERROR_INIT;
		cr_expect_eq(webhook_check(&r, &err), cases[i].rc, "case %zu: %s", i, err.text);
	}
}

Test(receivers, table)
{
	cr_expect(receiver_type_find("webhook"));
	cr_expect_null(receiver_type_find("pigeon"));
	cr_expect_null(receiver_type_find(""));
}

Test(receivers, origin_hides_what_may_be_secret)
{
	static const struct {
		const char *url, *origin;
	} cases[] = {
		{"https://hooks.example.com/services/T0/B0/secret", "https://hooks.example.com"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"https://user:pa@ss@h:1/x", "https://h:1"},
		{"https://h?token=secret", "https://h"},
		{"https://h#secret", "https://h"},
		{"http://[::1]:80/x@y", "http://[::1]:80"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct receiver_conf r = {.url = (char *)cases[i].url};
		char *got = receiver_origin(&r);
		cr_expect_str_eq(got, cases[i].origin);
		free(got);
	}
}

Test(receivers, time_out_is_bounded)
{
	cr_expect_eq(receiver_timeout_ms(&(struct receiver_conf){.timeout_ms = 0}), 15000);
	cr_expect_eq(receiver_timeout_ms(&(struct receiver_conf){.timeout_ms = 2000}), 2000);
	cr_expect_eq(receiver_timeout_ms(&(struct receiver_conf){.timeout_ms = 60000}), 15000);
}
