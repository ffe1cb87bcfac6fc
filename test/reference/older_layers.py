"""Layers, boxes and pooling of detectors from before the current libraries, for older_detectors.py, in NumPy and PyTorch.

Every function follows the published description of its project, not this library.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]


def batch_norm(state: State, name: str, x: Tensor, eps: float) -> Tensor:
    return F.batch_norm(x, state[f"{name}.mean"], state[f"{name}.var"], state[f"{name}.gamma"], state[f"{name}.beta"], eps=eps)


def resnet_v1(state: State, x: Tensor, stages: list[int], eps: float, caffe_pool: bool, first: int = 1, last: int = 4) -> dict[str, Tensor]:
    """Bottlenecks with the stride on the first 1x1; stages `first` to `last`."""
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
            y = F.relu(batch_norm(state, f"{name}.1", F.conv2d(x, state[f"{name}.1.W"], None, stride), eps))
            y = F.relu(batch_norm(state, f"{name}.2", F.conv2d(y, state[f"{name}.2.W"], None, 1, 1), eps))
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


def ratio_anchors(base: int, scales: list[float]) -> np.ndarray:
    """py-faster-rcnn's and Detectron's: corners are pixels, the sides of each ratio rounded, then scaled; ratio-major."""
    anchors = []
    for ratio in (0.5, 1, 2):
        w = np.round(np.sqrt(base * base / ratio))
        h = np.round(w * ratio)
        c = 0.5 * (base - 1)
        for s in scales:
            anchors.append([c - 0.5 * (w * s - 1), c - 0.5 * (h * s - 1), c + 0.5 * (w * s - 1), c + 0.5 * (h * s - 1)])
    return np.array(anchors, np.float32)


def mm1_anchors(base: int) -> np.ndarray:
    """MMDetection 1, scale 8."""
    c = 0.5 * (base - 1)
    anchors = []
    for ratio in (0.5, 1, 2):
        w, h = base / np.sqrt(ratio) * 8, base * np.sqrt(ratio) * 8
        anchors.append([c - 0.5 * (w - 1), c - 0.5 * (h - 1), c + 0.5 * (w - 1), c + 0.5 * (h - 1)])
    return np.round(np.array(anchors, np.float32))


def grid(anchors: np.ndarray, height: int, width: int, stride: int, offset: float = 0) -> np.ndarray:
    """Anchors of every cell: [H, W, A, 4]."""
    x, y = np.meshgrid((np.arange(width) + offset) * stride, (np.arange(height) + offset) * stride)
    return (np.stack([x, y, x, y], 2)[:, :, None] + anchors).astype(np.float32)


def decode(boxes: np.ndarray, deltas: np.ndarray, form: str, clamp: float | None = None) -> np.ndarray:
    """dx, dy, dw, dh on x1, y1, x2, y2. `edges`; `caffe` (py-faster-rcnn: + 1, and no - 1); `detectron` (- 1); `mm1`."""
    plus = 0 if form == "edges" else 1
    w, h = boxes[..., 2] - boxes[..., 0] + plus, boxes[..., 3] - boxes[..., 1] + plus
    dw, dh = deltas[..., 2], deltas[..., 3]
    if clamp is not None:
        dw, dh = np.minimum(dw, clamp), np.minimum(dh, clamp)
    pw, ph = np.exp(dw) * w, np.exp(dh) * h
    if form == "mm1":
        gx = 0.5 * (boxes[..., 0] + boxes[..., 2]) + w * deltas[..., 0]
        gy = 0.5 * (boxes[..., 1] + boxes[..., 3]) + h * deltas[..., 1]
        return np.stack([gx - pw * 0.5 + 0.5, gy - ph * 0.5 + 0.5, gx + pw * 0.5 - 0.5, gy + ph * 0.5 - 0.5], -1)
    cx, cy = boxes[..., 0] + 0.5 * w + deltas[..., 0] * w, boxes[..., 1] + 0.5 * h + deltas[..., 1] * h
    minus = 1 if form == "detectron" else 0
    return np.stack([cx - 0.5 * pw, cy - 0.5 * ph, cx + 0.5 * pw - minus, cy + 0.5 * ph - minus], -1)


def clip(boxes: np.ndarray, width: float, height: float, plus: int) -> np.ndarray:
    out = boxes.copy()
    out[..., 0::2] = np.clip(out[..., 0::2], 0, width - plus)
    out[..., 1::2] = np.clip(out[..., 1::2], 0, height - plus)
    return out


def nms(boxes: np.ndarray, scores: np.ndarray, threshold: float, plus: int) -> np.ndarray:
    order, kept = list(np.argsort(-scores, kind="stable")), []
    area = (boxes[:, 2] - boxes[:, 0] + plus) * (boxes[:, 3] - boxes[:, 1] + plus)
    while order:
        i, rest = order[0], np.array(order[1:], int)
        kept.append(i)
        w = np.minimum(boxes[i, 2], boxes[rest, 2]) - np.maximum(boxes[i, 0], boxes[rest, 0]) + plus
        h = np.minimum(boxes[i, 3], boxes[rest, 3]) - np.maximum(boxes[i, 1], boxes[rest, 1]) + plus
        shared = np.maximum(w, 0) * np.maximum(h, 0)
        order = list(rest[~(shared > threshold * (area[i] + area[rest] - shared))])
    return np.array(kept, int)


def caffe_roi_pool(x: np.ndarray, rois: np.ndarray, scale: float, size: int = 7) -> np.ndarray:
    """Caffe's ROIPooling of one image: [R, C, size, size]. Corners rounded, halves away from 0; bins floor to ceil; empty 0."""
    channels, height, width = x.shape
    out = np.zeros((len(rois), channels, size, size), np.float32)
    away = lambda v: int(math.floor(abs(v) + 0.5) * (1 if v >= 0 else -1))  # noqa: E731
    for r, roi in enumerate(rois):
        x1, y1, x2, y2 = (away(float(np.float32(v) * np.float32(scale))) for v in roi)
        bw, bh = max(x2 - x1 + 1, 1) / size, max(y2 - y1 + 1, 1) / size
        for py in range(size):
            for px in range(size):
                top, bottom = (min(max(n, 0), height) for n in (math.floor(py * bh) + y1, math.ceil((py + 1) * bh) + y1))
                left, right = (min(max(n, 0), width) for n in (math.floor(px * bw) + x1, math.ceil((px + 1) * bw) + x1))
                if bottom > top and right > left:
                    out[r, :, py, px] = x[:, top:bottom, left:right].max((1, 2))
    return out


