"""torchvision's RoIHeads with box refinement: the boxes of the head become its proposals again (He et al. 2015,
appendix B; Gidaris and Komodakis 2015, arXiv:1505.01749). In training the head learns from its own boxes, too.
"""

from __future__ import annotations

import sys

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import clip_boxes_to_image

from .config import HeadConfig
from .regions import box_loss, choose
from .soft_nms import soft_nms
from .truth import Truth

LEAST_SIDE = 0.01  # pixels; a smaller box stays the proposal that it was


class RefiningRoiHeads(RoIHeads):
    """The proposals are those of `Rpn`: with their objectness, in training with a mask."""

    generator: torch.Generator

    def __init__(self, *arguments, config: HeadConfig, **named) -> None:
        self.is_soft = config.nms_kind == "soft-linear"
        # Where it is soft, torchvision's leaves all boxes there.
        nms_thresh, detections = (1.0, sys.maxsize) if self.is_soft else (config.nms_iou, config.detections)
        super().__init__(
            *arguments,
            bbox_reg_weights=config.box_weights,
            score_thresh=config.score_threshold,
            nms_thresh=nms_thresh,
            detections_per_img=detections,
            **named,
        )
        self.config = config

    def forward(self, features, proposals, image_shapes, truth: Truth | None = None):
        if self.training:
            return [], self.losses(features, *proposals, image_shapes, truth)
        proposals, objectness = proposals
        logits, deltas, boxes = self.passes(features, proposals, image_shapes)
        if self.config.objectness_power:
            logits = self.weighted(logits, torch.cat(objectness))
        found = self.postprocess_detections(logits, deltas, boxes, image_shapes)
        return [{"boxes": b, "labels": label, "scores": s} for b, s, label in zip(*found)], {}

    def passes(self, features, proposals: list[Tensor], image_shapes) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Mean of the logits of a box's passes, and the deltas and proposals of its last one."""
        counts = [len(each) for each in proposals]
        logits, deltas = self.predict(features, proposals, image_shapes)
        boxes, total, last = torch.cat(proposals), logits.clone(), deltas.clone()
        times = torch.ones_like(logits[:, :1])
        rows = torch.arange(len(boxes), device=boxes.device)
        for _ in range(self.config.refinements):
            probability = (total / times)[rows].softmax(dim=1)[:, 1:].amax(dim=1)
            going = ~(probability < self.config.refinement_threshold)
            photos = zip(proposals, going.split([len(each) for each in proposals]))
            chosen = [each[again] for each, again in photos]
            proposals = self.refined(logits[going], deltas[going], chosen, image_shapes)
            rows = rows[going]
            logits, deltas = self.predict(features, proposals, image_shapes)
            total[rows] += logits
            times[rows] += 1
            boxes[rows], last[rows] = torch.cat(proposals), deltas
        return total / times, last, list(boxes.split(counts))

    def weighted(self, logits: Tensor, objectness: Tensor) -> Tensor:
        """Logits of the classes' probabilities times a power of the objectness, the rest being background's."""
        classes = logits.softmax(dim=1)[:, 1:] * objectness[:, None] ** self.config.objectness_power
        return torch.cat([1 - classes.sum(dim=1, keepdim=True), classes], dim=1).clamp(min=0).log()

    def postprocess_detections(self, logits, deltas, proposals, image_shapes):
        found = super().postprocess_detections(logits, deltas, proposals, image_shapes)
        if not self.is_soft:
            return found
        softened = []
        for boxes, scores, labels in zip(*found):
            how = (self.config.nms_iou, self.score_thresh, self.config.detections)
            index, lowered = soft_nms(boxes, scores, labels, *how)
            softened.append((boxes[index], lowered, labels[index]))
        return tuple(map(list, zip(*softened)))

    def losses(self, features, proposals: Tensor, is_one: Tensor, image_shapes, truth: Truth) -> dict[str, Tensor]:
        """The mean of the first pass and, where boxes are refined in use, of a second over what the first gave."""
        boxes, valid = self.chosen(proposals, is_one, truth)
        logits, deltas = self.predict(features, list(boxes), image_shapes)
        passes = [self.loss(logits, deltas, boxes, valid, truth)]
        if self.config.refinements:
            boxes = torch.stack(self.refined(logits.detach(), deltas.detach(), list(boxes), image_shapes))
            passes.append(self.loss(*self.predict(features, list(boxes), image_shapes), boxes, valid, truth))
        classes, distances = (sum(losses) / len(passes) for losses in zip(*passes))
        return {"classes": classes, "boxes": distances}

    def chosen(self, proposals: Tensor, is_one: Tensor, truth: Truth) -> tuple[Tensor, Tensor]:
        """Proposals and objects to learn from, N x S x 4, and which of them are some."""
        boxes = torch.cat([proposals, truth.boxes], dim=1)
        usable = torch.cat([is_one, truth.labels > 0], dim=1)
        is_object = truth.overlaps(boxes).amax(dim=2) >= self.proposal_matcher.high_threshold
        how = (self.fg_bg_sampler.batch_size_per_image, self.fg_bg_sampler.positive_fraction, self.generator)
        index, valid = choose(is_object & usable, ~is_object & usable, *how)
        return boxes.gather(1, index[..., None].expand(-1, -1, 4)), valid

    def loss(self, logits: Tensor, deltas: Tensor, boxes: Tensor, valid: Tensor, truth: Truth) -> tuple[Tensor, Tensor]:
        overlap, nearest = truth.overlaps(boxes).max(dim=2)
        labels = torch.where(overlap >= self.proposal_matcher.high_threshold, truth.labels.gather(1, nearest), 0)
        count = valid.sum().clamp(min=1)
        wrong = F.cross_entropy(logits, labels.flatten(), reduction="none")
        own = labels.flatten()[:, None, None].expand(-1, 1, 4)
        deltas = deltas.unflatten(1, (-1, 4)).gather(1, own).view_as(boxes)
        distance = box_loss(self.box_coder, deltas, boxes, truth.boxes_at(nearest), valid & (labels > 0))
        return (wrong * valid.flatten()).sum() / count, distance / count

    def predict(self, features, proposals, image_shapes) -> tuple[Tensor, Tensor]:
        return self.box_predictor(self.box_head(self.box_roi_pool(features, proposals, image_shapes)))

    def refined(self, logits: Tensor, deltas: Tensor, proposals: list[Tensor], image_shapes) -> list[Tensor]:
        """Each proposal's box of its likeliest class."""
        counts = [len(each) for each in proposals]
        if sum(counts) == 0:  # torchvision's coder gives another shape then
            return proposals
        best = logits[:, 1:].argmax(dim=1) + 1
        boxes = self.box_coder.decode(deltas, proposals)[torch.arange(len(best), device=best.device), best]
        refined = []
        for box, old, shape in zip(boxes.split(counts), proposals, image_shapes):
            box = clip_boxes_to_image(box, shape)
            is_box = ((box[:, 2:] - box[:, :2]) >= LEAST_SIDE).all(dim=1, keepdim=True)
            refined.append(torch.where(is_box, box, old))
        return refined
