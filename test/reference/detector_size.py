"""How large the detectors and the photo of a comparison are: small ones are stored, full ones are made when they are compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image
from torch import Tensor

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures" / "dialects"
PHOTOS = ROOT.parent / "examples" / "photos"
SAMPLES = 128
UNITS = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}
# What a full reference must find: with fewer, or with scores all alike, a comparison would prove little.
LEAST_DETECTIONS, LEAST_SPREAD = 10, 0.02

T = TypeVar("T")


@dataclass(frozen=True)
class Size:
    folder: Path
    rgb: np.ndarray
    # Sides that the photo is brought to.
    shorter: int
    longer: int
    is_full: bool

    def of(self, small: T, full: T) -> T:
        return full if self.is_full else small

    def units(self, depth: int) -> list[int]:
        return self.of([1, 2, 1, 1], UNITS[depth])

    @property
    def branch(self) -> float:
        """What the last layer of a residual branch is multiplied by: many branches must not add up to large numbers."""
        return self.of(1.0, 0.5)

    def stored(self, value: Tensor) -> Tensor:
        """As the file has it: small ones in float16."""
        return value if self.is_full or not value.is_floating_point() else value.half()

    def write(self, name: str, expected: dict) -> None:
        scores = expected["scores"]
        found = f"{len(expected['proposals'])} proposals, {len(scores)} detections, scores {scores[:1]} to {scores[-1:]}"
        print(f"{name}: {found}", file=sys.stderr)
        if self.is_full and (len(scores) < LEAST_DETECTIONS or scores[0] - scores[-1] < LEAST_SPREAD):
            raise SystemExit(f"Expected {LEAST_DETECTIONS} detections with different scores for {name} but received {found}.")
        (self.folder / f"{name}.json").write_text(json.dumps(expected))


def small_size() -> Size:
    image = Image.open(PHOTOS / "astronaut.jpg").convert("RGB").resize((121, 90), Image.Resampling.LANCZOS)
    return Size(FIXTURES, np.asarray(image), 160, 240, is_full=False)


def full_size(folder: Path, shorter: int, longer: int) -> Size:
    return Size(folder, np.asarray(Image.open(PHOTOS / "cat.jpg").convert("RGB")), shorter, longer, is_full=True)


def write_photo(folder: Path, rgb: np.ndarray) -> None:
    (folder / "photo.bin").write_bytes(rgb.tobytes())
    (folder / "photo.json").write_text(json.dumps({"width": rgb.shape[1], "height": rgb.shape[0]}))


def sample(value: Tensor) -> dict:
    """Shape, largest absolute value, and values at flat index i * size // SAMPLES."""
    flat = value.flatten()
    at = [i * len(flat) // SAMPLES for i in range(SAMPLES)]
    return {"shape": list(value.shape), "largest": flat.abs().max().item(), "values": rounded(flat[at].tolist(), 7)}


def rounded(values: Iterable[float], digits: int) -> list[float]:
    return [float(f"{value:.{digits}f}") for value in values]
