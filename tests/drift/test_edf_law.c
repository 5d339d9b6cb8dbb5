// SPDX-License-Identifier: Apache-2.0
// Probabilities of the limit laws: SciPy 1.17.1's Cramer-von Mises (its series in Bessel functions), Imhof's inversion by
// numerical integration for Anderson and Darling's A^2, and the critical values that Stephens (1974) prints.
#include <criterion/criterion.h>
#include <math.h>

#include "drift/edf_law.h"

static void expect(double got, double want, double relative)
{
	cr_expect(fabs(got - want) <= relative * fabs(want), "%.17g, not %.17g", got, want);
}

Test(edf_law, cramer_von_mises)
{
	static const double scipy[][2] = {{0.02, 0.9969993856983981}, {0.05, 0.876280931041351}, {0.1, 0.5848734384067971},
		{0.3473, 0.10000308279020154}, {0.46136, 0.05000038313265287}, {0.74346, 0.009999961915457156}};

	for (size_t i = 0; i < sizeof scipy / sizeof *scipy; i++)
		expect(cramer_von_mises_sf(scipy[i][0]), scipy[i][1], 1e-12);
	expect(cramer_von_mises_sf(1.16786), 0.001, 1e-4);
	cr_expect_eq(cramer_von_mises_sf(0), 1);
}

Test(edf_law, anderson_darling)
{
	static const double imhof[][2] = {{0.2, 0.9904125473405203}, {0.5, 0.7468143734902443}, {1, 0.35726667319787714},
		{1.933, 0.09999462321552294}, {2.492, 0.05002218820956916}, {3.878, 0.010001409654551874},
		{5.97, 0.0009993527990603268}};

	for (size_t i = 0; i < sizeof imhof / sizeof *imhof; i++)
		expect(anderson_darling_sf(imhof[i][0]), imhof[i][1], 1e-6);
	cr_expect_eq(anderson_darling_sf(0), 1);
	cr_expect(isnan(anderson_darling_sf(NAN)));
}

Test(edf_law, kuiper)
{
	static const double printed[][2] = {{1.620, 0.1}, {1.747, 0.05}, {2.001, 0.01}};

	for (size_t i = 0; i < sizeof printed / sizeof *printed; i++)
		expect(kuiper_sf(printed[i][0]), printed[i][1], 3e-3);
	for (double x = 0; x < 3; x += 0.01)
		cr_expect(kuiper_sf(x) >= kuiper_sf(x + 0.01), "at %g", x);
}

// Far out a law is its first terms: exp(-pi^2 z / 2), exp(-z) and 8x^2 exp(-2x^2) times what changes slowly.
Test(edf_law, small_probabilities_keep_their_digits)
{
	for (double z = 5; z < 120; z *= 1.5) {
		expect(log(cramer_von_mises_sf(z + 1) / cramer_von_mises_sf(z)), -M_PI * M_PI / 2, 0.05);
		expect(log(anderson_darling_sf(z + 1) / anderson_darling_sf(z)), -1, 0.1);
	}
	expect(kuiper_sf(9), (8 * 81 - 2) * exp(-162), 1e-12);
}

// SciPy 1.17.1's cramervonmises_2samp (asymptotic) and anderson_ksamp (midranks) of normal samples; the latter reads p off a
// table of seven levels.
Test(edf_law, two_samples)
{
	static const struct {
		double n, m, cvm, cvm_p, ad, ad_p;
	} scipy[] = {
		{7, 9, 0.37251984126984095, 0.08699035076199224, 1.5299180005458466, 0.07595008764569669},
		{40, 60, 0.471916666666667, 0.04695070742183427, 2.1823416443450685, 0.04111449352056661},
		{500, 300, 0.4668450000000064, 0.04839857816846904, 2.35631844523439, 0.03499909749713803},
		{1000, 3000, 0.8782108333333554, 0.0047611848206831064, 6.217973893220101, 0.0013027209309259384},
	};

	for (size_t i = 0; i < sizeof scipy / sizeof *scipy; i++) {
		expect(cvm_two_sample_p(scipy[i].cvm, scipy[i].n, scipy[i].m), scipy[i].cvm_p, 1e-11);
		expect(ad_two_sample_p(scipy[i].ad, scipy[i].n, scipy[i].m), scipy[i].ad_p, 0.03);
	}
	expect(kuiper_two_sample_p(0.2, 100, 300), kuiper_sf(0.2 * sqrt(75)), 1e-15);
}
