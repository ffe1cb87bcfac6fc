"""The library's name for each tensor of a PyTorch network of the zoo."""

from __future__ import annotations

import re


def own_name(key: str) -> str:
    """The library's name for a tensor of `residual_networks.Residual`."""
    if key.startswith("fc."):
        return key.replace("fc", "classifier")
    if key.startswith("last."):
        return key.replace("last", "fpn.c2.preact.bn")
    stage = re.match(r"stages\.(\d+)\.(\d+)\.(.*)", key)
    head, rest = (f"backbone.block{int(stage[1]) + 1}.unit{int(stage[2]) + 1}.", stage[3]) if stage else ("backbone.", key)
    return head + re.sub(r"^bn(\d)", r"conv\1.bn", rest.replace("shortcut_bn", "shortcut.bn"))


def preact_name(key: str) -> str:
    """bn1 stands before conv1 and is the unit's preact, bn2 follows conv1."""
    name = own_name(key)
    name = name.replace("conv1.bn", "preact.bn").replace("conv2.bn", "conv1.bn").replace("conv3.bn", "conv2.bn")
    return name


def resnet_name(key: str) -> str:
    key = re.sub(r"layer(\d)\.(\d+)\.", lambda m: f"block{m[1]}.unit{int(m[2]) + 1}.", key)
    key = key.replace("downsample.0", "shortcut").replace("downsample.1", "shortcut.bn")
    key = re.sub(r"\bbn(\d)", r"conv\1.bn", key)
    return key.replace("fc.", "classifier.") if key.startswith("fc.") else f"backbone.{key}"


def alexnet_name(key: str) -> str:
    part, index, field = key.split(".")
    if part == "features":
        return f"backbone.conv{ {'0': 1, '3': 2, '6': 3, '8': 4, '10': 5}[index] }.{field}"
    return f"classifier.fc{ {'1': 6, '4': 7, '6': 8}[index] }.{field}"


def vgg_name(key: str, config: list) -> str:
    part, index, field = key.split(".")
    if part == "classifier":
        return f"classifier.fc{6 + int(index) // 3}.{field}"
    # conv, batch norm, relu; a pool is one layer.
    layer, stage, number = 0, 1, 0
    for entry in config:
        if entry == "M":
            layer, stage, number = layer + 1, stage + 1, 0
            continue
        number += 1
        if int(index) in (layer, layer + 1):
            return f"backbone.conv{stage}_{number}." + (field if int(index) == layer else f"bn.{field}")
        layer += 3
    raise AssertionError(key)


def googlenet_name(key: str) -> str:
    key = key.replace(".conv.", ".").replace("fc.", "classifier.")
    if key.startswith("classifier"):
        return key
    for theirs, ours in (("branch1.", "conv1."), ("branch2.0", "reduce3"), ("branch2.1", "conv3"), ("branch3.0", "reduce5"), ("branch3.1", "conv5"), ("branch4.1", "project")):
        key = key.replace(theirs, ours)
    return f"backbone.{key}"
