"""Augmentation: crops as cameras see faces, rotated, shifted, far away, blurred, noisy, compressed.

Everything runs in the TensorFlow graph, one crop at a time, from a seed per crop: the same seed
gives the same crop. Each step can be switched off; ``benchmarks/ablation.py`` measures what each
is worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

CANVAS_MARGIN = 0.5
"""Training crops are cut with this margin, so that rotating and shifting brings in real pixels."""


@dataclass(frozen=True)
class Augmentation:
    """How strong each step is; 0 switches it off. Probabilities are per crop.

    Attributes:
        margins: the crop's margin is drawn from this range, as face detectors' boxes differ.
        rotation: degrees to either side.
        shear: horizontal, as a share of the height.
        shift: as a share of the crop's side.
        light: strength of brightness, contrast, gamma and colour cast.
        coloured: probability of coloured light from one side.
        grey: probability of a crop without colour.
        far: probability of a distant face: reduced to ``far_pixels``, then enlarged.
        far_pixels: range of the side of such a face in pixels, log-uniform.
        motion: probability of motion blur.
        noise: probability of sensor noise.
        jpeg: probability of JPEG artefacts, at the face's own resolution.
        occlusion: probability of a plain patch over a part of the crop.
    """

    margins: tuple[float, float] = (0.0, 0.35)
    rotation: float = 15.0
    shear: float = 0.1
    shift: float = 0.08
    light: float = 1.0
    coloured: float = 0.15
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
        import tensorflow as tf  # loaded already by the caller, who has a tensor

        random = _Random(tf, seed)
        crop = self._geometry(tf, random, tf.cast(canvas, tf.float32), size)
        crop = self._lighting(tf, random, crop)
        crop = self._occlude(tf, random, crop, size)
        crop = random.maybe(self.motion, lambda: _motion_blur(tf, random, crop), crop)
        crop = self._distance(tf, random, crop, size)
        crop = tf.clip_by_value(crop, 0.0, 255.0)
        crop.set_shape((size, size, 3))
        return crop

    def _geometry(self, tf: Any, random: _Random, canvas: Any, size: int) -> Any:
        """One resampling for margin (zoom), rotation, shear, shift and flip together."""
        side = tf.cast(tf.shape(canvas)[0], tf.float32)
        margin = random.uniform(*self.margins)
        zoom = (1 + 2 * margin) / (1 + 2 * CANVAS_MARGIN) * side / size
        angle = random.uniform(-self.rotation, self.rotation) * math.pi / 180
        shear = random.uniform(-self.shear, self.shear)
        flip = tf.where(random.uniform(0, 1) < 0.5, -1.0, 1.0)
        # From output pixels about their centre to canvas pixels about its centre.
        a = zoom * flip * tf.cos(angle)
        b = zoom * (shear * tf.cos(angle) - tf.sin(angle))
        c = zoom * flip * tf.sin(angle)
        d = zoom * (shear * tf.sin(angle) + tf.cos(angle))
        half_in, half_out = (side - 1) / 2, (size - 1) / 2
        reach = self.shift * size * zoom
        x = half_in - (a + b) * half_out + random.uniform(-1, 1) * reach
        y = half_in - (c + d) * half_out + random.uniform(-1, 1) * reach
        transform = tf.stack([a, b, x, c, d, y, 0.0, 0.0])[None]
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=canvas[None],
            transforms=transform,
            output_shape=(size, size),
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )[0]

    def _lighting(self, tf: Any, random: _Random, crop: Any) -> Any:
        if self.light:
            mean = tf.reduce_mean(crop)
            contrast = random.uniform(1 - 0.3 * self.light, 1 + 0.3 * self.light)
            brightness = 255 * random.uniform(-0.15 * self.light, 0.15 * self.light)
            cast = random.uniform(1 - 0.1 * self.light, 1 + 0.1 * self.light, (3,))
            gamma = tf.exp(random.uniform(-0.4 * self.light, 0.4 * self.light))
            crop = ((crop - mean) * contrast + mean + brightness) * cast
            crop = 255 * tf.pow(tf.clip_by_value(crop / 255, 0.0, 1.0), gamma)
        lit, other = crop, random.apart()
        crop = other.maybe(self.coloured, lambda: _coloured_light(tf, other, lit), crop)
        grey = tf.image.rgb_to_grayscale(crop)
        return random.maybe(self.grey, lambda: tf.repeat(grey, 3, axis=-1), crop)

    def _occlude(self, tf: Any, random: _Random, crop: Any, size: int) -> Any:
        def covered() -> Any:
            centre = random.uniform(0, size, (2,))
            half = random.uniform(0.05 * size, 0.18 * size, (2,))
            place = tf.range(size, dtype=tf.float32)
            inside = [tf.abs(place - centre[axis]) < half[axis] for axis in (0, 1)]
            patch = (inside[0][:, None] & inside[1][None])[..., None]
            return tf.where(patch, random.uniform(0, 255, (3,)), crop)

        return random.maybe(self.occlusion, covered, crop)

    def _distance(self, tf: Any, random: _Random, crop: Any, size: int) -> Any:
        """Noise and JPEG at the face's resolution; then it is enlarged as detection does."""
        low, high = (math.log(pixels) for pixels in self.far_pixels)
        far = tf.cast(tf.math.ceil(tf.exp(random.uniform(low, high)) * 1.2), tf.int32)
        pixels = tf.where(random.uniform(0, 1) < self.far, tf.minimum(far, size), size)
        crop = tf.image.resize(crop, (pixels, pixels), method="area")
        crop = random.maybe(
            self.noise, lambda: crop + random.normal(tf.shape(crop)) * random.uniform(2, 14), crop
        )
        crop = random.maybe(self.jpeg, lambda: _jpeg(tf, random, crop), crop)
        return tf.image.resize(crop, (size, size), method="bilinear")


