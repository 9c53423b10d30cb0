"""Who does the shards: Ray, on this machine or on many, or this process by itself."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from mask_detector.cluster.isolation import Child, process_isolated
from mask_detector.cluster.work import Job, Outcome, process_shard
from mask_detector.errors import UserFacingError
from mask_detector.photos.parallel import usable_cores
from mask_detector.terminal import interrupt_once, say

_TRIES = 3
"""So often a shard is tried as a whole; then photo by photo, in a child process."""

_MOST_TRIES = 20  # nodes may come and go many times

_MOST_PROBLEMS = 3
"""So often a shard is tried that tells why it cannot be done: each time costs its computing."""

_PROBLEMS_IN_A_ROW = 10  # of whatever shards: it is not the shards then
_PAUSE_S = 10.0  # of a processor whose shard was not done: others take the next meanwhile
_POLL_S = 5.0
_CONNECT_S = 10.0
_MACHINES_LIMIT_S = 3600.0  # without any: they may be starting, or rented when there is work
_STARTS = 3  # of a Ray of this run's own
_STORE_BYTES = 100_000_000  # results are files: Ray's own store holds next to nothing

Task = tuple[int, bool]  # a shard's number, and whether only what failed is done again


def in_this_process(job: Job, tasks: Sequence[Task]) -> Generator[Outcome, None, None]:
    """Do shards one after the other in one child process, on one core."""
    problems = ProblemsInARow()
    with Child() as child:
        for number, retry_failed in tasks:
            outcome = process_shard(job, number, retry_failed, child.process)
            yield outcome
            if problems.too_many(outcome):
                return


def attempt(job: Job, number: int, retry_failed: bool, isolated: bool) -> Outcome:
    """What a Ray worker does."""
    process = process_isolated if isolated else None
    outcome = process_shard(job, number, retry_failed, process)
    if outcome.problem and not outcome.fatal:
        time.sleep(_PAUSE_S)
    return outcome


class ProblemsInARow:
    """Whether shard after shard cannot be done: a full disk would cost the computing of all."""

    def __init__(self) -> None:
        self._count = 0

    def too_many(self, outcome: Outcome, at_a_time: int = 1) -> bool:
        """Count an attempt, and say where there are too many.

        Args:
            at_a_time: attempts under way: a single bad machine may end many of them one after
                the other.
        """
        self._count = self._count + 1 if outcome.problem else 0
        if self._count < max(_PROBLEMS_IN_A_ROW, at_a_time):
            return False
        say(f"stopped: {self._count} attempts in a row were not done", sys.stderr)
        return True


def on_ray(address: str | None, job: Job, tasks: Sequence[Task]) -> Generator[Outcome, None, None]:
    """Do shards as Ray tasks, in the order in which they end.

    Args:
        address: of a cluster ("auto" for the one on this machine); None starts Ray here and
            stops it at the end.

    Raises:
        UserFacingError: no cluster answers, or it went away.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_agent_register_timeout_ms", "30000")  # busy machines need longer
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or Ray warns of it
    if not address and "RAY_AUTH_MODE" not in os.environ:
        # Other users of this machine cannot use the Ray of this run; Ray itself would leave a
        # token in the home folder.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    import ray

    if address:
        _check_reachable(address)
    own: dict[str, Any] = {} if address else {
        "num_cpus": usable_cores(),
        "object_store_memory": _STORE_BYTES,
        "include_dashboard": False,
    }  # fmt: skip
    for left in range(_STARTS)[::-1]:
        try:
            with nullcontext() if address else _fewer_services(ray):
                ray.init(
                    address or "local", log_to_driver=False, logging_level=logging.ERROR, **own
                )
            break
        except Exception as error:  # Ray raises plain ones, too
            ray.shutdown()
            if left and not address and "timed out" in str(error):
                continue  # Ray gives its services 30 seconds: few on a busy machine
            why = str(error).strip().split("\n")[0][:200]
            where = address or "local"
            raise UserFacingError(f"--ray {where}: no Ray cluster there ({why})") from None
    interrupt_once()  # Ray has put its own handlers in place
    try:
        yield from _on_ray(ray, job, tasks)
    except ConnectionError:
        raise UserFacingError(
            "the Ray cluster went away: start the same command again once it is back"
        ) from None
    finally:
        ray.shutdown()


