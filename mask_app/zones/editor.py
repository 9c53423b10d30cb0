"""What a page shows to draw, name, change and remove its zones."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from mask_app import config, widgets
from mask_app.settings import Settings
from mask_app.translations import gettext
from mask_app.zones.drawer import draw_polygons
from mask_app.zones.kept import KeptZones, kept_zones, option_line
from mask_app.zones.stills import Still, first_frame
from mask_detector.video.zones import Zone, parse_zone

VIDEOS = "videos"
"""The scene of all videos, which mostly come from the same camera."""

_EXAMPLE = "0.5,0,1,0,1,1,0.5,1"  # the right half


def show_editor(
    scene: str,
    take_still: Callable[[], Still | None],
    made_for: object,
    missing: str,
    live: bool = False,
    mirror: bool = False,
) -> None:
    """Draw the panel, closed at first; it takes a picture to draw on only when it is opened.

    Args:
        scene: whose zones they are.
        take_still: takes a picture, mirrored where ``mirror`` says so; None where there is none.
        made_for: what the picture depends on: another value asks for another picture.
        missing: what to say where there is no picture.
        live: a new picture can be taken whenever the visitor likes.
        mirror: the picture is mirrored; zones are not.
    """
    zones = kept_zones(scene)
    panel = st.expander(
        gettext("Zones"),
        icon=":material/select:",
        key=f"zones_open_{scene}",
        on_change="rerun",
    )
    if not panel.open:
        if zones:
            names = ", ".join(zone.name for zone in zones.all())
            st.caption(widgets.escaped(gettext("Counted only inside: {names}", names=names)))
        return
    with panel:
        st.caption(
            gettext("Only people inside a zone count and raise alarms. Without zones, all do.")
        )
        still = _kept_still(scene, take_still, (made_for, mirror), live)
        if still is None:
            st.info(missing, icon=":material/image_not_supported:")
        else:
            _draw(scene, zones, still, mirror)
        _show_list(scene, zones)


def _kept_still(
    scene: str, take_still: Callable[[], Still | None], made_for: object, live: bool
) -> Still | None:
    """The picture that was taken before, or a new one where there is none that fits."""
    key = f"zone_still_{scene}"
    kept_for, still = st.session_state.get(key, (None, None))
    new = live and st.button(
        gettext("Take a new picture"), icon=":material/photo_camera:", key=f"zone_new_{scene}"
    )
    if still is None or kept_for != made_for or new:
        with st.spinner(gettext("Taking a picture…")):
            still = take_still()
        st.session_state[key] = made_for, still
    return still


def _draw(scene: str, zones: KeptZones, still: Still, mirror: bool) -> None:
    polygons = []
    for zone in zones.all():
        corners = zone.pixels(still.width, still.height)
        points = [(x / still.width, y / still.height) for x, y in corners]
        polygons.append((zone.name, [(1 - x, y) for x, y in points] if mirror else points))
    size = still.width, still.height
    take = partial(zones.take, mirror=mirror)
    draw_polygons(still.jpeg, size, polygons, f"zone_drawer_{scene}", take)


def _show_list(scene: str, zones: KeptZones) -> None:
    """A row for each zone, a field for another one, and what the scripts take."""
    for number, zone in zones.items():
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _show_zone(scene, zones, number, zone)
    # A new field after each zone: one that is only emptied may send its text again.
    key = f"zone_text_{scene}_{zones.added}"
    st.text_input(
        gettext("Add a zone by its corners"),
        key=key,
        placeholder=_EXAMPLE,
        help=gettext(
            "x and y of three corners or more, from the upper left, with commas between: in "
            "fractions of the picture from 0 to 1, or in pixels."
        ),
        on_change=_add,
        args=(scene, key, zones),
    )
    if st.session_state.pop(f"zone_refused_{scene}", False):
        st.error(
            gettext(
                "These are not the corners of a zone: write x and y of at least three corners "
                "that are not on one line, with commas between, such as {example}.",
                example=_EXAMPLE,
            ),
            icon=":material/error:",
        )
    if zones:
        st.caption(gettext("The same zones for detect_mask_video.py:"))
        st.code(option_line(zones.all()), language=None, wrap_lines=True)


def _show_zone(scene: str, zones: KeptZones, number: int, zone: Zone) -> None:
    """Fields for its name and its corners, and a button that removes it."""
    name, corners = (f"zone_{part}_{scene}_{number}" for part in ("name", "corners"))
    # The fields follow what is drawn.
    st.session_state[name] = zone.name
    st.session_state[corners] = zone.text.rpartition("=")[2]
    st.text_input(
        gettext("Name"), key=name, width=160, on_change=_rename, args=(name, zones, number)
    )
    st.text_input(
        gettext("Corners of {name}", name=zone.name),
        key=corners,
        width="stretch",
        on_change=_move,
        args=(scene, corners, zones, number),
    )
    st.button(
        gettext("Remove {name}", name=zone.name),
        key=f"zone_remove_{scene}_{number}",
        icon=":material/delete:",
        on_click=zones.remove,
        args=(number,),
    )


def _rename(key: str, zones: KeptZones, number: int) -> None:
    zones.rename(number, st.session_state[key])


def _move(scene: str, key: str, zones: KeptZones, number: int) -> None:
    try:
        zones.move(number, parse_zone(st.session_state[key]))
    except argparse.ArgumentTypeError:
        st.session_state[f"zone_refused_{scene}"] = True


def _add(scene: str, key: str, zones: KeptZones) -> None:
    text = st.session_state[key]
    if not text.strip():
        return
    try:
        zones.add(parse_zone(text))
    except argparse.ArgumentTypeError:
        st.session_state[f"zone_refused_{scene}"] = True


def show_video_editor(video: Path, settings: Settings) -> None:
    """Draw the panel for the zones of all videos, over the first frame of one.

    Args:
        video: an uploaded video's file.
        settings: the visitor's.
    """
    model, megapixels = config.model_path(settings.worn_wrongly), config.limits().video_megapixels
    show_editor(
        VIDEOS,
        partial(first_frame, video, settings, model, megapixels),
        made_for=(video, settings.detector, settings.blur),
        missing=gettext("The video has no picture to draw on."),
    )
