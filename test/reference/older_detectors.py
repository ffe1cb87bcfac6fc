"""Makes detectors of older projects, of small width with random weights under their own names, and what they give.

    training/.venv/bin/python test/reference/older_detectors.py

Writes test/fixtures/dialects/{faster-rcnn-pytorch-*, py-faster-rcnn, chainercv-*, mmdetection1-*, detectron-*}. None of these projects is
installed; what they compute is written again in older_detector.py and beside it. full_size.py makes those of full size.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from functools import partial

import numpy as np
import torch
from caffe_file import caffemodel
from detector_size import Size, small_size
from older_boxes import mm1_anchors, ratio_anchors
from older_detector import CAFFE_MEAN, Detector, save
from older_layers import State, resnet_v1, vgg
from older_names import TORCH_FIELDS, rename, torch_resnet_name
from older_pooling import align_pool, corner_pool
from random_weights import Random
from torch import Tensor

CLAMP = float(np.log(1000 / 16))
CHAINER_FIELDS = {"W": "W", "b": "b", "gamma": "gamma", "beta": "beta", "mean": "avg_mean", "var": "avg_var"}
JWYANG = {"rpn": "RCNN_rpn.RPN_Conv", "rpn_score": "RCNN_rpn.RPN_cls_score", "rpn_box": "RCNN_rpn.RPN_bbox_pred",
          "score": "RCNN_cls_score", "box": "RCNN_bbox_pred", "fc6": "RCNN_top.0", "fc7": "RCNN_top.3"}


def caffe_vgg(state: State, x: Tensor) -> dict[str, Tensor]:
    return vgg(state, x, ceil=True)


def stored(state: dict[str, Tensor], size: Size) -> OrderedDict[str, Tensor]:
    return OrderedDict((name, size.stored(value)) for name, value in state.items())


def save_jwyang(name: str, size: Size, state: dict[str, Tensor]) -> None:
    content = {"session": 1, "epoch": 7, "model": stored(state, size), "optimizer": {"state": {}, "param_groups": []}}
    content |= {"pooling_mode": "align", "class_agnostic": False}
    torch.save(content, size.folder / f"{name}.pth", _use_new_zipfile_serialization=False)


def jwyang_vgg16(name: str, size: Size) -> None:
    random = Random(21, size)
    random.heads(random.vgg(), 9, 18, 21, 21)
    index, at = {}, 0
    for stage, count in enumerate([2, 2, 3, 3, 3], 1):
        for i in range(1, count + 1):
            index[f"conv{stage}_{i}"] = f"RCNN_base.{at}"
            at += 2
        at += 1
    detector = Detector(
        size, random.state, lambda s, x: vgg(s, x, ceil=False), lambda stride: ratio_anchors(16, [8, 16, 32]), pairs="halves",
        pool=corner_pool, to_photo="before-nms")
    save(name, detector)
    save_jwyang(name, size, rename(random.state, {**JWYANG, **index}, TORCH_FIELDS, str))


def jwyang_res101(name: str, size: Size) -> None:
    """With COCO's twelve anchors, and boxes for all classes together."""
    random, units = Random(22, size), size.units(101)
    widths = random.resnet(units)
    random.heads(widths[2], 12, 24, 5, 1, fc=0)

    def base(key: str) -> str:
        name = torch_resnet_name(key)
        for old, new in (("conv1.", "RCNN_base.0."), ("bn1.", "RCNN_base.1."), ("layer4.", "RCNN_top.0.")):
            if name.startswith(old):
                return new + name[len(old):]
        stage = int(name[5])
        return f"RCNN_base.{stage + 3}{name[6:]}"

    def tail(state: State, x: Tensor) -> Tensor:
        return resnet_v1(state, x, units, 1e-5, True, first=4)["c5"].mean((2, 3))

    detector = Detector(
        size, random.state, lambda s, x: resnet_v1(s, x, units, 1e-5, True, last=3), lambda stride: ratio_anchors(16, [4, 8, 16, 32]),
        pairs="halves", pool=corner_pool, to_photo="before-nms", tail=tail, agnostic=True)
    save(name, detector)
    save_jwyang(name, size, rename(random.state, JWYANG, TORCH_FIELDS, base))


def girshick(name: str, size: Size) -> None:
    random = Random(23, size)
    random.heads(random.vgg(), 9, 18, 21, 21)
    # The deviations of the box targets are in the weights.
    for part in ("W", "b"):
        scale = torch.tensor([0.1, 0.1, 0.2, 0.2]).repeat(21)
        key = f"box.{part}"
        random.put(key, random.state[key] * (scale[:, None] if part == "W" else scale))
    anchors = partial(ratio_anchors, 16, [8, 16, 32])
    detector = Detector(size, random.state, caffe_vgg, lambda stride: anchors(), pairs="halves", min_size=16, weights=(1, 1, 1, 1))
    save(name, detector)
    table = {"rpn": "rpn_conv/3x3", "rpn_score": "rpn_cls_score", "rpn_box": "rpn_bbox_pred", "fc6": "fc6", "fc7": "fc7",
             "score": "cls_score", "box": "bbox_pred"}
    fields = {"W": "0", "b": "1"}
    blobs = rename(random.state, table, fields, lambda key: key.replace(".W", ".0").replace(".b", ".1"))
    (size.folder / f"{name}.caffemodel").write_bytes(caffemodel(blobs, old=True))


