"""The video script: in this process, or in one of its own where signals and windows matter."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from streams import MjpegServer, RtspServer, free_port
from virtual_display import VirtualDisplay
from waiting import PATIENCE_S

SCRIPT = "detect_mask_video.py"
Wait = Callable[..., Any]


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def run(run: Run) -> Run:
    """Run the video script in this process, without a display."""
    return partial(run, SCRIPT)


@pytest.fixture(scope="module")
def video(examples: Path) -> Path:
    return examples / "example_video.mp4"


@pytest.fixture(scope="module")
def endless(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example video many times over, cut together without decoding."""
    path = tmp_path_factory.mktemp("endless") / "endless.mp4"
    with av.open(str(path), "w") as target:
        stream, shift = None, 0
        for _ in range(100):
            with av.open(str(video)) as source:
                stream = stream or target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.pts is not None and packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = stream
                        target.mux(packet)
                shift += source.streams.video[0].duration or 0
    return path


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def recorded(path: Path) -> tuple[str, int, int, list[float]]:
    """Codec, width, height and times of a recording's frames."""
    with av.open(str(path)) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
        stream = container.streams.video[0]
        return stream.codec_context.name, stream.width, stream.height, times


def test_every_frame_of_a_file_has_a_line_and_a_recorded_picture(
    run: Run, video: Path, tmp_path: Path
) -> None:
    output, lines = tmp_path / "out.mp4", tmp_path / "faces.jsonl"
    done = run("--source", video, "--detector", "yunet", "--output", output, "--json", lines)
    assert done.returncode == 0, done.stderr
    found = records(lines.read_text())
    assert [record["frame"] for record in found] == list(range(80))
    assert [record["time_s"] for record in found] == pytest.approx([n / 20 for n in range(80)])
    tracks = set()
    for record in found:
        assert sum(record["counts"].values()) == len(record["faces"])
        for face in record["faces"]:
            x1, y1, x2, y2 = face["box"]
            assert 0 <= x1 < x2 <= 480
            assert 0 <= y1 < y2 <= 360
            assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3)
            tracks.add(face["track"])
    assert tracks == {1, 2, 3}
    assert recorded(output) == ("h264", 480, 360, pytest.approx([n / 20 for n in range(80)]))


def test_json_on_standard_output_stops_after_max_frames(run: Run, video: Path) -> None:
    done = run("--source", video, "--detector", "yunet", "--json", "-", "--max-frames", 3)
    assert done.returncode == 0, done.stderr
    assert [record["frame"] for record in records(done.stdout)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("77", "camera 77 cannot be opened"),
        ("nothing.mp4", "there is no such file"),
        ("text.mp4", "this is no video"),
        ("empty.mp4", "this is no video"),
        ("empty", "there are no photos in this folder"),
        ("sound.wav", "there is no video in this"),
    ],
)
def test_a_source_that_is_none_is_one_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.mp4").write_text("This is not a video.\n" * 50)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "empty").mkdir()
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 800, "NONE", ""))
        sound.writeframes(bytes(1600))
    done = run("--source", source)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith(f"{SCRIPT}: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("how", "times"),
    [(signal.SIGINT, 3), (signal.SIGTERM, 3), (signal.SIGHUP, 1), (signal.SIGKILL, 1)],
)
def test_what_was_written_until_a_stop_is_whole(
    endless: Path, repository: Path, tmp_path: Path, wait_for: Wait, how: signal.Signals, times: int
) -> None:
    output, lines = tmp_path / "out.mp4", tmp_path / "faces.jsonl"
    command = [sys.executable, str(repository / SCRIPT), "--source", str(endless)]
    command += ["--detector", "yunet", "--no-display", "--output", str(output)]
    process = subprocess.Popen([*command, "--json", str(lines)], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: lines.exists() and lines.read_bytes().count(b"\n") > 80, process)
    for _ in range(times):  # the second and third, of an impatient user, do no harm
        process.send_signal(how)
        time.sleep(0.05)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == (-how if how == signal.SIGKILL else 0), errors
    assert "Traceback" not in errors
    written = records(lines.read_text())
    codec, width, height, seconds = recorded(output)
    assert (codec, width, height) == ("h264", 480, 360)
    if how == signal.SIGKILL:  # at most what was in the encoder, the queue and the last second
        assert len(written) >= len(seconds) > 10
    else:
        assert len(seconds) == len(written)


