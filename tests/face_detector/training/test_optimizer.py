"""The optimiser against Adam as its paper writes it."""

from __future__ import annotations

import numpy as np
import pytest

from face_detector.training.optimizer import RelativeAdam, cosine_rate
from face_detector.training.shared import import_keras


def test_steps_are_relative_to_the_weights() -> None:
    import_keras()
    import tensorflow as tf

    small, large = (tf.Variable(np.full(3, size, np.float32)) for size in (0.01, 10.0))
    optimizer = RelativeAdam([small, large], average_decay=0.9)
    optimizer.apply([tf.constant([1.0, -1.0, 1.0])] * 2, tf.constant(0.01), tf.constant(1.0))
    # Adam's first step is as large as the rate, whatever the gradient is.
    np.testing.assert_allclose(small.numpy(), 0.01 + 0.0001 * np.array([-1, 1, -1]), rtol=1e-4)
    np.testing.assert_allclose(large.numpy(), 10 + 0.1 * np.array([-1, 1, -1]), rtol=1e-4)


def test_state_can_be_restored() -> None:
    import_keras()
    import tensorflow as tf

    def run(steps: range, optimizer: RelativeAdam, weight: tf.Variable) -> None:
        for step in steps:
            gradient = tf.constant(np.float32([step % 3 - 1, 0.5]))
            optimizer.apply([gradient], tf.constant(0.1), tf.constant(float(step)))

    weight = tf.Variable([1.0, 2.0])
    optimizer = RelativeAdam([weight], 0.9)
    run(range(1, 4), optimizer, weight)
    kept = optimizer.state()
    run(range(4, 8), optimizer, weight)
    other_weight = tf.Variable([0.0, 0.0])
    other = RelativeAdam([other_weight], 0.9)
    other.restore(kept)
    run(range(4, 8), other, other_weight)
    np.testing.assert_array_equal(other_weight.numpy(), weight.numpy())
    np.testing.assert_array_equal(other.average[0].numpy(), optimizer.average[0].numpy())


@pytest.mark.parametrize("steps", [1, 10, 1000])
def test_the_rate_rises_then_falls_to_nothing(steps: int) -> None:
    rates = [cosine_rate(step, steps, 0.5) for step in range(steps + 1)]
    top = int(np.argmax(rates))
    assert max(rates) <= 0.5 and rates[0] == 0
    assert (np.diff(rates[: top + 1]) >= 0).all() and (np.diff(rates[top:]) <= 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-9) or steps == 1
