"""Makes the fixtures of test/boxes and test/detector with torchvision.

    python test/reference/detection.py

Inputs are not stored: they come from `noise`, a hash of the index that test/boxes/noise.ts repeats bit for bit.
Expected results are stored as base64 of little-endian float32 or int32.
"""

import base64
import json
from pathlib import Path
from unittest import mock

import numpy as np
import torch
import torchvision
from torch import Tensor
from torchvision.models.detection import _utils, anchor_utils, image_list, roi_heads, rpn, transform
from torchvision.ops import boxes as box_ops
from torchvision.ops import poolers

FIXTURES = Path(__file__).parents[1] / "fixtures"


def noise(seed: int, count: int) -> np.ndarray:
    """`count` numbers in [0, 1): lowbias32 of index and seed."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32((seed * 0x85EBCA77) % 2**32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x / 2.0**32


def spread(seed: int, shape: tuple[int, ...], scale: float, step: float = 0.0) -> Tensor:
    """Numbers in (-scale, scale); with `step`, multiples of it, so that ties occur."""
    values = (noise(seed, int(np.prod(shape))) * 2 - 1) * scale
    if step:
        values = np.floor(values / step) * step
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def random_boxes(seed: int, count: int, width: float, height: float, smallest: float, largest: float) -> Tensor:
    """Boxes that reach over the border of a picture, corners on quarters of a pixel."""
    u = noise(seed, count * 4).reshape(count, 4)
    x1, y1 = u[:, 0] * width * 0.9 - 5, u[:, 1] * height * 0.9 - 5
    corners = np.stack(
        [x1, y1, x1 + smallest + u[:, 2] * (largest - smallest), y1 + smallest + u[:, 3] * (largest - smallest)], axis=1
    )
    return torch.from_numpy((np.floor(corners * 4) / 4).astype(np.float32))


def packed(values: Tensor) -> str:
    array = values.detach().numpy()
    array = array.astype("<f4" if array.dtype.kind == "f" else "<i4")
    return base64.b64encode(array.tobytes()).decode()


def write(name: str, content: dict) -> None:
    path = FIXTURES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"torchvision": torchvision.__version__, **content}, indent=1) + "\n")


def batched_nms(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
    """torchvision's for many boxes, with a stable last sort, which it leaves open (its way for few boxes is stable)."""
    keep = torch.zeros_like(scores, dtype=torch.bool)
    for group in torch.unique(groups):
        members = torch.where(groups == group)[0]
        keep[members[box_ops.nms(boxes[members], scores[members], threshold)]] = True
    kept = torch.where(keep)[0]
    return kept[scores[kept].sort(descending=True, stable=True).indices]


def soft_nms(boxes: np.ndarray, scores: np.ndarray, kind: str, iou_threshold: float, sigma: float, min_score: float):
    """Bodla et al. 2017, figure 2, over half-open boxes, in float64."""
    boxes, scores = boxes.astype(np.float64), scores.astype(np.float64)
    left, kept, kept_scores = list(range(len(scores))), [], []
    while left:
        best = max(left, key=lambda i: scores[i])
        kept.append(best)
        kept_scores.append(scores[best])
        left.remove(best)
        for i in left:
            w = min(boxes[best, 2], boxes[i, 2]) - max(boxes[best, 0], boxes[i, 0])
            h = min(boxes[best, 3], boxes[i, 3]) - max(boxes[best, 1], boxes[i, 1])
            if w <= 0 or h <= 0:
                continue
            area = lambda b: (b[2] - b[0]) * (b[3] - b[1])  # noqa: E731
            overlap = w * h / (area(boxes[best]) + area(boxes[i]) - w * h)
            if kind == "gaussian":
                scores[i] *= np.exp(-(overlap**2) / sigma)
            elif overlap > iou_threshold:
                scores[i] *= 1 - overlap
        left = [i for i in left if scores[i] >= min_score]
    return torch.tensor(kept, dtype=torch.int32), torch.tensor(kept_scores, dtype=torch.float32)


