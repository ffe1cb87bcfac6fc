"""Networks and resizing of older projects, in PyTorch and NumPy: every function follows the published description of its project."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]


def batch_norm(state: State, name: str, x: Tensor, eps: float) -> Tensor:
    return F.batch_norm(x, state[f"{name}.mean"], state[f"{name}.var"], state[f"{name}.gamma"], state[f"{name}.beta"], eps=eps)


def resnet_v1(
    state: State, x: Tensor, stages: list[int], eps: float, caffe_pool: bool, first: int = 1, last: int = 4, strided: int = 1
) -> dict[str, Tensor]:
    """Bottlenecks with the stride on convolution `strided`: 1, the first 1x1, or 2; stages `first` to `last`."""
    if first == 1:
        x = F.relu(batch_norm(state, "stem", F.conv2d(x, state["stem.W"], state.get("stem.b"), 2, 3), eps))
        x = F.max_pool2d(x, 3, 2, 0, ceil_mode=True) if caffe_pool else F.max_pool2d(x, 3, 2, 1)
    maps = {}
    for stage in range(first, last + 1):
        for unit in range(stages[stage - 1]):
            name = f"{stage}.{unit}"
            stride = 2 if unit == 0 and stage > 1 else 1
            short = x
            if f"{name}.short.W" in state:
                short = batch_norm(state, f"{name}.short", F.conv2d(x, state[f"{name}.short.W"], None, stride), eps)
            strides = (stride, 1) if strided == 1 else (1, stride)
            y = F.relu(batch_norm(state, f"{name}.1", F.conv2d(x, state[f"{name}.1.W"], None, strides[0]), eps))
            y = F.relu(batch_norm(state, f"{name}.2", F.conv2d(y, state[f"{name}.2.W"], None, strides[1], 1), eps))
            x = F.relu(batch_norm(state, f"{name}.3", F.conv2d(y, state[f"{name}.3.W"]), eps) + short)
        maps[f"c{stage + 1}"] = x
    return maps


def slim_v2(state: State, x: Tensor, stages: list[int], eps: float) -> dict[str, Tensor]:
    """TF-slim's resnet_v2: stride in a block's last unit, pooling with SAME."""
    x = F.conv2d(x, state["stem.W"], state["stem.b"], 2, 3)
    height, width = x.shape[2:]
    pad = [max((math.ceil(n / 2) - 1) * 2 + 3 - n, 0) for n in (height, width)]
    x = F.pad(x, (pad[1] // 2, pad[1] - pad[1] // 2, pad[0] // 2, pad[0] - pad[0] // 2), value=-torch.inf)
    x = F.max_pool2d(x, 3, 2)
    maps = {}
    for stage, units in enumerate(stages, 1):
        for unit in range(units):
            name = f"{stage}.{unit}"
            stride = 2 if unit == units - 1 and stage < len(stages) else 1
            pre = F.relu(batch_norm(state, f"{name}.pre", x, eps))
            if unit == units - 1 and stage < len(stages):
                maps[f"c{stage + 1}"] = pre
            has_shortcut = f"{name}.short.W" in state
            short = F.conv2d(pre, state[f"{name}.short.W"], state[f"{name}.short.b"], stride) if has_shortcut else x[:, :, ::stride, ::stride]
            y = F.relu(batch_norm(state, f"{name}.1", F.conv2d(pre, state[f"{name}.1.W"]), eps))
            y = F.relu(batch_norm(state, f"{name}.2", F.conv2d(y, state[f"{name}.2.W"], None, stride, 1), eps))
            x = short + F.conv2d(y, state[f"{name}.3.W"], state[f"{name}.3.b"])
    maps[f"c{len(stages) + 1}"] = F.relu(batch_norm(state, "post", x, eps))
    return maps


def vgg(state: State, x: Tensor, ceil: bool) -> dict[str, Tensor]:
    maps = {}
    for stage, count in enumerate([2, 2, 3, 3, 3], 1):
        if stage > 1:
            x = F.max_pool2d(x, 2, 2, ceil_mode=ceil)
        for i in range(1, count + 1):
            x = F.relu(F.conv2d(x, state[f"conv{stage}_{i}.W"], state[f"conv{stage}_{i}.b"], padding=1))
        maps[f"c{stage - 1}"] = x
    return {name: maps[name] for name in ("c2", "c3", "c4")}


def pyramid(state: State, maps: dict[str, Tensor]) -> list[Tensor]:
    """p2 to p6: 1x1, nearest and sum, 3x3, and every second cell of p5."""
    above, levels = None, []
    for level in (5, 4, 3, 2):
        lateral = F.conv2d(maps[f"c{level}"], state[f"lateral{level}.W"], state[f"lateral{level}.b"])
        above = lateral if above is None else lateral + above.repeat_interleave(2, 2).repeat_interleave(2, 3)
        levels.insert(0, F.conv2d(above, state[f"output{level}.W"], state[f"output{level}.b"], padding=1))
    return [*levels, levels[-1][:, :, ::2, ::2]]


def resize(levels: np.ndarray, height: int, width: int, step: float | None) -> np.ndarray:
    """Four neighbours at half-pixel centres; `step`: source pixels per pixel, as cv2.resize with fx and fy has it."""

    def axis(size: int, out: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = (np.arange(out) + 0.5) * (step or size / out) - 0.5
        low = np.floor(at).astype(int)
        part = at - low
        part[low < 0] = 0
        low = np.clip(low, 0, size - 1)
        part[low >= size - 1] = 0
        return low, np.minimum(low + 1, size - 1), part

    y0, y1, fy = axis(levels.shape[0], height)
    x0, x1, fx = axis(levels.shape[1], width)
    rows = levels[y0] * (1 - fy)[:, None, None] + levels[y1] * fy[:, None, None]
    return rows[:, x0] * (1 - fx)[None, :, None] + rows[:, x1] * fx[None, :, None]
