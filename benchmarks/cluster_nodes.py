"""Servers for tests and trials: each is ended with its own children, by their process numbers."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens on a port of the loopback address."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A module run as a program of its own, with its output in a file."""

    def __init__(self, log: Path, env: dict[str, str], module: str, *arguments: object) -> None:
        self.log = log
        with log.open("w") as file:
            self.process: subprocess.Popen[Any] = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, arguments)],
                env=os.environ | env,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill the process and all that it has started, and nothing else."""
        try:
            parent = psutil.Process(self.process.pid)
            family = [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            family = []
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(family, timeout=30)
        self.process.wait(30)


def ray_variables(path: str) -> dict[str, str]:
    """Variables for nodes and drivers of one cluster: where modules are, and a token of its own."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    return {"PYTHONPATH": path, **token}


def start_node(log: Path, env: dict[str, str], *arguments: object) -> Server:
    """A Ray node with one processor, on the loopback address only, without a dashboard."""
    # On a busy machine, Ray's own limit on the start of its services is too short.
    patience = {"RAY_agent_register_timeout_ms": "30000"}
    variables = env | {"RAY_USAGE_STATS_ENABLED": "0"} | patience
    options = ("start", "--block", "--num-cpus", 1, "--node-ip-address", "127.0.0.1",
               "--object-store-memory", 80_000_000, "--disable-usage-stats")  # fmt: skip
    return Server(log, variables, "ray.scripts.scripts", *options, *arguments)


def is_up(node: Server) -> bool:
    """Whether a node has joined its cluster."""
    return "Ray runtime started" in node.log.read_text()
