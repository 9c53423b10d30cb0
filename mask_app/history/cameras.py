"""Which cameras are recorded in the history, and under which names."""

from __future__ import annotations

import streamlit as st

from mask_app.history.recorder import MinuteRecorder
from mask_app.history.sessions import store
from mask_app.live.processing import LiveProcessor

OWN_CAMERA, DOOR = ":camera", ":door"
"""Cameras without a name of their own: a visitor's on the live page, and at a door."""

_LONGEST_NAME = 40


def record(processor: LiveProcessor, camera: str, shared: bool = False) -> None:
    """Keep the people of a processor under the name of its camera, where there is a history.

    Args:
        processor: a session's.
        camera: the name.
        shared: it is a camera of the server, which several sessions may watch.
    """
    kept = store()
    recorder = processor.recorder
    if recorder is not None and (recorder.store, recorder.camera) == (kept, camera):
        return
    processor.end()
    processor.recorder = None if kept is None else MinuteRecorder(kept, camera, shared)


def door_name() -> str:
    """The name of a door's camera: what the address says, as ``/live?door=1&camera=North``."""
    name = st.query_params.get("camera", "")
    # A colon would make it one of the names above.
    name = "".join(each for each in name if each.isprintable()).strip().lstrip(":")
    return name[:_LONGEST_NAME] or DOOR
