"""Feature pyramid P3 to P5 over the backbone's maps of stride 8, 16 and 32, and P6 = every second cell of P5."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .resnet import Preact

LEVELS = (3, 4, 5)


class Pyramid(nn.Module):
    def __init__(self, inputs: tuple[int, ...], channels: int, preact: bool) -> None:
        super().__init__()
        self.preact = preact
        for level, width in zip(LEVELS, inputs):
            if preact:
                self.add_module(f"c{level}", nn.ModuleDict({"preact": Preact(width)}))
            self.add_module(f"lateral{level}", nn.Conv2d(width, channels, 1))
            self.add_module(f"output{level}", nn.Conv2d(channels, channels, 3, padding=1))

    def activate(self, maps: tuple[Tensor, ...]) -> list[Tensor]:
        """The backbone's maps as features: a pre-activation network leaves its last activation to its reader."""
        if not self.preact:
            return list(maps)
        return [getattr(self, f"c{level}")["preact"](x) for level, x in zip(LEVELS, maps)]

    def forward(self, maps: tuple[Tensor, ...]) -> dict[str, Tensor]:
        levels: dict[str, Tensor] = {}
        top: Tensor | None = None
        for level, x in reversed(list(zip(LEVELS, self.activate(maps)))):
            lateral = getattr(self, f"lateral{level}")(x)
            top = lateral if top is None else lateral + F.interpolate(top, size=lateral.shape[-2:], mode="nearest")
            levels[f"p{level}"] = getattr(self, f"output{level}")(top)
        p5 = levels["p5"]
        return {"p3": levels["p3"], "p4": levels["p4"], "p5": p5, "p6": p5[:, :, ::2, ::2]}
