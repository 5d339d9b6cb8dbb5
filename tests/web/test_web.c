// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "util/xalloc.h"
#include "web/metrics.h"
#include "web/web.h"

struct app {
	const char *not_ready, *refuse;
	bool silent;
	atomic_int reloads;
};

static json_t *app_status(void *ctx)
{
	struct app *a = ctx;

	return a->silent ? NULL
			 : json_pack("{s:b, s:[{s:s, s:s}]}", "store_up", 1, "streams", "name", "<b>&x",
				     "state", "ok");
}

static json_t *app_baselines(void *ctx, const char *hash)
{
	(void)ctx;
	return *hash && strcmp(hash, "abc") != 0 ? NULL : json_pack("{s:s}", "asked", hash);
}

static json_t *app_alerts(void *ctx)
{
	struct app *a = ctx;

	return a->silent ? NULL : json_pack("[{s:s}]", "rule", "SchemaViolations");
}

static void app_metrics(void *ctx, struct buf *out)
{
	struct metrics_writer w;

	(void)ctx;
	metrics_begin(&w, out);
	metrics_add(&w, METRIC_STORE_UP, 1, NULL);
}

static bool app_ready(void *ctx, char *why, size_t n)
{
	struct app *a = ctx;

	if (a->not_ready)
		snprintf(why, n, "%s", a->not_ready);
	return !a->not_ready;
}

static int app_reload(void *ctx, struct error *err)
{
	struct app *a = ctx;

	a->reloads++;
	return a->refuse ? error_set(err, "%s", a->refuse) : 0;
}

static struct web *start(struct app *app, const char *listen, const char *token)
{
	const struct web_port port = {app, app_status, app_alerts, app_baselines, app_metrics, app_ready, app_reload};
	struct error err = ERROR_INIT;
	struct web *w = web_start(listen, token, &port, &err);

	cr_assert(w, "%s", err.text);
	return w;
}

static void expect(struct answer a, int status, const char *type, const char *in_body)
{
	cr_assert_eq(a.status, status, "%d instead of %d: %s", a.status, status,
		     a.body ? a.body : "(nothing)");
	cr_expect(strstr(a.head, type), "%s is not in %s", type, a.head);
	cr_expect(strstr(a.body, in_body), "%s is not in %s", in_body, a.body);
	answer_release(&a);
}

#define JSON "Content-Type: application/json"

Test(web, endpoints)
{
	struct app app = {0};
	struct web *w = start(&app, "127.0.0.1:0", NULL);
	int port = web_bound_port(w);

	cr_assert_gt(port, 0);
	expect(get(port, "/"), 200, "Content-Type: text/html; charset=utf-8", "&lt;b&gt;&amp;x");
	expect(get(port, "/metrics"), 200, "Content-Type: text/plain; version=0.0.4",
	       "\nkdrift_store_up 1\n");
	expect(get(port, "/-/healthy"), 200, JSON, "{\"status\":\"alive\"}");
	expect(get(port, "/-/ready"), 200, JSON, "{\"status\":\"ready\"}");
	expect(get(port, "/api/v1/status"), 200, JSON, "\"name\":\"<b>&x\"");
	expect(get(port, "/api/v1/alerts?x=1"), 200, JSON, "[{\"rule\":\"SchemaViolations\"}]");
	expect(get(port, "/api/v1/baselines"), 200, JSON, "{\"asked\":\"\"}");
	expect(get(port, "/api/v1/baselines/abc"), 200, JSON, "{\"asked\":\"abc\"}");
	expect(get(port, "/api/v1/baselines/abd"), 404, JSON, "no stream has a baseline of this hash");
	expect(get(port, "/api/v1/baselinesabc"), 404, JSON, "error");
	expect(get(port, "/nothing"), 404, JSON, "{\"error\":");
	expect(get(port, "/api/v1/status/"), 404, JSON, "{\"error\":");
	web_stop(w);
}

Test(web, not_ready_says_why_and_stays_healthy)
{
	struct app app = {.not_ready = "Redis: \"connection refused\"", .silent = true};
	struct web *w = start(&app, "127.0.0.1:0", NULL);
	int port = web_bound_port(w);

	expect(get(port, "/-/ready"), 503, JSON, "\"reason\":\"Redis: \\\"connection refused\\\"\"");
	expect(get(port, "/-/healthy"), 200, JSON, "alive");
	expect(get(port, "/api/v1/status"), 503, JSON, "error");
	expect(get(port, "/api/v1/alerts"), 503, JSON, "error");
	expect(get(port, "/"), 200, "text/html", "Nothing is known yet");
	web_stop(w);
}

Test(web, methods)
{
	static const struct {
		const char *method, *path, *allow;
	} cases[] = {
		{"POST", "/", "Allow: GET, HEAD"},
		{"DELETE", "/metrics", "Allow: GET, HEAD"},
		{"PUT", "/api/v1/status", "Allow: GET, HEAD"},
		{"GET", "/-/reload", "Allow: POST"},
		{"HEAD", "/-/reload", "Allow: POST"},
	};
	struct app app = {0};
	struct web *w = start(&app, "127.0.0.1:0", NULL);
	int port = web_bound_port(w);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect(ask(port, NULL, cases[i].method, cases[i].path, NULL, NULL), 405, cases[i].allow, "");
	struct answer a = ask(port, NULL, "HEAD", "/-/healthy", NULL, NULL);
	cr_expect_eq(a.status, 200);
	cr_expect_str_eq(a.body, "");
	answer_release(&a);
	cr_expect_eq(app.reloads, 0);
	web_stop(w);
}