def make_boxes() -> None:
    boxes = random_boxes(1, 400, 300, 200, 5, 120)
    scores = torch.from_numpy((np.floor(noise(2, 400) * 40) / 40).astype(np.float32))  # many ties
    groups = torch.from_numpy(np.floor(noise(3, 400) * 5).astype(np.int64))
    distinct = torch.from_numpy(noise(4, 400).astype(np.float32))

    nms = {str(t): packed(box_ops.nms(boxes, scores, t)) for t in (0.3, 0.5, 0.7)}
    batched = {str(t): packed(batched_nms(boxes, scores, groups, t)) for t in (0.3, 0.7)}
    soft = []
    for kind, threshold, sigma, min_score in (("linear", 0.3, 0.5, 0.001), ("gaussian", 0.3, 0.5, 0.05), ("gaussian", 0, 0.2, 0)):
        indices, lowered = soft_nms(boxes.numpy(), distinct.numpy(), kind, threshold, sigma, min_score)
        soft.append(
            {"kind": kind, "iouThreshold": threshold, "sigma": sigma, "minScore": min_score}
            | {"indices": packed(indices), "scores": packed(lowered)}
        )

    coder = _utils.BoxCoder((10.0, 10.0, 5.0, 5.0))
    deltas = spread(5, (40, 4), 3)
    deltas[0, 2:] = 1000
    deltas[1] = float("nan")
    deltas[2, 0] = float("inf")
    decoded = coder.decode_single(deltas, boxes[:40])
    encoded = coder.encode_single(boxes[40:80], boxes[:40])

    sides = torch.tensor([0, 1, 55.9, 111.999, 112, 223.99, 224, 300, 447.9, 448, 896, 5000])
    squares = torch.stack([sides * 0, sides * 0, sides, sides], dim=1)
    mapper = poolers.LevelMapper(3, 5)
    write(
        "boxes/boxes.json",
        {
            "nms": nms,
            "batchedNms": batched,
            "softNms": soft,
            "iou": packed(box_ops.box_iou(boxes[:20], boxes[20:40])),
            "decoded": packed(decoded),
            "encoded": packed(encoded),
            "sides": packed(sides),
            "sideLevels": packed(mapper([squares])),
            "boxLevels": packed(poolers.LevelMapper(2, 5, canonical_scale=100)([boxes.clamp(min=0)])),
        },
    )


def anchor_generator() -> anchor_utils.AnchorGenerator:
    sizes = ((32, 45), (64, 90), (128, 181), (256, 362))
    return anchor_utils.AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 4)


def make_anchors() -> None:
    grids = [(12, 15), (6, 8), (3, 4), (2, 2)]
    images = image_list.ImageList(torch.zeros(1, 3, 96, 120), [(96, 120)])
    anchors = anchor_generator()(images, [torch.zeros(1, 1, *grid) for grid in grids])[0]
    write("boxes/anchors.json", {"padded": [120, 96], "grids": [[w, h] for h, w in grids], "anchors": packed(anchors)})


def stable_top_n(self, objectness: Tensor, counts: list[int]) -> Tensor:
    """As torchvision's, but with the lower index first among equal logits, which torch.topk leaves open."""
    chosen, offset = [], 0
    for level in objectness.split(counts, 1):
        order = level.sort(dim=1, descending=True, stable=True).indices
        chosen.append(order[:, : self.pre_nms_top_n()] + offset)
        offset += level.shape[1]
    return torch.cat(chosen, dim=1)


def proposals_case(
    name: str, padded, grids, sizes, pre: int, post: int, minimum: float, score: float, step: float, wild: bool
) -> dict:
    images = len(sizes)
    objectness, deltas = [], []
    for level, (width, height) in enumerate(grids):
        o = spread(10 + level, (images, 6, height, width), 8, step)
        d = spread(20 + level, (images, 24, height, width), 0.8)
        if wild:
            flat = d.view(-1)
            flat[::7] *= 300
            flat[5::41] = float("nan")
            flat[6::97] = float("inf")
            o.view(-1)[3::19] = float("nan")
        objectness.append(o)
        deltas.append(d)
    batch = image_list.ImageList(torch.zeros(images, 3, padded[1], padded[0]), [(h, w) for w, h in sizes])
    anchors = anchor_generator()
    network = rpn.RegionProposalNetwork(
        anchors, None, 0.7, 0.3, 256, 0.5, dict(testing=pre, training=pre), dict(testing=post, training=post), 0.7, score
    ).eval()
    network.min_size = minimum
    every = anchors(batch, objectness)
    counts = [o[0].numel() for o in objectness]
    flat_objectness, flat_deltas = rpn.concat_box_prediction_layers(objectness, deltas)
    decoded = network.box_coder.decode(flat_deltas, every).view(images, -1, 4)
    with (
        mock.patch.object(rpn.RegionProposalNetwork, "_get_top_n_idx", stable_top_n),
        mock.patch.object(rpn.box_ops, "batched_nms", batched_nms),
    ):
        boxes, scores = network.filter_proposals(decoded, flat_objectness, batch.image_sizes, counts)
    return {
        "name": name,
        "padded": padded,
        "grids": grids,
        "sizes": sizes,
        "options": {"preNmsTopN": pre, "postNmsTopN": post, "minSize": minimum, "scoreThreshold": score},
        "step": step,
        "wild": wild,
        "expected": [{"boxes": packed(b), "scores": packed(s)} for b, s in zip(boxes, scores)],
    }


