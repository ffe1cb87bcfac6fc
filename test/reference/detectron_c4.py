"""Makes test/fixtures/dialects/detectron-c4.{pkl,json}: a Faster R-CNN of Caffe2's Detectron in its C4 form, of small width with
random weights, and what it finds.

    training/.venv/bin/python test/reference/detectron_c4.py

The backbone ends with res4, one level has 15 anchors a cell, and res5 on pooled maps of 14 x 14 is the head. RoIAlign with as many
samples as a bin has cells is torchvision's, which is Caffe2's. What is shared with the pyramid form is in older_detector.py.
"""

from __future__ import annotations

import pickle

import numpy as np
import torch
from detector_size import Size, small_size
from older_boxes import ratio_anchors
from older_detector import Detector, save
from older_layers import State, resnet_v1
from random_weights import Random
from torch import Tensor
from torchvision.ops import roi_align

RPN = {"rpn": "conv_rpn", "rpn_score": "rpn_cls_logits", "rpn_box": "rpn_bbox_pred", "score": "cls_score", "box": "bbox_pred"}
ENDS = {"W": "w", "b": "b", "gamma": "bn_s", "beta": "bn_b"}


def blob(layer: str, is_layer: bool) -> str:
    if layer == "stem":
        return "conv1" if is_layer else "res_conv1"
    if layer in RPN:
        return RPN[layer]
    stage, unit, part = layer.split(".")
    branch = "branch1" if part == "short" else f"branch2{'abc'[int(part) - 1]}"
    return f"res{int(stage) + 1}_{unit}_{branch}"


def pool(x: np.ndarray, rois: np.ndarray, scale: float) -> np.ndarray:
    boxes = torch.from_numpy(np.concatenate([np.zeros((len(rois), 1)), rois], 1).astype(np.float32))
    return roi_align(torch.from_numpy(x)[None], boxes, 14, scale, -1, False).numpy()


def main(size: Size, name: str) -> None:
    random, units = Random(41, size), size.units(50)
    widths = random.resnet(units)
    random.heads(widths[2], 15, 15, 5, 5, hidden=1024, fc=0)
    for key in list(random.state):
        # A scale and a shift alone.
        if key.endswith(".mean"):
            random.state[key] = torch.zeros_like(random.state[key])
        elif key.endswith(".var"):
            random.state[key] = torch.ones_like(random.state[key])
            random.put(key.replace(".var", ".gamma"), random.noise(len(random.state[key])).abs() * 0.2 + 0.5)

    def tail(state: State, x: Tensor) -> Tensor:
        return resnet_v1(state, x, units, 0, False, first=4)["c5"].mean((2, 3))

    detector = Detector(
        size, random.state, lambda s, x: resnet_v1(s, x, units, 0, False, last=3), lambda stride: ratio_anchors(16, [2, 4, 8, 16, 32]),
        form="detectron", clamp=float(np.log(1000 / 16)), post=1000, overlap=0.5, pool=pool, tail=tail)
    save(name, detector)
    blobs = {}
    for key, value in random.state.items():
        layer, part = key.rsplit(".", 1)
        if part in ENDS:
            blobs[f"{blob(layer, part in 'Wb')}_{ENDS[part]}"] = size.stored(value).numpy()
    (size.folder / f"{name}.pkl").write_bytes(pickle.dumps({"blobs": blobs}, 2))


if __name__ == "__main__":
    torch.manual_seed(0)
    main(small_size(), "detectron-c4")
