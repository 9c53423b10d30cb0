"""Printed text, progress bars, standard streams and signals."""

from __future__ import annotations

import io
import signal
import sys

import pytest

from mask_detector import terminal
from mask_detector.terminal import (
    ProgressBar,
    StopSignals,
    deferred_signals,
    interrupt_once,
)


def test_few_items_need_no_bar(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with ProgressBar(5, "photo") as bar:
        bar.update()
        bar.write("one\x1b line")
        bar.write("another", file=sys.stderr)
    assert capsys.readouterr() == ("one\\x1b line\n", "another\n")


def test_more_have_one_with_rate_and_time_left(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with ProgressBar(6, "photo") as bar:
        for _ in range(6):
            bar.update()
        bar.write("one\x1b line")
    out, err = capsys.readouterr()
    assert out == "one\\x1b line\n"
    assert "6/6" in err and "photo/s" in err


@pytest.mark.parametrize("total", [None, 1000])
def test_a_log_file_gets_no_bar(capsys, total) -> None:
    with ProgressBar(total, "photo") as bar:
        bar.update(900, total=1000)
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_waits_for_the_block() -> None:
    written = []
    with pytest.raises(KeyboardInterrupt), deferred_signals():
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        written.append("whole")
    assert written == ["whole"]
    with pytest.raises(KeyboardInterrupt):  # and acts at once afterwards
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def handlers():
    before = {number: signal.getsignal(number) for number in terminal.STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_later_signals_let_files_be_finished(capsys, handlers) -> None:
    finished = []
    with StopSignals() as signals:
        with signals.ending_this():
            signal.raise_signal(signal.SIGINT)
            finished.append("more work")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(number)
        finished.append("whole")
    assert finished == ["whole"]
    signal.raise_signal(signal.SIGTERM)  # nor is the exit status changed
    assert capsys.readouterr().err == "finishing the files\n" * 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
def test_only_the_first_signal_interrupts(handlers, monkeypatch) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupt_once()
    signal.raise_signal(signal.SIGHUP)  # was ignored, stays so
    with pytest.raises(KeyboardInterrupt) as interrupted:
        signal.raise_signal(signal.SIGTERM)
    assert interrupted.value.args == (signal.SIGTERM,)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.raise_signal(number)
    monkeypatch.setattr(terminal, "_INSIST_S", 0.0)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_closed_streams(tmp_path, run_script) -> None:
    """No file gets the number of a closed stream, and results for it are refused."""
    program = (
        "import os, sys\n"
        "for number in (0, 1, 2): os.close(number)\n"
        "sys.stdin = sys.stdout = sys.stderr = sys.__stdout__ = None\n"
        "from mask_detector import command_line, files\n"
        "from mask_detector.terminal import say, prepare_streams\n"
        "prepare_streams()\n"
        "file = open('opened.txt', 'w')\n"
        "assert file.fileno() > 2\n"
        "say('lost'); say('lost', sys.stderr); assert sys.stdin.read() == ''\n"
        "command_line.run(lambda: files.standard_output() and 0)\n"
    )
    (tmp_path / "program.py").write_text(program)
    done = run_script(str(tmp_path / "program.py"), cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
    assert (tmp_path / "opened.txt").read_text() == ""


def test_a_log_message_is_one_line(capsys) -> None:
    import logging

    from mask_detector.terminal import _OneLine

    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_OneLine("%(message)s"))
    handler.handle(logging.makeLogRecord({"msg": "%s is gone", "args": ("a\x1b[2J\nb",)}))
    assert stream.getvalue() == "a\\x1b[2J\\nb is gone\n"
