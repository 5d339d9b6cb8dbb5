// SPDX-License-Identifier: Apache-2.0
#include "schema/fingerprint.h"

#include <inttypes.h>

#include "util/buf.h"
#include "util/map.h"

// Named types are written out where they are met first and are their name from then on.
static void write_type(struct buf *b, struct map *seen, const struct avsc_type *t)
{
	if (t->name && map_gets(seen, t->name)) {
		buf_addf(b, "\"%s\"", t->name);
		return;
	}
	if (t->name) {
		map_puts(seen, t->name, seen);
		buf_addf(b, "{\"name\":\"%s\",", t->name);
	}
	switch (t->kind) {
	case AVSC_RECORD:
		buf_adds(b, "\"type\":\"record\",\"fields\":[");
		for (size_t i = 0; i < t->nfields; i++) {
			buf_addf(b, "%s{\"name\":\"%s\",\"type\":", i ? "," : "", t->fields[i].name);
			write_type(b, seen, t->fields[i].type);
			buf_addc(b, '}');
		}
		buf_adds(b, "]}");
		break;
	case AVSC_ENUM:
		buf_adds(b, "\"type\":\"enum\",\"symbols\":[");
		for (size_t i = 0; i < t->nsymbols; i++)
			buf_addf(b, "%s\"%s\"", i ? "," : "", t->symbols[i]);
		buf_adds(b, "]}");
		break;
	case AVSC_FIXED:
		buf_addf(b, "\"type\":\"fixed\",\"size\":%" PRIu32 "}", t->size);
		break;
	case AVSC_ARRAY:
	case AVSC_MAP:
		buf_adds(b, t->kind == AVSC_ARRAY ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
		write_type(b, seen, t->parts[0]);
		buf_addc(b, '}');
		break;
	case AVSC_UNION:
		buf_addc(b, '[');
		for (size_t i = 0; i < t->nparts; i++) {
			buf_adds(b, i ? "," : "");
			write_type(b, seen, t->parts[i]);
		}
		buf_addc(b, ']');
		break;
	default:
		buf_addf(b, "\"%s\"", avsc_kind_name(t->kind));
		break;
	}
}

static uint64_t crc_64_avro(const char *p, size_t n)
{
	const uint64_t empty = 0xc15d213aa4d7a795;
	uint64_t fp = empty;

	for (size_t i = 0; i < n; i++) {
		fp ^= (uint8_t)p[i];
		for (int bit = 0; bit < 8; bit++)
			fp = fp >> 1 ^ (empty & -(fp & 1));
	}
	return fp;
}

void schema_canonical(const struct avsc *a, struct buf *out)
{
	struct map seen;

	map_init(&seen);
	write_type(out, &seen, avsc_root(a));
	map_release(&seen, NULL);
}

uint64_t schema_fingerprint(const struct avsc *a)
{
	struct buf form = BUF_INIT;

	schema_canonical(a, &form);
	uint64_t fp = crc_64_avro(form.data, form.len);
	buf_release(&form);
	return fp;
}
