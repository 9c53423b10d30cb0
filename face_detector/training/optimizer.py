"""Adam with step sizes relative to each tensor's magnitude, and a moving average of the weights.

YuNet's first kernels see values of 0..255 and are about a thousand times smaller than the others:
a step that suits these would destroy those.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

_MOMENTUM, _SPREAD, _LITTLE = 0.9, 0.999, 1e-8
_SMALLEST_SIZE = 1e-3  # steps are relative to at least this root mean square


class RelativeAdam:
    """Adam (Kingma and Ba 2015), each tensor's step being a share of its root mean square.

    Attributes:
        average: moving averages of the weights, which are better than the last weights.
    """

    def __init__(self, weights: Sequence[Any], average_decay: float) -> None:
        """
        Args:
            weights: TensorFlow variables.
        """
        import tensorflow as tf

        self._weights = list(weights)
        self._decay = average_decay
        self._first = [tf.Variable(tf.zeros_like(w), trainable=False) for w in weights]
        self._second = [tf.Variable(tf.zeros_like(w), trainable=False) for w in weights]
        self.average = [tf.Variable(w, trainable=False) for w in weights]

    def apply(self, gradients: Sequence[Any], rate: Any, step: Any) -> None:
        """Change the weights.

        Args:
            gradients: one for each of the weights.
            rate: step as a share of a tensor's size.
            step: number of the step, float scalar tensor, counted from 1.
        """
        import tensorflow as tf

        correction = tf.sqrt(1 - _SPREAD**step) / (1 - _MOMENTUM**step)
        # A shorter average at first, so that it does not lag behind.
        decay = tf.minimum(self._decay, (1 + step) / (10 + step))
        for weight, gradient, first, second, average in zip(
            self._weights, gradients, self._first, self._second, self.average, strict=True
        ):
            first.assign(_MOMENTUM * first + (1 - _MOMENTUM) * gradient)
            second.assign(_SPREAD * second + (1 - _SPREAD) * gradient**2)
            size = tf.maximum(tf.sqrt(tf.reduce_mean(weight**2)), _SMALLEST_SIZE)
            weight.assign_sub(rate * size * correction * first / (tf.sqrt(second) + _LITTLE))
            average.assign(decay * average + (1 - decay) * weight)

    def state(self) -> list[np.ndarray]:
        """Everything to go on from, weights included."""
        return [variable.numpy() for variable in self._variables()]

    def restore(self, state: Sequence[np.ndarray]) -> None:
        """Go on from what ``state`` gave."""
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def _variables(self) -> list[Any]:
        return [*self._weights, *self._first, *self._second, *self.average]


def cosine_rate(step: int, steps: int, rate: float, rise: int = 100) -> float:
    """The rate at a step: up to ``rate`` in ``rise`` steps, then along half a cosine to nothing.

    >>> cosine_rate(0, 1000, 1.0), cosine_rate(1000, 1000, 1.0)
    (0.0, 0.0)
    """
    rise = min(rise, steps // 10 + 1)
    if step < rise:
        return rate * step / rise
    return rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))
