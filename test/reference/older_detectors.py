"""Makes detectors and backbones of older projects, of small width with random weights under their own names, and what they give.

    training/.venv/bin/python test/reference/older_detectors.py

Writes test/fixtures/dialects/{faster-rcnn-pytorch-*, py-faster-rcnn, chainercv-*, mmdetection1-*, detectron-*}, the backbones
test/fixtures/dialects/{kaiminghe-*, slim-*}, and test/fixtures/heads/roi-pooling.json. None of these projects is installed; what
they compute is written again in older_layers.py and here. photo.json and photo.bin are those of dialects.py.
"""

from __future__ import annotations

import json
import pickle
import struct
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from older_layers import (
    State, align_pool, caffe_roi_pool, clip, corner_pool, decode, grid, mm1_anchors, nms, pyramid, ratio_anchors, resize,
    resnet_v1, slim_v2, vgg,
)
from torch import Tensor

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "fixtures" / "dialects"
SHORTER, LONGER = 160, 240
SAMPLES = 128
STAGES = [1, 2, 1, 1]
CLAMP = float(np.log(1000 / 16))
CAFFE_MEAN = (102.9801, 115.9465, 122.7717)


class Random:
    """Weights that keep activations alive and scores apart, in float16."""

    def __init__(self, seed: int) -> None:
        self.state: State = {}
        self.generator = torch.Generator().manual_seed(seed)

    def noise(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator)

    def layer(self, name: str, *shape: int, scale: float = 1.0, bias: bool = True) -> None:
        self.put(f"{name}.W", self.noise(*shape) * (2 / np.prod(shape[1:])) ** 0.5 * scale)
        if bias:
            self.put(f"{name}.b", self.noise(shape[0]) * 0.1)

    def norm(self, name: str, channels: int) -> None:
        self.put(f"{name}.gamma", self.noise(channels).abs() * 0.2 + 0.5)
        self.put(f"{name}.beta", self.noise(channels) * 0.1)
        self.put(f"{name}.mean", self.noise(channels) * 0.1)
        var = self.noise(channels).abs() * 0.5 + 0.5
        var[::5], self.state[f"{name}.gamma"][::5] = 3e-5, 3e-3
        self.put(f"{name}.var", var)

    def put(self, name: str, value: Tensor) -> None:
        self.state[name] = value.half().float()

    def resnet(self, width: int, stem_bias: bool = False) -> list[int]:
        """Of STAGES; returns the widths of the stages' outputs."""
        self.layer("stem", width, 3, 7, 7, scale=1 / 58, bias=stem_bias)
        self.norm("stem", width)
        inputs = width
        for stage, units in enumerate(STAGES, 1):
            inner = width * 2 ** (stage - 1)
            for unit in range(units):
                name = f"{stage}.{unit}"
                for part, (o, i, k) in {"1": (inner, inputs, 1), "2": (inner, inner, 3), "3": (4 * inner, inner, 1)}.items():
                    self.layer(f"{name}.{part}", o, i, k, k, bias=False)
                    self.norm(f"{name}.{part}", o)
                if unit == 0:
                    self.layer(f"{name}.short", 4 * inner, inputs, 1, 1, bias=False)
                    self.norm(f"{name}.short", 4 * inner)
                inputs = 4 * inner
        return [4 * width * 2**i for i in range(4)]

    def vgg(self) -> int:
        inputs = 3
        for stage, (count, width) in enumerate(zip([2, 2, 3, 3, 3], [4, 4, 6, 8, 8]), 1):
            for i in range(1, count + 1):
                self.layer(f"conv{stage}_{i}", width, inputs, 3, 3, scale=1 / 58 if inputs == 3 else 1)
                inputs = width
        return inputs

    def fpn(self, widths: list[int], channels: int) -> None:
        for level, width in zip((2, 3, 4, 5), widths):
            self.layer(f"lateral{level}", channels, width, 1, 1)
            self.layer(f"output{level}", channels, channels, 3, 3)

    def heads(self, channels: int, anchors: int, logits: int, hidden: int, columns: int, boxes: int, fc: int = 16) -> None:
        self.layer("rpn", hidden, channels, 3, 3)
        self.layer("rpn_score", logits, hidden, 1, 1)
        self.layer("rpn_box", 4 * anchors, hidden, 1, 1, scale=0.3)
        inputs = fc
        if fc:
            self.layer("fc6", fc, channels * 49)
            self.layer("fc7", fc, fc)
        else:
            inputs = channels * 2
        self.layer("score", columns, inputs, scale=3)
        self.layer("box", 4 * boxes, inputs, scale=0.5)


