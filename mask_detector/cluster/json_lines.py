"""Write the records of a run as the JSON lines that the scripts write.

    python -m mask_detector.cluster.json_lines s3://results/2024 > found.jsonl

Exit status: 0 all went well, 2 wrong usage or no results there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mask_detector import command_line
from mask_detector.cluster import addresses, rows, tables
from mask_detector.cluster.manifest import done_shards, part_name
from mask_detector.cluster.packages import check_packages
from mask_detector.errors import FileError
from mask_detector.files import STANDARD_STREAM
from mask_detector.records import JsonLines


def main(argv: Sequence[str] | None = None) -> int:
    """Write all records in the order of the manifest."""
    parser = command_line.make_parser(__doc__)
    parser.add_argument("output", metavar="OUTPUT", help="the --output of a run")
    arguments = parser.parse_args(argv)
    check_packages("pyarrow")
    with JsonLines(STANDARD_STREAM) as lines:
        for record in read_records(addresses.full_address(arguments.output)):
            lines.write(record)
    return command_line.OK


def read_records(output: str) -> Iterator[dict[str, Any]]:
    """The records of a run, as far as it is done.

    Raises:
        FileError: there are none, or they cannot be read.
    """
    done = sorted(done_shards(output))
    if not done:
        raise FileError(f"{output}: there are no records of a run")
    for number in done:
        table = tables.read_table(addresses.join(output, "records", part_name(number)))
        for batch in table.to_batches():
            yield from map(rows.as_record, batch.to_pylist())


if __name__ == "__main__":
    command_line.run(main)
