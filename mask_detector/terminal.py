"""The terminal of a script: printed text, progress bars, standard streams and signals."""

from __future__ import annotations

import io
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from mask_detector.wording import printable

if TYPE_CHECKING:
    from tqdm import tqdm

_FEW = 5
"""Up to this many items need no progress bar."""


def say(text: str, file: TextIO | None = None) -> None:
    """Print one line, to standard output unless ``file`` says otherwise.

    Messages that standard error does not take are lost: they must not end a run.
    """
    with suppress(OSError) if file is sys.stderr else nullcontext():
        print(printable(text), file=file)


class ProgressBar:
    """A progress bar on standard error: only on a terminal, and for more than a few items.

    Args:
        total: number of items; None where it is not known.
        unit: what an item is called.
        description: stands before the bar.
        shown: False never shows one.
    """

    def __init__(
        self, total: int | None, unit: str, description: str | None = None, shown: bool = True
    ) -> None:
        self._bar: tqdm[NoReturn] | None = None
        if shown and sys.stderr.isatty() and (total is None or total > _FEW):
            from tqdm import tqdm  # takes longer to load than a photo to process

            self._bar = tqdm(total=total, unit=unit, desc=description)

    def update(self, n: int = 1, total: int | None = None) -> None:
        """Count ``n`` more items as done, of ``total`` where that is known only now."""
        if self._bar is not None:
            self._bar.total = self._bar.total if total is None else total
            self._bar.update(n)

    def write(self, text: str, file: TextIO | None = None) -> None:
        """Print a line above the bar."""
        if self._bar is None:
            say(text, file)
        else:
            self._bar.write(printable(text), file=file)

    def close(self) -> None:
        """Leave the bar as it is and go to the next line."""
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _OneLine(logging.Formatter):
    """A message without control characters; a traceback after it keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))


def prepare_streams() -> None:
    """Make standard streams safe to write to: closed ones, odd file names, log messages."""
    # A closed stream's number would go to the next file that is opened, and what a library
    # prints would end up in it.
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(spare)
    # `sys.__stdout__` stays None: files.standard_output() sees from it that it was closed.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
    # A file name that is no valid text must not end a run.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


def finish_streams() -> None:
    """Write what is left in the standard streams, or drop it where that fails.

    Python tries again when it exits, prints what went wrong and changes the exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


STOP_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


_INSIST_S = 30.0
"""Seconds after a signal during which further ones do not disturb the end of a run."""


_interruptions: list[int] = []


def interrupted_by() -> int | None:
    """The signal that has interrupted this run; None without one."""
    return _interruptions[-1] if _interruptions else None


def interrupt_once() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal raise KeyboardInterrupt, with the signal's number.

    Further signals change nothing for ``_INSIST_S``: files are being finished, threads are ending,
    and an exception there would leave them half done. A signal that is ignored from the start
    (``nohup``) stays ignored.
    """
    last = -math.inf
    _interruptions.clear()

    def interrupt(number: int, frame: object) -> None:
        nonlocal last
        if time.monotonic() - last >= _INSIST_S:
            last = time.monotonic()
            _interruptions.append(number)
            raise KeyboardInterrupt(number)

    for number in STOP_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


class StopSignals:
    """Ctrl-C, SIGTERM and a closed terminal stop a run once; its end is not disturbed by more.

    with StopSignals() as signals:
        with signals.ending_this():
            ...     # the first signal ends this
        ...         # here files are finished, whatever signals come

    A signal that is ignored from the start (``nohup``) stays ignored.
    """

    def __init__(self) -> None:
        self._accepted, self._stopped = True, False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in STOP_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            # Another signal must not change the exit status of a run that was stopped well.
            signal.signal(number, signal.SIG_IGN if self._stopped else handler)

    @contextmanager
    def ending_this(self) -> Iterator[None]:
        """The first signal ends the block, and the run goes on after it."""
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            self._accepted = False

    def _stop(self, number: int, frame: object) -> None:
        if self._accepted:
            self._accepted, self._stopped = False, True
            raise KeyboardInterrupt
        say("finishing the files", sys.stderr)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Let the block finish before a signal that stops the run acts, if one comes meanwhile."""
    missed: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: missed.append(number))
        for number in STOP_SIGNALS
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if missed:
            signal.raise_signal(missed[0])
