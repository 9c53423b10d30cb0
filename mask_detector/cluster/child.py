"""The program of :mod:`mask_detector.cluster.isolation`: photos come in, tables go out.

It ends with its standard input, and where it is busy, soon after the process that started it.
"""

from __future__ import annotations

import os
import sys

from mask_detector.cluster.limits import end_with_parent
from mask_detector.cluster.messages import receive_question, send_answer
from mask_detector.cluster.work import process_entries
from mask_detector.errors import UserFacingError


def main() -> None:
    """Answer each question with a table, or with the sentence why there is none."""
    end_with_parent()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the answers
    while True:
        try:
            entries, job = receive_question(sys.stdin.buffer)
        except EOFError:
            return
        try:
            send_answer(answers, process_entries(entries, job))
        except UserFacingError as error:
            send_answer(answers, error)


if __name__ == "__main__":
    main()
