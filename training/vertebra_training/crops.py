"""Objects cut out of photos, 32 x 32 pixels: a small data set for networks that are made for CIFAR."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .dataset import Dataset, Photo
from .errors import TrainingError
from .image import open_photo

SIDE = 32


@dataclass(frozen=True)
class Crops:
    images: Tensor  # N x 3 x 32 x 32, of mean 0 and deviation 1 in each colour
    labels: Tensor  # N
    names: list[str]  # of the classes


def cut_crops(dataset: Dataset, classes: int, count: int, seed: int) -> Crops:
    """`count` crops of each of the most frequent classes, each from another photo."""
    objects = _objects(dataset)
    common = sorted(range(len(objects)), key=lambda label: -len(objects[label]))[:classes]
    names = [dataset.categories[label].name for label in common]
    rng = np.random.default_rng(seed)
    crops = []
    for label, name in zip(common, names):
        if len(objects[label]) < count:
            raise TrainingError(f"Expected {count} photos with a large {name} but received {len(objects[label])}.")
        crops += [cut(*objects[label][i]) for i in rng.permutation(len(objects[label]))[:count]]
    images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()
    mean, deviation = (measure(images, (0, 2, 3), keepdim=True) for measure in (torch.mean, torch.std))
    return Crops((images - mean) / deviation, torch.arange(len(common)).repeat_interleave(count), names)


def _objects(dataset: Dataset) -> list[list[tuple[Photo, np.ndarray]]]:
    """Of each class the largest object of every photo that has one with sides of at least 32 pixels."""
    objects: list[list[tuple[Photo, np.ndarray]]] = [[] for _ in dataset.categories]
    for photo in dataset.photos:
        sides = photo.boxes[:, 2:] - photo.boxes[:, :2]
        large = (sides >= SIDE).all(1) & ~photo.ignored
        for label in np.unique(photo.labels[large]):
            mine = np.flatnonzero(large & (photo.labels == label))
            objects[label - 1].append((photo, photo.boxes[mine[sides[mine].prod(1).argmax()]]))
    return objects


def cut(photo: Photo, box: np.ndarray) -> np.ndarray:
    """The square around a box, moved into the photo and at most its shorter side: 32 x 32 x 3 levels."""
    side = min(max(box[2] - box[0], box[3] - box[1]), photo.width, photo.height)
    left = np.clip((box[0] + box[2] - side) / 2, 0, photo.width - side)
    top = np.clip((box[1] + box[3] - side) / 2, 0, photo.height - side)
    square = tuple(float(edge) for edge in (left, top, left + side, top + side))
    return np.asarray(open_photo(photo.path).resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=square))
