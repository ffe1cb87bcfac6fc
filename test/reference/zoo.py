"""Makes test/fixtures/architectures/zoo.json: what every named network costs and what small runs of them give.

    training/.venv/bin/python test/reference/zoo.py

`counts`: parameters, and multiply-adds for one picture of the network's own size, of every network of the zoo, counted on PyTorch
modules: torchvision's own where it has the network, else the modules below, written from the papers. `runs`: outputs of some of
them, in full or narrower, with weights and pictures that `seeded` makes from their names, as test/architectures/seeded.ts does; of
each output the shape, the largest absolute value and 64 values at flat index i * size // 64.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torchvision.models.vgg import VGG, make_layers

FILE = Path(__file__).parent.parent / "fixtures" / "architectures" / "zoo.json"
SAMPLES = 64
TORCHVISION = {
    **{f"resnet{d}": f"resnet{d}" for d in (18, 34, 50, 101, 152)},
    **{f"vgg{d}{bn}": f"vgg{d}{bn.replace('-', '_')}" for d in (11, 13, 16, 19) for bn in ("", "-bn")},
    **{f"resnext{form}": f"resnext{form.replace('-', '_')}" for form in ("50-32x4d", "101-32x8d", "101-64x4d")},
    "alexnet": "alexnet",
    "googlenet": "googlenet",
}
STAGES = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3], 200: [3, 24, 36, 3]}


def seeded(name: str, shape: tuple[int, ...]) -> Tensor:
    """Numbers that depend on the name alone: FNV-1a of it seeds mulberry32, whose state is a counter."""
    state = 0x811C9DC5
    for byte in name.encode():
        state = (state ^ byte) * 0x01000193 & 0xFFFFFFFF
    size = int(np.prod(shape))
    with np.errstate(over="ignore"):
        s = np.uint32(state) + np.uint32(0x6D2B79F5) * np.arange(1, size + 1, dtype=np.uint32)
        t = (s ^ s >> np.uint32(15)) * (s | np.uint32(1))
        t ^= t + (t ^ t >> np.uint32(7)) * (t | np.uint32(61))
        t ^= t >> np.uint32(14)
    low, high = interval(name, shape)
    return torch.from_numpy((low + t.astype(np.float64) / 4294967296 * (high - low)).astype(np.float32)).reshape(shape)


def interval(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    if name.startswith("image"):
        return -1, 1
    if name.endswith(".running_var"):
        return 0.5, 1.5
    if name.endswith(".bn.weight"):
        return 0.6, 1.2
    if len(shape) < 2:
        return -0.2, 0.2
    bound = (6 / np.prod(shape[1:])) ** 0.5
    return -bound, bound


class Unit(nn.Module):
    """A residual unit from the papers' figures: v1 (stride on the first layer) or pre-activation."""

    def __init__(self, inputs: int, width: int, stride: int, bottleneck: bool, option: str, preact: bool) -> None:
        super().__init__()
        outputs = width * 4 if bottleneck else width
        sizes = [(width, 1), (width, 3), (outputs, 1)] if bottleneck else [(width, 3), (outputs, 3)]
        on_second = preact and bottleneck
        self.option, self.preact, self.stride, self.outputs = option, preact, stride, outputs
        before = inputs
        for i, (channels, kernel) in enumerate(sizes, start=1):
            step = stride if i == (2 if on_second else 1) else 1
            setattr(self, f"conv{i}", nn.Conv2d(before, channels, kernel, step, kernel // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(before if preact else channels))
            before = channels
        self.layers = len(sizes)
        if option == "C" or (option == "B" and inputs != outputs):
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            if not preact:
                self.shortcut_bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for i in range(1, self.layers + 1):
            conv, bn = getattr(self, f"conv{i}"), getattr(self, f"bn{i}")
            if self.preact:
                y = bn(y).relu()
                first = y if i == 1 else first
                y = conv(y)
            else:
                y = bn(conv(y))
                y = y.relu() if i < self.layers else y
        if self.option != "none":
            y = y + self.identity(x, first if self.preact else x)
        return y if self.preact else y.relu()

    def identity(self, x: Tensor, activated: Tensor) -> Tensor:
        if hasattr(self, "shortcut"):
            y = self.shortcut(activated)
            return self.shortcut_bn(y) if hasattr(self, "shortcut_bn") else y
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.outputs - x.shape[1]))


