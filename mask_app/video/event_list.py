"""The list of who was without a mask and when, with a small picture of each.

``event_list.js`` draws it; beside a video, choosing an event shows its moment.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mask_app.components import from_files
from mask_app.translations import gettext, number
from mask_app.video.events import Event

_FILES = Path(__file__).with_name("event_list")


def show(
    events: Sequence[Event], moment: Callable[[float], str], key: str, blurred: bool, jumps: bool
) -> None:
    """Draw the list.

    Args:
        events: from top to bottom; at least one.
        moment: writes a time.
        key: distinguishes the list from others.
        blurred: everybody in the pictures is.
        jumps: each event is a button that shows its moment in the page's video.
    """
    from_files("mask_events", '<div class="events"></div>', _FILES)(
        data={
            "items": [_item(event, moment, blurred) for event in events],
            "jumps": jumps,
            "words": {"list": gettext("When people were without a mask")},
        },
        key=f"events_{key}",
    )


def _item(event: Event, moment: Callable[[float], str], blurred: bool) -> dict[str, Any]:
    alt = (
        gettext("Picture of person {number}, blurred", number=event.track)
        if blurred
        else gettext("Picture of person {number}", number=event.track)
    )
    details = [
        gettext("Person {number}", number=event.track),
        gettext("{seconds} s", seconds=number(event.seconds, 1)),
        event.zone,
    ]
    return {
        "picture": base64.b64encode(event.picture).decode(),
        "alt": alt,
        "time": moment(event.start_s),
        "details": " · ".join(filter(None, details)),
        "start": event.start_s,
    }
