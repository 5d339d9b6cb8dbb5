// SPDX-License-Identifier: Apache-2.0
#include "sandbox/printer.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/httpd.h"
#include "util/digest.h"
#include "util/map.h"
#include "util/xalloc.h"

enum { MAX_ITEMS = 8 };

struct printer {
	FILE *out;
	bool colour;
	uint8_t key[256];
	ssize_t key_len; // -1: unsigned
	void (*seen)(void *ctx, const json_t *message);
	void *ctx;
	struct httpd *http;
	char url[48];
	pthread_mutex_t lock; // out, ids
	struct map ids;	      // of deliveries
	struct map pages;     // by id: the items as printed last
};

enum paint { PLAIN, BOLD, RED, GREEN, YELLOW, BLUE, DIM };

static const char *paint(const struct printer *p, enum paint c)
{
	static const char *const codes[] = {"\x1b[0m",	"\x1b[1m",  "\x1b[1;31m", "\x1b[32m",
					    "\x1b[33m", "\x1b[36m", "\x1b[2m"};

	return p->colour ? codes[c] : "";
}

// "1997-02-10T06:00:00Z" as "1997-02-10 06:00"; "" where there is none.
static const char *when(const json_t *o, const char *name, char *buf, size_t n)
{
	snprintf(buf, n, "%.16s", json_get_str(o, name, ""));
	char *t = strchr(buf, 'T');
	if (t)
		*t = ' ';
	return buf;
}

static void print_items(struct printer *p, const json_t *page, const char *indent)
{
	json_t *items = json_object_get(page, "items"), *item;
	size_t i;

	json_array_foreach(items, i, item)
	{
		const char *field = json_get_str(item, "field", ""), *slice = json_get_str(item, "slice", "");
		const json_t *value = json_object_get(item, "value");
		if (i == MAX_ITEMS) {
			fprintf(p->out, "%sand %zu more\n", indent, json_array_size(items) - i);
			break;
		}
		fprintf(p->out, "%s%-10s %s ", indent, *field ? field : "stream",
			json_get_str(item, "measure", ""));
		if (json_is_number(value))
			fprintf(p->out, "%.4g", json_number_value(value));
		else
			fprintf(p->out, "unknown");
		fprintf(p->out, "%s (threshold %.4g, %lld records)%s%s%s\n", paint(p, DIM),
			json_get_num(item, "threshold", 0), (long long)json_get_int(item, "n_current", 0),
			*slice ? " slice " : "", slice, paint(p, PLAIN));
	}
}

static void print_followers(struct printer *p, const json_t *page, const char *indent)
{
	json_t *follows = json_object_get(page, "follows"), *f;
	size_t i;

	if (!json_array_size(follows))
		return;
	fprintf(p->out, "%sfollows from it:", indent);
	json_array_foreach(follows, i, f)
		fprintf(p->out, "%s %s%s%s", i ? "," : "", json_get_str(f, "alert", ""),
			json_is_string(json_object_get(f, "field")) ? " of " : "", json_get_str(f, "field", ""));
	fputc('\n', p->out);
}

static void print_page(struct printer *p, const json_t *page, const char *indent)
{
	bool firing = !strcmp(json_get_str(page, "status", ""), "firing");
	const char *summary = json_get_str(page, "summary", ""), *id = json_get_str(page, "id", "");
	char at[24], deeper[16], *items = json_text(json_object_get(page, "items"));
	const char *before = map_gets(&p->pages, id);
	bool same = firing && before && !strcmp(before, items);

	fprintf(p->out, "%s%s%s%s  %s%s%s on %s, since %s", indent, paint(p, firing ? RED : GREEN),
		firing ? "FIRING  " : "resolved", paint(p, PLAIN), paint(p, BOLD),
		json_get_str(page, "alert", ""), paint(p, PLAIN), json_get_str(page, "stream", ""),
		when(page, "starts_at", at, sizeof at));
	if (!firing)
		fprintf(p->out, " until %s", when(page, "ends_at", at, sizeof at));
	fputs(same ? ", as before\n" : "\n", p->out);
	snprintf(deeper, sizeof deeper, "%s    ", indent);
	if (*summary && firing && !before)
		fprintf(p->out, "%s%s\n", deeper, summary);
	if (firing && !same)
		print_items(p, page, deeper);
	print_followers(p, page, deeper);
	free(map_puts(&p->pages, id, items));
}

// A count, or counts by kind.
static long long total(const json_t *v)
{
	long long sum = json_is_integer(v) ? (long long)json_integer_value(v) : 0;
	const char *kind;
	json_t *n;

	json_object_foreach((json_t *)v, kind, n) sum += (long long)json_integer_value(n);
	return sum;
}

static void print_paths(const struct printer *p, const char *word, const json_t *paths)
{
	for (size_t i = 0; i < json_array_size(paths); i++)
		fprintf(p->out, "%s %s", i ? "," : word, json_string_value(json_array_get(paths, i)));
}

static void print_fields(const struct printer *p, const json_t *streams)
{
	for (size_t i = 0; i < json_array_size(streams); i++) {
		const json_t *s = json_array_get(streams, i);
		const json_t *fresh = json_object_get(s, "appeared"), *gone = json_object_get(s, "disappeared");
		if (!fresh && !gone)
			continue;
		fprintf(p->out, "      %s:", json_get_str(s, "stream", ""));
		print_paths(p, " new fields", fresh);
		print_paths(p, fresh ? "; gone fields" : " gone fields", gone);
		fputc('\n', p->out);
	}
}

