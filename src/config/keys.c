// SPDX-License-Identifier: Apache-2.0
#include "config/keys.h"

#include <string.h>

#include "config/config.h"

#define IN(type, member)  .at = offsetof(struct type, member)
#define AND(type, member) .also = offsetof(struct type, member)
#define SECONDS(n)	  ((n)*1000.0)
#define DAYS(n)		  ((n)*86400000.0)

const char *const role_names[ROLES] = {"features", "predictions", "labels"};

static const char *const roles[] = {"features", "predictions", "labels", NULL};
static const char *const framings[] = {"header_first", "prefix_first", "apicurio", "single_object", "none", NULL};
static const char *const key_formats[] = {"avro", "json", "string", "bytes", NULL};
static const char *const strategies[] = {"TopicName", "RecordName", "TopicRecordName", NULL};
static const char *const starts[] = {"earliest", "latest", NULL};
static const char *const compatibilities[] = {
    "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE",
    NULL};

static const char *const orders[] = {"increasing", "strictly_increasing", "decreasing", "strictly_decreasing", NULL};

static const struct section section_kafka = {
    .title = "kafka",
    .open = true,
    .help =
	"Any librdkafka property. kdrift reads offsets from its store, so it sets enable.auto.commit, "
	"enable.auto.offset.store, auto.offset.reset, partition.assignment.strategy and enable.partition.eof "
	"itself and refuses them here. Every property P may stand in a file named by P_file "
	"(sasl.password_file).",
    .keys =
	(const struct key[]){{"bootstrap.servers", KEY_TEXT, .required = true, IN(config, bootstrap_servers),
			      .help = "brokers, HOST:PORT joined by commas"},
			     {"group.id", KEY_TEXT, IN(config, group_id), .fallback = "kdrift",
			      .help = "consumer group; processes with the same one share the partitions"},
			     {NULL}}};

static const struct section section_basic_auth = {
    .title = "schema_registry.basic_auth",
    .help = "User and password of the schema registry.",
    .keys = (const struct key[]){{"username", KEY_TEXT, IN(config, registry_user), .help = "user name"},
				 {"password", KEY_SECRET, IN(config, registry_password), .help = "password"},
				 {NULL}}};

static const struct section section_registry_tls = {
    .title = "schema_registry.tls",
    .help = "TLS to https:// addresses. The server's name is always checked against its certificate.",
    .keys = (const struct key[]){
	{"ca_file", KEY_PATH, IN(config, registry_ca_file), .shown = "the machine's authorities",
	 .help = "certificates (PEM) of the authorities that alone are trusted"},
	{"cert_file", KEY_PATH, IN(config, registry_cert_file),
	 .help = "certificate (PEM) that kdrift shows, where the registry asks for one"},
	{"key_file", KEY_PATH, IN(config, registry_key_file), .shown = "in cert_file",
	 .help = "its key (PEM, without a passphrase)"},
	{NULL}}};

static const struct section section_registry = {
    .title = "schema_registry",
    .help = "The schema registry that the topics' producers use.",
    .keys = (const struct key[]){
	{"url", KEY_TEXTS, .required = true, IN(config, registry_urls), AND(config, nregistry_urls),
	 .help = "http:// or https:// addresses, tried in turn"},
	{"basic_auth", KEY_SECTION, .section = &section_basic_auth, .help = "credentials"},
	{"bearer_token", KEY_SECRET, IN(config, registry_token), .help = "token sent instead of user and password"},
	{"tls", KEY_SECTION, .section = &section_registry_tls, .help = "a private authority, a client certificate"},
	{"timeout", KEY_DURATION, IN(config, registry_timeout_ms), .min = 100, .max = SECONDS(300),
	 .fallback = "5s", .help = "how long one request may take"},
	{NULL}}};

static const struct section section_redis = {
    .title = "redis",
    .help = "The store of statistics, offsets, alerts and the outbox.",
    .keys = (const struct key[]){
	{"url", KEY_SECRET, IN(config, redis_url), .fallback = "redis://localhost:6379/0",
	 .help = "redis://[USER:PASSWORD@]HOST:PORT/DB"},
	{"prefix", KEY_TEXT, IN(config, prefix), .fallback = "kdrift",
	 .help = "what every key in Redis begins with; deployments with different prefixes do not meet"},
	{"allow_eviction", KEY_BOOL, IN(config, redis_allow_eviction), .fallback = "false",
	 .help = "start although Redis may evict keys, and so lose counts"},
	{NULL}}};

