"""Gradients of a batch by several threads, each with a part of the photos and one core.

The usual way, every layer divided among all cores, lets them wait for each other at each layer's end: as soon as
another program takes one core, all stand still (measured on two busy cores: a quarter of this way's speed).
"""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from .detector import Detector


def replicas(detector: Detector, count: int) -> list[Detector]:
    """The detector and copies of it that share its parameters, but not the state of its random generators."""
    shared = {id(parameter): parameter for parameter in detector.parameters()}
    return [detector, *(copy.deepcopy(detector, dict(shared)) for _ in range(count - 1))]


class Gradients:
    def __init__(self, detector: Detector, threads: int, device: torch.device, bf16: bool) -> None:
        self.detectors = replicas(detector, threads)
        self.device, self.bf16 = device, bf16
        # One thread: PyTorch's own threads, on as many cores as it likes.
        self.pool = ThreadPoolExecutor(threads, "part", torch.set_num_threads, (1,)) if threads > 1 else None

    def compute(self, batch, seed: int) -> dict[str, Tensor]:
        """Puts the gradients of the batch's total loss into the parameters and returns the losses."""
        parts = batch.parts(len(self.detectors))
        jobs = [(detector, part, seed + number) for number, (detector, part) in enumerate(zip(self.detectors, parts))]
        results = list(self.pool.map(self.part, *zip(*jobs))) if self.pool else [self.part(*jobs[0])]
        shares = [len(part.sizes) / len(batch.sizes) for part in parts]
        trained = [parameter for parameter in self.detectors[0].parameters() if parameter.requires_grad]
        for index, parameter in enumerate(trained):
            parameter.grad = sum(gradients[index] * share for (_, gradients), share in zip(results, shares))
        return {
            name: sum(losses[name] * share for (losses, _), share in zip(results, shares)) for name in results[0][0]
        }

    def part(self, detector: Detector, part, seed: int) -> tuple[dict[str, Tensor], tuple[Tensor, ...]]:
        detector.seed(seed)
        # The cache of cast weights belongs to all threads, and the first to finish would empty it.
        cache = self.pool is None
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16, cache_enabled=cache):
            losses = part.losses(detector)
        total = sum(losses.values())
        trained = [parameter for parameter in detector.parameters() if parameter.requires_grad]
        gradients = torch.autograd.grad(total, trained, materialize_grads=True)
        return {name: value.detach() for name, value in {**losses, "total": total}.items()}, gradients
