"""The CIFAR networks of "Deep Residual Learning for Image Recognition", section 4.2: plain or residual."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (16, 32, 64)


class Pair(nn.Module):
    """Two 3x3 convolutions; a shortcut has no weights: every second pixel, and zeros as further channels (option A)."""

    def __init__(self, inputs: int, outputs: int, stride: int, residual: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.stride, self.added, self.residual = stride, outputs - inputs, residual

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.residual:
            y = y + F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        return F.relu(y)


def cifar_network(depth: int, classes: int, residual: bool) -> nn.Sequential:
    """Of 20, 32, 44, 56, 110, … layers for pictures of 32 x 32; convolutions start as He et al. 2015 have them."""
    layers: list[nn.Module] = [nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU()]
    inputs = WIDTHS[0]
    for stage, width in enumerate(WIDTHS):
        for pair in range((depth - 2) // 6):
            layers.append(Pair(inputs, width, 2 if stage and pair == 0 else 1, residual))
            inputs = width
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))
    for part in net.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out")
    return net.to(memory_format=torch.channels_last)
