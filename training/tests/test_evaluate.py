from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import read_instances, write_instances

from vertebra_training.config import Category, DetectorConfig
from vertebra_training.dataset import Photo
from vertebra_training.errors import TrainingError
from vertebra_training.evaluate import (
    coco_average_precision,
    in_order,
    part,
    score,
    scored_photos,
    voc_average_precision,
)


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


def test_the_mean_over_objects_weighs_a_class_by_its_objects(monkeypatch):
    photos = [photo([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]], [False, False, False, True])]
    photos[0].labels[2:] = 2
    monkeypatch.setattr("vertebra_training.evaluate.detect_all", lambda *_: [result(0.9, [0, 0, 10, 10])])
    detector = SimpleNamespace(config=DetectorConfig(categories=(Category("box", 1), Category("disc", 2))))
    scored = score(detector, photos)
    assert (scored["voc_map"], scored["voc_ap_of_objects"]) == (0.25, round(0.5 * 2 / 3, 4))
    assert score(detector, [photo([])])["voc_ap_of_objects"] == 0


def test_a_part_of_the_photos_is_what_was_held_out_or_as_much_of_what_was_learnt():
    photos = [SimpleNamespace(id=number) for number in range(1, 13)]
    assert part(photos, None, False) == photos
    assert [photo.id for photo in part(photos, 4, False)] == [4, 8, 12]
    assert [photo.id for photo in part(photos, 4, True)] == [1, 5, 9]
    for hold_out, learnt in [(None, True), (1, True), (20, False)]:
        with pytest.raises(TrainingError, match="Expected"):
            part(photos, hold_out, learnt)


def test_batches_are_loaded_as_they_are_needed():
    loaded = []

    def batches():
        for number in range(50):
            loaded.append(number)
            yield number

    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, lambda number: number * 2, batches(), 4)
        assert next(results) == 0
        assert len(loaded) == 4
        assert list(results) == list(range(2, 100, 2))


def test_a_data_set_of_other_categories_is_refused(dataset, tmp_path):
    detector = SimpleNamespace(config=DetectorConfig(categories=(Category("box", 1), Category("disc", 2))))
    assert len(scored_photos(detector, dataset, tmp_path)) == 8
    content = read_instances(dataset)
    content["categories"].reverse()
    write_instances(dataset, content)
    with pytest.raises(TrainingError, match="Expected the categories of the detector .* received disc in place of box"):
        scored_photos(detector, dataset, tmp_path)
    write_instances(dataset, {**content, "categories": [*reversed(content["categories"]), {"id": 9, "name": "cup"}]})
    with pytest.raises(TrainingError, match="but received 3 in place of 2"):
        scored_photos(detector, dataset, tmp_path)
