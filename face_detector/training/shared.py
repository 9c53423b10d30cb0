"""What this training shares with the mask classifier's: the only imports from ``mask_detector``."""

from __future__ import annotations

from functools import partial

from mask_detector import command_line
from mask_detector.errors import DatasetError, PhotoError
from mask_detector.files import write_bytes
from mask_detector.images import read_photo
from mask_detector.models import keras_backend
from mask_detector.training.annotations import AnnotatedPhoto
from mask_detector.training.dataset import remarks
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
    part_of,
    place_of,
)
from mask_detector.training.inspection import look_into
from mask_detector.training.layouts import DatasetPhoto, find_photos, why_no_faces

__all__ = [
    "OCCLUSIONS",
    "PARTS",
    "TEST_SALT",
    "VALIDATION_SALT",
    "WEARINGS",
    "AnnotatedPhoto",
    "DatasetError",
    "DatasetPhoto",
    "Matches",
    "PhotoBoxes",
    "PhotoError",
    "Workspace",
    "average_precision",
    "command_line",
    "draw_mask",
    "draw_occlusion",
    "find_photos",
    "import_keras",
    "look_into",
    "match_photos",
    "part_of",
    "place_of",
    "precision_recall_curve",
    "read_photo",
    "recall_and_precision",
    "remarks",
    "why_no_faces",
    "write_bytes",
]

import_keras = partial(keras_backend.import_keras, any_backend=True)
"""The ``keras`` module, with the backend that ``KERAS_BACKEND`` names: what is trained here is
written into Caffe and ONNX files, for which no backend is needed."""
