"""Shared by all scripts' command lines: options, exit statuses, errors as sentences."""

from __future__ import annotations

import argparse
import dataclasses
import math
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import face_detector
from face_detector.weights import ORIGINAL
from mask_detector.detector import DEFAULT_CONFIDENCE, DEFAULT_DETECTOR
from mask_detector.errors import UserFacingError, missing_package
from mask_detector.files import STANDARD_STREAM
from mask_detector.models.default_model import DEFAULT_MODEL
from mask_detector.privacy import BLUR_CHOICES, BLUR_STYLES
from mask_detector.terminal import (
    finish_streams,
    interrupt_once,
    interrupted_by,
    prepare_streams,
    say,
)
from mask_detector.wording import printable

Options = TypeVar("Options")

OK, FAILED, USAGE, FOUND = 0, 1, 2, 3
"""Exit statuses: success; something failed; wrong usage or a missing model; ``--fail-on`` met."""

YUNET_IS_BETTER = "yunet finds more faces and is quicker"


class Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows meaningful defaults and keeps the line breaks of the module's docstring."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or action.default == []:
            return action.help
        if isinstance(action.default, list):
            return f"{action.help} (default: {' '.join(map(str, action.default))})"
        return super()._get_help_string(action)


def make_parser(module_docstring: str | None) -> argparse.ArgumentParser:
    """A parser whose description is the script's docstring."""
    return argparse.ArgumentParser(description=module_docstring, formatter_class=Formatter)


# fmt: off
def add_detection_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every detection script; :func:`detection_options` reads them."""
    add = parser.add_argument_group("detection").add_argument
    add("--model", type=Path, default=DEFAULT_MODEL, help="trained model file")
    add("--detector", choices=face_detector.DETECTORS, default=DEFAULT_DETECTOR,
        help=f"face detector: ssd is the classic, {YUNET_IS_BETTER}")
    add("--detector-size", type=detector_size, default="auto", metavar="N",
        help="longer side in pixels of the face detector's single pass (classic for ssd: 300); "
        "auto: several passes for photos, depending on their size, one fast pass for video")
    add("--detector-weights", default=argparse.SUPPRESS, metavar="original|FILE",
        help="weights of the face detector: original for those that its authors published, or "
        "a file from python -m face_detector.train (default: those trained on masked faces)")
    add("--confidence", type=share, default=DEFAULT_CONFIDENCE, metavar="P",
        help="ignore faces with a detection score below P")
    add("--unsure", type=half_share, default=argparse.SUPPRESS, metavar="BAND",
        help="call a face unsure if its probability is below 0.5 + BAND; 0 turns this off "
        "(default: stored in the model)")


def add_privacy_arguments(group: argparse._ArgumentGroup) -> None:
    """The options about hiding faces, see :mod:`mask_detector.privacy`."""
    add = group.add_argument
    add("--blur", choices=BLUR_CHOICES, default=BLUR_CHOICES[0],
        help="faces to blur in displayed and saved output; without_mask includes unsure faces, and "
        "those too doubtful to be reported")
    add("--blur-style", choices=BLUR_STYLES, default=BLUR_STYLES[0],
        help="how faces are hidden: smoothly, as squares, or in black")
    add("--no-boxes", action="store_true",
        help="draw neither boxes nor captions: with --blur, clean pictures with hidden faces")


def add_record_arguments(group: argparse._ArgumentGroup, unit: str) -> None:
    """``--json`` and ``--csv``: one line a ``unit`` ("photo", "frame") and one row a face."""
    add = group.add_argument
    add("--json", metavar="FILE", help=f"write one JSON line per {unit}; - is standard output")
    add("--csv", metavar="FILE", help="write one CSV row per face; - is standard output")
# fmt: on


def detection_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The detection options as :meth:`mask_detector.MaskDetector.load` takes them."""
    names = ("model", "detector", "detector_size", "detector_weights", "confidence", "unsure")
    options = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    return {**options, "hiding": arguments.blur != BLUR_CHOICES[0]}


def detection_files(arguments: argparse.Namespace) -> list[Path]:
    """The files that the detection options name: no result may replace them."""
    weights = getattr(arguments, "detector_weights", ORIGINAL)
    return [arguments.model] + ([] if weights == ORIGINAL else [Path(weights)])


