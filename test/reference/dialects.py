"""Makes test/fixtures/dialects/*: detectors of small width with random weights, under the names of each project, and
what PyTorch gives for them on a real photo.

    training/.venv/bin/python test/reference/dialects.py

torchvision's detectors are torchvision's own classes. Detectron2 and MMDetection are not installed: their detectors are
put together here from torchvision's parts with their numbers (stride, anchors, RoIAlign, input), and saved under the
names that their sources give. Weights are float16 in the files, and what is run is what is in the files.

    training/.venv/bin/python test/reference/dialects.py --full FOLDER

writes torchvision's fasterrcnn_resnet50_fpn and its v2 in full size, with random weights, and the photo in its own size.

photo.json: the photo's size; photo.bin: its RGB levels. <name>.json: what the model gives.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, fasterrcnn_resnet50_fpn, fasterrcnn_resnet50_fpn_v2
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.detection.transform import resize_boxes
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.ops import misc, roi_align
from torchvision.ops.poolers import LevelMapper

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "fixtures" / "dialects"
SHORTER, LONGER = 160, 240
SAMPLES = 128


class SmallResNet(ResNet):
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


def randomise(model: nn.Module, seed: int, levels: bool = False) -> nn.Module:
    """`levels`: the input is levels of 0 to 255, which the first layer makes small. Weights that keep activations alive and scores apart, in float16; a few channels have a variance near 0."""
    random = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        noise = torch.randn(tensor.shape, generator=random) if tensor.is_floating_point() else None
        if noise is None:
            continue
        if name.endswith("running_var"):
            value = noise.abs() * 0.5 + 0.5
            value[::5] = 3e-5
        elif name.endswith(("running_mean",)):
            value = noise * 0.1
        elif tensor.dim() >= 2:
            value = noise * (2 / tensor[0].numel()) ** 0.5
        elif name.endswith("weight"):
            # The scale of a channel whose variance is near 0.
            value = noise.abs() * 0.2 + 0.5
            value[::5] *= 4e-3
        else:
            value = noise * 0.1
        if levels and name == "backbone.body.conv1.weight":
            value = value / 58
        if "bbox_pred" in name:
            value = value * 0.3
        if "cls_score" in name and tensor.dim() == 2:
            value = value * 2
        tensor.copy_(value.half().float())
    return model.eval()


def photo() -> np.ndarray:
    image = Image.open(ROOT.parent / "examples" / "photos" / "astronaut.jpg").convert("RGB")
    return np.asarray(image.resize((121, 90), Image.Resampling.LANCZOS))


def pad32(x: Tensor) -> Tensor:
    return F.pad(x, (0, -x.shape[2] % 32, 0, -x.shape[1] % 32))


def resized(rgb: np.ndarray, antialias: bool) -> Tensor:
    """Levels after a resize as Detectron2 (Pillow) or MMDetection (cv2: four neighbours) does it, [3, H, W]."""
    height, width = rgb.shape[:2]
    scale = SHORTER / min(height, width)
    if max(height, width) * scale > LONGER:
        scale = LONGER / max(height, width)
    size = int(height * scale + 0.5), int(width * scale + 0.5)
    if antialias:
        pixels = np.asarray(Image.fromarray(rgb).resize(size[::-1], Image.Resampling.BILINEAR))
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float()
    x = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float()
    return F.interpolate(x, size, mode="bilinear", align_corners=False)[0].add(0.5).floor()


def run(model: FasterRCNN, rgb: np.ndarray, prepare) -> dict:
    """Everything on the way of the photo through the model; `prepare` gives its input, or None for the model's own."""
    original = rgb.shape[:2]
    with torch.no_grad():
        if prepare is None:
            x = torch.from_numpy(rgb.copy()).permute(2, 0, 1).float() / 255
            images, _ = model.transform([x])
        else:
            x, pad = prepare(rgb)
            images = ImageList((pad32(x) if pad else x)[None], [tuple(x.shape[1:])])
        body = model.backbone.body
        maps = backbone_maps(body, images.tensors, getattr(model.backbone, "stages", 4))
        features = model.backbone(images.tensors)
        proposals, _ = model.rpn(images, features)
        results, _ = model.roi_heads(features, proposals, images.image_sizes)
        boxes = resize_boxes(results[0]["boxes"], images.image_sizes[0], original)
    return {
        "input": list(images.tensors.shape),
        "features": {name: sample(value) for name, value in maps.items()},
        "proposals": round_all(proposals[0][:200]),
        "boxes": round_all(boxes),
        "scores": round_all(results[0]["scores"], 6),
        "classes": (results[0]["labels"] - 1).tolist(),
    }


