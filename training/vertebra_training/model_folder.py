"""A model folder of vertebra as PyTorch sees it: the weights in its graphs and every number of its manifest.

So a shipped model can be trained further, or evaluated, without the file that it was converted from.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from .config import AnchorConfig, Category, DetectorConfig, HeadConfig, InputConfig, RoiConfig, RpnConfig
from .errors import TrainingError


def read_model_folder(folder: Path) -> tuple[dict[str, torch.Tensor], DetectorConfig]:
    """The weights as float32 by their names, and the detector's numbers."""
    try:
        manifest = json.loads((folder / "model.json").read_text())
        weights = stored_weights(folder, manifest)
        return weights, config_of(manifest, weights)
    except (OSError, DecodeError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"Expected a folder that `vertebra convert` made of a detector for weights but received {folder}: {error!r}"
        ) from error


def stored_weights(folder: Path, manifest: dict) -> dict[str, torch.Tensor]:
    """The initialisers of all graphs by their names, int8 ones times their scale."""
    tensors = {}
    for graph in manifest["graphs"].values():
        model = onnx.load(folder / graph["file"])
        arrays = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        for name, array in arrays.items():
            if name.endswith(".int8"):
                scale = arrays[name.removesuffix(".int8") + ".scale"]
                array = array.astype(numpy.float32) * scale.reshape(-1, *[1] * (array.ndim - 1))
                name = name.removesuffix(".int8")
            tensors[name] = torch.from_numpy(numpy.array(array))
    return tensors


def config_of(manifest: dict, weights: dict[str, torch.Tensor]) -> DetectorConfig:
    resize, levels = manifest["input"]["resize"], manifest["anchors"]["levels"]
    rpn, roi, head = manifest["rpn"], manifest["roi"], manifest["head"]
    exact = manifest["anchors"]["strideRule"] == "exact"
    return DetectorConfig(
        backbone="vgg16" if "backbone.conv1_1.weight" in weights else "resnet101",
        pyramid_channels=manifest["pyramid"][0]["channels"],
        categories=tuple(Category(label["name"], label["categoryId"]) for label in manifest["labels"]),
        input=InputConfig(
            longer_side=resize["size"],
            mean=tuple(manifest["input"]["mean"]),
            std=tuple(manifest["input"]["std"]),
            pad_multiple=manifest["input"]["padMultiple"],
            channel_order=manifest["input"]["channels"],
        ),
        anchors=AnchorConfig(
            sizes=tuple(tuple(level["sizes"]) for level in levels),
            ratios=tuple(manifest["anchors"]["aspectRatios"]),
            strides=tuple(level["stride"] for level in levels) if exact else None,
        ),
        rpn=RpnConfig(
            channels=weights["rpn.conv.bias"].shape[0],
            pre_nms_top_n=rpn["preNmsTopN"],
            post_nms_top_n=rpn["postNmsTopN"],
            nms_iou=rpn["nmsThreshold"],
            score_threshold=rpn["scoreThreshold"],
            box_weights=tuple(rpn["boxCoder"]["weights"]),
        ),
        roi=RoiConfig(
            levels=tuple(int(level[1:]) for level in roi["levels"]),
            output_size=roi["outputSize"],
            sampling_ratio=roi["samplingRatio"],
            aligned=roi["aligned"],
            canonical_scale=roi["canonicalScale"],
            canonical_level=roi["canonicalLevel"],
        ),
        head=HeadConfig(
            channels=weights["head.fc7.bias"].shape[0],
            class_agnostic=head["classAgnostic"],
            box_weights=tuple(head["boxCoder"]["weights"]),
            score_threshold=head["scoreThreshold"],
            nms_kind=head["nms"]["kind"],
            nms_iou=head["nms"]["iouThreshold"],
            detections=head["maxDetections"],
            refinements=head.get("refinements", 0),
            refinement_threshold=head.get("refinementThreshold", 0.0),
            objectness_power=head.get("objectnessPower", 0.0),
        ),
    )
