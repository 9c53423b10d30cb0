"""Write the networks and settings of the page in web/, which runs in a browser without a server.

(cd web && npm install)                       ONNX Runtime for browsers, once
python -m scripts.make_web                    from mask_detector.model
python -m scripts.make_web --model my.model
python -m http.server --directory web 8080    then http://localhost:8080
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from face_detector import yunet
from mask_detector import command_line
from mask_detector.detector import DEFAULT_CONFIDENCE
from mask_detector.files import make_folder, write_bytes
from mask_detector.models.default_model import DEFAULT_MODEL
from mask_detector.models.exports import onnx_bytes
from mask_detector.models.model_card import odds_of_thresholds
from mask_detector.models.model_file import read_model

FOLDER = Path(__file__).resolve().parent.parent / "web" / "models"
FACE_NETWORK, MASK_NETWORK = "faces.onnx", "masks.onnx"


def main(argv: Sequence[str] | None = None) -> int:
    """Write both networks, and what the page must know about them."""
    parser = command_line.make_parser(__doc__)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="trained model file")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder to write")
    arguments = parser.parse_args(argv)

    model = read_model(arguments.model)
    detector = yunet.YuNet("auto", DEFAULT_CONFIDENCE, thorough=False, threads=None)
    face_network = yunet.read_model(yunet.DEFAULT_WEIGHTS)
    settings = {
        "face_network": FACE_NETWORK,
        "mask_network": MASK_NETWORK,
        "size": yunet.REAL_TIME_SIZE,
        "confidence": DEFAULT_CONFIDENCE,
        "nms_overlap": yunet.NMS_OVERLAP,
        "box_adjustment": detector.box_adjustment,
        "classes": model.card.classes,
        "input_size": model.card.input_size,
        "margin": model.card.margin,
        "odds": odds_of_thresholds(model.card).tolist(),
        "unsure": model.card.unsure,
    }
    make_folder(arguments.output)
    write_bytes(arguments.output / FACE_NETWORK, yunet.with_free_input_size(face_network))
    write_bytes(arguments.output / MASK_NETWORK, onnx_bytes(model))
    write_bytes(arguments.output / "settings.json", json.dumps(settings, indent=1).encode())
    print(f"wrote {arguments.output}")
    return command_line.OK


if __name__ == "__main__":
    command_line.run(main)
