"""Deletes what the administrator keeps for some days: at the server's start, and once an hour.

Nobody needs to visit a page for that, or stand at a door.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from mask_app import config
from mask_app.history.sessions import store
from mask_app.live.keeping import delete_old_pictures
from mask_detector.errors import UserFacingError

logger = logging.getLogger(__name__)

_EVERY_S = 3600.0


@contextlib.asynccontextmanager
async def keep_days(app: object) -> AsyncIterator[None]:
    """Delete what is old as long as the server runs; the lifespan of ``app``, which is not used."""
    task = asyncio.create_task(_delete_again_and_again())
    try:
        yield
    finally:
        task.cancel()


async def _delete_again_and_again() -> None:
    while True:
        await run_in_threadpool(delete_old)
        await asyncio.sleep(_EVERY_S)


def delete_old() -> None:
    """Delete minutes of the history and pictures of doors that are older than their days."""
    for delete in (_delete_old_minutes, _delete_old_pictures):
        try:
            delete()
        except (UserFacingError, OSError) as error:  # the other one is deleted all the same
            logger.error("what is old could not be deleted: %s", error)


def _delete_old_minutes() -> None:
    if (history := store()) is not None:
        history.delete_old()


def _delete_old_pictures() -> None:
    if (kept := config.door_pictures()) is not None:
        delete_old_pictures(kept.folder, kept.days)