// A digest that has nothing to tell is not printed: most days are like that.
static void print_digest(struct printer *p, const json_t *data)
{
	json_t *pages = json_object_get(data, "pages"), *page, *streams = json_object_get(data, "streams"),
	       *stream;
	size_t i, n = json_array_size(pages);
	long long records = 0, violations = 0;
	char from[24], to[24];
	bool moved = false;

	json_array_foreach(streams, i, stream)
	{
		moved |= json_object_get(stream, "appeared") || json_object_get(stream, "disappeared");
		records += total(json_object_get(stream, "records"));
		violations += total(json_object_get(stream, "violations"));
	}
	if (!n && !moved)
		return;
	fprintf(p->out, "%s%s digest%s  %.10s to %.10s: %lld records, %lld violations, %zu alert%s\n",
		paint(p, !strcmp(json_get_str(data, "tier", ""), "daily") ? YELLOW : BLUE),
		json_get_str(data, "tier", ""), paint(p, PLAIN), when(data, "from", from, sizeof from),
		when(data, "to", to, sizeof to), records, violations, n, n == 1 ? "" : "s");
	print_fields(p, streams);
	json_array_foreach(pages, i, page) print_page(p, page, "    ");
}

static void print_message(struct printer *p, const json_t *message)
{
	const json_t *data = json_object_get(message, "data");

	if (!strcmp(json_get_str(message, "type", ""), "kdrift.digest")) {
		print_digest(p, data);
	} else {
		fprintf(p->out, "%s%s page%s\n", paint(p, RED), json_get_str(data, "tier", ""),
			paint(p, PLAIN));
		print_page(p, data, "    ");
	}
	fflush(p->out);
}

// Standard Webhooks: any of the signatures "v1,BASE64" over id.timestamp.body.
static bool signature_fits(const struct printer *p, const struct httpd_request *r, const char *id)
{
	const char *at = r->header(r, "webhook-timestamp"), *sent = r->header(r, "webhook-signature");
	struct buf text = BUF_INIT;
	uint8_t mac[32];

	if (p->key_len < 0)
		return true;
	if (!at || !sent)
		return false;
	buf_addf(&text, "%s.%s.", id, at);
	buf_add(&text, r->body, r->len);
	hmac_sha256(p->key, (size_t)p->key_len, text.data, text.len, mac);
	buf_release(&text);
	char *base64 = base64_encode(mac, sizeof mac), *want = xasprintf("v1,%s", base64);
	bool fits = false;
	for (const char *s = sent; *s && !fits; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");
		fits = n == strlen(want) && !memcmp(s, want, n);
		s += n;
	}
	free(base64);
	free(want);
	return fits;
}

static json_t *handle(void *ctx, const struct httpd_request *r, unsigned *status)
{
	struct printer *p = ctx;
	struct error err = ERROR_INIT;
	const char *id = r->header(r, "webhook-id");

	if (strcmp(r->method, "POST") || !id) {
		*status = 400;
		return NULL;
	}
	if (!signature_fits(p, r, id)) {
		*status = 401;
		return NULL;
	}
	json_t *message = json_parse(r->body, r->len, &err);
	if (!message) {
		*status = 400;
		return NULL;
	}
	pthread_mutex_lock(&p->lock);
	bool again = map_puts(&p->ids, id, p);
	if (!again)
		print_message(p, message);
	pthread_mutex_unlock(&p->lock);
	if (!again && p->seen)
		p->seen(p->ctx, message);
	json_decref(message);
	return NULL;
}

struct printer *printer_start(FILE *out, bool colour, const char *secret,
			      void (*seen)(void *ctx, const json_t *message), void *ctx, struct error *err)
{
	struct printer *p = xcalloc(1, sizeof *p);

	*p = (struct printer){.out = out, .colour = colour, .key_len = -1, .seen = seen, .ctx = ctx};
	pthread_mutex_init(&p->lock, NULL);
	map_init(&p->ids);
	map_init(&p->pages);
	if (secret)
		p->key_len =
		    base64_decode(secret + (strncmp(secret, "whsec_", 6) ? 0 : 6), p->key, sizeof p->key);
	if (secret && p->key_len < 0)
		error_set(err, "webhook receiver: the secret is not base64");
	else
		p->http = httpd_start(handle, p, "application/json", err);
	if (!p->http) {
		printer_stop(p);
		return NULL;
	}
	snprintf(p->url, sizeof p->url, "http://127.0.0.1:%d/", httpd_port(p->http));
	return p;
}

const char *printer_url(const struct printer *p)
{
	return p->url;
}

void printer_say(struct printer *p, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&p->lock);
	va_start(ap, fmt);
	vfprintf(p->out, fmt, ap);
	va_end(ap);
	fputc('\n', p->out);
	fflush(p->out);
	pthread_mutex_unlock(&p->lock);
}

void printer_stop(struct printer *p)
{
	if (!p)
		return;
	httpd_stop(p->http);
	map_release(&p->ids, NULL);
	map_release(&p->pages, free);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