def sample(value: Tensor) -> dict:
    flat = value.flatten()
    at = torch.arange(SAMPLES) * len(flat) // SAMPLES
    return {"shape": list(value.shape), "largest": flat.abs().max().item(), "values": round_all(flat[at], 7)}


def round_all(value: Tensor, digits: int = 3):
    return [round_all(v, digits) for v in value] if value.dim() > 1 else [float(f"%.{digits}f" % v) for v in value]


ANCHORS = AnchorGenerator(tuple((32 * 2**i,) for i in range(5)), ((0.5, 1.0, 2.0),) * 5)
UNROUNDED = SizeMajorAnchors(tuple((32 * 2**i,) for i in range(5)), ((0.5, 1.0, 2.0),) * 5)


def fpn_detector(body: ResNet, classes: int, hidden: int, v2: bool = False, own: bool = True) -> FasterRCNN:
    """`own`: with torchvision's numbers; else with those of Detectron2 and MMDetection."""
    widths = [getattr(body, f"layer{i}")[-1].bn3.weight.numel() if hasattr(getattr(body, f"layer{i}")[-1], "bn3")
              else getattr(body, f"layer{i}")[-1].bn2.weight.numel() for i in range(1, 5)]
    norm = nn.BatchNorm2d if v2 else None
    channels = 8
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
        min_size=SHORTER,
        max_size=LONGER,
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


def detectron2_names(state: dict[str, Tensor], form: str) -> dict[str, np.ndarray]:
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
        named[name] = value.half().numpy()
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
        named[name] = value.half() if value.is_floating_point() else value
    return named


def half(state: dict[str, Tensor]) -> OrderedDict[str, Tensor]:
    return OrderedDict((name, value.half() if value.is_floating_point() else value) for name, value in state.items())


def frozen(epsilon: float):
    return lambda channels: misc.FrozenBatchNorm2d(channels, eps=epsilon)


