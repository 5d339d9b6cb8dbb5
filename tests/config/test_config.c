// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/report.h"
#include "util/xalloc.h"

#define CONTRACT SOURCE_DIR "/tests/config/contract"

static char *said; // the problems of the last load

static struct config *load(const char *path)
{
	struct config_problems p = {0};
	struct buf text = BUF_INIT;
	struct config *c = config_load(path, &p);

	problems_text(&p, &text);
	free(said);
	said = buf_steal(&text);
	config_problems_release(&p);
	return c;
}

static struct config *must_load(const char *path)
{
	struct config *c = load(path);

	cr_assert(c != NULL, "%s", said);
	return c;
}

static void forget(struct config *c)
{
	config_free(c);
	free(said);
	said = NULL;
}

// --- files made by a test ---------------------------------------------------------------------------------

static char dir[64];

static void put(const char *name, const char *text)
{
	char file[256];

	if (!*dir) {
		strcpy(dir, "/tmp/kd-config-XXXXXX");
		cr_assert(mkdtemp(dir) != NULL);
		snprintf(file, sizeof file, "%s/alerts", dir);
		cr_assert(mkdir(file, 0700) == 0);
	}
	snprintf(file, sizeof file, "%s/%s", dir, name);
	FILE *f = fopen(file, "w");
	cr_assert(f != NULL);
	fputs(text, f);
	fclose(f);
}

static const char *path_of(const char *name)
{
	static char file[256];

	snprintf(file, sizeof file, "%s/%s", dir, name);
	return file;
}

static void clean(void)
{
	char command[128];

	if (!*dir)
		return;
	snprintf(command, sizeof command, "rm -rf %s", dir);
	cr_assert(system(command) == 0);
}

#define SERVERS "kafka: {bootstrap.servers: b}\nschema_registry: {url: http://r}\n"
#define ONE_STREAM                                                                                           \
	SERVERS "streams:\n  - {name: my-clicks, topic: c, role: features, owner: x, fields: {amount: "      \
		"{range: [0, 1]}}}\n"

// --- the registry's token and TLS ---------------------------------------------------------------------------

Test(config, registry_token_and_tls, .fini = clean)
{
	struct config_problems p = {0};
	struct config *c;

	put("ca.pem", "x");
	put("token", "eyJ.abc\n");
	put("kdrift.yaml",
		   "kafka: {bootstrap.servers: b}\n"
		   "schema_registry: {url: https://r, bearer_token_file: token, tls: {ca_file: ca.pem, cert_file: ca.pem}}\n"
		   "streams: [{name: c, topic: c, role: features}]\n");
	setenv("KDRIFT_SCHEMA_REGISTRY_TLS_KEY_FILE", path_of("token"), 1);
	c = config_load(path_of("kdrift.yaml"), &p);
	unsetenv("KDRIFT_SCHEMA_REGISTRY_TLS_KEY_FILE");
	cr_assert(c != NULL, "%s", p.n ? p.items[0].text : "");
	cr_expect_str_eq(c->registry_token, "eyJ.abc");
	cr_expect_str_eq(c->registry_ca_file, path_of("ca.pem")); // beside the file that names it
	cr_expect_str_eq(c->registry_cert_file, path_of("ca.pem"));
	cr_expect_str_eq(c->registry_key_file, path_of("token"));
	config_free(c);
	config_problems_release(&p);
}

// --- the contract's example -------------------------------------------------------------------------------

