#!/usr/bin/env python3
"""Find the faces in photos and tell which of them wear a mask.

    python detect_mask_image.py --image examples/example_01.png
    python detect_mask_image.py --image holiday "door/*.jpg" --output found --json found.jsonl
    find . -name "*.jpg" | python detect_mask_image.py --image - --json - --no-display

Each photo is shown in a window until a key is pressed (q or Esc: the last one) when nothing else
is asked for. Without a display, or with --no-display, it is written into the working folder as
NAME_mask.png instead. Exit status: 0 all photos were looked at, 1 some could not be, 2 wrong
usage or a missing model, 3 a face that --fail-on names was found.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mask_detector import command_line
from mask_detector.errors import UserFacingError

if TYPE_CHECKING:
    import numpy as np

    from mask_detector.photos.paths import Photo

QUIT_KEYS = (ord("q"), 27, -1)  # and closing the window


def parse_arguments() -> argparse.Namespace:
    parser = command_line.make_parser(__doc__)
    photos = parser.add_argument_group("photos")
    photos.add_argument(
        "--image",
        "-i",
        nargs="+",
        required=True,
        metavar="PATH",
        help="photos, folders and patterns; - reads paths from standard input, one a line",
    )
    photos.add_argument(
        "--recursive", "-r", action="store_true", help="look into sub-folders as well"
    )
    command_line.add_detection_arguments(parser)
    results = parser.add_argument_group("results")
    results.add_argument(
        "--output",
        "-o",
        type=Path,
        metavar="PATH",
        help="write annotated photos: a file for one photo, a folder for many (sub-folders are "
        "kept, no photo is overwritten)",
    )
    command_line.add_record_arguments(results, "photo")
    results.add_argument(
        "--contact-sheet",
        type=Path,
        metavar="FILE",
        help="all photos of this run small on one page, the most doubtful first",
    )
    results.add_argument(
        "--crops",
        type=Path,
        metavar="DIR",
        help="write each face as a picture into DIR/CLASS (DIR/unsure for the unsure)",
    )
    command_line.add_privacy_arguments(results)
    results.add_argument("--no-display", action="store_true", help="never open a window")
    runs = parser.add_argument_group("unattended runs")
    runs.add_argument(
        "--skip-done",
        action="store_true",
        help="leave out photos that have their line in --json and their picture in --output "
        "already, and append to --json and --csv",
    )
    runs.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="LABEL",
        help="exit with status 3 when a face of this class (or unsure) was found; may be repeated",
    )
    arguments = parser.parse_args()
    if arguments.skip_done and arguments.output is None and arguments.json in (None, "-"):
        parser.error("--skip-done needs --output or --json FILE to tell what is done")
    command_line.check_one_standard_output(parser, arguments, "json", "csv")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    # These take a while to load: not before --help and wrong usage have been answered.
    from mask_detector.detector import count_faces
    from mask_detector.display import has_display, show_photo
    from mask_detector.drawing import draw_faces
    from mask_detector.images import read_photo, write_photo
    from mask_detector.photos.contact_sheet import ContactSheet
    from mask_detector.photos.parallel import DetectorPool, in_parallel, usable_cores
    from mask_detector.photos.paths import (
        find_photos,
        make_folder,
        name_results,
        without_done,
        write_crops,
    )
    from mask_detector.privacy import hide_faces
    from mask_detector.records import Records, error_record, photo_record
    from mask_detector.terminal import ProgressBar
    from mask_detector.wording import faces_in_words

    # Which photos, and where their results go.
    output, crops, sheet_path = arguments.output, arguments.crops, arguments.contact_sheet
    files = [Path(name) for name in (arguments.json, arguments.csv) if name not in (None, "-")]
    files += [sheet_path] if sheet_path else []
    asked = any((output, crops, sheet_path, arguments.json, arguments.csv))
    window = not (asked or arguments.no_display) and has_display()
    photos = find_photos(arguments.image, arguments.recursive, without=(output, crops))
    photos = name_results(photos, output, crops, files, pictures_here=not (asked or window))
    wanted = len(photos)
    if arguments.skip_done:
        photos = without_done(photos, arguments.json)

    workers = max(1, min(usable_cores(), len(photos)))
    detectors = DetectorPool(workers, **command_line.detection_options(arguments))
    command_line.check_labels(arguments.fail_on, detectors.classes)
    sheet = ContactSheet(sheet_path, len(photos)) if sheet_path else None

    def look(photo: Photo) -> tuple[dict[str, Any], np.ndarray | None]:
        """One photo from reading to writing: its record, and its picture for the window."""
        try:
            photo.check()
            image = read_photo(photo.path)
            height, width = image.shape[:2]
            faces = detectors.detect(image)
            counts = count_faces(faces, detectors.classes)
            hide_faces(image, faces, arguments.blur)
            if photo.crops:
                write_crops(image, faces, crops, photo.crops)
            if sheet:
                sheet.add(image, faces, str(photo.path), faces_in_words(counts))
            if photo.picture or window:
                draw_faces(image, faces)
            if photo.picture:
                make_folder(photo.picture.parent)
                write_photo(photo.picture, image)
        except UserFacingError as error:
            return error_record(photo.path, error), None
        return photo_record(photo.path, width, height, faces, counts), image if window else None

    # The loop: each photo in its turn, as many at a time as there are cores.
    total, looked_at, failed = Counter(dict.fromkeys(detectors.classes, 0)), 0, 0
    quiet = "-" in (arguments.json, arguments.csv)
    with (
        Records(
            arguments.json, arguments.csv, detectors.classes, append=arguments.skip_done
        ) as records,
        closing(in_parallel(look, photos, workers)) as looked,
        ProgressBar(len(photos), "photo") as bar,
    ):
        for photo, (record, picture) in looked:
            records.write(record)
            bar.update()
            if "error" in record:
                failed += 1
                bar.write(f"{photo.path}: {record['error']}", file=sys.stderr)
                continue
            looked_at += 1
            total.update(record["counts"])
            if not quiet:
                where = f" -> {photo.picture}" if photo.picture else ""
                bar.write(f"{photo.path}: {faces_in_words(record['counts'])}{where}")
            if picture is not None and show_photo(picture, photo.path.name) in QUIT_KEYS:
                break

    if sheet:
        sheet.write()
    if wanted > 1 and not quiet:
        skipped = f", {wanted - len(photos)} done before" if arguments.skip_done else ""
        print(f"{looked_at} photos{skipped}, {failed} failed; {faces_in_words(total)}")
    if any(total[label] for label in arguments.fail_on):
        return command_line.FOUND
    return command_line.FAILED if failed else command_line.OK


if __name__ == "__main__":
    command_line.run(main)
