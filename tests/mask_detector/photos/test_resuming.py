from __future__ import annotations

from pathlib import Path

from mask_detector.photos.paths import Photo
from mask_detector.photos.resuming import without_done


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def test_what_is_done(here) -> None:
    touch("out/a.jpg", "out/b.jpg")
    Path("found.jsonl").write_text(
        '{"image": "a.jpg", "faces": []}\n[]\n{"image": "b.jpg", "error": "…"}\n{"image": "c.jp'
    )
    photos = [
        Photo(Path(name), Path(name), picture=Path("out", name))
        for name in ("a.jpg", "b.jpg", "c.jpg")
    ]

    def left(records: str | None) -> list[str]:
        return [str(photo.path) for photo in without_done(photos, records)]

    assert left("found.jsonl") == ["b.jpg", "c.jpg"]
    assert left(None) == left("-") == ["c.jpg"]
    assert left("no_earlier_run.jsonl") == ["a.jpg", "b.jpg", "c.jpg"]
