"""Soft-NMS (Bodla et al. 2017): boxes that overlap a better one have their scores lowered instead of being cut."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import box_iou


def soft_nms(
    boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float, least_score: float, count: int
) -> tuple[Tensor, Tensor]:
    """Indices of at most `count` boxes, and their lowered scores: linear rule, within each class, highest first."""
    left, indices, lowered = scores.clone(), [], []
    for _ in range(min(count, len(scores))):
        best = int(left.argmax())
        score = float(left[best])
        if score < least_score:
            break
        indices.append(best)
        lowered.append(score)
        overlaps = box_iou(boxes[best : best + 1], boxes)[0]  # those of all with all would fill the memory
        lowers = (overlaps > iou_threshold) & (labels == labels[best])
        left *= torch.where(lowers, 1 - overlaps, 1.0)
        left[best] = -1
    return torch.tensor(indices, dtype=torch.long, device=boxes.device), scores.new_tensor(lowered)
