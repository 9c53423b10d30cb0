"""The parts of a run: inputs, shards, rows, waits between tries, progress."""

from __future__ import annotations

import errno
import json
import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pyarrow import fs

from mask_detector.cluster import engines, manifest, rows, storage, tables
from mask_detector.cluster.inputs import Seen, find_entries, overlap
from mask_detector.cluster.manifest import Entry, read_manifest, read_shard, write_manifest
from mask_detector.cluster.progress import progress_line
from mask_detector.cluster.work import Job, picture_place, process_shard
from mask_detector.errors import FileError, PhotoError, UserFacingError
from mask_detector.photos.processing import PictureOptions

CLASSES = ("with_mask", "without_mask")


@pytest.mark.parametrize(
    ("photos", "size", "sizes"),
    [
        (0, None, []),
        (1, None, [1]),
        (40, None, [32, 8]),
        (5, 2, [2, 2, 1]),
        (2100, None, [32] * 32 + [33] * 1),
    ],
)
def test_shards_grow_with_the_manifest(tmp_path, photos, size, sizes):
    entries = [Entry(f"/{number}.jpg") for number in range(photos)]
    made = write_manifest(str(tmp_path), entries, size)
    shards = [read_shard(str(tmp_path), number) for number in range(made.shards)]
    assert [each for shard in shards for each in shard] == entries
    assert [len(shard) for shard in shards][: len(sizes)] == sizes
    assert read_manifest(str(tmp_path)) == (made if photos else None)


def test_a_manifest_is_waited_for_as_long_as_it_grows(tmp_path, monkeypatch):
    folder, sleeps = tmp_path / "manifest", []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) < 3:
            (folder / f"part-{len(sleeps):06}.parquet").touch()

    folder.mkdir()
    (folder / "part-000000.parquet").touch()
    monkeypatch.setattr(manifest, "_WAIT_S", -1)
    monkeypatch.setattr(manifest.time, "sleep", sleep)
    with pytest.raises(FileError, match="part 0"):
        manifest.wait_for_manifest(str(tmp_path))
    assert len(sleeps) == 3
    complete = write_manifest(str(tmp_path), [Entry("/a.jpg")], None)
    assert manifest.wait_for_manifest(str(tmp_path)) == complete


def test_a_video_is_a_shard_of_its_own(tmp_path):
    entries = [Entry("/a.jpg"), Entry("/b.mp4", film=True), Entry("/c.jpg")]
    made = write_manifest(str(tmp_path), entries, None)
    assert (made.shards, made.photos, made.films) == (2, 2, 1)
    assert read_shard(str(tmp_path), 0) == [entries[1]]


def test_a_name_that_is_no_text_does_not_end_the_listing(tmp_path):
    write_manifest(str(tmp_path), [Entry("/a\udcff.jpg"), Entry("/ä.jpg")], None)
    assert read_shard(str(tmp_path), 0) == [Entry("/a?.jpg"), Entry("/ä.jpg")]


def test_a_long_list_takes_no_more_memory_than_a_short_one(tmp_path):
    peaks = []
    for count in (1_000, 20_000):
        (tmp_path / "list.txt").write_text("".join(f"/photos/{n:060}.jpg\n" for n in range(count)))
        tracemalloc.start()
        entries = find_entries([], [str(tmp_path / "list.txt")], "/results")
        write_manifest(str(tmp_path), entries, 500)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]  # the names take ten times as much


