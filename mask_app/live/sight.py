"""Whether a camera sees anything: it may be in the dark, covered, or send the same picture forever.

Independent of Streamlit.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Seen = Literal["clear", "dark", "frozen"]

FROZEN_AFTER_S = 60.0
"""How long a picture must stay the same. Compression hides a sensor's noise for seconds, and an
empty hall stands still; daylight and the encoder's own refinements change it within a minute."""

_STEP = 16  # pixels: a sample of the picture says enough
# Of 255. A face in a picture darker than that is not detected; a lens under a hand or a
# piece of tape gives a brighter one without any contrast.
_DARK, _FLAT = 18.0, 3.0
_SAME = 1  # the most by which a sample of the same picture differs after decoding


class Sight:
    """What one camera sees, frame by frame."""

    def __init__(self) -> None:
        self.seen: Seen = "clear"
        self._last: np.ndarray | None = None
        self._changed_s = 0.0

    def look(self, image: np.ndarray, time_s: float) -> Seen:
        """Take in the next frame.

        Args:
            image: uint8 BGR, shape (H, W, 3), as the camera sent it.
            time_s: its time; that of the last frame or later.

        Returns:
            What is seen from now on, also in the attribute ``seen``.
        """
        sample = image[::_STEP, ::_STEP].astype(np.int16)
        last, self._last = self._last, sample
        same = last is not None and last.shape == sample.shape and _is_same(sample, last)
        if not same:
            self._changed_s = time_s
        if float(sample.mean()) < _DARK or float(sample.mean(axis=2).std()) < _FLAT:
            self.seen = "dark"
        elif time_s - self._changed_s >= FROZEN_AFTER_S:
            self.seen = "frozen"
        else:
            self.seen = "clear"
        return self.seen


def _is_same(sample: np.ndarray, last: np.ndarray) -> bool:
    return int(np.abs(sample - last).max()) <= _SAME
