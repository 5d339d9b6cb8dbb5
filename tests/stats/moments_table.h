// SPDX-License-Identifier: Apache-2.0
// Written by moments.py in exact rational arithmetic.
static const struct {
	const char *kind;
	int n;
	double sum, mean, stddev;
} moments_table[] = {
	{"counting", 1000, 0x1.e8c5000000000p+18, 0x1.f480000000000p+8, 0x1.20d1c6906067dp+8},
	{"unit", 10000, 0x1.31f70da1c40a2p+12, 0x1.f54b0b467a202p-2, 0x1.288cad2fe4014p-2},
	{"far", 10000, 0x1.2309ce5670d85p+43, 0x1.dcd65003ffbefp+29, 0x1.285a0835eacb4p-2},
	{"tiny_spread", 10000, 0x1.2a05f20000002p+33, 0x1.e848000000004p+19, 0x1.29a094bed647dp-32},
	{"cancel", 9999, 0x1.a0a0000000000p+11, 0x1.5555555555555p-2, 0x1.d025d506b2bbfp+52},
	{"wide", 20000, 0x1.ee68a3f38a3c5p+65, 0x1.950507be164fcp+51, 0x1.d1b4293b5218fp+57},
	{"milliseconds", 10000, 0x1.e32b514c8761cp+53, 0x1.8bcfed673e29ap+40, 0x1.269655e6e1fc0p+18},
	{"pair", 2, 0x1.999999999999ap-2, 0x1.999999999999ap-3, 0x1.21a1851ff630ap-3},
	{"far_and_long", 100000, 0x1.6345785d8ac41p+56, 0x1.d1a94a200100fp+39, 0x1.273edef61d3e7p-2},
	{"huge", 1000, 0x1.f47c483974ee8p+508, 0x1.003fa1e82b7c3p+499, 0x1.276b49fabbcd5p+498},
};
