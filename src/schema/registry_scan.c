// SPDX-License-Identifier: Apache-2.0
// A fingerprint is no key of a registry: the subject's versions are listed, and those not yet known fetched.
#include <stdlib.h>
#include <string.h>

#include "schema/fingerprint.h"
#include "schema/registry_ask.h"
#include "util/xalloc.h"

#define RESCAN_MS 600000 // a subject that was deleted for good and made anew counts its versions from 1

static struct registry_scan *scan_of(struct registry_link *l, const char *subject)
{
	struct registry_scan *s = NULL;

	for (size_t i = 0; i < l->nscans && !s; i++)
		if (!strcmp(l->scans[i].subject, subject))
			s = &l->scans[i];
	if (!s) {
		GROW(l->scans, l->nscans, l->capscans);
		s = &l->scans[l->nscans++];
		*s = (struct registry_scan){.subject = xstrdup(subject), .since = mono_now()};
	}
	if (mono_ms_since(s->since) > RESCAN_MS) {
		s->n = 0;
		s->since = mono_now();
	}
	return s;
}

static bool is_scanned(const struct registry_scan *s, int32_t version)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->versions[i].version == version)
			return true;
	return false;
}

static int scan_version(struct registry_link *l, struct registry_scan *s, int32_t version, struct error *err)
{
	struct registry_version v;
	struct error why = ERROR_INIT;

	if (ask_version(l, s->subject, version, &v, err))
		return -1;
	if (v.is == REGISTRY_PENDING)
		return error_set(err, "subject %s: the schema registry does not tell its versions; check basic_auth", s->subject);
	if (v.is != REGISTRY_DENIED) { // deleted since it was listed
		struct scanned one = {.version = version, .id = v.id};
		struct avsc *a = v.is == REGISTRY_KNOWN && v.schema.type == SCHEMA_AVRO ? avsc_parse(&v.schema, &why) : NULL;
		if (a) {
			one.fingerprint = schema_fingerprint(a);
			one.usable = true;
			avsc_free(a);
		}
		GROW(s->versions, s->n, s->cap);
		s->versions[s->n++] = one;
	}
	registry_version_release(&v);
	return 0;
}

static bool find(const struct registry_scan *s, uint64_t fingerprint, int32_t *id)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->versions[i].usable && s->versions[i].fingerprint == fingerprint) {
			*id = s->versions[i].id;
			return true;
		}
	}
	return false;
}

int ask_fingerprint(struct registry_link *l, uint64_t fingerprint, const char *subject, enum registry_answer *answer,
		    int32_t *id, struct error *err)
{
	struct registry_scan *s = scan_of(l, subject);
	int32_t *versions;
	size_t n;
	int rc = 0;

	*answer = REGISTRY_KNOWN;
	if (find(s, fingerprint, id))
		return 0;
	if (ask_versions(l, subject, NULL, &versions, &n, err))
		return -1;
	for (size_t i = n; !rc && i-- > 0;) // the newest first
		if (!is_scanned(s, versions[i]))
			rc = scan_version(l, s, versions[i], err);
	free(versions);
	if (!rc && !find(s, fingerprint, id))
		*answer = REGISTRY_DENIED;
	return rc;
}

void scans_release(struct registry_link *l)
{
	for (size_t i = 0; i < l->nscans; i++) {
		free(l->scans[i].subject);
		free(l->scans[i].versions);
	}
	free(l->scans);
}
