"""Makes test/fixtures/architectures/zoo.json: what every named network costs and what small runs of them give.

    training/.venv/bin/python test/reference/zoo.py

`counts`: parameters, and multiply-adds for one picture of the network's own size, of every network of the zoo, counted on PyTorch
modules: torchvision's own where it has the network, else residual_networks.py's. `runs`: outputs of some of
them, in full or narrower, with weights and pictures that `seeded` makes from their names, as test/architectures/seeded.ts does; of
each output the shape, the largest absolute value and 64 values at flat index i * size // 64.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.vgg import VGG, make_layers

from residual_networks import Residual
from zoo_names import alexnet_name, googlenet_name, own_name, preact_name, resnet_name, vgg_name

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
        if name.endswith("-v1"):  # The stride on the 1x1 is what residual_networks.Unit has; with B these are the paper's.
            assert counts[name]["parameters"] == counts[name.removesuffix("-v1")]["parameters"]
    lines = lambda items: ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in items.items())
    FILE.write_text(f'{{"counts": {{\n{lines(counts)}\n}},\n"runs": {{\n{lines(runs())}\n}}}}\n')
    print(f"{len(counts)} networks, {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
