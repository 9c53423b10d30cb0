"""What a process and the child that processes its photos send each other.

Questions are a line of JSON; answers are a line of JSON, followed by a table as an Arrow stream.
Neither can run code: a hostile photo that takes over the child must not get further.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import IO, TYPE_CHECKING

from mask_detector.cluster.manifest import Entry
from mask_detector.cluster.work import Job
from mask_detector.errors import UserFacingError
from mask_detector.photos.processing import PictureOptions

if TYPE_CHECKING:
    import pyarrow as pa


def send_question(stream: IO[bytes], entries: Sequence[Entry], job: Job) -> None:
    """Ask for the rows of some photos and videos."""
    question = {"entries": [asdict(entry) for entry in entries], "job": asdict(job)}
    stream.write(json.dumps(question, default=str).encode() + b"\n")  # str: paths
    stream.flush()


def receive_question(stream: IO[bytes]) -> tuple[list[Entry], Job]:
    """The next question.

    Raises:
        EOFError: there are no more.
    """
    question = json.loads(_line(stream))
    job = question["job"] | {"options": PictureOptions(**question["job"]["options"])}
    return [Entry(**entry) for entry in question["entries"]], Job(**job)


def send_answer(stream: IO[bytes], answer: pa.Table | UserFacingError) -> None:
    """Send a table, or the sentence why there is none."""
    if isinstance(answer, UserFacingError):
        stream.write(json.dumps({"error": str(answer)}).encode() + b"\n")
    else:
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, answer.schema) as writer:
            writer.write_table(answer)
        table = sink.getvalue()
        stream.write(json.dumps({"bytes": table.size}).encode() + b"\n")
        stream.write(table)
    stream.flush()


def receive_answer(stream: IO[bytes]) -> pa.Table:
    """The next answer's table.

    Raises:
        EOFError: the child ended before it had answered.
        UserFacingError: the answer is a sentence.
    """
    import pyarrow as pa

    header = json.loads(_line(stream))
    if "error" in header:
        raise UserFacingError(header["error"])
    content = stream.read(header["bytes"])
    if len(content) < header["bytes"]:
        raise EOFError
    return pa.ipc.open_stream(content).read_all()


def _line(stream: IO[bytes]) -> bytes:
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line
