"""Crops of objects, the networks for them, and a run that goes on where it ended."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import read_instances, write_instances
from PIL import ExifTags, Image
from torch import nn

from vertebra_training import degradation, degradation_plot
from vertebra_training.cifar import Pair, cifar_network
from vertebra_training.crops import Crops, cut, cut_crops
from vertebra_training.dataset import Photo, open_dataset
from vertebra_training.errors import TrainingError


@pytest.fixture
def large(dataset):
    """The photos with boxes of at least 32 pixels."""
    content = read_instances(dataset)
    for annotation in content["annotations"]:
        annotation["bbox"][2:] = [36, 34]
    write_instances(dataset, content)
    return dataset


def test_crops_are_of_the_frequent_classes_in_equal_numbers(large, tmp_path):
    crops = cut_crops(open_dataset(large, tmp_path), 2, 2, seed=0)
    assert crops.names == ["box", "disc"]
    assert crops.labels.tolist() == [0, 0, 1, 1]
    assert crops.images.shape == (4, 3, 32, 32)
    assert crops.images.mean((0, 2, 3)).abs().max() < 1e-5
    # The object fills most of its crop and is red; what is around it is green.
    assert (crops.images[:, 0, 16, 16] > crops.images[:, 1, 16, 16]).all()


def test_too_few_crops_and_too_small_objects_are_refused(large, dataset, tmp_path):
    with pytest.raises(TrainingError, match="Expected 3 photos with a large disc but received 2"):
        cut_crops(open_dataset(large, tmp_path), 2, 3, seed=0)
    content = read_instances(dataset)
    for annotation in content["annotations"]:
        annotation["bbox"][2] = 31
    write_instances(dataset, content)
    with pytest.raises(TrainingError, match="large box but received 0"):
        cut_crops(open_dataset(dataset, tmp_path), 1, 1, seed=0)


@pytest.mark.parametrize(("depth", "parameters"), [(20, 0.27e6), (56, 0.85e6), (110, 1.7e6)])
def test_depth_and_parameters_are_those_of_the_paper(depth, parameters):
    plain, residual = (cifar_network(depth, 10, shortcuts) for shortcuts in (False, True))
    layers = [part for part in plain.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth
    counts = {sum(value.numel() for value in net.parameters()) for net in (plain, residual)}
    assert len(counts) == 1
    assert counts.pop() == pytest.approx(parameters, rel=0.02)


def test_shortcuts_are_the_identity_or_every_second_pixel_and_zeros():
    x = torch.rand(2, 16, 8, 8)
    for outputs, stride in ((16, 1), (32, 2)):
        pair = Pair(16, outputs, stride, residual=True).eval()
        nn.init.zeros_(pair.bn2.weight)
        y = pair(x)
        assert torch.equal(y[:, :16], x[:, :, ::stride, ::stride])
        assert not y[:, 16:].any()
        assert not Pair(16, outputs, stride, residual=False).eval()(x).equal(y)


def test_a_run_goes_on_after_its_last_epoch(large, tmp_path, monkeypatch):
    monkeypatch.setattr(degradation, "NETWORKS", {"plain-20": (8, False), "ResNet-20": (8, True)})

    def train(name, *, until=None):
        output = tmp_path / f"{name}.json"
        arguments = ["--data", str(large), "--output", str(output), "--cache", str(tmp_path / "cache")]
        arguments += ["--classes", "2", "--crops", "2", "--batch", "2", "--epochs", "3", "--precision", "fp32"]
        monkeypatch.setattr(sys, "argv", ["degradation", *arguments])
        if until is not None:
            monkeypatch.setattr("builtins.print", stop_after(until))
        try:
            degradation.main()
        except KeyboardInterrupt:
            pass
        monkeypatch.undo()
        monkeypatch.setattr(degradation, "NETWORKS", {"plain-20": (8, False), "ResNet-20": (8, True)})
        return json.loads(output.read_text())

    whole = train("whole")
    assert [len(curve) for curve in whole["curves"].values()] == [3, 3]
    assert train("broken", until=2) != whole
    assert train("broken", until=2) != whole
    assert train("broken") == whole

    monkeypatch.setattr(sys, "argv", ["plot", str(tmp_path / "whole.json"), str(tmp_path / "curves.svg")])
    degradation_plot.main()
    assert "plain-20" in (tmp_path / "curves.svg").read_text()


def stop_after(epochs):
    """In place of print, which follows every epoch: the file does not have the last one yet."""
    left = [epochs]

    def stop(*_, **__):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    return stop


def test_a_kill_while_an_epoch_is_kept_costs_that_epoch_only(tmp_path, monkeypatch):
    crops = Crops(torch.randn(4, 3, 32, 32), torch.tensor([0, 0, 1, 1]), ["box", "disc"])
    recipe = {"seed": 0, "rate": 0.01, "epochs": 3, "batch": 4, "precision": "fp32"}

    def train():
        return degradation.train(8, True, crops, recipe, tmp_path / "state.pt")

    def killed(state, file):
        Path(file if isinstance(file, Path) else file.name).write_bytes(b"half")
        raise KeyboardInterrupt

    epochs = train()
    assert [next(epochs)[0], next(epochs)[0]] == [0, 1]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(torch, "save", killed)
        next(epochs)
    assert next(train())[0] == 1


def test_crops_are_cut_from_the_upright_photo(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # its left side is above
    pixels = np.zeros((40, 80, 3), dtype=np.uint8)
    pixels[:, :40] = 255
    Image.fromarray(pixels).save(tmp_path / "photo.png", exif=exif)
    none = np.zeros((0, 4), dtype=np.float32)
    photo = Photo(tmp_path / "photo.png", 1, 40, 80, none, none[:, 0], none[:, 0])
    above, below = (cut(photo, np.array([0, top, 40, top + 40])).mean() for top in (0, 40))
    assert above > 250 and below < 5
