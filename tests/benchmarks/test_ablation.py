"""The table of variants of the recipe, and the figures in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import ablation


def run_of(log_loss: float, **more: float) -> dict[str, Any]:
    figures = {"balanced accuracy": 0.9, "log loss": log_loss}
    return {"near": figures, "far": figures, "milliseconds": 2.0, **more}


def test_table_compares_each_seed_with_the_recipe():
    results = {
        ablation.RECIPE: {"0": run_of(0.2), "1": run_of(0.3)},
        "without far faces": {
            "0": run_of(0.25, **{"worn wrongly": 0.5}),
            "1": run_of(0.28, **{"worn wrongly": 0.25}),
        },
    }
    head, _, recipe, variant = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in ablation.table(results).splitlines()
    )
    assert len(head) == len(recipe) == len(variant)
    assert recipe[:4] == [ablation.RECIPE, "0.900", "0.250", ""]
    assert variant[3] == "+0.050, -0.020"
    assert variant[head.index("worn wrongly, not called Mask, each seed")] == "0.500, 0.250"


def test_scores_of_calibrated_logits():
    logits = np.log(np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.9, 0.1]]))
    scores = ablation._scores(logits, np.array([0, 0, 1, 1]))
    assert scores["balanced accuracy"] == 0.5
    wanted = -np.mean(np.log([0.8, 0.4, 0.7, 0.1]))
    assert scores["log loss"] == pytest.approx(wanted, abs=1e-4)
