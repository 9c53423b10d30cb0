"""``run.json``: what a run was begun with, so that no other run mixes its results into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mask_detector.cluster import addresses, storage
from mask_detector.errors import FileError

FORMAT = 1


def write_run(output: str, run: Mapping[str, Any]) -> None:
    """Write ``run.json``.

    Args:
        output: address of the results.
        run: what decides the results: sections of names and values.

    Raises:
        FileError: it cannot be written.
    """
    text = json.dumps({"format": FORMAT, **run}, indent=2)
    storage.write(addresses.join(output, "run.json"), f"{text}\n".encode())


def check_run(output: str, run: Mapping[str, Any]) -> None:
    """Compare a run with the one whose results are there; the arguments are the same.

    Raises:
        FileError: it is another one, or ``run.json`` cannot be read.
    """
    address = addresses.join(output, "run.json")
    try:
        there = json.loads(storage.read(address))
    except OSError as error:
        raise FileError(f"{address}: cannot be read ({storage.reason(error)})") from None
    except ValueError:
        there = None
    if not isinstance(there, dict):
        raise FileError(f"{address}: not as this program writes it, use another --output")
    wanted = json.loads(json.dumps({"format": FORMAT, **run}))  # tuples become lists
    if there != wanted:
        raise FileError(
            f"{output} holds the results of another run ({_difference(there, wanted)}): "
            "use the same options or another --output"
        )


def _difference(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """The first value that differs, in words."""
    for section in (*wanted, *there):
        old, new = there.get(section), wanted.get(section)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            for name in (*new, *old):
                if old.get(name) != new.get(name):
                    return f"{name}: {_short(old.get(name))} there, {_short(new.get(name))} now"
        return f"{section}: {_short(old)} there, {_short(new)} now"
    return "no difference"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