@dataclass
class Detector:
    """The numbers of one project, and its own ways where they are more than numbers."""

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
    logits: Tensor | None = None
    objectness: Tensor | None = None

    @property
    def plus(self) -> int:
        return 0 if self.form == "edges" else 1

    def prepare(self, rgb: np.ndarray) -> tuple[Tensor, float, int, int]:
        height, width = rgb.shape[:2]
        scale = SHORTER / min(height, width)
        if scale * max(height, width) > LONGER:
            scale = LONGER / max(height, width)
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

    def run(self, rgb: np.ndarray) -> dict:
        state = self.state
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
        self.logits = F.linear(hidden, state["score.W"], state["score.b"])
        probabilities = self.logits.softmax(1).numpy()
        deltas = F.linear(hidden, state["box.W"], state["box.b"]).numpy().reshape(len(rois), -1, 4)
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
            logits = F.conv2d(hidden, state["rpn_score.W"], state["rpn_score.b"])[0]
            self.objectness = logits.flatten() if self.objectness is None else torch.cat([self.objectness, logits.flatten()])
            deltas = F.conv2d(hidden, state["rpn_box.W"], state["rpn_box.b"])[0]
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


def sample(value: Tensor) -> dict:
    flat = value.flatten()
    at = torch.arange(SAMPLES) * len(flat) // SAMPLES
    return {"shape": list(value.shape), "largest": flat.abs().max().item(), "values": [float(f"{v:.7f}") for v in flat[at].tolist()]}


def caffe_vgg(state: State, x: Tensor) -> dict[str, Tensor]:
    return vgg(state, x, ceil=True)


TORCH_FIELDS = {"W": "weight", "b": "bias", "gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"}


def torch_resnet_name(key: str) -> str:
    name, part = key.rsplit(".", 1)
    is_norm, last = part not in ("W", "b"), TORCH_FIELDS[part]
    if name == "stem":
        return f"{'bn1' if is_norm else 'conv1'}.{last}"
    stage, unit, layer = name.split(".")
    inner = f"downsample.{int(is_norm)}" if layer == "short" else f"{'bn' if is_norm else 'conv'}{layer}"
    return f"layer{stage}.{unit}.{inner}.{last}"


def rename(state: State, table: dict[str, str], fields: dict[str, str], rest: Callable[[str], str], joint: str = ".") -> dict[str, Tensor]:
    named = OrderedDict()
    for key, value in state.items():
        layer, part = key.rsplit(".", 1)
        named[f"{table[layer]}{joint}{fields[part]}" if layer in table else rest(key)] = value
    return named


def half(state: dict[str, Tensor]) -> OrderedDict[str, Tensor]:
    return OrderedDict((name, value.half()) for name, value in state.items())


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def caffemodel(blobs: dict[str, Tensor], old: bool = False) -> bytes:
    """A NetParameter of layers and their blobs. `old`: four sizes to every blob."""
    layers: dict[str, list[Tensor]] = {}
    for name, value in blobs.items():
        layers.setdefault(name.rsplit(".", 1)[0], []).append(value)
    out = message(1, b"net")
    for name, values in layers.items():
        layer = message(1, name.encode()) + message(2, b"Convolution")
        for value in values:
            dims = list(value.shape)
            if old:
                dims = [1] * (4 - len(dims)) + dims
                shape = b"".join(varint((i + 1) << 3) + varint(dim) for i, dim in enumerate(dims))
            else:
                shape = message(7, message(1, b"".join(varint(dim) for dim in dims)))
            layer += message(7, shape + message(5, value.numpy().astype("<f4").tobytes()))
        out += message(100, layer)
    return out


