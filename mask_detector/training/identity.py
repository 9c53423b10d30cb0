"""What tells one training from another, so that only the same one is resumed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mask_detector.training.samples import Sample


def digest_of_samples(parts: Mapping[str, Sequence[Sample]], contents: Mapping[Path, str]) -> str:
    """SHA-256 over all that is known of the samples, in their order.

    Crops are cached by their order: where it changes, as by another name of a file, so must this.

    Args:
        parts: the samples by part, those that are drawn on and unlabelled ones included.
        contents: SHA-256 of each photo; its path does not matter, so that folders may be moved.
    """
    total = hashlib.sha256()
    for part, samples in parts.items():
        for each in samples:
            landmarks = None if each.landmarks is None else each.landmarks.tolist()
            face = [each.label, each.group, each.box, landmarks, each.drawn, each.drawn_seed]
            total.update(json.dumps([part, contents[each.photo], *face]).encode())
    return total.hexdigest()


def digests_of_files(names: Iterable[str | Path]) -> list[str]:
    """SHA-256 of each file; what is no file, such as ``imagenet``, stands for itself."""
    return [
        hashlib.sha256(Path(name).read_bytes()).hexdigest() if Path(name).is_file() else str(name)
        for name in names
    ]
