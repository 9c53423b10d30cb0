"""Shards that cannot be done: children that die, disks that are full, machines that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from mask_detector.cluster import engines, isolation, rows, storage, work
from mask_detector.cluster.isolation import Child, ChildDiedError, NoChildError
from mask_detector.cluster.manifest import Entry, write_manifest
from mask_detector.cluster.work import Job, Outcome, process_shard
from mask_detector.errors import FileError, UserFacingError
from mask_detector.photos.processing import PictureOptions

COLUMNS = rows.schema(("with_mask", "without_mask"))


@pytest.fixture
def job(tmp_path) -> Job:
    """A run of one photo."""
    write_manifest(str(tmp_path / "results"), [Entry("/a.jpg")], None)
    return Job(str(tmp_path / "results"), {}, PictureOptions())


def found(entries: Sequence[Entry], job: Job) -> Any:
    """A row for each photo."""
    none = {"faces": [], "counts": {}, "width": 1, "height": 1}
    return rows.as_table([{"image": entry.image, **none} for entry in entries], COLUMNS)


@pytest.fixture
def child(monkeypatch) -> Callable[[set[str]], Child]:
    """A child that dies at these photos."""

    def make(deadly: set[str]) -> Child:
        def ask(self: Child, entries: Sequence[Entry], job: Job) -> Any:
            if any(entry.image in deadly for entry in entries):
                self._process = None
                raise ChildDiedError("signal SIGKILL")
            return found(entries, job)

        monkeypatch.setattr(Child, "_ask", ask)
        monkeypatch.setattr(isolation, "_child_process", lambda: SimpleNamespace())
        monkeypatch.setattr(Child, "_end", lambda self: 0)
        return Child()

    return make


@pytest.mark.parametrize("deaths", [0, 1, 9, 15])
def test_photos_that_kill_their_child_have_rows(child, job, deaths):
    names = [f"/{number}.jpg" for number in range(16)]
    table = child(set(names[1 : deaths + 1])).process([Entry(name) for name in names], job)
    assert table.column("image").to_pylist() == names
    assert rows.failed_rows(table) == deaths


def test_where_no_photo_is_survived_it_is_not_the_photos(child, job):
    names = [f"/{number}.jpg" for number in range(100)]
    with pytest.raises(NoChildError, match=r"each of the first 10 \(signal SIGKILL\)"):
        child(set(names)).process([Entry(name) for name in names], job)
    table = child({"/0.jpg", "/1.jpg"}).process([Entry("/0.jpg"), Entry("/1.jpg")], job)
    assert rows.failed_rows(table) == 2  # so few may be damaged


@pytest.mark.parametrize("failures", [1, 99])
def test_records_that_cannot_be_written_are_kept_for_a_while(job, monkeypatch, failures):
    left, calls, write = [failures], [], storage.write

    def full(address: str, data: bytes) -> None:
        if left[0]:
            left[0] -= 1
            raise FileError(f"{address}: cannot write there (No space left on device)")
        write(address, data)

    def process(entries: Sequence[Entry], job: Job) -> Any:
        calls.append(entries)
        return found(entries, job)

    monkeypatch.setattr(storage, "write", full)
    monkeypatch.setattr(work, "_WRITE_WAITS_S", (0, 0, 0))
    outcome = process_shard(job, 0, process=process)
    assert len(calls) == 1
    assert (outcome.problem is None) == (failures == 1)
    assert outcome.totals.entries == (1 if failures == 1 else 0)


def test_where_nothing_can_be_written_nothing_is_processed(job, monkeypatch):
    def refuse(path: str, data: bytes) -> None:
        raise FileError(f"{path}: cannot write there (No space left on device)")

    monkeypatch.setattr(storage, "PendingFile", refuse)
    outcome = process_shard(job, 0, process=lambda *_: pytest.fail("processed"))
    assert outcome.problem is not None and "No space left" in outcome.problem


class FakeRay:
    """As much of Ray as running tasks needs; each ends at once, as ``outcomes`` says."""

    class exceptions:
        class RayError(Exception):
            """A worker died."""

    def __init__(self, outcomes: Callable[[int], Outcome | Exception]) -> None:
        self.outcomes, self.tried = outcomes, list[int]()

    def remote(self, **options: object) -> Any:
        return lambda function: SimpleNamespace(remote=self.task)

    def task(self, job: Job, number: int, retry_failed: bool, isolated: bool) -> tuple[int, int]:
        self.tried.append(number)
        return len(self.tried), number

    def wait(self, running: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        return running[:1], running[1:]

    def get(self, reference: tuple[int, int]) -> Outcome:
        outcome = self.outcomes(reference[1])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def put(self, job: Job) -> Job:
        return job

    def cluster_resources(self) -> dict[str, int]:
        return {"CPU": 1}


def ray_outcomes(ray: FakeRay, shards: int) -> Iterator[Outcome]:
    tasks = [(number, False) for number in range(shards)]
    return engines._on_ray(ray, Job("/results", {}, PictureOptions()), tasks)


def test_a_shard_that_tells_its_problem_is_tried_three_times():
    ray = FakeRay(lambda number: Outcome(number, problem="full" if number == 1 else None))
    problems = {outcome.number: outcome.problem for outcome in ray_outcomes(ray, 40)}
    assert problems == dict.fromkeys(range(40)) | {1: "full"}
    assert ray.tried.count(1) == 3


def test_a_shard_whose_workers_die_is_tried_for_longer():
    death = FakeRay.exceptions.RayError("died")
    ray = FakeRay(lambda number: death if number == 1 else Outcome(number))
    assert {outcome.problem for outcome in ray_outcomes(ray, 3)} == {None, "died"}
    assert ray.tried.count(1) == 20


def test_where_nothing_is_done_the_run_ends(capsys, monkeypatch):
    ray = FakeRay(lambda number: Outcome(number, problem="full"))
    assert len(list(ray_outcomes(ray, 1000))) < 10
    assert len(ray.tried) < 20
    monkeypatch.setattr(
        engines, "process_shard", lambda job, number, *_: Outcome(number, problem="full")
    )
    outcomes = engines.in_this_process(None, [(number, False) for number in range(1000)])
    assert len(list(outcomes)) == 10
    assert capsys.readouterr().err.count("stopped: 10 attempts in a row were not done") == 2


def test_a_machine_with_other_packages_is_refused(monkeypatch):
    monkeypatch.setattr(work, "hashes", lambda detection: {})
    job = Job("/results", {"model": "none"}, PictureOptions(), versions={"opencv": "0.1"})
    with pytest.raises(UserFacingError, match="opencv of this machine is not the version"):
        work.detector_for(job)