def save(name: str, detector: Detector, rgb: np.ndarray) -> None:
    with torch.no_grad():
        detector.run(rgb)
        # Scores that are neither all alike nor all 1.
        for layer, values in (("rpn_score", detector.objectness), ("score", detector.logits)):
            for key in (f"{layer}.W", f"{layer}.b"):
                detector.state[key] = (detector.state[key] * 1.5 / values.std()).half().float()
        expected = detector.run(rgb)
    scores = expected["scores"]
    print(f"{name}: {len(expected['proposals'])} proposals, {len(scores)} detections, scores {scores[:1]} to {scores[-1:]}", file=sys.stderr)
    (FOLDER / f"{name}.json").write_text(json.dumps(expected))


def jwyang(rgb: np.ndarray) -> None:
    table = {"rpn": "RCNN_rpn.RPN_Conv", "rpn_score": "RCNN_rpn.RPN_cls_score", "rpn_box": "RCNN_rpn.RPN_bbox_pred",
             "score": "RCNN_cls_score", "box": "RCNN_bbox_pred", "fc6": "RCNN_top.0", "fc7": "RCNN_top.3"}
    common = dict(anchors=lambda stride: ratio_anchors(16, [8, 16, 32]), pairs="halves", pool=corner_pool, to_photo="before-nms")

    random = Random(21)
    channels = random.vgg()
    random.heads(channels, 9, 18, 8, 21, 21)
    index = {}
    at = 0
    for stage, count in enumerate([2, 2, 3, 3, 3], 1):
        for i in range(1, count + 1):
            index[f"conv{stage}_{i}"] = f"RCNN_base.{at}"
            at += 2
        at += 1
    save("faster-rcnn-pytorch-vgg16", Detector(random.state, lambda s, x: vgg(s, x, ceil=False), **common), rgb)
    named = half(rename(random.state, {**table, **index}, TORCH_FIELDS, str))
    content = {"session": 1, "epoch": 7, "model": named, "optimizer": {"state": {}, "param_groups": []}, "pooling_mode": "align", "class_agnostic": False}
    torch.save(content, FOLDER / "faster-rcnn-pytorch-vgg16.pth", _use_new_zipfile_serialization=False)

    random = Random(22)
    widths = random.resnet(4)
    random.heads(widths[2], 12, 24, 8, 5, 1, fc=0)

    def base(key: str) -> str:
        name = torch_resnet_name(key)
        for old, new in (("conv1.", "RCNN_base.0."), ("bn1.", "RCNN_base.1."), ("layer4.", "RCNN_top.0.")):
            if name.startswith(old):
                return new + name[len(old):]
        stage = int(name[5])
        return f"RCNN_base.{stage + 3}{name[6:]}"

    def tail(state: State, x: Tensor) -> Tensor:
        return resnet_v1(state, x, STAGES, 1e-5, True, first=4)["c5"].mean((2, 3))

    detector = Detector(random.state, lambda s, x: resnet_v1(s, x, STAGES, 1e-5, True, last=3), **{
        **common, "anchors": lambda stride: ratio_anchors(16, [4, 8, 16, 32]), "tail": tail, "agnostic": True})
    save("faster-rcnn-pytorch-res101", detector, rgb)
    content["model"] = half(rename(random.state, table, TORCH_FIELDS, base))
    torch.save(content, FOLDER / "faster-rcnn-pytorch-res101.pth", _use_new_zipfile_serialization=False)


def girshick(rgb: np.ndarray) -> None:
    random = Random(23)
    channels = random.vgg()
    random.heads(channels, 9, 18, 8, 21, 21)
    # The deviations of the box targets are in the weights.
    for part in ("W", "b"):
        scale = torch.tensor([0.1, 0.1, 0.2, 0.2]).repeat(21)
        key = f"box.{part}"
        random.put(key, random.state[key] * (scale[:, None] if part == "W" else scale))
    detector = Detector(random.state, caffe_vgg, lambda stride: ratio_anchors(16, [8, 16, 32]), pairs="halves", min_size=16, weights=(1, 1, 1, 1))
    save("py-faster-rcnn", detector, rgb)
    table = {"rpn": "rpn_conv/3x3", "rpn_score": "rpn_cls_score", "rpn_box": "rpn_bbox_pred", "fc6": "fc6", "fc7": "fc7",
             "score": "cls_score", "box": "bbox_pred"}
    fields = {"W": "0", "b": "1"}
    blobs = rename(random.state, table, fields, lambda key: key.replace(".W", ".0").replace(".b", ".1"))
    (FOLDER / "py-faster-rcnn.caffemodel").write_bytes(caffemodel(blobs, old=True))


