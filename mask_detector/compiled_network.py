"""Running the compiled network of a model file in LiteRT, after making sure that it is safe to.

LiteRT trusts the tables in its files: one changed number can end the process. So a network whose
hash is not known here is first loaded and run in a process of its own.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mask_detector.errors import ModelFileError
from mask_detector.keras_backend import quiet_standard_error

KNOWN_NETWORKS = frozenset(
    {
        # mask_detector.model as of 2026-11
        "a96be1117b76b29b837044f32501fa7159fb53305d4663a2ad814f56af7684c4",
    }
)
"""SHA-256 of the compiled networks that came with this project: these load without a check."""

CHECK_SECONDS = 120.0
"""How long the check may take; it takes a quarter of a second where nothing is wrong."""

Network = Callable[[np.ndarray], np.ndarray]
"""From RGB crops 0..255, shape (N, S, S, 3), to rows of probabilities, shape (N, classes)."""


def sha256(flatbuffer: bytes) -> str:
    """The hash by which a compiled network is known (5 ms for 5 MB)."""
    return hashlib.sha256(flatbuffer).hexdigest()


def load_network(flatbuffer: bytes, threads: int) -> Network:
    """Load a compiled network that is known to be safe.

    Raises:
        ModelFileError: LiteRT cannot load it; the network that is returned raises it too.
    """
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
    program = Path(__file__).with_name("try_network.py")
    # The child finds the packages that this process finds.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, str(program), str(input_size), str(classes), str(threads)],
            input=flatbuffer,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=CHECK_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ModelFileError(
            f"its compiled network gave no answer within {CHECK_SECONDS:g} s"
        ) from None
    except OSError as error:
        raise ModelFileError(
            f"its compiled network cannot be checked ({error.strerror or error})"
        ) from None
    if done.returncode == 1:
        reason = done.stdout.decode(errors="replace").strip() or "no reason given"
        raise ModelFileError(f"its compiled network is damaged or does not fit ({reason})")
    if done.returncode:
        raise ModelFileError(
            "its compiled network is damaged: loading it ends the process "
            f"(status {done.returncode})"
        )
