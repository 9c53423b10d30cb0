"""What this training shares with the mask classifier's: the only imports from ``mask_detector``."""

from __future__ import annotations

from functools import partial

from mask_detector import command_line
from mask_detector.errors import DatasetError, PhotoError
from mask_detector.files import write_bytes
from mask_detector.images import is_photo, read_photo
from mask_detector.models import keras_backend
from mask_detector.training.annotations import AnnotatedPhoto, read_annotations
from mask_detector.training.drawn.masks import OCCLUSIONS, WEARINGS, draw_mask, draw_occlusion
from mask_detector.training.evaluation import (
    Matches,
    PhotoBoxes,
    average_precision,
    match_photos,
    precision_recall_curve,
    recall_and_precision,
)
from mask_detector.training.fitting import Workspace
from mask_detector.training.groups import (
    PARTS,
    TEST_SALT,
    VALIDATION_SALT,
    group_near_duplicates,
    part_of,
    perceptual_hashes,
    place_of,
    read_groups,
)

__all__ = [
    "OCCLUSIONS",
    "PARTS",
    "TEST_SALT",
    "VALIDATION_SALT",
    "WEARINGS",
    "AnnotatedPhoto",
    "DatasetError",
    "Matches",
    "PhotoBoxes",
    "PhotoError",
    "Workspace",
    "average_precision",
    "command_line",
    "draw_mask",
    "draw_occlusion",
    "group_near_duplicates",
    "import_keras",
    "is_photo",
    "match_photos",
    "part_of",
    "perceptual_hashes",
    "place_of",
    "precision_recall_curve",
    "read_annotations",
    "read_groups",
    "read_photo",
    "recall_and_precision",
    "write_bytes",
]

import_keras = partial(keras_backend.import_keras, any_backend=True)
"""The ``keras`` module, with the backend that ``KERAS_BACKEND`` names: what is trained here is
written into Caffe and ONNX files, for which no backend is needed."""
