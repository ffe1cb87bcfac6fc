"""Makes the detector that all peers run: torchvision's Faster R-CNN with ResNet-101 and a feature pyramid, with random weights.

    python make_model.py FOLDER photo.rgb

photo.rgb: RGB bytes of 640 x 480. Writes FOLDER/detector.pth (the state), and FOLDER/detector.onnx (torchvision's own export).

Random weights would give infinite activations, and scores that are all alike. So batch norm gets the statistics that it sees on
the photo, the RPN's outputs the spread that trained ones have, and the score of the background is set so that CANDIDATES boxes
pass the threshold of 0.05: then 1,000 proposals and 100 detections come out, as of a busy street.
"""

import sys
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops.misc import FrozenBatchNorm2d

WIDTH, HEIGHT = 640, 480
#: With background.
CLASSES = 91
CANDIDATES = 500
THRESHOLD = 0.05


def read_photo(path: str) -> torch.Tensor:
    """[3, height, width], 0 to 1."""
    levels = torch.frombuffer(bytearray(Path(path).read_bytes()), dtype=torch.uint8)
    return levels.reshape(HEIGHT, WIDTH, 3).permute(2, 0, 1).float() / 255


def detector(norm=partial(FrozenBatchNorm2d, eps=0.0)) -> FasterRCNN:
    """As `fasterrcnn_resnet50_fpn` with its COCO weights: frozen batch norm, epsilon 0; but of 101 layers."""
    backbone = resnet_fpn_backbone(backbone_name="resnet101", weights=None, norm_layer=norm)
    return FasterRCNN(backbone, num_classes=CLASSES).eval()


def load_detector(folder: str) -> FasterRCNN:
    model = detector()
    model.load_state_dict(torch.load(Path(folder) / "detector.pth", weights_only=True))
    return model


def normed_state(photo: torch.Tensor) -> dict[str, torch.Tensor]:
    """The state of a random detector whose batch norm knows its own statistics, on the photo at a third of its size."""
    model = detector(partial(nn.BatchNorm2d, momentum=None))
    for name, norm in model.named_modules():
        if isinstance(norm, nn.BatchNorm2d):
            # What ends a residual branch is small, so that the sum does not grow from unit to unit.
            low, high = (0.2, 0.5) if name.endswith("bn3") else (0.7, 1.3)
            nn.init.uniform_(norm.weight, low, high)
            nn.init.normal_(norm.bias, std=0.1)
    model.backbone.train()
    images, _ = model.transform([photo])
    model.backbone(nn.functional.interpolate(images.tensors, scale_factor=1 / 3))
    return {name: value for name, value in model.state_dict().items() if "num_batches" not in name}


def spread_outputs(model: FasterRCNN, photo: torch.Tensor) -> None:
    """Gives the outputs of RPN and box head the spread that trained ones have, and the background its bias."""

    def watch(layer: nn.Module, spread: float, background: bool = False):
        """Mends the layer when it is first run, and what it then gives."""
        nn.init.zeros_(layer.bias)
        nn.init.normal_(layer.weight, std=0.01)
        first = True

        def mend(_layer, _inputs, output: torch.Tensor) -> torch.Tensor:
            nonlocal first
            if not first:
                return output
            first = False
            scale = spread / output.std()
            shift = -scale * output.mean()
            layer.weight.mul_(scale)
            layer.bias.fill_(shift)
            mended = output * scale + shift
            if background:
                bias = background_bias(mended)
                layer.bias[0] += bias
                mended[:, 0] += bias
            return mended

        return layer.register_forward_hook(mend)

    head, predictor = model.rpn.head, model.roi_heads.box_predictor
    handles = [
        watch(head.cls_logits, 3.0),
        watch(head.bbox_pred, 0.3),
        watch(predictor.cls_score, 2.0, background=True),
        watch(predictor.bbox_pred, 0.5),
    ]
    model([photo])
    for handle in handles:
        handle.remove()


def background_bias(logits: torch.Tensor) -> float:
    """With which CANDIDATES scores pass the threshold."""
    low, high = -50.0, 50.0
    for _ in range(40):
        middle = (low + high) / 2
        moved = logits.clone()
        moved[:, 0] += middle
        passing = (moved.softmax(1)[:, 1:] > THRESHOLD).sum()
        low, high = (middle, high) if passing > CANDIDATES else (low, middle)
    return low


def export(model: FasterRCNN, photo: torch.Tensor, path: Path) -> None:
    torch.onnx.export(
        model,
        ([photo],),
        str(path),
        opset_version=17,
        input_names=["image"],
        output_names=["boxes", "labels", "scores"],
        dynamo=False,
    )


def main(folder: Path, photo_file: str) -> None:
    torch.manual_seed(1)
    photo = read_photo(photo_file)
    with torch.no_grad():
        model = detector()
        model.load_state_dict(normed_state(photo))
        spread_outputs(model, photo)
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), folder / "detector.pth")
        export(model, photo, folder / "detector.onnx")
        counts = []
        model.rpn.register_forward_hook(lambda _rpn, _inputs, output: counts.append(len(output[0][0])))
        [found] = model([photo])
    print(f"{counts[0]} proposals, {len(found['scores'])} detections, {found['scores'].max():.2f} the best score")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
