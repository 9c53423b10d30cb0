"""What a video run writes, put together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mask_detector.errors import SourceError, UserFacingError
from mask_detector.video.outputs import OutputOptions, Outputs

CLASSES = ("with_mask", "without_mask")


def test_nothing_is_written_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Outputs(OutputOptions(), CLASSES, ["0"]) as outputs:
        assert not outputs.recording
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["film.mp4", "./film.mp4", "link.mp4"])
def test_an_output_never_overwrites_a_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.mp4").write_bytes(b"precious")
    Path("link.mp4").symlink_to("film.mp4")
    with pytest.raises(SourceError, match="this is a source"):
        Outputs(OutputOptions(output=Path(name)), CLASSES, ["film.mp4", "0", "rtsp://door"])
    assert (tmp_path / "film.mp4").read_bytes() == b"precious"


def test_no_part_of_a_recording_overwrites_a_source(tmp_path: Path) -> None:
    source = tmp_path / "film_002.mp4"
    source.write_bytes(b"precious")
    options = OutputOptions(output=tmp_path / "film.mp4", output_split=1)
    with pytest.raises(SourceError, match="this is a source"):
        Outputs(options, CLASSES, [str(source)])
    with Outputs(options, CLASSES, ["0"]) as outputs:
        assert outputs.recording


@pytest.mark.parametrize(
    "options",
    [
        OutputOptions(json="same", csv="./same"),
        OutputOptions(csv="same", counts="link"),
        OutputOptions(output=Path("out.mp4"), json="OUT.mp4"),
        OutputOptions(json="a.model"),
        OutputOptions(output=Path("out.mp4"), output_split=1, counts="out_001.mp4"),
    ],
)
def test_outputs_replace_neither_each_other_nor_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: OutputOptions
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.model").write_bytes(b"precious")
    Path("link").symlink_to("same")
    with pytest.raises(UserFacingError, match="would replace"):
        Outputs(options, CLASSES, ["0"], [Path("a.model")])
    assert Path("a.model").read_bytes() == b"precious"
    assert {path.name for path in tmp_path.iterdir()} == {"a.model", "link"}


def test_any_number_of_outputs_may_be_thrown_away() -> None:
    options = OutputOptions(json=os.devnull, csv=os.devnull, counts="-")
    with Outputs(options, CLASSES, ["0"]):
        pass


def test_splitting_needs_a_recording() -> None:
    with pytest.raises(UserFacingError, match="--output-split needs --output"):
        Outputs(OutputOptions(output_split=1), CLASSES, ["0"])


def test_alerts_need_a_model_that_knows_unmasked_faces(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match="there is no label 'without_mask'"):
        Outputs(OutputOptions(snapshots=tmp_path), ("hat", "cap"), ["0"])
