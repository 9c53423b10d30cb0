"""What happens to a shard: read its photos, detect, write its pictures, then its records.

It needs nothing but the job and the shard's number, so it runs anywhere and as often as it must:
the file with the records is the only sign that a shard is done.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mask_detector.cluster import addresses, rows, storage, tables
from mask_detector.cluster.files_used import hashes, versions
from mask_detector.cluster.limits import FILM_LIMIT_S, PHOTO_LIMIT_S, limited
from mask_detector.cluster.manifest import Entry, part_name, read_shard
from mask_detector.cluster.totals import Totals
from mask_detector.detector import MaskDetector
from mask_detector.drawing import draw_faces
from mask_detector.errors import FileError, PhotoError, SourceError, UserFacingError
from mask_detector.faces import count_faces
from mask_detector.images import PICTURE_SUFFIXES, encode_photo, photo_pages
from mask_detector.photos.metadata import exif_for_picture
from mask_detector.photos.parallel import in_parallel
from mask_detector.photos.processing import PictureOptions, process_photo
from mask_detector.records import error_record, frame_record
from mask_detector.terminal import say

if TYPE_CHECKING:
    import pyarrow as pa

_WRITE_WAITS_S = (1, 5, 15, 60)
_READ_AHEAD = 4  # photos at a time, so that the detector does not wait for the network
_TIFF_SUFFIXES = (".tif", ".tiff")


@dataclass(frozen=True)
class Job:
    """What holds for all shards of a run.

    Attributes:
        output: address of the results.
        detection: what :meth:`MaskDetector.load` takes.
        options: which photos are accepted, and what their pictures look like.
        pictures: whether annotated pictures are written.
        film_step_s: seconds from one processed frame of a video to the next; 0 takes all.
        hashes: SHA-256 of the files that decide what is found, by name.
        versions: those of the packages that do, by name.
    """

    output: str
    detection: dict[str, Any]
    options: PictureOptions
    pictures: bool = False
    film_step_s: float = 1.0
    hashes: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """What became of a shard.

    Attributes:
        number: which shard.
        processed: photos and videos that were processed now.
        totals: what is in all of its records.
        problem: why its records are not written, None if they are.
        fatal: whether the problem is that of every shard.
    """

    number: int
    processed: int = 0
    totals: Totals = field(default_factory=Totals)
    problem: str | None = None
    fatal: bool = False


Process = Callable[[Sequence[Entry], Job], "pa.Table"]


def process_shard(
    job: Job, number: int, retry_failed: bool = False, process: Process | None = None
) -> Outcome:
    """Process a shard and write its records; problems are told, not raised.

    Args:
        retry_failed: its records are there: process those again that failed.
        process: makes the rows of some entries; the default is :func:`process_entries`.
    """
    process = process or process_entries
    address = addresses.join(job.output, "records", part_name(number))
    try:
        storage.check_writable(address)
        entries = chosen = read_shard(job.output, number)
        if retry_failed:
            table, chosen = _again(tables.read_table(address), entries, job, process)
        else:
            table = process(entries, job)
        totals = Totals(len(entries), rows.failed_rows(table), rows.total_counts(table))
        _write(address, tables.encoded(table, totals.as_metadata()))
    except UserFacingError as error:
        return Outcome(number, problem=str(error), fatal=isinstance(error, OtherFilesError))
    except OSError as error:
        return Outcome(number, problem=f"{address}: {storage.reason(error)}")
    return Outcome(number, len(chosen), totals)


def _write(address: str, data: bytes) -> None:
    """Write records; a disk may have room again soon, and the work is done."""
    for wait_s in _WRITE_WAITS_S:
        try:
            storage.write(address, data)
            return
        except FileError as error:
            say(f"{error}; trying again in {wait_s} s", sys.stderr)
            time.sleep(wait_s)
    storage.write(address, data)


class OtherFilesError(UserFacingError):
    """This machine's model files or packages are not those of the run."""


def _again(
    before: pa.Table, entries: Sequence[Entry], job: Job, process: Process
) -> tuple[pa.Table, list[Entry]]:
    """The table with new rows for the entries that have a row with an error, and these.

    All rows are in the order of the entries.
    """
    import pyarrow as pa

    errors = before.column("error").to_pylist()
    owners = _owners(before, entries)
    failed = {owner for owner, error in zip(owners, errors, strict=True) if error is not None}
    chosen = [entry for entry in entries if entry.image in failed]
    kept = before.filter(pa.array([owner not in failed for owner in owners], pa.bool_()))
    table = pa.concat_tables([kept, process(chosen, job)])
    place = {entry.image: number for number, entry in enumerate(entries)}
    places = [place[owner] for owner in _owners(table, entries)]
    order = sorted(range(len(places)), key=places.__getitem__)
    return table.take(pa.array(order, pa.int64())), chosen


def _owners(table: pa.Table, entries: Sequence[Entry]) -> list[str]:
    """The photo or video that each row is of: pages of a TIFF are called "#2" and so on."""
    named = {entry.image for entry in entries}
    images: list[str] = table.column("image").to_pylist()
    return [image if image in named else image.rpartition("#")[0] for image in images]


def process_entries(entries: Sequence[Entry], job: Job) -> pa.Table:
    """The rows of some photos and videos, in their order; their pictures are written.

    Raises:
        UserFacingError: the model cannot be loaded, or a picture not be written.
    """
    return rows.as_table(_records(entries, job), rows.schema(detector_for(job).classes))