def make_proposals() -> None:
    grids = [[60, 48], [30, 24], [15, 12], [8, 6]]
    small = [[10, 8], [5, 4], [3, 2], [2, 1]]
    write(
        "heads/proposals.json",
        {
            "cases": [
                proposals_case("the first detector", [480, 384], grids, [[480, 360], [400, 381]], 1000, 300, 1e-3, 0, 0, False),
                proposals_case("ties", [80, 64], small, [[80, 60]], 200, 150, 1e-3, 0, 0.5, False),
                proposals_case("NaN, infinite and huge deltas", [80, 64], small, [[77, 64]], 10000, 500, 8, 0.3, 0, True),
            ]
        },
    )


def head_case(
    name: str, rows: int, k: int, size, photo, *, score=0.05, iou=0.5, count=100, nms="per-class", shared=False,
    distinct=1000, wild=False, scale=6.0,
) -> dict:
    proposals = random_boxes(30, rows, *size, 20, 150)
    proposals = box_ops.clip_boxes_to_image(proposals, (size[1], size[0]))
    # Equal rows, so that scores tie whatever the order of summation in the softmax.
    logits = spread(31, (rows, k + 1), scale)[torch.arange(rows) % distinct]
    deltas = spread(32, (rows, 4 if shared else 4 * (k + 1)), 2)
    if wild:
        flat = deltas.view(-1)
        flat[::7] *= 300
        flat[5::41] = float("nan")
        flat[6::97] = float("-inf")
        logits[3, 1] = float("nan")
        logits[4, 2] = float("inf")
        logits[5, :] = float("-inf")
        logits[6, 0] = float("-inf")
    heads = roi_heads.RoIHeads(None, None, None, 0.5, 0.5, 512, 0.25, None, score, iou, count)
    every = deltas.repeat(1, k + 1) if shared else deltas

    def suppress(boxes: Tensor, scores: Tensor, classes: Tensor, threshold: float) -> Tensor:
        if nms == "agnostic":
            return box_ops.nms(boxes, scores, threshold)
        return batched_nms(boxes, scores, classes, threshold)

    with mock.patch.object(roi_heads.box_ops, "batched_nms", suppress):
        boxes, scores, labels = heads.postprocess_detections(logits, every, [proposals], [(size[1], size[0])])
    boxes = transform.resize_boxes(boxes[0], [size[1], size[0]], [photo[1], photo[0]])
    return {
        "name": name,
        "rows": rows,
        "k": k,
        "size": size,
        "photo": photo,
        "scale": scale,
        "distinct": distinct,
        "wild": wild,
        "options": {
            "classAgnostic": shared,
            "scoreThreshold": score,
            "nms": {"kind": nms, "iouThreshold": iou},
            "minSize": 1e-2,
            "maxDetections": count,
        },
        "expected": {"boxes": packed(boxes), "scores": packed(scores[0]), "classes": packed(labels[0] - 1)},
    }


def make_head() -> None:
    write(
        "heads/postprocess.json",
        {
            "cases": [
                head_case("the first detector", 300, 20, [480, 360], [500, 375]),
                head_case("one box for all classes", 100, 5, [480, 360], [1333, 999], shared=True),
                head_case("class-agnostic NMS", 200, 20, [320, 240], [320, 240], nms="agnostic"),
                head_case("ties", 120, 4, [200, 200], [90, 310], distinct=12, count=60),
                head_case("NaN, infinite and huge values", 60, 4, [200, 150], [400, 100], wild=True),
                head_case("a low cut", 80, 30, [480, 360], [480, 360], score=0.001, count=300, scale=3.0, iou=0.3),
            ]
        },
    )


if __name__ == "__main__":
    np.seterr(over="ignore")
    make_boxes()
    make_anchors()
    make_proposals()
    make_head()
