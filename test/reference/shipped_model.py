"""What a shipped model gives in PyTorch, from the weights in its own graphs: the expectations of test/parity/shipped-models.test.ts.

    python test/reference/shipped_model.py models/resnet101-voc examples/photos/cat.jpg

Needs the packages of training/requirements.txt. Writes test/fixtures/parity/<model>-<photo>.json: for each map, logit
and delta the shape, the largest magnitude and some values, and the detections.
"""

import json
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "training"))

from vertebra_training.reference import reference  # noqa: E402
from vertebra_training.weights import load_detector  # noqa: E402

VALUES = 41  # per tensor, evenly spread


def summary(tensor: torch.Tensor) -> dict:
    flat = tensor.flatten()
    picked = [int(i * flat.numel() // VALUES) for i in range(VALUES)]
    return {
        "shape": list(tensor.shape),
        "largest": float(flat.abs().max()),
        "values": [round(float(flat[i]), 6) for i in picked],
    }


def main() -> None:
    folder, photo = Path(sys.argv[1]), Path(sys.argv[2])
    manifest = json.loads((folder / "model.json").read_text())
    tensors, detections = reference(load_detector(folder), photo)
    levels = [level["name"] for level in manifest["pyramid"]]
    wanted = ["input", "c3", "c4", "c5", *levels]
    wanted += [f"{kind}_{level}" for kind in ("objectness", "deltas") for level in levels]
    fixture = {
        "note": "made by test/reference/shipped_model.py; values at flat index i * size // 41",
        "tensors": {name: summary(tensors[name]) for name in wanted},
        "detections": detections,
    }
    target = ROOT / "test/fixtures/parity" / f"{manifest['name']}-{photo.stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(fixture) + "\n")
    print(f"{target.relative_to(ROOT)}: {len(detections)} detections")


if __name__ == "__main__":
    main()
