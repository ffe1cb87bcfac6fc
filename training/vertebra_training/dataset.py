"""Detection data in COCO's format: a folder with instances.json and either images/ or images*.tar."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .config import Category
from .errors import TrainingError


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
    try:
        raw = json.loads(instances.read_text())
        return _parse(raw, instances, _image_folder(folder, Path(cache)))
    except (OSError, json.JSONDecodeError) as error:
        raise TrainingError(f"Expected COCO annotations in {instances} but received: {error}") from error
    except (KeyError, TypeError) as error:
        raise TrainingError(f"Expected COCO annotations in {instances} but a field is missing: {error!r}") from error


def _image_folder(folder: Path, cache: Path) -> Path:
    if (folder / "images").is_dir():
        return folder / "images"
    archives = sorted(folder.glob("images*.tar"))
    if not archives:
        raise TrainingError(f"Expected images/ or images*.tar in {folder} but received neither.")
    target = cache / folder.name
    done = target / ".complete"
    if not done.exists():
        target.mkdir(parents=True, exist_ok=True)
        for archive in archives:
            try:
                with tarfile.open(archive) as tar:
                    tar.extractall(target, filter="data")
            except tarfile.TarError as error:
                raise TrainingError(f"Expected a whole tar file for {archive} but received: {error}") from error
        done.touch()
    return target


def _parse(raw: dict, instances: Path, images: Path) -> Dataset:
    categories = tuple(Category(entry["name"], entry["id"]) for entry in raw["categories"])
    label_of = {category.id: label for label, category in enumerate(categories, start=1)}
    if not categories or len(label_of) != len(categories):
        raise TrainingError(f"Expected categories with different ids in {instances} but received {len(categories)}.")

    by_image: dict[int, list[dict]] = {entry["id"]: [] for entry in raw["images"]}
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
        xywh = np.array([a["bbox"] for a in annotations], dtype=np.float32).reshape(-1, 4)
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
    if not path.is_file():
        return "is missing"
    if path.stat().st_size == 0:
        return "is empty"
    try:
        with Image.open(path) as image:
            size = image.size
    except (OSError, SyntaxError) as error:
        return f"cannot be read ({error})"
    if size != (entry["width"], entry["height"]):
        return f"is {size[0]}x{size[1]} but annotated as {entry['width']}x{entry['height']}"
    return None


def split(photos: list[Photo], every: int) -> tuple[list[Photo], list[Photo]]:
    """Training and held-out photos: every `every`-th by id is held out, whatever else the data set holds."""
    held_out = [photo for photo in photos if photo.id % every == 0]
    return [photo for photo in photos if photo.id % every], held_out
