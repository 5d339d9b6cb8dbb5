// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/xsum.h"
#include "support.h"
#include "util/xalloc.h"
#include "xsum_table.h"

static double made(const char *kind, int i, uint64_t u)
{
	double unit = (double)(u >> 11) * 0x1p-53;

	if (!strcmp(kind, "unit"))
		return unit - 0.5;
	if (!strcmp(kind, "far"))
		return 1e9 + unit;
	if (!strcmp(kind, "all exponents"))
		return ldexp(unit - 0.5, (int)(u & 0x7ff) - 1074);
	if (!strcmp(kind, "subnormal"))
		return ldexp((double)(u & 0xffff), -1074);
	if (!strcmp(kind, "tiny"))
		return ldexp(unit, -1000);
	if (!strcmp(kind, "greatest"))
		return ldexp(unit, 1023);
	if (!strcmp(kind, "long integers"))
		return (double)((1ULL << 53) + (u & 0xff)) * 2;
	if (!strcmp(kind, "cancel"))
		return (double[]){1e300, 1, -1e300, 0x1p-1074}[i % 4];
	return 0.1;
}

static double *data(size_t k)
{
	struct rng r = {k};
	double *x = xcalloc((size_t)xsum_table[k].n, sizeof *x);

	for (int i = 0; i < xsum_table[k].n; i++)
		x[i] = made(xsum_table[k].kind, i, rng_u64(&r));
	return x;
}

// The same number, an infinity or not.
static void same(const char *what, const char *kind, double got, double want)
{
	cr_expect(got == want, "%s of %s: %a, want %a", what, kind, got, want);
}

Test(xsum, rounds_once_from_the_exact_value)
{
	for (size_t k = 0; k < ARRAY_LEN(xsum_table); k++) {
		struct xsum s = {0}, q = {0};
		uint64_t n = (uint64_t)xsum_table[k].n;
		double *x = data(k);

		for (uint64_t i = 0; i < n; i++) {
			xsum_add(&s, x[i]);
			xsum_add_square(&q, x[i]);
		}
		for (int i = 0; i < xsum_table[k].doubled; i++, n *= 2) {
			xsum_merge(&s, &s);
			xsum_merge(&q, &q);
		}
		same("sum", xsum_table[k].kind, xsum_value(&s), xsum_table[k].sum);
		same("mean", xsum_table[k].kind, xsum_mean(&s, n), xsum_table[k].mean);
		same("variance", xsum_table[k].kind, xsum_variance(&s, &q, n), xsum_table[k].variance);
		double sd = xsum_stddev(&s, &q, n), want = xsum_table[k].stddev;
		cr_expect(sd == want || fabs(sd - want) <= 0x1p-52 * want, "stddev of %s: %a, want %a",
			  xsum_table[k].kind, sd, want);
		xsum_release(&s);
		xsum_release(&q);
		free(x);
	}
}

enum { PARTS = 7 };

// Sums and squares of the same values.
struct both {
	struct xsum s, q;
};

static void both_add(struct both *b, double x)
{
	xsum_add(&b->s, x);
	xsum_add_square(&b->q, x);
}

static void both_release(struct both *b)
{
	xsum_release(&b->s);
	xsum_release(&b->q);
}

static void both_put(const struct both *b, struct buf *out)
{
	buf_clear(out);
	xsum_put(&b->s, out);
	xsum_put(&b->q, out);
}

// Parts of any sizes, merged in any order, give the bytes of the whole.
Test(xsum, is_the_same_bytes_however_it_is_added_and_merged)
{
	struct rng r = rng_seeded("xsum");
	struct buf want = BUF_INIT, got = BUF_INIT;

	for (size_t k = 0; k < ARRAY_LEN(xsum_table); k++) {
		struct both whole = {0};
		double *x = data(k);

		for (int i = 0; i < xsum_table[k].n; i++)
			both_add(&whole, x[i]);
		both_put(&whole, &want);
		for (int round = 0; round < 20; round++) {
			struct both part[PARTS] = {0};

			for (int i = xsum_table[k].n - 1; i >= 0; i--)
				both_add(&part[rng_below(&r, PARTS)], x[i]);
			for (size_t left = PARTS; left > 1; left--) {
				size_t a = rng_below(&r, left - 1), b = left - 1;

				xsum_merge(&part[a].s, &part[b].s);
				xsum_merge(&part[a].q, &part[b].q);
				both_release(&part[b]);
			}
			both_put(&part[0], &got);
			cr_assert(got.len == want.len && !memcmp(got.data, want.data, got.len), "%s",
				  xsum_table[k].kind);
			both_release(&part[0]);
		}
		both_release(&whole);
		free(x);
	}
	buf_release(&want);
	buf_release(&got);
}

