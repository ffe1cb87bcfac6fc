"""Box refinement: what the head learns from and how its passes are put together."""

from __future__ import annotations

import pytest
import torch

from vertebra_training.config import Category, DetectorConfig, HeadConfig
from vertebra_training.detector import Detector

SIZES = [(96, 128), (90, 120)]
TARGETS = [
    {"boxes": torch.tensor([[5.0, 5.0, 60.0, 60.0]]), "labels": torch.tensor([1])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long)},
]


def detector(class_agnostic: bool, refinements: int) -> Detector:
    torch.manual_seed(0)
    head = HeadConfig(class_agnostic=class_agnostic, refinements=refinements)
    categories = (Category("box", 7), Category("disc", 3))
    return Detector(DetectorConfig(backbone="vgg16", categories=categories, head=head))


@pytest.mark.parametrize("class_agnostic", [True, False])
def test_losses_are_finite_with_a_photo_without_objects(class_agnostic):
    _, losses = detector(class_agnostic, 1)(torch.randn(2, 3, 96, 128), SIZES, TARGETS)
    assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())


def test_without_refinement_the_head_is_torchvisions():
    once = detector(True, 0).roi.eval()
    features = {f"p{n}": torch.randn(1, 256, 96 >> n, 128 >> n) for n in (3, 4, 5)}
    proposals = [torch.tensor([[0.0, 0.0, 50.0, 50.0], [30.0, 20.0, 90.0, 90.0]])]
    logits, deltas = once.predict(features, proposals, SIZES[:1])
    expected = once.postprocess_detections(logits, deltas, proposals, SIZES[:1])
    [found], _ = once(features, proposals, SIZES[:1])
    for name, values in zip(("boxes", "scores", "labels"), expected):
        assert torch.equal(found[name], values[0])


def test_a_refined_box_is_that_of_the_likeliest_class_within_the_photo():
    roi = detector(False, 1).roi
    proposals = [torch.tensor([[10.0, 10.0, 30.0, 50.0], [60.0, 20.0, 100.0, 60.0]]), torch.zeros(0, 4)]
    logits = torch.tensor([[9.0, 1.0, 2.0], [9.0, 3.0, 2.0]])
    deltas = torch.zeros(2, 12)
    deltas[0, 8] = 5  # class 2: half a width to the right
    deltas[1, 4] = 10  # class 1: a whole width
    first, second = roi.refined(logits, deltas, proposals, [(80, 110), (80, 110)])
    assert first.tolist() == [[20, 10, 40, 50], [100, 20, 110, 60]]
    assert second.shape == (0, 4)


def test_a_box_beyond_the_photo_stays_its_proposal():
    roi = detector(True, 1).roi
    proposals = [torch.tensor([[10.0, 10.0, 30.0, 50.0]])]
    deltas = torch.tensor([[100.0, 0.0, 0.0, 0.0]]).repeat(1, 3)
    assert torch.equal(roi.refined(torch.zeros(1, 3), deltas, proposals, [(80, 110)])[0], proposals[0])
    assert roi.refined(torch.zeros(0, 3), torch.zeros(0, 12), [torch.zeros(0, 4)], [(80, 110)])[0].shape == (0, 4)
