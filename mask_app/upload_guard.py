"""Refuse files from sessions that have not entered the password.

Streamlit takes an upload from every session that has a page open, also while that page only asks
for the password.
"""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mask_app.login import may_upload
from mask_detector.errors import UserFacingError

_UPLOADS = "/_stcore/upload_file/"
"""What the paths of uploads contain, before the session, a slash and the file's identifier."""


class UploadGuard:
    """ASGI middleware that answers uploads with 403 before the password was entered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["method"] != "OPTIONS" and _is_refused(scope["path"]):
            await PlainTextResponse("Enter the password first", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_refused(path: str) -> bool:
    _, found, rest = path.partition(_UPLOADS)
    session = rest.partition("/")[0]
    try:
        return bool(found) and not may_upload(session)
    except UserFacingError:  # the settings cannot be read; the page says why
        return True
