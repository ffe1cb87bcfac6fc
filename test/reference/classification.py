"""Makes the fixtures of test/classify and of the rule `crop` of test/images: what torchvision does.

    training/.venv/bin/python test/reference/classification.py

Needs numpy, pillow, torch, torchvision. test/fixtures/classify/<name>.pth is a network of torchvision's own classes, only
narrow, with random weights (float16 in the file, and what is run is what is in the file); classify.json holds the logits
for test/fixtures/images/photo.png after torchvision's ImageClassification preset.

image_networks.py makes the published networks in full width.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn
from torchvision import transforms
from torchvision.models.googlenet import BasicConv2d, GoogLeNet, Inception
from torchvision.models.vgg import VGG, make_layers
from torchvision.transforms._presets import ImageClassification

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
IMAGES, OUT = FIXTURES / "images", FIXTURES / "classify"
CLASSES = 7
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
photo = Image.open(IMAGES / "photo.png").convert("RGB")

WIDTHS = {
    "vgg11": [1, 1, 2, 2, 2],
    "vgg13": [2, 2, 2, 2, 2],
    "vgg16": [2, 2, 3, 3, 3],
    "vgg19": [2, 2, 4, 4, 4],
}


def small_vgg(name: str, batch_norm: bool) -> nn.Module:
    config: list[int | str] = []
    for stage, count in enumerate(WIDTHS[name]):
        config += [[4, 4, 6, 6, 8][stage]] * count + ["M"]
    net = VGG(make_layers(config, batch_norm), num_classes=CLASSES, init_weights=False)
    net.classifier = top(8 * 49)
    return net


def top(inputs: int, alexnet: bool = False) -> nn.Sequential:
    layers = [nn.Linear(inputs, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 16), nn.ReLU(), nn.Dropout()]
    if alexnet:
        layers = [nn.Dropout(), nn.Linear(inputs, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 16), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(16, CLASSES))


def small_alexnet() -> nn.Module:
    net = torchvision.models.AlexNet(num_classes=CLASSES)
    channels = [3, 4, 6, 8, 6, 6]
    convolutions = [i for i, layer in enumerate(net.features) if isinstance(layer, nn.Conv2d)]
    for i, (inputs, outputs) in zip(convolutions, zip(channels, channels[1:])):
        old = net.features[i]
        net.features[i] = nn.Conv2d(inputs, outputs, old.kernel_size, old.stride, old.padding)
    net.classifier = top(6 * 36, alexnet=True)
    return net


class SmallGoogLeNet(GoogLeNet):
    """The same layers under the same names with an eighth of the channels."""

    def __init__(self, divisor: int = 8) -> None:
        nn.Module.__init__(self)
        self.transform_input, self.aux_logits, self.aux1, self.aux2 = True, False, None, None
        self.conv1 = BasicConv2d(3, 64 // divisor, kernel_size=7, stride=2, padding=3)
        self.conv2 = BasicConv2d(64 // divisor, 64 // divisor, kernel_size=1)
        self.conv3 = BasicConv2d(64 // divisor, 192 // divisor, kernel_size=3, padding=1)
        self.maxpool1 = self.maxpool2 = self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        full = GoogLeNet(init_weights=False, aux_logits=False)
        for name, module in full.named_children():
            if not isinstance(module, Inception):
                continue
            convolutions = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
            one, reduce3, three, reduce5, five, pool = (c.out_channels // divisor for c in convolutions)
            inputs = convolutions[0].in_channels // divisor
            setattr(self, name, Inception(inputs, one, reduce3, three, reduce5, five, pool))
        self.avgpool, self.dropout, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Dropout(), nn.Linear(1024 // divisor, CLASSES)


def small_resnet() -> nn.Module:
    from detector_parts import CustomResNet
    from torchvision.models.resnet import BasicBlock

    net = CustomResNet(BasicBlock, [1, 2, 1, 1], 8, nn.BatchNorm2d)
    net.avgpool, net.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(64, CLASSES)
    return net


def randomise(net: nn.Module) -> nn.Module:
    """He's initialisation, and batch norm with statistics that are not those of a new layer."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.1)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()


def save(nets: dict[str, nn.Module]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    expected = {}
    image = ImageClassification(crop_size=224)(photo)[None]
    for name, net in nets.items():
        randomise(net)
        net.load_state_dict({key: value.half() for key, value in net.state_dict().items()})
        state = {key: value.half() if value.is_floating_point() else value for key, value in net.state_dict().items()}
        torch.save(state, OUT / f"{name}.pth")
        with torch.no_grad():
            expected[name] = net(image)[0].tolist()
    (OUT / "classify.json").write_text(json.dumps(expected, indent=1) + "\n")


def crops() -> None:
    """Sizes and offsets from torchvision, read off a picture whose colours are its coordinates; tensors of the photo."""
    rng = np.random.default_rng(5)
    photos = [tuple(int(side) for side in rng.integers(60, 900, 2)) for _ in range(80)]
    photos += [(49, 49), (97, 73), (73, 97), (640, 480), (500, 333), (333, 500), (1, 3), (256, 256), (255, 257), (60, 900)]
    rows = []
    for size, (crop_width, crop_height) in [(256, (224, 224)), (232, (224, 224)), (33, (32, 17))]:
        for width, height in photos:
            resized = transforms.Resize(size)(Image.new("L", (width, height)))
            y, x = np.mgrid[: resized.height, : resized.width]
            coordinates = Image.fromarray(np.stack([x % 256, y % 256, (x // 256) * 16 + y // 256], -1).astype(np.uint8))
            red, green, blue = transforms.CenterCrop((crop_height, crop_width))(coordinates).getpixel((0, 0))
            left, top = red + 256 * (blue // 16), green + 256 * (blue % 16)
            rows.append([width, height, size, crop_width, crop_height, resized.width, resized.height, left, top])
    text = ",\n".join(json.dumps(row) for row in rows)
    (IMAGES / "crop-sizes.json").write_text(f"[\n{text}\n]\n")
    for size, crop in [(30, (24, 28)), (100, (48, 40))]:
        steps = [transforms.Resize(size), transforms.CenterCrop(crop), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        tensor = transforms.Compose(steps)(photo)
        (IMAGES / f"tensor-crop-{size}.f32").write_bytes(tensor.numpy().astype("<f4").tobytes())


if __name__ == "__main__":
    torch.manual_seed(4)
    crops()
    nets = {f"{name}{'_bn' if bn else ''}": small_vgg(name, bn) for name in WIDTHS for bn in (False, True)}
    save(nets | {"alexnet": small_alexnet(), "googlenet": SmallGoogLeNet(), "resnet": small_resnet()})
