"""The table of variants of the recipe, and the figures in it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
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


def test_results_of_an_interrupted_run_are_kept_and_its_crops_are_not(tmp_path, monkeypatch):
    parts = {"train": [], "validation": [], "test": []}
    dataset = SimpleNamespace(parts=lambda test_size: parts)
    output, found = tmp_path / "ablation.json", []
    output.write_text(json.dumps({ablation.RECIPE: {"0": run_of(0.2)}}))
    crops = Path(f"{output}.crops") / "64-0.15-1"
    crops.mkdir(parents=True)

    def measure(*arguments: Any) -> dict[str, Any]:
        found.append(crops.exists())
        return run_of(0.3)

    monkeypatch.setattr(ablation, "read_dataset", lambda *arguments: dataset)
    monkeypatch.setattr(ablation, "_measure", measure)
    options = ["--dataset", "a", "--judge", "b", "--output", str(output), "--seeds", "1"]
    assert ablation.main([*options, "--variants", ablation.RECIPE]) == 0
    assert found == [False]
    assert json.loads(output.read_text())[ablation.RECIPE].keys() == {"0", "1"}
