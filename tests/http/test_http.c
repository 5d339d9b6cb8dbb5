// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <time.h>

#include "fake_server.h"
#include "http/http.h"

struct seen {
	struct fake_request q;
	char headers[2048], body[256];
	struct fake_answer give; // body as text in give_body
	const char *give_body;
	size_t fill; // a body of so many bytes instead
};

static void answer(void *ctx, const struct fake_request *q, struct fake_answer *a)
{
	struct seen *s = ctx;

	s->q = *q;
	snprintf(s->headers, sizeof s->headers, "%s", q->headers);
	snprintf(s->body, sizeof s->body, "%s", q->body);
	*a = s->give;
	buf_init(&a->body);
	if (s->give_body)
		buf_adds(&a->body, s->give_body);
	for (size_t i = 0; i < s->fill; i++)
		buf_addc(&a->body, 'x');
}

static int fetch(const struct fake_server *s, const char *path, const struct http_request *like, struct http_answer *out,
		 struct error *err)
{
	struct http *h = http_new();
	struct http_request req = *like;
	char *url = xasprintf("%s%s", s->url, path);

	req.url = url;
	if (!req.method)
		req.method = "GET";
	if (!req.timeout_ms)
		req.timeout_ms = 5000;
	if (!req.max_answer)
		req.max_answer = 1000;
	int rc = http_do(h, &req, out, err);
	http_free(h);
	free(url);
	return rc;
}

Test(http, get)
{
	struct seen seen = {.give = {.status = 200, .headers = "Content-Type: application/json\r\n"}, .give_body = "{}"};
	struct fake_server *s = fake_start(answer, &seen);
	const char *headers[] = {"Accept: a/b", "X-Two: 2", NULL};
	struct error err = ERROR_INIT;
	struct http_answer got;

	cr_assert(zero(int, fetch(s, "/x/y?z=1", &(struct http_request){.headers = headers, .user = "u", .password = "p:w"},
				  &got, &err)),
		  "%s", err.text);
	cr_assert(eq(long, got.status, 200));
	cr_assert(eq(str, got.body.data, (char *)(uintptr_t) "{}"));
	cr_assert(eq(str, got.content_type, (char *)(uintptr_t) "application/json"));
	cr_assert(eq(i64, got.retry_after_s, -1));
	cr_assert(eq(str, seen.q.path, (char *)(uintptr_t) "/x/y?z=1"));
	cr_assert(strstr(seen.headers, "Accept: a/b") && strstr(seen.headers, "X-Two: 2"));
	cr_assert(strstr(seen.headers, "Authorization: Basic dTpwOnc=") != NULL, "%s", seen.headers);
	buf_release(&got.body);
	fake_stop(s);
}

Test(http, post_and_put_carry_their_body)
{
	struct seen seen = {.give = {.status = 202, .headers = ""}};
	struct fake_server *s = fake_start(answer, &seen);
	static const char *const methods[] = {"POST", "PUT"};
	const char *headers[] = {"Content-Type: text/x", NULL};

	for (size_t i = 0; i < 2; i++) {
		struct error err = ERROR_INIT;
		struct http_answer got;
		struct http_request req = {.method = methods[i], .headers = headers, .body = "hello", .len = 5};

		cr_assert(zero(int, fetch(s, "/", &req, &got, &err)), "%s", err.text);
		cr_assert(eq(long, got.status, 202));
		cr_assert(eq(str, seen.q.method, (char *)(uintptr_t)methods[i]));
		cr_assert(eq(str, seen.body, (char *)(uintptr_t) "hello"));
		cr_assert(strstr(seen.headers, "text/x") && !strstr(seen.headers, "urlencoded"));
		buf_release(&got.body);
	}
	fake_stop(s);
}

Test(http, a_handle_serves_many_requests)
{
	struct seen seen = {.give = {.status = 200, .headers = ""}, .give_body = "x"};
	struct fake_server *s = fake_start(answer, &seen);
	struct http *h = http_new();

	for (int i = 0; i < 4; i++) {
		struct error err = ERROR_INIT;
		struct http_answer got;
		struct http_request req = {.method = i % 2 ? "POST" : "GET", .url = s->url, .timeout_ms = 5000, .max_answer = 9,
					   .body = i % 2 ? "b" : NULL, .len = i % 2};

		cr_assert(zero(int, http_do(h, &req, &got, &err)), "%s", err.text);
		cr_assert(eq(str, seen.q.method, (char *)(uintptr_t)req.method));
		cr_assert(eq(str, seen.body, (char *)(uintptr_t)(i % 2 ? "b" : ""))); // nothing stays from the one before
		buf_release(&got.body);
	}
	http_free(h);
	fake_stop(s);
}

Test(http, redirects_are_answers)
{
	struct seen seen = {.give = {.status = 302, .headers = "Location: /elsewhere\r\n"}};
	struct fake_server *s = fake_start(answer, &seen);
	struct error err = ERROR_INIT;
	struct http_answer got;

	cr_assert(zero(int, fetch(s, "/", &(struct http_request){0}, &got, &err)));
	cr_assert(eq(long, got.status, 302));
	cr_assert(eq(u32, atomic_load(&s->requests), 1));
	buf_release(&got.body);
	fake_stop(s);
}

