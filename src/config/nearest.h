// SPDX-License-Identifier: Apache-2.0
// The candidate that a misspelt word most likely meant, by edit distance (insert, delete, replace, swap of
// neighbours). Nothing is suggested that shares too little.
//
//     struct nearest near;
//     nearest_init(&near, "windw");
//     nearest_try(&near, "window");  // ... every candidate
//     near.best;                     // "window", or NULL
#ifndef KD_CONFIG_NEAREST_H
#define KD_CONFIG_NEAREST_H

struct nearest {
	const char *word, *best; // best: one of the candidates, borrowed
	unsigned distance;
};

void nearest_init(struct nearest *n, const char *word);
void nearest_try(struct nearest *n, const char *candidate);
#endif
