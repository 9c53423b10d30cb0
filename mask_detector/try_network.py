"""Load and run a compiled network from standard input, in a process that may crash.

    python mask_detector/try_network.py INPUT_SIZE CLASSES THREADS < compiled.tflite

Imports nothing of this project. Exit status 0: it can be used; 1: a line says why not; anything
else: the engine ended the process. See :func:`mask_detector.compiled_network.check_in_child`.
"""

from __future__ import annotations

import contextlib
import os
import sys

MEMORY_LIMIT = 8 << 30
_BATCHES = (1, 3)


def main() -> int:
    """Run the network on noise."""
    # Modules beside this file must not take the place of others.
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    # After the imports, whose threads reserve memory for themselves on large machines.
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # Unix only

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    size, classes, threads = map(int, sys.argv[1:])
    interpreter = Interpreter(model_content=sys.stdin.buffer.read(), num_threads=threads)
    details = interpreter.get_input_details()[0]
    if list(details["shape"][1:]) != [size, size, 3]:
        print(f"it takes crops {details['shape'][1:]}, its card says {size} pixels")
        return 1
    source = details["index"]
    target = interpreter.get_output_details()[0]["index"]
    random = np.random.default_rng(0)
    for batch in _BATCHES:
        shape = (batch, size, size, 3)
        interpreter.resize_tensor_input(source, shape)
        interpreter.allocate_tensors()
        interpreter.tensor(source)()[:] = random.integers(0, 256, shape)
        interpreter.invoke()
        rows = interpreter.get_tensor(target)
        if rows.shape != (batch, classes):
            print(f"it gives {rows.shape} for {batch} crops and {classes} classes")
            return 1
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:  # any: the caller needs one line
        print(" ".join(str(error).split())[:300])
        status = 1
    sys.stdout.flush()
    os._exit(status)  # a damaged network may also crash while it is being freed