static const struct section section_http = {
    .title = "http",
    .help = "The web server: first page, /metrics, API.",
    .keys = (const struct key[]){
	{"listen", KEY_TEXT, IN(config, http_listen), .fallback = "127.0.0.1:9464",
	 .help = "HOST:PORT; port 0 takes a free one"},
	{"token", KEY_SECRET, IN(config, http_token), .help = "bearer token for whatever changes state"},
	{"measure_metrics", KEY_BOOL, IN(config, measure_metrics), .fallback = "true",
	 .help = "publish kdrift_measure, one series a stream, field, slice and measure"},
	{NULL}}};

static const struct section section_key = {
    .title = "streams[].key",
    .help = "Where this stands, keys are checked and monitored as values are: the key's fields are `key.PATH`, a key "
	    "that is no record `key`; a field `key` of the value is `value.key` then.",
    .keys = (const struct key[]){
	{"format", KEY_CHOICE, IN(stream_conf, key_format), .choices = key_formats, .fallback = "avro",
	 .help = "avro and json, as streams[].format; string, UTF-8 alone; bytes, anything"},
	{"framing", KEY_CHOICE, IN(stream_conf, key_framing), .choices = framings, .fallback = "header_first",
	 .help = "as streams[].framing, with the header __key_schema_id and Apicurio's for keys"},
	{"schema", KEY_PATH, IN(stream_conf, key_schema), .shown = "by the key",
	 .help = "as streams[].schema"},
	{"subject_name_strategy", KEY_WORD, IN(stream_conf, key_subject_name_strategy), .choices = strategies,
	 .shown = "TopicName", .help = "as streams[].subject_name_strategy; TopicName is TOPIC-key"},
	{"not_null", KEY_BOOL, IN(stream_conf, key_not_null), .fallback = "false",
	 .help = "a record without a key is a violation `null`"},
	{NULL}}};

static const struct section section_contract = {
    .title = "streams[].contract",
    .help = "The schema that the stream's readers (the models) rely on.",
    .keys = (const struct key[]){
	{"schema", KEY_PATH, .required = true, IN(stream_conf, contract_schema),
	 .help = "an Avro schema (.avsc)"},
	{"compatibility", KEY_WORD, IN(stream_conf, compatibility), .choices = compatibilities,
	 .shown = "BACKWARD",
	 .help = "what every writer's schema must keep with the contract: BACKWARD, the contract reads its records; "
		 "FORWARD, it reads the contract's; FULL, both; the transitive ones ask it of every registered "
		 "version; NONE asks nothing"},
	{NULL}}};

static const struct section section_dead_letter = {
    .title = "streams[].dead_letter",
    .help = "Copies each violating record, once, to a topic of its own, with the reason in its headers "
	    "(dead-letters.md). Past a limit the copying stops, and counting goes on.",
    .keys = (const struct key[]){
	{"topic", KEY_TEXT, .required = true, IN(stream_conf, dead_letter_topic),
	 .help = "the topic, which must exist and which no stream may read"},
	{"max_ratio", KEY_NUMBER, IN(stream_conf, dead_letter_max_ratio), AND(stream_conf, has_dead_letter_max_ratio),
	 .fallback = "0.01",
	 .help = "stop while more than this share of a partition's last 10,000 records is violating; 1: no limit"},
	{"max_consecutive", KEY_INT, IN(stream_conf, dead_letter_max_consecutive), .max = 1e9, .fallback = "1000",
	 .help = "stop after this many violating records in a row in a partition; 0: no limit"},
	{NULL}}};

