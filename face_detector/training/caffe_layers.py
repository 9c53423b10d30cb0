"""Layers of Caffe that Keras does not have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def caffe_layers(keras: Any) -> SimpleNamespace:
    """The classes ``Normalisation`` and ``UnitLength``; made late, since Keras is loaded late."""

    class Normalisation(keras.layers.Layer):
        """Batch normalisation whose statistics training does not change, with Caffe's epsilon."""

        def build(self, shape: Any) -> None:
            width = (shape[-1],)
            self.factors = self.add_weight(width, name="factors")
            self.offsets = self.add_weight(width, name="offsets")
            self.mean = self.add_weight(width, trainable=False, name="mean")
            self.variance = self.add_weight(width, trainable=False, name="variance")

        def call(self, x: Any) -> Any:
            factors = self.factors / keras.ops.sqrt(self.variance + 1e-5)
            return x * factors + (self.offsets - self.mean * factors)

    class UnitLength(keras.layers.Layer):
        """Caffe's ``Normalize``: each cell's channels scaled to length 1, times factors."""

        def build(self, shape: Any) -> None:
            self.factors = self.add_weight((shape[-1],), name="factors")

        def call(self, x: Any) -> Any:
            length = keras.ops.sqrt(keras.ops.sum(x * x, axis=-1, keepdims=True) + 1e-10)
            return x / length * self.factors

    return SimpleNamespace(Normalisation=Normalisation, UnitLength=UnitLength)
