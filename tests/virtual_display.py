"""A virtual display (Xvfb) and a user's input to it (xdotool, Xlib)."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class ClientMessage(ctypes.Structure):
    """Xlib's XClientMessageEvent, padded to the size of an XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 12),
    )


@dataclass(frozen=True)
class VirtualDisplay:
    """An X display, by its name (``:99``)."""

    name: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to open its windows here."""
        others = {key: value for key, value in os.environ.items() if key != "WAYLAND_DISPLAY"}
        return others | {"DISPLAY": self.name}

    def window(self, title: str) -> int | None:
        """The visible window whose title contains ``title``; None while there is none."""
        found = self._xdotool("search", "--onlyvisible", "--name", title).split()
        return int(found[0]) if found else None

    def size(self, window: int) -> tuple[int, int]:
        """Width and height of a window in pixels, without its frame."""
        lines = self._xdotool("getwindowgeometry", "--shell", str(window), check=True).split()
        geometry = dict(line.split("=") for line in lines)
        return int(geometry["WIDTH"]), int(geometry["HEIGHT"])

    def press(self, window: int, key: str) -> None:
        """Press ``key`` in ``window``."""
        self._xdotool("windowfocus", "--sync", str(window), "key", key, check=True)

    def close(self, window: int) -> None:
        """Send what a desktop sends for the cross in a corner; xdotool only destroys windows."""
        x11 = ctypes.CDLL("libX11.so.6")  # xdotool needs it too
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XInternAtom.restype = ctypes.c_ulong
        connection = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        protocols, delete = (
            x11.XInternAtom(connection, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
        )
        client_message = 33
        event = ClientMessage(client_message, 0, 1, connection, window, protocols, 32, (delete,))
        x11.XSendEvent(connection, ctypes.c_ulong(window), 0, 0, ctypes.byref(event))
        x11.XCloseDisplay(connection)

    def _xdotool(self, *arguments: str, check: bool = False) -> str:
        done = subprocess.run(
            ["xdotool", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=check,  # a search that finds nothing ends with 1
        )
        return done.stdout


def missing_tools() -> str:
    """What to install first, if anything."""
    packages = [tool.lower() for tool in ("Xvfb", "xdotool") if not shutil.which(tool)]
    return f"apt-get install {' '.join(packages)}" if packages else ""


@contextmanager
def virtual_display() -> Iterator[VirtualDisplay]:
    """A display of its own, as long as the context lasts."""
    read, write = os.pipe()
    # Without -noreset the server restarts each time its last client leaves, as every xdotool does,
    # and cuts off a client that is just connecting.
    command = ["Xvfb", "-noreset", "-displayfd", str(write), "-screen", "0", "1024x768x24"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as number:
            name = number.readline().strip()
        try:
            yield VirtualDisplay(f":{name}")
        finally:
            server.terminate()
