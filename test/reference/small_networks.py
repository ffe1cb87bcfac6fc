"""The graphs of src/architectures in PyTorch, as functions of a network's description: each asks for its weights by the
library's names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

from made_weights import Weights


def convolution(w: Weights, net: dict, name: str, x: Tensor, outputs: int, k: int, stride: int, norm: bool) -> Tensor:
    kernel = w.kernel(name, outputs, x.shape[1], k, k)
    if norm and net["norm"]["kind"] == "batch":
        y = F.conv2d(x, kernel, None, stride, k // 2)
        return F.batch_norm(y, *w.norm(f"{name}.bn", outputs), eps=net["norm"]["epsilon"])
    return F.conv2d(x, kernel, w.vector(f"{name}.bias", outputs, -0.2, 0.2), stride, k // 2)


def preact(w: Weights, net: dict, name: str, x: Tensor) -> Tensor:
    size = x.shape[1]
    if net["norm"]["kind"] == "batch":
        return F.batch_norm(x, *w.norm(f"{name}.bn", size), eps=net["norm"]["epsilon"]).relu()
    scale = w.vector(f"{name}.scale", size, 0.6, 1.2).view(1, -1, 1, 1)
    return (x * scale + w.vector(f"{name}.bias", size, -0.3, 0.3).view(1, -1, 1, 1)).relu()


def unit(w: Weights, net: dict, name: str, x: Tensor, width: int, stride: int) -> tuple[Tensor, Tensor]:
    """The unit's output and, for v2, its activated input."""
    bottleneck, v2 = net["unit"] == "bottleneck", net["variant"] == "v2"
    outputs = width * (4 if bottleneck else 1)
    p = preact(w, net, f"{name}.preact", x) if v2 else x
    if x.shape[1] != outputs:
        identity = convolution(w, net, f"{name}.shortcut", p, outputs, 1, stride, not v2)
    else:
        identity = x[:, :, ::stride, ::stride]
    if bottleneck:
        on_first = net["variant"] == "v1"
        y = convolution(w, net, f"{name}.conv1", p, width, 1, stride if on_first else 1, True).relu()
        y = convolution(w, net, f"{name}.conv2", y, width, 3, 1 if on_first else stride, True).relu()
        y = convolution(w, net, f"{name}.conv3", y, outputs, 1, 1, not v2)
    else:
        y = convolution(w, net, f"{name}.conv1", p, width, 3, stride, True).relu()
        y = convolution(w, net, f"{name}.conv2", y, width, 3, 1, not v2)
    return (identity + y, p) if v2 else ((identity + y).relu(), p)


def stem(w: Weights, net: dict, x: Tensor) -> Tensor:
    v2 = net["variant"] == "v2"
    x = convolution(w, net, "backbone.conv1", x, net["width"], 7, 2, not v2)
    x = x if v2 else x.relu()
    if net["stemPool"] == "end":
        return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 3, 2)
    return F.max_pool2d(x, 3, 2, 1)


def residual(w: Weights, net: dict, x: Tensor) -> dict[str, Tensor]:
    v2, late = net["variant"] == "v2", net["strideIn"] == "last-unit"
    stages = net["stages"]
    own = net.get("preactLevels", [f"c{len(stages) + 1}"])
    x = stem(w, net, x)
    maps: dict[str, Tensor] = {}
    waiting = None  # v2: the level that the next unit's own preact activates
    for index, units in enumerate(stages):
        level = f"c{index + 2}"
        last_stage = index == len(stages) - 1
        for number in range(1, units + 1):
            if late:
                stride = 2 if number == units and not last_stage else 1
            else:
                stride = 2 if number == 1 and index > 0 else 1
            entry = x
            if late and not last_stage and number == units:
                tap = True
            else:
                tap = False
            x, p = unit(w, net, f"backbone.block{index + 1}.unit{number}", x, net["width"] * 2**index, stride)
            if waiting is not None:
                maps[waiting], waiting = p, None
            if tap:
                maps[level] = entry if not v2 else preact(w, net, f"fpn.{level}.preact", entry) if level in own else p
        if not late or last_stage:
            if not v2:
                maps[level] = x
            elif level in own:
                maps[level] = preact(w, net, f"fpn.{level}.preact", x)
            else:
                waiting = level
    return maps


def classifier(w: Weights, net: dict, x: Tensor) -> dict[str, Tensor]:
    top = list(residual(w, net, x).values())[-1].mean((2, 3))
    classes = net["classes"]
    return {"logits": F.linear(top, w.kernel("classifier", classes, top.shape[1]), w.vector("classifier.bias", classes, -1, 1))}


