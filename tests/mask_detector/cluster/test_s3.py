"""Runs from a bucket into a bucket, on moto's server; a server that is busy at first."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec

import pytest
from pyarrow import fs

from benchmarks.cluster_nodes import Server, answers, free_port
from mask_detector.cluster import storage
from mask_detector.errors import PhotoError

KEYS = {"AWS_ACCESS_KEY_ID": "AKIATESTKEY", "AWS_SECRET_ACCESS_KEY": "veryhidden"}


@pytest.fixture
def endpoint(monkeypatch) -> Iterator[None]:
    """Variables for a server of the test's own; connections are not kept for others."""
    for name, value in (KEYS | {"AWS_DEFAULT_REGION": "us-east-1"}).items():
        monkeypatch.setenv(name, value)
    storage._connected.cache_clear()
    yield
    storage._connected.cache_clear()


@pytest.fixture
def bucket(endpoint, monkeypatch, tmp_path, wait_for) -> Iterator[fs.S3FileSystem]:
    """An S3 server with the buckets ``archive`` and ``results``."""
    if find_spec("moto") is None:
        pytest.skip("moto is not installed (requirements-dev.txt)")
    port = free_port()
    path = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    server = Server(tmp_path / "s3.log", path, "moto.server", "-H", "127.0.0.1", "-p", port)
    try:
        wait_for(lambda: answers(port), server.process)
        address = f"http://127.0.0.1:{port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        files = fs.S3FileSystem(
            endpoint_override=address, region="us-east-1", allow_bucket_creation=True
        )
        for name in ("archive", "results"):
            files.create_dir(name)
        yield files
    finally:
        server.kill()


def test_a_bucket_gives_the_same_records_also_where_it_changes(
    bucket, cluster, records_of, script_records, photo_folder, tmp_path
):
    fs.copy_files(
        str(photo_folder), "archive/2024", destination_filesystem=bucket, use_threads=False
    )
    arguments = ("--image", "s3://archive/2024/", "--output", "s3://results/run", "--pictures")
    done = cluster(*arguments, "--shard-size", 3)
    assert done.returncode == 1, done.stderr
    assert records_of("s3://results/run", "s3://archive/2024") == script_records

    bucket.delete_file("results/run/records/part-000001.parquet")
    bucket.copy_file("archive/2024/a.png", "archive/2024/new.png")
    again = cluster(*arguments, "--shard-size", 3)
    assert again.stdout.startswith("7 photos and videos (4 done before), 2 failed; ")
    assert records_of("s3://results/run", "s3://archive/2024") == script_records

    infos = bucket.get_file_info(fs.FileSelector("results/run", recursive=True))
    written = [info.path for info in infos if info.is_file]
    assert "results/run/pictures/s3/archive/2024/a.png" in written
    for path in written:
        with bucket.open_input_stream(path) as stream:
            content = stream.read()
        assert not any(secret.encode() in content for secret in KEYS.values())


def test_names_that_cannot_be_read_are_rows_with_errors(bucket, cluster, records_of, photo_folder):
    import boto3

    client = boto3.client("s3")
    photo = (photo_folder / "inner place/none.png").read_bytes()
    names = ["a/c.png", "a//b.png", "a///d.png", "/x.png", "a/deep/e.png", "a/", "a//", "/"]
    names += ["a/.hidden/f.png", "a/run/pictures/s3/archive/g.png", "ab/h.png"]
    for name in names:
        client.put_object(Bucket="archive", Key=name, Body=photo)
    done = cluster("--image", "s3://archive", "--output", "s3://archive/a/run", "--shard-size", 2)
    assert (done.returncode, done.stderr) == (1, "")
    records = records_of("s3://archive/a/run", "s3://archive")
    wrong = {name for name, record in records.items() if "error" in record}
    assert wrong == {"a//b.png", "a///d.png", "/x.png"}
    assert "two slashes in a row" in records["a//b.png"]["error"]
    assert records.keys() - wrong == {"a/c.png", "a/deep/e.png", "ab/h.png"}


def test_a_photo_is_read_with_two_requests_and_written_with_one(endpoint, monkeypatch):
    photo = b"x" * 3_000_000
    with server_of(photo, busy=0) as requests:
        monkeypatch.setenv("AWS_ENDPOINT_URL", requests.address)
        assert storage.read_photo_bytes("s3://archive/a.jpg") == photo
        assert requests.count == {"HEAD": 1, "GET": 1}
        monkeypatch.setattr(storage, "MOST_BYTES", 2_000_000)
        with pytest.raises(PhotoError, match=r"0\.0 GB are too many"):
            storage.read_photo_bytes("s3://archive/a.jpg")
        requests.count.clear()
        storage.write("s3://results/a.jpg", photo)
        assert requests.count == {"PUT": 1}


def test_a_bucket_that_is_missing_is_one_sentence(bucket, cluster):
    done = cluster("--image", "s3://nowhere/a", "--output", "s3://results/run")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    done = cluster("--image", "s3://archive", "--output", "s3://nowhere/run")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_a_server_that_answers_503_twice_is_asked_again(endpoint, monkeypatch):
    with server_of(b"photo", busy=2) as requests:
        monkeypatch.setenv("AWS_ENDPOINT_URL", requests.address)
        assert storage.read_photo_bytes("s3://archive/a.jpg") == b"photo"
    assert requests.count["GET"] >= 3


@dataclass
class Requests:
    """What a server was asked for, by method, and where it listens."""

    address: str
    count: Counter[str] = field(default_factory=Counter)


@contextmanager
def server_of(content: bytes, busy: int) -> Iterator[Requests]:
    """An S3 server that has one object, under all names; it is busy at first."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            requests.count[self.command] += 1
            if requests.count[self.command] <= busy:
                self.send_response(503)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Content-Length", str(0 if self.command == "PUT" else len(content)))
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def do_PUT(self) -> None:
            if length := self.headers["Content-Length"]:
                self.rfile.read(int(length))
            else:  # in chunks, each after a line with its size in hexadecimal digits
                while size := int(self.rfile.readline(), 16):
                    self.rfile.read(size + 2)
                self.rfile.readline()
            self.do_GET()

        do_HEAD = do_GET

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        requests = Requests(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield requests
        server.shutdown()
