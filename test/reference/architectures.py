"""Makes test/fixtures/architectures/*.safetensors: small random networks, run in PyTorch.

    training/.venv/bin/python test/reference/architectures.py

Each file holds the weights under the library's names (kernels as int8 with one scale per output channel), the inputs
(`input.<name>`; the backbones share image.safetensors) and the outputs (`output.<name>`; of a large one 1024 values, at flat index i * size // 1024). The
metadata `network` carries the graph's kind, its description and the outputs' shapes. torchvision-states.json has the names and
shapes of torchvision's checkpoints. The functional residual network here is itself
compared with torchvision's ResNet-18 and ResNet-50 before anything is written.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import save_file
from torch import Tensor

FOLDER = Path(__file__).parent.parent / "fixtures" / "architectures"
SAMPLES = 1024


class Weights:
    """Random weights, made when they are asked for and kept for the file."""

    def __init__(self, seed: int) -> None:
        self.random = torch.Generator().manual_seed(seed)
        self.stored: dict[str, Tensor] = {}

    def uniform(self, shape: tuple[int, ...], low: float, high: float) -> Tensor:
        return torch.rand(shape, generator=self.random) * (high - low) + low

    def kernel(self, name: str, *shape: int) -> Tensor:
        fan_in = torch.tensor(shape[1:]).prod().item()
        value = torch.randn(shape, generator=self.random) * (2 / fan_in) ** 0.5
        scale = value.flatten(1).abs().amax(1) / 127
        self.stored[f"{name}.weight"] = (value / scale.view(-1, *[1] * (len(shape) - 1))).round().to(torch.int8)
        self.stored[f"{name}.weight.scale"] = scale
        return self.stored[f"{name}.weight"].float() * scale.view(-1, *[1] * (len(shape) - 1))

    def vector(self, name: str, size: int, low: float, high: float) -> Tensor:
        self.stored[name] = self.uniform((size,), low, high)
        return self.stored[name]

    def norm(self, name: str, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """running_mean, running_var, weight, bias, in F.batch_norm's order."""
        return (
            self.vector(f"{name}.running_mean", size, -0.2, 0.2),
            self.vector(f"{name}.running_var", size, 0.5, 1.5),
            self.vector(f"{name}.weight", size, 0.6, 1.2),
            self.vector(f"{name}.bias", size, -0.3, 0.3),
        )


class TorchvisionWeights(Weights):
    """The same interface over a torchvision ResNet's state."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        self.state = state

    def rename(self, name: str) -> str:
        if not name.startswith("backbone.block"):
            return name.replace("backbone.", "").replace("conv1.bn", "bn1").replace("classifier", "fc")
        _, block, unit, part, *rest = name.split(".")
        prefix = f"layer{block.removeprefix('block')}.{int(unit.removeprefix('unit')) - 1}"
        if part == "shortcut":
            return ".".join([prefix, "downsample", "1" if rest else "0", *rest[1:]])
        return ".".join([prefix, part.replace("conv", "bn") if rest else part, *rest[1:]])

    def kernel(self, name: str, *shape: int) -> Tensor:
        return self.state[self.rename(name) + ".weight"]

    def vector(self, name: str, size: int, low: float, high: float) -> Tensor:
        head, tail = name.rsplit(".", 1)
        return self.state[f"{self.rename(head)}.{tail}"]


def convolution(w: Weights, net: dict, name: str, x: Tensor, outputs: int, k: int, stride: int, norm: bool) -> Tensor:
    kernel = w.kernel(name, outputs, x.shape[1], k, k)
    if norm and net["norm"]["kind"] == "batch":
        y = F.conv2d(x, kernel, None, stride, k // 2)
        return F.batch_norm(y, *w.norm(f"{name}.bn", outputs), eps=net["norm"]["epsilon"])
    return F.conv2d(x, kernel, w.vector(f"{name}.bias", outputs, -0.2, 0.2), stride, k // 2)


def preact(w: Weights, net: dict, name: str, x: Tensor) -> Tensor:
    size = x.shape[1]
    if net["norm"]["kind"] == "batch":
        return F.batch_norm(x, *w.norm(f"{name}.bn", size), eps=net["norm"]["epsilon"]).relu()
    scale = w.vector(f"{name}.scale", size, 0.6, 1.2).view(1, -1, 1, 1)
    return (x * scale + w.vector(f"{name}.bias", size, -0.3, 0.3).view(1, -1, 1, 1)).relu()


def unit(w: Weights, net: dict, name: str, x: Tensor, width: int, stride: int) -> tuple[Tensor, Tensor]:
    """The unit's output and, for v2, its activated input."""
    bottleneck, v2 = net["unit"] == "bottleneck", net["variant"] == "v2"
    outputs = width * (4 if bottleneck else 1)
    p = preact(w, net, f"{name}.preact", x) if v2 else x
    if x.shape[1] != outputs:
        identity = convolution(w, net, f"{name}.shortcut", p, outputs, 1, stride, not v2)
    else:
        identity = x[:, :, ::stride, ::stride]
    if bottleneck:
        on_first = net["variant"] == "v1"
        y = convolution(w, net, f"{name}.conv1", p, width, 1, stride if on_first else 1, True).relu()
        y = convolution(w, net, f"{name}.conv2", y, width, 3, 1 if on_first else stride, True).relu()
        y = convolution(w, net, f"{name}.conv3", y, outputs, 1, 1, not v2)
    else:
        y = convolution(w, net, f"{name}.conv1", p, width, 3, stride, True).relu()
        y = convolution(w, net, f"{name}.conv2", y, width, 3, 1, not v2)
    return (identity + y, p) if v2 else ((identity + y).relu(), p)