CHAINER_FIELDS = {"W": "W", "b": "b", "gamma": "gamma", "beta": "beta", "mean": "avg_mean", "var": "avg_var"}


def chainer(rgb: np.ndarray) -> None:
    random = Random(24)
    channels = random.vgg()
    random.heads(channels, 9, 18, 8, 21, 21)

    def centred(stride: int) -> np.ndarray:
        sides = [(16 * s * np.sqrt(1 / r) / 2, 16 * s * np.sqrt(r) / 2) for r in (0.5, 1, 2) for s in (8, 16, 32)]
        return np.array([[-x, -y, x, y] for x, y in sides], np.float32)

    shared = dict(form="edges", yx=True, bgr=False, rounding=int, by_rule=False)
    detector = Detector(random.state, caffe_vgg, centred, pairs="interleaved", offset=0.5, min_size=16, mean=CAFFE_MEAN[::-1], **shared)
    save("chainercv-vgg16", detector, rgb)
    table = {"rpn": "rpn/conv1", "rpn_score": "rpn/score", "rpn_box": "rpn/loc", "fc6": "head/fc6", "fc7": "head/fc7",
             "score": "head/score", "box": "head/cls_loc"}
    table |= {key[:-2]: f"extractor/{key[:-2]}/conv" for key in random.state if key.startswith("conv")}
    named = rename(random.state, table, CHAINER_FIELDS, str, "/")
    np.savez(FOLDER / "chainercv-vgg16.npz", **{name: value.half().numpy() for name, value in named.items()})

    random = Random(25)
    widths = random.resnet(4)
    random.fpn(widths, 8)
    random.heads(8, 3, 3, 8, 6, 6)

    def cells(stride: int) -> np.ndarray:
        out = []
        for ratio in (0.5, 1, 2):
            w = np.round(stride / np.sqrt(ratio))
            h = np.round(w * ratio)
            out.append([-8 * w / 2, -8 * h / 2, 8 * w / 2, 8 * h / 2])
        return np.array(out, np.float32)

    detector = Detector(
        random.state, lambda s, x: resnet_v1(s, x, STAGES, 2e-5, False), cells, is_pyramid=True, offset=0.5, clamp=CLAMP, pre=1000,
        post=1000, clip_padded=True, overlap=0.5, mean=(123.15163084, 115.90288257, 103.0626238),
        pool=lambda x, rois, scale: align_pool(x, rois, scale, 2, False), **shared)
    save("chainercv-fpn", detector, rgb)
    table = {"rpn": "rpn/conv", "rpn_score": "rpn/conf", "rpn_box": "rpn/loc", "fc6": "bbox_head/fc1", "fc7": "bbox_head/fc2",
             "score": "bbox_head/conf", "box": "bbox_head/loc"}
    table |= {f"lateral{i}": f"extractor/inner/{i - 2}" for i in range(2, 6)} | {f"output{i}": f"extractor/outer/{i - 2}" for i in range(2, 6)}
    named = rename(random.state, table, CHAINER_FIELDS, lambda key: f"extractor/base/{chainer_resnet(key)}", "/")
    arrays = {name: value.half().numpy() for name, value in named.items()}
    arrays["extractor/base/conv1/bn/N"] = np.array(0)
    np.savez(FOLDER / "chainercv-fpn.npz", **arrays)


def chainer_resnet(key: str) -> str:
    name, part = key.rsplit(".", 1)
    inside = f"{'conv' if part in ('W', 'b') else 'bn'}/{CHAINER_FIELDS[part]}"
    if name == "stem":
        return f"conv1/{inside}"
    stage, unit, layer = name.split(".")
    unit_name = "a" if unit == "0" else f"b{unit}"
    return f"res{int(stage) + 1}/{unit_name}/{'residual_conv' if layer == 'short' else f'conv{layer}'}/{inside}"


