"""The objects of a batch as tensors of one shape: all its photos are treated at once, and a GPU never waits to be told
how many objects a photo has.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


@dataclass
class Truth:
    boxes: Tensor  # N x T x 4, zeros where a photo has fewer than T objects
    labels: Tensor  # N x T, 0 there

    @staticmethod
    def of(targets: list[dict[str, Tensor]]) -> Truth:
        labels = pad_sequence([target["labels"] for target in targets], batch_first=True)
        boxes = pad_sequence([target["boxes"] for target in targets], batch_first=True)
        if labels.shape[1] == 0:  # not one object in all photos
            labels, boxes = labels.new_zeros((len(targets), 1)), boxes.new_zeros((len(targets), 1, 4))
        return Truth(boxes, labels)

    def overlaps(self, boxes: Tensor) -> Tensor:
        """IoU, N x R x T, of boxes, N x R x 4 or 1 x R x 4, with the objects; -1 where there is none."""
        box, other = boxes[:, :, None], self.boxes[:, None]
        sides = torch.minimum(box[..., 2:], other[..., 2:]) - torch.maximum(box[..., :2], other[..., :2])
        shared = sides.clamp(min=0).prod(dim=-1)
        areas = [(b[..., 2:] - b[..., :2]).prod(dim=-1) for b in (box, other)]
        return torch.where(self.labels[:, None] > 0, shared / (areas[0] + areas[1] - shared), -1.0)

    def boxes_at(self, index: Tensor) -> Tensor:
        """N x R indices of objects -> their boxes, N x R x 4."""
        return self.boxes.gather(1, index[..., None].expand(-1, -1, 4))
