"""A picture on which polygons are drawn with the mouse, a finger or the keyboard.

Our own, because none of the components that exist fits: streamlit-drawable-canvas 0.13 has a fixed
size in pixels, which scrolls sideways on a phone, its tools speak only English, and no key reaches
its corners.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from mask_app.components import from_files
from mask_app.translations import gettext
from mask_detector.video.zones import Point

_FILES = Path(__file__).with_name("drawer")
_HTML = (
    '<div class="picture"><img><svg tabindex="0" role="application"></svg></div>'
    '<p class="say" role="status"></p>'
    '<button class="finish" hidden></button><button class="undo" hidden></button>'
)


def draw_polygons(
    picture: bytes,
    size: tuple[int, int],
    polygons: Sequence[tuple[str, Sequence[Point]]],
    key: str,
    take: Callable[[list[list[Point]]], None],
) -> None:
    """Show a picture with polygons that can be added to and changed.

    Args:
        picture: JPEG.
        size: its width and height in pixels.
        polygons: name and corners of each, in fractions of the picture's width and height.
        key: of the component in the session's state.
        take: is called with the corners of all polygons after a change, the new one last.
    """
    words = {
        "picture": gettext("The picture that zones are drawn on"),
        "help": gettext(
            "Click the corners of a zone in the picture. Drag a corner to move it. By keyboard: "
            "arrow keys, space for a corner, Enter to finish."
        ),
        "drawing": gettext(
            "Corners: {count}. Click the first corner again, or press Enter, to finish; Escape "
            "discards them."
        ),
        "finish": gettext("Finish the zone"),
        "undo": gettext("Remove the last corner"),
    }
    data = {
        "picture": f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}",
        "width": size[0],
        "height": size[1],
        "zones": [{"name": name, "points": points} for name, points in polygons],
        "words": words,
    }
    from_files("mask_zone_drawer", _HTML, _FILES)(
        data=data, key=key, on_zones_change=lambda: take(st.session_state[key]["zones"])
    )
