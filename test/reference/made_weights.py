"""Random weights of small networks, and a torchvision ResNet's under the same names."""

from __future__ import annotations

import torch
from torch import Tensor


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