// What was put: svar, uvar, bytes, all of small numbers here.
static bool set_back(const struct buf *b, struct xsum *out)
{
	struct rd r = {(const uint8_t *)b->data, (const uint8_t *)b->data + b->len, false};
	int64_t low = rd_svar(&r);
	uint64_t n = rd_uvar(&r);

	return xsum_set(out, low, n & 1, r.p, n >> 1);
}

Test(xsum, comes_back_from_its_bytes)
{
	struct buf put = BUF_INIT, again = BUF_INIT;

	for (size_t k = 0; k < ARRAY_LEN(xsum_table); k++) {
		struct both whole = {0};
		double *x = data(k);

		for (int i = 0; i < xsum_table[k].n; i++)
			both_add(&whole, x[i]);
		for (int square = 0; square < 2; square++) {
			struct xsum *s = square ? &whole.q : &whole.s, back = {0};

			buf_clear(&put);
			buf_clear(&again);
			xsum_put(s, &put);
			cr_assert(set_back(&put, &back), "%s", xsum_table[k].kind);
			xsum_put(&back, &again);
			cr_assert(put.len == again.len && !memcmp(put.data, again.data, put.len));
			cr_assert(xsum_value(&back) == xsum_value(s));
			xsum_add(&back, 1); // and is added to
			xsum_add(s, 1);
			cr_assert(xsum_value(&back) == xsum_value(s));
			xsum_release(&back);
		}
		both_release(&whole);
		free(x);
	}
	buf_release(&put);
	buf_release(&again);
}

Test(xsum, refuses_bytes_that_it_would_not_write)
{
	const uint8_t one[] = {1}, zero_ended[] = {1, 0}, zero_begun[] = {0, 1};
	struct xsum s = {0};

	cr_assert(xsum_set(&s, 0, false, one, 0) && xsum_value(&s) == 0);
	cr_assert(!xsum_set(&s, 0, true, one, 0), "there is no -0");
	cr_assert(!xsum_set(&s, 1, false, one, 0));
	cr_assert(!xsum_set(&s, 0, false, zero_ended, 2));
	cr_assert(!xsum_set(&s, 0, false, zero_begun, 2));
	cr_assert(!xsum_set(&s, -273, false, one, 1) && !xsum_set(&s, 272, false, one, 1));
	cr_assert(xsum_set(&s, 0, true, one, 1) && xsum_value(&s) == -1);
	xsum_release(&s);
}

// In pieces of any lengths, with exponents far apart or not.
Test(xsum, is_the_same_bytes_in_batches)
{
	struct rng r = rng_seeded("xsum batches");
	struct buf want = BUF_INIT, got = BUF_INIT;

	for (size_t k = 0; k < ARRAY_LEN(xsum_table); k++) {
		struct both one = {0}, all = {0};
		size_t n = (size_t)xsum_table[k].n;
		double *x = data(k);

		for (size_t i = 0; i < n; i++)
			both_add(&one, x[i]);
		for (size_t i = 0, part; i < n; i += part) {
			part = rng_below(&r, 2) ? rng_below(&r, 4) : rng_below(&r, 3000);
			part = part < n - i ? part : n - i;
			xsum_add_all(&all.s, &all.q, x + i, part);
		}
		both_put(&one, &want);
		both_put(&all, &got);
		cr_assert(got.len == want.len && !memcmp(got.data, want.data, got.len), "%s", xsum_table[k].kind);
		both_release(&one);
		both_release(&all);
		free(x);
	}
	buf_release(&want);
	buf_release(&got);
}

// More additions than a digit holds without a carry.
Test(xsum, carries_before_a_digit_overflows)
{
	struct xsum s = {0}, a = {0};

	xsum_add(&s, 0x1.fffffffffffffp+52);
	for (int i = 0; i < 40; i++) { // doubles: 2^40 times
		xsum_copy(&a, &s);
		xsum_merge(&s, &a);
		xsum_release(&a);
	}
	cr_assert(xsum_value(&s) == 0x1.fffffffffffffp+92);
	s.adds = XSUM_ADDS;
	xsum_add(&s, -0x1.fffffffffffffp+92);
	cr_assert(xsum_value(&s) == 0);
	xsum_release(&s);
}
