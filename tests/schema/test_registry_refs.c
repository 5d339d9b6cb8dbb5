// SPDX-License-Identifier: Apache-2.0
// Schemas of every type with what they refer to. The fingerprint of the Avro case is fastavro's, of the schema
// with its references written out:
//   fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(S), "CRC-64-AVRO")  (its bytes reversed)
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "registry_help.h"
#include "schema/avsc.h"
#include "schema/fingerprint.h"

// As the registry answers: a schema's text is a JSON string. Q(x) stands for "x" within one.
#define Q(x)	     "\\\"" x "\\\""
#define REF(n, s, v) "{\"name\":\"" n "\",\"subject\":\"" s "\",\"version\":" v "}"
#define DOC(schema, refs) "{\"version\":1,\"schema\":\"" schema "\",\"references\":[" refs "]}"
#define RECORD(name, fields) "{" Q("type") ":" Q("record") "," Q("name") ":" Q(name) "," Q("fields") ":[" fields "]}"
#define FIELD(name, type)    "{" Q("name") ":" Q(name) "," Q("type") ":" type "}"

#define COUNTRY "{" Q("type") ":" Q("enum") "," Q("name") ":" Q("geo.Country") "," Q("symbols") ":[" Q("DE") "," Q("FR") "]}"
#define ADDRESS RECORD("geo.Address", FIELD("country", Q("Country")) "," FIELD("next", "[" Q("null") "," Q("Address") "]"))
#define ORDER	RECORD("shop.Order", FIELD("to", Q("geo.Address")) "," FIELD("from", Q("geo.Country")))

#define ADDRESS_REF REF("geo.Address", "address", "2")
#define COUNTRY_REF REF("geo.Country", "a/country", "1")

Test(registry_refs, each_comes_before_those_that_refer_to_it_and_once)
{
	struct reply replies[] = {
	    {"/schemas/ids/7", 0, 200, DOC(ORDER, COUNTRY_REF "," ADDRESS_REF), NULL, 0, false},
	    {"/subjects/address/versions/2?deleted=true", 1, 200, DOC(ADDRESS, COUNTRY_REF), NULL, 0, false},
	    {"/subjects/a%2Fcountry/versions/1?deleted=true", 1, 200, DOC(COUNTRY, ""), NULL, 0, false}};
	const struct registry_schema *s;
	struct error err = ERROR_INIT;
	struct bench b;

	START(b, replies);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
	cr_assert(s->schema.type == SCHEMA_AVRO && s->schema.nrefs == 2);
	cr_assert(eq(str, s->schema.refs[0].name, (char *)"geo.Country"));
	cr_assert(eq(str, s->schema.refs[1].name, (char *)"geo.Address"));
	cr_assert(strstr(s->schema.refs[0].text, "enum") && strstr(s->schema.refs[1].text, "next"));

	struct avsc *a = avsc_parse(&s->schema, &err);
	cr_assert(a != NULL, "%s", err.text);
	const struct avsc_type *to = avsc_root(a)->fields[0].type;
	cr_assert(eq(str, avsc_root(a)->name, (char *)"shop.Order"));
	cr_assert(to->kind == AVSC_RECORD && to->fields[0].type == avsc_root(a)->fields[1].type);
	cr_assert(to->fields[1].type->parts[1] == to, "recursive");
	cr_assert(eq(u64, schema_fingerprint(a), 0xfef3f173b9b32525ULL));
	avsc_free(a);
	finish(&b);
}

static void refused(struct reply *replies, size_t n, const char *reason)
{
	const struct registry_schema *s;
	struct bench b;

	start_with(&b, replies, n, (struct registry_conf){0});
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_INVALID));
	cr_assert(strstr(s->reason, reason) != NULL, "%s", s->reason);
	cr_assert(s->schema.text == NULL && s->schema.nrefs == 0);
	finish(&b);
}

