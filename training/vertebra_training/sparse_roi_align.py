"""RoIAlign as a sparse matrix times the feature map: the same values as torchvision's operator, which has a slow
backward pass on the CPU (one thread, scattered adds; a third of a whole training step).

Row = one output cell of one RoI, column = one cell of the map, value = bilinear weight / samples.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor


class _SparseTimesDense(torch.autograd.Function):
    """Every row of the matrix has as many values as `columns` has columns."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)  # MKL has no bfloat16 sparse product
    def forward(ctx, columns: Tensor, values: Tensor, dense: Tensor) -> Tensor:
        ctx.save_for_backward(columns, values)
        ctx.width = dense.shape[0]
        return _matrix(columns, values, ctx.width) @ dense

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx, gradient: Tensor):
        columns, values = ctx.saved_tensors
        return None, None, _matrix(columns, values, ctx.width).t() @ gradient.contiguous()


def _matrix(columns: Tensor, values: Tensor, width: int) -> Tensor:
    rows, per_row = columns.shape
    starts = torch.arange(0, rows * per_row + 1, per_row, device=columns.device, dtype=columns.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "sparse support is in beta" and "invariants are not checked"
        return torch.sparse_csr_tensor(starts, columns.reshape(-1), values.reshape(-1), (rows, width))


def _axis(start: Tensor, length: Tensor, cells: Tensor, output: int, samples: int) -> tuple[Tensor, Tensor]:
    """Cell indices and weights, R x output x samples x 2, of the bilinear samples along one axis."""
    steps = (torch.arange(output * samples, device=start.device) + 0.5) / samples
    position = start[:, None] + steps * (length / output)[:, None]
    last = cells[:, None] - 1
    outside = (position < -1) | (position > cells[:, None])
    position = position.clamp(min=0)
    low = torch.minimum(position.floor(), last)
    position = torch.where(low >= last, low, position)
    fraction = position - low
    index = torch.stack([low, torch.minimum(low + 1, last)], dim=-1).int()
    weight = torch.stack([1 - fraction, fraction], dim=-1).masked_fill(outside[..., None], 0)
    return (x.view(len(start), output, samples, 2) for x in (index, weight))


def sparse_roi_align(
    features: list[Tensor],
    levels: Tensor,
    rois: Tensor,
    output: int,
    scales: list[float],
    samples: int,
    aligned: bool,
) -> Tensor:
    """R x C x output x output, channels last in memory: torchvision.ops.roi_align of each RoI on the map whose index
    `levels` gives, for a positive sampling ratio; no gradient for `rois`.
    """
    images, channels = features[0].shape[:2]
    count = len(rois)
    if count == 0:
        return features[0].new_zeros((0, channels, output, output))
    heights, widths, first = (torch.tensor(x, device=rois.device, dtype=torch.int) for x in _cells(features))
    height, width = heights[levels], widths[levels]
    scale = torch.tensor(scales, device=rois.device)[levels]
    x1, y1, x2, y2 = (rois[:, 1:] * scale[:, None] - (0.5 if aligned else 0)).unbind(1)
    span_x, span_y = (x2 - x1, y2 - y1) if aligned else ((x2 - x1).clamp(min=1), (y2 - y1).clamp(min=1))
    index_x, weight_x = _axis(x1, span_x, width, output, samples)
    index_y, weight_y = _axis(y1, span_y, height, output, samples)

    # R x output_y x output_x x (samples_y * 2) x (samples_x * 2)
    taps = samples * 2
    y, wy = (t.reshape(count, output, 1, taps, 1) for t in (index_y, weight_y))
    x, wx = (t.reshape(count, 1, output, 1, taps) for t in (index_x, weight_x))
    start = (first[levels] + rois[:, 0].int() * height * width).view(-1, 1, 1, 1, 1)
    columns = (start + y * width.view(-1, 1, 1, 1, 1) + x).reshape(count * output**2, taps**2)
    values = (wy * wx / samples**2).reshape(columns.shape)

    cells = torch.cat([level.permute(0, 2, 3, 1).reshape(-1, channels) for level in features])
    pooled = _SparseTimesDense.apply(columns, values, cells)
    return pooled.view(count, output, output, channels).permute(0, 3, 1, 2)


def _cells(features: list[Tensor]) -> tuple[list[int], list[int], list[int]]:
    """Height, width and index of the first cell of each map, all maps behind each other."""
    heights, widths = ([level.shape[side] for level in features] for side in (2, 3))
    counts = [level.shape[0] * level.shape[2] * level.shape[3] for level in features]
    return heights, widths, [sum(counts[:index]) for index in range(len(counts))]
