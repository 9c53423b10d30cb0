"""Refuse files from sessions that have not entered the password.

Streamlit takes an upload from every session that has a page open, also while that page only asks
for the password.
"""

from __future__ import annotations

import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mask_app.login import may_upload
from mask_detector.errors import UserFacingError

_UPLOAD = re.compile(r".*/_stcore/upload_file/([^/]*)/.*")


class UploadGuard:
    """ASGI middleware that answers uploads with 403 before the password was entered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        upload = _UPLOAD.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if upload and scope["method"] != "OPTIONS" and not _allowed(upload[1]):
            await PlainTextResponse("Enter the password first", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _allowed(session: str) -> bool:
    try:
        return may_upload(session)
    except UserFacingError:  # the settings cannot be read; the page says why
        return False
