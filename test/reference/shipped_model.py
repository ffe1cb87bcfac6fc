"""What a shipped model gives in PyTorch, from the weights in its own graphs: the expectations of test/parity/shipped-models.test.ts.

    python test/reference/shipped_model.py models/resnet101-voc examples/photos/cat.jpg

Needs the packages of training/requirements.txt and onnx. Writes test/fixtures/parity/<model>-<photo>.json: for each map, logit
and delta the shape, the largest magnitude and some values, and the detections.
"""

import json
import sys
from pathlib import Path

import numpy
import onnx
import torch
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "training"))

from vertebra_training.config import (  # noqa: E402
    AnchorConfig,
    Category,
    DetectorConfig,
    HeadConfig,
    InputConfig,
    RoiConfig,
    RpnConfig,
)
from vertebra_training.detector import Detector  # noqa: E402
from vertebra_training.reference import reference  # noqa: E402
from vertebra_training.weights import load_weights  # noqa: E402

VALUES = 41  # per tensor, evenly spread


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
            box_weights=tuple(head["boxCoder"]["weights"]),
            score_threshold=head["scoreThreshold"],
            nms_iou=head["nms"]["iouThreshold"],
            detections=head["maxDetections"],
        ),
    )


def summary(tensor: torch.Tensor) -> dict:
    flat = tensor.flatten()
    picked = [int(i * flat.numel() // VALUES) for i in range(VALUES)]
    return {
        "shape": list(tensor.shape),
        "largest": float(flat.abs().max()),
        "values": [round(float(flat[i]), 6) for i in picked],
    }


def main() -> None:
    folder, photo = Path(sys.argv[1]), Path(sys.argv[2])
    manifest = json.loads((folder / "model.json").read_text())
    weights = stored_weights(folder, manifest)
    detector = Detector(config_of(manifest, weights))
    load_weights(detector, weights, str(folder))
    tensors, detections = reference(detector.eval(), photo)
    levels = [level["name"] for level in manifest["pyramid"]]
    wanted = ["input", "c3", "c4", "c5", *levels]
    wanted += [f"{kind}_{level}" for kind in ("objectness", "deltas") for level in levels]
    fixture = {
        "note": "made by test/reference/shipped_model.py; values at flat index i * size // 41",
        "tensors": {name: summary(tensors[name]) for name in wanted},
        "detections": detections,
    }
    target = ROOT / "test/fixtures/parity" / f"{manifest['name']}-{photo.stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(fixture) + "\n")
    print(f"{target.relative_to(ROOT)}: {len(detections)} detections")


if __name__ == "__main__":
    main()
