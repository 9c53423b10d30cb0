"""Running the compiled network of a model file, after making sure that it is safe to.

LiteRT runs it, or ONNX Runtime where it is an ONNX network. Where LiteRT has no package (Windows on
ARM, Intel Macs), ONNX Runtime runs its ONNX form, which gives the same up to rounding.

LiteRT trusts the tables in its files: one changed number can end the process. So a network whose
hash is not known here is first loaded and run in a process of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from mask_detector.errors import ModelFileError
from mask_detector.models.keras_backend import first_line, quiet_standard_error
from mask_detector.models.tflite_file import is_tflite
from mask_detector.models.tflite_to_onnx import UnsupportedNetworkError, onnx_from_tflite
from mask_detector.models.trial import try_in_child

KNOWN_NETWORKS = frozenset(
    {
        # mask_detector.model as of 2026-11-26
        "5a042cc3fe08f8338fb955c8c92cc333b23e8e2b71ee84055978d8426046470c",
        # mask_detector.model on that day, before
        "618132b7c35cf3c826e1a22db8c376ef2c3da35a5e6032e17d3bd9d64636d5bb",
        # mask_detector.model until then
        "a96be1117b76b29b837044f32501fa7159fb53305d4663a2ad814f56af7684c4",
        # mask_detector_3.model as of 2026-11-26
        "c254031011aa7659985230743b9121276839eb11896291c112def7645ca36ff8",
        # mask_detector_3.model until then
        "08292a7356e435a2cc82dd8324886533b5ee870ac4ec021a418b5f2c4dad0828",
    }
)
"""SHA-256 of the compiled networks that came with this project: these load without a check."""

Network = Callable[[np.ndarray], np.ndarray]
"""From RGB crops 0..255, shape (N, S, S, 3), to rows of probabilities, shape (N, classes)."""


def sha256(compiled: bytes) -> str:
    """The hash by which a compiled network is known (5 ms for 5 MB)."""
    return hashlib.sha256(compiled).hexdigest()


def load_network(compiled: bytes, threads: int) -> Network:
    """Load a compiled network that is known to be safe.

    Args:
        compiled: a LiteRT or an ONNX file.

    Raises:
        ModelFileError: it cannot be loaded; the network that is returned raises it too.
    """
    runnable = _runnable(compiled)
    run_in = _in_litert if is_tflite(runnable) else _in_onnx_runtime
    return run_in(runnable, threads)


def _has_litert() -> bool:
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError:
        return False
    return True


def _runnable(compiled: bytes) -> bytes:
    """The network in the form that is run here: ONNX where there is no LiteRT."""
    if not is_tflite(compiled) or _has_litert():
        return compiled
    try:
        return onnx_from_tflite(compiled)
    except UnsupportedNetworkError as error:
        raise ModelFileError(f"{error}; with the package ai-edge-litert it runs") from None


def _in_litert(flatbuffer: bytes, threads: int) -> Network:
    from ai_edge_litert.interpreter import Interpreter

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


def _in_onnx_runtime(model: bytes, threads: int) -> Network:
    try:
        import onnxruntime
    except ImportError:
        raise ModelFileError(
            "its compiled network needs onnxruntime: pip install onnxruntime"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Idle threads sleep between pictures: cores are free for decoding and finding.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.enable_mem_pattern = False  # memory plans would be kept for each number of faces
    options.log_severity_level = 4  # what goes wrong is raised
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        source = session.get_inputs()[0].name
    except Exception as error:  # ONNX Runtime has a kind for each of its states
        raise ModelFileError(f"its compiled network is damaged ({first_line(error)})") from None

    def run(crops: np.ndarray) -> np.ndarray:
        try:
            return np.asarray(session.run(None, {source: crops.astype(np.float32)})[0])
        except Exception as error:
            raise ModelFileError(f"its compiled network fails ({first_line(error)})") from None

    return run


def check_in_child(compiled: bytes, input_size: int, classes: int, threads: int) -> None:
    """Load and run a network in a process of its own, with limits on its time and memory.

    Args:
        compiled: the compiled network, from anywhere.
        input_size: side of the crops in pixels.
        classes: how many probabilities a crop must get.
        threads: processor threads, as it will be run with.

    Raises:
        ModelFileError: the network does not load, does not run, or crashes or hangs.
    """
    what = "its compiled network"
    content = _runnable(compiled)
    try_in_child(what, "network", input_size, classes, threads, content=content)