def stem(w: Weights, net: dict, x: Tensor) -> Tensor:
    v2 = net["variant"] == "v2"
    x = convolution(w, net, "backbone.conv1", x, net["width"], 7, 2, not v2)
    x = x if v2 else x.relu()
    if net["stemPool"] == "end":
        return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 3, 2)
    return F.max_pool2d(x, 3, 2, 1)


def residual(w: Weights, net: dict, x: Tensor) -> dict[str, Tensor]:
    v2, late = net["variant"] == "v2", net["strideIn"] == "last-unit"
    stages = net["stages"]
    own = net.get("preactLevels", [f"c{len(stages) + 1}"])
    x = stem(w, net, x)
    maps: dict[str, Tensor] = {}
    waiting = None  # v2: the level that the next unit's own preact activates
    for index, units in enumerate(stages):
        level = f"c{index + 2}"
        last_stage = index == len(stages) - 1
        for number in range(1, units + 1):
            if late:
                stride = 2 if number == units and not last_stage else 1
            else:
                stride = 2 if number == 1 and index > 0 else 1
            entry = x
            if late and not last_stage and number == units:
                tap = True
            else:
                tap = False
            x, p = unit(w, net, f"backbone.block{index + 1}.unit{number}", x, net["width"] * 2**index, stride)
            if waiting is not None:
                maps[waiting], waiting = p, None
            if tap:
                maps[level] = entry if not v2 else preact(w, net, f"fpn.{level}.preact", entry) if level in own else p
        if not late or last_stage:
            if not v2:
                maps[level] = x
            elif level in own:
                maps[level] = preact(w, net, f"fpn.{level}.preact", x)
            else:
                waiting = level
    return maps


def classifier(w: Weights, net: dict, x: Tensor) -> dict[str, Tensor]:
    top = list(residual(w, net, x).values())[-1].mean((2, 3))
    classes = net["classes"]
    return {"logits": F.linear(top, w.kernel("classifier", classes, top.shape[1]), w.vector("classifier.bias", classes, -1, 1))}


def vgg(w: Weights, net: dict, x: Tensor) -> dict[str, Tensor]:
    maps = {}
    for stage, (count, width) in enumerate(zip(net["convolutions"], net["widths"]), start=1):
        for index in range(1, count + 1):
            name = f"backbone.conv{stage}_{index}"
            x = F.conv2d(x, w.kernel(name, width, x.shape[1], 3, 3), w.vector(f"{name}.bias", width, -0.2, 0.2), padding=1)
            x = x.relu()
        if stage >= 3:
            maps[f"c{stage - 1}"] = x
        x = F.max_pool2d(x, 2)
    return {**maps, "c5": x}