static void check_contract(const struct config *c)
{
	const struct stream_conf *s = config_stream(c, "payments-features");
	const struct field_conf *f;

	cr_expect_str_eq(c->bootstrap_servers, "b1:9092,b2:9092");
	cr_expect_str_eq(c->group_id, "kdrift");
	cr_assert_eq(c->nkafka, 1);
	cr_expect_str_eq(c->kafka[0].name, "bootstrap.servers");
	cr_expect_str_eq(c->kafka[0].value, "b1:9092,b2:9092");
	cr_assert_eq(c->nregistry_urls, 1);
	cr_expect_str_eq(c->registry_urls[0], "http://r1:8081");
	cr_expect_str_eq(c->registry_user, "u");
	cr_expect_str_eq(c->registry_password, "registry-password");
	cr_expect_eq(c->registry_timeout_ms, 5000);
	cr_expect_str_eq(c->redis_url, "redis://localhost:6379/0");
	cr_expect_str_eq(c->prefix, "kdrift");
	cr_expect_not(c->redis_allow_eviction);
	cr_expect_str_eq(c->http_listen, "127.0.0.1:9464");
	cr_expect_str_eq(c->http_token, "registry-password");
	cr_expect(c->measure_metrics);
	cr_expect_eq(c->workers, 2);
	cr_expect_eq(c->checkpoint_ms, 1000);

	cr_assert(s != NULL);
	cr_expect_str_eq(s->topic, "payments.features");
	cr_expect_not(s->is_regex);
	cr_expect_eq(s->role, ROLE_FEATURES);
	cr_expect_str_eq(s->event_time, "ts");
	cr_assert_eq(s->nslice_by, 2);
	cr_expect_str_eq(s->slice_by[0], "model_version");
	cr_expect_str_eq(s->slice_by[1], "region");
	cr_expect_eq(s->max_slices, 100);
	cr_expect_str_eq(s->owner, "team-payments");
	cr_assert_eq(s->ndepends_on, 1);
	cr_expect_str_eq(s->depends_on[0], "payments-raw");
	cr_expect_eq(s->window_ms, 3600000);
	cr_expect_eq(s->slide_ms, 60000);
	cr_expect_eq(s->lateness_ms, 30000);
	cr_expect_eq(s->max_future_ms, 0);
	cr_expect_eq(s->start, START_EARLIEST);
	cr_expect_str_eq(s->baseline, CONTRACT "/baselines/payments-features.json");
	cr_expect_str_eq(s->contract_schema, CONTRACT "/schemas/payments-features.avsc");
	cr_expect_str_eq(s->compatibility, "BACKWARD");
	cr_expect_eq(s->pane_ms, 60000);

	cr_assert_eq(s->nfields, 4);
	f = &s->fields[0];
	cr_expect_str_eq(f->path, "amount");
	cr_expect(f->type == FIELD_TYPES && f->has_range && f->range_min == 0 && f->range_max == 1e6);
	f = &s->fields[1];
	cr_assert_eq(f->nallowed, 2);
	cr_expect(f->type == FIELD_CATEGORICAL && !strcmp(f->allowed[0], "EUR") &&
		  !strcmp(f->allowed[1], "USD"));
	f = &s->fields[2];
	cr_expect(f->type == FIELD_TEXT && f->not_null && !strcmp(f->pattern, "^[^@]+@[^@]+$"));
	cr_expect(s->fields[3].type == FIELD_NONE && !strcmp(s->fields[3].path, "user_id"));
	cr_expect_str_eq(s->dead_letter_topic, "payments.features.invalid");
	cr_expect_eq(s->dead_letter_max_ratio, 0.01);
	cr_expect_eq(s->dead_letter_max_consecutive, 1000);
}

