// SPDX-License-Identifier: Apache-2.0
// The configuration as data. config_load parses, applies defaults and the environment, resolves relative
// paths and reports *every* error at once (file, line, the mend). It connects to nothing.
// One const table of keys (config/keys.c) drives the parser, `kdrift check`, `--help` and
// docs/configuration.md.
#ifndef KD_CONFIG_CONFIG_H
#define KD_CONFIG_CONFIG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/rule.h"
#include "stats/field.h"
#include "util/buf.h"

enum role { ROLE_FEATURES, ROLE_PREDICTIONS, ROLE_LABELS, ROLES };
extern const char *const role_names[ROLES];

enum key_format { KEY_AVRO, KEY_JSON, KEY_STRING, KEY_BYTES };

enum start_at { START_EARLIEST, START_LATEST };

struct property { // a librdkafka property, passed through
	char *name, *value;
	int line;
};

struct field_conf {
	char *path;
	int line;
	enum field_type type;      // FIELD_TYPES: by the schema; FIELD_NONE: ignore
	bool has_range;
	double range_min, range_max;
	char **allowed;
	size_t nallowed;
	char *pattern;             // RE2, checked to compile; NULL: none
	bool not_null;
	bool has_length;
	uint64_t length_min, length_max; // characters, bytes or elements; UINT64_MAX: open
	int64_t freshness_ms;      // 0: off
	int64_t unique_ms;         // 0: off
	char *monotonic;           // increasing, ...; NULL: off
	char *required_if;         // an expression, checked to parse; NULL: none
};

struct value_rule_conf {
	char *name, *expr;         // an expression (schema/expr.h), checked to parse
	int line;
};

struct stream_conf {
	char *name, *topic;        // topic: a literal, or a regular expression where is_regex
	bool is_regex;
	int line;
	enum role role;
	char *record;              // only this record type (full name); NULL: all
	bool json;                 // format json: a value without a frame is JSON itself
	unsigned framing;          // enum framing of schema/wire.h
	char *schema;              // path of the schema of records that name none; NULL: they must, or (json) they have none
	bool has_key;              // keys are read, too
	enum key_format key_format;
	unsigned key_framing;      // as framing, of keys of KEY_AVRO and KEY_JSON
	char *key_schema, *key_subject_name_strategy;
	bool key_not_null;
	bool by_record;            // derived: a sub-stream "NAME/TYPE" for each record type
	char *subject_name_strategy; // NULL: TopicName, or with `record` not checked
	char *event_time;          // field path; NULL: the Kafka timestamp
	char **slice_by;           // field paths, "header:NAME", "topic", "partition"
	size_t nslice_by;
	uint32_t max_slices;       // default 100
	char *owner;
	char **depends_on;
	size_t ndepends_on;
	int64_t window_ms, slide_ms, lateness_ms; // defaults 1h, 1m, 30s
	int64_t max_future_ms, max_stale_ms;      // future_time, stale_time; 0: off
	int64_t retention_ms;      // how far behind the newest event time statistics are kept; default 30d
	enum start_at start;       // default earliest
	char *baseline;            // path; NULL: none, or
	int64_t baseline_previous_ms; // the same window that much earlier; 0: not so
	struct slice_baseline {
		char *slice, *path;
	} *slice_baselines;        // of slices with one of their own, on the grid of `baseline`
	size_t nslice_baselines;
	char *contract_schema;     // path; NULL: none
	char *compatibility;       // NONE, BACKWARD, ...; default BACKWARD where a contract is given
	bool samples;              // payload values in samples; default false
	char **redact;             // field paths: nothing of their values is shown or kept
	size_t nredact;
	char *dead_letter_topic;   // where violating records are copied to; NULL: nowhere
	double dead_letter_max_ratio;          // default 0.01; 1: no limit
	bool has_dead_letter_max_ratio;
	uint32_t dead_letter_max_consecutive;  // default 1000; 0: no limit
	struct field_conf *fields;
	size_t nfields;
	struct value_rule_conf *rules;
	size_t nrules;
	int64_t pane_ms;           // derived: gcd(window, slide, every `over` of its rules, 1 minute)
};

struct receiver_conf {
	char *name, *type;         // type: a row of deliver/receivers.c ("webhook")
	int line;
	char *url;
	char *secret;              // already read from secret_file; never printed
	int64_t timeout_ms;        // default 15s
};

struct digest_conf {
	int weekday;               // -1 daily; 0 Sunday .. 6 Saturday
	int hour, minute;
	char *timezone;            // IANA; default UTC
};

struct config {
	char *path, *dir;
	struct property *kafka;    // without group.id
	size_t nkafka;
	char *bootstrap_servers, *group_id; // default group "kdrift"
	char **registry_urls;
	size_t nregistry_urls;
	char *registry_user, *registry_password, *registry_token;
	char *registry_ca_file, *registry_cert_file, *registry_key_file;
	int64_t registry_timeout_ms;        // default 5s
	char *redis_url, *prefix;           // defaults redis://localhost:6379/0, kdrift
	bool redis_allow_eviction;          // default false
	char *http_listen, *http_token;     // default 127.0.0.1:9464
	bool measure_metrics;               // kdrift_measure on /metrics; default true
	uint32_t workers;                   // default 1
	int64_t checkpoint_ms;              // default 1s
	char *alerts_dir;                   // default alerts/ beside the file
	struct stream_conf *streams;
	size_t nstreams;
	struct rule *rules;
	size_t nrules;
	struct receiver_conf *receivers;
	size_t nreceivers;
	char **routes[TIERS];               // receiver names
	size_t nroutes[TIERS];
	struct digest_conf digests[TIERS];  // of TIER_DAILY and TIER_WEEKLY
};

struct config_problem {
	char *file;
	int line;                           // 0: the whole file
	bool warning;
	char *text;                         // what is wrong, and the mend
};

struct config_problems {
	struct config_problem *items;
	size_t n, cap;
};

// NULL where any problem is an error. Problems (errors and warnings) are appended to `out` in order of file and line.
struct config *config_load(const char *path, struct config_problems *out);
// The same for `kdrift baseline`: the files that `baseline:` names need not exist yet.
struct config *config_load_before_baseline(const char *path, struct config_problems *out);
// With the rules of another directory than its own.
struct config *config_load_with_alerts(const char *path, const char *alerts, struct config_problems *out);
void config_free(struct config *c);
void config_problems_release(struct config_problems *p);
const struct stream_conf *config_stream(const struct config *c, const char *name); // NULL if absent
// The same, or of "NAME/TYPE" the stream of several record types that has it as a sub-stream.
const struct stream_conf *config_stream_of(const struct config *c, const char *name);
bool config_stream_reads(const struct stream_conf *s, const char *topic); // it is the stream's, or matches its expression
// Does the rule speak for the stream, or may it for one of its sub-streams?
bool config_rule_concerns(const struct rule *r, const struct stream_conf *s);
// How long the judge needs an interval of the stream: the longest window or `over`, with what it is compared to.
int64_t config_retention_ms(const struct config *c, const struct stream_conf *s);
// docs/configuration.md and the tail of `kdrift run --help`, from the table.
void config_reference(struct buf *out);
#endif
