"""What the scripts' command lines share: common options, exit statuses, errors as sentences."""

from __future__ import annotations

import argparse
import dataclasses
import io
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar, cast

import face_detector
from mask_detector.detector import DEFAULT_CONFIDENCE, DEFAULT_DETECTOR, DEFAULT_MODEL
from mask_detector.errors import UserFacingError
from mask_detector.privacy import BLUR_CHOICES

if TYPE_CHECKING:
    from tqdm import tqdm

Options = TypeVar("Options")

OK, FAILED, USAGE, FOUND = 0, 1, 2, 3
"""Exit statuses: all well; something failed; wrong usage or a missing model; ``--fail-on`` met."""

_A_FEW = 5
"""Things to do that need no progress bar."""


class Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows each default that says something and keeps the module's docstring as it is."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or action.default == []:
            return action.help
        if isinstance(action.default, list):
            return f"{action.help} (default: {' '.join(map(str, action.default))})"
        return super()._get_help_string(action)


def make_parser(module_docstring: str | None) -> argparse.ArgumentParser:
    """A parser whose description is the script's docstring."""
    return argparse.ArgumentParser(description=module_docstring, formatter_class=Formatter)


def add_detection_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that every detection script has."""
    group = parser.add_argument_group("detection")
    group.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="trained model file")
    group.add_argument(
        "--detector",
        choices=face_detector.DETECTORS,
        default=DEFAULT_DETECTOR,
        help="face detector",
    )
    group.add_argument(
        "--detector-size",
        type=detector_size,
        default="auto",
        metavar="N",
        help="longer side in pixels that the face detector sees in its one pass (300 is the "
        "classic for ssd); auto: as many passes as a photo is worth, one quick pass for video",
    )
    group.add_argument(
        "--confidence",
        type=share,
        default=DEFAULT_CONFIDENCE,
        metavar="P",
        help="leave out faces whose detection score is below this",
    )
    group.add_argument(
        "--unsure",
        type=half_share,
        default=argparse.SUPPRESS,
        metavar="BAND",
        help="call a face unsure when its probability is below 0.5 + BAND; 0 never does "
        "(default: the model's own)",
    )


def detection_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The same options as :meth:`mask_detector.MaskDetector.load` takes them."""
    names = ("model", "detector", "detector_size", "confidence", "unsure")
    return {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}


def options_for(kind: Callable[..., Options], arguments: argparse.Namespace) -> Options:
    """A dataclass whose fields are filled from the options of the same names."""
    names = [field.name for field in dataclasses.fields(cast(Any, kind))]
    return kind(**{name: getattr(arguments, name) for name in names})


def add_blur_argument(group: argparse._ArgumentGroup) -> None:
    """The option that :func:`mask_detector.privacy.hide_faces` takes."""
    group.add_argument(
        "--blur",
        choices=BLUR_CHOICES,
        default=BLUR_CHOICES[0],
        help="whose faces are made unrecognisable in everything that is shown or written; "
        "without_mask includes the unsure",
    )


def check_labels(labels: Iterable[str], classes: Sequence[str]) -> None:
    """Raise UserFacingError where a label is neither one of the model's classes nor ``unsure``."""
    for label in labels:
        if label not in (*classes, "unsure"):
            known = ", ".join((*classes, "unsure"))
            raise UserFacingError(f"there is no label {label!r}, the model knows {known}")


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


class NoProgressBar:
    """What stands in for a bar of ``tqdm``, which takes longer to load than a photo to read."""

    def __enter__(self) -> NoProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self) -> None:
        """One thing is done."""

    def write(self, text: str, file: TextIO | None = None) -> None:
        """Print a line."""
        print(text, file=file)


def progress_bar(total: int, unit: str) -> tqdm[NoReturn] | NoProgressBar:
    """A bar with rate and time left, on a terminal, for more than a few things to do."""
    if total <= _A_FEW:
        return NoProgressBar()
    from tqdm import tqdm

    return tqdm(total=total, unit=unit, disable=None)


_STOP_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class StopSignals:
    """Ctrl-C, SIGTERM and a closed terminal stop a run once; its end is not disturbed by more.

    with StopSignals() as signals:
        with signals.ending_this():
            ...     # the first signal ends this
        ...         # here files are finished, whatever signals come

    A signal that is ignored from the start (``nohup``) stays ignored.
    """

    def __init__(self) -> None:
        self._accepted = True
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in _STOP_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def ending_this(self) -> Iterator[None]:
        """What is inside ends at the first signal, and the run goes on after it."""
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            self._accepted = False

    def _stop(self, number: int, frame: object) -> None:
        if self._accepted:
            self._accepted = False
            raise KeyboardInterrupt
        print("finishing the files", file=sys.stderr)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Let what is inside end before a signal that stops the run acts, if one comes meanwhile."""
    missed: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: missed.append(number))
        for number in _STOP_SIGNALS
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if missed:
            signal.raise_signal(missed[0])


def run(main: Callable[[], int]) -> NoReturn:
    """Run a script's ``main`` and leave with its exit status.

    A :class:`UserFacingError` becomes one line on standard error and status 2, Ctrl-C status
    130, and a closed pipe (``| head``) ends the script quietly.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    # A file name that is no valid text must not end a run.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
    except UserFacingError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        status = USAGE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = 128 + signal.SIGINT
    except BrokenPipeError:
        # Python flushes standard output at exit: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = OK
    sys.exit(status)
