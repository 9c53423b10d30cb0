#!/usr/bin/env python3
"""Detect faces and masks in cameras, videos and streams.

    python detect_mask_video.py
    python detect_mask_video.py --source talk.mp4 --output marked.mp4 --json faces.jsonl
    python detect_mask_video.py --source rtsp://user:password@door/stream --no-display --alert sound

Without options a window shows camera 0: q stops, h shows the other keys. A file ends by itself;
anything else runs until q, Esc, closing the window or Ctrl-C. Exit status: 0 all went well,
1 a source failed or went away, 2 wrong usage, a missing model or no frame from any source.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from mask_detector import command_line
from mask_detector.command_line import number, timestamp, whole_number
from mask_detector.detector import MaskDetector
from mask_detector.display import VideoWindow, has_display
from mask_detector.terminal import StopSignals, deferred_signals
from mask_detector.video.canvas import Canvas, CanvasOptions
from mask_detector.video.captures import SourceOptions
from mask_detector.video.monitoring_options import add_monitoring_arguments
from mask_detector.video.outputs import OutputOptions, Outputs
from mask_detector.video.sources import Sources
from mask_detector.video.watching import Pace, Watch, print_summary, watch, with_progress


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    # fmt: off
    add = parser.add_argument_group("source").add_argument
    add("--source", "-s", action="append", metavar="0|FILE|URL",
        help="camera number, video file, folder of frames, HTTP or RTSP address; repeat the option "
        "to watch several side by side (default: camera 0)")
    add("--start", type=timestamp, default=0, metavar="TIME", help="begin at seconds or H:MM:SS")
    add("--end", type=timestamp, metavar="TIME", help="stop at TIME")
    add("--every", type=whole_number(1), default=1, metavar="N", help="process every Nth frame")
    add("--max-frames", type=whole_number(1), metavar="N", help="stop each source after N frames")
    add("--give-up", type=number(0, 1e9), metavar="SECONDS",
        help="stop retrying after SECONDS without a frame (default: 10 if never connected, "
        "otherwise retry forever)")
    add("--stall", type=number(0.5, 600), default=10, metavar="SECONDS",
        help="reconnect after SECONDS without a frame")
    add("--max-megapixels", type=number(0.01, 1e4), metavar="N", help="refuse larger frames")
    command_line.add_detection_arguments(parser)
    results = parser.add_argument_group("results")
    add = results.add_argument
    add("--output", "-o", type=Path, metavar="FILE", help="record the annotated video (MP4, H.264)")
    add("--output-split", type=number(0.01, 1e5), metavar="MINUTES",
        help="begin a new file every MINUTES: FILE_001.mp4, FILE_002.mp4, ...")
    command_line.add_record_arguments(results, "frame")
    add("--counts", metavar="FILE", help="write one CSV row a minute: people by label; - as above")
    add("--snapshots", type=Path, metavar="DIR", help="save one picture per person without a mask")
    add("--snapshots-days", type=number(0, 3650), default=7, metavar="DAYS",
        help="delete snapshots older than DAYS")
    command_line.add_privacy_arguments(results)
    add("--no-counts", action="store_true", help="draw no counts")
    add("--names", nargs="+", type=command_line.label_name, default=[], metavar="LABEL=WORDS",
        help="other words for labels in the picture, such as with_mask=Maske")
    add("--mirror", action="store_true", help="show the picture mirrored")
    add("--no-display", action="store_true", help="do not open a window")
    add_monitoring_arguments(parser)
    # fmt: on
    arguments = parser.parse_args(argv)
    arguments.source = arguments.source or ["0"]
    command_line.check_one_standard_output(parser, arguments, "json", "csv", "counts")
    if arguments.end is not None and arguments.end <= arguments.start:
        parser.error("--end must be later than --start")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Process the frames of all sources until they end or the user stops."""
    arguments = parse_arguments(argv)
    detector = MaskDetector.load(**command_line.detection_options(arguments), thorough=False)
    command_line.check_blur(arguments.blur, detector.classes)
    output_options = command_line.options_for(OutputOptions, arguments)

    with StopSignals() as signals, ExitStack() as stack:  # it finishes the files
        read = command_line.detection_files(arguments)
        outputs = Outputs(output_options, detector.classes, arguments.source, read)
        stack.enter_context(outputs)
        shown = not arguments.no_display and has_display()
        window = stack.enter_context(VideoWindow(arguments.blur)) if shown else None
        source_options = command_line.options_for(SourceOptions, arguments)
        sources = stack.enter_context(Sources(arguments.source, source_options))
        watches = [
            Watch(each, i, detector, arguments.zone) for i, each in enumerate(sources.sources)
        ]
        canvas = Canvas(sources.sources, command_line.options_for(CanvasOptions, arguments))
        pace, started = Pace(), time.monotonic()
        rounds = watch(sources, detector, watches, arguments.max_frames)
        rounds = with_progress(rounds, sources.sources[0], shown=not window)
        with signals.ending_this():
            for views in rounds:
                with deferred_signals():  # every file ends with the same frame
                    for view in views:
                        # First of all, so that no output has the faces that are hidden.
                        view.hide(window.blur if window else arguments.blur, arguments.blur_style)
                        outputs.take(view)
                    if not (window or outputs.recording):
                        continue
                    picture = canvas.draw(views)
                    if views:
                        outputs.record(picture, canvas.time_s)
                if window and canvas.started:
                    if not window.show(picture, pace.wait_s(views), canvas.rate):
                        break
                    detector.hiding = window.blur != "none"  # a key may have changed it
        if any(each.frames for each in watches):
            advice = command_line.advice_on(arguments.detector)
            print_summary(watches, time.monotonic() - started, outputs.messages, advice)
    return command_line.OK if sources.check() else command_line.FAILED


if __name__ == "__main__":
    command_line.run(main)
