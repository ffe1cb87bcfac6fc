"""Faster R-CNN as older projects compute it: one way for all, and their differences as fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from detector_size import Size, sample
from older_boxes import clip, decode, grid, nms
from older_layers import State, pyramid, resize
from older_pooling import caffe_roi_pool
from torch import Tensor

CAFFE_MEAN = (102.9801, 115.9465, 122.7717)


@dataclass
class Detector:
    """The numbers of one project, and its own ways where they are more than numbers."""

    size: Size
    state: State
    backbone: Callable[[State, Tensor], dict[str, Tensor]]
    anchors: Callable[[int], np.ndarray]
    # rounding of sides, source pixels per pixel: by the rule or by the sides
    rounding: Callable[[float], int] = lambda side: int(round(side))
    by_rule: bool = True
    uint8: bool = False
    mean: tuple = CAFFE_MEAN
    std: tuple = (1.0, 1.0, 1.0)
    bgr: bool = True
    is_pyramid: bool = False
    offset: float = 0
    pairs: str = "none"
    yx: bool = False
    form: str = "caffe"
    clamp: float | None = None
    pre: int = 6000
    post: int = 300
    min_size: float = 0
    clip_padded: bool = False
    pool: Callable = caffe_roi_pool
    tail: Callable | None = None
    weights: tuple = (0.1, 0.1, 0.2, 0.2)
    to_photo: str = "before-decoding"
    agnostic: bool = False
    overlap: float = 0.3
    # What the last layers gave: rows of channels.
    seen: dict[str, list[Tensor]] = field(default_factory=dict)

    @property
    def plus(self) -> int:
        return 0 if self.form == "edges" else 1

    def prepare(self, rgb: np.ndarray) -> tuple[Tensor, float, int, int]:
        height, width = rgb.shape[:2]
        scale = self.size.shorter / min(height, width)
        if scale * max(height, width) > self.size.longer:
            scale = self.size.longer / max(height, width)
        h, w = self.rounding(height * scale), self.rounding(width * scale)
        levels = resize(rgb.astype(np.float64), h, w, 1 / scale if self.by_rule else None)
        if self.uint8:
            levels = np.floor(levels + 0.5)
        if self.bgr:
            levels = levels[:, :, ::-1]
        x = torch.from_numpy(((levels - np.array(self.mean)) / np.array(self.std)).astype(np.float32)).permute(2, 0, 1)[None]
        if self.is_pyramid:
            x = F.pad(x, (0, -w % 32, 0, -h % 32))
        return x.contiguous(), scale, h, w

    def layer(self, name: str, values: Tensor) -> Tensor:
        self.seen.setdefault(name, []).append(values.flatten(1))
        return values

    def run(self) -> dict:
        state, rgb, self.seen = self.state, self.size.rgb, {}
        x, scale, h, w = self.prepare(rgb)
        maps = self.backbone(state, x)
        levels = pyramid(state, maps) if self.is_pyramid else [maps["c4"]]
        strides = [4, 8, 16, 32, 64] if self.is_pyramid else [16]
        rois, scores = self.propose(levels, strides, x, scale, h, w)
        pooled = self.pool_all(levels, strides, rois)
        hidden = torch.from_numpy(pooled)
        if self.tail:
            hidden = self.tail(state, hidden)
        else:
            hidden = F.relu(F.linear(hidden.flatten(1), state["fc6.W"], state["fc6.b"]))
            hidden = F.relu(F.linear(hidden, state["fc7.W"], state["fc7.b"]))
        logits = self.layer("score", F.linear(hidden, state["score.W"], state["score.b"]).T).T
        probabilities = logits.softmax(1).numpy()
        deltas = self.layer("box", F.linear(hidden, state["box.W"], state["box.b"]).T).T.numpy().reshape(len(rois), -1, 4)
        boxes, scores, classes = self.finish(rois, probabilities, deltas, rgb.shape[:2], scale, h, w)
        return {
            "input": list(x.shape),
            "features": {name: sample(value) for name, value in maps.items()},
            "proposals": np.round(rois[:200].astype(float), 4).tolist(),
            "boxes": np.round(boxes.astype(float), 4).tolist(),
            "scores": np.round(scores.astype(float), 6).tolist(),
            "classes": classes.tolist(),
        }

    def order(self, deltas: np.ndarray) -> np.ndarray:
        return deltas[..., [1, 0, 3, 2]] if self.yx else deltas

    def propose(self, levels, strides, x: Tensor, scale: float, h: int, w: int) -> tuple[np.ndarray, np.ndarray]:
        state, boxes, scores = self.state, [], []
        bounds = (x.shape[3], x.shape[2]) if self.clip_padded else (w, h)
        for level, stride in zip(levels, strides):
            hidden = F.relu(F.conv2d(level, state["rpn.W"], state["rpn.b"], padding=1))
            logits = self.layer("rpn_score", F.conv2d(hidden, state["rpn_score.W"], state["rpn_score.b"])[0])
            deltas = self.layer("rpn_box", F.conv2d(hidden, state["rpn_box.W"], state["rpn_box.b"])[0])
            rows, columns = level.shape[2:]
            a = len(self.anchors(stride))
            if self.pairs == "halves":
                score = logits.reshape(2, a, rows, columns).softmax(0)[1]
            elif self.pairs == "interleaved":
                score = logits.reshape(a, 2, rows, columns).softmax(1)[:, 1]
            else:
                score = logits.sigmoid()
            score = score.permute(1, 2, 0).reshape(-1).numpy()
            deltas = self.order(deltas.reshape(a, 4, rows, columns).permute(2, 3, 0, 1).reshape(-1, 4).numpy())
            every = grid(self.anchors(stride), rows, columns, stride, self.offset).reshape(-1, 4)
            decoded = clip(decode(every, deltas, self.form, self.clamp), *bounds, self.plus)
            if self.is_pyramid:
                best = np.argsort(-score, kind="stable")[: self.pre]
                decoded, score = decoded[best], score[best]
            sides = decoded[:, 2:] - decoded[:, :2] + self.plus
            keep = (sides >= self.min_size * scale).all(1) & (sides > 0).all(1)
            decoded, score = decoded[keep], score[keep]
            best = np.argsort(-score, kind="stable")[: self.pre]
            kept = best[nms(decoded[best], score[best], 0.7, self.plus)]
            boxes.append(decoded[kept])
            scores.append(score[kept])
        boxes, scores = np.concatenate(boxes), np.concatenate(scores)
        best = np.argsort(-scores, kind="stable")[: self.post]
        return boxes[best].astype(np.float32), scores[best]

    def pool_all(self, levels, strides, rois: np.ndarray) -> np.ndarray:
        if not self.is_pyramid:
            return self.pool(levels[0][0].numpy(), rois, 1 / strides[0])
        sides = rois[:, 2:] - rois[:, :2] + self.plus
        level = np.clip(np.floor(4 + np.log2(np.sqrt(sides.prod(1)) / 224 + 1e-6)), 2, 5).astype(int) - 2
        out = np.zeros((len(rois), levels[0].shape[1], 7, 7), np.float32)
        for i in range(4):
            if (level == i).any():
                out[level == i] = self.pool(levels[i][0].numpy(), rois[level == i], 1 / strides[i])
        return out

    def finish(self, rois, probabilities, deltas, photo, scale: float, h: int, w: int):
        deltas = self.order(deltas) * np.array(self.weights, np.float32)
        ratio = np.array([1 / scale] * 4) if self.by_rule else np.array([photo[1] / w, photo[0] / h] * 2)
        references = rois * ratio if self.to_photo == "before-decoding" else rois
        boxes = decode(references[:, None].astype(np.float32), deltas, self.form, self.clamp)
        boxes = clip(boxes, *((photo[1], photo[0]) if self.to_photo == "before-decoding" else (w, h)), self.plus)
        if self.to_photo == "before-nms":
            boxes = boxes * ratio
        found = []
        for column in range(1, probabilities.shape[1]):
            score = probabilities[:, column]
            chosen = np.where(score > 0.05)[0]
            mine = boxes[chosen, 0 if self.agnostic else column]
            for i in nms(mine, score[chosen], self.overlap, self.plus):
                found.append((mine[i], score[chosen[i]], column - 1))
        found.sort(key=lambda each: -each[1])
        found = found[:100]
        out = np.array([box for box, _, _ in found]).reshape(-1, 4)
        # The edges of boxes whose corners are pixels.
        out = out + np.array([0, 0, self.plus, self.plus])
        out = np.minimum(out, [photo[1], photo[0]] * 2)
        return out, np.array([s for _, s, _ in found]), np.array([c for _, _, c in found], int)

    def spread(self) -> None:
        """Scores that are neither all alike nor all 1. In full size every channel is centred, too, and boxes get a deviation: among
        thousands of random features every region would look the same to a random layer."""
        deviations = {"rpn_score": 1.5, "score": 1.5}
        if self.size.is_full:
            deviations = {"rpn_score": 1.5, "rpn_box": 0.2, "score": 2.5, "box": 0.08 / self.weights[0]}
        for layer, deviation in deviations.items():
            values = torch.cat(self.seen[layer], 1)
            if self.size.is_full:
                mean = values.mean(1)
                self.state[f"{layer}.b"] = self.state[f"{layer}.b"] - mean
                values = values - mean[:, None]
            for key in (f"{layer}.W", f"{layer}.b"):
                self.state[key] = self.size.stored(self.state[key] * deviation / values.std()).float()


def save(name: str, detector: Detector) -> None:
    """Spreads the scores, and writes what the detector gives."""
    with torch.no_grad():
        detector.run()
        detector.spread()
        detector.size.write(name, detector.run())
