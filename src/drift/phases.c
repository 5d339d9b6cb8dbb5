// SPDX-License-Identifier: Apache-2.0
#include "drift/phases.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

struct phases {
	size_t nbins, stride;
	unsigned width;  // bytes of a bin, 8: a double
	uint8_t bytes[]; // of each phase n, mean, variance as doubles, and its bins
};

enum { MOMENTS = 3 * sizeof(double) };

static unsigned width_of(const struct usual *u, size_t n, size_t nbins)
{
	double most = 0;

	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < nbins; i++)
			most = u[k].bins[i] > most ? u[k].bins[i] : most;
	return most <= UINT8_MAX ? 1 : most <= UINT16_MAX ? 2 : most <= UINT32_MAX ? 4 : 8;
}

struct phases *phases_pack(const struct usual *u, size_t n, size_t nbins)
{
	unsigned width = width_of(u, n, nbins);
	size_t stride = MOMENTS + nbins * width;
	struct phases *p = xmalloc(sizeof *p + n * stride);

	*p = (struct phases){nbins, stride, width};
	for (size_t k = 0; k < n; k++) {
		uint8_t *at = p->bytes + k * stride;

		memcpy(at, (double[]){u[k].n, u[k].mean, u[k].variance}, MOMENTS);
		at += MOMENTS;
		for (size_t i = 0; i < nbins; i++, at += width) {
			if (width == 8)
				memcpy(at, &u[k].bins[i], width);
			else
				for (unsigned b = 0; b < width; b++)
					at[b] = (uint8_t)((uint32_t)u[k].bins[i] >> 8 * b);
		}
	}
	return p;
}

void phases_free(struct phases *p)
{
	free(p);
}

void phases_get(const struct phases *p, size_t k, struct usual *out)
{
	const uint8_t *at = p->bytes + k * p->stride;
	double moments[3];

	memcpy(moments, at, MOMENTS);
	*out = (struct usual){.n = moments[0], .mean = moments[1], .variance = moments[2]};
	at += MOMENTS;
	for (size_t i = 0; i < p->nbins; i++, at += p->width) {
		uint32_t v = 0;

		if (p->width == 8) {
			memcpy(&out->bins[i], at, 8);
			continue;
		}
		for (unsigned b = 0; b < p->width; b++)
			v |= (uint32_t)at[b] << 8 * b;
		out->bins[i] = v;
	}
}
