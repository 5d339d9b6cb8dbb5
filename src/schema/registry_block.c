// SPDX-License-Identifier: Apache-2.0
// The questions that block. They go by a link of their own, beside the thread's.
#include <stdlib.h>

#include "schema/registry_state.h"

static struct registry_link own_link(const struct registry *r)
{
	return (struct registry_link){.urls = r->link.urls,
				      .nurls = r->link.nurls,
				      .user = r->link.user,
				      .password = r->link.password,
				      .bearer = r->link.bearer,
				      .ca_file = r->link.ca_file,
				      .cert_file = r->link.cert_file,
				      .key_file = r->link.key_file,
				      .timeout_ms = r->link.timeout_ms,
				      .http = http_new()};
}

int32_t registry_register(struct registry *r, const char *subject, const char *schema, struct error *err)
{
	struct registry_link mine = own_link(r);
	int32_t id = ask_register(&mine, subject, schema, err);

	http_free(mine.http);
	return id;
}

int registry_version(struct registry *r, const char *subject, int32_t version, struct registry_version *out,
		     struct error *err)
{
	struct registry_link mine = own_link(r);
	int rc = ask_version(&mine, subject, version, out, err);

	if (!rc && out->is == REGISTRY_PENDING)
		rc = error_set(err, "the registry does not tell the versions of %s (HTTP 403 or 405); look at the credentials",
			       subject);
	refs_release(&mine);
	http_free(mine.http);
	return rc;
}

int registry_versions(struct registry *r, const char *subject, int32_t **out, size_t *n, struct error *err)
{
	struct registry_link mine = own_link(r);
	int rc = ask_versions(&mine, subject, NULL, out, n, err);

	http_free(mine.http);
	return rc;
}

int registry_compatible(struct registry *r, const char *subject, int32_t version, const struct schema_text *schema,
			struct registry_verdict *out, struct error *err)
{
	struct registry_link mine = own_link(r);
	int rc = ask_compatibility(&mine, subject, version, schema, out, err);

	http_free(mine.http);
	return rc;
}

void registry_verdict_release(struct registry_verdict *v)
{
	json_decref(v->messages);
	free(v->why);
	*v = (struct registry_verdict){0};
}

int registry_level(struct registry *r, const char *subject, char **level, char **why, struct error *err)
{
	struct registry_link mine = own_link(r);
	int rc = ask_level(&mine, subject, level, why, err);

	http_free(mine.http);
	return rc;
}