@pytest.mark.parametrize("how", ["q", "Escape", "close"])
def test_a_key_or_closing_the_window_stops(
    endless: Path,
    repository: Path,
    tmp_path: Path,
    display: VirtualDisplay,
    wait_for: Wait,
    how: str,
) -> None:
    lines = tmp_path / "faces.jsonl"
    command = [sys.executable, str(repository / SCRIPT), "--source", str(endless)]
    process = subprocess.Popen(
        [*command, "--detector", "yunet", "--json", str(lines)],
        env=display.environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    window = wait_for(lambda: display.window("Mask detector"), process)
    wait_for(lambda: lines.read_bytes().count(b"\n") > 3, process)
    assert display.size(window) == (480, 360)  # the video's: there is no toolbar
    if how == "close":
        display.close(window)
    else:
        for key in ("h", "b", "s", how):
            display.press(window, key)
            time.sleep(0.3)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert errors.count("q stops, h shows the keys") == 1
    assert records(lines.read_text())
    if how != "close":
        assert [path.suffix for path in tmp_path.glob("still_*")] == [".png"]


def test_everything_at_once_is_written(
    run: Run, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = f"command:'{sys.executable}' -c 'import sys; sys.stdout.write(1)'"  # it fails
    done = run(
        *("--source", video, "--detector", "yunet", "--end", "2", "--every", 4),
        *("--json", "faces.jsonl", "--csv", "faces.csv", "--counts", "counts.csv"),
        *(
            "--output",
            "out.mp4",
            "--snapshots",
            "unmasked",
            "--alert",
            command,
            "--alert-after",
            0.5,
        ),
        *("--zone", "0.7,0,1,0,1,1,0.7,1", "--blur", "all", "--mirror"),
    )
    assert done.returncode == 0, done.stderr
    found = records((tmp_path / "faces.jsonl").read_text())
    assert [record["frame"] for record in found] == list(range(0, 41, 4))
    for record in found:
        middles = [(face["box"][0] + face["box"][2]) / 2 for face in record["faces"]]
        outside = [face.get("outside_zone", False) for face in record["faces"]]
        assert outside == [middle < 0.7 * 480 for middle in middles]
        assert sum(record["counts"].values()) == outside.count(False)
    rows = (tmp_path / "faces.csv").read_text().splitlines()
    assert len(rows) == 1 + sum(len(record["faces"]) for record in found)
    source, minute, *people = (tmp_path / "counts.csv").read_text().splitlines()[1].split(",")
    assert (source, minute) == (str(video), "0:00")
    assert sum(map(int, people[:-1])) == 1  # the right one of three people
    assert len(recorded(tmp_path / "out.mp4")[3]) == len(found)
    assert "11 frames" in done.stdout
    unmasked = found[-1]["counts"]["without_mask"]
    assert len(list((tmp_path / "unmasked").iterdir())) == unmasked
    assert ("alerts by command: 0 delivered, 1 not" in done.stderr) is bool(unmasked)


def test_blurred_faces_are_in_no_recording(run: Run, video: Path, tmp_path: Path) -> None:
    """The detector finds the three faces of the video, and none once they are blurred."""
    recordings = {}
    # With a confidence of 1 no face is reported; they are hidden all the same.
    for name, blur, confidence in (("none", "none", 0.5), ("all", "all", 0.5), ("sure", "all", 1)):
        recordings[name] = tmp_path / f"{name}.mp4"
        options = ("--detector", "yunet", "--max-frames", 20, "--blur", blur)
        options += ("--confidence", confidence, "--output", recordings[name])
        run("--source", video, *options)
    faces = {}
    for blur, path in recordings.items():
        # Our own weights, trained on covered and blurred faces, take a blurred oval for a head.
        looking = ("--detector", "yunet", "--detector-weights", "original")
        done = run("--source", path, *looking, "--json", "-")
        faces[blur] = sum(len(record["faces"]) for record in records(done.stdout))
    assert faces["none"] > 40
    assert faces["all"] == faces["sure"] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--zone", "1,2,3"], "three corners"),
        (["--alert", "letter"], "is not sound, command:PROGRAM"),
        (["--start", "soon"], "is not seconds"),
        (["--start", "9", "--end", "1:5:0:0"], "is not seconds"),
        (["--start", "9", "--end", "0:05"], "--end must be later"),
        (["--every", "0"], "must be 1 or more"),
        (["--mqtt-counts", "mqtt://localhost:99999/t"], "no valid host and port"),
        (["--json", "-", "--csv", "-"], "only one of"),
    ],
)
def test_wrong_usage_is_explained(run: Run, options: list[str], words: str) -> None:
    done = run(*options)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("option", ["--json", "--csv", "--counts"])
