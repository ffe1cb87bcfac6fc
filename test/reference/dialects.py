"""Makes test/fixtures/dialects/{torchvision-*, detectron2-*, mmdetection-*}: detectors of small width with random weights,
under the names of each project, and what PyTorch gives for them on a real photo. full_size.py makes those of full size.

    training/.venv/bin/python test/reference/dialects.py

torchvision's detectors are torchvision's own classes. Detectron2 and MMDetection are not installed: their detectors are
put together from torchvision's parts with their numbers (stride, anchors, RoIAlign, input), and saved under the
names that their sources give. What is run is what is in the files.

photo.json: the photo's size; photo.bin: its RGB levels. <name>.json: what the model gives.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from detector_parts import CustomResNet, backbone_maps, fpn_detector, frozen, last_norm, single_detector
from detector_size import Size, rounded, sample, small_size, write_photo
from dialect_names import detectron2_names, mmdetection_names, old_names
from PIL import Image
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, fasterrcnn_resnet50_fpn_v2
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.transform import resize_boxes
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

# The network's input from the photo's levels, and whether it is padded; None for the model's own way.
Prepare = Callable[[np.ndarray, Size], tuple[Tensor, bool]] | None


def randomise(model: nn.Module, size: Size, seed: int, levels: bool = False) -> nn.Module:
    """Weights that keep activations alive and scores apart; a few channels have a variance near 0. `levels`: the input is levels
    of 0 to 255, which the first layer makes small."""
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
        tensor.copy_(size.stored(value).float())
    for unit in model.modules():
        if isinstance(unit, Bottleneck | BasicBlock):
            last_norm(unit).weight.data.mul_(size.branch)
    return model.eval()


def spread(model: FasterRCNN, size: Size, prepare: Prepare) -> None:
    """Centres the outputs of a full detector, each channel, and gives them a deviation: among thousands of random features every
    region would look the same to a random layer, and get the same scores."""

    def hook(deviation: float):
        def change(module: nn.Module, _, output: Tensor) -> Tensor:
            handles.pop(module).remove()
            rows = output.transpose(0, 1).flatten(1)
            mean, factor = rows.mean(1), deviation / (rows - rows.mean(1, keepdim=True)).std()
            module.weight.data.mul_(factor)
            module.bias.data.sub_(mean).mul_(factor)
            return (output - mean.view(-1, *[1] * (output.dim() - 2))) * factor

        return change

    predictor, rpn = model.roi_heads.box_predictor, model.rpn.head
    layers = {rpn.cls_logits: 2.0, rpn.bbox_pred: 0.2, predictor.cls_score: 2.5, predictor.bbox_pred: 0.8}
    handles = {layer: layer.register_forward_hook(hook(deviation)) for layer, deviation in layers.items()}
    run(model, size, prepare)


def run(model: FasterRCNN, size: Size, prepare: Prepare) -> dict:
    """Everything on the way of the photo through the model."""
    original = size.rgb.shape[:2]
    with torch.no_grad():
        if prepare is None:
            x = torch.from_numpy(size.rgb.copy()).permute(2, 0, 1).float() / 255
            images, _ = model.transform([x])
        else:
            x, pad = prepare(size.rgb, size)
            images = ImageList((pad32(x) if pad else x)[None], [tuple(x.shape[1:])])
        maps = backbone_maps(model.backbone.body, images.tensors, getattr(model.backbone, "stages", 4))
        features = model.backbone(images.tensors)
        proposals, _ = model.rpn(images, features)
        results, _ = model.roi_heads(features, proposals, images.image_sizes)
        boxes = resize_boxes(results[0]["boxes"], images.image_sizes[0], original)
    return {
        "input": list(images.tensors.shape),
        "features": {name: sample(value) for name, value in maps.items()},
        "proposals": [rounded(box, 3) for box in proposals[0][:200].tolist()],
        "boxes": [rounded(box, 3) for box in boxes.tolist()],
        "scores": rounded(results[0]["scores"].tolist(), 6),
        "classes": (results[0]["labels"] - 1).tolist(),
    }


def pad32(x: Tensor) -> Tensor:
    return F.pad(x, (0, -x.shape[2] % 32, 0, -x.shape[1] % 32))


def resized(rgb: np.ndarray, size: Size, antialias: bool) -> Tensor:
    """Levels after a resize as Detectron2 (Pillow) or MMDetection (cv2: four neighbours) does it, [3, H, W]."""
    height, width = rgb.shape[:2]
    scale = size.shorter / min(height, width)
    if max(height, width) * scale > size.longer:
        scale = size.longer / max(height, width)
    sides = int(height * scale + 0.5), int(width * scale + 0.5)
    if antialias:
        pixels = np.asarray(Image.fromarray(rgb).resize(sides[::-1], Image.Resampling.BILINEAR))
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float()
    x = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float()
    return F.interpolate(x, sides, mode="bilinear", align_corners=False)[0].add(0.5).floor()


def detectron2_input(rgb: np.ndarray, size: Size, std=(1.0, 1.0, 1.0), pad: bool = True) -> tuple[Tensor, bool]:
    levels = resized(rgb, size, antialias=True).flip(0)
    return (levels - torch.tensor([103.53, 116.28, 123.675]).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1), pad


def mmdetection_input(rgb: np.ndarray, size: Size, caffe: bool) -> tuple[Tensor, bool]:
    x = resized(rgb, size, antialias=False)
    if caffe:
        return x.flip(0) - torch.tensor([103.53, 116.28, 123.675]).view(3, 1, 1), True
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    return (x - mean.view(3, 1, 1)) / std.view(3, 1, 1), True


def body(size: Size, depth: int, width: int, norm, block=Bottleneck, **more) -> ResNet:
    """`depth` in full size, `width` in small."""
    return CustomResNet(block, size.units(depth), size.of(width, 64), norm, **more)


def make(size: Size, name: str, model: FasterRCNN, seed: int, prepare: Prepare = None, levels: bool = False) -> dict[str, Tensor]:
    """Fills the model, writes what it gives, and returns its tensors as its file has them."""
    randomise(model, size, seed, levels)
    if size.is_full:
        spread(model, size, prepare)
    size.write(name, run(model, size, prepare))
    return OrderedDict((key, size.stored(value)) for key, value in model.state_dict().items())


def torchvision_v1(name: str, size: Size) -> None:
    """As the published weights of v1: 91 columns, frozen, epsilon 0, the old names, PyTorch's old format."""
    sides = size.shorter, size.longer
    if size.is_full:
        backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=frozen(0.0))
        model = FasterRCNN(backbone, 91, min_size=sides[0], max_size=sides[1])
    else:
        model = fpn_detector(body(size, 50, 4, frozen(0.0)), 8, 90, 16, sides)
    state = make(size, name, model, 1)
    torch.save(old_names(state), size.folder / f"{name}.pth", _use_new_zipfile_serialization=False)


