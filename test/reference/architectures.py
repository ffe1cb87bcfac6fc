"""Makes test/fixtures/architectures/*.safetensors: small random networks, run in PyTorch.

    training/.venv/bin/python test/reference/architectures.py

Each file holds the weights under the library's names (kernels as int8 with one scale per output channel), the inputs
(`input.<name>`; the backbones share image.safetensors) and the outputs (`output.<name>`; of a large one 1024 values, at flat index i * size // 1024). The
metadata `network` carries the graph's kind, its description and the outputs' shapes. torchvision-states.json has the names and
shapes of torchvision's checkpoints. The residual network of small_networks.py is itself
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

from made_weights import TorchvisionWeights, Weights
from small_networks import classifier, residual, roi_head, rpn, vgg

FOLDER = Path(__file__).parent.parent / "fixtures" / "architectures"
SAMPLES = 1024


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