@contextmanager
def _fewer_services(ray: Any) -> Iterator[None]:
    """Ray starts no autoscaler, log monitor and dashboard server: nobody here asks them anything.

    They take half of the processor time of Ray's services. ``ray start`` has options for the first
    two, ``ray.init`` has none: what it calls gets them as defaults. The dashboard's server starts
    without a dashboard, too, to send usage statistics, which are off; Ray does without it where it
    fails to start, as it seems to here.
    """
    private = ray._private
    original = private.parameter.RayParams, private.services.start_api_server
    private.parameter.RayParams = partial(original[0], include_log_monitor=False, no_monitor=True)
    private.services.start_api_server = lambda *_, **__: (None, None)
    try:
        yield
    finally:
        private.parameter.RayParams, private.services.start_api_server = original


def _check_reachable(address: str) -> None:
    """Raise UserFacingError where nobody listens: Ray itself would try for two minutes."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or "://" in address:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise UserFacingError(f"--ray {address}: no Ray cluster there ({error})") from None


def _on_ray(ray: Any, job: Job, tasks: Sequence[Task]) -> Generator[Outcome, None, None]:
    # Ray's own retries do not tell a photo that kills its worker from a machine that went away.
    remote = ray.remote(num_cpus=1, max_retries=0)(attempt)
    waiting, tries, told = deque(tasks), Counter[int](), Counter[int]()
    problems = ProblemsInARow()
    running: dict[Any, Task] = {}
    job_there = ray.put(job)
    machines = _Machines(ray)
    most = 2
    while waiting or running:
        if not running or len(running) < most:
            # Machines may join: a few tasks more than processors keep all of them busy.
            most = 2 * int(ray.cluster_resources().get("CPU", 1)) + 2
        while waiting and len(running) < most:
            number, retry_failed = waiting.popleft()
            isolated = tries[number] >= _TRIES
            reference = remote.remote(job_there, number, retry_failed, isolated)
            running[reference] = number, retry_failed
        done, _ = ray.wait(list(running), timeout=_POLL_S)
        if not done:
            machines.check()
        for reference in done:
            number, retry_failed = running.pop(reference)
            tries[number] += 1
            try:
                outcome = ray.get(reference)
                told[number] += 1
                stop = problems.too_many(outcome, most)
            except ray.exceptions.RayError as error:
                outcome = Outcome(number, problem=str(error).strip().split("\n")[0])
                stop = False
            last = tries[number] == _MOST_TRIES or told[number] == _MOST_PROBLEMS
            if outcome.problem and not (outcome.fatal or last or stop):
                waiting.append((number, retry_failed))
            else:
                yield outcome
            if stop:
                return


class _Machines:
    """Whether the cluster has machines: without any, its tasks would wait in silence for ever."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._missing_since: float | None = None

    def check(self) -> None:
        """Say where the cluster has no processor, and wait for one only as long as the limit.

        Raises:
            UserFacingError: it has had none for too long.
        """
        if self._ray.cluster_resources().get("CPU", 0) >= 1:
            self._missing_since = None
        elif self._missing_since is None:
            self._missing_since = time.monotonic()
            say("the Ray cluster has no processor: waiting for a machine to join", sys.stderr)
        elif time.monotonic() - self._missing_since > _MACHINES_LIMIT_S:
            raise UserFacingError(
                f"the Ray cluster has had no processor for {_MACHINES_LIMIT_S / 60:.0f} minutes: "
                "start the same command again once a machine has joined"
            )
