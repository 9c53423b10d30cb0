"""Whole runs without Ray: what is in the results, resuming, refusing, photos that kill."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from pyarrow import parquet

import mask_detector
from mask_detector.cluster import packages
from mask_detector.cluster.inputs import Entry
from mask_detector.cluster.limits import TOO_LATE_STATUS
from mask_detector.cluster.manifest import read_manifest, read_shard

POISON = f"""
import os, signal, sys
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith("poison.jpg"):
        os.kill(os.getpid(), signal.SIGKILL)
    if event == "open" and str(arguments[0]).endswith("endless.jpg"):
        os._exit({TOO_LATE_STATUS})
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
    assert done.stdout.startswith("7 photos and videos (4 done before), 2 failed; ")
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
    assert done.stdout.startswith("7 photos and videos (5 done before), 1 failed")
    gone = {"error": "there is no such file"}
    expected = script_records | {"bad.jpg": script_records["a.png"], "inner place/empty.jpg": gone}
    found = records_of(output, photos)
    assert found == expected
    # In the order of the manifest still, the pages of a TIFF after one another.
    order = [Path(each.image) for each in read_shard(str(output), 0)]
    places = [order.index(photos / name.partition("#2")[0]) for name in found]
    assert places == sorted(places)


def test_the_exit_status_counts_what_was_done_before(cluster, photos, tmp_path):
    output = tmp_path / "results"
    arguments = ("--image", photos, "--output", output, "--shard-size", 2)
    first = cluster(*arguments, shard="0/2")
    assert first.stdout.startswith("4 photos and videos, ")
    for shard in ("0/2", "1/2"):
        cluster(*arguments, shard=shard)
    one = cluster(*arguments, "--fail-on", "without_mask", shard="0/1")
    assert one.stdout.startswith("7 photos and videos (7 done before), 2 failed; 20 faces")
    assert one.returncode == 3
    assert cluster(*arguments, shard="0/1").returncode == 1
    (output / "records/part-000000.parquet").write_bytes(b"")
    damaged = cluster(*arguments, shard="0/1")
    assert (damaged.returncode, len(damaged.stderr.splitlines())) == (2, 1)


@pytest.mark.parametrize(
    ("program", "how"), [("/bin/false", "status 1"), ("/nowhere/python", "No such file")]
)
def test_a_child_that_cannot_start_fails_its_shard(
    cluster, photo_folder, tmp_path, monkeypatch, program, how
):
    monkeypatch.setattr(sys, "executable", program)
    done = cluster("--image", photo_folder / "b.jpg", "--output", tmp_path / "results")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert f"cannot start ({how}" in done.stderr
    assert "0 failed, 1 shard not done" in done.stdout
    assert not list((tmp_path / "results").rglob("records/part*"))


def test_a_secret_is_in_no_result_and_no_message(cluster, tmp_path):
    output = tmp_path / "results"
    done = cluster("--image", "s3://AKIAX:wJal/K7@archive/2024", "--output", output)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert not any(secret in done.stderr for secret in ("AKIAX", "wJal", "K7"))
    assert not output.exists()


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
    for name in ("poison.jpg", "endless.jpg"):
        shutil.copy(photos / "a.png", photos / name)
    output = tmp_path / "results"
    assert cluster("--image", photos, "--output", output).returncode == 1
    errors = {
        "poison.jpg": {"error": "the process ended while processing it (signal SIGKILL)"},
        "endless.jpg": {"error": "processing it took more than 120 s"},
    }
    assert records_of(output, photos) == script_records | errors


def test_what_takes_too_long_ends_its_process():
    code = "import time; from mask_detector.cluster.limits import limited\nwith limited({}): {}"
    for limit_s, block, status in ((0.05, "time.sleep(600)", TOO_LATE_STATUS), (600, "pass", 0)):
        command = [sys.executable, "-c", code.format(limit_s, block)]
        assert subprocess.run(command, timeout=300).returncode == status


def test_a_busy_child_ends_after_its_parent():
    child = (
        "import time; from mask_detector.cluster.limits import end_with_parent; "
        "end_with_parent(0.05); print(1, flush=True); time.sleep(600)"
    )
    parent = (
        "import subprocess, sys; "
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE); "
        "child.stdout.readline()"
    )
    # The grandchild holds standard error until it ends.
    command = [sys.executable, "-c", parent, child]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=300)
    assert (done.returncode, done.stderr) == (0, b"")


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
    assert run["versions"]["opencv"] == cv2.__version__
    assert run["versions"]["face-mask-detection"] == mask_detector.__version__
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


@pytest.mark.parametrize("step", [0, 1])
def test_a_video_has_a_row_for_each_processed_frame(run, examples, records_of, tmp_path, step):
    film = str(shutil.copy(examples / "example_video.mp4", tmp_path / "film.mp4"))
    (tmp_path / "broken.mp4").write_bytes(Path(film).read_bytes()[:2000])
    lines = tmp_path / "found.jsonl"
    run("detect_mask_video.py", "--source", film, "--json", lines, "--no-display",
        "--max-frames", 30, "--detector", "yunet")  # fmt: skip
    by_script = [json.loads(line) for line in lines.read_text().splitlines()]

    output = tmp_path / "results"
    done = run("mask_detector.cluster.__main__", "--image", tmp_path, "--output", output,
               "--shard", "0/1", "--video-step", step, "--detector", "yunet")  # fmt: skip
    assert done.returncode == 1
    text = run("mask_detector.cluster.json_lines", output).stdout
    records = [json.loads(line) for line in text.splitlines()]
    [error] = [record for record in records if "error" in record]
    assert error["image"].endswith("broken.mp4")
    frames = [record for record in records if record.get("source") == film]
    if step:
        times = [frame["time_s"] for frame in frames]
        assert [int(each) for each in times] == [0, 1, 2, 3]  # of its four seconds
        return
    assert [frame["frame"] for frame in frames] == list(range(len(frames)))
    assert len(frames) > len(by_script) == 30
    for ours, theirs in zip(frames, by_script, strict=False):  # the script's labels are smoothed
        assert ours["time_s"] == theirs["time_s"]
    assert frames[0]["faces"][0]["score"] == by_script[0]["faces"][0]["score"]


def test_results_are_read_with_duckdb_and_pandas(cluster, photo_folder, script_records, tmp_path):
    duckdb, pandas = pytest.importorskip("duckdb"), pytest.importorskip("pandas")
    cluster("--image", photo_folder, "--output", tmp_path / "results")
    records = tmp_path / "results/records"
    query = (
        "SELECT count(*), sum(counts.with_mask), count(error) "
        f"FROM read_parquet('{records}/*.parquet')"
    )
    [found] = duckdb.sql(query).fetchall()
    masks = sum(each.get("counts", {}).get("with_mask", 0) for each in script_records.values())
    assert found == (len(script_records), masks, 2)
    table = pandas.read_parquet(records)
    assert len(table) == len(parquet.read_table(records)) == len(script_records)
    assert sum(each["with_mask"] for each in table.counts.dropna()) == masks