static void check_contract_alerts(const struct config *c)
{
	const struct rule *r = c->rules;
	const struct digest_conf *weekly = &c->digests[TIER_WEEKLY], *daily = &c->digests[TIER_DAILY];

	cr_assert_eq(c->nrules, 1);
	cr_expect_str_eq(r->name, "SchemaViolations");
	cr_expect_eq(r->tier, TIER_IMMEDIATE);
	cr_expect_str_eq(r->stream, "*");
	cr_expect_null(r->field);
	cr_expect_str_eq(r->measure->name, "violation_ratio");
	cr_expect(r->has_above && !r->has_below && r->above == 0.01 && !r->has_clear);
	cr_expect_eq(r->over_ms, 300000);
	cr_expect_eq(r->for_ms, 60000);
	cr_expect_eq(r->min_records, 100);
	cr_expect_str_eq(r->owner, "team-payments");
	cr_expect_str_eq(r->runbook, "https://example.com/runbooks/schema");
	// The PagerDuty receiver is not served, so nothing may be owed to it.
	cr_assert_eq(c->nreceivers, 1);
	cr_expect_str_eq(c->receivers[0].name, "team");
	cr_expect_str_eq(c->receivers[0].type, "webhook");
	cr_expect_str_eq(c->receivers[0].url, "https://hooks.example.com/kdrift");
	cr_expect_str_eq(c->receivers[0].secret, "team-secret-file-content-of-40-characters");
	cr_expect_eq(c->receivers[0].timeout_ms, 15000);
	for (int t = 0; t < TIERS; t++) {
		cr_assert_eq(c->nroutes[t], 1);
		cr_expect_str_eq(c->routes[t][0], "team");
	}
	cr_expect(daily->weekday == -1 && daily->hour == 9 && daily->minute == 0);
	cr_expect(weekly->weekday == 1 && weekly->hour == 9 && weekly->minute == 0);
	cr_expect_str_eq(daily->timezone, "Europe/Berlin");
	cr_expect_str_eq(weekly->timezone, "Europe/Berlin");
}

Test(config, the_contract_parses_as_is)
{
	struct config *c = must_load(CONTRACT "/kdrift.yaml");

	check_contract(c);
	check_contract_alerts(c);
	cr_expect_str_eq(
	    said, CONTRACT
	    "/kdrift.yaml:15: warning: streams[0].depends_on: is not supported by this version "
	    "and has no effect\n" CONTRACT
	    "/alerts/receivers.yaml:2: warning: receivers[0].pagerduty: is not "
	    "supported by this version and has no effect\n");
	forget(c);
}

Test(config, a_name_in_the_working_directory)
{
	cr_assert(chdir(CONTRACT) == 0);
	struct config *c = must_load("kdrift.yaml");

	cr_expect_str_eq(c->dir, ".");
	cr_expect_str_eq(c->alerts_dir, "alerts");
	cr_expect_str_eq(c->streams[0].baseline, "baselines/payments-features.json");
	cr_expect_eq(c->nrules, 1);
	forget(c);
}

Test(config, json_is_yaml, .fini = clean)
{
	put("kdrift.json",
	    "{\"kafka\":{\"bootstrap.servers\":\"b:1\",\"ssl.ca.location\":\"ca.pem\"},\n"
	    "\t\"schema_registry\":{\"url\":[\"http://a\",\"https://b\\/c\"]},\n"
	    "\t\"streams\":[{\"name\":\"s\",\"topic\":\"/^a\\\\.b/\",\"role\":\"labels\",\"window\":\"2m\",\n"
	    "\t\t\"slice_by\":[\"header:v\"],\"fields\":{\"x\":{\"range\":[-1.5,null]},\"k\":null}}]}");
	put("alerts/weekly.yaml",
	    "[{\"alert\":\"D\",\"measure\":\"ks\",\"above\":0.1,\"against\":{\"previous\":\"7d\"}}]");
	put("alerts/receivers.yaml", "{}");
	struct config *c = must_load(path_of("kdrift.json"));
	const struct stream_conf *s = &c->streams[0];

	cr_expect_str_eq(c->registry_urls[1], "https://b/c");
	cr_expect_str_eq(c->kafka[0].value, path_of("ca.pem"));
	cr_expect_str_eq(s->topic, "^a\\.b");
	cr_expect(s->is_regex && s->role == ROLE_LABELS && s->window_ms == 120000 && s->slide_ms == 60000);
	cr_expect(s->fields[0].range_min == -1.5 && isinf(s->fields[0].range_max));
	cr_expect(s->nfields == 2 && s->fields[1].type == FIELD_TYPES);
	cr_expect(c->rules[0].against.kind == AGAINST_PREVIOUS &&
		  c->rules[0].against.previous_ms == 7 * 86400000);
	forget(c);
}

