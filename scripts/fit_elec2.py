#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fits the demo's model: logistic regression of Elec2's class on the first 26 weeks. Writes
src/sandbox/elec2_model.h. Needs scikit-learn."""
import csv
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression

ROOT = pathlib.Path(__file__).resolve().parent.parent
FEATURES = ["period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"]
TRAINING_ROWS = 26 * 7 * 48

rows = list(csv.DictReader(open(ROOT / "src/sandbox/elec2.csv")))
x = np.array([[float(r[f]) for f in FEATURES] for r in rows])
y = np.array([r["class"] == "UP" for r in rows])
train = slice(0, TRAINING_ROWS)
# Victoria is constant in these weeks: it tells nothing and gets weight 0.
mean, scale = x[train].mean(axis=0), x[train].max(axis=0) - x[train].min(axis=0)
varies = scale > 1e-9
z = np.where(varies, (x - mean) / np.where(varies, scale, 1), 0)
model = LogisticRegression(C=1.0, max_iter=1000).fit(z[train], y[train])
weights = np.where(varies, model.coef_[0] / np.where(varies, scale, 1), 0)
bias = model.intercept_[0] - (weights * mean).sum()

(ROOT / "src/sandbox/elec2_model.h").write_text(
    "// SPDX-License-Identifier: Apache-2.0\n"
    "// Written by scripts/fit_elec2.py: P(class is UP) = 1 / (1 + exp(-(bias + sum of weight x feature))).\n"
    "#ifndef KD_SANDBOX_ELEC2_MODEL_H\n#define KD_SANDBOX_ELEC2_MODEL_H\n\n"
    f"static const double elec2_bias = {float(bias)!r};\n"
    f"static const double elec2_weights[{len(FEATURES)}] = {{\n"
    + "".join(f"\t{w!r}, // {f}\n" for f, w in zip(FEATURES, weights.tolist())) + "};\n#endif\n")
for name, part in (("training weeks", train), ("later", slice(TRAINING_ROWS, None))):
    print(f"accuracy, {name}: {model.score(z[part], y[part]):.3f}")