def torchvision_v2(name: str, size: Size) -> None:
    """Normalisation in pyramid and head, two convolutions in the RPN."""
    sides = size.shorter, size.longer
    if size.is_full:
        model = fasterrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None, min_size=sides[0], max_size=sides[1])
    else:
        model = fpn_detector(body(size, 50, 4, nn.BatchNorm2d), 8, 4, 16, sides, v2=True)
    torch.save({"model": make(size, name, model, 2), "epoch": 3}, size.folder / f"{name}.pth")


def torchvision_own(name: str, size: Size, depth: int) -> None:
    """A resnet_fpn_backbone trained by somebody: frozen, epsilon 1e-5, the new names."""
    sides = size.shorter, size.longer
    if size.is_full:
        backbone = resnet_fpn_backbone(backbone_name=f"resnet{depth}", weights=None, norm_layer=frozen(1e-5))
        model = FasterRCNN(backbone, 21, min_size=sides[0], max_size=sides[1])
    else:
        model = fpn_detector(body(size, depth, 6, frozen(1e-5), BasicBlock), 8, 20, 16, sides)
    torch.save(make(size, name, model, 3), size.folder / f"{name}.pth")


def detectron2(name: str, size: Size, form: str, depth: int, seed: int, classes: int = 5, x: bool = False) -> None:
    """`x`: ResNeXt, with 32 groups of 8 in full size."""
    if x:
        groups, group_width = size.of((4, 32), (32, 8))
        net = body(size, depth, 4, frozen(1e-5), groups=groups, group_width=group_width)
        prepare = partial(detectron2_input, std=(57.375, 57.12, 58.395))
    else:
        net = body(size, depth, {"FPN": 4, "C4": 3, "DC5": 2}[form], frozen(1e-5), v1=True, dilate_last=form == "DC5")
        prepare = partial(detectron2_input, pad=form == "FPN")
    if form == "FPN":
        model = fpn_detector(net, size.of(8, 256), classes, size.of(16, 1024), own=False)
    else:
        model = single_detector(net, 3 if form == "C4" else 4, classes, size.of(8, 1024))
    state = detectron2_names(make(size, name, model, seed, prepare, levels=not x), form)
    arrays = {key: value.numpy() for key, value in state.items()}
    author = {"matching_heuristics": True} if x else {"__author__": "test"}
    content = pickle.dumps({"model": arrays, **author}, 2 if form == "FPN" else 4)
    (size.folder / f"{name}.pkl").write_bytes(content)


