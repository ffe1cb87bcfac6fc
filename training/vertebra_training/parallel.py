"""Gradients of a batch by several processes, one core each, which take the next photos when they are done with some.

The usual way, every layer divided among all cores, lets them wait for each other at each layer's end: as soon as
another program takes one core, all stand still. Threads of one process wait for each other, too (measured on two cores:
2.2 photos a second, where processes see 3.0).
"""

from __future__ import annotations

import copy
import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import torch
from torch import Tensor
from torch.multiprocessing import get_context

from .detector import Detector
from .errors import TrainingError

# At most so many photos: a larger part makes better use of each weight, a smaller one leaves less to wait for at a
# step's end.
PART = 4
WATCH_SECONDS = 0.5


def in_bfloat16(detector: Detector) -> Detector:
    """A copy whose matrices are bfloat16, so that they are cast once a step and not in every part of it."""
    copied = copy.deepcopy(detector)
    for parameter in copied.parameters():
        if parameter.dim() > 1:
            parameter.data = parameter.data.to(torch.bfloat16)
    return copied


def gradients_of(detector: Detector, batch, seed: int, bf16: bool) -> tuple[dict[str, Tensor], tuple[Tensor, ...]]:
    """Losses, and the gradients of their sum for the parameters that learn."""
    detector.seed(seed)
    trained = [parameter for parameter in detector.parameters() if parameter.requires_grad]
    with torch.autocast(trained[0].device.type, torch.bfloat16, enabled=bf16):
        losses = batch.losses(detector)
    total = sum(losses.values())
    gradients = torch.autograd.grad(total, trained, materialize_grads=True)
    return {name: value.detach() for name, value in {**losses, "total": total}.items()}, gradients


class Gradients:
    """Computes with a copy of the detector, whose memory all processes share."""

    def __init__(self, detector: Detector, batch: int, processes: int, bf16: bool) -> None:
        self.detector, self.bf16 = detector, bf16
        self.computing = in_bfloat16(detector) if bf16 else copy.deepcopy(detector)
        # A GPU has memory for a whole batch, and a CPU no use for it.
        self.in_parts = next(detector.parameters()).device.type == "cpu"
        self.part = min(PART, -(-batch // processes))
        self.pool: ProcessPoolExecutor | None = None
        if processes > 1:
            torch.set_num_threads(processes)  # of the optimiser, for which the processes wait
            self.computing.share_memory()
            # A place for the gradients of each part: summed in one order, whoever computed them.
            places = range(-(-batch // self.part))
            self.places = [[torch.zeros_like(p).share_memory_() for p in self.computing.parameters()] for _ in places]
            self.over = torch.zeros(1, dtype=torch.bool).share_memory_()
            how = dict(mp_context=get_context("fork"), initializer=_begin)
            begin_with = (self.computing, self.places, bf16, os.getpid(), self.over)
            self.pool = ProcessPoolExecutor(processes, initargs=begin_with, **how)

    def compute(self, batch, seed: int) -> dict[str, Tensor]:
        """Puts the gradients of the batch's total loss into the parameters and returns the losses."""
        self.follow()
        parts = batch.parts(-(-len(batch.sizes) // self.part)) if self.in_parts else [batch]
        seeds = range(seed, seed + len(parts))
        if self.pool:
            results = self.in_processes(parts, seeds)
        else:
            results = [gradients_of(self.computing, part, seed, self.bf16) for part, seed in zip(parts, seeds)]
        shares = [len(part.sizes) / len(batch.sizes) for part in parts]
        trained = [parameter for parameter in self.detector.parameters() if parameter.requires_grad]
        for parameter in trained:
            parameter.grad = torch.zeros_like(parameter)
        for (_, gradients), share in zip(results, shares):
            each = [gradient.float() for gradient in gradients]
            torch._foreach_add_([parameter.grad for parameter in trained], each, alpha=share)
        return {
            name: sum(losses[name] * share for (losses, _), share in zip(results, shares)) for name in results[0][0]
        }

    def in_processes(self, parts: list, seeds: range) -> list[tuple[dict[str, Tensor], list[Tensor]]]:
        learns = [parameter.requires_grad for parameter in self.computing.parameters()]
        try:
            losses = list(self.pool.map(_part, parts, range(len(parts)), [learns] * len(parts), seeds))
        except BrokenProcessPool as error:
            raise TrainingError(
                "Expected every process of the run to live but one was ended, perhaps for want of memory. Take it up "
                "again with --resume."
            ) from error
        return [
            (loss, [gradient for gradient, learnt in zip(place, learns) if learnt])
            for loss, place in zip(losses, self.places)
        ]

    @torch.no_grad()
    def follow(self) -> None:
        """What computes takes over the weights, and which of them learn, from what the optimiser changes."""
        for parameter, copied in zip(self.detector.parameters(), self.computing.parameters()):
            copied.requires_grad_(parameter.requires_grad)
            copied.copy_(parameter)

    def close(self) -> None:
        if self.pool:
            self.over.fill_(True)
            self.pool.shutdown(cancel_futures=True)


_detector: Detector
_places: list[list[Tensor]]
_bf16: bool


def _begin(detector: Detector, places: list[list[Tensor]], bf16: bool, run: int, over: Tensor) -> None:
    """Ctrl-C reaches every process of a terminal, and the SIGTERM of `timeout` every process of a group; the run ends
    after its step, for which it needs this process."""
    global _detector, _places, _bf16
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(run, over), daemon=True).start()
    torch.set_num_threads(1)
    _detector, _places, _bf16 = detector, places, bf16


def _end_with(run: int, over: Tensor) -> None:
    """Ends this process with the run, whichever way that ends: waiting for parts, it would not notice."""
    while os.getppid() == run and not over:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def _part(part, place: int, learns: list[bool], seed: int) -> dict[str, Tensor]:
    for parameter, learnt in zip(_detector.parameters(), learns):
        parameter.requires_grad_(learnt)
    losses, gradients = gradients_of(_detector, part, seed, _bf16)
    kept = [gradient for gradient, learnt in zip(_places[place], learns) if learnt]
    for target, gradient in zip(kept, gradients):
        target.copy_(gradient)
    return losses
