#!/usr/bin/env python3
"""Find the faces in photos and tell which of them wear a mask.

    python detect_mask_image.py --image examples/example_01.png
    python detect_mask_image.py --image holiday "door/*.jpg" --output found --json found.jsonl
    find . -name "*.jpg" | python detect_mask_image.py --image - --json - --no-display

If no results are asked for, each photo is shown in a window until a key is pressed (q or Esc
stops). Without a display, or with --no-display, it is written to the current folder as
NAME_mask.png instead. Exit status: 0 all photos were processed, 1 some could not be, 2 wrong
usage or a missing model, 3 a face of a --fail-on label was found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mask_detector import command_line
from mask_detector.display import has_display, show_photo
from mask_detector.files import STANDARD_STREAM
from mask_detector.images import MOST_MEGAPIXELS
from mask_detector.photos.contact_sheet import ContactSheet
from mask_detector.photos.parallel import DetectorPool, in_parallel, usable_cores
from mask_detector.photos.paths import find_photos
from mask_detector.photos.planning import Results, name_results
from mask_detector.photos.processing import DEFAULT_MEGAPIXELS, PictureOptions, photo_processor
from mask_detector.photos.resuming import EarlierRun
from mask_detector.photos.summary import Summary, photo_line
from mask_detector.records import Records
from mask_detector.terminal import ProgressBar, deferred_signals, say

QUIT_KEYS = (ord("q"), 27, -1)  # and closing the window


# fmt: off
def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    add = parser.add_argument_group("photos").add_argument
    add("--image", "-i", nargs="+", required=True, metavar="PATH",
        help="photos, folders and patterns; - reads paths from standard input, one per line")
    add("--recursive", "-r", action="store_true", help="include sub-folders")
    add("--max-megapixels", type=command_line.number(0.001, MOST_MEGAPIXELS), metavar="N",
        default=DEFAULT_MEGAPIXELS, help="refuse larger photos")
    command_line.add_detection_arguments(parser)

    results = parser.add_argument_group("results")
    add = results.add_argument
    add("--output", "-o", type=Path, metavar="PATH",
        help="write annotated photos to a folder, or one to a file; no photo is replaced")
    command_line.add_record_arguments(results, "photo")
    add("--contact-sheet", type=Path, metavar="FILE",
        help="write one page with all photos of this run in small, least certain first")
    add("--crops", type=Path, metavar="DIR",
        help="write each face as a picture to DIR/CLASS (DIR/unsure for unsure faces)")
    command_line.add_privacy_arguments(results)
    add("--keep-metadata", action="store_true",
        help="write the EXIF of photos into annotated pictures, without thumbnails")
    add("--no-display", action="store_true", help="never open a window")

    add = parser.add_argument_group("unattended runs").add_argument
    add("--skip-done", action="store_true",
        help="skip photos that are already in --json and --output, and append to --json and --csv")
    add("--fail-on", action="append", default=[], metavar="LABEL",
        help="exit with status 3 if a face of this class (or unsure) is found; may be repeated")

    arguments = parser.parse_args(argv)
    if arguments.skip_done and not arguments.output and arguments.json in (None, STANDARD_STREAM):
        parser.error("--skip-done needs --output or --json FILE to tell what is done")
    command_line.check_one_standard_output(parser, arguments, "json", "csv")
    return arguments
# fmt: on


def main(argv: Sequence[str] | None = None) -> int:
    """Process all photos, as many at a time as there are cores."""
    arguments = parse_arguments(argv)
    wanted = command_line.options_for(Results, arguments)
    window = not (wanted.any() or arguments.no_display) and has_display()
    read = command_line.detection_files(arguments)
    photos = find_photos(arguments.image, arguments.recursive, without=wanted.paths())
    photos = name_results(photos, wanted, not (wanted.any() or window), read)
    with EarlierRun(photos, wanted, arguments.skip_done) as earlier:
        return process(arguments, earlier, window)


def process(arguments: argparse.Namespace, earlier: EarlierRun, window: bool) -> int:
    """Process the photos that are left, as many at a time as there are processor cores."""
    photos = earlier.left
    quiet = STANDARD_STREAM in (arguments.json, arguments.csv)  # records only on standard output
    workers = 1 if window else max(1, min(usable_cores(), len(photos)))
    detectors = DetectorPool(workers, **command_line.detection_options(arguments))
    command_line.check_labels(arguments.fail_on, detectors.classes)
    command_line.check_blur(arguments.blur, detectors.classes)
    earlier.complete_csv(detectors.classes)
    page = arguments.contact_sheet and ContactSheet(arguments.contact_sheet, len(photos))
    options = command_line.options_for(PictureOptions, arguments)
    work = photo_processor(detectors, options, page, window)
    summary = Summary(detectors.classes, earlier.done, command_line.advice_on(arguments.detector))
    with (
        Records(arguments.json, arguments.csv, detectors.classes, arguments.skip_done) as records,
        closing(in_parallel(work, photos, workers)) as processed,
        ProgressBar(len(photos), "photo") as bar,
    ):
        for photo, result in processed:  # in the order of the photos
            with deferred_signals():  # all files hold the same photos at the end
                earlier.store(photo, result, records)
            summary.add(result.record)
            bar.update()
            failed = "error" in result.record
            if failed or not quiet:
                advice = summary.advice if summary.photos == len(photos) == 1 else ""
                bar.write(photo_line(photo, result.record, advice), sys.stderr if failed else None)
            if result.image is not None and show_photo(result.image, photo.path.name) in QUIT_KEYS:
                break
    if page:
        page.write()
    if (earlier.done and not photos) or (summary.photos > 1 and not quiet):
        say(str(summary), sys.stderr if quiet else None)
    if earlier.found(arguments.fail_on) or summary.found(arguments.fail_on):
        return command_line.FOUND
    return command_line.FAILED if summary.failed else command_line.OK


if __name__ == "__main__":
    command_line.run(main)
