"""Which anchors and regions a step learns from: torchvision's balanced sampler with a random generator of its own,
so that a step can be repeated whatever else draws random numbers, in this thread or another.
"""

from __future__ import annotations

import torch
from torch import Tensor


class RegionSampler:
    def __init__(self, count: int, positive_share: float) -> None:
        self.count, self.positive_share = count, positive_share
        self.generator = torch.Generator()

    def __call__(self, labels_of_images: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Labels of each image (at least 1 positive, 0 negative, below 0 neither) -> masks of the chosen ones."""
        chosen = [self.choose(labels) for labels in labels_of_images]
        return [positive for positive, _ in chosen], [negative for _, negative in chosen]

    def choose(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        positives, negatives = torch.where(labels >= 1)[0], torch.where(labels == 0)[0]
        positive_count = min(len(positives), int(self.count * self.positive_share))
        negative_count = min(len(negatives), self.count - positive_count)
        return self.some(positives, positive_count, labels), self.some(negatives, negative_count, labels)

    def some(self, index: Tensor, count: int, labels: Tensor) -> Tensor:
        order = torch.randperm(len(index), generator=self.generator)[:count].to(index.device)
        mask = torch.zeros_like(labels, dtype=torch.uint8)
        mask[index[order]] = 1
        return mask
