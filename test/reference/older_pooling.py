"""Pooling of regions in older projects, in NumPy, and test/fixtures/heads/roi-pooling.json: what it gives.

    training/.venv/bin/python test/reference/older_pooling.py
"""

from __future__ import annotations

import json
import math

import numpy as np
from detector_size import ROOT
from older_boxes import clip


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
    plus, least = (1, 0) if last_pixel else (0, 1)
    x1, y1 = rois.astype(np.float64).T[:2] * scale
    x2, y2 = (rois.astype(np.float64).T[2:] + plus) * scale
    bw, bh = np.maximum(x2 - x1, least) / size, np.maximum(y2 - y1, least) / size
    out = np.zeros((len(rois), channels, size, size), np.float32)
    for py, px in np.ndindex(size, size):
        total = np.zeros((channels, len(rois)))
        for iy, ix in np.ndindex(samples, samples):
            h, w = y1 + (py + (iy + 0.5) / samples) * bh, x1 + (px + (ix + 0.5) / samples) * bw
            inside = (h >= -1) & (h <= height) & (w >= -1) & (w <= width)
            h, w = np.clip(h, 0, height - 1), np.clip(w, 0, width - 1)
            top, left = h.astype(int), w.astype(int)
            bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
            fh, fw = h - top, w - left
            total += (x[:, top, left] * (1 - fw) + x[:, top, right] * fw) * (1 - fh) * inside
            total += (x[:, bottom, left] * (1 - fw) + x[:, bottom, right] * fw) * fh * inside
        out[:, :, py, px] = total.T / samples**2
    return out


def main() -> None:
    """Boxes on, across and beyond the border of a map, and such as fall on halves of a cell."""
    random = np.random.default_rng(5)
    x = np.round(random.normal(size=(3, 9, 12)), 3).astype(np.float32)
    rois = [[0, 0, 191, 143], [8, 24, 40, 56], [-8, -24, 60, 70], [100.5, 80.25, 103, 83], [160, 120, 191, 143], [176, 128, 191.9, 143.9], [3, 5, 3, 5]]
    rois += np.round(np.sort(random.uniform(0, 1, (12, 2, 2)), 1).reshape(12, 4) * [192, 144, 192, 144], 2).tolist()
    boxes = np.array(rois, np.float32)
    inside = clip(boxes, 192, 144, 1)
    content = {
        "map": x.flatten().astype(float).round(3).tolist(),
        "rois": boxes.flatten().astype(float).tolist(),
        "max": caffe_roi_pool(x, boxes, 1 / 16).flatten().astype(float).round(6).tolist(),
        "corners": corner_pool(x, inside, 1 / 16).flatten().astype(float).round(6).tolist(),
        "lastPixel": align_pool(x, boxes, 1 / 16, 2, True).flatten().astype(float).round(6).tolist(),
    }
    (ROOT / "fixtures" / "heads" / "roi-pooling.json").write_text(json.dumps(content))


if __name__ == "__main__":
    main()