Test(http, retry_after)
{
	time_t at = time(NULL) + 90;
	struct tm tm;
	char date[80];

	gmtime_r(&at, &tm);
	strftime(date, sizeof date, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	const struct {
		const char *header;
		int64_t least, most;
	} cases[] = {
		{"Retry-After: 7\r\n", 7, 7}, {"retry-after: 0\r\n", 0, 0}, {date, 80, 90},
		{"Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", 0, 0}, {"Retry-After: soon\r\n", -1, -1}, {"", -1, -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct seen seen = {.give = {.status = 429, .headers = cases[i].header}};
		struct fake_server *s = fake_start(answer, &seen);
		struct error err = ERROR_INIT;
		struct http_answer got;

		cr_assert(zero(int, fetch(s, "/", &(struct http_request){0}, &got, &err)));
		cr_assert(got.retry_after_s >= cases[i].least && got.retry_after_s <= cases[i].most, "case %zu: %lld", i,
			  (long long)got.retry_after_s);
		buf_release(&got.body);
		fake_stop(s);
	}
}

Test(http, answers_are_bounded)
{
	struct seen seen = {.give = {.status = 200, .headers = ""}, .fill = 1000};
	struct fake_server *s = fake_start(answer, &seen);
	struct error err = ERROR_INIT;
	struct http_answer got;

	cr_assert(zero(int, fetch(s, "/", &(struct http_request){0}, &got, &err)), "%s", err.text);
	cr_assert(eq(sz, got.body.len, 1000));
	buf_release(&got.body);
	seen.fill = 1001;
	cr_assert(eq(int, fetch(s, "/", &(struct http_request){0}, &got, &err), -1));
	cr_assert(strstr(err.text, "more than 1000 bytes") != NULL, "%s", err.text);
	fake_stop(s);
}

Test(http, time_out)
{
	struct seen seen = {.give = {.status = 200, .headers = "", .delay_ms = 60000}};
	struct fake_server *s = fake_start(answer, &seen);
	struct error err = ERROR_INIT;
	struct http_answer got;
	struct mono_time start = mono_now();

	cr_assert(eq(int, fetch(s, "/", &(struct http_request){.timeout_ms = 150}, &got, &err), -1));
	cr_assert(mono_ms_since(start) < 20000);
	cr_assert(strstr(err.text, "timed out") != NULL, "%s", err.text);
	fake_stop(s);
}

Test(http, errors_name_the_host_and_hide_secrets)
{
	static const struct {
		const char *url, *says;
	} cases[] = {
		{"http://bob:hunter2@127.0.0.1:1/services/T0/hunter2?token=hunter2", "GET http://127.0.0.1:1: "},
		{"ftp://127.0.0.1/hunter2", "GET ftp://127.0.0.1: Protocol"},
		{"file:///hunter2", "not a URL"},
		{"http://", "not a URL"},
		{"", "not a URL"},
	};
	struct http *h = http_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = ERROR_INIT;
		struct http_answer got;
		struct http_request req = {.method = "GET", .url = cases[i].url, .timeout_ms = 2000, .max_answer = 10};

		cr_assert(eq(int, http_do(h, &req, &got, &err), -1), "%s", cases[i].url);
		cr_assert(strstr(err.text, cases[i].says) != NULL, "%s", err.text);
		cr_assert(strstr(err.text, "hunter2") == NULL, "%s", err.text);
	}
	http_free(h);
}

Test(http, proxies_are_not_asked_for_loopback)
{
	struct seen seen = {.give = {.status = 200, .headers = ""}, .give_body = "direct"};
	struct seen proxied = {.give = {.status = 200, .headers = ""}, .give_body = "proxy"};
	struct fake_server *s = fake_start(answer, &seen), *proxy = fake_start(answer, &proxied);
	struct error err = ERROR_INIT;
	struct http_answer got;

	setenv("http_proxy", proxy->url, 1);
	cr_assert(zero(int, fetch(s, "/", &(struct http_request){0}, &got, &err)), "%s", err.text);
	cr_assert(eq(str, got.body.data, (char *)(uintptr_t) "direct"));
	buf_release(&got.body);
	struct http *h = http_new();
	struct http_request req = {.method = "GET", .url = "http://registry.invalid/", .timeout_ms = 5000, .max_answer = 99};
	cr_assert(zero(int, http_do(h, &req, &got, &err)), "%s", err.text); // elsewhere it is
	cr_assert(eq(str, got.body.data, (char *)(uintptr_t) "proxy"));
	buf_release(&got.body);
	http_free(h);
	fake_stop(s);
	fake_stop(proxy);
}

Test(http, a_connection_cut_off)
{
	struct seen seen = {.give = {.hang_up = true, .headers = ""}};
	struct fake_server *s = fake_start(answer, &seen);
	struct error err = ERROR_INIT;
	struct http_answer got;

	cr_assert(eq(int, fetch(s, "/", &(struct http_request){0}, &got, &err), -1));
	cr_assert(strncmp(err.text, "GET http://127.0.0.1:", 21) == 0, "%s", err.text);
	fake_stop(s);
}
