"""From a photo file to the detector's input: the same bytes that the SDK makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps
from torch import Tensor

from .config import InputConfig
from .errors import TrainingError

UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow says to a damaged file
ON_ITS_SIDE = (5, 6, 7, 8)  # EXIF orientations


def open_photo(path: str | Path) -> Image.Image:
    """Upright, as its EXIF orientation has it."""
    try:
        with Image.open(path) as image:
            return eight_bits(ImageOps.exif_transpose(image)).convert("RGB")
    except UNREADABLE as error:
        raise TrainingError(f"Expected a photo at {path} but received: {error}") from error


def eight_bits(image: Image.Image) -> Image.Image:
    """Pillow's own conversion of 16 bits clips: all but the darkest levels would be white."""
    if not image.mode.startswith("I;16"):
        return image
    return Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))


def upright_size(path: str | Path) -> tuple[int, int]:
    """Width and height of what `open_photo` gives, from the file's head alone."""
    with Image.open(path) as image:
        # Not image.getexif: that of PNG decodes the pixels.
        orientation = Image.Image.getexif(image).get(ExifTags.Base.Orientation)
        return image.size[::-1] if orientation in ON_ITS_SIDE else image.size


def resized_size(width: int, height: int, longer_side: int) -> tuple[int, int]:
    scale = longer_side / max(width, height)
    return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))


def resize(image: Image.Image, longer_side: int) -> Image.Image:
    return image.resize(resized_size(*image.size, longer_side), Image.Resampling.BILINEAR)


def round_up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def padded_size(width: int, height: int, config: InputConfig) -> tuple[int, int]:
    """Width and height of the detector's input for a photo of this size."""
    resized = resized_size(width, height, config.longer_side)
    return round_up(resized[0], config.pad_multiple), round_up(resized[1], config.pad_multiple)


def normalise(image: Image.Image, config: InputConfig) -> Tensor:
    """3 x height x width, not padded."""
    pixels = torch.from_numpy(np.asarray(image, dtype=np.float32).copy()).permute(2, 0, 1)
    if config.channel_order == "bgr":
        pixels = pixels.flip(0)
    return (pixels - torch.tensor(config.mean).view(3, 1, 1)) / torch.tensor(config.std).view(3, 1, 1)


def pad_batch(images: list[Tensor], multiple: int) -> Tensor:
    """One tensor with 0 to the right of and below each image; sides are multiples of `multiple`."""
    height, width = (round_up(max(image.shape[side] for image in images), multiple) for side in (1, 2))
    batch = torch.zeros(len(images), 3, height, width)
    for target, image in zip(batch, images):
        target[:, : image.shape[1], : image.shape[2]] = image
    return batch
