"""Makes an ImageNet VGG-16 out of VGG-19's convolutions.

VGG-16 is VGG-19 without conv3_4, conv4_4 and conv5_4. Each of these blocks of three convolutions is fitted to the
output of VGG-19's block of four. Input and target both come from VGG-19, so the blocks learn independently.

    python -m vertebra_training.fit_vgg16 --vgg19 vgg19.safetensors --data voc20-train --output vgg16.safetensors

Then the check: nearest-centroid accuracy (leave one out, mean-pooled features) on crops of objects, of VGG-19's conv5_4
and of the fitted conv5_3.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from .augment import crop
from .config import InputConfig
from .dataset import Photo, open_dataset, split
from .errors import TrainingError
from .image import normalise, open_photo
from .main import run
from .precision import default_precision
from .trainer import INPUTS
from .vgg import Vgg16
from .weights import read_weights, write_weights

VGG19 = (2, 2, 4, 4, 4)
FITTED = (3, 4, 5)  # the stages that lose a convolution
CROPS_PER_CLASS, CROP_SIZE = 14, 144
CELLS_PER_BATCH, RIDGE = 800, 0.01


def load_vgg19(path: Path) -> Vgg16:
    weights, _ = read_weights(path)
    network = Vgg16(VGG19)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise TrainingError(f"Expected the convolutions of VGG-19 in {path} but received: {error}") from error
    return network.eval().requires_grad_(False)


def shortened(vgg19: Vgg16) -> Vgg16:
    """VGG-16 with convolutions 1, 2 and 4 of each block of four, not fitted yet."""
    network, given = Vgg16(), vgg19.state_dict()
    state = network.state_dict()
    for name in state:
        stage, index = name.split(".")[0].removeprefix("conv").split("_")
        source = name.replace(f"_{index}.", "_4.") if int(stage) in FITTED and index == "3" else name
        state[name] = given[source].clone()
    network.load_state_dict(state)
    return network


def before_last_relu(network: Vgg16, stage: int, x: Tensor) -> Tensor:
    """A stage's output without its last ReLU."""
    return getattr(network, f"conv{stage}_{network.convolutions[stage - 1]}")(
        before_last_convolution(network, stage, x)
    )


def before_last_convolution(network: Vgg16, stage: int, x: Tensor) -> Tensor:
    for index in range(1, network.convolutions[stage - 1]):
        x = getattr(network, f"conv{stage}_{index}")(x).relu()
    return x


class LeastSquares:
    """The last convolution of one stage in closed form, so that its output before the ReLU is nearest to VGG-19's.

    Gradients alone do not get there: nine tenths of the outputs are 0, and from any copied convolution the block dies.
    """

    def __init__(self, network: Vgg16, stage: int) -> None:
        self.network, self.stage = network, stage
        self.convolution: torch.nn.Conv2d = getattr(network, f"conv{stage}_{network.convolutions[stage - 1]}")
        inputs, outputs = self.convolution.weight[0].numel() + 1, self.convolution.out_channels
        device = self.convolution.weight.device
        self.gram, self.right = torch.zeros(inputs, inputs, device=device), torch.zeros(inputs, outputs, device=device)

    def add(self, x: Tensor, target: Tensor) -> None:
        """Takes some random cells of a batch into account."""
        features = before_last_convolution(self.network, self.stage, x).float()
        rows = F.unfold(features, 3, padding=1).transpose(1, 2).flatten(0, 1)
        chosen = torch.randperm(len(rows))[:CELLS_PER_BATCH].to(rows.device)
        rows = F.pad(rows[chosen], (0, 1), value=1.0)
        self.gram += rows.t() @ rows
        self.right += rows.t() @ target.float().permute(0, 2, 3, 1).flatten(0, 2)[chosen]

    def solve(self) -> None:
        ridge = RIDGE * self.gram.diagonal().mean() * torch.eye(len(self.gram), device=self.gram.device)
        solution = torch.linalg.solve(self.gram + ridge, self.right).t()
        self.convolution.weight.copy_(solution[:, :-1].reshape(self.convolution.weight.shape))
        self.convolution.bias.copy_(solution[:, -1])


def block_pairs(vgg19: Vgg16, images: Tensor) -> dict[int, tuple[Tensor, Tensor]]:
    """Input and wanted output (before its last ReLU) of each stage to fit, both from VGG-19."""
    pairs, x = {}, images
    with torch.no_grad():
        for stage in range(1, 6):
            if stage in FITTED:
                target = before_last_relu(vgg19, stage, x)
                pairs[stage] = (x, target)
                x = F.max_pool2d(target.relu(), 2)
            else:
                x = F.max_pool2d(vgg19.stage(stage, x), 2)
    return pairs


def block_losses(network: Vgg16, pairs: dict[int, tuple[Tensor, Tensor]]) -> dict[int, Tensor]:
    """Squared error of each fitted block's output as a share of the output's mean square; a slope of 0.1 below 0 keeps
    every output learning."""
    losses = {}
    for stage, (x, target) in pairs.items():
        output, target = before_last_relu(network, stage, x).float(), target.float()
        error = F.mse_loss(F.leaky_relu(output, 0.1), F.leaky_relu(target, 0.1))
        losses[stage] = error / target.relu().square().mean()
    return losses


