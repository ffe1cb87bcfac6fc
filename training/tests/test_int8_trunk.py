"""The shipped VGG-16 in float32 and in int8, and runs above its int8 trunk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vertebra_training.detector import Detector
from vertebra_training.errors import TrainingError
from vertebra_training.image import normalise, open_photo, pad_batch, resize
from vertebra_training.int8_trunk import Int8Trunk
from vertebra_training.sampler import View
from vertebra_training.trainer import Trainer
from vertebra_training.weights import load_detector

ROOT = Path(__file__).resolve().parents[2]
FLOAT, INT8 = ROOT / "models/vgg16-voc", ROOT / "models/vgg16-voc-int8"
STARTED = ("--weights", str(FLOAT), "--int8-trunk", str(INT8), "--steps", "1", "--stages", "top:1")


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector(FLOAT)


@pytest.fixture(scope="module")
def image(detector: Detector) -> torch.Tensor:
    photo = resize(open_photo(ROOT / "examples/photos/cat.jpg"), 256)
    return pad_batch([normalise(photo, detector.config.input)], 32)[0]


def test_maps_of_the_int8_trunk_are_those_of_the_network(detector, image):
    trunk = Int8Trunk(INT8, "vgg16")
    trunk.fit(detector.backbone, [image, image.flip(2)])
    with torch.inference_mode():
        expected = detector.backbone.below(image[None])
    received = trunk.restore(trunk.maps(image), torch.float32)
    assert [m.shape for m in received] == [m.shape for m in expected]
    for one, other in zip(received, expected):
        assert float((one - other).norm() / other.norm()) < 0.1


def test_a_trunk_of_other_weights_is_refused(detector, image):
    with pytest.raises(TrainingError, match="Expected the int8 form of the starting weights"):
        Int8Trunk(INT8, "vgg16").fit(Detector(detector.config).backbone, [image])


def test_a_folder_without_an_int8_form_is_refused(tmp_path):
    for folder in (FLOAT, tmp_path):
        with pytest.raises(TrainingError, match="Expected a folder that `vertebra quantize` made"):
            Int8Trunk(folder, "vgg16")


def test_stages_below_the_trunk_are_refused(options):
    with pytest.raises(TrainingError, match="Expected stages of new, top with an int8 trunk, .* received upper"):
        Trainer(options("upper", *STARTED[:-1], "top:1,upper:1"))


def test_mosaics_are_refused_where_views_are_kept(options):
    with pytest.raises(TrainingError, match="Expected no mosaics with an int8 trunk"):
        Trainer(options("mosaics", *STARTED, "--mosaics", "0.5"))


def test_a_view_is_computed_once_and_again_where_its_file_is_torn(options):
    trainer = Trainer(options("kept", *STARTED, "--kept-views", "2"))
    views = trainer.kept_views()
    first = views[View(0, 64, (0, 0, 0, 0))]
    [path] = views.folder.rglob("*.safetensors")
    written = path.stat().st_mtime_ns
    for _ in range(2):
        again = views[View(0, 64, (0, 0, 0, 0))]
        assert (again.size, again.padded) == (first.size, first.padded)
        assert all(torch.equal(one, other) for one, other in zip(again.maps, first.maps))
        assert torch.equal(again.target["boxes"], first.target["boxes"])
        whole, path_bytes = path.stat().st_mtime_ns == written, path.read_bytes()
        path.write_bytes(path_bytes[:100])
    assert not whole  # the torn file was replaced


def test_a_stage_above_the_int8_trunk_learns(options):
    trainer = Trainer(options("learns", *STARTED, "--processes", "2"))
    before = {name: value.clone() for name, value in trainer.detector.state_dict().items()}
    trainer.train()
    after = trainer.detector.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "backbone.conv5_1.weight" in changed
    assert not any(name.startswith(("backbone.conv3", "backbone.conv4")) for name in changed)


def test_kept_views_are_those_of_their_boxes_and_of_their_number(options):
    trainer = Trainer(options("key", *STARTED))
    views, photo = trainer.kept_views(), trainer.photos[0]
    before = views.path_of(0, 0)
    for other in (replace(photo, boxes=photo.boxes + 1), replace(photo, labels=photo.labels + 1)):
        trainer.photos[0] = other
        assert views.path_of(0, 0) != before
    trainer.photos[0] = photo
    assert trainer.kept_views().path_of(0, 0) == before
    trainer.options.kept_views += 1
    assert trainer.kept_views().folder != views.folder
