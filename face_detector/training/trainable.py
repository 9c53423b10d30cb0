"""What training has to know of each face detector: the table ``TRAINABLE``, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_detector import ssd, yunet
from face_detector.detections import Detections
from face_detector.training import ssd_loss, ssd_network, yunet_loss, yunet_network
from face_detector.training.crops import CropSettings
from face_detector.training.fitting import Loss
from face_detector.training.validation import LEAST_SCORE

Detect = Callable[[np.ndarray], Detections]
"""From a uint8 BGR picture (H, W, 3) to the faces that score ``LEAST_SCORE`` or more."""


@dataclass(frozen=True)
class Trainable:
    """A face detector whose weights can be trained.

    Attributes:
        output: the name of the file that is written.
        crops: what its training crops look like.
        sizes: longer sides in pixels at which validation photos are looked at, in one pass each.
        read_model: the content of a weights file, from its name or ``ORIGINAL``.
        build_network: from that content to the Keras model.
        loss: of the model's outputs.
        file_with: from the model and the content of a file that has its shapes to the new content.
        scale_and_shift: changes the logits of the model's scores to ``scale * logit + shift``.
        published_share: from the name of a layer to how much of the published weights the result
            keeps there. Means of weights before and after see the new and forget less of the old
            (Wortsman et al. 2022, arXiv:2109.01903).
        one_pass: from the content of a weights file and the longer side in pixels that pictures
            are resized to.
        search: from the content of a weights file to a thorough search. Its scores, the best or
            the mean of many passes, are calibrated: calibrated in one pass, too many false finds
            would score 0.5 there.
    """

    output: Path
    crops: CropSettings
    sizes: tuple[int, ...]
    read_model: Callable[[str | Path], bytes]
    build_network: Callable[[bytes], Any]
    loss: Loss
    file_with: Callable[[Any, bytes], bytes]
    scale_and_shift: Callable[[Any, float, float], None]
    published_share: Callable[[str], float]
    one_pass: Callable[[bytes, int], Detect]
    search: Callable[[bytes], Detect]


def _yunet_pass(model: bytes, size: int) -> Detect:
    network = yunet.YuNetNetwork(model)
    return lambda image: yunet.one_pass(network, image, size, LEAST_SCORE)


def _yunet_search(model: bytes) -> Detect:
    network = yunet.YuNetNetwork(model)
    return lambda image: yunet.search(network, image, LEAST_SCORE).clipped(
        image.shape[1], image.shape[0]
    )


def _ssd_pass(model: bytes, size: int) -> Detect:
    network = ssd.SSDNetwork(model)
    return lambda image: network.forward(image, LEAST_SCORE, size)


def _ssd_search(model: bytes) -> Detect:
    network = ssd.SSDNetwork(model)
    return lambda image: ssd.search(network, image, LEAST_SCORE, ssd.SURE_SCORE).clipped(
        image.shape[1], image.shape[0]
    )


TRAINABLE = {
    "yunet": Trainable(
        output=Path("yunet_trained.onnx"),
        crops=CropSettings(),
        sizes=(yunet.REAL_TIME_SIZE, 320),
        read_model=yunet.read_model,
        build_network=yunet_network.build_network,
        loss=Loss(("object", "class", "box", "landmark"), yunet_loss.loss),
        file_with=yunet_network.file_with,
        scale_and_shift=yunet_network.scale_and_shift,
        published_share=lambda layer: 0.0,
        one_pass=_yunet_pass,
        search=_yunet_search,
    ),
    "ssd": Trainable(
        output=Path("ssd_trained.caffemodel"),
        # Photos are squashed to a square, and its smallest prior boxes are of 30 pixels.
        crops=CropSettings(
            size=ssd.CLASSIC_SIZE,
            smallest_face=8.0,
            small_faces=(10.0, 80.0),
            large_faces=(60.0, 290.0),
            small_share=0.65,
            stretch=0.15,
        ),
        sizes=(ssd.CLASSIC_SIZE,),
        read_model=ssd.read_model,
        build_network=ssd_network.build_network,
        loss=Loss(("class", "box"), ssd_loss.loss),
        file_with=ssd_network.file_with,
        scale_and_shift=ssd_network.scale_and_shift,
        published_share=ssd_network.published_share,
        one_pass=_ssd_pass,
        search=_ssd_search,
    ),
}
