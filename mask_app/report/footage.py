"""The reports on a video and on what a camera sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from mask_app.live.processing import LiveStatus
from mask_app.report.content import (
    Block,
    Chart,
    Curve,
    Gallery,
    Heading,
    Paragraph,
    Report,
    Table,
)
from mask_app.report.parts import (
    Context,
    about_pictures,
    picture,
    report,
    result,
    small_picture,
    table,
)
from mask_app.settings import Settings
from mask_app.translations import gettext, number
from mask_app.video.events import Event
from mask_app.video.pictures import blurred
from mask_app.video.timeline import thinned
from mask_app.widgets import DASHES, clock, css_colour
from mask_app.wording import display_name, error_text

MOST_SMALL_PICTURES = 24
"""Later events have no picture in the report."""

_TICKS = 6


@dataclass(frozen=True)
class VideoFindings:
    """What is known of a processed video.

    Attributes:
        name: of its file.
        size: in words.
        seconds: duration.
        warning: why it is not complete, None where it is.
        rows: ``time_s`` and counts of each frame.
        people: of each label.
        events: times without a mask.
        doubts: times in which somebody was unsure.
        image: the frame with most people, drawn, uint8 BGR, shape (H, W, 3), and its time;
            None where there is none.
    """

    name: str
    size: str
    seconds: float
    warning: str | None
    rows: Sequence[Mapping[str, float]]
    people: Mapping[str, int]
    events: Sequence[Event]
    doubts: Sequence[Event]
    image: tuple[np.ndarray, float] | None


def video_report(found: VideoFindings, settings: Settings, context: Context) -> Report:
    """A report on a processed video.

    Args:
        settings: with which it was processed.
    """
    classes = context.card.classes
    facts = [
        (gettext("Video"), found.name),
        (gettext("Size"), found.size),
        (gettext("Duration"), clock(found.seconds)),
        (gettext("Frames"), number(len(found.rows))),
    ]
    if found.warning:
        facts.append((gettext("Not complete"), error_text(found.warning)))
    rows = thinned(found.rows, classes)
    chart = _chart(rows, classes, clock) if rows else None
    blocks: list[Block] = [
        *result(found.people, classes, people=True),
        Heading(gettext("What was looked at")),
        Table([*facts, *_zones(settings)]),
        *_over_time(chart),
        *_events(found.events, found.doubts, clock),
    ]
    if found.image is not None:
        image, time_s = found.image
        caption = gettext("The moment with most people: {time}", time=clock(time_s))
        blocks += [
            Heading(gettext("Pictures")),
            about_pictures(context, settings),
            picture(image, caption),
        ]
    return report(gettext("Face masks: report on a video"), blocks, settings, context)


def camera_report(
    status: LiveStatus,
    camera: str,
    image: np.ndarray | None,
    settings: Settings,
    context: Context,
) -> Report:
    """A report on what a camera has seen.

    Args:
        status: of now.
        camera: its name.
        image: of now, drawn, uint8 BGR, shape (H, W, 3); None where the camera does not run.
        settings: the visitor's.
    """
    classes = context.card.classes

    def moment(time_s: float) -> str:
        return datetime.fromtimestamp(time_s, context.made.tzinfo).strftime("%H:%M:%S")

    facts = [(gettext("Camera"), camera)]
    if status.began is not None:
        facts.append((gettext("From"), moment(status.began)))
    facts.append((gettext("To"), context.made.strftime("%H:%M:%S")))
    rows = [{"time_s": time_s, **counts} for time_s, counts in status.history]
    chart = _chart(thinned(rows, classes), classes, moment) if rows else None
    blocks: list[Block] = [
        *result(status.people or {}, classes, people=True),
        Heading(gettext("What was looked at")),
        Table([*facts, *_zones(settings)]),
        *_over_time(chart),
        *_events(_hidden(status.events, settings, context), status.doubts, moment),
    ]
    if image is not None:
        blocks += [
            Heading(gettext("Pictures")),
            about_pictures(context, settings),
            picture(image, gettext("When the report was made")),
        ]
    return report(gettext("Face masks: report on a camera"), blocks, settings, context)


def _events(
    events: Sequence[Event], doubts: Sequence[Event], moment: Callable[[float], str]
) -> list[Block]:
    """When people were without a mask, and when they were unsure."""
    blocks: list[Block] = []
    for title, none, each in (
        (
            gettext("People without a mask"),
            gettext("Nobody was without a mask for long enough to count."),
            events,
        ),
        (
            gettext("Doubtful people"),
            gettext("Nobody was unsure for long enough to count."),
            doubts,
        ),
    ):
        rows = [
            (moment(e.start_s), number(e.seconds, 1), f"#{e.track}", e.zone)
            for e in sorted(each, key=lambda event: event.start_s)
        ]
        header = (gettext("From"), gettext("Seconds"), gettext("Person"), gettext("Zone"))
        blocks += [Heading(title), *(table(header, rows) if rows else [Paragraph(none)])]
        blocks += _gallery(each, moment)
    return blocks


def _gallery(events: Sequence[Event], moment: Callable[[float], str]) -> list[Block]:
    """Small pictures of people without a mask, in the order in which they came."""
    shown = sorted((e for e in events if e.picture), key=lambda event: event.start_s)
    small = [
        small_picture(event.picture, f"{moment(event.start_s)} · #{event.track}")
        for event in shown[:MOST_SMALL_PICTURES]
    ]
    return [Gallery(small)] if small else []


def _hidden(events: Sequence[Event], settings: Settings, context: Context) -> Sequence[Event]:
    """A camera's events as a report may show them: their pictures were hidden as settings asked."""
    if context.show_faces or not settings.event_faces:
        return events
    return [replace(event, picture=blurred(event.picture)) for event in events]


def _zones(settings: Settings) -> list[tuple[str, str]]:
    zones = ", ".join(zone.name or zone.text for zone in settings.zones)
    return [(gettext("Counted only inside"), zones)] if zones else []


def _over_time(chart: Chart | None) -> list[Block]:
    return [Heading(gettext("Over time")), chart] if chart is not None else []


def _chart(
    rows: Sequence[Mapping[str, float]], classes: Sequence[str], moment: Callable[[float], str]
) -> Chart:
    """Counts over time.

    Args:
        rows: ``time_s`` and counts, in order; at least one.
        moment: writes a time.
    """
    times = [row["time_s"] for row in rows]
    labels = [*classes, *(["unsure"] if any(row.get("unsure") for row in rows) else [])]
    curves = [
        Curve(
            display_name(label),
            css_colour(label, classes),
            [int(row.get(label, 0)) for row in rows],
            DASHES[index % len(DASHES)],
        )
        for index, label in enumerate(labels)
    ]
    # Of a short time, neighbours would say the same.
    ticks = {moment(time_s): time_s for time_s in np.linspace(times[-1], times[0], _TICKS).tolist()}
    most = ", ".join(
        gettext("{label}: at most {count}", label=curve.name, count=max(curve.values))
        for curve in curves
    )
    return Chart(times, [(time_s, label) for label, time_s in ticks.items()], curves, most)
