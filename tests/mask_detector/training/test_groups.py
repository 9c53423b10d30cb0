"""Groups of photos, and the part of the data that each belongs to."""

from __future__ import annotations

import pytest

from mask_detector.errors import DatasetError
from mask_detector.training.groups import in_test_part, read_groups


def test_test_part_is_a_fixed_share_of_the_groups():
    groups = [f"group-{number}" for number in range(5000)]
    held_out = {group for group in groups if in_test_part(group)}
    assert len(held_out) / len(groups) == pytest.approx(0.2, abs=0.02)
    assert held_out == {group for group in groups if in_test_part(group)}
    assert held_out <= {group for group in groups if in_test_part(group, 0.3)}
    others = {group for group in groups if in_test_part(group, salt="another")}
    assert len(held_out & others) / len(groups) == pytest.approx(0.04, abs=0.02)
    # Fixed for ever: published figures rest on it.
    assert [g for g in ("g3", "g4", "g5", "g6", "g20") if in_test_part(g)] == [
        "g3",
        "g5",
        "g20",
    ]


def test_groups(tmp_path):
    table = tmp_path / "groups.csv"
    table.write_text("image,group\na,g1\nb,g1\n")
    assert read_groups(table) == {"a": "g1", "b": "g1"}
    table.write_text("file,group\na,g1\n")
    with pytest.raises(DatasetError, match="expected a CSV with columns image and group"):
        read_groups(table)
    with pytest.raises(DatasetError, match="no such file"):
        read_groups(tmp_path / "none.csv")
