"""Random views of a photo: crop, flip, colour, size. Every view is a function of its random generator alone."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance

from .image import resize

# A photo with its boxes (N x 4, pixels) and their labels (N).
Example = tuple[Image.Image, np.ndarray, np.ndarray]

CROP_TRIES = 10
SMALLEST = 4  # pixels of a side, for a box that is learnt
SEEN = 0.3  # share of an object's box that a crop has to leave of it
ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)


def augment(
    image: Image.Image, boxes: np.ndarray, labels: np.ndarray, longer_side: int, rng: np.random.Generator
) -> Example:
    if rng.random() < 0.5:
        image, boxes, labels = crop(image, boxes, labels, rng)
    image, boxes = flip(image, boxes, rng)
    image = recolour(image, rng)
    resized = resize(image, longer_side)
    scale = np.array([resized.width / image.width, resized.height / image.height] * 2, dtype=np.float32)
    return resized, (boxes * scale).astype(np.float32), labels


def flip(image: Image.Image, boxes: np.ndarray, rng: np.random.Generator) -> tuple[Image.Image, np.ndarray]:
    if rng.random() >= 0.5:
        return image, boxes
    mirrored = np.stack([image.width - boxes[:, 2], boxes[:, 1], image.width - boxes[:, 0], boxes[:, 3]], axis=1)
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), mirrored


def crop(image, boxes, labels, rng) -> Example:
    """A part of the photo with 50 to 100 % of each side and at least one object."""
    if len(boxes) == 0:
        return image, boxes, labels
    for _ in range(CROP_TRIES):
        width, height = (int(side * rng.uniform(0.5, 1)) for side in image.size)
        x, y = (int(rng.integers(0, whole - part + 1)) for whole, part in zip(image.size, (width, height)))
        moved, kept = inside(boxes, labels, (x, y, width, height))
        if len(kept) > 0 and ((moved[:, 2:] - moved[:, :2]) >= SMALLEST).all():
            return image.crop((x, y, x + width, y + height)), moved, kept
    return image, boxes, labels


def inside(boxes: np.ndarray, labels: np.ndarray, part: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """What of the objects lies in a part (x, y, width, height) of their photo: those of which enough is seen."""
    x, y, width, height = part
    moved = np.clip(boxes - [x, y, x, y], 0, [width, height] * 2)
    seen, whole = ((corners[:, 2:] - corners[:, :2]).prod(axis=1) for corners in (moved, boxes))
    kept = seen >= SEEN * whole
    return moved[kept], labels[kept]


def recolour(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    if rng.random() >= 0.7:
        return image
    for index in rng.permutation(len(ENHANCERS)):
        image = ENHANCERS[index](image).enhance(rng.uniform(0.6, 1.4))
    return image.convert("L").convert("RGB") if rng.random() < 0.05 else image