class Residual(nn.Module):
    def __init__(self, stages: list[int], width: int, classes: int, bottleneck: bool, option: str, preact: bool, cifar: bool) -> None:
        super().__init__()
        self.preact, self.cifar = preact, cifar
        self.conv1 = nn.Conv2d(3, width, 3 if cifar else 7, 1 if cifar else 2, 1 if cifar else 3, bias=False)
        if not preact:
            self.bn1 = nn.BatchNorm2d(width)
        channels = width
        self.stages = nn.ModuleList()
        for stage, count in enumerate(stages):
            units = nn.ModuleList()
            for unit in range(count):
                units.append(Unit(channels, width * 2**stage, 2 if stage > 0 and unit == 0 else 1, bottleneck, option, preact))
                channels = units[-1].outputs
            self.stages.append(units)
        if preact:
            self.last = nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = x if self.preact else self.bn1(x).relu()
        x = x if self.cifar else F.max_pool2d(x, 3, 2, 1)
        for units in self.stages:
            for unit in units:
                x = unit(x)
        x = self.last(x).relu() if self.preact else x
        return self.fc(x.mean((2, 3)))


def network(name: str) -> nn.Module:
    if name in TORCHVISION:
        more = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
        return getattr(torchvision.models, TORCHVISION[name])(**more)
    if name == "resnext101-32x4d":
        return torchvision.models.resnet.ResNet(torchvision.models.resnet.Bottleneck, STAGES[101], groups=32, width_per_group=4)
    family, depth, rest = re.fullmatch(r"(resnet|plain)(\d+)(.*)", name).groups()
    depth, preact, cifar = int(depth), "v2" in rest, rest.endswith("-cifar")
    bottleneck = depth in (164, 1001) or (not cifar and depth >= 50)
    stages = [(depth - 2) // (9 if bottleneck else 6)] * 3 if cifar else STAGES[depth]
    option = "A" if cifar and not bottleneck else "B"
    if rest in ("-a", "-c"):
        option = rest[1].upper()
    return Residual(stages, 16 if cifar else 64, 10 if cifar else 1000, bottleneck, "none" if family == "plain" else option, preact, cifar)


def names() -> list[str]:
    return [
        *TORCHVISION,
        "resnext101-32x4d",
        *(f"resnet{d}-v1" for d in (50, 101, 152)),
        *(f"resnet{d}-{option}" for d in (18, 34) for option in "ac"),
        "plain18",
        "plain34",
        *(f"resnet{d}-v2" for d in (50, 101, 152, 200)),
        *(f"resnet{d}-cifar" for d in (20, 32, 44, 56, 110, 1202)),
        *(f"plain{d}-cifar" for d in (20, 32, 44, 56, 110)),
        *(f"resnet{d}-v2-cifar" for d in (110, 164, 1001)),
    ]


def count(name: str) -> dict[str, int]:
    total = 0

    def hook(module: nn.Module, _, output: Tensor) -> None:
        nonlocal total
        total += output.numel() * module.weight[0].numel()

    with torch.device("meta"):
        model = network(name).eval()
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.register_forward_hook(hook)
        side = 32 if name.endswith("-cifar") else 224
        model(torch.zeros(1, 3, side, side))
    return {"parameters": sum(p.numel() for p in model.parameters()), "multiplyAdds": total}


def fill(model: nn.Module, rename) -> nn.Module:
    state = model.state_dict()
    model.load_state_dict({k: v if k.endswith("num_batches_tracked") else seeded(rename(k), tuple(v.shape)) for k, v in state.items()})
    return model.eval()


def own_name(key: str) -> str:
    """The library's name for a tensor of `Residual`."""
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


def describe(outputs: dict[str, Tensor], size: list[int]) -> dict:
    described = {}
    for key, value in outputs.items():
        flat = value.flatten()
        take = torch.arange(min(SAMPLES, len(flat))) * len(flat) // min(SAMPLES, len(flat))
        described[key] = {"shape": list(value.shape), "largest": flat.abs().max().item(), "values": [float(f"{v:.7g}") for v in flat[take].tolist()]}
    return {"size": size, "outputs": described}


@torch.inference_mode()
def runs() -> dict[str, dict]:
    def image(size: list[int]) -> Tensor:
        return seeded("image" + "x".join(map(str, size)), tuple(size))

    made = {}
    for name, size in (("alexnet", [1, 3, 224, 224]), ("googlenet", [1, 3, 97, 75]), ("resnext50-32x4d", [1, 3, 65, 49])):
        rename = {"alexnet": alexnet_name, "googlenet": googlenet_name}.get(name, resnet_name)
        made[name] = describe({"logits": fill(network(name), rename)(image(size))}, size)
    model, x = fill(network("alexnet"), alexnet_name), image([2, 3, 131, 97])
    levels = {name: model.features[: end](x) for name, end in (("c2", 2), ("c3", 5), ("c4", 12), ("c5", 13))}
    made["alexnet levels"] = describe(levels, list(x.shape))
    model, x = fill(network("googlenet"), googlenet_name), image([1, 3, 97, 75])
    taps = {}
    for name, module in (("c2", model.conv3), ("c3", model.inception3b), ("c4", model.inception4e), ("c5", model.inception5b)):
        module.register_forward_hook(lambda _m, _i, output, name=name: taps.__setitem__(name, output))
    model(x)
    made["googlenet levels"] = describe(taps, list(x.shape))
    config = [4, "M", 6, "M", 8, 8, "M", 8, 8, "M", 10, 10, "M"]
    model = VGG(make_layers(config, batch_norm=True), num_classes=7, init_weights=False)
    model.classifier = nn.Sequential(nn.Linear(10 * 49, 12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 7))
    made["vgg11-bn narrow"] = describe({"logits": fill(model, lambda key: vgg_name(key, config))(image([2, 3, 224, 224]))}, [2, 3, 224, 224])
    for name in ("resnet20-cifar", "plain20-cifar"):
        made[name] = describe({"logits": fill(network(name), own_name)(image([2, 3, 32, 32]))}, [2, 3, 32, 32])
    for name, bottleneck, option in (("resnet20-v2-cifar", False, "A"), ("resnet29-v2-cifar", True, "B")):
        model = Residual([3, 3, 3], 16, 10, bottleneck, option, preact=True, cifar=True)
        made[name] = describe({"logits": fill(model, preact_name)(image([2, 3, 33, 31]))}, [2, 3, 33, 31])
    for option in "AC":
        model = Residual([2, 1, 2, 1], 8, 10, False, option, preact=False, cifar=False)
        made[f"option {option}"] = describe({"logits": fill(model, own_name)(image([2, 3, 67, 93]))}, [2, 3, 67, 93])
    model = Residual([1, 2], 8, 10, True, "A", preact=False, cifar=False)
    made["option A bottleneck"] = describe({"logits": fill(model, own_name)(image([2, 3, 67, 93]))}, [2, 3, 67, 93])
    return made


def main() -> None:
    counts = {}
    for name in names():
        counts[name] = count(name)
        if name.endswith("-v1"):  # The stride on the 1x1 is what `Unit` has; with B these are the paper's.
            assert counts[name]["parameters"] == counts[name.removesuffix("-v1")]["parameters"]
    lines = lambda items: ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in items.items())
    FILE.write_text(f'{{"counts": {{\n{lines(counts)}\n}},\n"runs": {{\n{lines(runs())}\n}}}}\n')
    print(f"{len(counts)} networks, {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
