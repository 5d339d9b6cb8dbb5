// SPDX-License-Identifier: Apache-2.0
// What was counted without a baseline, counted as with one: a logarithmic histogram moved onto a quantile grid
// that is made of it, and categories of which some become the baseline's own. Nothing is lost or guessed: such a
// grid's edges lie between logarithmic bins, so every count has one place.
//
//     struct grid *g = grid_from_log(f);
//     if (field_to_grid(f, g)) ...          // and so any later histogram, as long as the function says true
#ifndef KD_STATS_REGRID_H
#define KD_STATS_REGRID_H
#include "stats/pane.h"

// The smallest number whose logarithmic bin is `bin` or a later one.
double loggrid_least(int32_t bin);
// Of a field with f->count > 0 on the logarithmic grid: as grid_from_sorted does of values, with GRID_CUTS quantile
// cuts, tail cuts, and each heavy bin (all, where there are at most GRID_CUTS) by itself. A constant has a bin {v}.
// The outer bins begin outside the extremes' logarithmic bins. The caller frees with grid_free.
struct grid *grid_from_log(const struct field_stats *f);
// Puts the counts on g, which must outlive f. False, and nothing is changed, where they are on another grid, or one
// of the logarithmic bins lies across an edge. Sums outside of g's edges are then of the bins' middles (0.5 %).
bool field_to_grid(struct field_stats *f, const struct grid *g);
// Makes these, and only these, the known categories; `unseen` counts all others. False, and nothing is changed,
// where one of them may have been dropped from f.
bool field_know(struct field_stats *f, char *const *categories, size_t n);
// A pane of its own with this field of p alone, counted as `model` is: on its grid, with its known categories. NULL where it is
// already, or cannot be. It borrows model's grid.
struct pane *field_like(const struct pane *p, const struct field_stats *f, const struct field_stats *model);
#endif
