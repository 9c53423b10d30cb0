"""Files from anywhere are first used in a process of their own.

The C++ libraries behind compiled networks and HDF5 files trust what they read: one changed number
can make them crash, hang or fill the memory. In a child process that costs a quarter of a second
and becomes a sentence.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mask_detector.errors import ModelFileError

LONGEST_SECONDS = 30.0
"""How long a file may take, a hundred times what a sound one takes."""

_PROGRAM = Path(__file__).with_name("trial_program.py")


def try_in_child(what: str, kind: str, *arguments: object, content: bytes = b"") -> None:
    """Use a file in a child process, with limits on its time and memory.

    Args:
        what: what the file is, as the beginning of a sentence.
        kind: ``network`` or ``hdf5``; see :mod:`mask_detector.models.trial_program`.
        arguments: of the trial.
        content: for the child's standard input.

    Raises:
        ModelFileError: the file cannot be used, crashes the child, or takes too long.
    """
    # The child finds the packages that this process finds.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, str(_PROGRAM), kind, *map(str, arguments)],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ModelFileError(
            f"{what} is damaged: reading it did not end within {LONGEST_SECONDS:g} s"
        ) from None
    except OSError as error:
        raise ModelFileError(f"{what} cannot be checked ({error.strerror or error})") from None
    if done.returncode == 1:
        reason = done.stdout.decode(errors="replace").strip() or "no reason given"
        raise ModelFileError(f"{what} is damaged or does not fit ({reason})")
    if done.returncode:
        raise ModelFileError(
            f"{what} is damaged: reading it ends the process (status {done.returncode})"
        )
