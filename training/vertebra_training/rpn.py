"""torchvision's RegionProposalNetwork, with the objectness of its proposals; in training all photos of a batch at once,
in tensors of one shape. Losses and proposals are the same; what differs is which anchors the random choice meets.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection.rpn import RegionProposalNetwork, concat_box_prediction_layers
from torchvision.ops import batched_nms

from .regions import box_loss, choose
from .truth import Truth


class Rpn(RegionProposalNetwork):
    """The proposals are a list of tensors, with one of their objectness; in training a tensor N x P x 4, with a mask
    N x P of those that are some."""

    generator: torch.Generator

    def forward(self, images, features: dict[str, Tensor], truth: Truth | None = None):
        levels = list(features.values())
        objectness, deltas = self.head(levels)
        counts = [o.shape[1:].numel() for o in objectness]
        anchors = self.anchor_generator(images, levels)
        objectness, deltas = concat_box_prediction_layers(objectness, deltas)
        if not self.training:
            boxes = self.box_coder.decode(deltas, anchors).view(len(anchors), -1, 4)
            return self.filter_proposals(boxes, objectness, images.image_sizes, counts), {}
        anchors = anchors[0]
        objectness, deltas = objectness.view(len(levels[0]), -1), deltas.view(len(levels[0]), -1, 4)
        proposals = self.proposals(objectness.detach(), deltas.detach(), anchors, counts, images.image_sizes)
        return proposals, self.losses(objectness, deltas, anchors, truth)

    def losses(self, objectness: Tensor, deltas: Tensor, anchors: Tensor, truth: Truth) -> dict[str, Tensor]:
        overlaps = truth.overlaps(anchors[None])
        overlap, nearest = overlaps.max(dim=2)
        # The best anchor of an object learns it, however little they overlap.
        is_best = ((overlaps == overlaps.amax(dim=1, keepdim=True)) & (truth.labels[:, None] > 0)).any(dim=2)
        positive = is_best | (overlap >= self.proposal_matcher.high_threshold)
        negative = ~positive & (overlap < self.proposal_matcher.low_threshold)
        how = (self.fg_bg_sampler.batch_size_per_image, self.fg_bg_sampler.positive_fraction, self.generator)
        index, valid = choose(positive, negative, *how)
        positive, nearest = positive.gather(1, index) & valid, nearest.gather(1, index)
        count = valid.sum().clamp(min=1)
        wrong = F.binary_cross_entropy_with_logits(objectness.gather(1, index), positive.float(), reduction="none")
        chosen = deltas.gather(1, index[..., None].expand(-1, -1, 4))
        return {
            "objectness": (wrong * valid).sum() / count,
            "rpn_boxes": box_loss(self.box_coder, chosen, anchors[index], truth.boxes_at(nearest), positive) / count,
        }

    def proposals(self, objectness: Tensor, deltas: Tensor, anchors: Tensor, counts: list[int], sizes):
        best, levels = [], []
        for level, scores in enumerate(objectness.split(counts, dim=1)):
            top = scores.topk(min(self.pre_nms_top_n(), scores.shape[1])).indices
            best.append(top + sum(counts[:level]))
            levels.append(torch.full_like(top[0], level))
        index, level = torch.cat(best, dim=1), torch.cat(levels)
        chosen = deltas.gather(1, index[..., None].expand(-1, -1, 4))
        boxes = self.box_coder.decode_single(chosen.view(-1, 4), anchors[index].view(-1, 4)).view(*index.shape, 4)
        limits = torch.tensor([(width, height) * 2 for height, width in sizes], device=boxes.device, dtype=boxes.dtype)
        boxes = boxes.clamp(min=0).minimum(limits[:, None])
        is_box = ((boxes[..., 2:] - boxes[..., :2]) >= self.min_size).all(dim=2)
        scores = torch.where(is_box, objectness.gather(1, index).sigmoid(), -1.0)  # last, so that it removes none
        kept = boxes.new_zeros((len(boxes), self.post_nms_top_n(), 4))
        valid = torch.zeros(kept.shape[:2], dtype=torch.bool, device=kept.device)
        for photo in range(len(boxes)):
            keep = batched_nms(boxes[photo], scores[photo], level, self.nms_thresh)[: kept.shape[1]]
            kept[photo, : len(keep)] = boxes[photo, keep]
            valid[photo, : len(keep)] = is_box[photo, keep]
        return kept, valid
