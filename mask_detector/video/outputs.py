"""Everything that a video run writes: records, counts, snapshots, alerts, a recording.

with Outputs(OutputOptions(json="-"), detector.classes, ["talk.mp4"]) as outputs:
    outputs.take(view)              # of every processed frame
    outputs.record(picture, 0.04)   # the annotated picture
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

import numpy as np

from mask_detector.command_line import check_labels
from mask_detector.errors import SourceError, UserFacingError
from mask_detector.files import STANDARD_STREAM, same_name
from mask_detector.records import FRAME_COLUMNS, Records
from mask_detector.video.addresses import is_address, local_path
from mask_detector.video.alerts import Alerts
from mask_detector.video.metrics import Metrics
from mask_detector.video.mqtt import MqttCounts
from mask_detector.video.people import UNMASKED, MinuteCounts
from mask_detector.video.recording import Recording, is_part
from mask_detector.video.snapshots import Snapshots
from mask_detector.video.view import View


@dataclass(frozen=True)
class OutputOptions:
    """What is written, and where; nothing by default.

    Attributes:
        output, output_split: the recording, and the minutes after which a new file is begun.
        json, csv: one line a frame, one row a face; ``-`` is standard output.
        counts: one row a minute.
        snapshots, snapshots_days: folder of pictures of people without a mask, and how many days
            a picture stays there.
        alert: receivers, as :func:`receivers.parse_receiver` accepts them.
        alert_after, alert_cooldown: seconds, see :class:`people.UnmaskedRule`.
        metrics: address and port of the page for Prometheus.
        mqtt_counts, mqtt_counts_every: the broker and topic for counts, and seconds between them.
    """

    output: Path | None = None
    output_split: float | None = None
    json: str | None = None
    csv: str | None = None
    counts: str | None = None
    snapshots: Path | None = None
    snapshots_days: float = 7.0
    alert: Sequence[str] = ()
    alert_after: float = 2.0
    alert_cooldown: float = 10.0
    metrics: tuple[str, int] | None = None
    mqtt_counts: str | None = None
    mqtt_counts_every: float = 10.0

    @property
    def files(self) -> list[str | Path]:
        """The files that are written."""
        return [each for each in (self.output, self.json, self.csv, self.counts) if each]


class Sink(Protocol):
    """Takes what was detected in each processed frame."""

    def take(self, view: View) -> None:
        """Take the next frame's view."""


class Outputs:
    """Opens what the options ask for and passes views and pictures on; finishes the files at exit.

    Args:
        options: what is written.
        classes: the model's class names.
        sources: names of the sources; views of several are written with their source's name, and
            a recording of a single file has its sound.
        read: other files that the run reads, such as the model.

    Attributes:
        messages: where a summary may be printed: standard output unless records go there.

    Raises:
        UserFacingError: a file cannot be written, or would overwrite a source, the model or
            another output; a receiver is not installed; alerts or snapshots are asked for with a
            model of other classes.
    """

    def __init__(
        self,
        options: OutputOptions,
        classes: Sequence[str],
        sources: Sequence[str],
        read: Sequence[Path] = (),
    ) -> None:
        if options.output_split and not options.output:
            raise UserFacingError("--output-split needs --output")
        if options.alert or options.snapshots:
            check_labels([UNMASKED], classes)
        _check_nothing_is_overwritten(options, sources, read)
        self._several = len(sources) > 1
        self._sinks: list[Sink] = []
        self._recording: Recording | None = None
        self.messages: TextIO = sys.stderr if STANDARD_STREAM in options.files else sys.stdout
        with ExitStack() as opened:
            self._records = opened.enter_context(
                Records(options.json, options.csv, classes, columns=FRAME_COLUMNS)
            )
            if options.counts:
                self._sinks.append(opened.enter_context(MinuteCounts(options.counts, classes)))
            if options.snapshots:
                self._sinks.append(Snapshots(options.snapshots, options.snapshots_days))
            alerts = None
            if options.alert:
                alerts = Alerts(options.alert, options.alert_after, options.alert_cooldown)
                self._sinks.append(opened.enter_context(alerts))
            if options.metrics:
                self._sinks.append(opened.enter_context(Metrics(options.metrics, alerts)))
            if options.mqtt_counts:
                every_s = options.mqtt_counts_every
                counts = MqttCounts(options.mqtt_counts, every_s, classes, len(sources))
                self._sinks.append(opened.enter_context(counts))
            if options.output:
                self._recording = opened.enter_context(_recording(options, sources))
            self._opened = opened.pop_all()

    @property
    def recording(self) -> bool:
        """Whether :meth:`record` needs pictures."""
        return self._recording is not None

    def take(self, view: View) -> None:
        """Write what was detected in a frame; blurring comes before."""
        if view.live and self._recording:
            self._recording.sound_of = None  # what a stream sounds is not kept
        self._records.write(view.record(named=self._several))
        for sink in self._sinks:
            sink.take(view)

    def record(self, picture: np.ndarray, time_s: float) -> None:
        """Record an annotated picture (uint8 BGR, shape (H, W, 3)), if a recording is wanted."""
        if self._recording:
            self._recording.write(picture, time_s)

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.close()


def _recording(options: OutputOptions, sources: Sequence[str]) -> Recording:
    assert options.output
    (source, *others), sound_of = sources, None
    if not others and (is_address(source) or Path(local_path(source)).is_file()):
        sound_of = source
    split_s = None if options.output_split is None else 60 * options.output_split
    return Recording(options.output, sound_of=sound_of, split_s=split_s)


def _check_nothing_is_overwritten(
    options: OutputOptions, sources: Sequence[str], read: Sequence[Path]
) -> None:
    films = [path for path in map(Path, map(local_path, sources)) if path.is_file()]
    taken = list(read)
    for output in map(Path, options.files):
        if str(output) == STANDARD_STREAM or (output.exists() and not output.is_file()):
            continue  # any number of them may be /dev/null
        if any(_is_same_file(output, path) for path in films):
            raise SourceError(f"{output}: this is a source, write to another file")
        if any(_is_same_file(output, path) for path in taken):
            raise UserFacingError(f"{output}: this would replace a file of this run, name another")
        taken.append(output)
    if options.output and options.output_split:
        for path in films:
            if is_part(path, options.output):
                raise SourceError(f"{path}: this is a source, split to files of another name")
        for path in taken:
            if is_part(path, options.output):
                raise UserFacingError(f"{path}: a part of the recording would replace this file")


def _is_same_file(one: Path, other: Path) -> bool:
    """Whether two names are those of one file, hard links included."""
    if same_name(one) == same_name(other):
        return True
    return one.exists() and other.exists() and one.samefile(other)
