"""Makes test/fixtures/evaluate/generated.json: the figures of pycocotools and of a plain VOC mAP on generated data sets.

    python test/reference/evaluation.py              60 data sets, into the fixture
    python test/reference/evaluation.py --print 200  so many data sets, to standard output

The data sets come from `noise`, as in detection.py; test/evaluate/generated.ts makes the same ones.
"""

import contextlib
import io
import json
import math
import sys
from pathlib import Path

import numpy as np
from detection import noise
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = "AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl".split()


def generate(seed: int) -> tuple[dict, list[dict]]:
    """A small data set with crowds, ties, empty classes, and huge and zero areas."""
    draws = iter(noise(1000 + seed, 20000).tolist())

    def upto(n: int) -> int:
        return math.floor(next(draws) * n)

    sides = (0, 7, 20, 60, 200, 5000)

    def side() -> float:
        return sides[upto(6)] * (0.5 + upto(8) / 8)

    images = [{"id": 100 - 7 * i, "file_name": f"{i}.jpg", "width": 640, "height": 480} for i in range(1 + upto(6))]
    categories = [{"id": 2 + 3 * i, "name": f"class {i}"} for i in range(1 + upto(5))]
    annotations = []
    for i in range(upto(50)):
        box = [upto(80) * 2, upto(60) * 2, side(), side()]
        annotations.append(
            {
                "id": i + 1,
                "image_id": images[upto(len(images))]["id"],
                "category_id": categories[upto(len(categories))]["id"],
                "bbox": box,
                "area": box[2] * box[3] * (0.7 if upto(4) == 0 else 1),
                "iscrowd": int(upto(7) == 0),
                "difficult": int(upto(6) == 0),
            }
        )
    results = []
    for _ in range(upto(400)):
        near = annotations[upto(len(annotations))] if annotations and upto(4) > 0 else None
        box = [b + upto(9) - 4 for b in near["bbox"]] if near else [upto(80) * 2, upto(60) * 2, side(), side()]
        other = upto(5) == 0
        results.append(
            {
                "image_id": near["image_id"] if near and not other else images[upto(len(images))]["id"],
                "category_id": near["category_id"] if near else categories[upto(len(categories))]["id"],
                "bbox": [box[0], box[1], max(box[2], 0), max(box[3], 0)],
                "score": upto(20) / 20,
            }
        )
    return {"images": images, "categories": categories, "annotations": annotations}, results


def coco_figures(instances: dict, results: list[dict]) -> list[float]:
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"info": {}, **instances}
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def iou(a: list[float], b: list[float]) -> float:
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h) if w > 0 and h > 0 else 0.0


def voc_figures(instances: dict, results: list[dict], threshold: float) -> list[float]:
    """[mAP by every point, mAP by eleven points], objects one by one. Difficult objects are ignored; there are no crowds."""
    every, eleven = [], []
    for category in instances["categories"]:
        truth = [a for a in instances["annotations"] if a["category_id"] == category["id"]]
        positives = sum(not a["difficult"] for a in truth)
        if positives == 0:
            continue
        own = [r for r in results if r["category_id"] == category["id"]]
        own = sorted(own, key=lambda r: -r["score"])
        used, hits = set(), []
        for result in own:
            overlaps = [(iou(result["bbox"], a["bbox"]), -i) for i, a in enumerate(truth) if a["image_id"] == result["image_id"]]
            overlap, index = max(overlaps, default=(0.0, 0))
            if overlap < threshold:
                hits.append(False)
            elif not truth[-index]["difficult"]:
                hits.append(-index not in used)
                used.add(-index)
        tp = np.cumsum(hits)
        recall, precision = tp / positives, tp / np.arange(1, len(hits) + 1)
        edges = np.concatenate(([0], recall, [1]))
        envelope = np.maximum.accumulate(np.concatenate((precision, [0]))[::-1])[::-1]
        every.append(float(np.sum(np.diff(edges) * envelope)))
        points = [max((p for r, p in zip(recall, precision) if r >= 0.1 * i), default=0.0) for i in range(11)]
        eleven.append(float(np.mean(points)))
    return [float(np.mean(every)) if every else -1.0, float(np.mean(eleven)) if eleven else -1.0]


def fixture(count: int) -> str:
    cases = []
    for seed in range(count):
        instances, results = generate(seed)
        if not results:  # pycocotools cannot load an empty list
            continue
        plain = {**instances, "annotations": [{**a, "iscrowd": 0} for a in instances["annotations"]]}
        cases.append({"seed": seed, "coco": coco_figures(instances, results), "voc": voc_figures(plain, results, 0.5)})
    lines = ",\n".join(json.dumps(case) for case in cases)
    return f'{{"names": {json.dumps(NAMES)}, "cases": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    np.seterr(over="ignore")
    if sys.argv[1:2] == ["--print"]:
        sys.stdout.write(fixture(int(sys.argv[2])))
    else:
        path = Path(__file__).parents[1] / "fixtures/evaluate/generated.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fixture(60))
