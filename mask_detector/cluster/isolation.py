"""Photos are processed in a child process, so that one that ends its process ends only that.

    with Child() as child:
        table = child.process(entries, job)         # as work.process_entries

Where the child dies, its photos are halved until the one is found that did it. A child that
cannot start, or that no photo has survived, says nothing about the photos: that is an error of its
own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mask_detector.cluster.limits import FILM_LIMIT_S, PHOTO_LIMIT_S, TOO_LATE_STATUS
from mask_detector.cluster.manifest import Entry
from mask_detector.cluster.messages import receive_answer, send_question
from mask_detector.cluster.work import Job
from mask_detector.errors import UserFacingError

if TYPE_CHECKING:
    import pyarrow as pa

_START_LIMIT_S = 120.0
_END_S = 10.0
_MOST_DEATHS = 10  # of single photos, before any was processed


class ChildDiedError(Exception):
    """The child process ended, or was ended because it took too long.

    Attributes:
        how: its status, its signal or the time that it took.
    """

    def __init__(self, how: str, late: bool = False) -> None:
        ended = f"the process ended while processing it ({how})"
        super().__init__(f"processing it took {how}" if late else ended)
        self.how = how


class NoChildError(UserFacingError):
    """The child process cannot start, or dies whatever it is to process."""


class Child:
    """A process that processes photos for this one; it is started again where it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._empty: pa.Table | None = None
        self._works = False  # whether any photo or video was processed
        self._deaths = 0

    def process(self, entries: Sequence[Entry], job: Job) -> pa.Table:
        """The rows of some photos and videos; one that ends the child has a row with its error.

        Raises:
            UserFacingError: as :func:`mask_detector.cluster.work.process_entries`, and
                (NoChildError) where it does not depend on the photo that the child dies.
        """
        import pyarrow as pa

        self._start(job)
        try:
            table = self._ask(entries, job)
            self._works = self._works or bool(entries)
            return table
        except ChildDiedError as death:
            if len(entries) == 1:
                return self._error_row(entries[0], job, death)
        middle = len(entries) // 2
        halves = [self.process(half, job) for half in (entries[:middle], entries[middle:])]
        return pa.concat_tables(halves)

    def _error_row(self, entry: Entry, job: Job, death: ChildDiedError) -> pa.Table:
        from mask_detector.cluster import rows

        self._deaths += 1
        if not self._works and self._deaths >= _MOST_DEATHS:
            raise NoChildError(
                "the process that processes photos has ended at each of the first "
                f"{self._deaths} ({death.how}): it may lack memory"
            )
        empty = self._start(job)  # the columns depend on the model
        return rows.as_table([{"image": entry.image, "error": str(death)}], empty.schema)

    def _ask(self, entries: Sequence[Entry], job: Job) -> pa.Table:
        process = self._process
        assert process is not None
        assert process.stdin is not None and process.stdout is not None
        limit_s = _START_LIMIT_S + sum(
            FILM_LIMIT_S if entry.film else PHOTO_LIMIT_S for entry in entries
        )
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(limit_s, end)
        timer.daemon = True
        timer.start()
        try:
            send_question(process.stdin, entries, job)
            return receive_answer(process.stdout)
        except UserFacingError:
            raise
        except (OSError, EOFError, ValueError):  # of JSON and Arrow: the answer is damaged
            status = self._end()
            if late.is_set() or status == TOO_LATE_STATUS:
                limit = f"more than {limit_s - (_START_LIMIT_S if entries else 0):g} s"
                raise ChildDiedError(limit, late=True) from None
            raise ChildDiedError(_words(status)) from None
        except BaseException:  # Ctrl-C: what the child answers is not waited for
            self._end()
            raise
        finally:
            timer.cancel()

    def _start(self, job: Job) -> pa.Table:
        """Start the child unless it runs, load its models, and return a table without rows."""
        try:
            if self._process is None:
                self._process, self._empty = _child_process(), None
            if self._empty is None:
                self._empty = self._ask([], job)
        except (OSError, ChildDiedError) as error:
            how = error.how if isinstance(error, ChildDiedError) else error.strerror
            raise NoChildError(f"the process that processes photos cannot start ({how})") from None
        return self._empty

    def _end(self) -> int:
        """End the child and return its exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.5)  # it may be about to die of what it has read
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        return process.wait(_END_S)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()


def _child_process() -> subprocess.Popen[bytes]:
    # The child finds the packages that this process finds.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-m", "mask_detector.cluster.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # Ctrl-C is for this process, which ends the child
    )


def _words(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    with suppress(ValueError):
        return f"signal {signal.Signals(-status).name}"
    return f"signal {-status}"


def process_isolated(entries: Sequence[Entry], job: Job) -> pa.Table:
    """The same as :meth:`Child.process`, with a child for these entries only."""
    with Child() as child:
        return child.process(entries, job)
