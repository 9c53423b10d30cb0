"""Adam with step sizes relative to each tensor's magnitude, and a moving average of the weights.

YuNet's first kernels see values of 0..255 and are about a thousand times smaller than the others:
a step that suits these would destroy those.
"""

from __future__ import annotations

import math
from typing import Any

_MOMENTUM, _SPREAD, _LITTLE = 0.9, 0.999, 1e-8
_SMALLEST_SIZE = 1e-3  # steps are relative to at least this root mean square


def relative_adam(keras: Any, average_decay: float) -> Any:
    """Adam (Kingma and Ba 2015), each tensor's step being a share of its root mean square.

    Args:
        average_decay: of the moving averages, a step.

    Returns:
        A Keras optimizer. Its learning rate is the share. Its attribute ``averages`` holds moving
        averages of the weights, in their order, which are better than the last weights.
    """
    ops = keras.ops

    class RelativeAdam(keras.optimizers.Optimizer):
        def build(self, variables: list[Any]) -> None:
            super().build(variables)
            self._first = [self.add_variable_from_reference(w, "first") for w in variables]
            self._second = [self.add_variable_from_reference(w, "second") for w in variables]
            self.averages = [self.add_variable_from_reference(w, "average") for w in variables]
            for average, weight in zip(self.averages, variables, strict=True):
                average.assign(weight.numpy())

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            place = self._get_variable_index(variable)
            first, second = self._first[place], self._second[place]
            average = self.averages[place]
            step = ops.cast(self.iterations + 1, "float32")
            self.assign(first, _MOMENTUM * first + (1 - _MOMENTUM) * gradient)
            self.assign(second, _SPREAD * second + (1 - _SPREAD) * ops.square(gradient))
            correction = ops.sqrt(1 - _SPREAD**step) / (1 - _MOMENTUM**step)
            size = ops.maximum(ops.sqrt(ops.mean(ops.square(variable))), _SMALLEST_SIZE)
            change = learning_rate * size * correction * first / (ops.sqrt(second) + _LITTLE)
            self.assign_sub(variable, change)
            # A shorter average at first, so that it does not lag behind.
            decay = ops.minimum(average_decay, (1 + step) / (10 + step))
            self.assign(average, decay * average + (1 - decay) * variable)

    return RelativeAdam(learning_rate=0.0)


def cosine_rate(step: int, steps: int, rate: float, rise: int = 100) -> float:
    """The rate at a step: up to ``rate`` in ``rise`` steps, then along half a cosine to nothing.

    >>> cosine_rate(0, 1000, 1.0), cosine_rate(1000, 1000, 1.0)
    (0.0, 0.0)
    """
    rise = min(rise, steps // 10 + 1)
    if step < rise:
        return rate * step / rise
    return rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))
