"""The one place where Keras is imported, quietly; a compiled model never needs it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from mask_detector.errors import UserFacingError


def import_keras() -> ModuleType:
    """Return the ``keras`` module with TensorFlow as its backend.

    Raises:
        UserFacingError: TensorFlow is not installed.
    """
    # 1 leaves out TensorFlow's start-up remarks and keeps its warnings; 2 leaves out both.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        with quiet_standard_error():
            import keras
            import tensorflow as tf

            tf.config.list_physical_devices()  # remarks on missing GPUs come with the first look
    except ImportError:
        raise UserFacingError(
            "this needs TensorFlow, which is not installed: pip install -r requirements.txt"
        ) from None
    return keras


def package_versions() -> dict[str, str]:
    """Versions of the packages that a model depends on, for its model card."""
    packages = ("tensorflow", "keras", "cv2", "numpy")
    return {name: import_module(name).__version__ for name in packages}


@contextlib.contextmanager
def quiet_standard_error() -> Iterator[None]:
    """Keep away what TensorFlow's converter writes past Python; shown where it fails."""
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
            if failed:
                kept.seek(0)
                sys.stderr.write(kept.read().decode(errors="replace"))