Test(registry_refs, what_is_missing_is_named)
{
	struct reply gone[] = {
	    {"/schemas/ids/7", 0, 200, DOC(ORDER, ADDRESS_REF), NULL, 0, false},
	    {"/subjects/address/versions/2?deleted=true", 0, 200, DOC(ADDRESS, COUNTRY_REF), NULL, 0, false},
	    {"/subjects/a%2Fcountry/versions/1?deleted=true", 0, 404, "{\"error_code\":40402}", NULL, 0, false}};
	struct reply nameless[] = {{"/schemas/ids/7", 0, 200, DOC(ORDER, "{\"subject\":\"s\",\"version\":1}"), NULL, 0, false}};
	struct reply circle[] = {
	    {"/schemas/ids/7", 0, 200, DOC(ORDER, ADDRESS_REF), NULL, 0, false},
	    {"/subjects/address/versions/2?deleted=true", 0, 200, DOC(ADDRESS, COUNTRY_REF), NULL, 0, false},
	    {"/subjects/a%2Fcountry/versions/1?deleted=true", 0, 200, DOC(COUNTRY, ADDRESS_REF), NULL, 0, false}};
	struct reply broken[] = {
	    {"/schemas/ids/7", 0, 200, DOC(ORDER, ADDRESS_REF), NULL, 0, false},
	    {"/subjects/address/versions/2?deleted=true", 0, 200, DOC(ADDRESS, ""), NULL, 0, false}};

	refused(gone, ARRAY_LEN(gone), "geo.Country, and the registry has no version 1 of subject a/country");
	refused(nameless, ARRAY_LEN(nameless), "no name or no subject");
	refused(circle, ARRAY_LEN(circle), "in a circle: geo.Address -> geo.Country -> geo.Address");
	refused(broken, ARRAY_LEN(broken), "reference geo.Address: field \"country\": unknown type \"Country\"");
}

static void answer_deep(void *ctx, const struct fake_request *q, struct fake_answer *a)
{
	int n = 0;

	(void)ctx;
	sscanf(q->path, "/subjects/s%d/", &n);
	buf_addf(&a->body, DOC("syntax", "{\"name\":\"n%d\",\"subject\":\"s%d\",\"version\":1}"), n + 1, n + 1);
}

Test(registry_refs, their_depth_is_bounded)
{
	struct fake_server *server = fake_start(answer_deep, NULL);
	char *url = server->url;
	struct registry_conf conf = {.urls = &url, .nurls = 1, .timeout_ms = 5000};
	struct error err = ERROR_INIT;
	struct bench b = {.registry = registry_new(&conf, &err)};
	const struct registry_schema *s;
	struct registry_stats st;

	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_INVALID));
	cr_assert(strstr(s->reason, "deeper than 32") != NULL, "%s", s->reason);
	registry_stats(b.registry, &st);
	cr_assert(eq(u64, st.requests, 33));
	registry_free(b.registry);
	fake_stop(server);
}

Test(registry_refs, a_registry_that_is_away_is_asked_again)
{
	struct reply replies[] = {
	    {"/schemas/ids/7", 0, 200, DOC(ORDER, ADDRESS_REF), NULL, 0, false},
	    {"/subjects/address/versions/2?deleted=true", 0, 200, DOC(ADDRESS, COUNTRY_REF), NULL, 0, false},
	    {"/subjects/a%2Fcountry/versions/1?deleted=true", 1, 503, "", NULL, 0, false},
	    {"/subjects/a%2Fcountry/versions/1?deleted=true", 1, 403, "", NULL, 0, false},
	    {"/subjects/a%2Fcountry/versions/1?deleted=true", 1, 404, "no registry", NULL, 0, false},
	    {"/subjects/a%2Fcountry/versions/1?deleted=true", 1, 200, DOC(COUNTRY, ""), NULL, 0, false}};
	const struct registry_schema *s;
	struct registry_stats st;
	struct bench b;

	START(b, replies);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
	cr_assert(eq(int, (int)s->schema.nrefs, 2));
	registry_stats(b.registry, &st);
	cr_assert(st.up);
	finish(&b);
}

#define PROTO	   "syntax = " Q("proto3") "; import " Q("b.proto") "; message M { B b = 1; }"
#define PROTO_B	   "syntax = " Q("proto3") "; message B { int32 x = 1; }"
#define PROTO_RULES                                                                                                            \
	"{\"schemaType\":\"PROTOBUF\",\"version\":4,\"id\":7,\"schema\":\"" PROTO "\",\"references\":[" REF("b.proto", "b", "3")  \
	"],\"ruleSet\":{\"domainRules\":[{\"name\":\"r\"}]}}"

static char kept[2000];

static char *load(void *ctx, const char *key)
{
	(void)ctx;
	return !strcmp(key, "7") && *kept ? xstrdup(kept) : NULL;
}

