// SPDX-License-Identifier: Apache-2.0
// The main job on the embedded default: real data, through a mock cluster, to the very code and
// configuration that production runs. Only the servers and the clock differ: the judge's clock is the data's.
#include "cli/demo.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/app.h"
#include "cli/cli.h"
#include "http/http.h"
#include "sandbox/feeder.h"
#include "sandbox/mock.h"
#include "sandbox/printer.h"
#include "sandbox/redis.h"
#include "sandbox/registry_server.h"
#include "util/digest.h"
#include "util/log.h"
#include "util/xalloc.h"

enum {
	AHEAD_MS = 36 * 3600000, // event time that may be in flight: less than the rules call stale
	SETTLE_MS = 60000,       // for the last records to be counted and told
	STUCK_MS = 120000,       // without any progress
};

struct demo {
	char dir[200], secret[80];
	struct mock *mock;
	struct registry_server *registry;
	struct redis_server *redis;
	struct printer *printer;
	struct replay *replay;
	struct app *app;
	struct feeder *feeder;
	struct audit *audit;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void demo_stop(struct demo *d)
{
	feeder_stop(d->feeder);
	app_stop(d->app);
	printer_stop(d->printer);
	redis_server_stop(d->redis);
	registry_server_stop(d->registry);
	mock_free(d->mock);
	replay_free(d->replay);
	audit_free(d->audit);
	if (*d->dir)
		nftw(d->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int make_dir(struct demo *d, struct error *err)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(d->dir, sizeof d->dir, "%s/kdrift-demo-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (mkdtemp(d->dir))
		return 0;
	int rc = error_set(err, "create %s: %s", d->dir, strerror(errno));
	*d->dir = 0;
	return rc;
}

static int start_servers(struct demo *d, struct error *err)
{
	uint8_t key[24];

	random_bytes(key, sizeof key);
	char *base64 = base64_encode(key, sizeof key);
	snprintf(d->secret, sizeof d->secret, "whsec_%s", base64);
	free(base64);
	d->audit = audit_new();
	if (make_dir(d, err) || !(d->redis = redis_server_start(d->dir, err)) || !(d->mock = mock_new(1, err)) ||
	    !(d->registry = registry_server_start(err)) ||
	    !(d->printer = printer_start(stdout, isatty(STDOUT_FILENO), d->secret, audit_message, d->audit, err)))
		return -1;
	for (int i = 0; i < REPLAY_STREAMS; i++)
		if (mock_topic(d->mock, replay_topics[i].name, 1, err))
			return -1;
	return 0;
}

static int start_replay(struct demo *d, struct error *err)
{
	int32_t ids[REPLAY_STREAMS + 1];

	for (int i = 0; i <= REPLAY_STREAMS; i++) {
		bool broken = i == REPLAY_STREAMS;
		char *subject = xasprintf("%s-value", replay_topics[broken ? REPLAY_FEATURES : i].name);
		ids[i] = registry_server_add(d->registry, subject, broken ? replay_broken_schema : replay_topics[i].schema, err);
		free(subject);
		if (ids[i] < 0)
			return -1;
	}
	d->replay = replay_new(ids);
	return 0;
}

static int start_app(struct demo *d, int http_port, struct error *err)
{
	const struct app_options opt = {APP_ALL, .clock_is_watermark = true};
	const struct demo_places places = {.dir = d->dir,
					   .bootstrap = mock_bootstrap(d->mock),
					   .registry_url = registry_server_url(d->registry),
					   .redis_url = redis_server_url(d->redis),
					   .webhook_url = printer_url(d->printer),
					   .webhook_secret = d->secret,
					   .http_port = http_port};

	if (demo_write(&places, d->replay, err))
		return -1;
	char *path = xasprintf("%s/kdrift.yaml", d->dir);
	d->app = app_start(path, &opt, err);
	free(path);
	return d->app ? 0 : -1;
}

// The newest event of each stream that the monitor has judged.
static void position(void *ctx, struct event_time newest[REPLAY_STREAMS])
{
	struct demo *d = ctx;
	json_t *status = app_status(d->app), *stream;
	size_t i;

	for (int s = 0; s < REPLAY_STREAMS; s++) {
		newest[s] = EVENT_TIME_NONE;
		json_array_foreach(json_object_get(status, "streams"), i, stream)
			if (!strcmp(json_get_str(stream, "name", ""), replay_topics[s].name) &&
			    time_parse(json_get_str(stream, "newest", ""), &newest[s].ms))
				newest[s] = EVENT_TIME_NONE;
	}
	json_decref(status);
}

static void announce(void *ctx, enum replay_fault fault)
{
	struct demo *d = ctx;
	char when[40];
	int64_t ms = 0;

	time_parse(replay_faults[fault].from, &ms);
	time_format(ms, when, sizeof when);
	printer_say(d->printer, "-- %.10s %.5s  put in: %s", when, when + 11, replay_faults[fault].said);
}

// True where somebody asked to stop within ms.
static bool asked_to_stop(int ms)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	return sigtimedwait(&set, NULL, &(struct timespec){ms / 1000, ms % 1000 * 1000000L}) > 0;
}

static char *metrics(struct demo *d)
{
	struct http *h = http_new();
	struct http_answer a = {.body = BUF_INIT};
	struct error ignored = ERROR_INIT;
	char *url = xasprintf("http://127.0.0.1:%d/metrics", app_http_port(d->app));
	struct http_request q = {.method = "GET", .url = url, .timeout_ms = 5000, .max_answer = 8 << 20};
	char *text = http_do(h, &q, &a, &ignored) ? xstrdup("") : buf_steal(&a.body);

	http_free(h);
	free(url);
	return text;
}

// Everything produced is counted, judged and told.
static bool settled(struct demo *d)
{
	char *text = metrics(d);
	bool all = true;

	for (int s = 0; s < REPLAY_STREAMS; s++)
		all = all && audit_records(text, replay_topics[s].name) == (int64_t)replay_count(d->replay, (enum replay_stream)s);
	free(text);
	json_t *status = app_status(d->app);
	all = all && json_get_int(status, "outbox", -1) == 0;
	json_decref(status);
	struct event_time newest[REPLAY_STREAMS];
	position(d, newest);
	for (int s = 0; s < REPLAY_STREAMS; s++)
		all = all && newest[s].ms >= replay_end(d->replay) - 3600000;
	return all;
}

// 0: played to the end; 1: asked to stop; -1: failed or stuck.
static int play(struct demo *d, double speed, struct error *err)
{
	const struct feeder_conf conf = {.bootstrap = mock_bootstrap(d->mock),
					 .ahead_ms = AHEAD_MS,
					 .days_per_second = speed,
					 .ctx = d,
					 .position = position,
					 .announce = announce};
	struct mono_time moved = mono_now();
	int64_t last = INT64_MIN;
	int done;

	d->feeder = feeder_start(d->replay, &conf, err);
	if (!d->feeder)
		return -1;
	while (!(done = feeder_done(d->feeder, err))) {
		if (asked_to_stop(100))
			return 1;
		struct event_time newest[REPLAY_STREAMS];
		position(d, newest);
		int64_t at = newest[REPLAY_FEATURES].ms;
		if (at != last) {
			last = at;
			moved = mono_now();
		}
		if (mono_ms_since(moved) > STUCK_MS) {
			char when[40] = "the beginning";
			if (at != INT64_MIN)
				time_format(at, when, sizeof when);
			return error_set(err, "the monitor stands at %s for two minutes", when);
		}
	}
	if (done < 0)
		return -1;
	struct mono_time deadline = mono_after_ms(SETTLE_MS);
	while (!settled(d) && !mono_passed(deadline))
		if (asked_to_stop(100))
			return 1;
	return 0;
}

static int demo(struct cli_args *args, struct demo *d, struct error *err)
{
	int port = (int)cli_int(args, "port", 9464);
	struct mono_time start = mono_now();
	bool good = false;

	if (http_global_init(err) || start_servers(d, err) || start_replay(d, err) || start_app(d, port, err))
		return -1;
	printer_say(d->printer,
		    "kdrift demo: two and a half years of the electricity market of New South Wales and Victoria (Elec2)\n"
		    "First page: http://127.0.0.1:%d/   configuration and rules: %s\n"
		    "Pages and digests follow as their receiver gets them (times are UTC); empty digests are not shown.",
		    app_http_port(d->app), d->dir);
	int rc = play(d, cli_num(args, "speed", 0), err);
	if (!rc) {
		char *text = metrics(d);
		good = audit_report(d->audit, d->replay, text, stdout);
		free(text);
		printf("Played in %" PRId64 " s.\n", mono_ms_since(start) / 1000);
		fflush(stdout);
	}
	if (!rc && !cli_flag(args, "once")) {
		printer_say(d->printer, "The page stays up: http://127.0.0.1:%d/   Ctrl-C ends it.", app_http_port(d->app));
		app_wait(d->app);
	}
	if (!rc && !good)
		return error_set(err, "not all is as expected: see the summary");
	return rc < 0 ? -1 : 0;
}

static int run(struct cli_args *args)
{
	struct demo d = {0};
	struct error err = ERROR_INIT;

	if (cli_int(args, "port", 0) > 65535)
		return cli_usage(args, "--port is a number up to 65535");
	if (cli_num(args, "speed", 1) <= 0)
		return cli_usage(args, "--speed must be above 0");
	log_set_level(LOG_WARN);
	int rc = demo(args, &d, &err);
	demo_stop(&d);
	return rc ? cli_fail(args, &err) : EXIT_OK;
}

static const struct option_def options[] = {
	{.name = "once", .kind = OPTION_FLAG, .help = "end after the play; exit 0 only if everything was as expected"},
	{.name = "port", .kind = OPTION_INTEGER, .arg = "N", .fallback = "9464", .help = "of the first page; 0 takes a free one"},
	{.name = "speed", .kind = OPTION_NUMBER, .arg = "N",
	 .help = "days of the data per second at most; default as fast as they are read"},
	OPTIONS_END,
};

const struct command cmd_demo = {
	.name = "demo", .summary = "the main job on real data, with nothing but this machine",
	.usage = "kdrift demo [--once] [--port N] [--speed N]", .options = options, .run = run,
	.about = "Replays the Elec2 data set through a mock Kafka cluster, a small schema registry and a private redis-server "
		 "to the same code and the same kind of configuration as `kdrift run`; puts in four faults, and prints what "
		 "each tier tells. Needs redis-server in the PATH. About a minute.",
};
