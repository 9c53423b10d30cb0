"""Damaged files, each opened in a child process: refused in a sentence, or read as they are.

    python -m benchmarks.endurance.mutants compiled 0 50

opens 50 mutants with the seeds 0 to 49 and prints a line for each. A crash of the child (LiteRT and
the decoders are C++), an exception that is not a sentence for the user, or a mutant that takes
longer than a minute is a fault.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.endurance import EXAMPLES, REPOSITORY, Deadline, Row, environment

BATCH = 50
"""Mutants per child process."""

LIMIT_S = 60
"""Longer for one mutant is a hang."""

MODEL = REPOSITORY / "mask_detector.model"

_WORDS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 0x10000)
"""Values at which readers of tables break: lengths, offsets and signs at their limits."""


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Damage a file as transfers, disks and attackers do: words, bits, blocks, its end."""
    mutant = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        size = len(mutant)
        if not size:
            break
        # The tables that a reader follows stand at the ends of most files.
        edge = min(size, 1 << 16)
        place = rng.choice(
            (rng.randrange(size), rng.randrange(edge), size - 1 - rng.randrange(edge))
        )
        kind = rng.choice(
            ("word", "word", "word", "bit", "byte", "zero", "repeat", "remove", "cut")
        )
        length = rng.choice((4, 16, 64, 256))
        if kind == "word":
            place -= place % 4
            word = rng.choice((*_WORDS, rng.getrandbits(32), rng.randrange(256)))
            mutant[place : place + 4] = word.to_bytes(4, "little")
        elif kind == "bit":
            mutant[place] ^= 1 << rng.randrange(8)
        elif kind == "byte":
            mutant[place] = rng.randrange(256)
        elif kind == "zero":
            mutant[place : place + length] = bytes(len(mutant[place : place + length]))
        elif kind == "repeat":
            mutant[place:place] = mutant[place : place + length]
        elif kind == "remove":
            del mutant[place : place + length]
        elif rng.random() < 0.2:
            del mutant[max(1, place) :]
    return bytes(mutant)


# Inside the child: one mutant of a kind, opened as the scripts open it.


def _open_model(path: Path) -> None:
    from mask_detector.classifier import Classifier
    from mask_detector.models.model_file import read_model

    Classifier(read_model(path), threads=1)


def _compiled(folder: Path, rng: random.Random) -> Callable[[], object]:
    """The shipped model with a damaged network in an archive that is whole."""
    from mask_detector.models.model_file import COMPILED_MEMBER

    path = folder / "mutant.model"
    with zipfile.ZipFile(MODEL) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            if name == COMPILED_MEMBER:
                new.writestr(name, mutate(old.read(name), rng))
            elif name.endswith(".json"):
                new.writestr(name, old.read(name))
    return lambda: _open_model(path)


def _model(folder: Path, rng: random.Random) -> Callable[[], object]:
    """The shipped model's archive, damaged anywhere."""
    path = folder / "mutant.model"
    path.write_bytes(mutate(MODEL.read_bytes(), rng))
    return lambda: _open_model(path)


def _photo(folder: Path, rng: random.Random) -> Callable[[], object]:
    from mask_detector.images import read_photo

    source = rng.choice(sorted(EXAMPLES.glob("example_0*.*g")))
    path = folder / f"mutant{source.suffix}"
    path.write_bytes(mutate(source.read_bytes(), rng))
    return lambda: read_photo(path)


def _video(folder: Path, rng: random.Random) -> Callable[[], object]:
    from mask_detector.video.sources import Sources

    path = folder / "mutant.mp4"
    path.write_bytes(mutate((EXAMPLES / "example_video.mp4").read_bytes(), rng))

    def read() -> None:
        with Sources([str(path)]) as sources:
            for _ in sources:
                pass

    return read


KINDS: dict[str, tuple[str, Callable[[Path, random.Random], Callable[[], object]]]] = {
    "compiled": ("model file, its compiled network damaged", _compiled),
    "model": ("model file, damaged anywhere", _model),
    "photo": ("photo (JPEG, PNG), damaged", _photo),
    "video": ("video (MP4), damaged", _video),
}


def child(kind: str, first: int, count: int) -> None:
    """Open mutants one after the other and print what became of each."""
    from mask_detector.errors import UserFacingError

    make = KINDS[kind][1]
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            open_mutant = make(Path(folder), random.Random(seed))
            try:
                open_mutant()
                result = "read"
            except UserFacingError:
                result = "refused"
            except Exception as error:
                result = f"{type(error).__name__}: {error}".splitlines()[0]
            print(result, flush=True)


# In the parent: batches of mutants, whatever becomes of their processes.


def _lines(kind: str, first: int) -> Iterator[str]:
    """What became of the mutants of a batch, up to one at which the child crashed or hung."""
    command = [sys.executable, "-m", "benchmarks.endurance.mutants", kind, str(first), str(BATCH)]
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        count = 0
        while count < BATCH:
            hang = threading.Timer(LIMIT_S, process.kill)
            hang.start()
            line = process.stdout.readline()
            hung = not hang.is_alive()
            hang.cancel()
            if not line:
                yield f"took longer than {LIMIT_S} s" if hung else f"died with {process.wait()}"
                return
            count += 1
            yield line.strip()


def mutants(deadline: Deadline, most: int) -> list[Row]:
    """Open up to ``most`` mutants of each kind, the kinds in turns."""
    rows = {kind: Row(f"open a {words}") for kind, (words, _) in KINDS.items()}
    results: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    while deadline.left and any(row.tried < most for row in rows.values()):
        for kind, row in rows.items():
            if row.tried >= most or not deadline.left:
                continue
            for line in _lines(kind, row.tried):
                results[kind][line] += 1
                if line not in ("read", "refused"):
                    row.faults.append(f"{kind} mutant {row.tried}: {line}")
                row.tried += 1
    for kind, row in rows.items():
        found = results[kind]
        row.outcome = f"{found['refused']} refused in a sentence, {found['read']} read"
    return list(rows.values())


if __name__ == "__main__":
    child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