class _Random:
    """Random numbers from one seed; each call gives others."""

    def __init__(self, tf: Any, seed: Any) -> None:
        self._tf, self._seed, self._calls = tf, seed, 0

    def apart(self) -> _Random:
        """Numbers of their own: taking some leaves those that follow here as they are."""
        return _Random(self._tf, self._seed + self._tf.constant([104_729, 0], self._tf.int32))

    def _next(self) -> Any:
        self._calls += 1
        return self._seed + self._tf.constant([0, self._calls * 7919], self._tf.int32)

    def uniform(self, low: float, high: float, shape: tuple[int, ...] = ()) -> Any:
        return self._tf.random.stateless_uniform(shape, self._next(), low, high)

    def normal(self, shape: Any) -> Any:
        return self._tf.random.stateless_normal(shape, self._next())

    def maybe(self, probability: float, changed: Any, unchanged: Any) -> Any:
        if not probability:
            return unchanged
        return self._tf.cond(self.uniform(0, 1) < probability, changed, lambda: unchanged)


def _coloured_light(tf: Any, random: _Random, crop: Any) -> Any:
    """Each channel grows to one side and falls to the other, by up to 0.6 at the edges."""
    angle, strengths = random.uniform(0, 2 * math.pi), random.uniform(-0.6, 0.6, (3,))
    place = tf.linspace(-1.0, 1.0, tf.shape(crop)[0])
    across = tf.cos(angle) * place[None] + tf.sin(angle) * place[:, None]
    return crop * (1 + across[..., None] * strengths)


def _motion_blur(tf: Any, random: _Random, crop: Any) -> Any:
    """Average along a line of 3 to 15 pixels in any direction."""
    taps = 9
    angle = random.uniform(0, math.pi)
    length = random.uniform(3, 15)
    steps = tf.linspace(-0.5, 0.5, taps) * length
    shifted = tf.stack([steps * tf.cos(angle), steps * tf.sin(angle)], axis=1)
    one, zero = tf.ones(taps), tf.zeros(taps)
    # Projective transforms, (taps, 8): each moves the crop by one of the shifts.
    rows = [one, zero, shifted[:, 0], zero, one, shifted[:, 1], zero, zero]
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.repeat(crop[None], taps, axis=0),
        transforms=tf.stack(rows, axis=1),
        output_shape=tf.shape(crop)[:2],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return tf.reduce_mean(moved, axis=0)


def _jpeg(tf: Any, random: _Random, crop: Any) -> Any:
    quality = tf.cast(random.uniform(30, 96), tf.int32)
    pixels = tf.cast(tf.clip_by_value(crop, 0.0, 255.0), tf.uint8)
    return tf.cast(tf.image.adjust_jpeg_quality(pixels, quality), tf.float32)
