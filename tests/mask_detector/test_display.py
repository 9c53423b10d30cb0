"""Windows that need no screen to be tested; the scripts' tests open real ones."""

from __future__ import annotations

import numpy as np
import pytest

from mask_detector import display
from mask_detector.errors import FileError, PhotoError


@pytest.mark.parametrize("error", [FileError, PhotoError])
def test_a_picture_that_cannot_be_saved_does_not_end_the_video(monkeypatch, caplog, error) -> None:
    def fail(*_: object) -> None:
        raise error("still.png: cannot write there (the folder is read-only)")

    monkeypatch.setattr(display, "write_photo", fail)
    display.VideoWindow("title", "none")._save(np.zeros((2, 2, 3), np.uint8))
    assert [record.getMessage() for record in caplog.records] == [
        "still.png: cannot write there (the folder is read-only)"
    ]