Test(config, panes_and_retention_follow_the_rules, .fini = clean)
{
	put("kdrift.yaml", SERVERS
	    "streams:\n"
	    "  - {name: a, topic: a, role: features, owner: x, window: 10m, slide: 2m, retention: 1h}\n"
	    "  - {name: b, topic: b, role: labels, owner: x, window: 45s, retention: 1h, lateness: 0}\n");
	put("alerts/daily.yaml",
	    "- {alert: A, stream: a, measure: sum, above: 1, over: 90s}\n"
	    "- {alert: B, role: features, measure: ks, above: 1, against: {previous: 7d}}\n");
	struct config *c = must_load(path_of("kdrift.yaml"));

	cr_expect_eq(c->streams[0].pane_ms, 30000, "gcd of 10m, 2m, 90s and 1m");
	cr_expect_eq(c->streams[1].pane_ms, 15000, "gcd of 45s and 1m");
	cr_expect_eq(c->streams[1].slide_ms, 45000, "a window under a minute slides by itself");
	cr_expect_eq(config_retention_ms(c, &c->streams[0]), 7 * 86400000 + 600000 + 120000 + 30000);
	cr_expect_eq(config_retention_ms(c, &c->streams[1]), 3600000);
	forget(c);
}

Test(config, baselines_may_be_made_later, .fini = clean)
{
	struct config_problems p = {0};

	put("kdrift.yaml", SERVERS "streams: [{name: a, topic: a, role: features, baseline: later.json}]\n");
	cr_expect_null(load(path_of("kdrift.yaml")));
	struct config *c = config_load_before_baseline(path_of("kdrift.yaml"), &p);
	cr_expect_not_null(c);
	config_problems_release(&p);
	forget(c);
}

Test(config, what_cannot_be_read_is_told)
{
	cr_expect_null(load("/nowhere/kdrift.yaml"));
	cr_expect_str_eq(said, "/nowhere/kdrift.yaml: error: cannot be read: No such file or directory\n");
	cr_expect_null(load("/tmp"));
	cr_expect(strstr(said, "/tmp: error: cannot be read"));
	forget(NULL);
}

Test(config, secrets_are_never_said, .fini = clean)
{
	put("kdrift.yaml",
	    "kafka: {bootstrap.servers: b, sasl.password: [hunter2]}\nredis: {url: \"hunter2:hunter2@h\"}\n"
	    "schema_registry: {url: \"user:hunter2@r\"}\nhttp: {token: {a: hunter2}}\nstreams: []\n");
	put("alerts/receivers.yaml",
	    "receivers: [{name: a, webhook: {url: \"ftp://hunter2\", secret: whsec_hunter2}}]\n");
	cr_expect_null(load(path_of("kdrift.yaml")));
	cr_expect(strstr(said, "receivers[0].webhook.secret") && strstr(said, "redis.url") &&
		  strstr(said, "http.token"));
	cr_expect_null(strstr(said, "hunter2"), "%s", said);
	forget(NULL);
}

// --- the environment --------------------------------------------------------------------------------------