@torch.no_grad()
def equalise(network: Vgg16, images: Tensor) -> None:
    """Scales every convolution so that its output has a root mean square of 1; the network computes the same but for
    this factor, because ReLU and max-pool commute with it.

    As trained, activations reach hundreds, and new layers on top of them would not learn at any usual rate.
    """
    x, before = images, 1.0
    for stage, count in enumerate(network.convolutions, start=1):
        for index in range(1, count + 1):
            convolution = getattr(network, f"conv{stage}_{index}")
            x = convolution(x).relu_()
            factor = 1 / float(x.square().mean().sqrt())
            convolution.weight.mul_(factor / before)
            convolution.bias.mul_(factor)
            before = factor
        x = F.max_pool2d(x, 2)


def random_crops(photos: list[Photo], config: InputConfig, count: int, size: int, rng: np.random.Generator) -> Tensor:
    crops = []
    for index in rng.integers(0, len(photos), count):
        photo = photos[index]
        image, _, _ = crop(open_photo(photo.path), photo.boxes, photo.labels, rng)
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        crops.append(normalise(image.resize((size, size), Image.Resampling.BILINEAR), config))
    return torch.stack(crops).contiguous(memory_format=torch.channels_last)


def object_crops(photos: list[Photo], config: InputConfig, classes: int) -> tuple[Tensor, Tensor]:
    """The first objects of each class that are large enough to be recognised."""
    crops, labels = [], []
    for label in range(1, classes + 1):
        found = 0
        for photo in photos:
            boxes = photo.boxes[(photo.labels == label) & ~photo.ignored]
            sides = boxes[:, 2:] - boxes[:, :2]
            if found == CROPS_PER_CLASS or len(boxes) == 0 or sides.min(axis=1).max() < 64:
                continue
            image = open_photo(photo.path).crop([round(float(v)) for v in boxes[sides.min(axis=1).argmax()]])
            crops.append(normalise(image.resize((CROP_SIZE, CROP_SIZE), Image.Resampling.BILINEAR), config))
            labels.append(label)
            found += 1
    return torch.stack(crops), torch.tensor(labels)


@torch.inference_mode()
def last_features(network: Vgg16, crops: Tensor) -> Tensor:
    rows = []
    for x in crops.split(20):
        x = network.stage(1, x)
        for stage in range(2, 6):
            x = network.stage(stage, F.max_pool2d(x, 2))
        rows.append(F.normalize(x.mean(dim=(2, 3)), dim=1))
    return torch.cat(rows)


def nearest_centroid_accuracy(features: Tensor, labels: Tensor) -> float:
    """Of classes with at least two: a single one has no centroid when it is left out."""
    classes, counts = labels.unique(return_counts=True)
    classes = classes[counts > 1]
    usable = torch.isin(labels, classes)
    features, labels = features[usable], labels[usable]
    right = 0
    for index, (feature, label) in enumerate(zip(features, labels)):
        others = torch.arange(len(labels)) != index
        centroids = torch.stack([features[(labels == c) & others].mean(dim=0) for c in classes])
        right += int(classes[(centroids - feature).square().sum(dim=1).argmin()] == label)
    return right / len(labels) if len(labels) else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vgg19", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    parser.add_argument("--hold-out", type=int, default=20, help="as in training; the check uses training photos only")
    parser.add_argument("--batches", type=int, default=80, help="for the least squares")
    parser.add_argument("--steps", type=int, default=200, help="gradient steps after them")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--rate", type=float, default=3e-5)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()

    config = INPUTS["vgg16"]
    device = torch.device(options.device)
    photos, _ = split(open_dataset(options.data, options.cache / "images").photos, options.hold_out)
    vgg19 = load_vgg19(options.vgg19).to(device, memory_format=torch.channels_last)
    network = shortened(vgg19).to(device, memory_format=torch.channels_last)
    trained = [p for name, p in network.named_parameters() if int(name[4]) in FITTED]
    optimiser = torch.optim.Adam(trained, lr=options.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.steps)
    rng = np.random.default_rng(0)
    bf16 = default_precision(options.device) == "bf16"

    began = time.time()
    torch.manual_seed(0)
    solvers = [LeastSquares(network, stage) for stage in FITTED]
    with torch.no_grad():
        for _ in range(options.batches):
            images = random_crops(photos, config, options.batch, options.size, rng).to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                pairs = block_pairs(vgg19, images)
            for solver in solvers:
                x, target = pairs[solver.stage]
                solver.add(x.float(), target)
        for solver in solvers:
            solver.solve()
    print(f"least squares  {time.time() - began:.0f} s", flush=True)

    for step in range(options.steps):
        images = random_crops(photos, config, options.batch, options.size, rng).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            losses = block_losses(network, block_pairs(vgg19, images))
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
        schedule.step()
        if step % 20 == 0 or step == options.steps - 1:
            shown = "  ".join(f"block {stage} {loss.item():.4f}" for stage, loss in losses.items())
            print(f"step {step}  {time.time() - began:.0f} s  relative error: {shown}", flush=True)

    network = network.cpu().eval().requires_grad_(False)
    equalise(network, random_crops(photos, config, options.batch, options.size, rng))
    tensors = {f"backbone.{name}": value for name, value in network.state_dict().items()}
    write_weights(tensors, options.output, {"format": "vertebra-trunk", "backbone": "vgg16"})
    crops, labels = object_crops(photos, config, max(int(p.labels.max(initial=0)) for p in photos))
    vgg19 = vgg19.cpu()
    checked = {"VGG-19 conv5_4": vgg19, "conv5_3 not fitted": shortened(vgg19), "conv5_3 fitted": network}
    for name, which in checked.items():
        accuracy = nearest_centroid_accuracy(last_features(which, crops), labels)
        print(f"nearest-centroid accuracy of {name}: {accuracy:.3f}", flush=True)


if __name__ == "__main__":
    run(main)
