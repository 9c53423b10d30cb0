"""Waiting for what other threads and processes do."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

Result = TypeVar("Result")

PATIENCE_S = 300
"""Nobody waits as long for what happens; a busy machine can be slow."""


def wait_until(condition: Callable[[], Any], process: subprocess.Popen[Any] | None = None) -> Any:
    """The condition's value, as soon as it is true; fail when a process that it needs has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while not (result := condition()):
        if process is not None and process.poll() is not None:
            errors = process.stderr.read() if process.stderr else ""
            pytest.fail(f"ended with {process.returncode}: {errors}")
        if time.monotonic() > deadline:
            if process is not None:
                process.kill()
            pytest.fail(f"waited {PATIENCE_S} s in vain")
        time.sleep(0.02)
    return result


def new_page(browser: Any, **options: Any) -> Any:
    """A page of a session of its own in Playwright's browser, which waits as long."""
    context = browser.new_context(**options)
    context.set_default_timeout(1000 * PATIENCE_S)
    return context.new_page()


def run_apart(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it in a loop of its own thread: Playwright keeps one running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result(PATIENCE_S)
