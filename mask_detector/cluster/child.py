"""The program of :mod:`mask_detector.cluster.isolation`: photos come in, tables go out.

It ends with its standard input, so it never outlives the process that started it.
"""

from __future__ import annotations

import os
import pickle
import sys

from mask_detector.cluster.work import process_entries
from mask_detector.errors import UserFacingError


def main() -> None:
    """Answer each pickled (entries, job) with a pickled table or UserFacingError."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the answers
    while True:
        try:
            entries, job = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer: object = process_entries(entries, job)
        except UserFacingError as error:
            answer = error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
