"""Makes test/fixtures/classify/keras-{resnet,vgg16}.{h5,json}: networks with the layers, names and file format of Keras Applications,
of small width with random weights, and their maps and class logits.

    training/.venv/bin/python test/reference/keras.py

Needs h5py beside torch. Keras itself is not installed: resnet_common.py and vgg16.py of keras-applications are written again here
in PyTorch. The input is test/fixtures/dialects/photo.bin, less the mean, blue first, in its own size (ResNet) or cut to 64 x 64 and
repeated to 224 x 224 (VGG).
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

FIXTURES = Path(__file__).parent.parent / "fixtures"
OUT = FIXTURES / "classify"
EPSILON = 1.001e-5
SAMPLES = 64


class Layers:
    """Layers under their Keras names, kernels height x width x inputs x outputs."""

    def __init__(self, seed: int) -> None:
        self.tensors: dict[str, dict[str, Tensor]] = {}
        self.generator = torch.Generator().manual_seed(seed)

    def noise(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator)

    def convolve(self, name: str, x: Tensor, outputs: int, side: int, stride: int = 1, pad: int = 0) -> Tensor:
        scale = (2 / (x.shape[1] * side * side)) ** 0.5 / (58 if x.shape[1] == 3 else 1)
        kernel, bias = self.noise(side, side, x.shape[1], outputs) * scale, self.noise(outputs) * 0.1
        self.tensors[name] = {"kernel": kernel, "bias": bias}
        return F.conv2d(F.pad(x, [pad] * 4), kernel.permute(3, 2, 0, 1), bias, stride)

    def normalise(self, name: str, x: Tensor) -> Tensor:
        c = x.shape[1]
        gamma, beta, mean, var = self.noise(c).abs() * 0.2 + 0.5, self.noise(c) * 0.1, self.noise(c) * 0.1, self.noise(c).abs() * 0.5 + 0.5
        self.tensors[name] = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": var}
        return F.batch_norm(x, mean, var, gamma, beta, eps=EPSILON)

    def connect(self, name: str, x: Tensor, outputs: int) -> Tensor:
        kernel, bias = self.noise(x.shape[1], outputs) * (2 / x.shape[1]) ** 0.5, self.noise(outputs) * 0.1
        self.tensors[name] = {"kernel": kernel, "bias": bias}
        return x @ kernel + bias

    def save(self, name: str, old: bool, values: dict[str, Tensor]) -> None:
        with h5py.File(OUT / f"{name}.h5", "w") as file:
            file.attrs["layer_names"] = [layer.encode() for layer in self.tensors]
            for layer, parts in self.tensors.items():
                group = file.create_group(layer)
                # Keras 1 named tensors otherwise.
                paths = {"kernel": f"{layer}_W_1:0", "bias": f"{layer}_b_1:0"} if old else {part: f"{layer}/{part}:0" for part in parts}
                group.attrs["weight_names"] = [paths[part].encode() for part in parts]
                for part, value in parts.items():
                    group.create_dataset(paths[part], data=value.numpy().astype("<f4"))
            for layer in ("input_1", "pool1_pad"):
                file.create_group(layer).attrs["weight_names"] = np.zeros(0)
        content = {}
        for level, value in values.items():
            flat = value.flatten()
            at = torch.arange(min(SAMPLES, len(flat))) * len(flat) // min(SAMPLES, len(flat))
            content[level] = {"shape": list(value.shape), "largest": flat.abs().max().item(), "values": flat[at].tolist()}
        (OUT / f"{name}.json").write_text(json.dumps(content))


def resnet(x: Tensor) -> None:
    layers = Layers(51)
    y = F.relu(layers.normalise("conv1_bn", layers.convolve("conv1_conv", x, 4, 7, 2, 3)))
    y = F.max_pool2d(F.pad(y, [1] * 4), 3, 2)
    values = {}
    for stage, units in enumerate([1, 2, 1, 1], 2):
        width = 4 * 2 ** (stage - 2)
        for unit in range(1, units + 1):
            name, stride = f"conv{stage}_block{unit}", 2 if unit == 1 and stage > 2 else 1
            short = y
            if unit == 1:
                short = layers.normalise(f"{name}_0_bn", layers.convolve(f"{name}_0_conv", y, 4 * width, 1, stride))
            z = F.relu(layers.normalise(f"{name}_1_bn", layers.convolve(f"{name}_1_conv", y, width, 1, stride)))
            z = F.relu(layers.normalise(f"{name}_2_bn", layers.convolve(f"{name}_2_conv", z, width, 3, 1, 1)))
            y = F.relu(short + layers.normalise(f"{name}_3_bn", layers.convolve(f"{name}_3_conv", z, 4 * width, 1)))
        values[f"c{stage}"] = y
    values["logits"] = layers.connect("probs", y.mean((2, 3)), 5)
    layers.save("keras-resnet", False, values)


def vgg16(x: Tensor) -> None:
    layers = Layers(52)
    values, y = {}, x
    for stage, (count, width) in enumerate(zip([2, 2, 3, 3, 3], [3, 3, 4, 4, 4]), 1):
        for i in range(1, count + 1):
            y = F.relu(layers.convolve(f"block{stage}_conv{i}", y, width, 3, 1, 1))
        if stage > 2:
            values[f"c{stage - 1}"] = y
        y = F.max_pool2d(y, 2, 2)
    # Keras flattens height, width, channels.
    y = F.relu(layers.connect("fc1", y.permute(0, 2, 3, 1).flatten(1), 8))
    y = F.relu(layers.connect("fc2", y, 8))
    values["logits"] = layers.connect("predictions", y, 5)
    layers.save("keras-vgg16", True, values)


if __name__ == "__main__":
    size = json.loads((FIXTURES / "dialects" / "photo.json").read_text())
    rgb = np.frombuffer((FIXTURES / "dialects" / "photo.bin").read_bytes(), np.uint8).reshape(size["height"], size["width"], 3)
    bgr = rgb[..., ::-1].astype(np.float32) - np.array([103.939, 116.779, 123.68], np.float32)
    photo = torch.from_numpy(bgr.transpose(2, 0, 1).copy())[None]
    with torch.no_grad():
        resnet(photo)
        vgg16(photo[:, :, :64, :64].repeat(1, 1, 4, 4)[:, :, :224, :224])
