"""The losses and proposals of whole batches against torchvision's, which go from photo to photo."""

from __future__ import annotations

import pytest
import torch
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork

from vertebra_training.config import Category, DetectorConfig, HeadConfig
from vertebra_training.detector import Detector
from vertebra_training.regions import choose
from vertebra_training.truth import Truth

SIZES = [(96, 128), (90, 120), (96, 100)]
TARGETS = [
    {"boxes": torch.tensor([[5.0, 5.0, 60.0, 60.0], [50.0, 40.0, 60.0, 49.0]]), "labels": torch.tensor([1, 2])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long)},
    {"boxes": torch.tensor([[0.0, 10.0, 99.0, 90.0]]), "labels": torch.tensor([2])},
]
EVERY = 1_000_000  # regions: all are chosen, so that nothing is left to chance


@pytest.fixture(params=[True, False])
def detector(request) -> Detector:
    torch.manual_seed(0)
    head = HeadConfig(class_agnostic=request.param)
    config = DetectorConfig(backbone="vgg16", categories=(Category("box", 7), Category("disc", 3)), head=head)
    return Detector(config, rpn_samples=EVERY, head_samples=EVERY).train()


def levels() -> dict[str, torch.Tensor]:
    return {f"p{n}": torch.randn(3, 256, 96 >> n, 128 >> n) for n in (3, 4, 5, 6)}


def test_rpn_equals_torchvisions(detector):
    features, images = levels(), ImageList(torch.empty(3, 3, 96, 128), SIZES)
    (proposals, is_one), losses = detector.rpn(images, features, Truth.of(TARGETS))
    detector.rpn.__class__, own = RegionProposalNetwork, detector.rpn.__class__
    expected, expected_losses = detector.rpn(images, features, TARGETS)
    detector.rpn.__class__ = own
    for boxes, mask, wanted in zip(proposals, is_one, expected):
        torch.testing.assert_close(boxes[mask], wanted)
    torch.testing.assert_close(losses["objectness"], expected_losses["loss_objectness"])
    torch.testing.assert_close(losses["rpn_boxes"], expected_losses["loss_rpn_box_reg"])


def test_head_equals_torchvisions(detector):
    features, roi = levels(), detector.roi
    corners = torch.rand(3, 50, 2) * 60
    proposals = torch.cat([corners, corners + 4 + torch.rand(3, 50, 2) * 50], dim=2)
    proposals[:, 40:] = 0
    is_one = torch.ones(3, 50, dtype=torch.bool)
    is_one[:, 40:] = False
    _, losses = roi(features, (proposals, is_one), SIZES, Truth.of(TARGETS))
    roi.__class__, own = RoIHeads, roi.__class__
    _, expected = roi(features, [boxes[:40] for boxes in proposals], SIZES, TARGETS)
    roi.__class__ = own
    torch.testing.assert_close(losses["classes"], expected["loss_classifier"])
    torch.testing.assert_close(losses["boxes"], expected["loss_box_reg"])


def test_a_small_box_is_no_proposal(detector):
    objectness = torch.tensor([[3.0, 2.0, 1.0]])
    anchors = torch.tensor([[0.0, 0.0, 20.0, 20.0], [200.0, 10.0, 220.0, 40.0], [60.0, 60.0, 90.0, 90.0]])
    boxes, is_one = detector.rpn.proposals(objectness, torch.zeros(1, 3, 4), anchors, [3], [(100, 100)])
    assert boxes[0, is_one[0]].tolist() == [[0, 0, 20, 20], [60, 60, 90, 90]]


def test_choice_has_the_share_of_positives_and_fills_up_with_negatives():
    positive = torch.zeros(2, 40, dtype=torch.bool)
    positive[0, :20], positive[1, :2] = True, True
    negative = ~positive
    negative[:, 35:] = False
    generator = torch.Generator().manual_seed(1)
    index, valid = choose(positive, negative, 16, 0.25, generator)
    assert valid.all() and index.shape == (2, 16)
    assert positive.gather(1, index).sum(dim=1).tolist() == [4, 2]
    assert [len(set(row.tolist())) for row in index] == [16, 16]
    assert not (index >= 35).any()
    other, _ = choose(positive, negative, 16, 0.25, generator)
    assert not torch.equal(index, other)
    few, valid = choose(positive, torch.zeros_like(negative), 16, 0.25, generator)
    assert valid.sum(dim=1).tolist() == [4, 2]
    assert positive.gather(1, few)[valid].all()
