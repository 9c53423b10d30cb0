"""Figures of docs/cluster.md: what a cluster run costs, and whether it survives kills.

    python -m benchmarks.cluster cost --photos 400      processor time, cluster / photo script
    python -m benchmarks.cluster memory                 the manifest of 10,000 and 1,000,000 rows
    python -m benchmarks.cluster kills --rounds 30      each photo once, whatever is killed
    python -m benchmarks.cluster demo                   examples from a local S3 on two Ray nodes

Needs requirements-dev.txt. Only processes that it has started are killed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.cluster_nodes import Server, answers, free_port, is_up, ray_variables, start_node
from benchmarks.measuring import REPOSITORY, Measured, environment, take_turns

_DETECTOR = ("--detector", "yunet", "--detector-size", "640")
_START_LIMIT_S, _RUN_LIMIT_S = 180, 600
_SAMPLE_S = 0.1
_SHARD = 3  # photos in a shard of the runs in which something is killed

_LISTING = """
import resource, sys
from mask_detector.cluster.inputs import find_entries
from mask_detector.cluster.manifest import write_manifest
write_manifest(sys.argv[2], find_entries([], [sys.argv[1]], sys.argv[2]), None)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    """Print one of the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("figure", choices=("cost", "memory", "kills", "demo"))
    parser.add_argument("--photos", type=int, default=400, help="photos of cost and kills")
    parser.add_argument("--rounds", type=int, default=30, help="kills")
    parser.add_argument("--seed", type=int, default=7, help="of what is killed, and when")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if arguments.figure == "cost":
            print(cost(work, arguments.photos))
        elif arguments.figure == "memory":
            print(memory(work))
        elif arguments.figure == "demo":
            demo(work)
        else:
            kills(work, arguments.photos, arguments.rounds, random.Random(arguments.seed))


def copies(folder: Path, count: int) -> Path:
    """A folder with this many photos: copies of the examples."""
    folder.mkdir()
    examples = sorted((REPOSITORY / "examples").glob("*.[jp][pn]g"))
    for number in range(count):
        source = examples[number % len(examples)]
        shutil.copy(source, folder / f"{number:06}{source.suffix}")
    return folder


@dataclass(frozen=True)
class Cost:
    """Processor seconds of both programs over the same photos, run in turns."""

    photos: int
    script: Measured
    cluster: Measured

    @property
    def ratio(self) -> float:
        """Cluster by photo script."""
        return self.cluster.median / self.script.median

    def __str__(self) -> str:
        script, cluster = self.script.text("s", 1), self.cluster.text("s", 1)
        return f"{self.photos:,} photos: script {script}, cluster {cluster}, ratio {self.ratio:.2f}"


def cost(work: Path, count: int, rounds: int = 3) -> Cost:
    """Processor time of both programs over the same photos, records only."""
    photos = copies(work / "photos", count)
    unused = (work / f"{number}.jsonl" for number in itertools.count())
    script = partial(_processor_s, "detect_mask_image", "--no-display", "--image", photos, "--json")
    cluster = partial(_processor_s, "mask_detector.cluster", "--image", photos, "--output")
    tasks = {"script": lambda: script(next(unused)), "cluster": lambda: cluster(next(unused))}
    return Cost(count, **take_turns(tasks, rounds, warm_up=0))


def _processor_s(module: str, *arguments: object) -> float:
    """Processor seconds of a program and all that it starts, sampled; pip's modules included."""
    command = [sys.executable, "-m", module, *map(str, arguments), *_DETECTOR]
    times: dict[tuple[int, float], float] = {}
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment(), stdout=subprocess.DEVNULL
    ) as process:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            for each in _family(root):
                try:
                    used = each.cpu_times()
                    times[each.pid, each.create_time()] = used.user + used.system
                except psutil.NoSuchProcess:
                    continue
            time.sleep(_SAMPLE_S)
    if process.returncode:
        raise SystemExit(f"{module} ended with {process.returncode}")
    return sum(times.values())


