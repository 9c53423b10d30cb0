"""The page for the live camera of the visitor's browser."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from mask_app import config, models, widgets
from mask_app.downloads import link
from mask_app.history import cameras as history
from mask_app.live import door, streams
from mask_app.live.processing import LiveProcessor
from mask_app.live.scripts import explain_camera, play_alarm
from mask_app.photos import page as photos_page
from mask_app.photos import results as photo_results
from mask_app.report import panel
from mask_app.report.content import Report
from mask_app.report.footage import camera_report
from mask_app.report.parts import Context
from mask_app.settings import WORN_WRONGLY, Settings
from mask_app.translations import gettext, gettext_noop, number
from mask_app.uploads import forget
from mask_app.video import event_list
from mask_app.video.events import as_csv
from mask_app.wording import counts_in_words, drawn_names
from mask_app.zones import editor as zones
from mask_app.zones.kept import ADDRESS, take_address, with_zones
from mask_app.zones.stills import Still, still_of
from mask_detector.video.canvas import CanvasOptions, draw_view
from mask_detector.video.people import UNMASKED

_UPDATE_SECONDS = 0.5
_PATIENCE_SECONDS = 10
_CHART_SECONDS = 2.0
_STILL_SECONDS = 5.0
_EVENTS_SHOWN = 30
_SILENCE = gettext_noop("Nothing")
_OWN_CAMERA = ""  # among the names of the administrator's cameras


def page(settings: Settings) -> None:
    """Draw the page, or the door."""
    if door.is_open():
        take_address(_OWN_CAMERA)
        door.page(with_zones(settings, _OWN_CAMERA))
        return
    st.title(gettext("Live camera"), anchor=False)
    detector = models.live_detector(settings)
    processor: LiveProcessor = st.session_state.setdefault(
        "live_processor", LiveProcessor(detector, settings)
    )
    cameras = config.cameras()
    camera = None
    if cameras:
        camera = st.segmented_control(
            gettext("Camera"),
            [_OWN_CAMERA, *cameras],
            default=_OWN_CAMERA,
            required=True,
            format_func=lambda name: name or gettext("This device"),
        )
    own = camera in (None, _OWN_CAMERA)
    scene = _OWN_CAMERA if own else str(camera)
    # A mirrored picture is right for one's own camera, not for a camera over a door.
    settings = replace(with_zones(settings, scene), mirror=settings.mirror and own)
    processor.detector = detector
    processor.settings = settings
    history.record(processor, history.OWN_CAMERA if own else scene, shared=not own)
    reason = streams.why_no_camera(st.context.url) if own else None
    if reason is not None:
        st.warning(reason, icon=":material/lock:")
        return

    explain_camera()
    left, right = st.columns([3, 2])
    with left:
        if own:
            state = streams.browser_camera(processor)
        else:
            state = streams.server_camera(processor, str(camera))
    active = state.playing or state.signalling
    with right:
        # While nothing plays nothing changes: the page need not ask.
        st.fragment(_show_status, run_every=_UPDATE_SECONDS if active else None)(processor, active)
    zones.show_editor(
        scene,
        partial(_take_still, processor),
        made_for=settings.blur,
        missing=gettext("Start the camera to draw zones on its picture."),
        live=True,
        mirror=settings.mirror,
    )
    st.fragment(_show_history, run_every=_CHART_SECONDS if active else None)(processor)
    if active or processor.status().history:
        _offer_files(processor, gettext("This device") if own else str(camera))
    _show_trouble_if_any(processor, active)
    if own:
        _offer_stills(settings)
        _offer_door(settings)


def _show_status(processor: LiveProcessor, active: bool) -> None:
    status = processor.status()
    running = active and status.running
    widgets.count_tiles(status.counts if running else None, processor.detector.classes)
    if running:
        st.caption(
            gettext(
                "{rate} frames per second, {delay} ms delay",
                rate=number(status.frames_per_second),
                delay=number(1000 * status.delay),
            )
        )
    elif active:
        st.caption(gettext("One moment…"))
    else:
        st.caption(gettext("Press **Start** and let the page use the camera."))
    if running and (status.counts or {}).get(UNMASKED):
        st.error(gettext("Somebody wears no mask."), icon=":material/warning:")
    if status.people is not None:
        people = counts_in_words(status.people, gettext("nobody yet"))
        st.caption(gettext("People since the start: {people}", people=people))
    play_alarm(status.alarms)


def _take_still(processor: LiveProcessor) -> Still | None:
    view = processor.next_view(_STILL_SECONDS) if processor.status().running else None
    if view is None:
        return None
    view.hide(processor.settings.blur)
    return still_of(view.frame.image, processor.settings.mirror)


def _show_history(processor: LiveProcessor) -> None:
    counted = processor.status().history
    if len(counted) < 2:
        return
    counts = pd.DataFrame(
        [widgets.with_unsure(counts) for _, counts in counted],
        index=pd.to_datetime([second for second, _ in counted], unit="s", utc=True),
    )
    if st.context.timezone:
        counts.index = counts.index.tz_convert(st.context.timezone)
    st.header(gettext("The last minutes"), anchor=False)
    widgets.counts_chart(counts, processor.detector.classes, "", "%H:%M:%S")
    _show_events(processor)


def _offer_files(processor: LiveProcessor, camera: str) -> None:
    """Who was without a mask and when, and a report."""
    timezone = ZoneInfo(st.context.timezone or "UTC")

    def start(start_s: float) -> str:
        return datetime.fromtimestamp(start_s, timezone).isoformat(timespec="seconds")

    link(
        gettext("Events (CSV)"),
        lambda: as_csv(processor.status().events, start),
        "events.csv",
        "text/csv",
        "table",
        key="live_events",
    )
    gather, worn_wrongly = partial(_report, processor, camera), processor.settings.worn_wrongly
    panel.offer_report(gather, "camera", "live", worn_wrongly)


def _report(processor: LiveProcessor, camera: str, context: Context) -> Report:
    settings = processor.settings
    view = processor.next_view(_STILL_SECONDS) if processor.status().running else None
    image = None
    if view is not None:
        view.hide(context.blurred(settings).blur)
        names = tuple(drawn_names(settings.language).items())
        options = CanvasOptions(settings.zones, settings.mirror, no_counts=True, names=names)
        image = draw_view(view, options)
    return camera_report(processor.status(), camera, image, settings, context)


def _show_events(processor: LiveProcessor) -> None:
    """When people were noticed without a mask, newest first, in the visitor's time zone."""
    events = processor.status().events
    if not events:
        return
    timezone = ZoneInfo(st.context.timezone or "UTC")

    def moment(start_s: float) -> str:
        return datetime.fromtimestamp(start_s, timezone).strftime("%H:%M:%S")

    st.header(gettext("People without a mask"), anchor=False)
    blurred = processor.settings.event_blur != "none"
    event_list.show(events[:_EVENTS_SHOWN], moment, "live", blurred, jumps=False)
    if len(events) > _EVENTS_SHOWN:
        st.caption(gettext("Earlier ones are in the file below."))


