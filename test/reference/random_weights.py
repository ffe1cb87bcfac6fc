"""Weights of older networks, under short names of their own."""

from __future__ import annotations

import numpy as np
import torch
from detector_size import Size
from older_layers import State
from torch import Tensor


class Random:
    """Weights that keep activations alive and scores apart, of small or full width."""

    def __init__(self, seed: int, size: Size) -> None:
        self.state: State = {}
        self.size = size
        self.generator = torch.Generator().manual_seed(seed)

    def noise(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator)

    def layer(self, name: str, *shape: int, scale: float = 1.0, bias: bool = True) -> None:
        self.put(f"{name}.W", self.noise(*shape) * (2 / np.prod(shape[1:])) ** 0.5 * scale)
        if bias:
            self.put(f"{name}.b", self.noise(shape[0]) * 0.1)

    def norm(self, name: str, channels: int) -> None:
        self.put(f"{name}.gamma", self.noise(channels).abs() * 0.2 + 0.5)
        self.put(f"{name}.beta", self.noise(channels) * 0.1)
        self.put(f"{name}.mean", self.noise(channels) * 0.1)
        var = self.noise(channels).abs() * 0.5 + 0.5
        var[::5], self.state[f"{name}.gamma"][::5] = 3e-5, 3e-3
        self.put(f"{name}.var", var)

    def put(self, name: str, value: Tensor) -> None:
        self.state[name] = self.size.stored(value).float()

    def resnet(self, units: list[int], width: int = 4, stem_bias: bool = False, stem_scale: float = 1 / 58) -> list[int]:
        """`width`: of a small one. Returns the widths of the stages' outputs."""
        width = self.size.of(width, 64)
        self.layer("stem", width, 3, 7, 7, scale=stem_scale, bias=stem_bias)
        self.norm("stem", width)
        inputs = width
        for stage, count in enumerate(units, 1):
            inner = width * 2 ** (stage - 1)
            for unit in range(count):
                name = f"{stage}.{unit}"
                for part, (o, i, k) in {"1": (inner, inputs, 1), "2": (inner, inner, 3), "3": (4 * inner, inner, 1)}.items():
                    self.layer(f"{name}.{part}", o, i, k, k, bias=False)
                    self.norm(f"{name}.{part}", o)
                self.state[f"{name}.3.gamma"] *= self.size.branch
                if unit == 0:
                    self.layer(f"{name}.short", 4 * inner, inputs, 1, 1, bias=False)
                    self.norm(f"{name}.short", 4 * inner)
                inputs = 4 * inner
        return [4 * width * 2**i for i in range(4)]

    def vgg(self) -> int:
        inputs = 3
        for stage, (count, width) in enumerate(zip([2, 2, 3, 3, 3], self.size.of([4, 4, 6, 8, 8], [64, 128, 256, 512, 512])), 1):
            for i in range(1, count + 1):
                self.layer(f"conv{stage}_{i}", width, inputs, 3, 3, scale=1 / 58 if inputs == 3 else 1)
                inputs = width
        return inputs

    def fpn(self, widths: list[int]) -> int:
        channels = self.size.of(8, 256)
        for level, width in zip((2, 3, 4, 5), widths):
            self.layer(f"lateral{level}", channels, width, 1, 1)
            self.layer(f"output{level}", channels, channels, 3, 3)
        return channels

    def heads(self, channels: int, anchors: int, logits: int, columns: int, boxes: int, hidden: int = 512, fc: int = 4096) -> None:
        """`hidden` channels of the RPN and `fc` of the head in full size; without `fc`, the head reads the last stage."""
        hidden, fc = self.size.of(8, hidden), self.size.of(min(fc, 16), fc)
        self.layer("rpn", hidden, channels, 3, 3)
        self.layer("rpn_score", logits, hidden, 1, 1)
        self.layer("rpn_box", 4 * anchors, hidden, 1, 1, scale=0.3)
        inputs = fc
        if fc:
            self.layer("fc6", fc, channels * 49)
            self.layer("fc7", fc, fc)
        else:
            inputs = channels * 2
        self.layer("score", columns, inputs, scale=3)
        self.layer("box", 4 * boxes, inputs, scale=0.5)