@pytest.mark.parametrize("records", [[], "both"])
def test_rows_become_the_records_they_were_made_from(records, tmp_path):
    face = {
        "box": [1, 2, 30, 40],
        "score": 0.9812,
        "label": "with_mask",
        "probabilities": {"with_mask": 0.9701, "without_mask": 0.0299},
    }
    found = {"faces": [face, {**face, "unsure": True}], "counts": {**dict.fromkeys(CLASSES, 1)}}
    found["counts"]["unsure"] = 1
    none = {"faces": [], "counts": dict.fromkeys(CLASSES, 0)}
    if records:
        records = [
            {"image": "a.jpg", "width": 64, "height": 48, **found},
            {"image": "b.jpg", "error": "damaged"},
            {"image": "c.jpg", "width": 64, "height": 48, **none},
        ]
    (tmp_path / "a.parquet").write_bytes(
        tables.encoded(rows.as_table(records, rows.schema(CLASSES)))
    )
    table = tables.read_table(str(tmp_path / "a.parquet"))
    assert list(map(rows.as_record, table.to_pylist())) == records
    assert rows.failed_rows(table) == (1 if records else 0)
    expected = {"with_mask": 1, "without_mask": 1, "unsure": 1} if records else {}
    assert +rows.total_counts(table) == expected


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        (["/a", "/ab", "s3://x/y"], False),
        (["/a/b", "/a"], True),
        (["/", "/data"], True),
        (["s3://x/y/z", "s3://x"], True),
        (["hdfs://", "hdfs:///data"], True),
        (["hdfs://", "hdfs://host/data"], False),
    ],
)
def test_folders_in_folders_are_noticed(roots, expected):
    assert overlap(roots) is expected


def test_folders_in_folders_are_processed_once(tmp_path):
    for name in ("a.jpg", "deep/b.jpg", ".hidden/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    roots = [tmp_path, tmp_path / "deep", tmp_path / ".hidden", tmp_path, tmp_path / "a.jpg"]
    found = [Path(each.image).name for each in find_entries(map(str, roots), [], "/results")]
    assert sorted(found) == ["a.jpg", "b.jpg", "c.jpg"]  # what is named itself is not left out


def test_a_temporary_file_that_cannot_grow_is_one_sentence(monkeypatch):
    seen = Seen()
    seen._database.execute("PRAGMA max_page_count = 3")
    with pytest.raises(FileError, match="TMPDIR"):
        for number in range(1000):
            seen.add(f"/{number}.jpg")


def test_what_is_named_twice_is_processed_once(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "photos" / name).write_bytes(b"x")
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text(f"{tmp_path}/photos/a.jpg\n/c.jpg\n/c.jpg\n/d.mp4\n")
    second.write_text("/d.mp4\n/e.jpg\n")
    found = find_entries([str(tmp_path / "photos")], [str(first), str(second)], "/results")
    names = [Path(entry.image).name for entry in found]
    assert sorted(names[:2]) == ["a.jpg", "b.jpg"]
    assert names[2:] == ["c.jpg", "d.mp4", "e.jpg"]


@pytest.mark.parametrize(
    ("root", "path"), [("gs://archive/2024", "archive/2024"), ("hdfs://host:9000/data", "data")]
)
def test_addresses_of_other_stores(root, path, tmp_path, monkeypatch):
    """The libraries' file systems are a local folder here: which paths they are given counts."""
    files = NoOverwriting(fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()))
    monkeypatch.setattr(storage, "_connected", lambda scheme, host: files)
    (tmp_path / path / "deep").mkdir(parents=True)
    for name in ("b.jpg", ".hidden.jpg", "deep/c.mp4", "deep/.hidden/d.jpg"):
        (tmp_path / path / name).parent.mkdir(exist_ok=True)
        storage.write(f"{root}/{name}", b"before")
        storage.write(f"{root}/{name}", name.encode())
    assert (tmp_path / path / "b.jpg").read_bytes() == storage.read(f"{root}/b.jpg") == b"b.jpg"
    assert storage.is_folder(root) and storage.exists(f"{root}/b.jpg")
    found = sorted(each.image for each in find_entries([root], [], f"{root}/results"))
    assert found == [f"{root}/b.jpg", f"{root}/deep/c.mp4"]
    storage.download(f"{root}/deep/c.mp4", tmp_path / "copy.mp4")
    assert (tmp_path / "copy.mp4").read_bytes() == b"deep/c.mp4"
    with pytest.raises(PhotoError, match="there is no such file"):
        storage.read_photo_bytes(f"{root}/none.jpg")
    assert not list(tmp_path.rglob("*.part"))


class NoOverwriting:
    """A file system that renames nothing to a name that is taken, as HDFS."""

    def __init__(self, files: fs.FileSystem) -> None:
        self._files = files

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)

    def move(self, source: str, target: str) -> None:
        """Rename a file."""
        if self._files.get_file_info(target).type != fs.FileType.NotFound:
            raise PermissionError("this name is taken")
        self._files.move(source, target)


