"""Parts of four photos as one (mosaic, arXiv:2004.10934): four times the objects, smaller ones, at the price of one."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .augment import SMALLEST, Example, flip, inside, recolour
from .image import resized_size

CENTRE = (0.35, 0.65)  # of the canvas, where the four meet
ZOOM = (0.7, 1.0)  # share of the largest part with the shape of its place


def mosaic(photos: list[Example], longer_side: int, rng: np.random.Generator) -> Example:
    """`photos` are four; the canvas has the shape of the first."""
    first = photos[0][0]
    width, height = resized_size(first.width, first.height, longer_side)
    x, y = (int(side * rng.uniform(*CENTRE)) for side in (width, height))
    places = [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
    canvas = Image.new("RGB", (width, height))
    boxes, labels = [], []
    for photo, place in zip(photos, places):
        image, found, names = part(photo, (place[2] - place[0], place[3] - place[1]), rng)
        canvas.paste(image, place[:2])
        boxes.append(found + np.array(place[:2] * 2))
        labels.append(names)
    return canvas, np.concatenate(boxes).astype(np.float32), np.concatenate(labels)


def part(photo: Example, size: tuple[int, int], rng: np.random.Generator) -> Example:
    """A random part of the photo, of the shape of its place and scaled to it."""
    image, boxes, labels = photo
    image, boxes = flip(image, boxes, rng)
    zoom = min(image.width / size[0], image.height / size[1]) * rng.uniform(*ZOOM)
    width, height = (max(1, int(side * zoom)) for side in size)
    x, y = (int(rng.integers(0, whole - own + 1)) for whole, own in zip(image.size, (width, height)))
    boxes, labels = inside(boxes, labels, (x, y, width, height))
    scale = np.array([size[0] / width, size[1] / height] * 2)
    boxes = boxes * scale
    large = ((boxes[:, 2:] - boxes[:, :2]) >= SMALLEST).all(axis=1)
    image = image.resize(size, Image.Resampling.BILINEAR, box=(x, y, x + width, y + height))
    return recolour(image, rng), boxes[large], labels[large]
