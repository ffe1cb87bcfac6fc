"""Random views of a photo: crop, flip, colour, size. Every view is a function of its random generator alone."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance

from .image import resize

CROP_TRIES = 10
ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)


def augment(
    image: Image.Image, boxes: np.ndarray, labels: np.ndarray, longer_side: int, rng: np.random.Generator
) -> tuple[Image.Image, np.ndarray, np.ndarray]:
    if rng.random() < 0.5:
        image, boxes, labels = crop(image, boxes, labels, rng)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        boxes = np.stack([image.width - boxes[:, 2], boxes[:, 1], image.width - boxes[:, 0], boxes[:, 3]], axis=1)
    if rng.random() < 0.7:
        image = recolour(image, rng)
    resized = resize(image, longer_side)
    scale = np.array([resized.width / image.width, resized.height / image.height] * 2, dtype=np.float32)
    return resized, (boxes * scale).astype(np.float32), labels


def crop(image, boxes, labels, rng):
    """A part of the photo with 50 to 100 % of each side; objects whose centre is outside are left out."""
    if len(boxes) == 0:
        return image, boxes, labels
    for _ in range(CROP_TRIES):
        width, height = (int(side * rng.uniform(0.5, 1)) for side in image.size)
        x, y = (int(rng.integers(0, whole - part + 1)) for whole, part in zip(image.size, (width, height)))
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = ((centre >= [x, y]) & (centre < [x + width, y + height])).all(axis=1)
        if not inside.any():
            continue
        moved = np.clip(boxes[inside] - [x, y, x, y], 0, [width, height] * 2)
        if ((moved[:, 2:] - moved[:, :2]) >= 4).all():
            return image.crop((x, y, x + width, y + height)), moved, labels[inside]
    return image, boxes, labels


def recolour(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    for index in rng.permutation(len(ENHANCERS)):
        image = ENHANCERS[index](image).enhance(rng.uniform(0.6, 1.4))
    return image.convert("L").convert("RGB") if rng.random() < 0.05 else image