def test_sub_folders_of_google_cloud_storage_need_no_object_of_their_own(monkeypatch):
    names = ["2024/a.jpg", "2024/deep/b.jpg", "2024/.hidden/c.jpg", "2024//d.jpg", "2025/e.jpg"]

    class Listing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            prefix = parse_qs(asked.query).get("prefix", [""])[0]
            items = [
                {"bucket": "archive", "name": name, "size": "1", "generation": "1"}
                for name in names
                if name.startswith(prefix)
            ]
            self.send_response(200 if asked.path.endswith("/o") else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"kind": "storage#objects", "items": items}).encode())

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_port}"
        files = fs.GcsFileSystem(anonymous=True, scheme="http", endpoint_override=place)
        monkeypatch.setattr(storage, "_connected", lambda scheme, host: files)
        found = [each.image for each in find_entries(["gs://archive/2024"], [], "gs://results")]
        server.shutdown()
    assert found == [f"gs://archive/{name}" for name in (*names[:2], names[3])]
    with pytest.raises(PhotoError, match="two slashes in a row"):
        storage.read_photo_bytes(found[-1])


@pytest.mark.parametrize(
    ("errors", "waits", "result"),
    [
        ([], 0, "done"),
        ([OSError("AWS Error SLOW_DOWN"), OSError("Timeout was reached")], 2, "done"),
        ([OSError("AWS Error SERVICE_UNAVAILABLE")] * 9, 4, OSError),
        ([FileNotFoundError("gone")], 0, FileNotFoundError),
        ([OSError(errno.ENOSPC, "No space left on device")], 0, OSError),
        ([ValueError("not a name")], 0, OSError),
        ([OSError("AWS Error ACCESS_DENIED during GetObject")], 0, OSError),
    ],
)
def test_only_errors_that_may_pass_are_tried_again(errors, waits, result):
    left, waited = list(errors), []

    def action() -> str:
        if left:
            raise left.pop(0)
        return "done"

    if isinstance(result, str):
        assert storage.retried(action, waited.append) == result
    else:
        with pytest.raises(result):
            storage.retried(action, waited.append)
    assert len(waited) == waits
    assert waited == sorted(waited)


def test_pictures_of_different_photos_have_different_places():
    names = ["/d/a.jpg", "s3://d/a.jpg", "gs://d/a.jpg", "/d/a.heic", "/d/a.png", "/d/a.heic.png"]
    places = [picture_place(name) for name in names[:5]]
    assert len(set(places)) == 5
    assert picture_place("s3://archive/2024/a.jpg") == "s3/archive/2024/a.jpg"
    assert picture_place("/d/b.heic", page=2) == "local/d/b.heic_2.png"


def test_progress_says_how_fast_and_how_long():
    expected = "1,200 of 36,000 done, 20.0 per second, about 0:29:00 left"
    assert progress_line(1200, 36000, 60) == expected
    assert progress_line(0, 10, 0) == "0 of 10 done, 0.0 per second"


@pytest.mark.parametrize("content", [None, b"PAR1 and no more"])
@pytest.mark.parametrize("folder", ["manifest", "records"])
def test_a_damaged_file_of_a_run_is_one_sentence(tmp_path, content, folder):
    write_manifest(str(tmp_path), [Entry("/a.jpg")], None)
    damaged = tmp_path / folder / "part-000000.parquet"
    damaged.unlink(missing_ok=True)
    if content is not None:
        damaged.parent.mkdir(exist_ok=True)
        damaged.write_bytes(content)
    outcome = process_shard(Job(str(tmp_path), {}, PictureOptions()), 0, retry_failed=True)
    assert outcome.problem is not None
    assert outcome.problem.startswith(f"{damaged}: cannot be read (")


def test_a_cluster_without_machines_is_waited_for_within_limits(monkeypatch, capsys):
    processors = [0, 0, 2, 0, 0]
    ray = SimpleNamespace(cluster_resources=lambda: {"CPU": processors.pop(0)})
    machines = engines._Machines(ray)
    for said in (1, 0, 0, 1):  # again once one has come and gone
        machines.check()
        assert capsys.readouterr().err.count("waiting for a machine") == said
    monkeypatch.setattr(engines, "_MACHINES_LIMIT_S", 0)
    with pytest.raises(UserFacingError, match="has had no processor"):
        machines.check()