def corner_pool(x: np.ndarray, rois: np.ndarray, scale: float, size: int = 7) -> np.ndarray:
    """faster-rcnn.pytorch's RoIAlignAvg: points at the corners of the bins, four averaged; 0 from the map's size on."""
    channels, height, width = x.shape
    points = np.zeros((len(rois), channels, size + 1, size + 1), np.float32)
    for r, (x1, y1, x2, y2) in enumerate(rois.astype(np.float64) * scale):
        bw, bh = max(x2 - x1 + 1, 0) / size, max(y2 - y1 + 1, 0) / size
        for i in range(size + 1):
            for j in range(size + 1):
                h, w = y1 + i * bh, x1 + j * bw
                if h < 0 or h >= height or w < 0 or w >= width:
                    continue
                top, left = min(math.floor(h), height - 2), min(math.floor(w), width - 2)
                fh, fw = h - top, w - left
                upper = x[:, top, left] * (1 - fw) + x[:, top, left + 1] * fw
                lower = x[:, top + 1, left] * (1 - fw) + x[:, top + 1, left + 1] * fw
                points[r, :, i, j] = upper * (1 - fh) + lower * fh
    return (points[:, :, :-1, :-1] + points[:, :, :-1, 1:] + points[:, :, 1:, :-1] + points[:, :, 1:, 1:]) / 4


def align_pool(x: np.ndarray, rois: np.ndarray, scale: float, samples: int, last_pixel: bool, size: int = 7) -> np.ndarray:
    """RoIAlign without half-pixel shift; `last_pixel`: MMDetection 1's, up to x2 + 1 and without a smallest side."""
    channels, height, width = x.shape
    out = np.zeros((len(rois), channels, size, size), np.float32)
    for r, (x1, y1, x2, y2) in enumerate(rois.astype(np.float64)):
        plus, least = (1, 0) if last_pixel else (0, 1)
        x1, y1, x2, y2 = x1 * scale, y1 * scale, (x2 + plus) * scale, (y2 + plus) * scale
        bw, bh = max(x2 - x1, least) / size, max(y2 - y1, least) / size
        for py in range(size):
            for px in range(size):
                total = 0
                for iy in range(samples):
                    for ix in range(samples):
                        h, w = y1 + (py + (iy + 0.5) / samples) * bh, x1 + (px + (ix + 0.5) / samples) * bw
                        if h < -1 or h > height or w < -1 or w > width:
                            continue
                        h, w = min(max(h, 0), height - 1), min(max(w, 0), width - 1)
                        top, left = int(h), int(w)
                        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
                        fh, fw = h - top, w - left
                        total = total + (x[:, top, left] * (1 - fw) + x[:, top, right] * fw) * (1 - fh)
                        total = total + (x[:, bottom, left] * (1 - fw) + x[:, bottom, right] * fw) * fh
                out[r, :, py, px] = total / samples**2
    return out
