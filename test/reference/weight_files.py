"""Makes test/fixtures/weights/*: the same few tensors in every container, and expected.json with their values.

    training/.venv/bin/python test/reference/weight_files.py

PyTorch, NumPy, safetensors and onnx write the files themselves. There is no Caffe to write a .caffemodel: its messages
are encoded here by the field numbers of caffe.proto. Python 2's pickles are written by a pickler that has Python 2's
instructions for str.
"""

from __future__ import annotations

import collections
import json
import pickle
import struct
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

FOLDER = Path(__file__).parent.parent / "fixtures" / "weights"


def tensors() -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(3)
    kernel = torch.randn(4, 3, 2, 2, generator=random)
    shared = torch.arange(12, dtype=torch.float32) / 8
    return {
        "conv.weight": kernel,
        "conv.weight_channels_last": kernel.to(memory_format=torch.channels_last),
        "bn.num_batches_tracked": torch.tensor(2**40 + 1),
        "fc.weight": shared.view(3, 4).t(),
        "fc.part": shared[4:8],
        "half": torch.tensor([0.5, -2.0], dtype=torch.float16),
        "brain": torch.tensor([0.5, -3.0], dtype=torch.bfloat16),
        "double": torch.tensor([[1e-3, -7.25]], dtype=torch.float64),
        "int": torch.tensor([1, -70000], dtype=torch.int32),
        "short": torch.tensor([1, -300], dtype=torch.int16),
        "byte": torch.tensor([0, 255], dtype=torch.uint8),
        "mask": torch.tensor([True, False]),
        "empty": torch.zeros(0, 3),
    }


def arrays() -> dict[str, np.ndarray]:
    values = {name: t.float().numpy() if t.dtype == torch.bfloat16 else t.numpy() for name, t in tensors().items()}
    values["big_endian"] = np.array([1.5, -2.5], dtype=">f4")
    values["column_major"] = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    values["large"] = np.linspace(-1, 1, 100, dtype=np.float32)
    return values


class Python2Pickler(pickle._Pickler):
    """Writes text and bytes as Python 2 writes its one type for both."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_str2(self, value: str | bytes) -> None:
        data = value.encode("latin1") if isinstance(value, str) else value
        self.write(b"U" + bytes([len(data)]) + data if len(data) < 256 else b"T" + struct.pack("<i", len(data)) + data)
        self.memoize(value)

    dispatch[str] = save_str2
    dispatch[bytes] = save_str2


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def caffemodel(values: dict[str, np.ndarray], old: bool) -> bytes:
    """Two layers: conv with kernel and bias, fc with a kernel; `old`: V1LayerParameter and four sizes per blob."""

    def blob(array: np.ndarray) -> bytes:
        if old:
            dims = [1] * (4 - array.ndim) + list(array.shape)
            shape = b"".join(varint(axis << 3) + varint(dim) for axis, dim in enumerate(dims, 1))
        else:
            shape = field(7, field(1, b"".join(varint(dim) for dim in array.shape)))
        data = field(8, array.tobytes()) if array.dtype == np.float64 else field(5, array.tobytes())
        return shape + data

    def layer(name: str, *blobs: np.ndarray) -> bytes:
        if old:
            return field(2, b"".join(field(6, blob(b)) for b in blobs) + varint(5 << 3) + varint(4) + field(4, name.encode()))
        return field(100, field(1, name.encode()) + field(2, b"Convolution") + b"".join(field(7, blob(b)) for b in blobs))

    return (
        field(1, b"net")
        + layer("conv", values["conv.0"], values["conv.1"])
        + layer("relu")
        + layer("fc", values["fc.0"])
    )


def listed(values: dict[str, np.ndarray]) -> dict[str, dict[str, list]]:
    return {
        name: {"shape": list(value.shape), "values": value.astype(np.float32).flatten().tolist()}
        for name, value in values.items()
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    state, numpys = tensors(), arrays()
    expected = {
        "torch": listed({name: t.float().numpy() for name, t in state.items()}),
        "numpy": listed(numpys),
    }

    parameters = collections.OrderedDict((f"module.{name}", value) for name, value in state.items())
    parameters["module.conv.weight"] = torch.nn.Parameter(parameters["module.conv.weight"])
    checkpoint = {
        "meta": {"epoch": np.float64(12), "CLASSES": ("cat", "dog"), "time": "now", "lr": [0.1, None, 2**70]},
        "state_dict": parameters,
        "optimizer": {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"params": [0]}]},
    }
    torch.save(checkpoint, FOLDER / "torch-zip.pth")
    torch.save(checkpoint, FOLDER / "torch-legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"params": [0]}]}, FOLDER / "optimizer.pth")
    module = torch.jit.script(torch.nn.Linear(1, 1))
    torch.jit.save(module, FOLDER / "torchscript.pt")

    model = {"model": numpys, "__author__": "test", "matching_heuristics": True}
    for protocol in (0, 2, 3, 4, 5):
        (FOLDER / f"detectron2-{protocol}.pkl").write_bytes(pickle.dumps(model, protocol))
    with open(FOLDER / "caffe2-python2.pkl", "wb") as file:
        momentum = {"conv.weight_momentum": numpys["conv.weight"]}
        Python2Pickler(file, 2).dump({"blobs": {**numpys, **momentum}, "cfg": "text " * 100})

    np.savez(FOLDER / "stored.npz", **{name.replace(".", "/"): value for name, value in numpys.items()})
    np.savez_compressed(FOLDER / "deflated.npz", **{name.replace(".", "/"): value for name, value in numpys.items()})
    np.save(FOLDER / "large.npy", numpys["large"])

    random = np.random.default_rng(5)
    blobs = {
        "conv.0": random.standard_normal((4, 3, 2, 2), dtype=np.float32),
        "conv.1": random.standard_normal(4, dtype=np.float32),
        "fc.0": random.standard_normal((2, 4)),
    }
    expected["caffe"] = listed(blobs)
    for name, old in (("new", False), ("old", True)):
        (FOLDER / f"{name}.caffemodel").write_bytes(caffemodel(blobs, old))

    kept = {name: value for name, value in numpys.items() if name not in ("big_endian", "short")}
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "weights",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(value.copy(order="C"), name) for name, value in kept.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), FOLDER / "model.onnx")

    plain = {name: value.contiguous().clone() for name, value in state.items()}
    names = sorted(plain)
    index = {"metadata": {"total_size": 0}, "weight_map": {}}
    for i, part in enumerate((names[:5], names[5:]), 1):
        file = f"model-0000{i}-of-00002.safetensors"
        save_file({name: plain[name] for name in part}, FOLDER / file)
        index["weight_map"] |= {name: file for name in part}
    (FOLDER / "model.safetensors.index.json").write_text(json.dumps(index))

    (FOLDER / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