def _family(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@dataclass(frozen=True)
class Memory:
    """The most MiB that listing and cutting took, by the rows of the list."""

    peaks: dict[int, float]

    @property
    def ratio(self) -> float:
        """The longest list by the shortest."""
        return self.peaks[max(self.peaks)] / self.peaks[min(self.peaks)]

    def __str__(self) -> str:
        texts = (f"{rows:,} rows: {peak:.0f} MiB" for rows, peak in self.peaks.items())
        return f"{', '.join(texts)}, ratio {self.ratio:.2f}"


def memory(work: Path, lengths: Sequence[int] = (10_000, 1_000_000)) -> Memory:
    """The most memory that listing and cutting take, for a short and for a long list."""
    peaks = {}
    for rows in lengths:
        paths = work / f"{rows}.txt"
        with paths.open("w") as file:
            file.writelines(f"s3://archive/2024/{number:012}.jpg\n" for number in range(rows))
        done = subprocess.run(
            [sys.executable, "-c", _LISTING, paths, work / f"out{rows}"],
            cwd=REPOSITORY, check=True, capture_output=True, text=True,
        )  # fmt: skip
        peaks[rows] = int(done.stdout) / 1024
    return Memory(peaks)


@contextmanager
def nodes(work: Path) -> Iterator[tuple[str, dict[str, str], list[Server]]]:
    """Two Ray nodes: their address, their variables, and the head and the second node."""
    path = os.pathsep.join([str(REPOSITORY), *filter(None, sys.path)])
    env = ray_variables(path)
    port = free_port()
    started: list[Server] = []
    try:
        head = ("--head", "--port", port, "--include-dashboard=false")
        started.append(start_node(work / "head.log", env, *head))
        _wait(lambda: answers(port))
        started.append(_join(work, env, f"127.0.0.1:{port}"))
        yield f"127.0.0.1:{port}", env, started
    finally:
        for server in reversed(started):
            server.kill()


def _join(work: Path, env: dict[str, str], address: str) -> Server:
    node = start_node(work / "node.log", env, "--address", address)
    _wait(lambda: is_up(node))
    return node


def _wait(condition: Any, limit_s: float = _START_LIMIT_S) -> None:
    until = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"waited {limit_s} s in vain")
        time.sleep(0.05)


def demo(work: Path) -> None:
    """Put the examples into a bucket of a local S3, process them on two nodes, print records."""
    from pyarrow import fs

    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    # The server takes any key; nodes and driver find it in their environment.
    os.environ |= {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
    }
    server = Server(work / "s3.log", {}, "moto.server", "-H", "127.0.0.1", "-p", port)
    try:
        _wait(lambda: answers(port))
        bucket = fs.S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True)
        for name in ("archive", "results"):
            bucket.create_dir(name)
        examples = str(REPOSITORY / "examples")
        fs.copy_files(examples, "archive/examples", destination_filesystem=bucket)
        with nodes(work) as (address, env, _):
            driver = _driver(work, env, "s3://archive/examples", "s3://results/run", address)
            status = driver.process.wait(_RUN_LIMIT_S)
        print((work / "driver.log").read_text(), end="")
        command = [sys.executable, "-m", "mask_detector.cluster.json_lines", "s3://results/run"]
        subprocess.run(command, cwd=REPOSITORY, check=True)
    finally:
        server.kill()
    raise SystemExit(status)


def kills(work: Path, count: int, rounds: int, chance: random.Random) -> None:
    """Kill a worker, a node or the driver after a random number of shards; count photos."""
    photos = copies(work / "photos", count)
    wanted = Counter(str(path) for path in photos.iterdir())
    wrong, killed = 0, Counter[str]()
    with nodes(work) as (address, env, started):
        for number in range(rounds):
            output = work / f"results{number}"
            what = ("worker", "node", "driver")[number % 3]
            # This many shards are done when the kill happens; the last ones are still to do.
            done = chance.randrange(max(1, count // _SHARD - 3))
            driver = _driver(work, env, photos, output, address)
            _wait(lambda at=output, least=done: _shards_in(at) >= least)
            if what == "worker":
                _wait(lambda: _kill_worker(started, chance))
            unfinished = driver.process.poll() is None
            if what == "node":
                started[1].kill()
                started[1] = _join(work, env, address)
            elif what == "driver":
                driver.kill()
                driver = _driver(work, env, photos, output, address)
            status = driver.process.wait(_RUN_LIMIT_S)
            killed[what if unfinished else "nothing"] += 1
            if status or _photos_in(output) != wanted:
                wrong += 1
                print(f"round {number}, {what}: status {status}, other photos than wanted")
            shutil.rmtree(output)
    print(f"{rounds} runs over {count} photos, killed: {dict(killed)}; wrong: {wrong}")


def _shards_in(output: Path) -> int:
    return len(list(output.glob("records/part-*.parquet")))


def _driver(
    work: Path, env: dict[str, str], photos: object, output: object, address: str
) -> Server:
    arguments = ("--image", photos, "--output", output, "--ray", address, "--shard-size", _SHARD)
    return Server(work / "driver.log", env, "mask_detector.cluster", *arguments, *_DETECTOR)


def _kill_worker(started: Sequence[Server], chance: random.Random) -> bool:
    """Kill one of the nodes' processes that is doing a shard."""
    workers = []
    for server in started:
        for process in _family(psutil.Process(server.process.pid)):
            try:
                if process.cmdline()[:1] == ["ray::attempt"]:
                    workers.append(process)
            except psutil.Error:
                continue
    if workers:
        chance.choice(workers).kill()
    return bool(workers)


def _photos_in(output: Path) -> Counter[str]:
    """How often each photo that could be processed is in the records."""
    done = subprocess.run(
        [sys.executable, "-m", "mask_detector.cluster.json_lines", output],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    )  # fmt: skip
    records = map(json.loads, done.stdout.splitlines())
    return Counter(record["image"] for record in records if "error" not in record)


if __name__ == "__main__":
    main()