Test(env, overrides_every_kind_of_key, .fini = clean)
{
	static const char *const vars[][2] = {
	    {"KDRIFT_REDIS_URL", "redis://other:1/2"},
	    {"KDRIFT_KAFKA_BOOTSTRAP_SERVERS", "env:9092"},
	    {"KDRIFT_KAFKA_FETCH_MIN_BYTES", "7"},
	    {"KDRIFT_KAFKA_GROUP_ID", "g2"},
	    {"KDRIFT_SCHEMA_REGISTRY_URL", "http://a, http://b"},
	    {"KDRIFT_SCHEMA_REGISTRY_BASIC_AUTH_USERNAME", "u"},
	    {"KDRIFT_HTTP_MEASURE_METRICS", "false"},
	    {"KDRIFT_WORKERS", "5"},
	    {"KDRIFT_CHECKPOINT_INTERVAL", "250ms"},
	    {"KDRIFT_STREAMS_MY_CLICKS_WINDOW", "2h"},
	    {"KDRIFT_STREAMS_0_SLICE_BY", "[region, \"header:v\"]"},
	    {"KDRIFT_STREAMS_MY_CLICKS_FIELDS_AMOUNT_RANGE", "[2, 3]"},
	    {"KDRIFT_RULES_TOOMANY_ABOVE", "0.25"},
	    {"KDRIFT_ROUTES_IMMEDIATE", "team"},
	    {"KDRIFT_RECEIVERS_TEAM_WEBHOOK_URL", "http://env"},
	    {"KDRIFT_DIGESTS_WEEKLY_AT", "Sun 23:59"},
	    {"KDRIFT_PORT_9464_TCP", "tcp://10.0.0.1:9464"},
	    {"KDRIFT_HTTP_LISTEN", ""},
	};

	put("kdrift.yaml", ONE_STREAM "redis: {url: redis://file}\n");
	put("alerts/immediate.yaml", "- {alert: TooMany, measure: violation_ratio, above: 0.5}\n");
	put("alerts/receivers.yaml",
	    "receivers: [{name: team, webhook: {url: http://file, secret: 0123456789012345678901234}}]\n");
	for (size_t i = 0; i < ARRAY_LEN(vars); i++)
		setenv(vars[i][0], vars[i][1], 1);
	struct config *c = must_load(path_of("kdrift.yaml"));
	const struct stream_conf *s = &c->streams[0];

	cr_expect_str_eq(c->redis_url, "redis://other:1/2");
	cr_expect_str_eq(c->bootstrap_servers, "env:9092");
	cr_assert_eq(c->nkafka, 2);
	cr_expect(!strcmp(c->kafka[0].name, "fetch.min.bytes") && !strcmp(c->kafka[0].value, "7"));
	cr_expect_str_eq(c->kafka[1].value, "env:9092");
	cr_expect_str_eq(c->group_id, "g2");
	cr_assert_eq(c->nregistry_urls, 2);
	cr_expect_str_eq(c->registry_urls[1], "http://b");
	cr_expect_str_eq(c->registry_user, "u");
	cr_expect_not(c->measure_metrics);
	cr_expect_eq(c->workers, 5);
	cr_expect_eq(c->checkpoint_ms, 250);
	cr_expect_eq(s->window_ms, 7200000);
	cr_assert_eq(s->nslice_by, 2);
	cr_expect_str_eq(s->slice_by[1], "header:v");
	cr_expect(s->fields[0].range_min == 2 && s->fields[0].range_max == 3);
	cr_expect_eq(c->rules[0].above, 0.25);
	cr_expect_eq(c->nroutes[TIER_IMMEDIATE], 1);
	cr_expect_str_eq(c->receivers[0].url, "http://env");
	cr_expect(c->digests[TIER_WEEKLY].weekday == 0 && c->digests[TIER_WEEKLY].minute == 59);
	cr_expect_str_eq(c->http_listen, "127.0.0.1:9464", "an empty variable is not set");
	cr_expect_str_eq(said, "");
	forget(c);
}

Test(env, mistakes_are_told_by_the_variables_name, .fini = clean)
{
	put("kdrift.yaml", ONE_STREAM);
	put("alerts/receivers.yaml", "{}");
	setenv("KDRIFT_REDIS_URLL", "x", 1);
	setenv("KDRIFT_STREAMS_MY_CLICKS_WINDOW", "soon", 1);
	cr_expect_null(load(path_of("kdrift.yaml")));
	cr_expect_str_eq(
	    said, "environment KDRIFT_REDIS_URLL: warning: matches no key; did you mean KDRIFT_REDIS_URL?\n"
		  "environment KDRIFT_STREAMS_MY_CLICKS_WINDOW: error: streams[0].window: 'soon' is not a "
		  "duration; write e.g. 5m, 1h, 7d\n");
	forget(NULL);
}

