"""Residual and plain networks that torchvision does not have, written from the papers."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


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
