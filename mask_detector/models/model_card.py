"""The model card: what a model's numbers mean and where they come from."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mask_detector.errors import ModelFileError
from mask_detector.models.class_names import check_class_names

FORMAT = 1


@dataclass(frozen=True)
class ModelCard:
    """What a model's numbers mean and where they come from.

    Attributes:
        classes: class names in the order of the network's outputs.
        input_size: side of the square crops in pixels.
        margin: what the crop adds around a face box; see :func:`mask_detector.crops.cut_crops`.
        square: whether the crop keeps the face's proportions.
        unsure: default half width of the band in which a face is called unsure.
        training: what it was trained on and how (counts, data hash, recipe, time).
        scores: measured figures, each with how it was measured.
        versions: of the packages that made it.
        thresholds: for some classes, the probability from which on a face is said to be of the
            class; 0.5 for all others. See :func:`weigh_by_thresholds`.
        compiled_sha256: of the compiled network; empty where none was compiled or it is unknown.
    """

    classes: tuple[str, ...]
    input_size: int
    margin: float = 0.0
    square: bool = True
    unsure: float = 0.15
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT
    compiled_sha256: str = ""
    thresholds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_class_names(self.classes)
        if not (type(self.input_size) is int and 16 <= self.input_size <= 1024):
            raise ModelFileError(f"the input size must be 16 to 1024, not {self.input_size}")
        if not 0 <= self.margin <= 2:
            raise ModelFileError(f"the crop margin must be 0 to 2, not {self.margin}")
        if not 0 <= self.unsure <= 0.5:
            raise ModelFileError(f"the unsure band must be 0 to 0.5, not {self.unsure}")
        for name in ("training", "scores", "versions", "thresholds"):
            if not isinstance(getattr(self, name), dict):
                raise ModelFileError(f"{name} must be a table of names and values")

        for name, threshold in self.thresholds.items():
            if name not in self.classes:
                raise ModelFileError(
                    f"there is a threshold of {name!r}, but the classes are "
                    f"{', '.join(self.classes)}"
                )
            if not (isinstance(threshold, int | float) and 0 < threshold < 1):
                raise ModelFileError(f"the threshold of {name!r} must be between 0 and 1")

    def to_json(self) -> str:
        """The card as it is stored in the archive."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelCard:
        """Read a card; keys that are not known here are ignored.

        Raises:
            ModelFileError: the text is no model card of a format known here.
        """
        try:
            values = json.loads(text)
            known = {f.name for f in dataclasses.fields(cls)}
            values = {name: value for name, value in values.items() if name in known}
            if values.get("format", FORMAT) > FORMAT:
                raise ModelFileError("the model was written by a newer version of this project")
            if not isinstance(values["classes"], list):
                raise ModelFileError(f"classes must be a list of names, not {values['classes']!r}")
            return cls(**values | {"classes": tuple(values["classes"])})
        except RecursionError:
            raise ModelFileError("its model card cannot be read (nested too deeply)") from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"its model card cannot be read ({error})") from None


def weigh_by_thresholds(probabilities: np.ndarray, card: ModelCard) -> np.ndarray:
    """Probabilities in which a class passes one half where it passed its threshold.

    A network that learned rare and frequent classes with equal weights gives the rare ones too
    often. So the odds of a class with threshold t are multiplied by (1 - t) / t, and the row is
    normalised again: whatever asks for the likeliest class respects the threshold.

    Args:
        probabilities: float (N, classes), rows sum to 1.
        card: the same array comes back where it has no thresholds.
    """
    if not card.thresholds:
        return probabilities
    weighed = probabilities * odds_of_thresholds(card).astype(probabilities.dtype)
    rows: np.ndarray = weighed / weighed.sum(axis=1, keepdims=True)
    return rows


def odds_of_thresholds(card: ModelCard) -> np.ndarray:
    """By what the odds of each class are multiplied, float (classes,)."""
    levels = np.array([card.thresholds.get(name, 0.5) for name in card.classes])
    odds: np.ndarray = (1 - levels) / levels
    return odds
