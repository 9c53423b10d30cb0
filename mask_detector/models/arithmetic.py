"""Arithmetic inside networks, such as ``pixels / 127.5 - 1``, as HDF5 files describe it.

Keras 3 writes such a step into an HDF5 file and then does not know its name; Keras 2 wrote it as
``TFOpLambda`` with the name of a TensorFlow function, of which a few are known here.
"""

from __future__ import annotations

import operator
from typing import Any

_FUNCTIONS = {
    "math.truediv": operator.truediv,
    "math.divide": operator.truediv,
    "math.subtract": operator.sub,
    "math.multiply": operator.mul,
    "math.add": operator.add,
    "__operators__.add": operator.add,
}


def arithmetic_layers(keras: Any) -> dict[str, Any]:
    """What ``load_model`` needs as ``custom_objects``, by the names in the file."""
    found: dict[str, Any] = {"TFOpLambda": _keras_2_step(keras)}
    symbol = keras.KerasTensor((1,))
    for result in (symbol / 2, symbol * 2, symbol - 1, symbol + 1):
        step = type(result._keras_history.operation)
        found[step.__name__] = _either(step, getattr(keras.layers, step.__name__, None))
    return found


def _either(step: Any, layer: Any) -> Any:
    """A stand-in for a step and for the layer of the same name, which only has ``trainable``."""

    def from_config(config: dict[str, Any]) -> Any:
        return (layer if layer and "trainable" in config else step).from_config(config)

    return type(step.__name__, (), {"from_config": staticmethod(from_config)})


def _keras_2_step(keras: Any) -> Any:
    """A layer for Keras 2's description of one function with a number as its second argument."""

    class Step(keras.layers.Layer):
        def __init__(self, function: str, **settings: Any) -> None:
            super().__init__(**settings)
            self._function = _FUNCTIONS[function]

        def call(self, values: Any, y: float, name: str | None = None) -> Any:
            return self._function(values, y)

    return Step
