"""A torchvision detector's tensors under the names, and with the rows, of other projects."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor


def background_last(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's rows with background first, as the others have them: background last, without a box."""
    moved = dict(state)
    for field in ("weight", "bias"):
        scores, deltas = (f"roi_heads.box_predictor.{part}.{field}" for part in ("cls_score", "bbox_pred"))
        moved[scores] = torch.roll(state[scores], -1, 0)
        moved[deltas] = state[deltas][4:]
    return moved


def old_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    def rename(name: str) -> str:
        for part in ("inner_blocks", "layer_blocks"):
            for i in range(4):
                name = name.replace(f"fpn.{part}.{i}.0.", f"fpn.{part}.{i}.")
        return name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")

    return {rename(name): value for name, value in state.items() if "num_batches" not in name}


def detectron2_names(state: dict[str, Tensor], form: str) -> dict[str, Tensor]:
    prefix = "backbone.bottom_up." if form == "FPN" else "backbone."
    named = {}
    for name, value in background_last(state).items():
        if "num_batches" in name:
            continue
        for old, new in [("backbone.body.", prefix), ("roi_heads.box_head.res5", "roi_heads.res5"),
                         ("backbone.fpn.inner_blocks.", "backbone.fpn_lateral"),
                         ("backbone.fpn.layer_blocks.", "backbone.fpn_output"),
                         ("rpn.head.conv.0.0", "proposal_generator.rpn_head.conv"),
                         ("rpn.head.cls_logits", "proposal_generator.rpn_head.objectness_logits"),
                         ("rpn.head.bbox_pred", "proposal_generator.rpn_head.anchor_deltas"),
                         ("box_head.fc6", "box_head.fc1"), ("box_head.fc7", "box_head.fc2")]:
            name = name.replace(old, new)
        for i in range(4):
            name = name.replace(f"fpn_lateral{i}.0.", f"fpn_lateral@{i + 2}.").replace(f"fpn_output{i}.0.", f"fpn_output@{i + 2}.")
        name = name.replace("@", "")
        if name.startswith((prefix + "conv1", prefix + "bn1")):
            name = name.replace(prefix, prefix + "stem.")
        for i in range(1, 5):
            name = name.replace(f"layer{i}.", f"res{i + 1}.").replace(f".bn{i}.", f".conv{i}.norm.")
        name = name.replace("downsample.0", "shortcut").replace("downsample.1", "shortcut.norm")
        named[name] = value
    return named


def mmdetection_names(state: dict[str, Tensor]) -> OrderedDict[str, Tensor]:
    named = OrderedDict()
    for name, value in background_last(state).items():
        for old, new in [("backbone.body.", "backbone."), ("rpn.head.conv.0.0", "rpn_head.rpn_conv"),
                         ("rpn.head.cls_logits", "rpn_head.rpn_cls"), ("rpn.head.bbox_pred", "rpn_head.rpn_reg"),
                         ("roi_heads.box_head.fc6", "roi_head.bbox_head.shared_fcs.0"),
                         ("roi_heads.box_head.fc7", "roi_head.bbox_head.shared_fcs.1"),
                         ("roi_heads.box_predictor.cls_score", "roi_head.bbox_head.fc_cls"),
                         ("roi_heads.box_predictor.bbox_pred", "roi_head.bbox_head.fc_reg")]:
            name = name.replace(old, new)
        for i in range(4):
            name = name.replace(f"backbone.fpn.inner_blocks.{i}.0.", f"neck.lateral_convs.{i}.conv.")
            name = name.replace(f"backbone.fpn.layer_blocks.{i}.0.", f"neck.fpn_convs.{i}.conv.")
        named[name] = value
    return named
