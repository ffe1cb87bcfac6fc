"""Exponential moving average of the weights: what is scored and exported."""

from __future__ import annotations

import copy

import torch

from .detector import Detector


class WeightAverage:
    def __init__(self, detector: Detector, decay: float) -> None:
        self.decay = decay
        self.detector = copy.deepcopy(detector).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, detector: Detector, step: int) -> None:
        """At most over the last third of the steps, so that the starting weights are soon forgotten."""
        decay = min(self.decay, step / (step + 3))
        pairs = [
            (mean, value)
            for mean, value in zip(self.detector.parameters(), detector.parameters())
            if value.requires_grad
        ]
        torch._foreach_lerp_([mean for mean, _ in pairs], [value.detach() for _, value in pairs], 1 - decay)
