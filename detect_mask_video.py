#!/usr/bin/env python3
"""Watch cameras, videos and streams, and tell who wears a mask.

    python detect_mask_video.py
    python detect_mask_video.py --source talk.mp4 --output marked.mp4 --json faces.jsonl
    python detect_mask_video.py --source rtsp://user:password@door/stream --no-display --alert sound

A window shows camera 0 unless told otherwise; in it q stops and h shows the other keys. A file
ends by itself; anything else is ended by q, Esc, closing the window or Ctrl-C. Exit status: 0 all
went well, 1 a source went away for good, 2 wrong usage, a missing model or no source at all.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from mask_detector import command_line
from mask_detector.video import alerts, zones

TITLE = "Mask detector"


def parse_arguments() -> argparse.Namespace:
    parser = command_line.make_parser(__doc__)
    add_source_arguments(parser.add_argument_group("source"))
    command_line.add_detection_arguments(parser)
    add_result_arguments(parser.add_argument_group("results"))
    add_alert_arguments(parser.add_argument_group("zones and alerts"))
    arguments = parser.parse_args()
    arguments.source = arguments.source or ["0"]
    if [arguments.json, arguments.csv, arguments.counts].count("-") > 1:
        parser.error("only one of --json, --csv and --counts can be standard output")
    if arguments.end is not None and arguments.end <= arguments.start:
        parser.error("--end must be later than --start")
    return arguments


def add_source_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--source",
        "-s",
        action="append",
        metavar="0|FILE|URL",
        help="a camera's number, a video file, a folder of frames, an HTTP or RTSP address; "
        "given more than once, all are watched side by side; none: camera 0",
    )
    group.add_argument(
        "--start",
        type=command_line.timestamp,
        default=0,
        metavar="TIME",
        help="skip a file to TIME",
    )
    group.add_argument(
        "--end",
        type=command_line.timestamp,
        metavar="TIME",
        help="stop at TIME: seconds or H:MM:SS",
    )
    group.add_argument(
        "--every",
        type=command_line.whole_number(1),
        default=1,
        metavar="N",
        help="look at one frame of N",
    )
    group.add_argument(
        "--max-frames",
        type=command_line.whole_number(1),
        metavar="N",
        help="stop a source after so many frames were looked at",
    )
    group.add_argument(
        "--give-up",
        type=command_line.number(0, 1e9),
        metavar="SECONDS",
        help="give up a camera or stream that gave no frame for so long; not given: 10 for a "
        "stream that was never reached, never for one that was",
    )
    group.add_argument(
        "--stall",
        type=command_line.number(0.5, 600),
        default=10,
        metavar="SECONDS",
        help="connect anew to a stream that gave no frame for so long",
    )


def add_result_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--output", "-o", type=Path, metavar="FILE", help="record the annotated video (MP4, H.264)"
    )
    group.add_argument("--json", metavar="FILE", help="one JSON line a frame; - is standard output")
    group.add_argument("--csv", metavar="FILE", help="one CSV row a face; - is standard output")
    group.add_argument(
        "--counts", metavar="FILE", help="one CSV row a minute: people by label; - as above"
    )
    group.add_argument(
        "--snapshots",
        type=Path,
        metavar="DIR",
        help="keep one picture of each person without a mask",
    )
    group.add_argument(
        "--snapshots-days",
        type=command_line.number(0, 3650),
        default=7,
        metavar="DAYS",
        help="delete snapshots that are older",
    )
    command_line.add_blur_argument(group)
    group.add_argument("--mirror", action="store_true", help="show the picture as a mirror would")
    group.add_argument("--no-display", action="store_true", help="never open a window")


def add_alert_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--zone",
        type=zones.parse_zone,
        action="append",
        default=[],
        metavar="X1,Y1,X2,Y2,X3,Y3…",
        help="count and alert inside this polygon alone, in pixels or, all below 1, in shares of "
        "the picture; may be repeated",
    )
    group.add_argument(
        "--alert",
        type=alerts.receiver,
        action="append",
        default=[],
        metavar="RECEIVER",
        help=f"tell about a face without a mask by {alerts.KINDS}; may be repeated",
    )
    group.add_argument(
        "--alert-after",
        type=command_line.number(0, 3600),
        default=2,
        metavar="SECONDS",
        help="alert when a person was without a mask for so long, once a person",
    )
    group.add_argument(
        "--alert-cooldown",
        type=command_line.number(0, 86400),
        default=10,
        metavar="SECONDS",
        help="least time between two alerts of a source",
    )


def main() -> int:
    arguments = parse_arguments()
    # These take a while to load: not before --help and wrong usage have been answered.
    from mask_detector.detector import MaskDetector
    from mask_detector.display import VideoWindow, has_display
    from mask_detector.records import FRAME_COLUMNS, Records
    from mask_detector.video.people import UNMASKED, MinuteCounts
    from mask_detector.video.recording import Recording
    from mask_detector.video.snapshots import Snapshots
    from mask_detector.video.sources import SourceOptions, Sources, check_outputs
    from mask_detector.video.watching import Canvas, Pace, Watch, summary, watch, with_progress

    detector = MaskDetector.load(**command_line.detection_options(arguments), thorough=False)
    if arguments.alert or arguments.snapshots:
        command_line.check_labels([UNMASKED], detector.classes)
    files = [arguments.output, arguments.json, arguments.csv, arguments.counts]
    check_outputs(files, arguments.source)
    several = len(arguments.source) > 1
    options = SourceOptions(
        arguments.start, arguments.end, arguments.every, arguments.give_up, arguments.stall
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # service managers stop like Ctrl-C

    with ExitStack() as stack:
        # Whatever takes views or pictures; closed, the files finished, however this ends.
        records = stack.enter_context(
            Records(arguments.json, arguments.csv, detector.classes, FRAME_COLUMNS)
        )
        takers: list[MinuteCounts | Snapshots | alerts.Alerts] = []
        if arguments.counts:
            takers.append(stack.enter_context(MinuteCounts(arguments.counts, detector.classes)))
        if arguments.snapshots:
            takers.append(Snapshots(arguments.snapshots, arguments.snapshots_days))
        if arguments.alert:
            takers.append(
                stack.enter_context(
                    alerts.Alerts(arguments.alert, arguments.alert_after, arguments.alert_cooldown)
                )
            )
        recording = window = None
        if arguments.output:
            sound = None if several else arguments.source[0]
            recording = stack.enter_context(Recording(arguments.output, sound_of=sound))
        if not arguments.no_display and has_display():
            window = stack.enter_context(VideoWindow(TITLE, arguments.blur))
        sources = stack.enter_context(Sources(arguments.source, options))
        watches = [
            Watch(source, index, detector, arguments.zone)
            for index, source in enumerate(sources.sources)
        ]
        canvas = Canvas(sources.sources, arguments.zone, arguments.mirror)
        pace, started = Pace(), time.monotonic()
        rounds = watch(sources, detector, watches, arguments.max_frames)
        if not window:
            rounds = with_progress(rounds, sources.sources[0])

        with suppress(KeyboardInterrupt):
            for views in rounds:
                with command_line.deferred_signals():  # every file holds the same frames at the end
                    for view in views:
                        # First of all, so that nothing that follows ever has the faces.
                        view.hide(window.blur if window else arguments.blur)
                        records.write(view.record(named=several))
                        for taker in takers:
                            taker.take(view)
                    if not (recording or window):
                        continue
                    picture = canvas.draw(views)
                    if recording and views:
                        recording.write(picture, canvas.time_s)
                if window and canvas.started and not window.show(picture, pace.wait_s(views)):
                    break
        to = sys.stderr if "-" in (arguments.json, arguments.csv, arguments.counts) else sys.stdout
        if any(each.frames for each in watches):
            print(summary(watches, time.monotonic() - started), file=to)
    return command_line.OK if sources.check() else command_line.FAILED


if __name__ == "__main__":
    command_line.run(main)
