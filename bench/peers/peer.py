"""What the peers in Python share: they load, say so, and then take turns.

    python <peer>.py FOLDER THREADS

Each peer writes a line of JSON when it is ready (name, version), then, for each line of its input, which is the number of a photo,
one with its milliseconds and how many detections there were, and one with its peak memory when the input ends. peer.mjs is the
same for Node.
"""

import json
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

WIDTH, HEIGHT = 640, 480


def folder() -> Path:
    return Path(sys.argv[1])


def threads() -> int:
    return int(sys.argv[2])


def photos() -> list[np.ndarray]:
    """[height, width, 3], 0 to 255."""
    files = sorted(folder().glob("*.rgb"))
    return [np.fromfile(file, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3) for file in files]


def network_input() -> np.ndarray:
    """[1, 3, 800, 1088]: what a backbone alone gets."""
    return np.fromfile(folder() / "input.f32", dtype=np.float32).reshape(1, 3, 800, 1088)


def peak_memory() -> int:
    """In bytes: the kernel's own count on Linux, where getrusage of a new process begins at its parent's peak."""
    if sys.platform == "linux":
        return int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def serve(name: str, version: str, inputs: list, detect: Callable[[np.ndarray], int]) -> None:
    """:param detect: from an input to the number of detections, or of feature maps"""

    def write(**fields) -> None:
        print(json.dumps(fields), flush=True)

    write(name=name, version=version)
    for line in sys.stdin:
        image = inputs[int(line) % len(inputs)]
        start = time.perf_counter()
        found = detect(image)
        write(ms=1000 * (time.perf_counter() - start), found=found)
    write(peakBytes=peak_memory())
