"""Lists of photos: text, Parquet, inventories of S3, and those that are damaged."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from mask_detector.cluster.inputs import find_entries
from mask_detector.errors import UserFacingError


def addresses_in(path: object) -> list[str]:
    """What a run takes from a list."""
    return [entry.image for entry in find_entries([], [str(path)], "s3://archive/results")]


def inventory_of(folder: Path, rows: list[dict[str, object]], kind: str) -> Path:
    """The manifest of an inventory with these rows."""
    if kind == "CSV":
        name, schema = "part.csv.gz", ", ".join(rows[0])
        lines = (",".join(f'"{str(value).lower()}"' for value in row.values()) for row in rows)
        (folder / name).write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    else:
        name, schema = "part.parquet", ""
        columns = {"Bucket": "bucket", "Key": "key", "IsLatest": "is_latest"}
        columns["IsDeleteMarker"] = "is_delete_marker"
        there = [{columns.get(name, name): row[name] for name in row} for row in rows]
        parquet.write_table(pa.Table.from_pylist(there), folder / name)
    path = folder / "manifest.json"
    path.write_text(
        json.dumps(
            {
                "destinationBucket": "arn:aws:s3:::inventories",
                "fileFormat": kind,
                "fileSchema": schema,
                "files": [{"key": f"data/{name}"}],
            }
        )
    )
    return path


def test_lists_of_every_kind(tmp_path):
    expected = ["/data/a b.jpg", "s3://archive/ä+c%20.jpg", "/data/without an ending"]
    text, table = tmp_path / "list.txt", tmp_path / "list.parquet"
    text.write_text("\n".join(["", *expected, ""]), encoding="utf-8-sig")
    # As of Hugging Face: the pictures themselves are in the column "image".
    pictures = [{"bytes": b"x", "path": "a.jpg"}] * 3
    paths = pa.array(expected).dictionary_encode()
    parquet.write_table(pa.table({"image": pictures, "path": paths}), table)
    assert addresses_in(text) == addresses_in(table) == expected


@pytest.mark.parametrize("kind", ["CSV", "Parquet"])
def test_the_inventory_of_a_bucket(tmp_path, kind):
    key = "2024/a+b%2B.jpg" if kind == "CSV" else "2024/a b+.jpg"
    rows = [{"Bucket": "archive", "Key": key, "Size": 3}]
    assert addresses_in(inventory_of(tmp_path, rows, kind)) == ["s3://archive/2024/a b+.jpg"]


@pytest.mark.parametrize("kind", ["CSV", "Parquet"])
def test_of_an_inventory_is_taken_what_a_folder_would_give(tmp_path, kind):
    names = [
        "a.jpg", "2024/", "notes.txt", ".hidden/b.jpg", "__macosx/c.jpg", "film.mp4",
        "results/pictures/s3/archive/a.jpg",
    ]  # fmt: skip
    rows = [{"Bucket": "archive", "Key": name} for name in names]
    rows = [row | {"IsLatest": True, "IsDeleteMarker": False} for row in rows]
    older = {"IsLatest": False, "IsDeleteMarker": False}
    deleted = {"IsLatest": True, "IsDeleteMarker": True}
    rows += [{"Bucket": "archive", "Key": "d.jpg"} | state for state in (older, deleted)]
    found = addresses_in(inventory_of(tmp_path, rows, kind))
    assert found == ["s3://archive/a.jpg", "s3://archive/film.mp4"]


def test_an_empty_line_of_an_inventory_is_left_out(tmp_path):
    manifest = inventory_of(tmp_path, [{"Bucket": "archive", "Key": "a.jpg"}], "CSV")
    part = tmp_path / "part.csv.gz"
    part.write_bytes(gzip.compress(b"\n" + gzip.decompress(part.read_bytes()) + b"\n"))
    assert addresses_in(manifest) == ["s3://archive/a.jpg"]


@pytest.mark.parametrize(
    "damaged",
    [
        gzip.compress(b'"archive"\n'),
        gzip.compress(b'"archive","' + b"x" * 200_000 + b'"\n'),
        gzip.compress(b'"archive","a.jpg"\n' * 9)[:-12],
        gzip.compress(b"")[:10] + b"\xff" * 40,
        b"no gzip",
    ],
    ids=["one column", "long field", "cut off", "no data", "no gzip"],  # gzip holds the time
)
def test_a_damaged_inventory_is_one_sentence(tmp_path, damaged):
    manifest = inventory_of(tmp_path, [{"Bucket": "archive", "Key": "a.jpg"}], "CSV")
    (tmp_path / "part.csv.gz").write_bytes(damaged)
    with pytest.raises(UserFacingError, match="this list cannot be read"):
        addresses_in(manifest)


@pytest.mark.parametrize(
    "columns",
    [
        {"image": [1]},
        {"image": [{"bytes": b"x"}]},
        {"path": [b"/a.jpg"]},
        {"size": [1]},
    ],
)
def test_a_table_without_a_column_of_addresses_is_one_sentence(tmp_path, columns):
    parquet.write_table(pa.table(columns), tmp_path / "list.parquet")
    with pytest.raises(UserFacingError, match=r"it has no column image or path .* of strings"):
        addresses_in(tmp_path / "list.parquet")


@pytest.mark.parametrize("columns", [{"key": ["a.jpg"]}, {"bucket": [1], "key": ["a.jpg"]}])
def test_an_inventory_without_its_columns_is_one_sentence(tmp_path, columns):
    manifest = inventory_of(tmp_path, [{"Bucket": "archive", "Key": "a.jpg"}], "Parquet")
    parquet.write_table(pa.table(columns), tmp_path / "part.parquet")
    with pytest.raises(UserFacingError, match="this list cannot be read"):
        addresses_in(manifest)


@pytest.mark.parametrize("content", [b"{}", b"[", b"\xff\xfe\x00", b'{"fileFormat": 1}'])
@pytest.mark.parametrize("name", ["manifest.json", "list.parquet", "list.txt"])
def test_what_is_no_list_is_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    if name == "list.txt" and content != b"\xff\xfe\x00":
        return  # a name of a file like any other
    with pytest.raises(UserFacingError, match="this list cannot be read"):
        addresses_in(tmp_path / name)


@pytest.mark.parametrize("name", ["list.txt", "list.parquet"])
def test_an_address_that_is_refused_is_named_by_its_place(tmp_path, name):
    rows = ["/a.jpg", "s3://key:secret@archive/b.jpg"]
    (tmp_path / "list.txt").write_text("\n".join(rows))
    parquet.write_table(pa.table({"uri": rows}), tmp_path / "list.parquet")
    with pytest.raises(UserFacingError, match=rf"{name}, (line|row) 2: .*credentials") as refusal:
        addresses_in(tmp_path / name)
    assert "secret" not in str(refusal.value)
