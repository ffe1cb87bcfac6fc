"""The part of the trunk that no stage up to `top` changes, in int8 on ONNX Runtime: a model folder that
`vertebra quantize` made. Where the processor multiplies int8 it takes a third of the time of float32.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from google.protobuf.message import DecodeError
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf, NotImplemented
from torch import Tensor, nn

from .errors import TrainingError

STAGES = ("new", "top")
# The graph's names of what a backbone's `below` returns.
CUTS = {
    "resnet101": ("backbone.block2.unit3", "backbone.block3.unit15"),
    "vgg16": ("c3",),
}
# Part of the maps' variance that the bytes may miss. Rounding alone makes one percent.
LARGEST_ERROR = 0.1


class Int8Trunk:
    """Maps as bytes, [height, width, channels], and what makes numbers of them: byte * scale + offset, by channel."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.graph = folder / "backbone.onnx"
        self.names = CUTS[kind]
        self.session: onnxruntime.InferenceSession | None = None
        self.scales: list[Tensor] = []
        self.offsets: list[Tensor] = []
        try:
            self.session = self.open()
        except (OSError, DecodeError, Fail, InvalidGraph, InvalidProtobuf, NotImplemented) as error:
            raise TrainingError(
                f"Expected a folder that `vertebra quantize` made of a {kind} detector for the int8 trunk but received "
                f"{folder}: {error}"
            ) from error

    def open(self) -> onnxruntime.InferenceSession:
        model = onnx.load(self.graph)
        del model.graph.output[:]
        for name in self.names:
            model.graph.output.append(onnx.helper.make_tensor_value_info(f"{name}.bytes", onnx.TensorProto.UINT8, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(model.SerializeToString(), options)

    def maps(self, image: Tensor) -> list[Tensor]:
        """Of one padded image, 3 x H x W. A process that received this object opens a session of its own."""
        self.session = self.session or self.open()
        outputs = self.session.run([f"{name}.bytes" for name in self.names], {"image": image[None].numpy()})
        return [torch.from_numpy(np.ascontiguousarray(output[0].transpose(1, 2, 0))) for output in outputs]

    def restore(self, maps: list[Tensor], dtype: torch.dtype) -> list[Tensor]:
        """Bytes [height, width, channels] -> numbers [1, channels, height, width], channels last in memory."""
        each = zip(maps, self.scales, self.offsets)
        return [
            (m.to(dtype) * scale.to(m.device, dtype) + offset.to(m.device, dtype)).permute(2, 0, 1)[None]
            for m, scale, offset in each
        ]

    def __getstate__(self) -> dict:
        return {**self.__dict__, "session": None}

    @torch.inference_mode()
    def fit(self, backbone: nn.Module, images: list[Tensor]) -> None:
        """Finds what makes the backbone's numbers of the bytes: quantizing shifts and divides the channels of residual
        streams. Weights that were quantised from others are refused: what learnt above their maps would be useless.
        """
        device = next(backbone.parameters()).device  # ONNX Runtime computes on the CPU
        pairs = [zip(self.maps(image), backbone.below(image[None].to(device))) for image in images]
        for name, *seen in zip(self.names, *pairs):
            given = torch.cat([maps.flatten(0, 1) for maps, _ in seen]).double()
            wanted = torch.cat([x[0].permute(1, 2, 0).flatten(0, 1).cpu() for _, x in seen]).double()
            mean, target = given.mean(dim=0), wanted.mean(dim=0)
            variance = ((given - mean) ** 2).mean(dim=0)
            scale = ((given - mean) * (wanted - target)).mean(dim=0) / variance.clamp(min=1e-9)
            offset = target - mean * scale
            error = float((given * scale + offset - wanted).var() / wanted.var())
            if error > LARGEST_ERROR:
                raise TrainingError(
                    f"Expected the int8 form of the starting weights in {self.graph.parent} but its {name} misses "
                    f"{error:.0%} of theirs."
                )
            self.scales.append(scale.float())
            self.offsets.append(offset.float())