def mmdetection(name: str, size: Size, style: str, depth: int, seed: int) -> None:
    is_caffe = style == "caffe"
    net = body(size, depth, 4, nn.BatchNorm2d, v1=is_caffe)
    model = fpn_detector(net, size.of(8, 256), 3, size.of(16, 1024), own=False)
    state = make(size, name, model, seed, partial(mmdetection_input, caffe=is_caffe), levels=is_caffe)
    meta = {"CLASSES": ("cat", "dog", "person"), "config": f"model = dict(backbone=dict(depth={depth}, style='{style}'))"}
    optimizer = {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": [{"params": [0], "lr": 0.02}]}
    content = {"meta": meta, "state_dict": mmdetection_names(state), "optimizer": optimizer}
    torch.save(content, size.folder / f"{name}.pth")


SMALL = {
    "torchvision-v1": torchvision_v1,
    "torchvision-v2": torchvision_v2,
    "torchvision-resnet18": partial(torchvision_own, depth=18),
    "detectron2-FPN": partial(detectron2, form="FPN", depth=50, seed=4),
    "detectron2-C4": partial(detectron2, form="C4", depth=50, seed=5),
    "detectron2-DC5": partial(detectron2, form="DC5", depth=50, seed=6),
    "detectron2-X101": partial(detectron2, form="FPN", depth=101, seed=7, classes=80, x=True),
    "mmdetection-pytorch": partial(mmdetection, style="pytorch", depth=50, seed=8),
    "mmdetection-caffe": partial(mmdetection, style="caffe", depth=50, seed=9),
}
FULL = {
    "torchvision-v1": torchvision_v1,
    "torchvision-v2": torchvision_v2,
    "torchvision-resnet18-fpn": partial(torchvision_own, depth=18),
    "torchvision-resnet101-fpn": partial(torchvision_own, depth=101),
    **{
        f"detectron2-R{depth}-{form}": partial(detectron2, form=form, depth=depth, seed=depth, classes=80)
        for form in ("FPN", "C4", "DC5")
        for depth in (50, 101)
    },
    "detectron2-X101-FPN": partial(detectron2, form="FPN", depth=101, seed=7, classes=80, x=True),
    **{
        f"mmdetection-r{depth}-{style}": partial(mmdetection, style=style, depth=depth, seed=depth)
        for style in ("pytorch", "caffe")
        for depth in (50, 101)
    },
}


if __name__ == "__main__":
    torch.manual_seed(0)
    small = small_size()
    write_photo(small.folder, small.rgb)
    for name, write in SMALL.items():
        write(name, small)
