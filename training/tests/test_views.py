"""Sampler and augmentation."""

import itertools

import numpy as np
from PIL import Image

from vertebra_training.augment import augment
from vertebra_training.dataset import open_dataset
from vertebra_training.mosaic import mosaic
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


def test_a_share_of_the_views_are_mosaics(dataset, tmp_path):
    photos = open_dataset(dataset, tmp_path).photos
    for share, expected in ((0, {0}), (0.5, {0, 3}), (1, {3})):
        plan = itertools.islice(Batches(photos, np.ones(8), 2, (64,), seed=0, mosaics=share), 12)
        assert {len(view.others) for batch in plan for view in batch} == expected


def test_boxes_of_a_mosaic_follow_their_objects():
    """Four white photos, each with an object of its own colour."""
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (0, 0, 0)]
    sizes = [(160, 120), (90, 160), (200, 200), (160, 120)]
    photos = []
    for colour, (width, height) in zip(colours, sizes):
        pixels = np.full((height, width, 3), 255, dtype=np.uint8)
        pixels[40:80, 30:70] = colour
        photos.append((Image.fromarray(pixels), np.array([[30, 40, 70, 80]], np.float32), np.array([len(photos)])))
    seen = set()
    for seed in range(60):
        image, boxes, labels = mosaic(photos, 160, np.random.default_rng(seed))
        assert image.size == (160, 120)
        seen |= set(labels.tolist())
        for (x1, y1, x2, y2), label in zip(boxes.round().astype(int), labels):
            assert 0 <= x1 < x2 <= 160 and 0 <= y1 < y2 <= 120
            inner = np.asarray(image.crop((x1 + 1, y1 + 1, x2 - 1, y2 - 1)), dtype=float).reshape(-1, 3)
            around = np.asarray(image, dtype=float)
            grey = np.ptp(inner.mean(axis=0)) < 30
            assert grey or int(inner.mean(axis=0).argmax()) == label  # 5 % of the parts are grey
            assert inner.mean() < around.mean()
    assert seen == {0, 1, 2, 3}
