"""Exports a trained detector as one ONNX graph with RoiAlign and NonMaxSuppression inside, as torchvision's detectors are.

    PYTHONPATH=training python bench/whole-graph.py --weights models/resnet101-voc --size 319x480 --out whole.onnx

--weights: a detector of the training, or a model folder. --size: height x width of the photo as the network sees it; the graph
takes one photo of just this size, in planes that are padded to a multiple of 32:
image [1, 3, H, W] -> boxes [D, 4], labels [D], scores [D].
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor, nn
from vertebra_training.weights import load_detector

MULTIPLE = 32


class WholeGraph(nn.Module):
    def __init__(self, detector: nn.Module, height: int, width: int) -> None:
        super().__init__()
        self.detector = detector
        detector.rpn.score_thresh = 0.0  # torchvision's pooling cannot be run as ONNX where a level has no box
        self.size = (height, width)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        detections, _ = self.detector(image, [self.size])
        return detections[0]["boxes"], detections[0]["labels"], detections[0]["scores"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True)
    parser.add_argument("--size", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    height, width = map(int, args.size.split("x"))
    padded = [-(-side // MULTIPLE) * MULTIPLE for side in (height, width)]
    torch.onnx.export(
        WholeGraph(load_detector(args.weights), height, width),
        (torch.randn(1, 3, *padded),),
        args.out,
        opset_version=17,
        input_names=["image"],
        output_names=["boxes", "labels", "scores"],
        dynamo=False,
    )


if __name__ == "__main__":
    main()
