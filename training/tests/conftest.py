"""A data set of eight small drawn photos with two kinds of objects."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vertebra_training.options import parse_options


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "shapes"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(1, 9):
        width, height = (96, 64) if number % 2 else (64, 96)
        image = Image.new("RGB", (width, height), (90, 120, 90))
        x, y = (int(value) for value in rng.integers(4, 24, 2))
        box = (x, y, x + 30, y + 34)
        category = 7 if number % 3 else 3
        draw = ImageDraw.Draw(image)
        (draw.rectangle if category == 7 else draw.ellipse)(box, fill=(220, 40, 40))
        image.save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": width, "height": height})
        annotations.append(
            {"id": number, "image_id": number, "category_id": category, "bbox": [x, y, 30, 34], "iscrowd": 0}
        )
    categories = [{"id": 7, "name": "box"}, {"id": 3, "name": "disc"}]
    write_instances(folder, {"images": images, "annotations": annotations, "categories": categories})
    return folder


def write_instances(folder: Path, content: dict) -> None:
    (folder / "instances.json").write_text(json.dumps(content))


def read_instances(folder: Path) -> dict:
    return json.loads((folder / "instances.json").read_text())


@pytest.fixture
def options(dataset: Path, tmp_path: Path):
    """Options of a run of a few small steps; VGG-16 is the smaller of the two detectors."""

    def make(run: str, *more: str):
        return parse_options(
            "",
            ["--run", str(tmp_path / run), "--data", str(dataset), "--cache", str(tmp_path / "cache"), "--batch", "2"]
            + ["--backbone", "vgg16", "--sides", "64", "96", "--longer-side", "96", "--hold-out", "4", "--warmup", "0"]
            + ["--device", "cpu", "--precision", "fp32", "--workers", "0", "--checkpoint-minutes", "1000", *more],
        )

    return make
