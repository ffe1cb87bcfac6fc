"""Which photos make up which step. The plan of an epoch is a function of the seed and the epoch's number, so a run that
is taken up again needs only the number of the step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .dataset import Photo


@dataclass(frozen=True)
class View:
    photo: int
    longer_side: int
    seed: tuple[int, ...]
    others: tuple[int, ...] = ()  # photos that make a mosaic with it


def repeat_factors(photos: list[Photo], classes: int, threshold: float) -> np.ndarray:
    """How often each photo comes in an epoch: sqrt(threshold / f) of its rarest class, f = share of photos with it."""
    has = np.zeros((len(photos), classes), dtype=bool)
    for row, photo in zip(has, photos):
        row[photo.labels[~photo.ignored]] = True
    share = has.mean(axis=0)
    factor = np.sqrt(threshold / np.maximum(share, 1 / len(photos))).clip(min=1)
    return np.where(has, factor, 1).max(axis=1)


class Batches:
    """Batches of views from step `start` on, without end. The photos of a batch have one orientation and one size,
    so little of it is padding. A share `mosaics` of the views are of four photos."""

    def __init__(
        self,
        photos: list[Photo],
        repeats: np.ndarray,
        batch: int,
        sides: tuple[int, ...],
        seed: int,
        start: int = 0,
        mosaics: float = 0,
    ) -> None:
        self.repeats = repeats
        self.landscape = np.array([photo.width >= photo.height for photo in photos])
        self.batch, self.sides, self.seed, self.start, self.mosaics = batch, sides, seed, start, mosaics

    def epoch(self, number: int) -> list[list[View]]:
        rng = np.random.default_rng([self.seed, number])
        times = np.floor(self.repeats + rng.random(len(self.repeats))).astype(int)
        order = rng.permutation(np.repeat(np.arange(len(times)), times))
        groups = []
        for wanted in (True, False):
            group = order[self.landscape[order] == wanted]
            if 0 < len(group) % self.batch:  # filled up from its own beginning
                group = np.concatenate([group, np.resize(group, self.batch - len(group) % self.batch)])
            groups += list(group.reshape(-1, self.batch))
        batches = []
        for index in rng.permutation(len(groups)):
            side = int(rng.choice(self.sides))
            seed = (self.seed, number, int(index))
            views = []
            for slot, photo in enumerate(groups[index]):
                others = rng.choice(order, 3).tolist() if rng.random() < self.mosaics else ()
                views.append(View(int(photo), side, (*seed, slot), tuple(others)))
            batches.append(views)
        return batches

    def __iter__(self) -> Iterator[list[View]]:
        first, number = 0, 0
        while True:
            batches = self.epoch(number)
            if self.start < first + len(batches):
                yield from batches[max(0, self.start - first) :]
            first += len(batches)
            number += 1