def test_a_full_disk_is_one_sentence(run: Run, video: Path, option: str) -> None:
    done = run("--source", video, "--detector", "yunet", "--max-frames", 3, option, "/dev/full")
    assert done.returncode == 2
    assert f"{SCRIPT}: /dev/full: cannot write (No space left on device)" in done.stderr
    assert "Traceback" not in done.stderr


def test_control_characters_of_a_name_do_not_reach_the_terminal(
    run: Run, video: Path, tmp_path: Path
) -> None:
    odd = Path(shutil.copy(video, tmp_path / "a\x1b[2Jb.mp4"))
    done = run(
        *("--source", odd, "--source", tmp_path / "no\x07.mp4", "--detector", "yunet"),
        *("--max-frames", 2, "--json", tmp_path / "faces.jsonl"),
    )
    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x07" not in done.stdout + done.stderr
    assert r"a\x1b[2Jb.mp4: 2 frames" in done.stdout
    names = {record["source"] for record in records((tmp_path / "faces.jsonl").read_text())}
    assert names == {str(odd)}


def test_a_recording_never_overwrites_its_source(run: Run, video: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(video, tmp_path))
    done = run("--source", copy, "--output", copy)
    assert done.returncode == 2
    assert "this is a source" in done.stderr
    assert copy.read_bytes() == video.read_bytes()


def test_records_of_an_earlier_run_outlive_a_source_that_gives_no_frame(
    run: Run, tmp_path: Path
) -> None:
    files = {option: tmp_path / option for option in ("json", "csv", "counts")}
    for path in files.values():
        path.write_text("old\n")
    options = [each for option, path in files.items() for each in (f"--{option}", path)]
    done = run("--source", tmp_path / "nothing.mp4", "--detector", "yunet", *options)
    assert done.returncode == 2
    assert {path.read_text() for path in files.values()} == {"old\n"}


def test_two_sources_one_broken(run: Run, video: Path, tmp_path: Path) -> None:
    output = tmp_path / "tiled.mp4"
    missing = f"rtsp://me:secret@127.0.0.1:{free_port()}/door"
    done = run(
        *("--source", video, "--source", missing, "--source", video, "--give-up", 1),
        *("--detector", "yunet", "--max-frames", 12, "--json", "-", "--output", output),
    )
    assert done.returncode == 1
    names = [record["source"] for record in records(done.stdout)]
    assert names == [str(video)] * 24
    assert "rtsp://me:***@127.0.0.1" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert recorded(output)[:3] == ("h264", 1280, 720)


@pytest.mark.parametrize("server", [MjpegServer, RtspServer])
def test_a_stream_cut_for_five_seconds_goes_on_in_its_recording_and_records(
    repository: Path,
    examples: Path,
    tmp_path: Path,
    wait_for: Wait,
    server: type[MjpegServer | RtspServer],
) -> None:
    photo = cv2.imread(str(examples / "example_01.png"))
    assert photo is not None
    servers = [server(cv2.resize(photo, (320, 240)), rate=15)]
    output, lines = tmp_path / "out.mp4", tmp_path / "faces.jsonl"
    command = [sys.executable, str(repository / SCRIPT), "--source", servers[0].address]
    command += ["--detector", "yunet", "--no-display"]
    command += ["--give-up", str(PATIENCE_S), "--output", str(output)]
    process = subprocess.Popen([*command, "--json", str(lines)], stderr=subprocess.PIPE, text=True)

    def widths() -> set[bool]:
        """Whether faces lay beyond the first size's right edge."""
        found = records(lines.read_text().rpartition("\n")[0]) if lines.exists() else []
        return {face["box"][2] > 320 for record in found for face in record["faces"]}

    wait_for(lambda: False in widths(), process)
    servers[0].close()
    time.sleep(5)
    servers.append(server(cv2.resize(photo, (640, 480)), servers[0].port, rate=15))
    wait_for(lambda: True in widths(), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_S)
    servers[1].close()
    assert process.returncode == 0, errors
    assert "is back" in errors
    assert "secret" not in errors + lines.read_text()
    codec, width, height, times = recorded(output)
    written = records(lines.read_text())
    assert (codec, width, height) == ("h264", 320, 240)
    assert len(times) == len(written)
    assert np.diff(times).max() > 5
    assert [record["time_s"] for record in written] == sorted(r["time_s"] for r in written)


def test_help_loads_no_model_and_no_tensorflow(repository: Path) -> None:
    check = (
        "import sys; import detect_mask_video as script\n"
        "try: script.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print({'ai_edge_litert', 'onnxruntime', 'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=repository, capture_output=True, text=True
    )
    assert done.stdout.rstrip().endswith("set()"), done.stdout[-200:]
