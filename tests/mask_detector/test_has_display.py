from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import cv2
import pytest

from mask_detector.display import has_display

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is asked on Linux alone"),
    pytest.mark.skipif(not cv2.currentUIFramework(), reason="this OpenCV opens no windows"),
]

NUMBER = 4321


@pytest.fixture(params=["abstract", "port"])
def display(request) -> Iterator[str]:
    """The address of a server that listens as X servers do."""
    if request.param == "abstract":
        server, name = socket.socket(socket.AF_UNIX), f":{NUMBER}"
        server.bind(f"\0/tmp/.X11-unix/X{NUMBER}")
    else:
        server, name = socket.socket(), f"localhost:{NUMBER}.0"
        server.bind(("127.0.0.1", 6000 + NUMBER))
    with server:
        server.listen()
        yield name


def test_a_server_that_answers(monkeypatch, display) -> None:
    monkeypatch.setenv("DISPLAY", display)
    assert has_display()


@pytest.mark.parametrize("value", [None, "", "nonsense", f":{NUMBER}", f"localhost:{NUMBER}.0"])
def test_no_server(monkeypatch, value) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    if value is not None:
        monkeypatch.setenv("DISPLAY", value)
    assert not has_display()


def test_an_opencv_without_windows(monkeypatch, display) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    assert not has_display()
