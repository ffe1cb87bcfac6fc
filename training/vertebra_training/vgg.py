"""VGG-16's 13 convolutions, tapped at stride 8 (conv4_3), 16 (conv5_3) and 32 (pool5), all after their ReLU."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

CONVOLUTIONS = (2, 2, 3, 3, 3)
WIDTHS = (64, 128, 256, 512, 512)


class Vgg16(nn.Module):
    """Each stage is one attribute `conv{stage}_{i}` per convolution, the names of the Caffe model."""

    channels = (512, 512, 512)
    has_preact = False

    def __init__(self, convolutions: tuple[int, ...] = CONVOLUTIONS) -> None:
        super().__init__()
        self.convolutions = convolutions
        inputs = 3
        for stage, (count, width) in enumerate(zip(convolutions, WIDTHS), start=1):
            for index in range(1, count + 1):
                self.add_module(f"conv{stage}_{index}", nn.Conv2d(inputs, width, 3, padding=1))
                inputs = width

    def stage(self, stage: int, x: Tensor) -> Tensor:
        """The convolutions of one stage, 1 to 5, without the pooling in front of them."""
        for index in range(1, self.convolutions[stage - 1] + 1):
            x = getattr(self, f"conv{stage}_{index}")(x).relu_()
        return x

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.above(self.below(x))

    def below(self, x: Tensor) -> list[Tensor]:
        """What stage `top` leaves as it is: C3."""
        for stage in (1, 2, 3):
            x = F.max_pool2d(self.stage(stage, x), 2)
        return [self.stage(4, x)]

    def above(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        [c3] = maps
        c4 = self.stage(5, F.max_pool2d(c3, 2))
        return c3, c4, F.max_pool2d(c4, 2)