const struct section section_field = {
    .title = "streams[].fields.PATH",
    .help = "A field by its path (customer.address.country). A field that is named must exist with the right "
	    "type; all others are monitored too, typed by the schema.",
    .keys = (const struct key[]){
	{"type", KEY_OWN, .unit = "numeric, categorical, boolean, text, time or vector", .shown = "by the schema",
	 .help = "what the field counts as"},
	{"ignore", KEY_OWN, .unit = "true or false", .shown = "false", .help = "do not monitor it"},
	{"range", KEY_OWN, .unit = "[MIN, MAX], null for an open end",
	 .help = "numeric: a value outside is a violation `range`"},
	{"allowed", KEY_TEXTS, IN(field_conf, allowed), AND(field_conf, nallowed),
	 .help = "categorical: any other value is a violation `allowed`"},
	{"pattern", KEY_TEXT, IN(field_conf, pattern),
	 .help =
	     "text: regular expression (RE2); a value in which it is not found is a violation `pattern`"},
	{"not_null", KEY_BOOL, IN(field_conf, not_null), .fallback = "false",
	 .help = "a null or absent value is a violation `null`"},
	{"length", KEY_OWN, .unit = "[MIN, MAX], null for an open end",
	 .help = "characters of a text, bytes of what is none, elements of an array or a map: any other length is a "
		 "violation `length`"},
	{"freshness", KEY_DURATION, IN(field_conf, freshness_ms), .min = 1000, .shown = "off",
	 .help = "time: older than this when the record was written (its Kafka timestamp) is a violation `freshness`; "
		 "a field without a type becomes a time field"},
	{"unique", KEY_DURATION, IN(field_conf, unique_ms), .min = 1000, .max = DAYS(31), .shown = "off",
	 .help = "a value that came before in the same partition, less than this apart in event time, is a violation "
		 "`unique`; of 100000 values a partition at most"},
	{"required_if", KEY_TEXT, IN(field_conf, required_if), .shown = "never",
	 .help = "an expression over the record's fields (docs/rules.md); where it holds, a null or absent value is a "
		 "violation `rule`, named PATH.required_if"},
	{"monotonic", KEY_WORD, IN(field_conf, monotonic), .choices = orders, .shown = "off",
	 .help = "numeric and time: a value on the wrong side of the one before it in its partition is a violation "
		 "`monotonic`"},
	{NULL}}};

static const char *const adjustments[] = {[ADJUST_FDR] = "fdr", [ADJUST_NONE] = "none", NULL};

const struct section section_value_rule = {
    .title = "streams[].rules[]",
    .item_name = "name",
    .help = "What must hold in every record.",
    .keys = (const struct key[]){
	{"name", KEY_TEXT, .required = true, IN(value_rule_conf, name),
	 .help = "letters, digits, '.', '_' and '-'; a violation `rule` bears it"},
	{"expr", KEY_TEXT, .required = true, IN(value_rule_conf, expr),
	 .help = "an expression over the record's fields (docs/rules.md), e.g. start <= end; a null where it has no "
		 "meaning skips the rule"},
	{NULL}}};

