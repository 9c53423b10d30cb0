"""Average precision as pycocotools computes it: the independent reference."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mask_detector.training.evaluation import ALL_SIZES, PhotoBoxes, SizeRange


def average_precision(photos: Sequence[PhotoBoxes], sizes: SizeRange = ALL_SIZES) -> float:
    """Average precision at IoU 0.5 of one class, any number of finds a photo."""
    annotations = [
        {"image_id": number, "category_id": 1, "iscrowd": crowd, **_as_coco(box)}
        for number, photo in enumerate(photos)
        for crowd, boxes in enumerate((photo.boxes, photo.ignored))
        for box in boxes
    ]
    found = [
        {"image_id": number, "category_id": 1, "score": float(score), **_as_coco(box)}
        for number, photo in enumerate(photos)
        for box, score in zip(photo.found, photo.scores, strict=True)
    ]
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": number} for number in range(len(photos))],
        "categories": [{"id": 1, "name": "face"}],
        "annotations": [{"id": 1 + i, **item} for i, item in enumerate(annotations)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(found), "bbox")
        run.params.iouThrs = np.array([0.5])
        run.params.maxDets = [10_000]
        run.params.areaRng = [[sizes[0] ** 2, min(sizes[1] ** 2, 1e10)]]
        run.params.areaRngLbl = ["all"]
        run.evaluate()
        run.accumulate()
    return float(run.eval["precision"][0, :, 0, 0, 0].mean())


def _as_coco(box: np.ndarray) -> dict[str, Any]:
    x1, y1, x2, y2 = map(float, box)
    return {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}
