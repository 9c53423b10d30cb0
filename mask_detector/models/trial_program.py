"""Use a file from anywhere once, in a process that may crash, hang or run out of memory.

    python trial_program.py network INPUT_SIZE CLASSES THREADS < compiled.tflite (or .onnx)
    python trial_program.py hdf5 model.h5

Imports nothing of this project. Exit status 0: the file can be used; 1: a line says why not;
anything else: it ended the process. See :func:`mask_detector.models.trial.try_in_child`.
"""

from __future__ import annotations

import contextlib
import os
import sys

MEMORY_LIMIT = 8 << 30
_BATCHES = (1, 3)

LARGEST_ARRAYS = 2 << 30
_MOST_OBJECTS = 50_000
_MOST_LEVELS = 64


def try_network(size: int, classes: int, threads: int) -> None:
    """Run the compiled network from standard input on noise; ValueError says what is wrong."""
    content = sys.stdin.buffer.read()
    if content[4:8] != b"TFL3":
        try_network_in_onnx_runtime(content, size, classes, threads)
        return
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError:
        try_network_in_opencv(content, size, classes)
    else:
        try_network_in_litert(content, size, classes, threads)


def try_network_in_litert(content: bytes, size: int, classes: int, threads: int) -> None:
    """A LiteRT network."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    limit_resources()
    interpreter = Interpreter(model_content=content, num_threads=threads)
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if list(source["shape"][1:]) != [size, size, 3]:
        raise ValueError(f"it takes crops {source['shape'][1:]}, its card says {size} pixels")
    random = np.random.default_rng(0)
    for batch in _BATCHES:
        shape = (batch, size, size, 3)
        interpreter.resize_tensor_input(source["index"], shape)
        interpreter.allocate_tensors()
        interpreter.tensor(source["index"])()[:] = random.integers(0, 256, shape)
        interpreter.invoke()
        rows = interpreter.get_tensor(target["index"])
        if rows.shape != (batch, classes):
            raise ValueError(f"it gives {rows.shape} for {batch} crops and {classes} classes")


def try_network_in_onnx_runtime(content: bytes, size: int, classes: int, threads: int) -> None:
    """An ONNX network."""
    import numpy as np
    import onnxruntime

    limit_resources()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    if list(source.shape[1:]) != [size, size, 3]:
        raise ValueError(f"it takes crops {source.shape[1:]}, its card says {size} pixels")
    random = np.random.default_rng(0)
    for batch in _BATCHES:
        crops = random.integers(0, 256, (batch, size, size, 3)).astype(np.float32)
        rows = session.run(None, {source.name: crops})[0]
        if rows.shape != (batch, classes):
            raise ValueError(f"it gives {rows.shape} for {batch} crops and {classes} classes")


def try_network_in_opencv(content: bytes, size: int, classes: int) -> None:
    """A LiteRT network where LiteRT is not installed and the network has no ONNX form."""
    import cv2
    import numpy as np

    limit_resources()
    network = cv2.dnn.readNetFromTFLite(np.frombuffer(content, np.uint8))
    random = np.random.default_rng(0)
    for batch in _BATCHES:
        network.setInput(random.integers(0, 256, (batch, 3, size, size)).astype(np.float32))
        rows = network.forward()
        if rows.shape != (batch, classes):
            raise ValueError(f"it gives {rows.shape} for {batch} crops and {classes} classes")


def try_hdf5(path: str) -> None:
    """Read all of an HDF5 file; ValueError says what is wrong.

    Refused are links, data in other files, deep or endless nesting, and more data than fits.
    """
    import h5py

    limit_resources()
    with h5py.File(path, "r") as file:
        total, count, open_groups = 0, 0, [(file, 0)]
        while open_groups:
            group, level = open_groups.pop()
            if level > _MOST_LEVELS:
                raise ValueError(f"its groups are nested more than {_MOST_LEVELS} levels deep")
            dict(group.attrs)
            for name in group:
                count += 1
                if count > _MOST_OBJECTS:
                    raise ValueError(f"it has more than {_MOST_OBJECTS} groups and arrays")
                # Soft links too: they can lead in circles, and Keras writes none.
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"it contains a link ({name}), which is never followed")
                member = group[name]
                if isinstance(member, h5py.Group):
                    open_groups.append((member, level + 1))
                elif isinstance(member, h5py.Dataset):
                    if member.external or member.is_virtual:
                        raise ValueError(f"its array {name} lies in another file")
                    # What is compressed, or never written, may be far larger than the file.
                    total += (member.size or 0) * member.dtype.itemsize
                    if total > LARGEST_ARRAYS:
                        raise ValueError(f"its arrays exceed {LARGEST_ARRAYS >> 30} GiB")
                    dict(member.attrs)
                    member[()]


def limit_resources() -> None:
    """Bound this process's memory, after the imports, whose threads reserve some for themselves."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # Unix only

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def main(kind: str, *arguments: str) -> None:
    """Try one file."""
    # Modules beside this file must not take the place of others.
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    if kind == "network":
        size, classes, threads = map(int, arguments)
        try_network(size, classes, threads)
    else:
        try_hdf5(*arguments)


if __name__ == "__main__":
    status = 0
    try:
        main(*sys.argv[1:])
    except Exception as error:  # any: the caller needs one line
        print(ascii(" ".join(str(error).split())[:300])[1:-1])
        status = 1
    sys.stdout.flush()
    os._exit(status)  # a damaged file may also crash while it is being closed
