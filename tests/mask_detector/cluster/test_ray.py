"""Runs on real Ray: two nodes on this machine; the driver, a node and workers are killed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from conftest import REPOSITORY

from benchmarks.cluster_nodes import Server, answers, free_port, is_up, ray_variables, start_node

if find_spec("ray") is None:
    pytest.skip("ray is not installed (requirements-cluster.txt)", allow_module_level=True)

POISON = """
import os, signal, sys
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith("poison.jpg"):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
"""


@pytest.fixture
def two_nodes(tmp_path, wait_for) -> Iterator[tuple[str, dict[str, str], Server]]:
    """The address of a Ray of two nodes with a processor each, its variables, its second node."""
    (tmp_path / "sitecustomize.py").write_text(POISON)
    path = ":".join([str(tmp_path), str(REPOSITORY), *filter(None, sys.path)])
    env = ray_variables(path)
    port = free_port()
    address = f"127.0.0.1:{port}"
    servers: list[Server] = []
    try:
        head = ("--head", "--port", port, "--include-dashboard=false")
        servers.append(start_node(tmp_path / "head.log", env, *head))
        wait_for(lambda: answers(port), servers[0].process)
        for _ in range(6):  # Ray gives a node 30 seconds to start: few on a busy machine
            second = start_node(tmp_path / "node.log", env, "--address", address)
            servers.append(second)
            wait_for(lambda node=second: is_up(node) or node.process.poll() is not None)
            if second.process.poll() is None:
                break
        yield address, env, second
    finally:
        for server in reversed(servers):
            server.kill()


def test_each_photo_is_there_once_whatever_is_killed(
    two_nodes, records_of, script_records, photos, tmp_path, wait_for
):
    address, env, node = two_nodes
    shutil.copy(photos / "a.png", photos / "poison.jpg")
    output = tmp_path / "results"
    arguments = ("--image", photos, "--output", output, "--shard-size", 1, "--ray", address,
                 "--detector", "yunet", "--detector-size", "320")  # fmt: skip

    def start() -> Server:
        log = tmp_path / "driver.log"
        return Server(log, env, "mask_detector.cluster", *arguments)

    def done() -> int:
        return len(list(output.glob("records/part-*.parquet")))

    driver: Any = start()
    wait_for(lambda: done() >= 1, driver.process)
    driver.kill()
    driver = start()
    try:
        wait_for(lambda: done() >= 3, driver.process)
        node.kill()
        status = driver.process.wait(500)
    except subprocess.TimeoutExpired:
        driver.kill()
        raise
    assert status == 1, driver.log.read_text()
    error = {"error": "the process ended while processing it (signal SIGKILL)"}
    assert records_of(output, photos) == script_records | {"poison.jpg": error}


def test_an_address_where_nobody_listens_is_one_sentence(run, photo_folder, tmp_path):
    done = run("mask_detector.cluster.__main__", "--image", photo_folder, "--output", tmp_path,
               "--ray", f"127.0.0.1:{free_port()}")  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "no Ray cluster there" in done.stderr
