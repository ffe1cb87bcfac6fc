"""Loads batches in worker processes, so that a step never waits for a photo."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from .augment import Example, augment
from .config import InputConfig
from .dataset import Photo
from .detector import Detector
from .errors import TrainingError
from .image import normalise, open_photo, pad_batch, padded_size, resize
from .mosaic import mosaic
from .sampler import View


@dataclass
class Batch:
    images: Tensor  # N x 3 x H x W
    sizes: list[tuple[int, int]]  # height, width without the padding
    targets: list[dict[str, Tensor]]  # boxes, labels
    photos: list[int]

    def pin_memory(self) -> Batch:
        self.images = self.images.pin_memory()
        return self

    def to(self, device: torch.device) -> Batch:
        images = self.images.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
        targets = [{name: value.to(device) for name, value in target.items()} for target in self.targets]
        return Batch(images, self.sizes, targets, self.photos)

    def parts(self, count: int) -> list[Batch]:
        """At most `count` batches of the same photos."""
        size = -(-len(self.sizes) // count)
        cuts = [slice(start, start + size) for start in range(0, len(self.sizes), size)]
        return [Batch(self.images[cut], self.sizes[cut], self.targets[cut], self.photos[cut]) for cut in cuts]

    def losses(self, detector: Detector) -> dict[str, Tensor]:
        return detector(self.images, self.sizes, self.targets)[1]


class TrainingViews(torch.utils.data.Dataset):
    def __init__(self, photos: list[Photo], config: InputConfig) -> None:
        self.photos, self.config = photos, config

    def __getitem__(self, view: View):
        rng = np.random.default_rng(view.seed)
        if view.others:
            four = [self.example(index) for index in (view.photo, *view.others)]
            image, boxes, labels = mosaic(four, view.longer_side, rng)
        else:
            image, boxes, labels = augment(*self.example(view.photo), view.longer_side, rng)
        target = {"boxes": torch.from_numpy(boxes), "labels": torch.from_numpy(labels)}
        return normalise(image, self.config), target, view.photo

    def example(self, index: int) -> Example:
        photo, image = self.readable(index)
        taught = ~photo.ignored
        return image, photo.boxes[taught], photo.labels[taught]

    def readable(self, index: int) -> tuple[Photo, Image.Image]:
        """The photo, or the next one that can be read: one torn file must not end a run of hours."""
        for step in range(len(self.photos)):
            photo = self.photos[(index + step) % len(self.photos)]
            try:
                return photo, open_photo(photo.path)
            except TrainingError as error:
                print(f"warning: {error} Another photo takes its place.", file=sys.stderr, flush=True)
        raise TrainingError(f"Expected a photo that can be read among {len(self.photos)} but received none.")


class WholePhotos(torch.utils.data.Dataset):
    """Photos as the detector sees them in use."""

    def __init__(self, photos: list[Photo], config: InputConfig) -> None:
        self.photos, self.config = photos, config

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int):
        image = resize(open_photo(self.photos[index].path), self.config.longer_side)
        return normalise(image, self.config), {}, index


class Collate:
    def __init__(self, config: InputConfig) -> None:
        self.multiple = config.pad_multiple

    def __call__(self, samples) -> Batch:
        images, targets, photos = zip(*samples)
        sizes = [(image.shape[1], image.shape[2]) for image in images]
        return Batch(pad_batch(list(images), self.multiple), sizes, list(targets), list(photos))


def leave_interrupts_alone(_: int) -> None:
    """Ctrl-C reaches every process of a terminal, and the SIGTERM of `timeout` every process of a group; the run ends
    after its step, with its loaders alive until then. They notice by themselves when it is no more."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)


def training_batches(
    photos, config: InputConfig, batches: Iterable[list[View]], workers: int, pin: bool
) -> Iterator[Batch]:
    return iter(
        DataLoader(
            TrainingViews(photos, config),
            batch_sampler=batches,
            collate_fn=Collate(config),
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            pin_memory=pin,
            worker_init_fn=leave_interrupts_alone,
        )
    )


def whole_photos(photos: list[Photo], config: InputConfig, batch: int, workers: int) -> Iterable[Batch]:
    """Only photos of one padded size share a batch, so each is seen exactly as if it were alone."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index, photo in enumerate(photos):
        groups.setdefault(padded_size(photo.width, photo.height, config), []).append(index)
    batches = [group[i : i + batch] for group in groups.values() for i in range(0, len(group), batch)]
    return DataLoader(
        WholePhotos(photos, config),
        batch_sampler=batches,
        collate_fn=Collate(config),
        num_workers=workers,
        worker_init_fn=leave_interrupts_alone,
    )
