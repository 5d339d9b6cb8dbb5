// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/http.h"
#include "sandbox/printer.h"
#include "sandbox/redis.h"
#include "sandbox/registry_server.h"
#include "util/clock.h"

static struct registry_server *registry;

// "STATUS BODY"; the caller frees.
static char *ask(const char *method, const char *url, const char *const *headers, const char *body)
{
	struct http *h = http_new();
	struct error err = ERROR_INIT;
	struct http_answer a = {.body = BUF_INIT};
	struct http_request q = {.method = method,
				 .url = url,
				 .headers = headers,
				 .body = body,
				 .len = body ? strlen(body) : 0,
				 .timeout_ms = 5000,
				 .max_answer = 1 << 20};
	struct buf out = BUF_INIT;

	cr_assert(eq(int, http_do(h, &q, &a, &err), 0), "%s", err.text);
	buf_addf(&out, "%ld %s", a.status, a.body.data ? a.body.data : "");
	buf_release(&a.body);
	http_free(h);
	return buf_steal(&out);
}

static void expect(const char *method, const char *path, const char *body, const char *want)
{
	char url[200];

	snprintf(url, sizeof url, "%s%s", registry_server_url(registry), path);
	char *got = ask(method, url, NULL, body);
	cr_expect(eq(str, got, (char *)want), "%s %s", method, path);
	free(got);
}

// Answers as the Confluent REST interface documents them.
Test(servers, registry)
{
	struct error err = ERROR_INIT;

	cr_assert(eq(int, http_global_init(&err), 0));
	registry = registry_server_start(&err);
	cr_assert(ne(ptr, registry, NULL), "%s", err.text);
	expect("GET", "/subjects", NULL, "200 []");
	expect("POST", "/subjects/a-value/versions", "{\"schema\":\"\\\"string\\\"\"}", "200 {\"id\":1}");
	expect("POST", "/subjects/a-value/versions",
	       "{\"schema\":\" \\\"string\\\" \",\"schemaType\":\"AVRO\"}", "200 {\"id\":1}");
	expect("POST", "/subjects/b-value/versions", "{\"schema\":\"{\\\"type\\\": \\\"string\\\"}\"}",
	       "200 {\"id\":2}");
	expect("POST", "/subjects/b-value/versions", "{\"schema\":\"\\\"string\\\"\"}", "200 {\"id\":1}");
	expect("GET", "/subjects", NULL, "200 [\"a-value\",\"b-value\"]");
	expect("GET", "/subjects/b-value/versions", NULL, "200 [1,2]");
	expect("GET", "/subjects/b-value/versions/latest", NULL,
	       "200 {\"subject\":\"b-value\",\"version\":2,\"id\":1,\"schema\":\"\\\"string\\\"\"}");
	expect("GET", "/subjects/b-value/versions/1", NULL,
	       "200 {\"subject\":\"b-value\",\"version\":1,\"id\":2,\"schema\":\"{\\\"type\\\": "
	       "\\\"string\\\"}\"}");
	expect("GET", "/schemas/ids/1", NULL, "200 {\"schema\":\"\\\"string\\\"\"}");
	expect("GET", "/schemas/ids/1/schema", NULL, "200 \"string\"");
	expect("GET", "/schemas/ids/1/subjects", NULL, "200 [\"a-value\",\"b-value\"]");
	expect("GET", "/schemas/ids/1/versions", NULL,
	       "200 [{\"subject\":\"a-value\",\"version\":1},{\"subject\":\"b-value\",\"version\":2}]");
	expect("POST", "/subjects/a-value", "{\"schema\":\"\\\"string\\\"\"}",
	       "200 {\"subject\":\"a-value\",\"version\":1,\"id\":1,\"schema\":\"\\\"string\\\"\"}");
	expect("POST", "/subjects/a-value", "{\"schema\":\"\\\"int\\\"\"}",
	       "404 {\"error_code\":40403,\"message\":\"Schema not found\"}");
	expect("POST", "/subjects/c-value", "{\"schema\":\"\\\"string\\\"\"}",
	       "404 {\"error_code\":40401,\"message\":\"Subject not found.\"}");
	expect("GET", "/subjects/c-value/versions", NULL,
	       "404 {\"error_code\":40401,\"message\":\"Subject not found.\"}");
	expect("GET", "/subjects/a-value/versions/2", NULL,
	       "404 {\"error_code\":40402,\"message\":\"Version not found.\"}");
	expect("GET", "/schemas/ids/3", NULL, "404 {\"error_code\":40403,\"message\":\"Schema not found\"}");
	static const char *const bad[] = {
	    "{\"schema\":\"\\\"strin\\\"\"}",
	    "{\"schema\":\"{\"}",
	    "{}",
	    "x",
	    "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"R\\\"}\"}",
	    "{\"schema\":\"\\\"string\\\"\",\"schemaType\":\"JSON\"}",
	    "{\"schema\":\"\\\"string\\\"\",\"references\":[{}]}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char url[200];
		snprintf(url, sizeof url, "%s/subjects/a-value/versions", registry_server_url(registry));
		char *got = ask("POST", url, NULL, bad[i]);
		cr_expect(eq(int, strncmp(got, "422 {\"error_code\":42201,", 24), 0), "%s: %s", bad[i], got);
		free(got);
	}
	cr_expect(eq(int, registry_server_add(registry, "c-value", "\"int\"", &err), 3));
	cr_expect(eq(int, registry_server_add(registry, "c-value", "\"it\"", &err), -1));
	registry_server_stop(registry);
}

