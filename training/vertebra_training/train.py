"""Trains a detector on data sets in COCO's format.

    python -m vertebra_training.train --run runs/resnet101 --backbone resnet101 --weights start.safetensors \\
        --data voc20-train --data voc20-extra --hours 8
    python -m vertebra_training.train --run runs/resnet101 … --resume

Writes into the run's folder: checkpoint.pt, latest.safetensors (the average of the weights), latest.json (the last
held-out score), log.jsonl, options.json and pid.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from pathlib import Path
from typing import TextIO

from .checkpoint import write_whole
from .errors import TrainingError
from .main import run
from .options import parse_options
from .trainer import Trainer


def claim(folder: Path) -> TextIO:
    """The folder's pid file, locked as long as it is open: two runs would overwrite each other's checkpoints."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / "pid", "a+")
    except OSError as error:
        raise TrainingError(f"Expected a folder to write into for --run but received: {error}") from error
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        file.seek(0)
        raise TrainingError(
            f"Expected a folder without a run for --run but process {file.read().strip()} writes into {folder}."
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def main() -> None:
    options = parse_options(__doc__)
    with claim(options.run):
        trainer = Trainer(options)
        trainer.write(write_whole, "options.json", json.dumps(vars(options), default=str, indent=1))
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, trainer.stop)
        trainer.train()


if __name__ == "__main__":
    run(main)
