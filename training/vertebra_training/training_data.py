"""The photos of a run, out of one or several data sets: what it learns from, and what it is scored on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .config import Category
from .dataset import Photo, open_dataset, split
from .errors import TrainingError
from .image import open_photo


@dataclass(frozen=True)
class TrainingData:
    photos: list[Photo]
    held_out: list[Photo]
    categories: tuple[Category, ...]


def read_training_data(folders: list[Path], cache: Path, hold_out: int, note: Callable[[str], None]) -> TrainingData:
    """Every `hold_out`-th photo of the first set is held out. `note` hears what was put right or left out."""
    sets = [open_dataset(folder, cache) for folder in folders]
    for folder, dataset in zip(folders, sets):
        for text in dataset.notes:
            note(text)
        if dataset.categories != sets[0].categories:
            raise TrainingError(f"Expected the categories of {folders[0]} in {folder} but received others.")
    training, held_out = split(sets[0].photos, hold_out)
    held_out = _readable(held_out, note)
    training += [photo for other in sets[1:] for photo in other.photos]
    if not training or not held_out:
        raise TrainingError(
            f"Expected photos to train on and to hold out but received {len(training)} and {len(held_out)}."
        )
    return TrainingData(training, held_out, sets[0].categories)


def _readable(photos: list[Photo], note: Callable[[str], None]) -> list[Photo]:
    """One torn held-out photo must not end a run of hours at its first score."""
    readable = []
    for photo in photos:
        try:
            open_photo(photo.path)
        except TrainingError as error:
            note(f"{error} It is not scored.")
        else:
            readable.append(photo)
    return readable