Test(web, security_headers_on_every_answer)
{
	static const char *const paths[] = {"/", "/metrics", "/api/v1/status", "/nothing"};
	struct app app = {0};
	struct web *w = start(&app, "127.0.0.1:0", NULL);

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct answer a = get(web_bound_port(w), paths[i]);
		cr_expect(strstr(a.head, "X-Content-Type-Options: nosniff"));
		cr_expect(strstr(
			a.head,
			"Content-Security-Policy: default-src 'self'; style-src 'self' 'unsafe-inline';"));
		cr_expect(strstr(a.head, "Cache-Control: no-store"));
		answer_release(&a);
	}
	web_stop(w);
}

Test(web, reload_without_a_token)
{
	struct app app = {0};
	struct web *w = start(&app, ":0", NULL);
	int port = web_bound_port(w);

	expect(ask(port, NULL, "POST", "/-/reload", NULL, ""), 200, JSON, "reloading");
	expect(ask(port, NULL, "POST", "/-/reload", NULL, "a body that nobody reads"), 200, JSON,
	       "reloading");
	cr_expect_eq(app.reloads, 2);
	expect(ask(port, NULL, "POST", "/-/reload", "X-Forwarded-For: 203.0.113.9\r\n", ""), 403, JSON,
	       "this machine only");
	expect(ask(port, NULL, "POST", "/-/reload", "Origin: https://evil.example\r\n", ""), 403, JSON,
	       "browser");
	cr_expect_eq(app.reloads, 2);
	app.refuse = "kdrift.yaml:3: unknown key \"strems\"; did you mean \"streams\"?";
	expect(ask(port, NULL, "POST", "/-/reload", NULL, ""), 400, JSON, "kdrift.yaml:3: unknown key");
	web_stop(w);
}

// An address of this machine that is not of its loopback; NULL where there is none.
static const char *outer_address(char *out, socklen_t n)
{
	struct ifaddrs *all, *i;
	const char *found = NULL;

	if (getifaddrs(&all) < 0)
		return NULL;
	for (i = all; i && !found; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET && !(i->ifa_flags & IFF_LOOPBACK))
			found = inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, out, n);
	freeifaddrs(all);
	return found;
}

Test(web, reload_without_a_token_from_elsewhere)
{
	char address[INET_ADDRSTRLEN];
	struct app app = {0};

	if (!outer_address(address, sizeof address)) {
		cr_skip_test("this machine has no address but its loopback");
		return;
	}
	struct web *w = start(&app, "0.0.0.0:0", NULL);
	expect(ask(web_bound_port(w), address, "POST", "/-/reload", NULL, ""), 403, JSON,
	       "this machine only");
	expect(ask(web_bound_port(w), address, "GET", "/-/healthy", NULL, NULL), 200, JSON, "alive");
	cr_expect_eq(app.reloads, 0);
	web_stop(w);
}

Test(web, reload_with_a_token)
{
	static const struct {
		const char *head;
		int status;
	} cases[] = {
		{NULL, 401},
		{"Authorization: Bearer \r\n", 401},
		{"Authorization: Bearer s3cre\r\n", 401},
		{"Authorization: Bearer s3cret!\r\n", 401},
		{"Authorization: Bearer s3creT\r\n", 401},
		{"Authorization: Bearer s3crets3cret\r\n", 401},
		{"Authorization: Basic s3cret\r\n", 401},
		{"Authorization: Bearer s3cret\r\n", 200},
		{"Authorization: bearer s3cret\r\nX-Forwarded-For: 203.0.113.9\r\n", 200},
	};
	struct app app = {0};
	struct web *w = start(&app, "127.0.0.1:0", "s3cret");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a = ask(web_bound_port(w), NULL, "POST", "/-/reload", cases[i].head, "");
		cr_expect_eq(a.status, cases[i].status, "case %zu: %d", i, a.status);
		cr_expect(a.status != 401 || strstr(a.head, "WWW-Authenticate: Bearer"));
		answer_release(&a);
	}
	cr_expect_eq(app.reloads, 2);
	web_stop(w);
}

Test(web, busy_port)
{
	struct app app = {0};
	struct web *w = start(&app, "127.0.0.1:0", NULL);
	const struct web_port port = {&app, app_status, app_alerts, app_baselines, app_metrics, app_ready, app_reload};
	char *listen = xasprintf("127.0.0.1:%d", web_bound_port(w));
	struct error err = ERROR_INIT;

	cr_assert_null(web_start(listen, NULL, &port, &err));
	cr_expect(strstr(err.text, listen) && strstr(err.text, "the port is busy"), "%s", err.text);
	free(listen);
	web_stop(w);
}

Test(web, bad_listen)
{
	static const char *const bad[] = {
		"9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", "::1:9464"};
	const struct web_port port = {0};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = ERROR_INIT;
		cr_assert_null(web_start(bad[i], NULL, &port, &err));
		cr_expect(strstr(err.text, "not HOST:PORT"), "%s: %s", bad[i], err.text);
	}
}

static void *hammer(void *arg)
{
	long ok = 0;

	for (int i = 0; i < 50; i++) {
		struct answer a = get(*(int *)arg, i % 2 ? "/" : "/metrics");
		ok += a.status == 200;
		answer_release(&a);
	}
	return (void *)ok;
}

Test(web, many_at_once)
{
	struct app app = {0};
	struct web *w = start(&app, "127.0.0.1:0", NULL);
	int port = web_bound_port(w);
	pthread_t threads[8];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_create(&threads[i], NULL, hammer, &port);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *ok;
		pthread_join(threads[i], &ok);
		cr_expect_eq((long)ok, 50);
	}
	web_stop(w);
}
