"""POST to a web address, with one time limit for all of it, and no redirect followed."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from mask_detector.errors import UserFacingError


def post(request: Request, limit_s: float) -> None:
    """Send a request and wait until it is answered with a status of 200 to 299.

    A socket's time-out holds for each read, so a receiver that sends a byte now and then would
    never meet it, and name resolution has none. Hence a thread that can be abandoned.

    Raises:
        TimeoutError: that took longer than ``limit_s``.
        UserFacingError: the receiver redirects. A redirect is not followed: the password would go
            to whom it names, and the alert would be lost, since what is sent there is a GET.
        OSError: no connection, or a status of 400 or above.
    """
    connections: list[HTTPConnection] = []
    outcome: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def work() -> None:
        opener = build_opener(_Plain(connections), _Secure(connections), _NoRedirect)
        try:
            with opener.open(request, timeout=limit_s):
                outcome.put(None)
        except Exception as error:
            outcome.put(error)

    threading.Thread(target=work, name="webhook", daemon=True).start()
    try:
        error = outcome.get(timeout=limit_s)
    except queue.Empty:
        for connection in connections:
            with contextlib.suppress(OSError, AttributeError):  # it may be closed, or not yet open
                connection.sock.shutdown(socket.SHUT_RDWR)  # which ends the thread's waiting
        raise TimeoutError from None
    if isinstance(error, HTTPError):
        error.close()
        if error.code < 400:
            raise UserFacingError(f"it redirects to another address (status {error.code})")
    if error:
        raise error


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Leave a redirect to be raised as an error."""


class _Plain(HTTPHandler):
    """HTTP whose connections can be closed by another thread."""

    def __init__(self, connections: list[HTTPConnection]) -> None:
        super().__init__()
        self._connections = connections

    def http_open(self, request: Request) -> HTTPResponse:
        """Open a request."""
        return self.do_open(_noting(HTTPConnection, self._connections), request)


class _Secure(HTTPSHandler):
    """The same with TLS."""

    def __init__(self, connections: list[HTTPConnection]) -> None:
        super().__init__()
        self._connections = connections

    def https_open(self, request: Request) -> HTTPResponse:
        """Open a request."""
        make = _noting(HTTPSConnection, self._connections)
        return self.do_open(make, request, context=ssl.create_default_context())


def _noting(kind: type[HTTPConnection], connections: list[HTTPConnection]) -> Callable[..., Any]:
    def make(*arguments: Any, **options: Any) -> HTTPConnection:
        connections.append(kind(*arguments, **options))
        return connections[-1]

    return make