def pyramids(rgb: np.ndarray) -> None:
    """MMDetection 1 in caffe style, and Detectron."""
    random = Random(26)
    widths = random.resnet(4)
    random.fpn(widths, 8)
    random.heads(8, 3, 3, 8, 4, 4)
    shared = dict(is_pyramid=True, clamp=CLAMP, pre=1000, post=1000, overlap=0.5)
    detector = Detector(
        random.state, lambda s, x: resnet_v1(s, x, STAGES, 1e-5, False), mm1_anchors, form="mm1", rounding=lambda side: int(side + 0.5),
        by_rule=False, uint8=True, mean=(103.53, 116.28, 123.675), to_photo="before-nms",
        pool=lambda x, rois, scale: align_pool(x, rois, scale, 2, True), **shared)
    save("mmdetection1-caffe", detector, rgb)
    table = {"rpn": "rpn_head.rpn_conv", "rpn_score": "rpn_head.rpn_cls", "rpn_box": "rpn_head.rpn_reg", "fc6": "bbox_head.shared_fcs.0",
             "fc7": "bbox_head.shared_fcs.1", "score": "bbox_head.fc_cls", "box": "bbox_head.fc_reg"}
    table |= {f"lateral{i}": f"neck.lateral_convs.{i - 2}.conv" for i in range(2, 6)}
    table |= {f"output{i}": f"neck.fpn_convs.{i - 2}.conv" for i in range(2, 6)}
    named = half(rename(random.state, table, TORCH_FIELDS, lambda key: f"backbone.{torch_resnet_name(key)}"))
    meta = {"CLASSES": ("cat", "dog", "person"), "config": "model = dict(backbone=dict(depth=50, style='caffe'))"}
    torch.save({"meta": meta, "state_dict": named}, FOLDER / "mmdetection1-caffe.pth")

    random = Random(27)
    widths = random.resnet(4, stem_bias=True)
    random.fpn(widths, 8)
    random.heads(8, 3, 3, 8, 4, 4)
    for key in list(random.state):
        # A scale and a shift alone.
        if key.endswith(".mean"):
            random.state[key] = torch.zeros_like(random.state[key])
        elif key.endswith(".var"):
            random.state[key] = torch.ones_like(random.state[key])
            random.put(key.replace(".var", ".gamma"), random.noise(len(random.state[key])).abs() * 0.2 + 0.5)
    detector = Detector(
        random.state, lambda s, x: resnet_v1(s, x, STAGES, 0, False), lambda stride: ratio_anchors(stride, [8]), form="detectron",
        pool=lambda x, rois, scale: align_pool(x, rois, scale, 2, False), **shared)
    save("detectron-fpn", detector, rgb)
    blobs = {}
    for key, value in random.state.items():
        name, part = key.rsplit(".", 1)
        if part in ("mean", "var"):
            continue
        end = {"W": "w", "b": "b", "gamma": "bn_s", "beta": "bn_b"}[part]
        if name == "stem":
            blob = "conv1" if part in "Wb" else "res_conv1"
        elif name[0].isdigit():
            stage, unit, layer = name.split(".")
            branch = "branch1" if layer == "short" else f"branch2{'abc'[int(layer) - 1]}"
            blob = f"res{int(stage) + 1}_{unit}_{branch}"
        elif name.startswith(("lateral", "output")):
            level = int(name[-1])
            total = f"res{level}_{STAGES[level - 2] - 1}_sum"
            blob = f"fpn_{total}" if name.startswith("output") else f"fpn_inner_{total}" + ("" if level == 5 else "_lateral")
        else:
            blob = {"rpn": "conv_rpn_fpn2", "rpn_score": "rpn_cls_logits_fpn2", "rpn_box": "rpn_bbox_pred_fpn2", "score": "cls_score",
                    "box": "bbox_pred"}.get(name, name)
        blobs[f"{blob}_{end}"] = value.half().numpy()
        blobs[f"{blob}_{end}_momentum"] = np.zeros(1, np.float16)
    (FOLDER / "detectron-fpn.pkl").write_bytes(pickle.dumps({"blobs": blobs, "cfg": "MODEL: {}"}, 2))


