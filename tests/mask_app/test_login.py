"""Who waits after a wrong password, and what is refused before the right one."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from waiting import wait_until

from mask_app import login
from mask_app.login import MOST_WAITING, GuessQueue, TooManyGuessesError, is_password, network_of
from mask_app.upload_guard import UploadGuard


def test_one_guess_at_a_time_from_one_address() -> None:
    queue, most = GuessQueue(), 0
    inside: list[int] = []

    def guess(number: int) -> None:
        nonlocal most
        with queue.turn("192.0.2.1"):
            inside.append(number)
            most = max(most, len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(MOST_WAITING) as threads:
        list(threads.map(guess, range(MOST_WAITING)))
    assert most == 1
    assert len(queue) == 0


def test_other_addresses_do_not_wait() -> None:
    queue = GuessQueue()
    with queue.turn("192.0.2.1"), queue.turn("192.0.2.2"):
        assert len(queue) == 2


def test_a_crowd_of_guesses_from_one_address_is_refused() -> None:
    queue, entered = GuessQueue(), threading.Semaphore(0)

    def guess() -> None:
        with queue.turn("192.0.2.1"):
            entered.release()

    with queue.turn("192.0.2.1"):
        threads = [threading.Thread(target=guess) for _ in range(MOST_WAITING - 1)]
        for thread in threads:
            thread.start()
        wait_until(lambda: queue._waiting["192.0.2.1"] == MOST_WAITING)
        with pytest.raises(TooManyGuessesError), queue.turn("192.0.2.1"):
            pass
    for thread in threads:
        thread.join(60)
    assert len(queue) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (None, "127.0.0.1"),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_guesses_are_counted_by_address(address: str | None, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("guess", "wanted", "right"),
    [
        ("", "a", False),
        ("a", "a", True),
        ("ä€😷", "ä€😷", True),
        ("a", "\udcff", False),
        ("\udcff", "\udcff", True),
    ],
)
def test_a_password_is_compared(guess: str, wanted: str, right: bool) -> None:
    assert is_password(guess, wanted) is right


@pytest.mark.parametrize(
    ("method", "path", "session", "expected"),
    [
        ("PUT", "/_stcore/upload_file/guest/1", "", 403),
        ("DELETE", "/_stcore/upload_file/guest/1", "", 403),
        ("PUT", "/masks/_stcore/upload_file/guest/1", "", 403),
        ("PUT", "/_stcore/upload_file/guest/1\n", "", 403),
        ("PUT", "/_stcore/upload_file/guest\n/1\r\n", "", 403),
        ("PUT", "\n/_stcore/upload_file/guest/1", "", 403),
        ("PUT", "/_stcore/upload_file/guest", "", 403),
        ("PUT", "/_stcore/upload_file/member/1", "member", 200),
        ("PUT", "/_stcore/upload_file/guest/1", "member", 403),
        ("OPTIONS", "/_stcore/upload_file/guest/1", "", 200),
        ("GET", "/", "", 200),
    ],
)
def test_files_are_refused_before_the_password(
    monkeypatch: pytest.MonkeyPatch, method: str, path: str, session: str, expected: int
) -> None:
    monkeypatch.setenv("MASK_APP_PASSWORD", "open sesame")
    monkeypatch.setattr(login, "_signed_in", {session})
    assert status(method, path) == expected


def test_files_are_accepted_where_there_is_no_password() -> None:
    assert status("PUT", "/_stcore/upload_file/guest/1") == 200


def status(method: str, path: str) -> int:
    """The HTTP status of the guard, or of the app behind it."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("the file is read")

    scope = {"type": "http", "method": method, "path": path, "headers": []}
    with ThreadPoolExecutor(1) as thread:  # Playwright keeps a loop running in this one
        thread.submit(asyncio.run, UploadGuard(app)(scope, receive, send)).result(60)
    return sent[0]["status"]
