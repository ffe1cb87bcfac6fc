"""torchvision's RoIHeads with box refinement: the boxes of the head become its proposals again (He et al. 2015,
appendix B; Gidaris and Komodakis 2015, arXiv:1505.01749). In training the head learns from its own boxes, too.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.ops import clip_boxes_to_image

LEAST_SIDE = 0.01  # pixels; a smaller box stays the proposal that it was


class RefiningRoiHeads(RoIHeads):
    def __init__(self, *arguments, refinements: int, **named) -> None:
        super().__init__(*arguments, **named)
        self.refinements = refinements

    def forward(self, features, proposals, image_shapes, targets=None):
        if self.training:
            return [], self.losses(features, proposals, image_shapes, targets)
        logits, deltas = self.predict(features, proposals, image_shapes)
        total = logits
        for _ in range(self.refinements):
            proposals = self.refined(logits, deltas, proposals, image_shapes)
            logits, deltas = self.predict(features, proposals, image_shapes)
            total = total + logits
        mean = total / (self.refinements + 1)
        found = self.postprocess_detections(mean, deltas, proposals, image_shapes)
        return [{"boxes": b, "labels": label, "scores": s} for b, s, label in zip(*found)], {}

    def losses(self, features, proposals, image_shapes, targets) -> dict[str, Tensor]:
        """The mean of the first pass and, where boxes are refined in use, of a second over what the first gave."""
        proposals, _, labels, wanted = self.select_training_samples(proposals, targets)
        logits, deltas = self.predict(features, proposals, image_shapes)
        passes = [fastrcnn_loss(logits, deltas, labels, wanted)]
        if self.refinements:
            again = self.refined(logits.detach(), deltas.detach(), proposals, image_shapes)
            labels, wanted = self.targets_of(again, targets)
            passes.append(fastrcnn_loss(*self.predict(features, again, image_shapes), labels, wanted))
        classes, boxes = (sum(losses) / len(passes) for losses in zip(*passes))
        return {"loss_classifier": classes, "loss_box_reg": boxes}

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

    def targets_of(self, proposals: list[Tensor], targets) -> tuple[list[Tensor], list[Tensor]]:
        boxes = [target["boxes"] for target in targets]
        matched, labels = self.assign_targets_to_proposals(proposals, boxes, [target["labels"] for target in targets])
        # Without an object all regions are background, and what their boxes should be is never asked.
        nearest = [b[index] if len(b) else p for b, index, p in zip(boxes, matched, proposals)]
        return labels, self.box_coder.encode(nearest, proposals)
