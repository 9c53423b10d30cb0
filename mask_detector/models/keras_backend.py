"""The one place where Keras is imported, quietly; a compiled model never needs it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from mask_detector.errors import ModelFileError, UserFacingError, missing_package
from mask_detector.models.arithmetic import arithmetic_layers

_TRAINING_BACKENDS = ("tensorflow", "jax", "torch")


def import_keras(any_backend: bool = False) -> ModuleType:
    """Return the ``keras`` module.

    Args:
        any_backend: use the backend that ``KERAS_BACKEND`` in the environment names. Otherwise,
            and without that variable, it is TensorFlow, whose converter compiles models.

    Raises:
        UserFacingError: the backend is not installed, or Keras cannot train with it.
    """
    # 1 leaves out TensorFlow's start-up remarks and keeps its warnings; 2 leaves out both.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    wanted = os.environ.get("KERAS_BACKEND") if any_backend else None
    backend = os.environ["KERAS_BACKEND"] = wanted or "tensorflow"
    if backend not in _TRAINING_BACKENDS:
        expected = ", ".join(_TRAINING_BACKENDS)
        raise UserFacingError(f"KERAS_BACKEND={backend}: expected one of {expected}")
    try:
        with quiet_standard_error():
            import keras

            if backend == "tensorflow":
                import tensorflow as tf

                tf.config.list_physical_devices()  # its remarks on missing GPUs come with this call
    except ImportError as error:
        if error.name == backend != "tensorflow":
            raise UserFacingError(
                f"KERAS_BACKEND={backend}: {backend} is not installed, pip install {backend}"
            ) from None
        if error.name in ("keras", "tensorflow"):
            raise UserFacingError(
                "this needs TensorFlow, which is not installed: pip install -r requirements.txt"
            ) from None
        raise missing_package(error) from None
    return keras


def load_keras_file(path: Path, shown_as: Path) -> Any:
    """Load a network from a ``.keras`` or ``.h5`` file (slow: TensorFlow).

    Args:
        shown_as: the user's own file, for messages.

    Raises:
        ModelFileError: Keras cannot load it, or it would have to execute code from the file.
    """
    keras = import_keras()
    try:
        with quiet_standard_error(show_on_failure=False):
            steps = arithmetic_layers(keras) if path.suffix == ".h5" else None
            return keras.models.load_model(
                path, custom_objects=steps, compile=False, safe_mode=True
            )
    except Exception as error:  # Keras raises nearly anything on damaged files
        raise ModelFileError(f"{shown_as}: Keras cannot load it ({first_line(error)})") from None


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, or its name where it has none; not too long."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= 300 else f"{lines[0][:299]}…"


def package_versions() -> dict[str, str]:
    """Versions of the packages that a model depends on, for its model card."""
    packages = ("tensorflow", "keras", "cv2", "numpy")
    return {name: import_module(name).__version__ for name in packages}


@contextlib.contextmanager
def quiet_standard_error(show_on_failure: bool = True) -> Iterator[None]:
    """Hold back what TensorFlow writes to standard error past Python; shown if the block fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        terminal = os.dup(2)
        os.dup2(kept.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            if failed and show_on_failure:
                kept.seek(0)
                sys.stderr.write(kept.read().decode(errors="replace"))
