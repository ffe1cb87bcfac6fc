"""Anchors and boxes of older projects, in NumPy: every function follows the published description of its project."""

from __future__ import annotations

import numpy as np


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
