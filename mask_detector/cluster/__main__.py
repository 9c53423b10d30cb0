"""Detect faces and masks in many photos and videos, on one machine or on many.

    python -m mask_detector.cluster --image photos --output results
    python -m mask_detector.cluster --image s3://archive/2024/ --output s3://results/2024 --ray auto
    python -m mask_detector.cluster --list paths.txt --output results --shard 3/16

Inputs are listed once and cut into shards; OUTPUT/records gets one Parquet file a shard. Started
again with the same options, a run goes on where it ended, however it ended. Exit status: 0 all
were processed, 1 some could not be, 2 wrong usage or a missing model, 3 a face of a --fail-on
label was found.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mask_detector import command_line
from mask_detector.cluster import addresses, engines
from mask_detector.cluster.files_used import hashes, versions
from mask_detector.cluster.inputs import find_entries
from mask_detector.cluster.manifest import (
    Manifest,
    done_shards,
    read_manifest,
    wait_for_manifest,
    write_manifest,
)
from mask_detector.cluster.packages import check_packages
from mask_detector.cluster.progress import Progress
from mask_detector.cluster.run_file import check_run, write_run
from mask_detector.cluster.totals import Totals, read_totals, total
from mask_detector.cluster.work import Job, Outcome
from mask_detector.command_line import number, whole_number
from mask_detector.errors import UserFacingError
from mask_detector.images import MOST_MEGAPIXELS
from mask_detector.models.model_file import read_model
from mask_detector.photos.processing import DEFAULT_MEGAPIXELS, PictureOptions
from mask_detector.terminal import say
from mask_detector.wording import faces_in_words, number_of


# fmt: off
def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    add = parser.add_argument_group("photos and videos").add_argument
    add("--image", "-i", nargs="+", default=[], metavar="PATH",
        help="folders, with all their sub-folders, and files: local paths, s3://, gs://, hdfs://")
    add("--list", nargs="+", default=[], metavar="FILE",
        help="files that name photos and videos: text with one path a line, Parquet, or the "
        "manifest.json of an S3 Inventory")
    add("--max-megapixels", type=number(0.001, MOST_MEGAPIXELS), metavar="N",
        default=DEFAULT_MEGAPIXELS, help="refuse larger photos and frames")
    add("--video-step", type=number(0, 86400), default=1.0, metavar="SECONDS",
        help="time from one processed frame of a video to the next; 0 processes all")

    command_line.add_detection_arguments(parser)

    results = parser.add_argument_group("results")
    add = results.add_argument
    add("--output", "-o", required=True, metavar="DIR",
        help="folder for the results: a local path, s3://, gs:// or hdfs://")
    add("--pictures", action="store_true", help="write annotated photos to DIR/pictures")
    command_line.add_privacy_arguments(results)
    add("--keep-metadata", action="store_true",
        help="write the EXIF of photos into annotated pictures, without thumbnails")

    add = parser.add_argument_group("the run").add_argument
    engine = parser.add_mutually_exclusive_group()
    engine.add_argument("--ray", metavar="ADDRESS",
        help="address of a Ray cluster, auto for the one on this machine (default: start Ray here)")
    engine.add_argument("--shard", type=part_of, metavar="K/N",
        help="without Ray, do the Kth of N parts on one core; count K from 0 or from 1")
    add("--shard-size", type=whole_number(1, 100_000), metavar="N",
        help="photos in a shard (default: from 32, for few photos, to 1000)")
    add("--retry-failed", action="store_true",
        help="process photos and videos again that failed in an earlier run")
    add("--fail-on", action="append", default=[], metavar="LABEL",
        help="exit with status 3 if a face of this class (or unsure) is found; may be repeated")

    arguments = parser.parse_args(argv)
    if not arguments.image and not arguments.list:
        parser.error("name photos or videos with --image or --list")
    return arguments
# fmt: on


def part_of(text: str) -> tuple[int, int]:
    """``K/N`` as (K modulo N, N): K counts from 0 or from 1."""
    left, _, right = text.partition("/")
    if not (left.isdecimal() and right.isdecimal()) or int(left) > int(right) or not int(right):
        raise argparse.ArgumentTypeError(f"{text!r} is not K/N with K from 0 to N")
    return int(left) % int(right), int(right)


def main(argv: Sequence[str] | None = None) -> int:
    """Make or continue a run."""
    arguments = parse_arguments(argv)
    check_packages("pyarrow", *([] if arguments.shard else ["ray"]))
    classes = read_model(arguments.model).card.classes
    command_line.check_labels(arguments.fail_on, classes)
    command_line.check_blur(arguments.blur, classes)
    job = make_job(arguments)
    manifest = prepare(arguments, job)

    mine, parts = arguments.shard or (0, 1)
    numbers = range(mine, manifest.shards, parts)
    there = done_shards(job.output)
    done = read_totals(job.output, [each for each in numbers if each in there])
    again = {each for each in done if arguments.retry_failed and done[each].failed}
    tasks = [(each, each in again) for each in numbers if each in again or each not in done]
    # How many are in a shard stands in its file: the share of the shards is near enough.
    new = round(manifest.entries * (len(tasks) - len(again)) / manifest.shards)
    left = new + sum(done[each].failed for each in again)
    processed, undone = 0, len(tasks)
    with Progress(left) as progress, closing(start(arguments, job, tasks)) as outcomes:
        for outcome in outcomes:
            if outcome.fatal:
                raise UserFacingError(outcome.problem)
            if outcome.problem:
                say(f"shard {outcome.number}: not done, {outcome.problem}", sys.stderr)
                continue
            done[outcome.number] = outcome.totals
            processed += outcome.processed
            undone -= 1
            progress.update(outcome.processed)
    whole = total(done.values())
    say(summary(whole, processed, undone, classes))
    if any(whole.counts[label] for label in arguments.fail_on):
        return command_line.FOUND
    return command_line.FAILED if whole.failed or undone else command_line.OK


def start(
    arguments: argparse.Namespace, job: Job, tasks: Sequence[engines.Task]
) -> Generator[Outcome, None, None]:
    """Do the shards, here or on Ray."""
    if arguments.shard:
        return engines.in_this_process(job, tasks)
    # Without tasks, Ray need not start.
    return engines.on_ray(arguments.ray, job, tasks) if tasks else engines.in_this_process(job, ())


def summary(whole: Totals, processed: int, undone: int, classes: Sequence[str]) -> str:
    """The last line: what is in all records of this part of the run.

    Args:
        whole: what is in the records, those of earlier starts included.
        processed: photos and videos processed now.
        undone: shards without records, or whose failed photos were not processed again.
        classes: the model's class names.
    """
    before = whole.entries - processed
    parts = [
        number_of(whole.entries, "photo or video", "photos and videos"),
        f" ({before:,} done before)" if before else "",
        f", {whole.failed:,} failed",
        f", {number_of(undone, 'shard')} not done" if undone else "",
        f"; {faces_in_words(Counter(dict.fromkeys(classes, 0)) + whole.counts)}",
    ]
    return "".join(parts)


def make_job(arguments: argparse.Namespace) -> Job:
    """What all shards need to know; paths in it are absolute."""
    detection = command_line.detection_options(arguments)
    detection["model"] = str(Path(detection["model"]).absolute())
    weights = detection.get("detector_weights")
    if weights not in (None, "original"):
        detection["detector_weights"] = str(Path(weights).absolute())
    options = PictureOptions(
        blur=arguments.blur,
        blur_style=arguments.blur_style,
        no_boxes=arguments.no_boxes,
        keep_metadata=arguments.keep_metadata,
        max_megapixels=arguments.max_megapixels,
    )
    output = addresses.full_address(arguments.output)
    return Job(
        output,
        detection,
        options,
        arguments.pictures,
        arguments.video_step,
        hashes(detection),
        versions(),
    )


def prepare(arguments: argparse.Namespace, job: Job) -> Manifest:
    """The manifest: that of the run that is there, or a new one.

    Raises:
        UserFacingError: the run there is another one, or nothing is found to process.
    """
    run = describe(arguments, job)
    manifest = read_manifest(job.output)
    if manifest is None and (arguments.shard is None or arguments.shard[0] == 0):
        write_run(job.output, run)
        entries = find_entries(arguments.image, arguments.list, job.output)
        manifest = write_manifest(job.output, entries, arguments.shard_size)
        if not manifest.shards:
            raise UserFacingError("there are no photos or videos in what --image and --list name")
        return manifest
    if manifest is None:
        say("waiting for the manifest, which part 0 (or N) of --shard K/N writes", sys.stderr)
        manifest = wait_for_manifest(job.output)
    check_run(job.output, run)
    return manifest


def describe(arguments: argparse.Namespace, job: Job) -> dict[str, Any]:
    """What decides the results of a run, for ``run.json``."""
    detection = {name: value for name, value in job.detection.items() if name != "model"}
    pictures = asdict(job.options)
    del pictures["crops"]
    return {
        "inputs": {
            "image": [addresses.full_address(each) for each in arguments.image],
            "list": [addresses.full_address(each) for each in arguments.list],
        },
        "options": {
            **{name: str(value) for name, value in detection.items()},
            **pictures,
            "pictures": job.pictures,
            "video_step": job.film_step_s,
        },
        "files": job.hashes,
        "versions": job.versions,
    }


if __name__ == "__main__":
    command_line.run(main)
