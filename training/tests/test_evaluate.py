from pathlib import Path

import numpy as np
import pytest

from vertebra_training.dataset import Photo
from vertebra_training.evaluate import coco_average_precision, voc_average_precision


def photo(boxes, ignored=None):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    ignored = np.array(ignored or [False] * len(boxes), dtype=bool)
    return Photo(Path("x"), 1, 100, 100, boxes, np.ones(len(boxes), dtype=np.int64), ignored)


def result(score, box, index=0):
    return {"photo": index, "label": 1, "score": score, "box": np.array(box, dtype=float)}


def test_every_point_average_precision():
    photos = [photo([[0, 0, 10, 10], [50, 50, 60, 60]])]
    results = [result(0.9, [0, 0, 10, 10]), result(0.8, [20, 20, 30, 30]), result(0.7, [50, 50, 60, 60])]
    assert voc_average_precision(photos, results, 1) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_a_second_box_on_one_object_is_a_miss_and_an_ignored_object_is_nothing():
    twice = [result(0.9, [0, 0, 10, 10]), result(0.8, [0, 0, 10, 10]), result(0.7, [50, 50, 60, 60])]
    photos = [photo([[0, 0, 10, 10], [50, 50, 60, 60]])]
    assert voc_average_precision(photos, twice, 1) == pytest.approx(0.5 + 0.5 * 2 / 3)
    photos = [photo([[0, 0, 10, 10], [50, 50, 60, 60]], [True, False])]
    assert voc_average_precision(photos, twice, 1) == pytest.approx(1)


def test_class_without_objects_and_without_results():
    assert voc_average_precision([photo([])], [], 1) is None
    assert voc_average_precision([photo([[0, 0, 10, 10]])], [], 1) == 0
    assert coco_average_precision([photo([[0, 0, 10, 10]])], [], 2) == (0.0, 0.0)


def test_coco_average_precision_of_perfect_boxes():
    photos = [photo([[0, 0, 10, 10]]), photo([[20, 20, 50, 60]])]
    results = [result(0.9, [0, 0, 10, 10]), result(0.8, [20, 20, 50, 60], index=1)]
    assert coco_average_precision(photos, results, 2) == pytest.approx((1.0, 1.0))
