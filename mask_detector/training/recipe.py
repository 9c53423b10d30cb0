"""The recipe: every setting of a training with its default, its range and its help text.

The fields of :class:`Recipe` that have a help text are options of ``train_mask_detector.py``.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mask_detector.command_line import number, whole_number
from mask_detector.training.augmentation import Augmentation

FINE_TUNING_RATE = 0.3
"""Learning rate of the fine-tuning, as a share of the head's."""


def _option(
    default: float,
    help: str,
    lowest: float | None = None,
    highest: float | None = None,
    choices: Sequence[float] | None = None,
    metavar: str | None = None,
) -> Any:
    """A field that is an option too; whole numbers where the default is one."""
    if choices:
        parse: Callable[[str], float] = float
    elif isinstance(default, int):
        parse = whole_number(int(lowest or 0), None if highest is None else int(highest))
    else:
        parse = number(lowest or 0, highest or 0)
    argument = {"help": help, "type": parse, "choices": choices, "metavar": metavar}
    return field(default=default, metadata=argument)


# fmt: off
@dataclass(frozen=True)
class Recipe:
    """How to train. ``docs/training.md`` has the reasons and what each setting is worth.

    Attributes:
        smoothing: label smoothing.
        averaging: the moving average of the weights reaches over this share of a phase's steps;
            0 for no averaging.
        least_crops: crops in an epoch, at least: small datasets are repeated, because the few
            steps of one pass over them would teach almost nothing.
        not_drawn: kinds of drawn things that are left out.
    """

    image_size: int = _option(128, "side of the face crops in pixels", 32, 512)
    margin: float = _option(
        0.15, "margin added on each side of a face, as a share of its longer side", 0, 1)
    alpha: float = _option(
        1.0, "width of MobileNetV2; only 1.0 has ImageNet weights",
        choices=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4))
    blocks: int = _option(
        16, "blocks of MobileNetV2 that are used, of 16: fewer are smaller and faster", 4, 16)
    batch_size: int = _option(64, "batch size", 1, 4096)
    head_epochs: int = _option(1, "epochs of training the head on the frozen base", 0)
    epochs: int = _option(12, "epochs of fine-tuning, fewer if the validation loss stalls", 0)
    patience: int = _option(
        4, "epochs without a better validation loss after which a phase ends early", 1)
    learning_rate: float = _option(
        1e-3, f"learning rate of the head; fine-tuning starts at {FINE_TUNING_RATE} times it",
        1e-7, 1)
    from_block: int = _option(4, "first MobileNetV2 block that fine-tuning trains", 1, 16)
    drawn_masks: float = _option(
        0.5, "extra training faces with something drawn on them, per unmasked face",
        0, 10, metavar="RATIO")
    drawn_weight: float = _option(
        1.0, "how much a face with something drawn on it counts, where a photographed one counts 1",
        0.01, 10, metavar="WEIGHT")
    seed: int = _option(0, "random seed (the test split does not depend on it)", 0, 2**31 - 1)
    smoothing: float = 0.05
    averaging: float = 0.05
    least_crops: int = 1280
    not_drawn: tuple[str, ...] = ()
    augmentation: Augmentation = field(default_factory=Augmentation)
# fmt: on


def add_options(add: Callable[..., object]) -> None:
    """Add the recipe's options to a parser or group, whose ``add_argument`` this takes."""
    for setting in _option_fields():
        name = f"--{setting.name.replace('_', '-')}"
        add(name, default=setting.default, **setting.metadata)


def from_arguments(arguments: argparse.Namespace) -> Recipe:
    """The recipe of parsed options; what is no option keeps its default."""
    return Recipe(
        **{setting.name: getattr(arguments, setting.name) for setting in _option_fields()}
    )


def _option_fields() -> list[dataclasses.Field[Any]]:
    return [setting for setting in dataclasses.fields(Recipe) if setting.metadata]
