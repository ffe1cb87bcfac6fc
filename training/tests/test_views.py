"""Sampler and augmentation."""

import itertools

import numpy as np
from PIL import Image

from vertebra_training.augment import augment
from vertebra_training.dataset import open_dataset
from vertebra_training.sampler import Batches, repeat_factors


def test_batches_go_on_where_they_stopped(dataset, tmp_path):
    photos = open_dataset(dataset, tmp_path).photos
    ones = np.ones(len(photos))
    first = list(itertools.islice(Batches(photos, ones, 2, (64, 96), seed=1), 10))
    later = list(itertools.islice(Batches(photos, ones, 2, (64, 96), seed=1, start=6), 4))
    assert first[6:] == later
    assert len({view.seed for batch in first for view in batch}) == 20


def test_batches_have_one_orientation_and_an_epoch_has_every_photo(dataset, tmp_path):
    photos = open_dataset(dataset, tmp_path).photos
    epoch = Batches(photos, np.ones(8), 2, (64,), seed=0).epoch(0)
    for batch in epoch:
        assert len({photos[view.photo].width > photos[view.photo].height for view in batch}) == 1
    assert {view.photo for batch in epoch for view in batch} == set(range(8))


def test_rare_classes_come_more_often(dataset, tmp_path):
    photos = open_dataset(dataset, tmp_path).photos
    factors = repeat_factors(photos, classes=3, threshold=0.5)
    assert factors[2] == np.sqrt(0.5 / (2 / 8))  # photos 3 and 6 have the disc
    assert factors[0] == 1


def test_boxes_follow_their_objects():
    pixels = np.zeros((120, 160, 3), dtype=np.uint8)
    pixels[40:80, 30:90] = 255
    box = np.array([[30, 40, 90, 80]], dtype=np.float32)
    for seed in range(40):
        image, boxes, labels = augment(Image.fromarray(pixels), box, np.array([1]), 160, np.random.default_rng(seed))
        assert max(image.size) == 160
        assert labels.tolist() == [1]
        bright = np.asarray(image.convert("L")) > np.asarray(image.convert("L")).max() / 2
        rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
        seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(boxes[0], seen, atol=1.5)
