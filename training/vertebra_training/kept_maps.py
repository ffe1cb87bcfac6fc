"""Views of photos as maps of the frozen trunk, computed once each and kept as files: a view is one of a fixed number of
random crops, sizes and colours of its photo, so that the trunk's time is spent once for all epochs that meet it again.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader

from .config import InputConfig
from .dataset import Photo
from .detector import Detector
from .errors import TrainingError
from .image import pad_batch
from .int8_trunk import Int8Trunk
from .loader import TrainingViews, leave_interrupts_alone
from .sampler import View
from .weights import write_weights


@dataclass
class KeptView:
    maps: list[Tensor]  # bytes, [height, width, channels]
    size: tuple[int, int]  # height, width of the photo in the input
    padded: tuple[int, int]
    target: dict[str, Tensor]  # boxes, labels


@dataclass
class KeptBatch:
    views: list[KeptView]
    trunk: Int8Trunk

    @property
    def sizes(self) -> list[tuple[int, int]]:
        return [view.size for view in self.views]

    def to(self, device: torch.device) -> KeptBatch:
        def moved(view: KeptView) -> KeptView:
            target = {name: value.to(device) for name, value in view.target.items()}
            return KeptView([m.to(device) for m in view.maps], view.size, view.padded, target)

        return KeptBatch([moved(view) for view in self.views], self.trunk)

    def parts(self, count: int) -> list[KeptBatch]:
        """At most `count` batches of the same views."""
        size = -(-len(self.views) // count)
        return [KeptBatch(self.views[i : i + size], self.trunk) for i in range(0, len(self.views), size)]

    def losses(self, detector: Detector) -> dict[str, Tensor]:
        device = self.views[0].maps[0].device
        dtype = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32
        each = [self.trunk.restore(view.maps, dtype) for view in self.views]
        maps = [stack(of_one_level) for of_one_level in zip(*each)]
        height, width = (max(view.padded[side] for view in self.views) for side in (0, 1))
        # The regions' arithmetic asks the photos' tensor for its shape only.
        images = torch.empty((len(self.views), 3, height, width), device="meta")
        return detector.detect(detector.backbone.above(maps), images, self.sizes, [v.target for v in self.views])[1]


def stack(maps: tuple[Tensor, ...]) -> Tensor:
    """One tensor with 0 to the right of and below each map."""
    height, width = (max(m.shape[side] for m in maps) for side in (2, 3))
    shape = (len(maps), maps[0].shape[1], height, width)
    stacked = torch.zeros(shape, dtype=maps[0].dtype, device=maps[0].device).contiguous(
        memory_format=torch.channels_last
    )
    for target, m in zip(stacked, maps):
        target[:, : m.shape[2], : m.shape[3]] = m[0]
    return stacked


class KeptViews(torch.utils.data.Dataset):
    """`count` views of each photo. All of a batch have one number, and a number has one size."""

    def __init__(
        self, folder: Path, photos: list[Photo], config: InputConfig, trunk: Int8Trunk, sides: list[int], count: int
    ) -> None:
        # Views of other sizes, of another number or of another trunk are others.
        key = hashlib.sha256(repr((sides, count, config)).encode() + trunk.graph.read_bytes()).hexdigest()[:12]
        self.folder = folder / key
        self.photos, self.config, self.trunk = photos, config, trunk
        self.sides, self.count = sides, count
        self.views = TrainingViews(photos, config)

    def __getitem__(self, view: View) -> KeptView:
        number = int(np.random.default_rng(view.seed[:-1]).integers(self.count))
        path = self.path_of(view.photo, number)
        try:
            kept = load_file(path)
        except (OSError, SafetensorError):
            kept = self.compute(view.photo, number)
            try:
                write_weights(kept, path, {})
            except TrainingError as error:
                print(f"warning: {error} The view will be computed again.", file=sys.stderr, flush=True)
        maps = [kept[f"map{index}"] for index in range(len(self.trunk.names))]
        size, padded = (tuple(kept[name].tolist()) for name in ("size", "padded"))
        return KeptView(maps, size, padded, {"boxes": kept["boxes"], "labels": kept["labels"]})

    def path_of(self, index: int, number: int) -> Path:
        """Boxes and labels are kept with the maps, and a crop is chosen by them: with others it is another file."""
        photo = self.photos[index]
        taught = b"".join(array.tobytes() for array in (photo.boxes, photo.labels, photo.ignored))
        name = f"{photo.path.stem}-{index}-{hashlib.sha256(taught).hexdigest()[:12]}.safetensors"
        return self.folder / str(number) / name

    def compute(self, photo: int, number: int) -> dict[str, Tensor]:
        side = self.sides[number * len(self.sides) // self.count]
        image, target, _ = self.views[View(photo, side, (photo, number))]
        padded = pad_batch([image], self.config.pad_multiple)[0]
        maps = {f"map{index}": m for index, m in enumerate(self.trunk.maps(padded))}
        return {**maps, "size": torch.tensor(image.shape[1:]), "padded": torch.tensor(padded.shape[1:]), **target}


def kept_batches(views: KeptViews, batches: Iterable[list[View]], workers: int) -> Iterator[KeptBatch]:
    def collate(samples: list[KeptView]) -> KeptBatch:
        return KeptBatch(samples, views.trunk)

    return iter(
        DataLoader(
            views,
            batch_sampler=batches,
            collate_fn=collate,
            num_workers=workers,
            prefetch_factor=8 if workers else None,
            worker_init_fn=leave_interrupts_alone,
        )
    )
