"""Who was in a video over time: people by label, stacked, and a click that shows the moment.

``timeline.js`` draws it beside the video of the page and moves with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mask_app.components import from_files
from mask_app.translations import gettext
from mask_app.video.events import Event
from mask_app.widgets import css_colour, mark
from mask_app.wording import display_name
from mask_detector.video.people import UNMASKED

_MOST_STEPS = 300
_FILES = Path(__file__).with_name("timeline")
# Numbers of the patterns in timeline.js: colour is never the only difference.
_PATTERNS = {UNMASKED: 0, "with_mask": 1, "unsure": 2, "incorrect_mask": 3}
_OTHER_PATTERN = 4


def show(
    rows: Sequence[Mapping[str, Any]],
    seconds: float,
    classes: Sequence[str],
    events: Sequence[Event],
) -> None:
    """Draw the timeline of the video in the container ``video_result``.

    Args:
        rows: ``time_s`` and counts of each frame, in order; at least one.
        seconds: duration of the video.
        classes: the model's class names, in order.
        events: marked below the curve.
    """
    steps = thinned(rows, classes)
    layers: list[dict[str, Any]] = [
        {
            "name": display_name(label),
            "mark": mark(label),
            "colour": css_colour(label, classes),
            "pattern": _PATTERNS.get(label, _OTHER_PATTERN),
            "counts": [step.get(label, 0) for step in steps],
        }
        for label in sorted([*classes, "unsure"], key=lambda label: label != UNMASKED)
    ]
    from_files("mask_timeline", '<div class="timeline"></div>', _FILES)(
        data={
            "times": [step["time_s"] for step in steps],
            "seconds": max(seconds, rows[-1]["time_s"]),
            "layers": [layer for layer in layers if any(layer["counts"])] or layers[:1],
            "events": [[event.track, event.start_s, event.end_s] for event in events],
            "words": {
                "slider": gettext("Time in the video"),
                "nobody": gettext("nobody"),
            },
        },
        key="video_timeline",
    )


def thinned(
    rows: Sequence[Mapping[str, Any]], classes: Sequence[str], most: int = _MOST_STEPS
) -> list[Mapping[str, Any]]:
    """At most ``most`` rows, in order, evenly over time.

    Each is a real frame: of those it stands for, the one with most people without a mask, then
    with most people; ``time_s`` is that of the first. N = 0 gives none.
    """
    if len(rows) <= most:
        return list(rows)
    first_s, last_s = rows[0]["time_s"], rows[-1]["time_s"]
    bins: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        share = (row["time_s"] - first_s) / max(last_s - first_s, 1e-9)
        bins.setdefault(min(most - 1, int(share * most)), []).append(row)

    def weight(row: Mapping[str, Any]) -> tuple[int, int]:
        return row.get(UNMASKED, 0), sum(row.get(name, 0) for name in [*classes, "unsure"])

    heaviest = [(each[0]["time_s"], sorted(each, key=weight)[-1]) for each in bins.values()]
    return [{**row, "time_s": time_s} for time_s, row in heaviest]