const struct section section_stream = {
    .title = "streams[]",
    .item_name = "name",
    .help = "One monitored topic.",
    .keys = (const struct key[]){
	{"name", KEY_TEXT, .required = true, IN(stream_conf, name),
	 .help = "letters, digits, '.', '_' and '-'"},
	{"topic", KEY_TEXT, .required = true, IN(stream_conf, topic),
	 .help = "a topic, or /REGULAR EXPRESSION/ for all topics that match"},
	{"role", KEY_CHOICE, .required = true, IN(stream_conf, role), .choices = roles,
	 .help = "what the records are to the model"},
	{"format", KEY_OWN, .unit = "avro or json", .shown = "avro",
	 .help = "what a record is that names no schema: avro, it must name one; json, JSON itself. One that names a "
		 "schema is what the registry says of it: Avro, JSON or Protobuf"},
	{"record", KEY_TEXT, IN(stream_conf, record), .shown = "all",
	 .help = "only this record type (full name), where the topic carries several; without it, where "
		 "subject_name_strategy names subjects by record, each type is a sub-stream NAME/TYPE"},
	{"framing", KEY_CHOICE, IN(stream_conf, framing), .choices = framings, .fallback = "header_first",
	 .help = "where a record names its schema: header_first, in the header __value_schema_id, else before the "
		 "payload; prefix_first, the other way round; apicurio, in Apicurio's headers, else before the payload "
		 "with ids of 8 bytes; single_object, by an Avro fingerprint; none, nowhere (give schema)"},
	{"schema", KEY_PATH, IN(stream_conf, schema), .shown = "by the record",
	 .help = "the schema of records that name none: with framing none the Avro schema (.avsc) that they are written with; with "
		 "format json a JSON Schema"},
	{"subject_name_strategy", KEY_WORD, IN(stream_conf, subject_name_strategy), .choices = strategies,
	 .shown = "TopicName; with record, subjects are not checked",
	 .help = "the subject that a record's schema must be registered under: TopicName, TOPIC-value; RecordName, the "
		 "record's full name; TopicRecordName, TOPIC-RECORD"},
	{"key", KEY_SECTION, .section = &section_key, .help = "how keys are read; without it they are not"},
	{"event_time", KEY_TEXT, IN(stream_conf, event_time), .shown = "Kafka timestamp",
	 .help = "the field that says when it happened"},
	{"slice_by", KEY_TEXTS, IN(stream_conf, slice_by), AND(stream_conf, nslice_by),
	 .help = "statistics for each combination of these: field paths, header:NAME, topic, partition"},
	{"max_slices", KEY_INT, IN(stream_conf, max_slices), .min = 1, .max = 100000, .fallback = "100",
	 .help = "past this many, further combinations share the slice `other`"},
	{"owner", KEY_TEXT, IN(stream_conf, owner), .help = "who is to be asked; shown in pages"},
	{"depends_on", KEY_TEXTS, IN(stream_conf, depends_on), AND(stream_conf, ndepends_on),
	 .help = "streams that this one is made from; not served by this version"},
	{"window", KEY_DURATION, IN(stream_conf, window_ms), .min = 1000, .fallback = "1h",
	 .help = "how much is judged at a time, in event time"},
	{"slide", KEY_DURATION, IN(stream_conf, slide_ms), .min = 1000,
	 .shown = "1m, or the window if shorter", .help = "how often a window ends; divides the window"},
	{"lateness", KEY_DURATION, IN(stream_conf, lateness_ms), .fallback = "30s",
	 .help = "how far records may come out of order before a window closes"},
	{"max_future", KEY_DURATION, IN(stream_conf, max_future_ms), .shown = "off",
	 .help = "an event time further ahead of now is a violation `future_time`"},
	{"max_stale", KEY_DURATION, IN(stream_conf, max_stale_ms), .shown = "off",
	 .help = "an event time further behind the Kafka timestamp is a violation `stale_time`"},
	{"retention", KEY_DURATION, IN(stream_conf, retention_ms), .min = 60000, .fallback = "30d",
	 .help = "how far back of the newest event time statistics are kept; never less than the rules need"},
	{"start", KEY_CHOICE, IN(stream_conf, start), .choices = starts, .fallback = "earliest",
	 .help = "where to begin in a topic that the store does not know yet"},
	{"baseline", KEY_OWN, .unit = "FILE, {previous: 7d} or {default: FILE, slices: {\"K=V\": FILE}}",
	 .help = "a file made by `kdrift baseline`; or the same window earlier; or one file for the stream and others, on "
		 "the same grid, for slices (every key of slice_by in order); without any drift stays `no_baseline`"},
	{"contract", KEY_SECTION, .section = &section_contract, .help = "the schema that readers rely on"},
	{"compatibility", KEY_WORD, IN(stream_conf, compatibility), .choices = compatibilities,
	 .shown = "as contract.compatibility", .help = "the same as contract.compatibility"},
	{"samples", KEY_BOOL, IN(stream_conf, samples), .fallback = "false",
	 .help = "show the value that is to blame in the samples of violations, clipped to 80 characters"},
	{"redact", KEY_TEXTS, IN(stream_conf, redact), AND(stream_conf, nredact),
	 .help = "field paths whose values, and those of all below them, stand in no sample, page or statistic, whatever "
		 "`samples` says; their texts are kept as hashes and lengths"},
	{"dead_letter", KEY_SECTION, .section = &section_dead_letter, .help = "copy violating records to a topic"},
	{"fields", KEY_TABLE, .section = &section_field, .shown = "all",
	 .help = "what is known of the fields"},
	{"rules", KEY_LIST, .section = &section_value_rule, .shown = "none",
	 .help = "what must hold between the fields of a record"},
	{NULL}}};

