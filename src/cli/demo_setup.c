// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/demo.h"
#include "drift/baseline.h"
#include "util/xalloc.h"

static const char immediate[] =
	"- alert: IncompatibleSchema\n"
	"  stream: \"*\"\n"
	"  measure: incompatible_schema\n"
	"  above: 0\n"
	"  over: 1d\n"
	"  min_records: 1\n"
	"  summary: A producer writes a schema that the model cannot read.\n"
	"- alert: PredictionsStopped\n"
	"  role: predictions\n"
	"  measure: staleness\n"
	"  above: 172800\n"
	"  summary: No prediction for two days.\n"
	"- alert: FeaturesStopped\n"
	"  role: features\n"
	"  measure: staleness\n"
	"  above: 172800\n"
	"  summary: No features for two days.\n";

static const char daily[] =
	"- alert: MissingValues\n"
	"  stream: \"*\"\n"
	"  measure: missing_ratio\n"
	"  above: 0.1\n"
	"  over: 1d\n"
	"  min_records: 24\n"
	"  summary: More than a tenth of the values are missing.\n"
	"- alert: ConstantPredictions\n"
	"  role: predictions\n"
	"  field: probability\n"
	"  measure: constant\n"
	"  above: 0\n"
	"  over: 1d\n"
	"  min_records: 24\n"
	"  summary: The model gives everybody the same answer.\n";

static const char weekly[] =
	"- alert: Drift\n"
	"  stream: \"*\"\n"
	"  measure: drift\n"
	"  above: 5\n"
	"  over: 7d\n"
	"  min_records: 100\n"
	"  summary: The distribution is not the baseline's any more.\n";

static FILE *create(const char *dir, const char *name, struct error *err)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	if (!f)
		error_set(err, "write %s: %s", path, strerror(errno));
	free(path);
	return f;
}

static int write_file(const char *dir, const char *name, const char *text, struct error *err)
{
	FILE *f = create(dir, name, err);

	if (!f)
		return -1;
	fputs(text, f);
	return fclose(f) ? error_set(err, "write %s/%s: %s", dir, name, strerror(errno)) : 0;
}

static int write_config(const struct demo_places *p, struct error *err)
{
	FILE *f = create(p->dir, "kdrift.yaml", err);

	if (!f)
		return -1;
	fprintf(f,
		"kafka: {bootstrap.servers: \"%s\", group.id: kdrift-demo, fetch.wait.max.ms: 10}\n"
		"schema_registry: {url: \"%s\"}\n"
		"redis: {url: \"%s\"}\n"
		"http: {listen: \"127.0.0.1:%d\"}\n"
		"checkpoint_interval: 50ms\n"
		"alerts: alerts/\n"
		"streams:\n",
		p->bootstrap, p->registry_url, p->redis_url, p->http_port);
	for (int i = 0; i < REPLAY_STREAMS; i++) {
		const struct replay_topic *t = &replay_topics[i];
		fprintf(f,
			"  - name: %s\n"
			"    topic: %s\n"
			"    role: %s\n"
			"    owner: demo\n"
			"    event_time: ts\n"
			"    window: 7d\n"
			"    slide: 1d\n"
			"    lateness: 1h\n"
			"    baseline: baselines/%s.json\n"
			"    contract: {schema: schemas/%s.avsc}\n",
			t->name, t->name, t->role, t->name, t->name);
		// A few afternoons of 1997 and 1998 in which the price rose two hundredfold are news to either half.
		if (i == REPLAY_AA)
			fprintf(f, "    fields: {vicprice: {ignore: true}}\n");
	}
	return fclose(f) ? error_set(err, "write %s/kdrift.yaml: %s", p->dir, strerror(errno)) : 0;
}

static int write_receivers(const struct demo_places *p, struct error *err)
{
	char *text = xasprintf("receivers:\n"
			       "  - {name: printer, webhook: {url: \"%s\", secret: \"%s\"}}\n"
			       "routes: {immediate: [printer], daily: [printer], weekly: [printer]}\n"
			       "digests:\n"
			       "  daily: {at: \"09:00\", timezone: Australia/Brisbane}\n"
			       "  weekly: {at: \"Mon 09:00\", timezone: Australia/Brisbane}\n",
			       p->webhook_url, p->webhook_secret);
	int rc = write_file(p->dir, "alerts/receivers.yaml", text, err);

	free(text);
	return rc;
}

static void add_row(struct baseline_builder *b, enum replay_stream s, const struct elec2_row *row)
{
	double p = elec2_predict(row);

	baseline_builder_row(b, row->ts, -1);
	switch (s) {
	case REPLAY_PREDICTIONS:
		baseline_builder_number(b, "probability", FIELD_NUMERIC, p);
		baseline_builder_text(b, "predicted", FIELD_CATEGORICAL, p > 0.5 ? "UP" : "DOWN", p > 0.5 ? 2 : 4);
		break;
	case REPLAY_LABELS:
		baseline_builder_text(b, "class", FIELD_CATEGORICAL, row->up ? "UP" : "DOWN", row->up ? 2 : 4);
		break;
	default:
		for (size_t i = 0; i < ELEC2_FEATURES; i++)
			baseline_builder_number(b, elec2_names[i], FIELD_NUMERIC, row->features[i]);
		break;
	}
}

static int write_baseline(const char *dir, enum replay_stream s, const struct replay *r, struct error *err)
{
	struct baseline_builder *builder = baseline_builder_new(replay_topics[s].name, true);
	const char *what = s == REPLAY_AA ? "every other half hour of Elec2" : "the first 26 weeks of Elec2";
	json_int_t used = 0;
	size_t n;
	const struct elec2_row *rows = replay_rows(r, &n);

	for (size_t i = 0; i < n; i++)
		if (replay_in_baseline(s, i)) {
			add_row(builder, s, &rows[i]);
			used++;
		}
	struct baseline *b = baseline_builder_finish(
		builder,
		json_pack("{s:s,s:s,s:I,s:[],s:s}", "source", "demo", "data", what, "records", used, "schema_ids", "kdrift",
			  KDRIFT_VERSION),
		err);
	if (!b)
		return -1;
	char *path = xasprintf("%s/baselines/%s.json", dir, replay_topics[s].name);
	int rc = baseline_save(b, path, err);
	free(path);
	baseline_free(b);
	return rc;
}

int demo_write(const struct demo_places *p, const struct replay *r, struct error *err)
{
	static const char *const dirs[] = {"alerts", "schemas", "baselines"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		char *path = xasprintf("%s/%s", p->dir, dirs[i]);
		int rc = mkdir(path, 0700);
		if (rc)
			error_set(err, "create %s: %s", path, strerror(errno));
		free(path);
		if (rc)
			return -1;
	}
	if (write_config(p, err) || write_receivers(p, err) || write_file(p->dir, "alerts/immediate.yaml", immediate, err) ||
	    write_file(p->dir, "alerts/daily.yaml", daily, err) || write_file(p->dir, "alerts/weekly.yaml", weekly, err))
		return -1;
	for (int s = 0; s < REPLAY_STREAMS; s++) {
		char *name = xasprintf("schemas/%s.avsc", replay_topics[s].name);
		int rc = write_file(p->dir, name, replay_topics[s].schema, err);
		free(name);
		if (rc || write_baseline(p->dir, (enum replay_stream)s, r, err))
			return -1;
	}
	return 0;
}