def vgg(w: Weights, net: dict, x: Tensor) -> dict[str, Tensor]:
    maps = {}
    for stage, (count, width) in enumerate(zip(net["convolutions"], net["widths"]), start=1):
        for index in range(1, count + 1):
            name = f"backbone.conv{stage}_{index}"
            x = F.conv2d(x, w.kernel(name, width, x.shape[1], 3, 3), w.vector(f"{name}.bias", width, -0.2, 0.2), padding=1)
            x = x.relu()
        if stage >= 3:
            maps[f"c{stage - 1}"] = x
        x = F.max_pool2d(x, 2)
    return {**maps, "c5": x}


def rpn(w: Weights, net: dict, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    levels = dict(inputs)
    outputs = {}
    if "pyramid" in net:
        channels = net["pyramid"]["channels"]
        top, levels = None, {}
        for name in reversed(inputs):
            x, number = inputs[name], name[1:]
            lateral = F.conv2d(x, w.kernel(f"fpn.lateral{number}", channels, x.shape[1], 1, 1), w.vector(f"fpn.lateral{number}.bias", channels, -0.2, 0.2))
            top = lateral if top is None else lateral + F.interpolate(top, size=lateral.shape[-2:], mode="nearest")
            levels[f"p{number}"] = F.conv2d(top, w.kernel(f"fpn.output{number}", channels, channels, 3, 3), w.vector(f"fpn.output{number}.bias", channels, -0.2, 0.2), padding=1)
        levels = dict(reversed(levels.items()))
        if net["pyramid"]["extraLevel"]:
            name = list(levels)[-1]
            levels[f"p{int(name[1:]) + 1}"] = levels[name][:, :, ::2, ::2]
        outputs |= levels
    inner, anchors = net["channels"], net["anchors"]
    first = next(iter(levels.values())).shape[1]
    conv = w.kernel("rpn.conv", inner, first, 3, 3), w.vector("rpn.conv.bias", inner, -0.2, 0.2)
    objectness = w.kernel("rpn.objectness", anchors, inner, 1, 1), w.vector("rpn.objectness.bias", anchors, -1, 1)
    deltas = w.kernel("rpn.deltas", anchors * 4, inner, 1, 1), w.vector("rpn.deltas.bias", anchors * 4, -1, 1)
    for name, x in levels.items():
        hidden = F.conv2d(x, *conv, padding=1).relu()
        outputs |= {f"objectness_{name}": F.conv2d(hidden, *objectness), f"deltas_{name}": F.conv2d(hidden, *deltas)}
    return outputs


def roi_head(w: Weights, net: dict, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    pooled = []
    pool = net["pool"]
    for level in net["levels"]:
        name = level["name"]
        rois = torch.cat([inputs[f"batch_{name}"][:, None].float(), inputs[f"rois_{name}"]], 1)
        scale = 1 / level["stride"]
        if pool["kind"] == "max":
            pooled.append(torchvision.ops.roi_pool(inputs[name], rois, pool["size"], scale))
        else:
            pooled.append(torchvision.ops.roi_align(inputs[name], rois, pool["size"], scale, pool["samplingRatio"], pool["aligned"]))
    x = torch.cat(pooled)
    if net["body"]["kind"] == "stage":
        backbone = net["body"]["backbone"]
        last = len(backbone["stages"])
        for number in range(1, backbone["stages"][-1] + 1):
            x, _ = unit(w, backbone, f"backbone.block{last}.unit{number}", x, backbone["width"] * 2 ** (last - 1), 2 if number == 1 else 1)
        x = x.mean((2, 3))
    else:
        channels = net["body"]["channels"]
        for name in ("head.fc6", "head.fc7"):
            x = x.flatten(1)
            x = F.linear(x, w.kernel(name, channels, x.shape[1]), w.vector(f"{name}.bias", channels, -0.2, 0.2)).relu()
    scores, deltas = net["classes"] + 1, 4 if net["classAgnostic"] else 4 * (net["classes"] + 1)
    return {
        "class_logits": F.linear(x, w.kernel("head.scores", scores, x.shape[1]), w.vector("head.scores.bias", scores, -1, 1)),
        "box_deltas": F.linear(x, w.kernel("head.deltas", deltas, x.shape[1]), w.vector("head.deltas.bias", deltas, -1, 1)),
    }
