"""Scores a detector on photos: COCO AP, and VOC's AP at IoU 0.5 (every-point; difficult boxes neither hit nor miss).

    python -m vertebra_training.evaluate --weights detector.safetensors --data DATASET [--hold-out 20]

Prints JSON; by_class is VOC's AP, voc_map its mean over the classes and voc_ap_of_objects over the objects: on few
photos the one is decided by classes of two or three objects, and the other is not.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from .config import difference
from .dataset import Photo, open_dataset, split
from .detector import Detector
from .errors import TrainingError
from .loader import Batch, whole_photos
from .main import run
from .options import device_name, positive_int
from .precision import PRECISIONS, default_precision
from .weights import load_detector

SCORE_THRESHOLD = 0.01  # of scoring only: weak detections belong on the precision-recall curve


def detect_all(
    detector: Detector, photos: list[Photo], batch: int = 4, workers: int = 0, threads: int = 1, bf16: bool = True
):
    """COCO-format results with labels for category ids and x1, y1, x2, y2 boxes in photo pixels.

    Several threads take a batch and a core each.
    """
    device = next(detector.parameters()).device
    detector.eval()
    usual, detector.roi.score_thresh = detector.roi.score_thresh, SCORE_THRESHOLD

    @torch.inference_mode()
    def detect(loaded: Batch) -> list[dict]:
        loaded = loaded.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16, cache_enabled=threads == 1):
            detections, _ = detector(loaded.images, loaded.sizes)
        results = []
        for index, (height, width), found in zip(loaded.photos, loaded.sizes, detections):
            photo = photos[index]
            boxes = found["boxes"].cpu().numpy() * np.array([photo.width / width, photo.height / height] * 2)
            for box, label, score in zip(boxes, found["labels"].tolist(), found["scores"].tolist()):
                results.append({"photo": index, "label": label, "score": score, "box": box})
        return results

    batches = whole_photos(photos, detector.config.input, batch, workers)
    if threads == 1:
        results = [result for loaded in batches for result in detect(loaded)]
    else:
        with ThreadPoolExecutor(threads, "score", torch.set_num_threads, (1,)) as pool:
            results = [result for found in in_order(pool, detect, batches, 2 * threads) for result in found]
    detector.roi.score_thresh = usual
    return results


def in_order(pool: ThreadPoolExecutor, function: Callable, items: Iterable, ahead: int) -> Iterator:
    """What `pool.map` gives, with at most `ahead` items taken before their turn: it would load all photos at once."""
    waiting = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) == ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def voc_average_precision(photos: list[Photo], results, label: int) -> float | None:
    """Area under the precision-recall curve made monotone; None where no photo has the class."""
    mine = sorted((r for r in results if r["label"] == label), key=lambda r: -r["score"])
    wanted = {i: np.flatnonzero(p.labels == label) for i, p in enumerate(photos)}
    total = sum(int((~photos[i].ignored[index]).sum()) for i, index in wanted.items())
    if total == 0:
        return None
    taken: set[tuple[int, int]] = set()
    hits = []
    for result in mine:
        photo, index = photos[result["photo"]], wanted[result["photo"]]
        if len(index) == 0:
            hits.append(False)
            continue
        truth, box = photo.boxes[index], result["box"]
        overlap = (np.minimum(truth[:, 2:], box[2:]) - np.maximum(truth[:, :2], box[:2])).clip(min=0).prod(axis=1)
        areas = (truth[:, 2:] - truth[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
        iou = overlap / (areas - overlap)
        best = int(iou.argmax())
        if iou[best] >= 0.5 and photo.ignored[index[best]]:
            continue
        key = (result["photo"], int(index[best]))
        hit = iou[best] >= 0.5 and key not in taken
        if hit:
            taken.add(key)
        hits.append(hit)
    true = np.cumsum(hits) if hits else np.zeros(0)
    precision = true / np.arange(1, len(true) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    recall = np.concatenate([[0], true / total])
    return float((np.diff(recall) * precision).sum())


def coco_average_precision(photos: list[Photo], results, classes: int) -> tuple[float, float]:
    """AP over IoU 0.5 to 0.95 and AP at 0.5, ignored boxes as crowd."""
    annotations = []
    for index, photo in enumerate(photos):
        for box, label, ignored in zip(photo.boxes.tolist(), photo.labels.tolist(), photo.ignored.tolist()):
            x1, y1, x2, y2 = box
            width, height = x2 - x1, y2 - y1
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": label,
                    "bbox": [x1, y1, width, height],
                    "area": width * height,
                    "iscrowd": int(ignored),
                }
            )
    if not results or not annotations:
        return 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": index} for index in range(len(photos))],
            "annotations": annotations,
            "categories": [{"id": label} for label in range(1, classes)],
        }
        truth.createIndex()
        boxes = [(r["photo"], *r["box"][:2], *(r["box"][2:] - r["box"][:2]), r["score"], r["label"]) for r in results]
        scored = COCOeval(truth, truth.loadRes(np.array(boxes)), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    return float(scored.stats[0]), float(scored.stats[1])


def score(detector: Detector, photos: list[Photo], **how) -> dict:
    results = detect_all(detector, photos, **how)
    names = [category.name for category in detector.config.categories]
    by_class = {name: voc_average_precision(photos, results, label) for label, name in enumerate(names, start=1)}
    known = [value for value in by_class.values() if value is not None]
    ap, ap50 = coco_average_precision(photos, results, detector.config.classes)
    of_objects = [by_class[names[label - 1]] for photo in photos for label in photo.labels[~photo.ignored]]
    return {
        "photos": len(photos),
        "ap": round(ap, 4),
        "ap50": round(ap50, 4),
        "voc_map": round(float(np.mean(known)), 4) if known else 0.0,
        "voc_ap_of_objects": round(float(np.mean(of_objects)), 4) if of_objects else 0.0,
        "by_class": {name: value if value is None else round(value, 3) for name, value in by_class.items()},
    }


def scored_photos(detector: Detector, folder: Path, cache: Path) -> list[Photo]:
    """Labels are places in the list of categories, so both lists have to have one order."""
    dataset = open_dataset(folder, cache)
    others = difference(*([c.name for c in given] for given in (detector.config.categories, dataset.categories)))
    if others:
        raise TrainingError(f"Expected the categories of the detector in {folder} but received {others}.")
    return dataset.photos


def part(photos: list[Photo], hold_out: int | None, learnt: bool) -> list[Photo]:
    """All photos, those that a run held out, or as many of those that it learnt from."""
    if hold_out:
        others, held_out = split(photos, hold_out)
        photos = [photo for photo in others if photo.id % hold_out == 1] if learnt else held_out
    elif learnt:
        raise TrainingError("Expected --hold-out with --learnt.")
    if not photos:
        raise TrainingError("Expected photos to score but there are none in this part of the data set.")
    return photos


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--cache", type=Path, default=Path(".cache/images"))
    parser.add_argument("--longer-side", type=positive_int)
    parser.add_argument(
        "--hold-out", type=positive_int, metavar="N", help="only the photos that a run held out with this"
    )
    parser.add_argument(
        "--learnt", action="store_true", help="with --hold-out, as many photos that the run learnt from instead"
    )
    parser.add_argument("--threads", type=positive_int, default=1, help="batches computed side by side, one core each")
    parser.add_argument("--device", type=device_name, default="cpu")
    parser.add_argument("--precision", choices=PRECISIONS, help="of the network; default: the quicker one here")
    options = parser.parse_args()
    bf16 = (options.precision or default_precision(options.device)) == "bf16"

    detector = load_detector(options.weights).to(options.device)
    if options.longer_side:
        size = dataclasses.replace(detector.config.input, longer_side=options.longer_side)
        detector.config = dataclasses.replace(detector.config, input=size)
    photos = scored_photos(detector, options.data, options.cache)
    photos = part(photos, options.hold_out, options.learnt)
    print(json.dumps(score(detector, photos, bf16=bf16, threads=options.threads), indent=1))


if __name__ == "__main__":
    run(main)