CHAINER = dict(form="edges", yx=True, bgr=False, rounding=int, by_rule=False, offset=0.5)


def chainer_vgg16(name: str, size: Size) -> None:
    random = Random(24, size)
    random.heads(random.vgg(), 9, 18, 21, 21)

    def centred(stride: int) -> np.ndarray:
        sides = [(16 * s * np.sqrt(1 / r) / 2, 16 * s * np.sqrt(r) / 2) for r in (0.5, 1, 2) for s in (8, 16, 32)]
        return np.array([[-x, -y, x, y] for x, y in sides], np.float32)

    detector = Detector(size, random.state, caffe_vgg, centred, pairs="interleaved", min_size=16, mean=CAFFE_MEAN[::-1], **CHAINER)
    save(name, detector)
    table = {"rpn": "rpn/conv1", "rpn_score": "rpn/score", "rpn_box": "rpn/loc", "fc6": "head/fc6", "fc7": "head/fc7",
             "score": "head/score", "box": "head/cls_loc"}
    table |= {key[:-2]: f"extractor/{key[:-2]}/conv" for key in random.state if key.startswith("conv")}
    named = stored(rename(random.state, table, CHAINER_FIELDS, str, "/"), size)
    np.savez(size.folder / f"{name}.npz", **{key: value.numpy() for key, value in named.items()})


def chainer_fpn(name: str, size: Size, depth: int) -> None:
    random, units = Random(25, size), size.units(depth)
    random.heads(random.fpn(random.resnet(units)), 3, 3, 6, 6, hidden=256, fc=1024)

    def cells(stride: int) -> np.ndarray:
        out = []
        for ratio in (0.5, 1, 2):
            w = np.round(stride / np.sqrt(ratio))
            h = np.round(w * ratio)
            out.append([-8 * w / 2, -8 * h / 2, 8 * w / 2, 8 * h / 2])
        return np.array(out, np.float32)

    detector = Detector(
        size, random.state, lambda s, x: resnet_v1(s, x, units, 2e-5, False), cells, is_pyramid=True, clamp=CLAMP, pre=1000, post=1000,
        clip_padded=True, overlap=0.5, mean=(123.15163084, 115.90288257, 103.0626238),
        pool=lambda x, rois, scale: align_pool(x, rois, scale, 2, False), **CHAINER)
    save(name, detector)
    table = {"rpn": "rpn/conv", "rpn_score": "rpn/conf", "rpn_box": "rpn/loc", "fc6": "bbox_head/fc1", "fc7": "bbox_head/fc2",
             "score": "bbox_head/conf", "box": "bbox_head/loc"}
    table |= {f"lateral{i}": f"extractor/inner/{i - 2}" for i in range(2, 6)} | {f"output{i}": f"extractor/outer/{i - 2}" for i in range(2, 6)}
    named = stored(rename(random.state, table, CHAINER_FIELDS, lambda key: f"extractor/base/{chainer_resnet(key)}", "/"), size)
    arrays = {key: value.numpy() for key, value in named.items()}
    arrays["extractor/base/conv1/bn/N"] = np.array(0)
    np.savez(size.folder / f"{name}.npz", **arrays)


def chainer_resnet(key: str) -> str:
    name, part = key.rsplit(".", 1)
    inside = f"{'conv' if part in ('W', 'b') else 'bn'}/{CHAINER_FIELDS[part]}"
    if name == "stem":
        return f"conv1/{inside}"
    stage, unit, layer = name.split(".")
    unit_name = "a" if unit == "0" else f"b{unit}"
    return f"res{int(stage) + 1}/{unit_name}/{'residual_conv' if layer == 'short' else f'conv{layer}'}/{inside}"


PYRAMID = dict(is_pyramid=True, clamp=CLAMP, pre=1000, post=1000, overlap=0.5)