def _offer_stills(settings: Settings) -> None:
    """Single pictures, where live video does not work."""
    shot = None
    if st.toggle(gettext("Take single pictures instead of live video"), key="stills"):
        shot = st.camera_input(gettext("Take a picture"), label_visibility="collapsed")
    earlier, st.session_state["still"] = st.session_state.get("still"), shot
    if earlier is not None and earlier != shot:
        forget([earlier])
    if shot is not None:
        detector = models.photo_detector(settings)
        result = photo_results.process(
            gettext("Picture"), shot.getvalue(), detector.detect, megapixels=20
        )
        if result.error is not None:
            widgets.show_error(result.error)
        else:
            photos_page.show(result, settings, detector.classes, key="still")


def _offer_door(settings: Settings) -> None:
    """The way to the door's message."""
    with st.container(border=True):
        st.header(gettext("For an entrance"), anchor=False)
        st.markdown(
            gettext(
                "One large message for people who come in, full screen on a tablet: thank you, or "
                "please put on your mask."
            )
            + f" {door.what_is_kept()}"
        )
        sound = st.segmented_control(
            gettext("What can be heard with a request"),
            ["", *door.SOUNDS],
            default="",
            required=True,
            format_func=lambda sound: gettext(door.SOUNDS.get(sound, _SILENCE)),
        )
        text = gettext("Open the door’s message")
        if st.button(text, icon=":material/open_in_full:", type="primary"):
            st.query_params["door"] = "1"
            # A reload begins a new session, which knows only the address.
            if settings.worn_wrongly:
                st.query_params[WORN_WRONGLY] = "1"
            if sound:
                st.query_params["sound"] = sound
            if settings.zones:
                st.query_params[ADDRESS] = [zone.text for zone in settings.zones]
            st.rerun()


def _show_trouble_if_any(processor: LiveProcessor, active: bool) -> None:
    if active:
        since = st.session_state.setdefault("live_since", time.monotonic())
        st.fragment(_show_trouble, run_every=1.0)(processor, since)
    else:
        st.session_state.pop("live_since", None)


def _show_trouble(processor: LiveProcessor, since: float) -> None:
    if processor.status().running or time.monotonic() - since < _PATIENCE_SECONDS:
        return
    st.warning(
        gettext(
            "The live picture does not arrive. Most often a firewall between your browser and the "
            "computer that runs this page is the reason; the administrator can set up a TURN "
            "server (docs/deploy.md). Single pictures still work."
        ),
        icon=":material/cell_tower:",
    )