Test(env, a_secret_replaces_the_files_twin, .fini = clean)
{
	put("kdrift.yaml", ONE_STREAM "http: {token_file: nothere}\nredis: {url: redis://a}\n");
	put("alerts/receivers.yaml", "{}");
	put("url", "redis://:pass@h\n");
	setenv("KDRIFT_HTTP_TOKEN", "t", 1);
	setenv("KDRIFT_REDIS_URL_FILE", path_of("url"), 1);
	put("sasl", "s e c r e t\n\n");
	setenv("KDRIFT_KAFKA_SASL_PASSWORD_FILE", path_of("sasl"), 1);
	struct config *c = must_load(path_of("kdrift.yaml"));

	cr_expect_str_eq(c->http_token, "t");
	cr_expect_str_eq(c->redis_url, "redis://:pass@h");
	cr_expect_str_eq(c->kafka[0].name, "sasl.password");
	cr_expect_str_eq(c->kafka[0].value, "s e c r e t");
	setenv("KDRIFT_HTTP_TOKEN_FILE", path_of("url"), 1);
	config_free(c);
	cr_expect_null(load(path_of("kdrift.yaml")));
	cr_expect(strstr(said, "http.token_file: stands beside token"), "%s", said);
	forget(NULL);
}

// --- what is shipped --------------------------------------------------------------------------------------

Test(shipped, the_example_and_its_rules_are_good)
{
	struct config *c = must_load(SOURCE_DIR "/kdrift.example.yaml");

	cr_expect(c->nrules > 5 && c->nrules < 20);
	for (size_t i = 0; i < c->nrules; i++) {
		const struct rule *r = &c->rules[i];
		cr_expect(r->summary != NULL, "%s", r->name);
		if (!strcmp(r->measure->name, "drift"))
			cr_expect_eq(r->above, r->measure->threshold);
	}
	cr_expect_str_eq(
	    said, SOURCE_DIR
	    "/kdrift.example.yaml:19: warning: stream payments-features: has no baseline, so these "
	    "rules stay unknown (no_baseline): Drift, SlowDrift; make one with `kdrift baseline`\n" SOURCE_DIR
	    "/alerts/receivers.yaml: warning: names no receiver, so alerts only show on the API and "
	    "nobody is told\n");
	forget(c);
}

Test(shipped, the_reference_is_the_tables)
{
	struct buf doc = BUF_INIT, now = BUF_INIT;

	config_reference(&now);
	cr_assert(buf_read_file(&doc, SOURCE_DIR "/docs/configuration.md", 1 << 20) > 0);
	cr_expect_str_eq(doc.data, now.data, "write it anew: kdrift help config > docs/configuration.md");
	buf_release(&doc);
	buf_release(&now);
}

Test(report, json_tells_what_would_run)
{
	struct config_problems p = {0};
	struct config *c = config_load(CONTRACT "/kdrift.yaml", &p);
	json_t *v = report_json(c, &p);
	char *text = json_text(v);

	cr_expect(json_is_true(json_object_get(v, "ok")));
	cr_expect_eq(json_get_int(v, "warnings", -1), 2);
	cr_expect_eq(json_get_int(v, "errors", -1), 0);
	const json_t *first = json_array_get(json_object_get(v, "problems"), 0);
	cr_expect_eq(json_get_int(first, "line", 0), 15);
	cr_expect_str_eq(json_get_str(first, "severity", ""), "warning");
	const json_t *rule = json_array_get(json_object_get(json_object_get(v, "rules"), "immediate"), 0);
	cr_expect_str_eq(json_get_str(rule, "alert", ""), "SchemaViolations");
	cr_expect_null(strstr(text, "team-secret"));
	cr_expect_null(strstr(text, "hooks.example.com"));
	free(text);
	json_decref(v);
	config_free(c);
	config_problems_release(&p);
}
