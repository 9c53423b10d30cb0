"""The optimiser against Adam as its paper writes it."""

from __future__ import annotations

import numpy as np
import pytest

from face_detector.training.optimizer import cosine_rate, relative_adam
from face_detector.training.shared import import_keras


def test_steps_are_relative_to_the_weights() -> None:
    keras = import_keras()
    small, large = (keras.Variable(np.full(3, size, np.float32)) for size in (0.01, 10.0))
    optimizer = relative_adam(keras, average_decay=0.9)
    optimizer.learning_rate = 0.01
    gradient = keras.ops.convert_to_tensor(np.float32([1.0, -1.0, 1.0]))
    optimizer.apply([gradient] * 2, [small, large])
    # Adam's first step is as large as the rate, whatever the gradient is.
    np.testing.assert_allclose(small.numpy(), 0.01 + 0.0001 * np.array([-1, 1, -1]), rtol=1e-4)
    np.testing.assert_allclose(large.numpy(), 10 + 0.1 * np.array([-1, 1, -1]), rtol=1e-4)
    # The average begins with the first weights: (1 + 1) / (10 + 1) of them are left.
    expected = 10 + 0.1 * np.array([-1, 1, -1]) * 9 / 11
    np.testing.assert_allclose(optimizer.averages[1].numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 10, 1000])
def test_the_rate_rises_then_falls_to_nothing(steps: int) -> None:
    rates = [cosine_rate(step, steps, 0.5) for step in range(steps + 1)]
    top = int(np.argmax(rates))
    assert max(rates) <= 0.5 and rates[0] == 0
    assert (np.diff(rates[: top + 1]) >= 0).all() and (np.diff(rates[top:]) <= 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-9) or steps == 1