static bool gone(pid_t pid)
{
	char path[64], state = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return true;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state == 'Z';
}

static void wait_gone(pid_t pid)
{
	struct mono_time deadline = mono_after_ms(10000);

	while (!gone(pid) && !mono_passed(deadline))
		usleep(10000);
	cr_expect(gone(pid), "redis-server %d is still there", (int)pid);
}

Test(servers, redis_dies_with_its_parent)
{
	char dir[] = "/tmp/kdrift-redis-XXXXXX", command[100];
	struct error err = ERROR_INIT;
	int pipe_fd[2];
	pid_t server = 0;

	cr_assert(ne(ptr, mkdtemp(dir), NULL));
	cr_assert(eq(int, pipe(pipe_fd), 0));
	pid_t parent = fork();
	if (!parent) {
		struct redis_server *r = redis_server_start(dir, &err);
		pid_t pid = r ? redis_server_pid(r) : -1;
		if (write(pipe_fd[1], &pid, sizeof pid) == (ssize_t)sizeof pid)
			pause();
		_exit(1);
	}
	cr_assert(eq(sz, (size_t)read(pipe_fd[0], &server, sizeof server), sizeof server));
	cr_assert(gt(int, server, 0));
	cr_expect(not(gone(server)));
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	wait_gone(server);
	snprintf(command, sizeof command, "rm -r %s", dir);
	cr_expect(eq(int, system(command), 0));
}

Test(servers, redis_answers_and_stops)
{
	char dir[] = "/tmp/kdrift-redis-XXXXXX", command[200];
	struct error err = ERROR_INIT;

	cr_assert(ne(ptr, mkdtemp(dir), NULL));
	struct redis_server *r = redis_server_start(dir, &err);
	cr_assert(ne(ptr, r, NULL), "%s", err.text);
	int port = 0;
	cr_assert(eq(int, sscanf(redis_server_url(r), "redis://127.0.0.1:%d/0", &port), 1));
	snprintf(command, sizeof command, "redis-cli -p %d config get appendonly | grep -qx yes", port);
	cr_expect(eq(int, system(command), 0));
	pid_t pid = redis_server_pid(r);
	redis_server_stop(r);
	wait_gone(pid);
	cr_expect(eq(ptr, redis_server_start("/nonexistent", &err), NULL));
	cr_expect(err.set);
	snprintf(command, sizeof command, "rm -r %s", dir);
	cr_expect(eq(int, system(command), 0));
}

static int messages;

static void count(void *ctx, const json_t *message)
{
	(void)ctx;
	messages += json_is_object(json_object_get(message, "data"));
}

// Secret, body and signature are from the Python package standardwebhooks.
static const char secret[] = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tr";
static const char digest[] =
    "{\"type\":\"kdrift.digest\",\"timestamp\":\"1997-05-12T00:00:00Z\",\"data\":{\"tier\":\"weekly\","
    "\"from\":"
    "\"1997-05-05T00:00:00Z\",\"to\":\"1997-05-12T00:00:00Z\",\"streams\":[{\"stream\":\"s\",\"records\":336,"
    "\"violations\":2}],\"pages\":[{\"status\":\"firing\",\"alert\":\"WeeklyDrift\",\"stream\":\"s\","
    "\"starts_at\":"
    "\"1997-05-05T06:00:00Z\",\"summary\":\"It drifts.\",\"items\":[{\"field\":\"vicprice\",\"slice\":\"\","
    "\"measure\":\"drift\",\"value\":12.25,\"threshold\":4,\"n_current\":336}]}]}}";

Test(servers, printer)
{
	static const char *const good[] = {
	    "webhook-id: msg_1", "webhook-timestamp: 1700000000",
	    "webhook-signature: v1,AAAA v1,/Kf3ImJ514PfyYltE3V2JYNJAIb5a9wFwXfdSQpQ/eY=", NULL};
	static const char *const bad[] = {
	    "webhook-id: msg_2", "webhook-timestamp: 1700000000",
	    "webhook-signature: v1,/Kf3ImJ514PfyYltE3V2JYNJAIb5a9wFwXfdSQpQ/eY=", NULL};
	struct error err = ERROR_INIT;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert(eq(int, http_global_init(&err), 0));
	struct printer *p = printer_start(out, false, secret, count, NULL, &err);
	cr_assert(ne(ptr, p, NULL), "%s", err.text);
	static const struct {
		const char *const *headers;
		const char *want;
	} turns[] = {{good, "200 "}, {good, "200 "}, {bad, "401 "}, {bad + 1, "400 "}};
	for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
		char *got = ask("POST", printer_url(p), turns[i].headers, digest);
		cr_expect(eq(str, got, (char *)turns[i].want), "turn %zu", i);
		free(got);
	}
	printer_say(p, "said %d", 1);
	printer_stop(p);
	fclose(out);
	cr_expect(eq(int, messages, 1));
	cr_expect(eq(str, text,
		     (char *)"weekly digest  1997-05-05 to 1997-05-12: 336 records, 2 violations, 1 alert\n"
			     "    FIRING    WeeklyDrift on s, since 1997-05-05 06:00\n"
			     "        It drifts.\n"
			     "        vicprice   drift 12.25 (threshold 4, 336 records)\n"
			     "said 1\n"));
	free(text);
}
