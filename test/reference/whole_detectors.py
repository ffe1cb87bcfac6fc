"""Makes small detectors that are exported to ONNX whole, with random weights, and what they find.

    training/.venv/bin/python test/reference/whole_detectors.py

Writes test/fixtures/whole/<name>.onnx and <name>.json: torchvision's own Faster R-CNN through torch.onnx with torchvision's own
detections; networks with the outputs that YOLOX, DETR, RT-DETR and the FasterRCNN of the ONNX model zoo are documented to have, read
here by NumPy as their documentation says. The photo is test/fixtures/dialects/photo.bin.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign, batched_nms

FIXTURES = Path(__file__).parent.parent / "fixtures"
OUT = FIXTURES / "whole"
IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def save(name: str, network: nn.Module, inputs: tuple, names: tuple[list[str], list[str]], axes: dict | None = None) -> None:
    warnings.simplefilter("ignore")
    torch.onnx.export(
        network, inputs, str(OUT / f"{name}.onnx"), opset_version=16, dynamo=False, input_names=names[0], output_names=names[1],
        dynamic_axes=axes or {})


def expect(name: str, boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray) -> None:
    """Best first, in pixels of the photo."""
    order = np.argsort(-scores, kind="stable")[:100]
    content = {
        "boxes": np.round(boxes[order].astype(float), 3).tolist(),
        "scores": np.round(scores[order].astype(float), 6).tolist(),
        "classes": classes[order].tolist(),
    }
    assert len(content["scores"]) > 3, name
    (OUT / f"{name}.json").write_text(json.dumps(content))


class Trunk(nn.Module):
    out_channels = 8

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3, 8, 5, 4, 2), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)])
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=(2 / layer.weight[0].numel()) ** 0.5)

    def maps(self, x: Tensor) -> list[Tensor]:
        """Of strides 4 to 32."""
        out = []
        for layer in self.layers:
            x = F.relu(layer(x))
            out.append(x)
        return out

    def forward(self, x: Tensor) -> Tensor:
        return self.maps(x)[2]


def torchvision_export(rgb: np.ndarray) -> None:
    torch.manual_seed(31)
    network = FasterRCNN(
        Trunk(), min_size=96, max_size=160, rpn_anchor_generator=AnchorGenerator(((16, 32, 64),), ((0.5, 1, 2),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2), box_head=TwoMLPHead(8 * 49, 16), box_predictor=FastRCNNPredictor(16, 4),
        rpn_pre_nms_top_n_test=200, rpn_post_nms_top_n_test=60).eval()
    with torch.no_grad():
        for layer, scale in ((network.rpn.head.cls_logits, 30), (network.rpn.head.bbox_pred, 10),
                             (network.roi_heads.box_predictor.cls_score, 12), (network.roi_heads.box_predictor.bbox_pred, 4)):
            layer.weight *= scale
        x = torch.from_numpy(rgb.astype(np.float32) / 255).permute(2, 0, 1)
        found = network([x])[0]
        # Whoever exports chooses the names.
        axes = {"image": {1: "height", 2: "width"}, "found": {0: "n"}, "kinds": {0: "n"}, "trust": {0: "n"}}
        save("torchvision", network, ([x],), (["image"], ["found", "kinds", "trust"]), axes)
    expect("torchvision", found["boxes"].numpy(), found["scores"].numpy(), found["labels"].numpy() - 1)


class Grid(nn.Module):
    """The raw head of YOLOX on strides 8, 16 and 32, or with its decoding."""

    def __init__(self, classes: int, decode: bool) -> None:
        super().__init__()
        self.trunk, self.decode = Trunk(), decode
        self.heads = nn.ModuleList([nn.Conv2d(8, 5 + classes, 1) for _ in range(3)])
        for head in self.heads:
            nn.init.normal_(head.weight, std=0.4)
            head.bias.data[2:4] = 0.7

    def forward(self, x: Tensor) -> Tensor:
        rows, places, strides = [], [], []
        # The levels that it was trained with are 0 to 255.
        for head, level, stride in zip(self.heads, self.trunk.maps(x / 64 - 2)[1:], (8, 16, 32)):
            y = head(level)
            y = torch.cat([y[:, :4], y[:, 4:].sigmoid()], 1)
            height, width = y.shape[2:]
            places.append(torch.stack(torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy"), 2).reshape(1, -1, 2))
            strides.append(torch.full((1, height * width, 1), stride))
            rows.append(y.flatten(2))
        y = torch.cat(rows, 2).permute(0, 2, 1)
        if not self.decode:
            return y
        place, stride = torch.cat(places, 1), torch.cat(strides, 1)
        return torch.cat([(y[..., :2] + place) * stride, torch.exp(y[..., 2:4]) * stride, y[..., 4:]], -1)


def yolox(rgb: np.ndarray) -> None:
    height, width, classes = 64, 96, 4
    ratio = min(height / rgb.shape[0], width / rgb.shape[1])
    h, w = int(rgb.shape[0] * ratio), int(rgb.shape[1] * ratio)
    padded = np.full((height, width, 3), 114.0)
    levels = F.interpolate(torch.from_numpy(rgb.astype(np.float64)).permute(2, 0, 1)[None], (h, w), mode="bilinear")[0]
    padded[:h, :w] = np.floor(levels.permute(1, 2, 0).numpy() + 0.5)[..., ::-1]
    x = torch.from_numpy(padded.astype(np.float32)).permute(2, 0, 1)[None].contiguous()
    for decode in (False, True):
        torch.manual_seed(32)
        network = Grid(classes, decode).eval()
        with torch.no_grad():
            save("yolox-decoded" if decode else "yolox", network, (x,), (["images"], ["output"]))
            values = network(x)[0].numpy()
    scores = values[:, 4:5] * values[:, 5:]
    best, score = scores.argmax(1), scores.max(1)
    middle, half = values[:, :2], values[:, 2:4] / 2
    boxes = np.concatenate([middle - half, middle + half], 1) / ratio
    likely = np.where(score > 0.01)[0]
    kept = batched_nms(*(torch.from_numpy(each[likely]) for each in (boxes, score, best)), 0.65)
    found = likely[kept.numpy()]
    boxes = np.clip(boxes[found], 0, [rgb.shape[1], rgb.shape[0]] * 2)
    expect("yolox", boxes, score[found], best[found])


class Queries(nn.Module):
    """The outputs of a DETR with Q queries, of which each sees a part of the pooled map, sampled where `sample` says so."""

    def __init__(self, queries: int, columns: int, sample: bool) -> None:
        super().__init__()
        self.trunk, self.sample = Trunk(), sample
        self.place = nn.Parameter(torch.rand(1, queries, 1, 2) * 1.6 - 0.8)
        self.classify, self.locate = nn.Linear(8, columns), nn.Linear(8, 4)
        nn.init.normal_(self.classify.weight, std=0.7)
        nn.init.normal_(self.locate.weight, std=0.3)

    def forward(self, pixel_values: Tensor, pixel_mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        level = self.trunk.maps(pixel_values)[3]
        if pixel_mask is not None:
            level = level * pixel_mask.float().mean()
        if self.sample:
            seen = F.grid_sample(level, self.place, align_corners=False)[..., 0].permute(0, 2, 1)
        else:
            seen = (self.place * level.flatten(2)[:, None, :, :2].permute(0, 1, 3, 2).mean(-1)[..., None, :]).sum(-1) + level.mean((2, 3))[:, None]
        return self.classify(seen), self.locate(seen).sigmoid()


def pillow(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR)).astype(np.float64)


def queries(rgb: np.ndarray) -> None:
    height, width = rgb.shape[:2]
    to_photo = np.array([width, height, width, height])
    for name, (w, h), columns, is_detr in (("detr", (96, 64), 6, True), ("rt-detr", (64, 64), 5, False)):
        torch.manual_seed(33)
        network = Queries(12, columns, not is_detr).eval()
        levels = pillow(rgb, (w, h)) / 255
        if is_detr:
            levels = (levels - IMAGENET[0]) / IMAGENET[1]
        x = torch.from_numpy(levels.astype(np.float32)).permute(2, 0, 1)[None].contiguous()
        inputs = (x, torch.ones(1, h, w, dtype=torch.int64)) if is_detr else (x,)
        names = ["pixel_values", "pixel_mask"] if is_detr else ["pixel_values"]
        with torch.no_grad():
            save(name, network, inputs, (names, ["logits", "pred_boxes"]))
            logits, boxes = (each[0] for each in network(*inputs))
        boxes = boxes.numpy()
        corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1) * to_photo
        corners = np.clip(corners, 0, to_photo)
        if is_detr:
            score, label = logits.softmax(-1)[:, :-1].max(-1)
            row = torch.arange(len(score))
        else:
            score = logits.sigmoid().flatten()
            row, label = torch.arange(len(score)) // columns, torch.arange(len(score)) % columns
        keep = (score > 0.05).numpy()
        expect(name, corners[row.numpy()[keep]], score.numpy()[keep], label.numpy()[keep])


class Zoo(nn.Module):
    """Fixed boxes, and scores that tell the colours of the input, so that its order and mean matter."""

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        means = image.mean((1, 2))
        boxes = torch.tensor([[10.0, 20, 200, 300], [400, 100, 799, 500], [-5, 600, 90, 5000], [30, 30, 300, 90]])
        return boxes + means.sum() * 0, torch.tensor([1, 17, 80, 5]), torch.sigmoid(torch.cat([means / 10, means[:1] / 30]))


def zoo(rgb: np.ndarray) -> None:
    ratio = 800 / min(rgb.shape[:2])
    w, h = int(ratio * rgb.shape[1]), int(ratio * rgb.shape[0])
    levels = pillow(rgb, (w, h))[..., ::-1] - np.array([102.9801, 115.9465, 122.7717])
    x = torch.from_numpy(levels.astype(np.float32)).permute(2, 0, 1)
    x = F.pad(x, (0, -w % 32, 0, -h % 32)).contiguous()
    # torch.onnx gives no numbers as names any more, which those of the zoo are.
    names = ["n6379", "n6381", "n6383"]
    axes = {"image": {1: "height", 2: "width"}} | {name: {0: "nbox"} for name in names}
    with torch.no_grad():
        save("onnx-zoo", Zoo(), (x,), (["image"], names), axes)
        boxes, labels, scores = (each.numpy() for each in Zoo()(x))
    model = onnx.load(OUT / "onnx-zoo.onnx")
    for output in model.graph.output:
        for node in model.graph.node:
            node.output[:] = [name[1:] if name == output.name else name for name in node.output]
        output.name = output.name[1:]
    onnx.save(model, OUT / "onnx-zoo.onnx")
    # A corner names the last pixel.
    boxes = (boxes + [0, 0, 1, 1]) / np.tile([w / rgb.shape[1], h / rgb.shape[0]], 2)
    boxes = np.clip(boxes, 0, np.tile([rgb.shape[1], rgb.shape[0]], 2))
    expect("onnx-zoo", boxes, scores, labels - 1)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    size = json.loads((FIXTURES / "dialects" / "photo.json").read_text())
    photo = np.frombuffer((FIXTURES / "dialects" / "photo.bin").read_bytes(), np.uint8).reshape(size["height"], size["width"], 3)
    torchvision_export(photo)
    yolox(photo)
    queries(photo)
    zoo(photo)