const struct section section_root = {
    .title = "kdrift.yaml",
    .help = "The main file.",
    .keys = (const struct key[]){
	{"kafka", KEY_SECTION, .required = true, .section = &section_kafka, .help = "the cluster"},
	{"schema_registry", KEY_SECTION, .required = true, .section = &section_registry,
	 .help = "the schema registry"},
	{"redis", KEY_SECTION, .section = &section_redis, .help = "the store"},
	{"http", KEY_SECTION, .section = &section_http, .help = "the web server"},
	{"workers", KEY_INT, IN(config, workers), .min = 1, .max = 256, .fallback = "1",
	 .help = "consumers in this process, a thread each"},
	{"checkpoint_interval", KEY_DURATION, IN(config, checkpoint_ms), .min = 50, .max = SECONDS(60),
	 .fallback = "1s", .help = "how often counts are written to the store"},
	{"alerts", KEY_PATH, IN(config, alerts_dir), .shown = "alerts/ beside this file",
	 .help = "the directory of immediate.yaml, daily.yaml, weekly.yaml and receivers.yaml"},
	{"streams", KEY_LIST, .required = true, .section = &section_stream, .help = "what is monitored"},
	{NULL}}};

const struct section section_rule = {
    .title = "rules[]",
    .item_name = "alert",
    .help = "A list of rules stands in each of alerts/immediate.yaml (wakes someone), alerts/daily.yaml and "
	    "alerts/weekly.yaml (digests). A file may be empty or absent.",
    .keys = (const struct key[]){
	{"alert", KEY_TEXT, .required = true, IN(rule, name), .help = "the rule's name, once in all files"},
	{"stream", KEY_TEXT, IN(rule, stream), .fallback = "*",
	 .help = "a stream's name, or a glob (payments-*)"},
	{"role", KEY_WORD, IN(rule, role), .choices = roles, .shown = "any",
	 .help = "only streams of this role"},
	{"field", KEY_TEXT, IN(rule, field), .shown = "every field",
	 .help = "a field's path, or a glob; only for measures of fields"},
	{"measure", KEY_OWN, .required = true, .unit = "the name of a measure", .help = "what is measured"},
	{"above", KEY_OWN, .unit = "number, {chunks: {std: K}} or {chunks: {quantile: Q}}",
	 .help = "true while the value is greater; chunks: than the mean and K standard deviations, or the quantile Q, of "
		 "the measure over the baseline's own chunks (docs/thresholds.md)"},
	{"below", KEY_NUMBER, IN(rule, below), AND(rule, has_below),
	 .help = "true while the value is less; of a p-value, adjusted for the number of fields and slices"},
	{"adjust", KEY_CHOICE, IN(rule, adjust), .choices = adjustments, .fallback = "fdr",
	 .help = "of a p-value with `below`: fdr, so that at most that share of what is reported is false (Benjamini and "
		 "Hochberg); none, each field and slice by itself"},
	{"budget", KEY_OWN, .unit = "N/day, N/week, N/month or N/year",
	 .help = "instead of above and below: how often the rule may fire falsely on a stream; the threshold is derived "
		 "from it (docs/thresholds.md)"},
	{"clear_below", KEY_OWN, .unit = "a number", .shown = "above",
	 .help = "with `above`: resolved only under this value"},
	{"clear_above", KEY_OWN, .unit = "a number", .shown = "below",
	 .help = "with `below`: resolved only over this value"},
	{"over", KEY_DURATION, IN(rule, over_ms), .min = 1000, .shown = "the stream's window",
	 .help = "how much is judged at a time"},
	{"every", KEY_DURATION, IN(rule, every_ms), .min = 1000, .shown = "the stream's slide",
	 .help = "how often it is judged, a whole number of slides, counted from the Unix epoch; as long as `over`: windows that do not overlap"},
	{"for", KEY_DURATION, IN(rule, for_ms), .fallback = "0s", .help = "how long the condition must hold"},
	{"min_records", KEY_COUNT, IN(rule, min_records), .max = 1e15, .shown = "the measure's own",
	 .help = "with fewer records the rule says nothing"},
	{"against", KEY_OWN, .unit = "baseline, {previous: 7d}, {slice: \"K=V\"} or {stream: NAME}",
	 .shown = "baseline",
	 .help =
	     "what a window is compared with: the stream's baseline, the same window earlier, another slice "
	     "(every key of slice_by in order), or the same window of another stream"},
	{"owner", KEY_TEXT, IN(rule, owner), .shown = "the stream's",
	 .help = "who is to be asked; shown in pages"},
	{"runbook", KEY_TEXT, IN(rule, runbook), .help = "address of what to do; shown in pages"},
	{"summary", KEY_TEXT, IN(rule, summary), .help = "one sentence of what it means; shown in pages"},
	{"escalate", KEY_LATER, .help = "promote to another tier when it persists"},
	{NULL}}};

