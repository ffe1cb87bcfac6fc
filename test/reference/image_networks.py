"""Classifiers of torchvision, timm and Hugging Face in full size with random weights, for full_size.py: their own classes, on torchvision's
preset of a photo. <name>.json: the maps of the stages, and the probabilities."""

from __future__ import annotations

import json
from functools import partial

import torch
import torchvision
from classification import randomise
from detector_size import Size, sample
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms._presets import ImageClassification


def write(name: str, size: Size, net: nn.Module, stages: list[nn.Module], last: nn.Linear) -> None:
    """`last` gives the logits."""
    randomise(net)
    for unit in net.modules():
        norm = last_norm(unit)
        if norm is not None:
            norm.weight.data.mul_(size.branch)
    maps: dict[str, Tensor] = {}
    for level, stage in enumerate(stages, 2):
        stage.register_forward_hook(lambda _, __, output, level=level: maps.update({f"c{level}": output}))
    x = ImageClassification(crop_size=224)(Image.fromarray(size.rgb))[None]
    with torch.no_grad():
        logits = logits_of(net(x))
        last.bias.data.sub_(logits.mean()).div_(logits.std() / 2.5)
        last.weight.data.div_(logits.std() / 2.5)
        probabilities = logits_of(net(x)).softmax(1)[0]
    if probabilities.max() < 0.02 or probabilities.max() > 0.98:
        raise SystemExit(f"Expected spread probabilities for {name} but the largest is {probabilities.max()}.")
    expected = {"input": list(x.shape), "features": {level: sample(value) for level, value in maps.items()}}
    (size.folder / f"{name}.json").write_text(json.dumps({**expected, "probabilities": probabilities.tolist()}))
    (size.folder / f"{name}.bin").write_bytes(x.contiguous().numpy().astype("<f4").tobytes())


def logits_of(output: object) -> Tensor:
    return output if isinstance(output, Tensor) else output.logits


def last_norm(unit: nn.Module) -> nn.Module | None:
    """Of a residual branch of any of the three."""
    if hasattr(unit, "conv2") and hasattr(unit, "bn2"):
        return unit.bn3 if hasattr(unit, "bn3") else unit.bn2
    return unit.layer[-1].normalization if hasattr(unit, "shortcut") and hasattr(unit, "layer") else None


def torchvision_resnet(name: str, size: Size, depth: int) -> None:
    net = getattr(torchvision.models, f"resnet{depth}")()
    write(name, size, net, [net.layer1, net.layer2, net.layer3, net.layer4], net.fc)
    torch.save(net.state_dict(), size.folder / f"{name}.pth")


def torchvision_vgg(name: str, size: Size, depth: int, norm: bool) -> None:
    net = getattr(torchvision.models, f"vgg{depth}{'_bn' if norm else ''}")(init_weights=False)
    for layer in net.modules():
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    before_pools = [net.features[i - 1] for i, layer in enumerate(net.features) if isinstance(layer, nn.MaxPool2d)]
    write(name, size, net, before_pools[2:], net.classifier[6])
    torch.save(net.state_dict(), size.folder / f"{name}.pth")


def timm_resnet(name: str, size: Size, depth: int) -> None:
    import timm

    net = timm.create_model(f"resnet{depth}")
    write(name, size, net, [net.layer1, net.layer2, net.layer3, net.layer4], net.fc)
    torch.save(net.state_dict(), size.folder / f"{name}.pth")


def huggingface_resnet(name: str, size: Size, depth: int) -> None:
    from detector_size import UNITS
    from transformers import ResNetConfig, ResNetForImageClassification

    form = dict(layer_type="basic", hidden_sizes=[64, 128, 256, 512]) if depth < 50 else {}
    net = ResNetForImageClassification(ResNetConfig(depths=UNITS[depth], num_labels=1000, **form))
    write(name, size, net, list(net.resnet.encoder.stages), net.classifier[1])
    net.save_pretrained(size.folder / name)
    (size.folder / name / "model.safetensors").rename(size.folder / f"{name}.safetensors")


DEPTHS = (18, 34, 50, 101, 152)
FULL = {
    **{f"torchvision-resnet{depth}-classifier": partial(torchvision_resnet, depth=depth) for depth in DEPTHS},
    **{
        f"torchvision-vgg{depth}{'-bn' if norm else ''}-classifier": partial(torchvision_vgg, depth=depth, norm=norm)
        for depth in (11, 13, 16, 19)
        for norm in (False, True)
    },
    **{f"timm-resnet{depth}": partial(timm_resnet, depth=depth) for depth in DEPTHS},
    **{f"huggingface-resnet{depth}": partial(huggingface_resnet, depth=depth) for depth in DEPTHS},
}