def rpn(w: Weights, net: dict, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    levels = dict(inputs)
    outputs = {}
    if "pyramid" in net:
        channels = net["pyramid"]["channels"]
        top, levels = None, {}
        for name in reversed(inputs):
            x, number = inputs[name], name[1:]
            lateral = F.conv2d(x, w.kernel(f"fpn.lateral{number}", channels, x.shape[1], 1, 1), w.vector(f"fpn.lateral{number}.bias", channels, -0.2, 0.2))
            top = lateral if top is None else lateral + F.interpolate(top, size=lateral.shape[-2:], mode="nearest")
            levels[f"p{number}"] = F.conv2d(top, w.kernel(f"fpn.output{number}", channels, channels, 3, 3), w.vector(f"fpn.output{number}.bias", channels, -0.2, 0.2), padding=1)
        levels = dict(reversed(levels.items()))
        if net["pyramid"]["extraLevel"]:
            name = list(levels)[-1]
            levels[f"p{int(name[1:]) + 1}"] = levels[name][:, :, ::2, ::2]
        outputs |= levels
    inner, anchors = net["channels"], net["anchors"]
    first = next(iter(levels.values())).shape[1]
    conv = w.kernel("rpn.conv", inner, first, 3, 3), w.vector("rpn.conv.bias", inner, -0.2, 0.2)
    objectness = w.kernel("rpn.objectness", anchors, inner, 1, 1), w.vector("rpn.objectness.bias", anchors, -1, 1)
    deltas = w.kernel("rpn.deltas", anchors * 4, inner, 1, 1), w.vector("rpn.deltas.bias", anchors * 4, -1, 1)
    for name, x in levels.items():
        hidden = F.conv2d(x, *conv, padding=1).relu()
        outputs |= {f"objectness_{name}": F.conv2d(hidden, *objectness), f"deltas_{name}": F.conv2d(hidden, *deltas)}
    return outputs


def roi_head(w: Weights, net: dict, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    pooled = []
    pool = net["pool"]
    for level in net["levels"]:
        name = level["name"]
        rois = torch.cat([inputs[f"batch_{name}"][:, None].float(), inputs[f"rois_{name}"]], 1)
        scale = 1 / level["stride"]
        if pool["kind"] == "max":
            pooled.append(torchvision.ops.roi_pool(inputs[name], rois, pool["size"], scale))
        else:
            pooled.append(torchvision.ops.roi_align(inputs[name], rois, pool["size"], scale, pool["samplingRatio"], pool["aligned"]))
    x = torch.cat(pooled)
    if net["body"]["kind"] == "stage":
        backbone = net["body"]["backbone"]
        last = len(backbone["stages"])
        for number in range(1, backbone["stages"][-1] + 1):
            x, _ = unit(w, backbone, f"backbone.block{last}.unit{number}", x, backbone["width"] * 2 ** (last - 1), 2 if number == 1 else 1)
        x = x.mean((2, 3))
    else:
        channels = net["body"]["channels"]
        for name in ("head.fc6", "head.fc7"):
            x = x.flatten(1)
            x = F.linear(x, w.kernel(name, channels, x.shape[1]), w.vector(f"{name}.bias", channels, -0.2, 0.2)).relu()
    scores, deltas = net["classes"] + 1, 4 if net["classAgnostic"] else 4 * (net["classes"] + 1)
    return {
        "class_logits": F.linear(x, w.kernel("head.scores", scores, x.shape[1]), w.vector("head.scores.bias", scores, -1, 1)),
        "box_deltas": F.linear(x, w.kernel("head.deltas", deltas, x.shape[1]), w.vector("head.deltas.bias", deltas, -1, 1)),
    }


def check_against_torchvision() -> None:
    for make, kind, stages in ((torchvision.models.resnet18, "basic", [2, 2, 2, 2]), (torchvision.models.resnet50, "bottleneck", [3, 4, 6, 3])):
        model = make(num_classes=10).eval()
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.2, 0.2)
                module.running_var.uniform_(0.5, 1.5)
        net = resnet(kind, "v1.5", stages, width=64, classes=10)
        x = torch.randn(1, 3, 67, 93)
        ours, theirs = classifier(TorchvisionWeights(model.state_dict()), net, x)["logits"], model(x)
        error = (ours - theirs).abs().max() / theirs.abs().max()
        assert error < 1e-5, f"{kind}: {error}"


def save_torchvision_names() -> None:
    """Names and shapes of torchvision's states: torchvision-states.json."""
    states = {}
    for name in ("resnet18", "resnet50", "vgg16"):
        with torch.device("meta"):
            state = getattr(torchvision.models, name)().state_dict()
        states[name] = {key: list(value.shape) for key, value in state.items()}
    (FOLDER / "torchvision-states.json").write_text(json.dumps(states, separators=(",", ":")) + "\n")


def resnet(kind: str, variant: str, stages: list[int], width: int = 4, epsilon: float | None = 1e-5, **more) -> dict:
    norm = {"kind": "folded"} if epsilon is None else {"kind": "batch", "epsilon": epsilon}
    defaults = {"strideIn": "first-unit", "stemPool": "symmetric"}
    return {"family": "residual", "unit": kind, "variant": variant, "stages": stages, "width": width, "norm": norm, **defaults, **more}


def save(name: str, graph: str, net: dict, run, inputs: dict[str, Tensor], seed: int) -> None:
    w = Weights(seed)
    outputs = run(w, net, inputs["image"] / 127.5 - 1 if "image" in inputs else inputs)
    tensors = dict(w.stored)
    for key, value in inputs.items():
        if key != "image":
            tensors[f"input.{key}"] = value
    shapes = {}
    for key, value in outputs.items():
        flat = value.flatten()
        size = len(flat)
        shapes[key] = list(value.shape)
        tensors[f"output.{key}"] = flat[torch.arange(SAMPLES) * size // SAMPLES] if size > SAMPLES else flat
        tensors[f"largest.{key}"] = flat.abs().max().reshape(1)
    metadata = {"network": json.dumps({"graph": graph, "description": net, "shapes": shapes})}
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, str(FOLDER / f"{name}.safetensors"), metadata)


@torch.inference_mode()
def main() -> None:
    torch.manual_seed(0)
    check_against_torchvision()
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_torchvision_names()
    image = torch.randint(0, 256, (2, 3, 67, 93), generator=torch.Generator().manual_seed(1)).float()
    image = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="reflect"), 3, 1).round()  # smooth, so that the numbers stay small
    save_file({"image": image.to(torch.uint8)}, str(FOLDER / "image.safetensors"))
    late = {"strideIn": "last-unit", "stemPool": "end"}
    backbones = {
        "basic-v1": resnet("basic", "v1", [2, 1, 2, 1], epsilon=0.0),
        "basic-v1.5": resnet("basic", "v1.5", [1, 2, 1], epsilon=None),
        "basic-v2": resnet("basic", "v2", [2, 1, 2, 1], epsilon=None, **late),
        "bottleneck-v1": resnet("bottleneck", "v1", [1, 2, 1, 1]),
        "bottleneck-v1.5": resnet("bottleneck", "v1.5", [2, 1, 1, 2]),
        "bottleneck-v1.5-late": resnet("bottleneck", "v1.5", [2, 3, 2, 1], epsilon=None, **late),
        "bottleneck-v2": resnet("bottleneck", "v2", [1, 2, 2, 1], epsilon=1e-3),
        "bottleneck-v2-slim": resnet("bottleneck", "v2", [2, 3, 2, 2], epsilon=None, preactLevels=["c3", "c4", "c5"], **late),
    }
    for seed, (name, net) in enumerate(backbones.items()):
        save(name, "backbone", net, residual, {"image": image}, seed)
    vgg_net = {"family": "vgg", "convolutions": [2, 2, 3, 3, 3], "widths": [4, 4, 8, 8, 12]}
    save("vgg", "backbone", vgg_net, vgg, {"image": image}, 20)
    save("classifier", "classifier", resnet("basic", "v1.5", [1, 1, 2, 1], classes=10), classifier, {"image": image}, 21)

    def level(name: str, channels: int) -> dict:
        return {"name": name, "channels": channels, "stride": 2 ** int(name[1:])}

    random = torch.Generator().manual_seed(2)
    maps = {name: torch.randn(2, channels, h, w, generator=random) for name, channels, h, w in (("c3", 6, 9, 12), ("c4", 8, 5, 6), ("c5", 10, 3, 3))}
    fpn = {"levels": [level("c3", 6), level("c4", 8), level("c5", 10)], "pyramid": {"channels": 8, "extraLevel": True}, "channels": 6, "anchors": 3}
    save("rpn-fpn", "rpn", fpn, rpn, maps, 30)
    two = {**fpn, "levels": fpn["levels"][:2], "pyramid": {"channels": 4, "extraLevel": False}}
    save("rpn-two-levels", "rpn", two, rpn, {"c3": maps["c3"], "c4": maps["c4"]}, 31)
    save("rpn-c4", "rpn", {"levels": [level("c4", 8)], "channels": 6, "anchors": 5}, rpn, {"c4": maps["c4"]}, 32)

    def rois(levels: dict[str, int], height: int, width: int) -> dict[str, Tensor]:
        made = {}
        for name, count in levels.items():
            # Corners a little outside the picture, and degenerate boxes, occur in practice.
            corners = torch.rand(count, 4, generator=random) * torch.tensor([width, height, width, height]) * 1.1 - 3
            boxes = torch.cat([torch.minimum(corners[:, :2], corners[:, 2:]), torch.maximum(corners[:, :2], corners[:, 2:])], 1)
            boxes[0] = torch.tensor([5.5, 7.25, 5.5, 7.25])
            made |= {f"rois_{name}": boxes, f"batch_{name}": torch.randint(0, 2, (count,), generator=random)}
        return made

    pyramid = {name: torch.randn(2, 6, h, w, generator=random) for name, h, w in (("p3", 9, 12), ("p4", 5, 6), ("p5", 3, 3))}
    fc = {"body": {"kind": "fc", "channels": 8}, "classes": 4, "classAgnostic": False}
    align = {"levels": [level(name, 6) for name in pyramid], "pool": {"kind": "align", "size": 7, "samplingRatio": 2, "aligned": False}, **fc}
    save("roi-align", "roi-head", align, roi_head, pyramid | rois({"p3": 5, "p4": 3, "p5": 2}, 67, 93), 40)
    adaptive = {**align, "levels": [level("p3", 6)], "pool": {"kind": "align", "size": 5, "samplingRatio": 0, "aligned": True}, "classAgnostic": True}
    save("roi-align-aligned", "roi-head", adaptive, roi_head, {"p3": pyramid["p3"]} | rois({"p3": 7}, 67, 93), 41)
    pool = {"levels": [level("c4", 8)], "pool": {"kind": "max", "size": 7}, **fc}
    save("roi-pool", "roi-head", pool, roi_head, {"c4": maps["c4"]} | rois({"c4": 7}, 67, 93), 42)
    for kind, channels in (("basic", 8), ("bottleneck", 8)):
        backbone = resnet(kind, "v1.5" if kind == "basic" else "v1", [1, 1, 1, 2], width=2 if kind == "basic" else 1)
        inputs = {"c4": torch.randn(2, channels if kind == "basic" else 16, 5, 6, generator=random)}
        c4 = {"levels": [level("c4", inputs["c4"].shape[1])], "pool": {"kind": "align", "size": 14, "samplingRatio": 2, "aligned": True}, **fc, "body": {"kind": "stage", "backbone": backbone}}
        save(f"roi-c4-{kind}", "roi-head", c4, roi_head, inputs | rois({"c4": 4}, 67, 93), 43)
    print(f"{sum(1 for _ in FOLDER.iterdir())} files, {sum(f.stat().st_size for f in FOLDER.iterdir()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