static const struct section section_webhook = {
    .title = "receivers[].webhook",
    .help = "POSTs JSON, signed as the Standard Webhooks specification says.",
    .keys = (const struct key[]){
	{"url", KEY_SECRET, .required = true, IN(receiver_conf, url), .help = "http:// or https:// address"},
	{"secret", KEY_SECRET, IN(receiver_conf, secret), .shown = "unsigned",
	 .help = "signing key: whsec_ and at least 24 bytes in base64"},
	{"timeout", KEY_DURATION, IN(receiver_conf, timeout_ms), .min = 100, .max = SECONDS(15),
	 .fallback = "15s", .help = "how long one attempt may take"},
	{NULL}}};

const struct section section_receiver = {
    .title = "receivers[]",
    .item_name = "name",
    .help = "Who is told: a name and one kind of receiver.",
    .keys = (const struct key[]){{"name", KEY_TEXT, .required = true, IN(receiver_conf, name),
				  .help = "letters, digits, '.', '_' and '-'"},
				 {"webhook", KEY_SECTION, .section = &section_webhook, .help = "signed JSON"},
				 {"pagerduty", KEY_LATER, .help = "PagerDuty Events v2"},
				 {"slack", KEY_LATER, .help = "Slack"},
				 {"alertmanager", KEY_LATER, .help = "Alertmanager"},
				 {"template", KEY_LATER, .help = "a body of your own"},
				 {"kafka", KEY_LATER, .help = "a Kafka topic"},
				 {NULL}}};

static const struct section section_routes = {
    .title = "routes",
    .help = "Which receivers each tier's messages go to, by name.",
    .keys =
	(const struct key[]){{"immediate", KEY_TEXTS, IN(config, routes[TIER_IMMEDIATE]),
			      AND(config, nroutes[TIER_IMMEDIATE]), .help = "pages, one a cause, at once"},
			     {"daily", KEY_TEXTS, IN(config, routes[TIER_DAILY]),
			      AND(config, nroutes[TIER_DAILY]), .help = "the daily digest"},
			     {"weekly", KEY_TEXTS, IN(config, routes[TIER_WEEKLY]),
			      AND(config, nroutes[TIER_WEEKLY]), .help = "the weekly digest"},
			     {NULL}}};

static const struct section section_daily = {
    .title = "digests.daily",
    .help = "When the daily digest is sent.",
    .keys = (const struct key[]){{"at", KEY_OWN, .unit = "HH:MM", .shown = "09:00", .help = "time of day"},
				 {"timezone", KEY_TEXT, IN(config, digests[TIER_DAILY].timezone),
				  .fallback = "UTC", .help = "IANA time zone"},
				 {NULL}}};

static const struct section section_weekly = {
    .title = "digests.weekly",
    .help = "When the weekly digest is sent.",
    .keys = (const struct key[]){{"at", KEY_OWN, .unit = "DAY HH:MM", .shown = "Mon 09:00",
				  .help = "day (Mon to Sun) and time of day"},
				 {"timezone", KEY_TEXT, IN(config, digests[TIER_WEEKLY].timezone),
				  .fallback = "UTC", .help = "IANA time zone"},
				 {NULL}}};

static const struct section section_digests = {
    .title = "digests",
    .help = "When digests are sent.",
    .keys =
	(const struct key[]){{"daily", KEY_SECTION, .section = &section_daily, .help = "the daily digest"},
			     {"weekly", KEY_SECTION, .section = &section_weekly, .help = "the weekly digest"},
			     {NULL}}};

const struct section section_receivers = {
    .title = "alerts/receivers.yaml",
    .help = "Who is told, and when.",
    .keys = (const struct key[]){
	{"receivers", KEY_LIST, .section = &section_receiver, .help = "who can be told"},
	{"routes", KEY_SECTION, .section = &section_routes, .help = "who is told what"},
	{"digests", KEY_SECTION, .section = &section_digests, .help = "when digests are sent"},
	{"silences", KEY_LATER, .help = "silences kept in files"},
	{NULL}}};

const struct key *key_find(const struct section *s, const char *name)
{
	for (const struct key *k = s->keys; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}