static void save(void *ctx, const char *key, const char *text)
{
	(void)ctx;
	if (!strcmp(key, "7"))
		snprintf(kept, sizeof kept, "%s", text);
}

Test(registry_refs, what_is_kept_has_type_references_and_rules)
{
	struct reply replies[] = {{"/schemas/ids/7", 0, 200, PROTO_RULES, NULL, 0, false},
				  {"/subjects/b/versions/3?deleted=true", 0, 200, DOC(PROTO_B, ""), NULL, 0, false},
				  {"POST /subjects/t-value", 0, 200, "{\"id\":7}", NULL, 0, false}};
	struct registry_conf conf = {.load = load, .save = save};
	struct bench b;

	*kept = 0;
	for (int round = 0; round < 2; round++) { // the second time from what was kept
		const struct registry_schema *s;
		start_with(&b, round ? replies + 2 : replies, round ? 1 : ARRAY_LEN(replies), conf);
		cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
		cr_assert(eq(int, s->schema.type, SCHEMA_PROTOBUF));
		cr_assert(eq(int, s->id, 7));
		cr_assert(eq(str, s->schema.text, (char *)"syntax = \"proto3\"; import \"b.proto\"; message M { B b = 1; }"));
		cr_assert(eq(int, (int)s->schema.len, (int)strlen(s->schema.text)));
		cr_assert(eq(int, (int)s->schema.nrefs, 1));
		cr_assert(eq(str, s->schema.refs[0].name, (char *)"b.proto"));
		cr_assert(eq(str, s->schema.refs[0].text, (char *)"syntax = \"proto3\"; message B { int32 x = 1; }"));
		cr_assert(eq(str, s->schema.rule_set, (char *)"{\"domainRules\":[{\"name\":\"r\"}]}"));
		cr_assert(eq(int, subject_settled(&b, 7, "t-value"), SUBJECT_YES), "%s", b.script.log);
		cr_assert(strstr(b.script.last_body, "\"schemaType\":\"PROTOBUF\"") != NULL, "%s", b.script.last_body);
		cr_assert(strstr(b.script.last_body, "\"references\":[" REF("b.proto", "b", "3") "]") != NULL, "%s",
			  b.script.last_body);
		finish(&b);
	}
}

Test(registry_refs, a_version_has_its_references_and_they_are_asked_for_once)
{
	struct reply replies[] = {{"/subjects/p/versions/4", 0, 200, PROTO_RULES, NULL, 0, false},
				  {"/subjects/p/versions/latest", 0, 200, PROTO_RULES, NULL, 0, false},
				  {"/subjects/b/versions/3?deleted=true", 0, 200, DOC(PROTO_B, ""), NULL, 0, false}};
	struct mono_time until = mono_after_ms(15000);
	struct error err = ERROR_INIT;
	struct registry_version v = {0};
	struct bench b;

	START(b, replies);
	cr_assert(registry_version(b.registry, "p", 4, &v, &err) == 0, "%s", err.text);
	cr_assert(v.is == REGISTRY_KNOWN && v.schema.type == SCHEMA_PROTOBUF && v.schema.nrefs == 1 && v.schema.rule_set);
	registry_version_release(&v);
	while (!registry_latest(b.registry, "p", &v) && !mono_passed(until))
		poll(NULL, 0, 2);
	cr_assert(v.version == 4 && v.is == REGISTRY_KNOWN && v.schema.nrefs == 1);
	registry_version_release(&v);
	finish(&b);
}

Test(registry_refs, a_json_schema_is_text_and_so_is_what_it_refers_to)
{
	struct reply replies[] = {
	    {"/schemas/ids/7", 0, 200,
	     "{\"schemaType\":\"JSON\",\"schema\":\"{}\",\"references\":[" REF("http://a/b.json", "b", "-1") "]}", NULL, 0, false},
	    {"/subjects/b/versions/latest", 0, 200, DOC("true", ""), NULL, 0, false}};
	const struct registry_schema *s;
	struct bench b;

	START(b, replies);
	cr_assert(eq(int, settled(&b, 7, &s), REGISTRY_KNOWN));
	cr_assert(s->schema.type == SCHEMA_JSON && s->schema.nrefs == 1);
	cr_assert(eq(str, s->schema.refs[0].name, (char *)"http://a/b.json"));
	cr_assert(eq(str, s->schema.refs[0].text, (char *)"true"));
	cr_assert(s->schema.rule_set == NULL);
	finish(&b);
}
