"""What the scripts' command lines share."""

from __future__ import annotations

import signal
import sys

import pytest

from mask_detector.command_line import NoProgressBar, deferred_signals, progress_bar


def test_a_few_things_need_no_bar(capsys):
    with progress_bar(5, "photo") as bar:
        bar.update()
        bar.write("one line")
        bar.write("another", file=sys.stderr)
    assert isinstance(bar, NoProgressBar)
    assert capsys.readouterr() == ("one line\n", "another\n")


def test_more_have_one_with_rate_and_time_left(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress_bar(6, "photo") as bar:
        for _ in range(6):
            bar.update()
        bar.write("one line")
    out, err = capsys.readouterr()
    assert out == "one line\n"
    assert "6/6" in err and "photo/s" in err


def test_ctrl_c_waits_for_what_must_not_be_disturbed() -> None:
    written = []
    with pytest.raises(KeyboardInterrupt), deferred_signals():
        signal.raise_signal(signal.SIGINT)
        written.append("whole")
    assert written == ["whole"]
    with pytest.raises(KeyboardInterrupt):  # and acts at once afterwards
        signal.raise_signal(signal.SIGINT)
