#!/usr/bin/env python3
"""Watch cameras, videos and streams, and tell who wears a mask.

    python detect_mask_video.py
    python detect_mask_video.py --source talk.mp4 --output marked.mp4 --json faces.jsonl
    python detect_mask_video.py --source rtsp://user:password@door/stream --no-display --json -

A window shows camera 0 unless told otherwise; in it q stops and h shows the other keys. A file
ends by itself; anything else is ended by q, Esc, closing the window or Ctrl-C. Exit status: 0 all
went well, 1 a source went away for good, 2 wrong usage, a missing model or no source at all.
"""

from __future__ import annotations

import argparse
import signal
from contextlib import ExitStack, suppress
from pathlib import Path

from mask_detector import command_line

TITLE = "Mask detector"


def parse_arguments() -> argparse.Namespace:
    parser = command_line.make_parser(__doc__)
    source = parser.add_argument_group("source")
    source.add_argument(
        "--source",
        "-s",
        default="0",
        metavar="0|FILE|URL",
        help="a camera's number, a video file, a folder of frames, an HTTP or RTSP address",
    )
    source.add_argument(
        "--max-frames",
        type=command_line.whole_number(1),
        metavar="N",
        help="stop after so many frames were looked at",
    )
    command_line.add_detection_arguments(parser)
    results = parser.add_argument_group("results")
    results.add_argument(
        "--output", "-o", type=Path, metavar="FILE", help="record the annotated video (MP4, H.264)"
    )
    results.add_argument(
        "--json", metavar="FILE", help="one JSON line a frame; - is standard output"
    )
    results.add_argument("--no-display", action="store_true", help="never open a window")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    # These take a while to load: not before --help and wrong usage have been answered.
    from mask_detector.detector import MaskDetector
    from mask_detector.display import VideoWindow, has_display
    from mask_detector.recording import Recording
    from mask_detector.records import FRAME_COLUMNS, Records, frame_record
    from mask_detector.sources import Sources
    from mask_detector.video import Canvas, Pace, Watch, watch

    detector = MaskDetector.load(**command_line.detection_options(arguments), thorough=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # service managers stop like Ctrl-C
    with ExitStack() as stack:
        sources = stack.enter_context(Sources([arguments.source]))
        records = stack.enter_context(
            Records(arguments.json, None, detector.classes, FRAME_COLUMNS)
        )
        recording = window = None
        if arguments.output:
            recording = stack.enter_context(Recording(arguments.output))
        if not arguments.no_display and has_display():
            window = stack.enter_context(VideoWindow(TITLE, "none"))
        canvas, pace, watches = Canvas(sources.sources), Pace(), [Watch(detector)]
        stack.enter_context(suppress(KeyboardInterrupt))
        for views in watch(sources, detector, watches, arguments.max_frames):
            for view in views:
                frame = view.frame
                records.write(frame_record(frame.number, frame.time_s, view.faces, view.counts))
            if views:
                picture = canvas.draw(views)
                if recording:
                    recording.write(picture, frame.time_s)
                if window and not window.show(picture, pace.wait_s(frame.time_s)):
                    break
    return command_line.OK if sources.check() else command_line.FAILED


if __name__ == "__main__":
    command_line.run(main)