def backbones() -> None:
    """On an image of seeded noise, which is stored."""
    x = (torch.rand((1, 3, 63, 90), generator=torch.Generator().manual_seed(1)) * 255 - 128).half().float()
    (FOLDER / "backbone-input.bin").write_bytes(x.numpy().astype("<f4").tobytes())
    for style in ("letters", "numbers"):
        random = Random(28)
        random.resnet(2, stem_bias=style == "letters")
        with torch.no_grad():
            maps = resnet_v1(random.state, x, STAGES, 1e-5, True)
        (FOLDER / f"kaiminghe-{style}.json").write_text(json.dumps({name: sample(value) for name, value in maps.items()}))
        blobs, factor = {}, 0.37
        for key, value in random.state.items():
            name, part = key.rsplit(".", 1)
            if name == "stem":
                layer, norm = "conv1", "_conv1"
            else:
                stage, unit, inner = name.split(".")
                letter = "abc"[int(unit)] if style == "letters" or unit == "0" else f"b{unit}"
                norm = f"{int(stage) + 1}{letter}_" + ("branch1" if inner == "short" else f"branch2{'abc'[int(inner) - 1]}")
                layer = f"res{norm}"
            if part in ("W", "b"):
                blobs[f"{layer}.{'Wb'.index(part)}"] = value
            elif part in ("gamma", "beta"):
                blobs[f"scale{norm}.{('gamma', 'beta').index(part)}"] = value
            else:
                blobs[f"bn{norm}.{('mean', 'var').index(part)}"] = value * factor
                if part == "var":
                    blobs[f"bn{norm}.2"] = torch.tensor([factor])
        (FOLDER / f"kaiminghe-{style}.caffemodel").write_bytes(caffemodel(blobs))

    x = x[:, :, :, :64] / 128
    x = F.pad(x, (0, 0, 0, 1))
    random, stages = Random(29), [2, 1, 2, 2]
    random.layer("stem", 2, 3, 7, 7)
    inputs = 2
    for stage, units in enumerate(stages, 1):
        inner = 2 * 2 ** (stage - 1)
        for unit in range(units):
            name = f"{stage}.{unit}"
            random.norm(f"{name}.pre", inputs)
            random.layer(f"{name}.1", inner, inputs, 1, 1, bias=False)
            random.norm(f"{name}.1", inner)
            random.layer(f"{name}.2", inner, inner, 3, 3, bias=False)
            random.norm(f"{name}.2", inner)
            random.layer(f"{name}.3", 4 * inner, inner, 1, 1)
            if unit == 0:
                random.layer(f"{name}.short", 4 * inner, inputs, 1, 1)
            inputs = 4 * inner
    random.norm("post", inputs)
    random.layer("logits", 5, inputs, 1, 1)
    with torch.no_grad():
        maps = slim_v2(random.state, x, stages, 1e-5)
    (FOLDER / "slim-resnet-v2.json").write_text(json.dumps({name: sample(value) for name, value in maps.items()}))
    arrays = {"global_step": np.array(7)}
    for key, value in random.state.items():
        name, part = key.rsplit(".", 1)
        end = {"W": "weights", "b": "biases", "gamma": "gamma", "beta": "beta", "mean": "moving_mean", "var": "moving_variance"}[part]
        if name in ("stem", "post", "logits"):
            path = {"stem": "conv1", "post": "postnorm", "logits": "logits"}[name]
        else:
            stage, unit, layer = name.split(".")
            inner = {"pre": "preact", "short": "shortcut"}.get(layer, f"conv{layer}")
            is_inside = part not in ("W", "b") and layer != "pre"
            path = f"block{stage}/unit_{int(unit) + 1}/bottleneck_v2/{inner}" + ("/BatchNorm" if is_inside else "")
        if value.dim() == 4:
            value = value.permute(2, 3, 1, 0)
        arrays[f"resnet_v2_50/{path}/{end}"] = value.half().numpy()
    np.savez(FOLDER / "slim-resnet-v2.npz", **arrays)


def pooling() -> None:
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
    torch.manual_seed(0)
    size = json.loads((FOLDER / "photo.json").read_text())
    picture = np.frombuffer((FOLDER / "photo.bin").read_bytes(), np.uint8).reshape(size["height"], size["width"], 3)
    pooling()
    jwyang(picture)
    girshick(picture)
    chainer(picture)
    pyramids(picture)
    backbones()