def mmdetection1(name: str, size: Size, depth: int, style: str) -> None:
    is_caffe = style == "caffe"
    random, units = Random(26, size), size.units(depth)
    random.heads(random.fpn(random.resnet(units, stem_scale=1 / 58 if is_caffe else 1)), 3, 3, 4, 4, hidden=256, fc=1024)
    colours = dict(mean=(103.53, 116.28, 123.675))
    if not is_caffe:
        colours = dict(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), bgr=False)
    detector = Detector(
        size, random.state, lambda s, x: resnet_v1(s, x, units, 1e-5, False, strided=1 if is_caffe else 2), mm1_anchors, form="mm1",
        rounding=lambda side: int(side + 0.5), by_rule=False, uint8=True, to_photo="before-nms",
        pool=lambda x, rois, scale: align_pool(x, rois, scale, 2, True), **colours, **PYRAMID)
    save(name, detector)
    table = {"rpn": "rpn_head.rpn_conv", "rpn_score": "rpn_head.rpn_cls", "rpn_box": "rpn_head.rpn_reg", "fc6": "bbox_head.shared_fcs.0",
             "fc7": "bbox_head.shared_fcs.1", "score": "bbox_head.fc_cls", "box": "bbox_head.fc_reg"}
    table |= {f"lateral{i}": f"neck.lateral_convs.{i - 2}.conv" for i in range(2, 6)}
    table |= {f"output{i}": f"neck.fpn_convs.{i - 2}.conv" for i in range(2, 6)}
    named = stored(rename(random.state, table, TORCH_FIELDS, lambda key: f"backbone.{torch_resnet_name(key)}"), size)
    meta = {"CLASSES": ("cat", "dog", "person"), "config": f"model = dict(backbone=dict(depth={depth}, style='{style}'))"}
    torch.save({"meta": meta, "state_dict": named}, size.folder / f"{name}.pth")


def detectron(name: str, size: Size, depth: int) -> None:
    random, units = Random(27, size), size.units(depth)
    random.heads(random.fpn(random.resnet(units, stem_bias=True)), 3, 3, 4, 4, hidden=256, fc=1024)
    for key in list(random.state):
        # A scale and a shift alone.
        if key.endswith(".mean"):
            random.state[key] = torch.zeros_like(random.state[key])
        elif key.endswith(".var"):
            random.state[key] = torch.ones_like(random.state[key])
            branch = size.branch if key.endswith(".3.var") else 1
            random.put(key.replace(".var", ".gamma"), (random.noise(len(random.state[key])).abs() * 0.2 + 0.5) * branch)
    detector = Detector(
        size, random.state, lambda s, x: resnet_v1(s, x, units, 0, False), lambda stride: ratio_anchors(stride, [8]), form="detectron",
        clip_padded=True, pool=lambda x, rois, scale: align_pool(x, rois, scale, 2, False), **PYRAMID)
    save(name, detector)
    blobs = {}
    for key, value in random.state.items():
        layer, part = key.rsplit(".", 1)
        if part in ("mean", "var"):
            continue
        end = {"W": "w", "b": "b", "gamma": "bn_s", "beta": "bn_b"}[part]
        blob = detectron_blob(layer, part in "Wb", units)
        blobs[f"{blob}_{end}"] = size.stored(value).numpy()
        blobs[f"{blob}_{end}_momentum"] = np.zeros(1, np.float16)
    (size.folder / f"{name}.pkl").write_bytes(pickle.dumps({"blobs": blobs, "cfg": "MODEL: {}"}, 2))


def detectron_blob(layer: str, is_layer: bool, units: list[int]) -> str:
    if layer == "stem":
        return "conv1" if is_layer else "res_conv1"
    if layer[0].isdigit():
        stage, unit, part = layer.split(".")
        branch = "branch1" if part == "short" else f"branch2{'abc'[int(part) - 1]}"
        return f"res{int(stage) + 1}_{unit}_{branch}"
    if layer.startswith(("lateral", "output")):
        level = int(layer[-1])
        total = f"res{level}_{units[level - 2] - 1}_sum"
        return f"fpn_{total}" if layer.startswith("output") else f"fpn_inner_{total}" + ("" if level == 5 else "_lateral")
    fixed = {"rpn": "conv_rpn_fpn2", "rpn_score": "rpn_cls_logits_fpn2", "rpn_box": "rpn_bbox_pred_fpn2", "score": "cls_score",
             "box": "bbox_pred"}
    return fixed.get(layer, layer)


SMALL = {
    "faster-rcnn-pytorch-vgg16": jwyang_vgg16,
    "faster-rcnn-pytorch-res101": jwyang_res101,
    "py-faster-rcnn": girshick,
    "chainercv-vgg16": chainer_vgg16,
    "chainercv-fpn": partial(chainer_fpn, depth=50),
    "mmdetection1-caffe": partial(mmdetection1, depth=50, style="caffe"),
    "detectron-fpn": partial(detectron, depth=50),
}
FULL = {
    "faster-rcnn-pytorch-vgg16": jwyang_vgg16,
    "faster-rcnn-pytorch-res101": jwyang_res101,
    "py-faster-rcnn-vgg16": girshick,
    "chainercv-vgg16": chainer_vgg16,
    "chainercv-fpn-resnet50": partial(chainer_fpn, depth=50),
    "chainercv-fpn-resnet101": partial(chainer_fpn, depth=101),
    "mmdetection1-r50-caffe": partial(mmdetection1, depth=50, style="caffe"),
    "mmdetection1-r101-pytorch": partial(mmdetection1, depth=101, style="pytorch"),
    "detectron-R50-FPN": partial(detectron, depth=50),
    "detectron-R101-FPN": partial(detectron, depth=101),
}


if __name__ == "__main__":
    for name, make in SMALL.items():
        make(name, small_size())
