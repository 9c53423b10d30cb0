"""Training crops as cameras see them: turned, shifted, far away, blurred, noisy, compressed.

All of it runs in the TensorFlow graph, one crop at a time, from a seed per crop: the same seed
gives the same crop. Each ingredient can be switched off: ``benchmarks/ablation.py`` measures
what each is worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

CANVAS_MARGIN = 0.5
"""Training crops are cut with this margin, so that turning and shifting finds real pixels."""


@dataclass(frozen=True)
class Augmentation:
    """How far each ingredient goes; 0 switches it off. Chances are per crop.

    Attributes:
        margins: the crop's margin is drawn from this range (both ends of the detectors' habits).
        rotation: degrees to either side.
        shear: horizontal, as a share of the height.
        shift: as a share of the crop's side.
        light: strength of brightness, contrast, gamma and colour cast.
        grey: chance of a crop without colour.
        far: chance of a crop as a distant face gives it: shrunk to ``far_pixels``, then enlarged.
        far_pixels: side in pixels of such a face, drawn evenly on a logarithmic scale.
        motion: chance of motion blur.
        noise: chance of sensor noise.
        jpeg: chance of JPEG artefacts, at the face's own resolution.
        occlusion: chance of a plain patch laid over a part of the crop.
    """

    margins: tuple[float, float] = (0.0, 0.35)
    rotation: float = 15.0
    shear: float = 0.1
    shift: float = 0.08
    light: float = 1.0
    grey: float = 0.1
    far: float = 0.6
    far_pixels: tuple[float, float] = (9.0, 80.0)
    motion: float = 0.2
    noise: float = 0.3
    jpeg: float = 0.5
    occlusion: float = 0.15

    def __call__(self, canvas: Any, seed: Any, size: int) -> Any:
        """Make one training crop.

        Args:
            canvas: uint8 RGB tensor, shape (C, C, 3), cut with :data:`CANVAS_MARGIN`.
            seed: int32 tensor, shape (2,).
            size: side of the crop.

        Returns:
            float32 tensor, shape (size, size, 3), 0..255.
        """
        import tensorflow as tf  # long since imported, quietly, by whoever has a tensor

        dice = _Dice(tf, seed)
        crop = self._geometry(tf, dice, tf.cast(canvas, tf.float32), size)
        crop = self._lighting(tf, dice, crop)
        crop = self._occlude(tf, dice, crop, size)
        crop = dice.maybe(self.motion, lambda: _motion_blur(tf, dice, crop), crop)
        crop = self._distance(tf, dice, crop, size)
        crop = tf.clip_by_value(crop, 0.0, 255.0)
        crop.set_shape((size, size, 3))
        return crop

    def _geometry(self, tf: Any, dice: _Dice, canvas: Any, size: int) -> Any:
        """One resampling for margin (zoom), rotation, shear, shift and flip together."""
        side = tf.cast(tf.shape(canvas)[0], tf.float32)
        margin = dice.uniform(*self.margins)
        zoom = (1 + 2 * margin) / (1 + 2 * CANVAS_MARGIN) * side / size
        angle = dice.uniform(-self.rotation, self.rotation) * math.pi / 180
        shear = dice.uniform(-self.shear, self.shear)
        flip = tf.where(dice.uniform(0, 1) < 0.5, -1.0, 1.0)
        # From output pixels about their centre to canvas pixels about its centre.
        a = zoom * flip * tf.cos(angle)
        b = zoom * (shear * tf.cos(angle) - tf.sin(angle))
        c = zoom * flip * tf.sin(angle)
        d = zoom * (shear * tf.sin(angle) + tf.cos(angle))
        half_in, half_out = (side - 1) / 2, (size - 1) / 2
        reach = self.shift * size * zoom
        x = half_in - (a + b) * half_out + dice.uniform(-1, 1) * reach
        y = half_in - (c + d) * half_out + dice.uniform(-1, 1) * reach
        transform = tf.stack([a, b, x, c, d, y, 0.0, 0.0])[None]
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=canvas[None],
            transforms=transform,
            output_shape=(size, size),
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )[0]

    def _lighting(self, tf: Any, dice: _Dice, crop: Any) -> Any:
        if self.light:
            mean = tf.reduce_mean(crop)
            contrast = dice.uniform(1 - 0.3 * self.light, 1 + 0.3 * self.light)
            brightness = 255 * dice.uniform(-0.15 * self.light, 0.15 * self.light)
            cast = dice.uniform(1 - 0.1 * self.light, 1 + 0.1 * self.light, (3,))
            gamma = tf.exp(dice.uniform(-0.4 * self.light, 0.4 * self.light))
            crop = ((crop - mean) * contrast + mean + brightness) * cast
            crop = 255 * tf.pow(tf.clip_by_value(crop / 255, 0.0, 1.0), gamma)
        grey = tf.image.rgb_to_grayscale(crop)
        return dice.maybe(self.grey, lambda: tf.repeat(grey, 3, axis=-1), crop)

    def _occlude(self, tf: Any, dice: _Dice, crop: Any, size: int) -> Any:
        def covered() -> Any:
            centre = dice.uniform(0, size, (2,))
            half = dice.uniform(0.05 * size, 0.18 * size, (2,))
            place = tf.range(size, dtype=tf.float32)
            inside = [tf.abs(place - centre[axis]) < half[axis] for axis in (0, 1)]
            patch = (inside[0][:, None] & inside[1][None])[..., None]
            return tf.where(patch, dice.uniform(0, 255, (3,)), crop)

        return dice.maybe(self.occlusion, covered, crop)

    def _distance(self, tf: Any, dice: _Dice, crop: Any, size: int) -> Any:
        """Noise and JPEG at the resolution that the face has, then enlarged as detection does."""
        low, high = (math.log(pixels) for pixels in self.far_pixels)
        far = tf.cast(tf.math.ceil(tf.exp(dice.uniform(low, high)) * 1.2), tf.int32)
        pixels = tf.where(dice.uniform(0, 1) < self.far, tf.minimum(far, size), size)
        crop = tf.image.resize(crop, (pixels, pixels), method="area")
        crop = dice.maybe(
            self.noise, lambda: crop + dice.normal(tf.shape(crop)) * dice.uniform(2, 14), crop
        )
        crop = dice.maybe(self.jpeg, lambda: _jpeg(tf, dice, crop), crop)
        return tf.image.resize(crop, (size, size), method="bilinear")


class _Dice:
    """Random numbers from one seed, each throw different."""

    def __init__(self, tf: Any, seed: Any) -> None:
        self._tf, self._seed, self._throws = tf, seed, 0

    def _next(self) -> Any:
        self._throws += 1
        return self._seed + self._tf.constant([0, self._throws * 7919], self._tf.int32)

    def uniform(self, low: float, high: float, shape: tuple[int, ...] = ()) -> Any:
        return self._tf.random.stateless_uniform(shape, self._next(), low, high)

    def normal(self, shape: Any) -> Any:
        return self._tf.random.stateless_normal(shape, self._next())

    def maybe(self, chance: float, changed: Any, unchanged: Any) -> Any:
        if not chance:
            return unchanged
        return self._tf.cond(self.uniform(0, 1) < chance, changed, lambda: unchanged)


def _motion_blur(tf: Any, dice: _Dice, crop: Any) -> Any:
    """Average along a line of 3 to 15 pixels in any direction."""
    taps = 9
    angle = dice.uniform(0, math.pi)
    length = dice.uniform(3, 15)
    steps = tf.linspace(-0.5, 0.5, taps) * length
    shifted = tf.stack([steps * tf.cos(angle), steps * tf.sin(angle)], axis=1)
    one, nil = tf.ones(taps), tf.zeros(taps)
    rows = [one, nil, shifted[:, 0], nil, one, shifted[:, 1], nil, nil]
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.repeat(crop[None], taps, axis=0),
        transforms=tf.stack(rows, axis=1),
        output_shape=tf.shape(crop)[:2],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return tf.reduce_mean(moved, axis=0)


def _jpeg(tf: Any, dice: _Dice, crop: Any) -> Any:
    quality = tf.cast(dice.uniform(30, 96), tf.int32)
    pixels = tf.cast(tf.clip_by_value(crop, 0.0, 255.0), tf.uint8)
    return tf.cast(tf.image.adjust_jpeg_quality(pixels, quality), tf.float32)
