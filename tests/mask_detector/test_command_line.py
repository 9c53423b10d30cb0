"""Shared by all scripts' command lines."""

from __future__ import annotations

import argparse
import errno
import signal
from contextlib import nullcontext

import pytest

from mask_detector import command_line, terminal
from mask_detector.errors import PhotoError, UserFacingError


def _raise(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (PhotoError("a\x1b.jpg: no photo"), 2, ": a\\x1b.jpg: no photo\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "(No space left on device)\n"),
        (PermissionError(errno.EACCES, "Permission denied", "a.csv"), 2, "a.csv: cannot"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (KeyboardInterrupt(signal.SIGTERM), 143, "interrupted\n"),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_what_ends_a_script_becomes_a_line_and_a_status(capsys, error, status, words) -> None:
    assert command_line.exit_status(lambda: _raise(error)) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err and err.count("\n") == (1 if words else 0)


def test_a_status_is_passed_on() -> None:
    assert command_line.exit_status(lambda: command_line.FOUND) == 3


def test_a_signal_that_a_library_turns_into_an_error_still_interrupts(monkeypatch, capsys) -> None:
    monkeypatch.setattr(terminal, "_interruptions", [])
    handlers = {number: signal.getsignal(number) for number in terminal.STOP_SIGNALS}

    def main() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("the name is not valid") from None
        return 0

    try:
        terminal.interrupt_once()
        assert command_line.exit_status(main) == 130
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert capsys.readouterr().err == "interrupted\n"


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        command_line.exit_status(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("blur", "classes", "known"),
    [
        ("none", ("scarf", "beard"), True),
        ("all", ("scarf", "beard"), True),
        ("without_mask", ("with_mask", "without_mask"), True),
        ("without_mask", ("mask", "no_mask"), False),
    ],
)
def test_faces_of_an_unknown_class_cannot_be_hidden(blur, classes, known) -> None:
    """The model has another name for them: they would all stay visible."""
    with nullcontext() if known else pytest.raises(UserFacingError, match="no label"):
        command_line.check_blur(blur, classes)


def test_only_one_option_can_be_standard_output(capsys) -> None:
    parser = argparse.ArgumentParser()
    command_line.add_record_arguments(parser.add_argument_group("results"), "photo")
    for words in ([], ["--json", "-"], ["--json", "a", "--csv", "a"]):
        command_line.check_one_standard_output(parser, parser.parse_args(words), "json", "csv")
    with pytest.raises(SystemExit):
        arguments = parser.parse_args(["--json", "-", "--csv", "-"])
        command_line.check_one_standard_output(parser, arguments, "json", "csv")
    assert "only one of --json, --csv can be standard output" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("32", 32), ("4096", 4096)])
def test_detector_sizes(text, value) -> None:
    assert command_line.detector_size(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "words"),
    [
        (command_line.detector_size, "31", "32 to 4096"),
        (command_line.whole_number(1), "0", "1 or more"),
        (command_line.whole_number(1), "1.5", "not a whole number"),
        (command_line.share, "nan", "0 to 1"),
        (command_line.share, "x", "not a number"),
        (command_line.timestamp, "1:2:3:4", "not seconds"),
        (command_line.timestamp, "inf", "not seconds"),
        (command_line.label_name, "with_mask", "expected LABEL=WORDS"),
        (command_line.label_name, "=Maske", "expected LABEL=WORDS"),
    ],
)
def test_numbers_out_of_range_are_refused(parse, text, words) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=words):
        parse(text)


def test_names_of_labels() -> None:
    assert command_line.label_name("with_mask= Maske a=b") == ("with_mask", "Maske a=b")


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1:30", 90), ("0:01:30.5", 90.5)])
def test_timestamps(text, seconds) -> None:
    assert command_line.timestamp(text) == seconds
