"""Runs a detector file in PyTorch on photos and writes what a port has to reproduce.

    python -m vertebra_training.reference --weights detector.safetensors --output reference/ photo.jpg …

Writes <photo>.safetensors (input, maps c3..c5 before and after their activation, p3..p6, objectness and deltas of each
level, proposals, head scores and deltas) and detections.json: [label index, score, x1, y1, x2, y2] in photo pixels.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from .detector import Detector
from .image import normalise, open_photo, pad_batch, resize
from .main import run
from .weights import load_detector, write_weights


@torch.inference_mode()
def reference(detector: Detector, path: str | Path) -> tuple[dict[str, Tensor], list[list[float]]]:
    config = detector.config
    photo = open_photo(path)
    image = normalise(resize(photo, config.input.longer_side), config.input)
    size = (image.shape[1], image.shape[2])
    batch = pad_batch([image], config.input.pad_multiple)

    tensors = {"input": batch}
    maps = detector.backbone(batch)
    for level, raw, active in zip((3, 4, 5), maps, detector.fpn.activate(maps)):
        tensors |= {f"c{level}_raw": raw, f"c{level}": active}
    levels = detector.fpn(maps)
    objectness, deltas = detector.rpn.head(list(levels.values()))
    for name, o, d in zip(levels, objectness, deltas):
        tensors |= {name: levels[name], f"objectness_{name}": o, f"deltas_{name}": d}

    captured: dict[str, Tensor] = {}
    hooks = [
        detector.rpn.register_forward_hook(lambda _, __, out: captured.update(proposals=out[0][0][0])),
        detector.roi.box_predictor.register_forward_hook(
            lambda _, __, out: captured.update(head_scores=out[0].softmax(-1), head_deltas=out[1])
        ),
    ]
    detections, _ = detector.detect(maps, batch, [size])
    for hook in hooks:
        hook.remove()
    result = detections[0]
    scale = torch.tensor([photo.width / size[1], photo.height / size[0]] * 2)
    rows = torch.cat([result["labels"][:, None], result["scores"][:, None], result["boxes"] * scale], dim=1)
    return tensors | captured, [[int(row[0]), *row[1:]] for row in rows.tolist()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path)
    options = parser.parse_args()

    detector = load_detector(options.weights)
    options.output.mkdir(parents=True, exist_ok=True)
    every = {}
    for path in options.photos:
        tensors, detections = reference(detector, path)
        write_weights({n: t.clone() for n, t in tensors.items()}, options.output / f"{path.stem}.safetensors", {})
        every[path.name] = detections
    (options.output / "detections.json").write_text(json.dumps(every, indent=1))


if __name__ == "__main__":
    run(main)
