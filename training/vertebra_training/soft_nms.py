"""Soft-NMS (Bodla et al. 2017): boxes that overlap a better one have their scores lowered instead of being cut."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import box_iou


def soft_nms(
    boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float, least_score: float, count: int
) -> tuple[Tensor, Tensor]:
    """Indices of at most `count` boxes, and their lowered scores: linear rule, within each class, highest first."""
    overlaps = box_iou(boxes, boxes)
    lowers = (overlaps > iou_threshold) & (labels[:, None] == labels)
    factors = torch.where(lowers, 1 - overlaps, 1.0)
    left, indices, lowered = scores.clone(), [], []
    for _ in range(min(count, len(scores))):
        best = int(left.argmax())
        score = float(left[best])
        if score < least_score:
            break
        indices.append(best)
        lowered.append(score)
        left *= factors[best]
        left[best] = -1
    return torch.tensor(indices, dtype=torch.long, device=boxes.device), scores.new_tensor(lowered)
