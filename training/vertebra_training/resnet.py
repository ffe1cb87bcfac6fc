"""ResNet-101 v2 (pre-activation) with batch norm folded, in the layout of TF-slim's resnet_v2_101.

The stride of 2 sits in the last unit of blocks 1, 2 and 3, so the map of stride 8 is the input of block 2's last unit,
stride 16 that of block 3's last unit, and stride 32 the output of block 4.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

UNITS = (3, 4, 23, 3)
FIRST_TOP_UNIT = 16  # of block 3: where stage `top` begins to learn
WIDTHS = (64, 128, 256, 512)


class Preact(nn.Module):
    """relu(x * scale + bias) per channel: what is left of a batch norm that stands before its convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        # In x's own precision: autocast leaves this alone, and float32 here would double the memory traffic.
        scale, bias = (parameter.to(x.dtype).view(1, -1, 1, 1) for parameter in (self.scale, self.bias))
        return torch.addcmul(bias, x, scale).relu_()


class Unit(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * 4
        self.stride = stride
        self.preact = Preact(inputs)
        self.conv1 = nn.Conv2d(inputs, width, 1)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1)
        self.conv3 = nn.Conv2d(width, outputs, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        p = self.preact(x)
        identity = x if self.shortcut is None else self.shortcut(p)
        if self.stride > 1:
            identity = identity[:, :, :: self.stride, :: self.stride]
        y = self.conv1(p).relu_()
        y = self.conv2(y).relu_()
        return identity + self.conv3(y)


class Block(nn.Module):
    def __init__(self, inputs: int, width: int, units: int, stride: int) -> None:
        super().__init__()
        self.units = units
        for index in range(1, units + 1):
            last = index == units
            self.add_module(f"unit{index}", Unit(inputs if index == 1 else width * 4, width, stride if last else 1))

    def forward(self, x: Tensor, first: int = 1) -> tuple[Tensor, Tensor]:
        """Returns the input of the last unit and the block's output; `x` goes into unit `first`."""
        x = self.run(x, first, self.units - 1)
        return x, getattr(self, f"unit{self.units}")(x)

    def run(self, x: Tensor, first: int, last: int) -> Tensor:
        for index in range(first, last + 1):
            x = getattr(self, f"unit{index}")(x)
        return x


class ResNet101(nn.Module):
    """Maps of stride 8, 16 and 32, before the activation that the pyramid puts in front of them."""

    channels = (512, 1024, 2048)
    has_preact = True

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3)
        inputs = 64
        for index, (width, units) in enumerate(zip(WIDTHS, UNITS), start=1):
            self.add_module(f"block{index}", Block(inputs, width, units, stride=1 if index == 4 else 2))
            inputs = width * 4

    def stem(self, x: Tensor) -> Tensor:
        # TF's SAME padding: nothing left and top, one cell right and bottom. Minus infinity never wins a maximum.
        return F.max_pool2d(F.pad(self.conv1(x), (0, 1, 0, 1), value=float("-inf")), 3, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.above(self.below(x))

    def below(self, x: Tensor) -> list[Tensor]:
        """What stage `top` leaves as it is: C3, and the input of block 3's first unit that learns."""
        _, x = self.block1(self.stem(x))
        c3, x = self.block2(x)
        return [c3, self.block3.run(x, 1, FIRST_TOP_UNIT - 1)]

    def above(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        c3, x = maps
        c4, x = self.block3(x, FIRST_TOP_UNIT)
        _, c5 = self.block4(x)
        return c3, c4, c5