def advice_on(detector: str) -> str:
    """What a run that found few faces says about the face detector; empty for the better one."""
    return f"--detector {YUNET_IS_BETTER}" if detector == DEFAULT_DETECTOR else ""


def label_name(text: str) -> tuple[str, str]:
    """A label and the words for it, from ``LABEL=WORDS``, for argparse's ``type``.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    label, _, words = text.partition("=")
    if not label.strip() or not words.strip():
        raise argparse.ArgumentTypeError(f"expected LABEL=WORDS, not {printable(text)!r}")
    return label.strip(), printable(words.strip())


def options_for(kind: Callable[..., Options], arguments: argparse.Namespace) -> Options:
    """A dataclass whose fields are filled from the options of the same names."""
    names = [field.name for field in dataclasses.fields(cast(Any, kind))]
    return kind(**{name: getattr(arguments, name) for name in names})


def check_one_standard_output(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace, *names: str
) -> None:
    """Leave with a usage error where more than one of these options is ``-``."""
    if [getattr(arguments, name) for name in names].count(STANDARD_STREAM) > 1:
        options = ", ".join(f"--{name}" for name in names)
        parser.error(f"only one of {options} can be standard output")


def check_labels(labels: Iterable[str], classes: Sequence[str]) -> None:
    """Raise UserFacingError where a label is neither a class of the model nor ``unsure``."""
    for label in labels:
        if label not in (*classes, "unsure"):
            known = ", ".join((*classes, "unsure"))
            raise UserFacingError(f"there is no label {label!r}, the model knows {known}")


def check_blur(blur: str, classes: Sequence[str]) -> None:
    """Raise UserFacingError where only faces of one class are to be hidden and no class is that."""
    if blur not in ("none", "all"):
        check_labels([blur], classes)


def detector_size(text: str) -> int | str:
    """``auto`` or a whole number of pixels from 32 to 4096."""
    if text == "auto":
        return text
    return whole_number(32, 4096)(text)


def whole_number(lowest: int, highest: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers in a range, for argparse's ``type``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < lowest or (highest is not None and value > highest):
            limits = f"{lowest} or more" if highest is None else f"{lowest} to {highest}"
            raise argparse.ArgumentTypeError(f"must be {limits}, not {value}")
        return value

    return parse


def number(lowest: float, highest: float) -> Callable[[str], float]:
    """A parser of numbers in a closed range, for argparse's ``type``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"must be {lowest:g} to {highest:g}, not {text}")
        return value

    return parse


def timestamp(text: str) -> float:
    """Seconds, or minutes and seconds, or hours too: ``90``, ``1:30``, ``0:01:30.5``."""
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or not all(0 <= part < math.inf for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not seconds, M:SS or H:MM:SS")
    return sum(part * 60**place for place, part in enumerate(reversed(parts)))


share = number(0, 1)
half_share = number(0, 0.5)


def exit_status(main: Callable[[], int]) -> int:
    """Run a script's ``main`` and turn whatever ends it into an exit status.

    A :class:`UserFacingError` becomes one line on standard error and status 2, as does an
    operating system's error (a full disk). Ctrl-C gives status 130, SIGTERM 143, and a closed pipe
    (``| head``) ends the script quietly.
    """
    try:
        status = main()
        sys.stdout.flush()
        return status
    except KeyboardInterrupt as interrupt:
        number = interrupt.args[0] if interrupt.args else signal.SIGINT
        message, status = "interrupted", 128 + number
    except BrokenPipeError:  # before OSError, of which it is one
        return OK
    except UserFacingError as error:
        message, status = f"{Path(sys.argv[0]).name}: {error}", USAGE
    except ModuleNotFoundError as error:
        message, status = f"{Path(sys.argv[0]).name}: {missing_package(error)}", USAGE
    except OSError as error:
        where = error.filename or "a file or standard output"
        message = f"{Path(sys.argv[0]).name}: {where}: cannot write or read ({error.strerror})"
        status = USAGE
    except Exception:
        # A library in C may turn the exception of a signal into an error of its own.
        if (interruption := interrupted_by()) is None:
            raise
        message, status = "interrupted", 128 + interruption
    say(message, sys.stderr)
    return status


def run(main: Callable[[], int]) -> NoReturn:
    """Run a script's ``main(argv=None)`` on the command line; leave with its exit status."""
    prepare_streams()
    interrupt_once()
    try:
        sys.exit(exit_status(main))
    finally:
        finish_streams()
