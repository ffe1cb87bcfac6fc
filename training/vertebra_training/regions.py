"""What RPN and head share in training: which regions a step learns from, and how far their boxes are off."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def choose(
    positive: Tensor, negative: Tensor, count: int, positive_share: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Which regions a step learns from: `count` random ones of each photo, of which at most a share is positive.

    Masks N x R -> indices N x min(count, R), and which of these were there to be chosen.
    """
    random = torch.rand(positive.shape, generator=generator, device=positive.device)
    most = min(int(count * positive_share), positive.shape[1])
    best = torch.where(positive, random, -1.0).topk(most).indices
    taken = torch.zeros_like(positive).scatter(1, best, True) & positive
    order = torch.where(taken, random + 1, torch.where(negative, random, -1.0))
    chosen = order.topk(min(count, order.shape[1]))
    return chosen.indices, chosen.values >= 0


def box_loss(coder, deltas: Tensor, boxes: Tensor, wanted: Tensor, is_object: Tensor) -> Tensor:
    """Sum over those regions that are an object of the distance of their deltas, ... x 4, from the wanted boxes'."""
    unit = boxes.new_tensor([0.0, 0.0, 1.0, 1.0])
    mask = is_object[..., None]
    # What is no region may have no size, and its deltas no meaning.
    boxes, wanted = (torch.where(mask, x, unit).view(-1, 4) for x in (boxes, wanted))
    target = coder.encode_single(wanted, boxes).view_as(deltas)
    distance = F.smooth_l1_loss(deltas, target, beta=1 / 9, reduction="none")
    return (distance * mask).sum()
