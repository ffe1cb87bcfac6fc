"""Trains a detector on data sets in COCO's format.

    python -m vertebra_training.train --run runs/resnet101 --backbone resnet101 --weights start.safetensors \\
        --data voc20-train --data voc20-extra --hours 8
    python -m vertebra_training.train --run runs/resnet101 … --resume

Writes into the run's folder: checkpoint.pt, latest.safetensors (the average of the weights), log.jsonl, options.json
and pid.
"""

from __future__ import annotations

import json
import os
import signal

from .main import run
from .options import parse_options
from .trainer import Trainer


def main() -> None:
    options = parse_options(__doc__)
    trainer = Trainer(options)
    (options.run / "pid").write_text(str(os.getpid()))
    (options.run / "options.json").write_text(json.dumps(vars(options), default=str, indent=1))
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, trainer.stop)
    trainer.train()


if __name__ == "__main__":
    run(main)
