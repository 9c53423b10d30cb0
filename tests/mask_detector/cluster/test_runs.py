"""Whole runs without Ray: what is in the results, resuming, refusing, photos that kill."""

from __future__ import annotations

import json
import shutil

import pytest

from mask_detector.cluster import packages
from mask_detector.cluster.inputs import Entry
from mask_detector.cluster.manifest import read_manifest, read_shard

POISON = """
import os, signal, sys
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith("poison.jpg"):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
"""


def test_four_parts_give_the_records_of_the_photo_script(
    cluster, records_of, script_records, photo_folder, tmp_path
):
    output = tmp_path / "results"
    for part in ("4/4", "1/4", "2/4", "3/4"):
        done = cluster("--image", photo_folder, "--output", output, "--shard-size", 2, shard=part)
        assert done.returncode in (0, 1), done.stderr
    assert records_of(output, photo_folder) == script_records
    assert read_manifest(str(output)).shards == 4


def test_an_interrupted_run_goes_on_with_its_own_photos(
    cluster, records_of, script_records, photos, tmp_path
):
    output = tmp_path / "results"
    arguments = ("--image", photos, "--output", output, "--shard-size", 3)
    assert cluster(*arguments).returncode == 1
    lost = output / "records/part-000001.parquet"
    kept = output / "records/part-000000.parquet"
    lost.unlink()
    shutil.copy(photos / "a.png", photos / "0_new.png")  # belongs to a new run
    written = kept.stat().st_mtime_ns
    done = cluster(*arguments)
    assert "2 shards done before" in done.stdout
    assert kept.stat().st_mtime_ns == written
    assert records_of(output, photos) == script_records
    assert not [path for path in output.rglob("*") if path.name.endswith(".part")]


def test_failed_photos_are_processed_again_where_asked(
    cluster, records_of, script_records, photos, tmp_path
):
    output = tmp_path / "results"
    assert cluster("--image", photos, "--output", output).returncode == 1
    shutil.copy(photos / "a.png", photos / "bad.jpg")
    (photos / "inner place/empty.jpg").unlink()
    done = cluster("--image", photos, "--output", output, "--retry-failed")
    assert done.returncode == 1
    assert done.stdout.startswith("2 photos and videos, 1 failed")
    gone = {"error": "there is no such file"}
    expected = script_records | {"bad.jpg": script_records["a.png"], "inner place/empty.jpg": gone}
    assert records_of(output, photos) == expected


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--confidence", "0.7"], 'confidence: "0.5" there, "0.7" now'),
        (["--blur", "all"], "hiding"),
        (["--pictures"], "pictures: false there, true now"),
    ],
)
def test_other_options_are_refused(cluster, photos, tmp_path, arguments, named):
    output = tmp_path / "results"
    for path in photos.rglob("*.*"):
        if path.name != "b.jpg":
            path.unlink()
    assert cluster("--image", photos, "--output", output).returncode == 0
    done = cluster("--image", photos, "--output", output, *arguments)
    assert done.returncode == 2
    assert named in done.stderr and "another --output" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_listing_that_failed_binds_nobody(cluster, photo_folder, tmp_path):
    output = tmp_path / "results"
    done = cluster("--image", tmp_path / "misspelt", "--output", output)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "there is no such file or folder" in done.stderr
    assert cluster("--image", photo_folder / "b.jpg", "--output", output).returncode == 0


def test_a_photo_that_kills_its_process_is_a_row_with_an_error(
    cluster, records_of, script_records, photos, tmp_path, monkeypatch
):
    (tmp_path / "sitecustomize.py").write_text(POISON)
    monkeypatch.syspath_prepend(tmp_path)  # children get this process's path
    shutil.copy(photos / "a.png", photos / "poison.jpg")
    output = tmp_path / "results"
    assert cluster("--image", photos, "--output", output).returncode == 1
    error = {"error": "the process ended while processing it (signal SIGKILL)"}
    assert records_of(output, photos) == script_records | {"poison.jpg": error}


def test_pictures_have_names_of_their_own(cluster, photo_folder, tmp_path):
    output = tmp_path / "results"
    cluster("--image", photo_folder, "--output", output, "--pictures", "--blur", "all")
    place = output / "pictures/local" / str(photo_folder).lstrip("/")
    names = sorted(path.relative_to(place).as_posix() for path in place.rglob("*.*"))
    assert names == [
        "a.png", "b.jpg", "inner place/none.png", "inner place/ä%20#1.jpg",
        "pages.tif", "pages.tif_2.tif",
    ]  # fmt: skip


def test_results_inside_the_input_are_left_out(cluster, photos):
    output = photos / "results"
    cluster("--image", photos, "--output", output, "--pictures")
    (output / "manifest/complete.json").unlink()
    shutil.rmtree(output / "records")
    cluster("--image", photos, "--output", output, "--pictures")
    assert read_manifest(str(output)).photos == 7


def test_files_of_the_results_hold_what_the_run_was_begun_with(cluster, photo_folder, tmp_path):
    output = tmp_path / "results"
    status = cluster(
        "--image", photo_folder / "a.png", "--output", output, "--fail-on", "with_mask"
    ).returncode
    assert status == 3
    run = json.loads((output / "run.json").read_text())
    assert run["options"]["detector_size"] == "320"
    assert len(run["files"]["the model"]) == 64 and run["versions"]["onnxruntime"]
    assert read_shard(str(output), 0) == [Entry(str(photo_folder / "a.png"))]


@pytest.mark.parametrize("missing", ["ray", "pyarrow"])
def test_a_missing_package_is_one_sentence(run, photo_folder, tmp_path, monkeypatch, missing):
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == missing else name)
    done = run("mask_detector.cluster.__main__", "--image", photo_folder, "--output", tmp_path)
    assert done.returncode == 2
    assert f"this needs {missing}" in done.stderr and "requirements-cluster.txt" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("part", ["5/4", "0/0", "x/2", "1", "-1/2"])
def test_a_part_that_is_none_is_refused(cluster, tmp_path, part):
    assert cluster("--image", tmp_path, "--output", tmp_path, shard=part).returncode == 2


def test_help_and_wrong_usage_need_no_package(run):
    assert run("mask_detector.cluster.__main__", "--help").returncode == 0
    done = run("mask_detector.cluster.__main__", "--output", "x")
    assert done.returncode == 2 and "--image or --list" in done.stderr
