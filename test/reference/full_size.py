"""Makes one checkpoint of the full architecture with random weights, and what its project computes from it on a photo.

    training/.venv/bin/python test/reference/full_size.py detectron2-R50-FPN FOLDER 400 667

Writes the checkpoint, <name>.json, photo.json and photo.bin into the folder. The photo's sides are brought to at most the two numbers, as the
project does it with its own. Without arguments: lists the names. Ends with 3 when a library is not installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

MISSING = 3


def main(name: str, folder: Path, shorter: int, longer: int) -> None:
    torch.manual_seed(0)
    size = full_size(folder, shorter, longer)
    write_photo(folder, size.rgb)
    CASES[name](name, size)


if __name__ == "__main__":
    try:
        import detectron_c4
        import dialects
        import image_networks
        import older_backbones
        import older_detectors
        from detector_size import full_size, write_photo

        CASES = {**dialects.FULL, **older_detectors.FULL, **older_backbones.FULL, **image_networks.FULL}
        CASES["detectron-R50-C4"] = lambda name, size: detectron_c4.main(size, name)
        if len(sys.argv) < 5:
            print("\n".join(CASES))
        else:
            main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    except ModuleNotFoundError as error:
        print(f"needs {error.name}", file=sys.stderr)
        sys.exit(MISSING)
