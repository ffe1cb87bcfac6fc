"""Faster R-CNN from torchvision's parts, with the two places where this recipe differs written out here:
exact anchor strides, and RoI levels whose scale is the stride and not guessed from the photo's size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import roi_align

from .config import AnchorConfig, DetectorConfig, RoiConfig
from .pyramid import Pyramid
from .resnet import ResNet101
from .roi_heads import RefiningRoiHeads
from .rpn import Rpn
from .sparse_roi_align import sparse_roi_align
from .truth import Truth
from .vgg import Vgg16

TRAINING_PROPOSALS = 600
BACKBONE_CLASSES = {"resnet101": ResNet101, "vgg16": Vgg16}


class Anchors(AnchorGenerator):
    def __init__(self, config: AnchorConfig) -> None:
        super().__init__(config.sizes, (config.ratios,) * len(config.sizes))
        self.exact_strides = config.strides

    def grid_anchors(self, grid_sizes, strides):
        if self.exact_strides is not None:
            strides = [[torch.tensor(stride, device=strides[0][0].device)] * 2 for stride in self.exact_strides]
        return super().grid_anchors(grid_sizes, strides)


class RpnHead(nn.Module):
    def __init__(self, inputs: int, channels: int, anchors: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, channels, 3, padding=1)
        self.objectness = nn.Conv2d(channels, anchors, 1)
        self.deltas = nn.Conv2d(channels, anchors * 4, 1)

    def forward(self, levels: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        hidden = [self.conv(level).relu_() for level in levels]
        # Selection, losses and box arithmetic are done in float32 whatever the convolutions ran in.
        return [self.objectness(x).float() for x in hidden], [self.deltas(x).float() for x in hidden]


class RoiPooler(nn.Module):
    """RoIAlign on the level floor(4 + log2(sqrt(area) / 224)), clamped to the levels there are."""

    def __init__(self, config: RoiConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, features: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        config = self.config
        every = torch.cat(boxes)
        rois = torch.cat([torch.cat([torch.full_like(b[:, :1], index) for index, b in enumerate(boxes)]), every], dim=1)
        size = ((every[:, 2] - every[:, 0]) * (every[:, 3] - every[:, 1])).sqrt()
        level = torch.floor(config.canonical_level + torch.log2(size / config.canonical_scale) + 1e-6)
        index = (level.clamp(config.levels[0], config.levels[-1]) - config.levels[0]).int()
        maps = [features[f"p{number}"].float() for number in config.levels]
        scales = [1 / 2**number for number in config.levels]
        how = (config.output_size, scales, config.sampling_ratio, config.aligned)
        # On the CPU torchvision's backward pass of this operator is the slowest part of a training step.
        align = sparse_roi_align if self.training and every.device.type == "cpu" else level_roi_align
        return align(maps, index, rois, *how)


def level_roi_align(maps, index, rois, output_size, scales, sampling_ratio, aligned) -> Tensor:
    """torchvision's operator for each level's RoIs."""
    pooled = maps[0].new_zeros((len(rois), maps[0].shape[1], output_size, output_size))
    for number, (level, scale) in enumerate(zip(maps, scales)):
        mine = torch.where(index == number)[0]
        pooled[mine] = roi_align(level, rois[mine], output_size, scale, sampling_ratio, aligned)
    return pooled


class BoxHead(nn.Module):
    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.fc6 = nn.Linear(inputs, channels)
        self.fc7 = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc7(self.first(x).relu_()).relu_()

    def first(self, x: Tensor) -> Tensor:
        if not x.is_contiguous(memory_format=torch.channels_last):
            return self.fc6(x.flatten(1))
        # The weights take the order of the pooled maps, since they are fewer.
        weight = self.fc6.weight.unflatten(1, x.shape[1:]).permute(0, 2, 3, 1).flatten(1)
        return F.linear(x.permute(0, 2, 3, 1).flatten(1), weight, self.fc6.bias)


class BoxPredictor(nn.Module):
    def __init__(self, inputs: int, classes: int, class_agnostic: bool) -> None:
        super().__init__()
        self.copies = classes if class_agnostic else 1
        self.scores = nn.Linear(inputs, classes)
        self.deltas = nn.Linear(inputs, classes * 4 // self.copies)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # torchvision's RoIHeads takes the box of a class from that class's columns.
        return self.scores(x).float(), self.deltas(x).float().repeat(1, self.copies)


class Detector(nn.Module):
    def __init__(self, config: DetectorConfig, rpn_samples: int = 256, head_samples: int = 256) -> None:
        super().__init__()
        self.config = config
        self.backbone = BACKBONE_CLASSES[config.backbone]()
        channels = config.pyramid_channels
        self.fpn = Pyramid(self.backbone.channels, channels, self.backbone.has_preact)
        anchors = Anchors(config.anchors)
        self.rpn = Rpn(
            anchors,
            RpnHead(channels, config.rpn.channels, anchors.num_anchors_per_location()[0]),
            fg_iou_thresh=0.7,
            bg_iou_thresh=0.3,
            batch_size_per_image=rpn_samples,
            positive_fraction=0.5,
            pre_nms_top_n=dict(training=config.rpn.pre_nms_top_n, testing=config.rpn.pre_nms_top_n),
            post_nms_top_n=dict(training=TRAINING_PROPOSALS, testing=config.rpn.post_nms_top_n),
            nms_thresh=config.rpn.nms_iou,
        )
        self.rpn.box_coder.weights = config.rpn.box_weights  # torchvision's constructor does not take them
        self.roi = RefiningRoiHeads(
            RoiPooler(config.roi),
            BoxHead(channels * config.roi.output_size**2, config.head.channels),
            BoxPredictor(config.head.channels, config.classes, config.head.class_agnostic),
            fg_iou_thresh=0.5,
            bg_iou_thresh=0.5,
            batch_size_per_image=head_samples,
            positive_fraction=0.25,
            config=config.head,
        )
        self.seed(0)
        self.initialise()

    def train(self, mode: bool = True) -> Detector:
        self.rpn.score_thresh = 0.0 if mode else self.config.rpn.score_threshold
        return super().train(mode)

    def seed(self, number: int) -> None:
        """Makes the next step's choice of anchors and regions a function of `number`."""
        device = self.rpn.head.conv.weight.device
        self.rpn.generator, self.roi.generator = (torch.Generator(device).manual_seed(number) for _ in range(2))

    def initialise(self) -> None:
        """Random weights for what no file brings: Kaiming before a ReLU, small ones for the four predictors."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
        for name, module in self.fpn.named_modules():
            if name.startswith(("lateral", "output")):
                nn.init.kaiming_uniform_(module.weight, a=1)
        predictors = (self.rpn.head.objectness, self.rpn.head.deltas, self.roi.box_predictor.scores)
        for module in (*predictors, self.roi.box_predictor.deltas):
            nn.init.normal_(module.weight, std=0.01 if module is not self.roi.box_predictor.deltas else 0.001)

    def forward(
        self, images: Tensor, sizes: list[tuple[int, int]], targets: list[dict[str, Tensor]] | None = None
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Detections (when not training) and losses (when training) of N padded images of (height, width) `sizes`."""
        return self.detect(self.backbone(images), images, sizes, targets)

    def detect(self, maps, images: Tensor, sizes, targets=None):
        levels = self.fpn(maps)
        batch = ImageList(images, sizes)
        truth = Truth.of(targets) if self.training else None
        proposals, rpn_losses = self.rpn(batch, levels, truth)
        pooled_from = {name: level for name, level in levels.items() if name != "p6"}
        detections, roi_losses = self.roi(pooled_from, proposals, sizes, truth)
        return detections, {**rpn_losses, **roi_losses}