def _records(entries: Sequence[Entry], job: Job) -> Iterator[dict[str, Any]]:
    photos = [entry.image for entry in entries if not entry.film]
    for name, data in in_parallel(_read, photos, _READ_AHEAD):
        if isinstance(data, PhotoError):
            yield error_record(name, data)
        else:
            with limited(PHOTO_LIMIT_S):
                records = list(_photo_records(name, data, job))
            yield from records
    for entry in entries:
        if entry.film:
            yield from _film_records(entry.image, job)


def _read(name: str) -> bytes | PhotoError:
    try:
        return storage.read_photo_bytes(name)
    except PhotoError as error:
        return error


def _photo_records(name: str, data: bytes, job: Job) -> Iterator[dict[str, Any]]:
    """The record of a photo, or of each page of a TIFF."""
    try:
        pages = photo_pages(data) if name.lower().endswith(_TIFF_SUFFIXES) else [0]
    except PhotoError as error:
        yield error_record(name, error)
        return
    for number, page in enumerate(pages, start=1):
        page_name = name if number == 1 else f"{name}#{number}"
        photo = process_photo(
            data, page_name, detector_for(job), job.options, page, keep_image=job.pictures
        )
        if job.pictures and photo.image is not None:
            if not job.options.no_boxes:
                draw_faces(photo.image, photo.faces)
            exif = exif_for_picture(data) if job.options.keep_metadata else None
            place = picture_place(name, number)
            picture = encode_photo(Path(place), photo.image, exif)
            storage.write(addresses.join(job.output, "pictures", place), picture)
        yield photo.record


def picture_place(name: str, page: int = 1) -> str:
    """Where a photo's picture goes below ``pictures/``: different for different photos.

    >>> picture_place("s3://archive/2024/a.jpg"), picture_place("/data/b.heic", page=2)
    ('s3/archive/2024/a.jpg', 'local/data/b.heic_2.png')
    """
    scheme = addresses.scheme_of(name)
    path = name.partition("://")[2] if scheme else Path(name).as_posix().replace(":", "")
    suffix = Path(path).suffix
    number = "" if page == 1 else f"_{page}"
    if suffix.lower() not in PICTURE_SUFFIXES:
        # The whole name stays: a.heic and a.png may lie side by side.
        path, suffix = f"{path}{number}.png", ""
    elif number:
        path = f"{path.removesuffix(suffix)}{suffix}{number}{suffix}"
    return f"{scheme or 'local'}/{path.lstrip('/')}"


def _film_records(name: str, job: Job) -> Iterator[dict[str, Any]]:
    """A record for each processed frame; an error ends them with one that names it."""
    try:
        with limited(FILM_LIMIT_S), tempfile.TemporaryDirectory() as folder:
            yield from _frame_records(name, _local_film(name, Path(folder)), job)
    except SourceError as error:
        yield error_record(name, PhotoError(str(error).rpartition(f"{Path(name).name}: ")[2]))
    except OSError as error:
        yield error_record(name, PhotoError(f"the file cannot be read ({storage.reason(error)})"))


def _local_film(name: str, folder: Path) -> str:
    """A video's file on this machine: FFmpeg jumps to and fro in it."""
    if addresses.scheme_of(name) is None:
        return name
    target = folder / Path(name).name
    storage.download(name, target)
    return str(target)


def _frame_records(name: str, path: str, job: Job) -> Iterator[dict[str, Any]]:
    from mask_detector.video.captures import SourceOptions
    from mask_detector.video.decoding import Video  # PyAV: runs of photos start without it

    detector = detector_for(job, thorough=False)
    video = Video(path, SourceOptions(max_megapixels=job.options.max_megapixels))
    due_s = 0.0
    try:
        for number, (time_s, image) in enumerate(video.frames()):
            if time_s is None or time_s + 1e-6 < due_s:
                continue
            while job.film_step_s and due_s <= time_s + 1e-6:
                due_s += job.film_step_s
            faces = detector.detect_many([image])[0]
            record = frame_record(number, time_s, faces, count_faces(faces, detector.classes))
            height, width = image.shape[:2]
            yield {"image": name, "width": width, "height": height, **record}
    finally:
        video.close()


_detectors: dict[str, MaskDetector] = {}  # of this process, which serves many shards


def detector_for(job: Job, thorough: bool = True) -> MaskDetector:
    """The detector of this process, loaded once.

    Raises:
        UserFacingError: it cannot be loaded, or (OtherFilesError) is another than the run's.
    """
    key = repr((job.detection, thorough, job.hashes, job.versions))
    if key not in _detectors:
        _check_machine(job)
        _detectors[key] = MaskDetector.load(**job.detection, thorough=thorough, threads=1)
    return _detectors[key]


def _check_machine(job: Job) -> None:
    """Raise OtherFilesError where this machine's files and packages are not those of the run."""
    for what, here, there in (
        ("file", hashes(job.detection), job.hashes),
        ("version", versions(), job.versions),
    ):
        other = [name for name in there if here.get(name) != there[name]]
        if other:
            raise OtherFilesError(
                f"{other[0]} of this machine is not the {what} that the run was begun with: "
                "all machines need the same model files and packages"
            )
