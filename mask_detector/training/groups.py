"""Groups of photos that belong together, and which part of the data each group goes into.

Photos of one person, near-duplicates and frames of one film share a group; a group is never split
between training, validation and test.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mask_detector.errors import DatasetError
from mask_detector.training.folders import MEGABYTE, read_csv

_MOST_BYTES = 64 * MEGABYTE

NEAR_DUPLICATE_BITS = 8
"""Photos whose 64-bit perceptual hashes differ in at most this many bits share a group."""

PARTS = ("train", "validation", "test")
TEST_SALT, VALIDATION_SALT = "scenes-test", "validation"
VALIDATION_SHARE = 0.1
"""Share of the groups outside the test part that choose the best epoch and calibrate."""


def in_test_part(group: str, fraction: float = 0.2, salt: str = TEST_SALT) -> bool:
    """Whether a group of photos is held out for testing: always the same answer for a group.

    >>> in_test_part("a"), in_test_part("a", fraction=1.0)
    (False, True)
    """
    return place_of(group, salt) < fraction


def place_of(group: str, salt: str = TEST_SALT) -> float:
    """A number in [0, 1) that depends only on the group's name, through a hash."""
    digest = hashlib.sha256(f"{salt}:{group}".encode()).hexdigest()
    return int(digest[:8], 16) / 2**32


def part_of(group: str, test_share: float, validation_share: float = VALIDATION_SHARE) -> str:
    """Which part a group belongs to: ``train``, ``validation`` or ``test``.

    It depends only on the group's name, through a hash, so that a photo keeps its part when
    photos are added and in every training.
    """
    if in_test_part(group, test_share, TEST_SALT):
        return "test"
    if in_test_part(group, validation_share, VALIDATION_SALT):
        return "validation"
    return "train"


def read_groups(path: Path, *columns: str) -> dict[str, str]:
    """Read a ``groups.csv``: which photos belong together and must never be split up.

    Args:
        columns: headings that the column of the photos may have, by default ``image``; that of
            the groups is ``group``.

    Returns:
        The group of each photo, by the name that stands in the file; rows without a name or a
        group are left out.

    Raises:
        DatasetError: the file is missing, unreadable, lacks a column, or puts a photo into two
            groups.
    """
    columns = columns or ("image",)
    wanted = f"{path}: expected a CSV with columns {' or '.join(columns)} and group"
    groups: dict[str, str] = {}
    try:
        rows = read_csv(path, _MOST_BYTES)
        column = next(name for name in columns if name in (rows.fieldnames or ()))
        for row in rows:
            name, group = (row[column] or "").strip(), (row["group"] or "").strip()
            if name and group and groups.setdefault(name, group) != group:
                raise DatasetError(f"{path}: {name!r} is in two groups, {groups[name]} and {group}")
    except (KeyError, StopIteration, csv.Error):
        raise DatasetError(wanted) from None
    return groups


def group_near_duplicates(hashes: np.ndarray, bits: int = NEAR_DUPLICATE_BITS) -> list[int]:
    """Group pictures whose perceptual hashes are close, directly or through others.

    Args:
        hashes: uint64, shape (N, K): K hashes a picture (as it is, mirrored); two pictures
            are close when the first hash of one is close to any hash of the other.

    Returns:
        For each picture the smallest index of its group; an empty list for N = 0.
    """
    # Not at the top: SciPy takes a third of a second to import, and --help does without.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(hashes)
    if not count:
        return []
    rows, columns = [], []
    for start in range(0, count, 512):  # bounds the table of distances to 512 x N x K
        chunk = hashes[start : start + 512, :1, None] ^ hashes.T[None]
        near = (np.bitwise_count(chunk) <= bits).any(axis=1)
        row, column = near.nonzero()
        rows.append(row + start)
        columns.append(column)
    row, column = np.concatenate(rows), np.concatenate(columns)
    links = coo_array((np.ones(len(row), bool), (row, column)), shape=(count, count))
    _, component = connected_components(links, directed=False)
    first: dict[int, int] = {}
    return [first.setdefault(int(c), index) for index, c in enumerate(component)]


def nearest_duplicates(
    hashes: np.ndarray, others: np.ndarray, bits: int = NEAR_DUPLICATE_BITS
) -> list[int]:
    """For each picture the most similar one of others, by perceptual hashes.

    Args:
        hashes, others: uint64, shapes (N, K) and (M, K), as in :func:`group_near_duplicates`.

    Returns:
        N indices into ``others``; -1 where more than ``bits`` bits differ.
    """
    if not len(others):
        return [-1] * len(hashes)
    found: list[int] = []
    for start in range(0, len(hashes), 512):  # bounds the table of distances
        chunk = hashes[start : start + 512, :1, None] ^ others.T[None]
        distances = np.bitwise_count(chunk).min(axis=1)  # (n, M)
        near = distances.min(axis=1) <= bits
        found += np.where(near, distances.argmin(axis=1), -1).tolist()
    return found


def perceptual_hashes(image: np.ndarray) -> tuple[int, int]:
    """64-bit perceptual hashes (pHash) of a BGR picture and of its mirror image."""
    import imagehash  # not part of an installation for detection

    # pHash sees 32 x 32 pixels, so reducing large photos first, which is fast, changes nothing.
    small = cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA)
    picture = Image.fromarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY))
    mirrored = Image.fromarray(np.asarray(picture)[:, ::-1])
    return int(str(imagehash.phash(picture)), 16), int(str(imagehash.phash(mirrored)), 16)
