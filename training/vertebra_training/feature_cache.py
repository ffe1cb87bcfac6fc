"""The trunk's maps of every training photo, computed once and kept as files: while only the new layers learn, the trunk
would compute the same again in every pass. One fixed view a photo, without changes of size or colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader

from .config import InputConfig
from .dataset import Photo
from .detector import Detector
from .image import resized_size, round_up
from .loader import whole_photos
from .sampler import View
from .weights import write_weights

STRIDES = (8, 16, 32)


@dataclass
class MapBatch:
    maps: tuple[Tensor, ...]
    sizes: list[tuple[int, int]]
    targets: list[dict[str, Tensor]]

    def to(self, device: torch.device) -> MapBatch:
        maps = tuple(m.to(device).float().contiguous(memory_format=torch.channels_last) for m in self.maps)
        targets = [{name: value.to(device) for name, value in target.items()} for target in self.targets]
        return MapBatch(maps, self.sizes, targets)

    def parts(self, count: int) -> list[MapBatch]:
        """At most `count` batches of the same photos."""
        size = -(-len(self.sizes) // count)
        cuts = [slice(start, start + size) for start in range(0, len(self.sizes), size)]
        return [MapBatch(tuple(m[cut] for m in self.maps), self.sizes[cut], self.targets[cut]) for cut in cuts]

    def losses(self, detector: Detector) -> dict[str, Tensor]:
        height, width = (round_up(max(size[side] for size in self.sizes), STRIDES[-1]) for side in (0, 1))
        # The regions' arithmetic asks the photos' tensor for its shape only.
        images = torch.empty((len(self.sizes), 3, height, width), device="meta")
        return detector.detect(self.maps, images, self.sizes, self.targets)[1]


def path_of(photo: Photo, config: InputConfig, folder: Path) -> Path:
    return folder / photo.path.parent.name / f"{photo.path.stem}-{config.longer_side}.safetensors"


@torch.inference_mode()
def fill(folder: Path, detector: Detector, photos: list[Photo], batch: int, workers: int, bf16: bool) -> int:
    """Computes the maps that are not there yet and returns how many those were."""
    config = detector.config.input
    missing = [photo for photo in photos if not path_of(photo, config, folder).exists()]
    device = next(detector.parameters()).device
    for loaded in whole_photos(missing, config, batch, workers):
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            maps = detector.backbone(loaded.to(device).images)
        for index, *features in zip(loaded.photos, *maps):
            tensors = {f"c{level}": m.to("cpu", torch.float16) for level, m in enumerate(features, start=3)}
            write_weights(tensors, path_of(missing[index], config, folder), {})
    return len(missing)


class CachedMaps(torch.utils.data.Dataset):
    def __init__(self, folder: Path, photos: list[Photo], config: InputConfig) -> None:
        self.folder, self.photos, self.config = folder, photos, config

    def __getitem__(self, view: View):
        photo = self.photos[view.photo]
        width, height = resized_size(photo.width, photo.height, self.config.longer_side)
        scale = torch.tensor([width / photo.width, height / photo.height] * 2)
        taught = ~photo.ignored
        target = {
            "boxes": torch.from_numpy(photo.boxes[taught]) * scale,
            "labels": torch.from_numpy(photo.labels[taught]),
        }
        return load_file(path_of(photo, self.config, self.folder)), (height, width), target


def collate(samples) -> MapBatch:
    kept, sizes, targets = zip(*samples)
    maps = []
    for level in ("c3", "c4", "c5"):
        height, width = (max(maps[level].shape[side] for maps in kept) for side in (1, 2))
        batch = torch.zeros(len(kept), kept[0][level].shape[0], height, width, dtype=torch.float16)
        for target, one in zip(batch, kept):
            target[:, : one[level].shape[1], : one[level].shape[2]] = one[level]
        maps.append(batch)
    return MapBatch(tuple(maps), list(sizes), list(targets))


def cached_batches(folder: Path, photos: list[Photo], config: InputConfig, batches, workers: int) -> Iterator[MapBatch]:
    views = CachedMaps(folder, photos, config)
    return iter(DataLoader(views, batch_sampler=batches, collate_fn=collate, num_workers=workers))
