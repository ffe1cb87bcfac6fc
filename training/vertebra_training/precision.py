"""Which precision of the network is quicker on this machine.

Processors with the same instructions differ: AVX-512 BF16 halves a convolution's time on an AMD, and doubles it on an
Intel without AMX.
"""

from __future__ import annotations

import time

import torch
from torch.nn.functional import conv2d

PRECISIONS = ("bf16", "fp32")
PHOTOS, CHANNELS, SIDE = 4, 256, 24  # as a convolution of block 3 sees them
TIMES = 3


def default_precision(device: str) -> str:
    """bfloat16 where it makes a convolution quicker: on GPUs, and on some CPUs."""
    if device != "cpu":
        return "bf16"
    if not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return "fp32"
    return "bf16" if seconds_of_convolution(torch.bfloat16) < seconds_of_convolution(torch.float32) else "fp32"


@torch.no_grad()
def seconds_of_convolution(dtype: torch.dtype) -> float:
    """The shortest of a few, after one that sets up."""
    how = dict(dtype=dtype, memory_format=torch.channels_last)
    maps = torch.ones(PHOTOS, CHANNELS, SIDE, SIDE).to(**how)
    weights = torch.ones(CHANNELS, CHANNELS, 3, 3).to(**how)
    seconds = []
    for _ in range(1 + TIMES):
        began = time.perf_counter()
        conv2d(maps, weights, padding=1)
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])
