"""Running the compiled network of a model file in LiteRT, after making sure that it is safe to.

Where LiteRT has no package (Windows on ARM, Intel Macs), OpenCV runs the same network: it needs
three times as long, and its probabilities differ by less than 0.005.

LiteRT trusts the tables in its files: one changed number can end the process. So a network whose
hash is not known here is first loaded and run in a process of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import cv2
import numpy as np

from mask_detector.errors import ModelFileError
from mask_detector.models.keras_backend import quiet_standard_error
from mask_detector.models.trial import try_in_child

KNOWN_NETWORKS = frozenset(
    {
        # mask_detector.model as of 2026-11
        "a96be1117b76b29b837044f32501fa7159fb53305d4663a2ad814f56af7684c4",
    }
)
"""SHA-256 of the compiled networks that came with this project: these load without a check."""

Network = Callable[[np.ndarray], np.ndarray]
"""From RGB crops 0..255, shape (N, S, S, 3), to rows of probabilities, shape (N, classes)."""


def sha256(flatbuffer: bytes) -> str:
    """The hash by which a compiled network is known (5 ms for 5 MB)."""
    return hashlib.sha256(flatbuffer).hexdigest()


def load_network(flatbuffer: bytes, threads: int) -> Network:
    """Load a compiled network that is known to be safe.

    Raises:
        ModelFileError: it cannot be loaded; the network that is returned raises it too.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return _in_opencv(flatbuffer)
    try:
        with quiet_standard_error():  # LiteRT reports which kernels it uses
            interpreter = Interpreter(model_content=flatbuffer, num_threads=threads)
            source = interpreter.get_input_details()[0]["index"]
            target = interpreter.get_output_details()[0]["index"]
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError, IndexError):
        raise ModelFileError("its compiled network is damaged") from None

    def run(crops: np.ndarray) -> np.ndarray:
        try:
            # Costs nothing while the number of faces stays the same.
            interpreter.resize_tensor_input(source, crops.shape)
            interpreter.allocate_tensors()
            interpreter.tensor(source)()[:] = crops
            interpreter.invoke()
            return interpreter.get_tensor(target)
        except (RuntimeError, ValueError) as error:
            raise ModelFileError(f"its compiled network fails ({error})") from None

    return run


def _in_opencv(flatbuffer: bytes) -> Network:
    """The same network in OpenCV, which uses all cores."""
    try:
        with quiet_standard_error(show_on_failure=False):
            network = cv2.dnn.readNetFromTFLite(np.frombuffer(flatbuffer, np.uint8))
    except cv2.error:
        raise ModelFileError("its compiled network needs ai-edge-litert, or is damaged") from None

    def run(crops: np.ndarray) -> np.ndarray:
        try:
            # OpenCV turns the network's layout into its own: (N, 3, S, S).
            network.setInput(np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32))
            return np.array(network.forward())
        except cv2.error:
            raise ModelFileError(
                "its compiled network fails in OpenCV; with ai-edge-litert it may run"
            ) from None

    return run


def check_in_child(flatbuffer: bytes, input_size: int, classes: int, threads: int) -> None:
    """Load and run a network in a process of its own, with limits on its time and memory.

    Args:
        flatbuffer: the compiled network, from anywhere.
        input_size: side of the crops in pixels.
        classes: how many probabilities a crop must get.
        threads: processor threads, as it will be run with.

    Raises:
        ModelFileError: the network does not load, does not run, or crashes or hangs.
    """
    what = "its compiled network"
    try_in_child(what, "network", input_size, classes, threads, content=flatbuffer)