def bgr(rgb: np.ndarray, std=(1.0, 1.0, 1.0)) -> Tensor:
    levels = resized(rgb, antialias=True).flip(0)
    return (levels - torch.tensor([103.53, 116.28, 123.675]).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def mm_input(caffe: bool):
    def prepare(rgb: np.ndarray) -> tuple[Tensor, bool]:
        x = resized(rgb, antialias=False)
        if caffe:
            return x.flip(0) - torch.tensor([103.53, 116.28, 123.675]).view(3, 1, 1), True
        mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
        return (x - mean.view(3, 1, 1)) / std.view(3, 1, 1), True

    return prepare


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    rgb = photo()
    (FOLDER / "photo.bin").write_bytes(rgb.tobytes())
    (FOLDER / "photo.json").write_text(json.dumps({"width": rgb.shape[1], "height": rgb.shape[0]}))

    def expect(name: str, model: FasterRCNN, prepare=None) -> None:
        expected = run(model, rgb, prepare)
        print(f"{name}: {len(expected['proposals'])} proposals, {len(expected['boxes'])} detections", file=sys.stderr)
        (FOLDER / f"{name}.json").write_text(json.dumps(expected))

    def small(width: int, norm, block=Bottleneck, **more) -> ResNet:
        return SmallResNet(block, [1, 2, 1, 1], width, norm, **more)

    # torchvision, as the published weights of v1: 91 columns, frozen, epsilon 0, the old names, PyTorch's old format.
    model = randomise(fpn_detector(small(4, frozen(0.0)), 90, 16), 1)
    expect("torchvision-v1", model)
    torch.save(old_names(half(model.state_dict())), FOLDER / "torchvision-v1.pth", _use_new_zipfile_serialization=False)

    # torchvision, v2: normalisation in pyramid and head, two convolutions in the RPN.
    model = randomise(fpn_detector(small(4, nn.BatchNorm2d), 4, 16, v2=True), 2)
    expect("torchvision-v2", model)
    torch.save({"model": half(model.state_dict()), "epoch": 3}, FOLDER / "torchvision-v2.pth")

    # torchvision, resnet_fpn_backbone('resnet18') trained by somebody: frozen, epsilon 1e-5, the new names.
    model = randomise(fpn_detector(small(6, frozen(1e-5), BasicBlock), 20, 16), 3)
    expect("torchvision-resnet18", model)
    torch.save(half(model.state_dict()), FOLDER / "torchvision-resnet18.pth")

    for form, stages, seed in (("FPN", 4, 4), ("C4", 3, 5), ("DC5", 4, 6)):
        body = small({"FPN": 4, "C4": 3, "DC5": 2}[form], frozen(1e-5), v1=True, dilate_last=form == "DC5")
        model = fpn_detector(body, 5, 16, own=False) if form == "FPN" else single_detector(body, stages, 5, 8)
        model = randomise(model, seed, levels=True)
        expect(f"detectron2-{form}", model, lambda image, pad=form == "FPN": (bgr(image), pad))
        content = {"model": detectron2_names(model.state_dict(), form), "__author__": "test"}
        (FOLDER / f"detectron2-{form}.pkl").write_bytes(pickle.dumps(content, 2 if form == "FPN" else 4))

    model = randomise(fpn_detector(small(4, frozen(1e-5), groups=4, group_width=32), 80, 16, own=False), 7)
    expect("detectron2-X101", model, lambda image: (bgr(image, (57.375, 57.12, 58.395)), True))
    content = {"model": detectron2_names(model.state_dict(), "FPN"), "matching_heuristics": True}
    (FOLDER / "detectron2-X101.pkl").write_bytes(pickle.dumps(content, 2))

    for style, seed in (("pytorch", 8), ("caffe", 9)):
        body = small(4, nn.BatchNorm2d, v1=style == "caffe")
        model = randomise(fpn_detector(body, 3, 16, own=False), seed, levels=style == "caffe")
        expect(f"mmdetection-{style}", model, mm_input(style == "caffe"))
        meta = {"CLASSES": ("cat", "dog", "person"), "config": f"model = dict(backbone=dict(depth=50, style='{style}'))"}
        optimizer = {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": [{"params": [0], "lr": 0.02}]}
        content = {"meta": meta, "state_dict": mmdetection_names(model.state_dict()), "optimizer": optimizer}
        torch.save(content, FOLDER / f"mmdetection-{style}.pth")


def full(folder: Path) -> None:
    rgb = np.asarray(Image.open(ROOT.parent / "examples" / "photos" / "astronaut.jpg").convert("RGB"))
    (folder / "photo.bin").write_bytes(rgb.tobytes())
    (folder / "photo.json").write_text(json.dumps({"width": rgb.shape[1], "height": rgb.shape[0]}))
    for name, make in (("v1", fasterrcnn_resnet50_fpn), ("v2", fasterrcnn_resnet50_fpn_v2)):
        model = randomise(make(weights=None, weights_backbone=None), 11)
        (folder / f"{name}.json").write_text(json.dumps(run(model, rgb, None)))
        torch.save(model.state_dict(), folder / f"{name}.pth")


if __name__ == "__main__":
    torch.manual_seed(0)
    if sys.argv[1:2] == ["--full"]:
        full(Path(sys.argv[2]))
    else:
        main()
