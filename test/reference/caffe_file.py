"""Writes Caffe's protobuf files, as far as weights need them."""

from __future__ import annotations

from torch import Tensor


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def caffemodel(blobs: dict[str, Tensor], old: bool = False) -> bytes:
    """A NetParameter of layers and their blobs. `old`: four sizes to every blob."""
    layers: dict[str, list[Tensor]] = {}
    for name, value in blobs.items():
        layers.setdefault(name.rsplit(".", 1)[0], []).append(value)
    out = message(1, b"net")
    for name, values in layers.items():
        layer = message(1, name.encode()) + message(2, b"Convolution")
        for value in values:
            dims = list(value.shape)
            if old:
                dims = [1] * (4 - len(dims)) + dims
                shape = b"".join(varint((i + 1) << 3) + varint(dim) for i, dim in enumerate(dims))
            else:
                shape = message(7, message(1, b"".join(varint(dim) for dim in dims)))
            layer += message(7, shape + message(5, value.numpy().astype("<f4").tobytes()))
        out += message(100, layer)
    return out
