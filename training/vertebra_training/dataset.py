"""Detection data in COCO's format: a folder with instances.json and either images/ or images*.tar. Boxes belong to the
upright photo, as its EXIF orientation has it.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .config import Category
from .errors import TrainingError
from .image import UNREADABLE, upright_size

LARGEST_NUMBER = 1e9  # of a box; JSON has numbers that no float holds


@dataclass(frozen=True)
class Photo:
    path: Path
    id: int
    width: int
    height: int
    boxes: np.ndarray  # N x 4, x1 y1 x2 y2, inside the photo
    labels: np.ndarray  # N, 1 = first category
    ignored: np.ndarray  # N, difficult or crowd: not trained on, and neither hit nor miss when scored


@dataclass(frozen=True)
class Dataset:
    categories: tuple[Category, ...]
    photos: list[Photo]
    notes: list[str]  # what was put right while reading


def open_dataset(folder: str | Path, cache: str | Path) -> Dataset:
    """Reads a data set and checks every photo; images in tar files are unpacked below `cache` the first time."""
    folder = Path(folder)
    instances = folder / "instances.json"
    raw = _read(instances)
    images = _image_folder(folder, Path(cache))
    try:
        return _parse(raw, instances, images)
    except (KeyError, TypeError) as error:
        raise TrainingError(f"Expected COCO annotations in {instances} but a field is missing: {error!r}") from error


def _read(instances: Path) -> Any:
    try:
        return json.loads(instances.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TrainingError(f"Expected COCO annotations in {instances} but received: {error}") from error


def _image_folder(folder: Path, cache: Path) -> Path:
    if (folder / "images").is_dir():
        return folder / "images"
    archives = sorted(folder.glob("images*.tar"))
    if not archives:
        raise TrainingError(f"Expected images/ or images*.tar in {folder} but received neither.")
    try:
        return _unpacked(archives, cache / f"{folder.name}-{_key_of(archives)}")
    except (OSError, tarfile.TarError) as error:
        raise TrainingError(
            f"Expected whole tar files in {folder} and room for them in {cache} but received: {error}"
        ) from error


def _key_of(archives: list[Path]) -> str:
    """Another data set of the same name, and one whose files were replaced, are unpacked into another folder."""
    known = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in archives]
    return hashlib.sha256(repr(known).encode()).hexdigest()[:12]


def _unpacked(archives: list[Path], target: Path) -> Path:
    done = target / ".complete"
    if not done.exists():
        target.mkdir(parents=True, exist_ok=True)
        for archive in archives:
            with tarfile.open(archive) as tar:
                tar.extractall(target, filter="data")
        done.touch()
    return target


def _twice(values: Iterable) -> Any:
    """The first value that comes again, or None."""
    seen = set()
    return next((value for value in values if value in seen or seen.add(value)), None)


def _categories(raw: dict, instances: Path) -> tuple[Category, ...]:
    categories = tuple(Category(entry["name"], entry["id"]) for entry in raw["categories"])
    if not categories or _twice(category.id for category in categories) is not None:
        raise TrainingError(f"Expected categories with different ids in {instances} but received {len(categories)}.")
    for category in categories:
        if not isinstance(category.name, str):
            raise TrainingError(f"Expected names of the categories in {instances} but received {category.name!r:.60}.")
    name = _twice(category.name for category in categories)
    if name is not None:  # scores are told by name
        raise TrainingError(f"Expected categories with different names in {instances} but received {name!r} twice.")
    return categories


def _ids(raw: dict, instances: Path) -> list[int]:
    ids = [entry["id"] for entry in raw["images"]]
    for number in ids:
        if not isinstance(number, int):  # every n-th is held out
            raise TrainingError(f"Expected whole numbers as ids of photos in {instances} but received {number!r:.60}.")
    again = _twice(ids)
    if again is not None:
        raise TrainingError(f"Expected photos with different ids in {instances} but received {again} twice.")
    return ids


def _box_of(annotation: dict, instances: Path) -> list[float]:
    """x, y, width and height."""
    box = annotation["bbox"]
    numbers = isinstance(box, list) and all(isinstance(number, int | float) for number in box)
    if not numbers or len(box) != 4 or not all(abs(number) <= LARGEST_NUMBER for number in box):
        raise TrainingError(
            f"Expected four numbers as bbox of annotation {annotation.get('id')} in {instances} but received "
            f"{box!r:.60}."
        )
    return box


def _parse(raw: dict, instances: Path, images: Path) -> Dataset:
    categories = _categories(raw, instances)
    label_of = {category.id: label for label, category in enumerate(categories, start=1)}

    by_image: dict[int, list[dict]] = {number: [] for number in _ids(raw, instances)}
    for annotation in raw["annotations"]:
        if annotation["category_id"] not in label_of:
            raise TrainingError(
                f"Expected one of the {len(categories)} category ids of {instances} for annotation "
                f"{annotation.get('id')} but received {annotation['category_id']!r}."
            )
        if annotation["image_id"] not in by_image:
            raise TrainingError(
                f"Expected the id of a photo of {instances} for annotation {annotation.get('id')} but received "
                f"image_id {annotation['image_id']!r}."
            )
        by_image[annotation["image_id"]].append(annotation)

    photos, problems, clipped, dropped = [], [], 0, 0
    for entry in raw["images"]:
        path = images / entry["file_name"]
        problem = _problem_of(path, entry)
        if problem:
            problems.append(f"{entry['file_name']} {problem}")
            continue
        annotations = by_image[entry["id"]]
        xywh = np.array([_box_of(a, instances) for a in annotations], dtype=np.float32).reshape(-1, 4)
        whole = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        boxes = np.clip(whole, 0, [entry["width"], entry["height"]] * 2).astype(np.float32)
        keep = ((boxes[:, 2:] - boxes[:, :2]) >= 1).all(axis=1)
        clipped += int((np.abs(boxes - whole).max(axis=1, initial=0) > 1)[keep].sum())
        dropped += int((~keep).sum())
        labels = np.array([label_of[a["category_id"]] for a in annotations], dtype=np.int64)
        ignored = np.array([bool(a.get("iscrowd") or a.get("difficult")) for a in annotations], dtype=bool)
        photos.append(
            Photo(path, entry["id"], entry["width"], entry["height"], boxes[keep], labels[keep], ignored[keep])
        )
    if problems:
        shown = "; ".join(problems[:5]) + ("; …" if len(problems) > 5 else "")
        raise TrainingError(f"Expected {len(raw['images'])} photos in {images} but {len(problems)} do not fit: {shown}")
    if not photos:
        raise TrainingError(f"Expected photos in {instances} but received none.")
    notes = []
    if clipped:
        notes.append(f"{instances}: {clipped} boxes reached outside their photo and were clipped")
    if dropped:
        notes.append(f"{instances}: {dropped} boxes had less than one pixel inside their photo and were left out")
    return Dataset(categories, photos, notes)


def _problem_of(path: Path, entry: dict) -> str | None:
    try:
        if not path.is_file():
            return "is missing"
        if path.stat().st_size == 0:
            return "is empty"
        size = upright_size(path)
    except UNREADABLE as error:
        return f"cannot be read ({error})"
    if size != (entry["width"], entry["height"]):
        return f"is {size[0]}x{size[1]} but annotated as {entry['width']}x{entry['height']}"
    return None


def split(photos: list[Photo], every: int) -> tuple[list[Photo], list[Photo]]:
    """Training and held-out photos: every `every`-th by id is held out, whatever else the data set holds."""
    held_out = [photo for photo in photos if photo.id % every == 0]
    return [photo for photo in photos if photo.id % every], held_out
