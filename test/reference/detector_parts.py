"""Detectors of any width out of torchvision's parts, with torchvision's numbers or those of Detectron2 and MMDetection."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops import misc, roi_align
from torchvision.ops.poolers import LevelMapper


class CustomResNet(ResNet):
    """torchvision's ResNet with any width and number of units, and with the stride on a bottleneck's 1x1 if asked."""

    def __init__(self, block, stages, width, norm, groups=1, group_width=64, v1=False, dilate_last=False):
        nn.Module.__init__(self)
        self._norm_layer, self.inplanes, self.dilation = norm, width, 1
        self.groups, self.base_width = groups, group_width
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1, self.relu, self.maxpool = norm(width), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        for i, units in enumerate(stages):
            setattr(self, f"layer{i + 1}", self._make_layer(block, width * 2**i, units, 1 if i == 0 else 2))
        if v1:
            for unit in self.modules():
                if isinstance(unit, Bottleneck):
                    unit.conv1.stride, unit.conv2.stride = unit.conv2.stride, unit.conv1.stride
        if dilate_last:
            for part in getattr(self, f"layer{len(stages)}").modules():
                if isinstance(part, nn.Conv2d):
                    part.stride = (1, 1)
                    if part.kernel_size == (3, 3):
                        part.dilation = part.padding = (2, 2)


class SizeMajorAnchors(AnchorGenerator):
    """Detectron2's and MMDetection's: not rounded, all ratios of the first size first."""

    def generate_anchors(self, scales, aspect_ratios, dtype=torch.float32, device=torch.device("cpu")):
        ratios = torch.as_tensor(aspect_ratios, dtype=dtype).sqrt()
        sides = torch.as_tensor(scales, dtype=dtype)
        half = torch.stack([(sides[:, None] / ratios).flatten(), (sides[:, None] * ratios).flatten()], 1) / 2
        return torch.cat([-half, half], 1)

    def grid_anchors(self, grid_sizes, strides):
        """Strides are the network's own, where torchvision divides the size of the image by that of the map."""
        exact = [16] if len(strides) == 1 else [4, 8, 16, 32, 64]
        return super().grid_anchors(grid_sizes, [[torch.tensor(s), torch.tensor(s)] for s in exact])


class AlignedPooler(nn.Module):
    """RoIAlign with the half-pixel shift and as many samples as a bin has cells."""

    def __init__(self, names: list[str], size: int, strides: list[int]) -> None:
        super().__init__()
        self.names, self.size, self.strides = names, size, strides

    def forward(self, maps: dict[str, Tensor], boxes: list[Tensor], shapes) -> Tensor:
        rois = torch.cat([torch.zeros(len(boxes[0]), 1), boxes[0]], 1)
        levels = LevelMapper(2, 5)(boxes) if len(self.names) > 1 else torch.zeros(len(rois), dtype=torch.int64)
        first = maps[self.names[0]]
        pooled = torch.zeros(len(rois), first.shape[1], self.size, self.size)
        for level, (name, stride) in enumerate(zip(self.names, self.strides)):
            chosen = levels == level
            if chosen.any():
                pooled[chosen] = roi_align(maps[name], rois[chosen], self.size, 1 / stride, -1, True)
        return pooled


class StageHead(nn.Module):
    """The C4 form: the last stage, then the mean."""

    def __init__(self, stage: nn.Module) -> None:
        super().__init__()
        self.res5 = stage

    def forward(self, x: Tensor) -> Tensor:
        return self.res5(x).mean((2, 3))


class OneMap(nn.Module):
    """A backbone without pyramid: the last of the given stages."""

    def __init__(self, body: ResNet, stages: int, channels: int) -> None:
        super().__init__()
        self.body, self.stages, self.out_channels = body, stages, channels

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        return OrderedDict({"0": list(backbone_maps(self.body, x, self.stages).values())[-1]})


def backbone_maps(body, x: Tensor, stages: int = 4) -> dict[str, Tensor]:
    parts = dict(body.named_children())
    for name in ("conv1", "bn1", "relu", "maxpool"):
        x = parts[name](x)
    maps = {}
    for i in range(1, stages + 1):
        x = parts[f"layer{i}"](x)
        maps[f"c{i + 1}"] = x
    return maps


def last_norm(unit: nn.Module) -> nn.Module:
    """That of a residual branch's end."""
    return unit.bn3 if isinstance(unit, Bottleneck) else unit.bn2


def frozen(epsilon: float):
    return lambda channels: misc.FrozenBatchNorm2d(channels, eps=epsilon)


ANCHORS = AnchorGenerator(tuple((32 * 2**i,) for i in range(5)), ((0.5, 1.0, 2.0),) * 5)
UNROUNDED = SizeMajorAnchors(tuple((32 * 2**i,) for i in range(5)), ((0.5, 1.0, 2.0),) * 5)


def fpn_detector(
    body: ResNet, channels: int, classes: int, hidden: int, sides: tuple[int, int] = (800, 1333), v2: bool = False, own: bool = True
) -> FasterRCNN:
    """`own`: with torchvision's numbers; else with those of Detectron2 and MMDetection."""
    widths = [last_norm(getattr(body, f"layer{i}")[-1]).weight.numel() for i in range(1, 5)]
    norm = nn.BatchNorm2d if v2 else None
    backbone = BackboneWithFPN(body, {f"layer{i}": str(i - 1) for i in range(1, 5)}, widths, channels, norm_layer=norm)
    head = (
        FastRCNNConvFCHead((channels, 7, 7), [channels] * 2, [hidden], norm_layer=nn.BatchNorm2d)
        if v2
        else TwoMLPHead(channels * 49, hidden)
    )
    model = FasterRCNN(
        backbone,
        rpn_anchor_generator=ANCHORS if own else UNROUNDED,
        rpn_head=RPNHead(channels, 3, conv_depth=2 if v2 else 1),
        box_head=head,
        box_predictor=FastRCNNPredictor(hidden, classes + 1),
        min_size=sides[0],
        max_size=sides[1],
    )
    if not own:
        model.roi_heads.box_roi_pool = AlignedPooler(["0", "1", "2", "3"], 7, [4, 8, 16, 32])
    return model


def single_detector(body: ResNet, stages: int, classes: int, hidden: int) -> FasterRCNN:
    """Detectron2's C4 (three stages, the fourth is the head) and DC5 (four, dilated)."""
    last = getattr(body, f"layer{stages}")[-1].bn3.weight.numel()
    anchors = SizeMajorAnchors(((32, 64, 128, 256, 512),), ((0.5, 1.0, 2.0),))
    is_c4 = stages == 3
    head = StageHead(body.layer4) if is_c4 else TwoMLPHead(last * 49, hidden)
    model = FasterRCNN(
        OneMap(body, stages, last),
        rpn_anchor_generator=anchors,
        rpn_head=RPNHead(last, 15),
        box_head=head,
        box_predictor=FastRCNNPredictor(body.layer4[-1].bn3.weight.numel() if is_c4 else hidden, classes + 1),
        rpn_pre_nms_top_n_test=6000,
    )
    model.roi_heads.box_roi_pool = AlignedPooler(["0"], 14 if is_c4 else 7, [16])
    if is_c4:
        del body.layer4
    return model
