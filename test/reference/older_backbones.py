"""Makes backbones of older projects, of small width with random weights under their own names, and the maps they give.

    training/.venv/bin/python test/reference/older_backbones.py

Writes test/fixtures/dialects/{kaiminghe-*, slim-*}, on an image of seeded noise, backbone-input.bin. full_size.py makes those of full size, on a
photo, which goes into <name>.bin.
"""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from caffe_file import caffemodel
from detector_size import UNITS, Size, sample, small_size
from older_detector import CAFFE_MEAN
from older_layers import State, resize, resnet_v1, slim_v2
from random_weights import Random
from torch import Tensor


def noise() -> Tensor:
    return (torch.rand((1, 3, 63, 90), generator=torch.Generator().manual_seed(1)) * 255 - 128).half().float()


def photo_levels(size: Size) -> Tensor:
    """[1, 3, H, W], RGB."""
    height, width = size.rgb.shape[:2]
    scale = size.shorter / min(height, width)
    levels = resize(size.rgb.astype(np.float64), int(height * scale), int(width * scale), None)
    return torch.from_numpy(levels.astype(np.float32)).permute(2, 0, 1)[None]


def write_maps(name: str, size: Size, x: Tensor, maps: dict[str, Tensor]) -> None:
    content = {level: sample(value) for level, value in maps.items()}
    if size.is_full:
        (size.folder / f"{name}.bin").write_bytes(x.contiguous().numpy().astype("<f4").tobytes())
        content = {"input": list(x.shape), "features": content}
    (size.folder / f"{name}.json").write_text(json.dumps(content))


def kaiminghe(name: str, size: Size, depth: int) -> None:
    """ResNet-50 names its units by letters and has a bias before its first norm; the others have a letter and numbers."""
    letters = depth == 50
    x = noise()
    if size.is_full:
        x = photo_levels(size).flip(1) - torch.tensor(CAFFE_MEAN).view(3, 1, 1)
    random, units = Random(28, size), size.units(depth)
    random.resnet(units, width=2, stem_bias=letters)
    with torch.no_grad():
        write_maps(name, size, x, resnet_v1(random.state, x, units, 1e-5, True))
    blobs, factor = {}, 0.37
    for key, value in random.state.items():
        layer, part = key.rsplit(".", 1)
        if layer == "stem":
            layer, norm = "conv1", "_conv1"
        else:
            stage, unit, inner = layer.split(".")
            # ResNet-101 and 152 have numbers only in the stages of many units.
            has_letters = letters or unit == "0" or (size.is_full and units[int(stage) - 1] == 3)
            unit_name = "abcdef"[int(unit)] if has_letters else f"b{unit}"
            norm = f"{int(stage) + 1}{unit_name}_" + ("branch1" if inner == "short" else f"branch2{'abc'[int(inner) - 1]}")
            layer = f"res{norm}"
        if part in ("W", "b"):
            blobs[f"{layer}.{'Wb'.index(part)}"] = value
        elif part in ("gamma", "beta"):
            blobs[f"scale{norm}.{('gamma', 'beta').index(part)}"] = value
        else:
            blobs[f"bn{norm}.{('mean', 'var').index(part)}"] = value * factor
            if part == "var":
                blobs[f"bn{norm}.2"] = torch.tensor([factor])
    (size.folder / f"{name}.caffemodel").write_bytes(caffemodel(blobs))


def slim_weights(size: Size, units: list[int]) -> State:
    random = Random(29, size)
    width = size.of(2, 64)
    random.layer("stem", width, 3, 7, 7)
    inputs = width
    for stage, count in enumerate(units, 1):
        inner = width * 2 ** (stage - 1)
        for unit in range(count):
            name = f"{stage}.{unit}"
            random.norm(f"{name}.pre", inputs)
            random.layer(f"{name}.1", inner, inputs, 1, 1, bias=False)
            random.norm(f"{name}.1", inner)
            random.layer(f"{name}.2", inner, inner, 3, 3, bias=False)
            random.norm(f"{name}.2", inner)
            random.layer(f"{name}.3", 4 * inner, inner, 1, 1, scale=size.branch)
            if unit == 0:
                random.layer(f"{name}.short", 4 * inner, inputs, 1, 1)
            inputs = 4 * inner
    random.norm("post", inputs)
    random.layer("logits", size.of(5, 1000), inputs, 1, 1)
    return random.state


def slim(name: str, size: Size, depth: int) -> None:
    if size.is_full:
        # Both sides are odd multiples of 16 and one more: where SAME pads on either side.
        x = F.interpolate(photo_levels(size), (337, 401), mode="bilinear") / 127.5 - 1
    else:
        x = F.pad(noise()[:, :, :, :64] / 128, (0, 0, 0, 1))
    units = size.of([2, 1, 2, 2], UNITS[depth])
    state = slim_weights(size, units)
    with torch.no_grad():
        write_maps(name, size, x, slim_v2(state, x, units, 1e-5))
    arrays = {"global_step": np.array(7)}
    for key, value in state.items():
        layer, part = key.rsplit(".", 1)
        end = {"W": "weights", "b": "biases", "gamma": "gamma", "beta": "beta", "mean": "moving_mean", "var": "moving_variance"}[part]
        if layer in ("stem", "post", "logits"):
            path = {"stem": "conv1", "post": "postnorm", "logits": "logits"}[layer]
        else:
            stage, unit, part_name = layer.split(".")
            inner = {"pre": "preact", "short": "shortcut"}.get(part_name, f"conv{part_name}")
            is_inside = part not in ("W", "b") and part_name != "pre"
            path = f"block{stage}/unit_{int(unit) + 1}/bottleneck_v2/{inner}" + ("/BatchNorm" if is_inside else "")
        if value.dim() == 4:
            value = value.permute(2, 3, 1, 0)
        arrays[f"resnet_v2_{depth}/{path}/{end}"] = size.stored(value).numpy()
    np.savez(size.folder / f"{name}.npz", **arrays)


SMALL = {
    "kaiminghe-letters": partial(kaiminghe, depth=50),
    "kaiminghe-numbers": partial(kaiminghe, depth=101),
    "slim-resnet-v2": partial(slim, depth=50),
}
FULL = {
    **{f"kaiminghe-resnet{depth}": partial(kaiminghe, depth=depth) for depth in (50, 101, 152)},
    **{f"slim-resnet-v2-{depth}": partial(slim, depth=depth) for depth in (50, 101, 152)},
}


if __name__ == "__main__":
    small = small_size()
    (small.folder / "backbone-input.bin").write_bytes(noise().numpy().astype("<f4").tobytes())
    for name, make in SMALL.items():
        make(name, small)
