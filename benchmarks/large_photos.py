"""Photos of 12 megapixels, decoded whole and decoded smaller: processor time, boxes, labels.

    python -m benchmarks.large_photos                    the example photos, enlarged, with noise
    python -m benchmarks.large_photos --image DCIM       photos of a phone or camera

One thread, YuNet in one pass at 640, both ways in turns; loading the models is left out.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measuring import REPOSITORY
from mask_detector import MaskDetector, command_line
from mask_detector.photos.processing import process_photo

_LONGER_SIDE, _SHORTER_SIDE = 4032, 3024
_SIZE = 640
_QUALITY, _NOISE = 93, 4  # as phones write them: about 3 MB


@dataclass
class Comparison:
    """What both ways gave.

    Attributes:
        whole_s, reduced_s: processor seconds a photo.
        shifts: for each face the largest difference of a box's side, in pixels of the picture that
            the detector sees.
        other_labels, other_faces: how many faces have another label, or are found one way only.
    """

    whole_s: list[float] = field(default_factory=list)
    reduced_s: list[float] = field(default_factory=list)
    shifts: list[float] = field(default_factory=list)
    other_labels: int = 0
    other_faces: int = 0

    def add(self, whole: dict[str, Any], reduced: dict[str, Any]) -> None:
        """Compare the records of one photo."""
        pixel = max(whole["width"], whole["height"]) / _SIZE
        left = list(reduced["faces"])
        for face in whole["faces"]:
            same = [each for each in left if _shift(face, each) < _width(face) / 2]
            if not same:
                self.other_faces += 1
                continue
            nearest = min(same, key=lambda each: _shift(face, each))
            left.remove(nearest)
            self.shifts.append(_shift(face, nearest) / pixel)
            self.other_labels += face["label"] != nearest["label"]
        self.other_faces += len(left)

    @property
    def ratio(self) -> float:
        """How many times as fast photos are that are decoded smaller."""
        return statistics.mean(self.whole_s) / statistics.mean(self.reduced_s)

    def __str__(self) -> str:
        whole, reduced = (1e3 * statistics.mean(each) for each in (self.whole_s, self.reduced_s))
        shifts = self.shifts or [0.0]
        return (
            f"{len(self.whole_s)} photos, {len(self.shifts)} faces: processor time of a photo "
            f"{whole:.0f} ms decoded whole, {reduced:.0f} ms decoded smaller: "
            f"{self.ratio:.2f} times as fast; "
            f"boxes differ in pixels of the detector's picture by {statistics.median(shifts):.2f} "
            f"(median) and {max(shifts):.2f} (most); other labels: {self.other_labels}; faces "
            f"found one way only: {self.other_faces}"
        )


def _shift(face: dict[str, Any], other: dict[str, Any]) -> float:
    return float(abs(np.subtract(face["box"], other["box"])).max())


def _width(face: dict[str, Any]) -> float:
    return float(face["box"][2] - face["box"][0])


def enlarged_examples() -> Iterator[bytes]:
    """The example photos as JPEGs of a phone's size."""
    random = np.random.default_rng(0)
    for path in sorted((REPOSITORY / "examples").glob("example_0*.*g")):
        with Image.open(path) as photo:
            lying = photo.width >= photo.height
            size = (_LONGER_SIDE, _SHORTER_SIDE) if lying else (_SHORTER_SIDE, _LONGER_SIDE)
            scale = min(side / own for side, own in zip(size, photo.size, strict=True))
            inner = tuple(round(scale * own) for own in photo.size)
            picture = Image.new("RGB", size)
            picture.paste(photo.convert("RGB").resize(inner, Image.Resampling.BICUBIC))
        noise = random.normal(0, _NOISE, (*picture.size[::-1], 1))
        stream = io.BytesIO()
        noisy = (np.asarray(picture) + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(stream, "JPEG", quality=_QUALITY)
        yield stream.getvalue()


def compare(photos: Iterator[bytes], rounds: int) -> Comparison:
    """Process photos both ways."""
    detector = MaskDetector.load(detector="yunet", detector_size=_SIZE, threads=1)
    comparison = Comparison()
    for data in photos:
        seconds: dict[bool, list[float]] = {True: [], False: []}
        records = {}
        for _ in range(rounds):
            for whole in (True, False):
                start = time.process_time()
                photo = process_photo(data, "", detector, keep_image=whole)
                seconds[whole].append(time.process_time() - start)
                records[whole] = photo.record
        comparison.whole_s.append(statistics.median(seconds[True]))
        comparison.reduced_s.append(statistics.median(seconds[False]))
        comparison.add(records[True], records[False])
    return comparison


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = command_line.make_parser(__doc__)
    # fmt: off
    parser.add_argument("--image", type=Path, metavar="DIR", help="folder with JPEG photos")
    parser.add_argument("--rounds", type=command_line.whole_number(1, 100), default=3,
        help="how often each photo is processed each way; the median counts")
    # fmt: on
    arguments = parser.parse_args(argv)
    photos = enlarged_examples()
    if arguments.image:
        photos = (path.read_bytes() for path in sorted(arguments.image.glob("*.[jJ][pP]*[gG]")))
    print(compare(photos, arguments.rounds))
    return command_line.OK


if __name__ == "__main__":
    command_line.run(main)
