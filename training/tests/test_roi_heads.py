"""Box refinement: what the head learns from and how its passes are put together."""

from __future__ import annotations

import pytest
import torch
from torchvision.ops import box_iou

from vertebra_training.config import Category, DetectorConfig, HeadConfig
from vertebra_training.detector import Detector
from vertebra_training.soft_nms import soft_nms

SIZES = [(96, 128), (90, 120)]
TARGETS = [
    {"boxes": torch.tensor([[5.0, 5.0, 60.0, 60.0]]), "labels": torch.tensor([1])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long)},
]


def detector(class_agnostic: bool, refinements: int, **head) -> Detector:
    torch.manual_seed(0)
    head = HeadConfig(class_agnostic=class_agnostic, refinements=refinements, **head)
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
    [found], _ = once(features, (proposals, [torch.tensor([0.9, 0.4])]), SIZES[:1])
    for name, values in zip(("boxes", "scores", "labels"), expected):
        assert torch.equal(found[name], values[0])


def test_a_score_is_the_probability_times_a_power_of_the_objectness():
    roi = detector(True, 0, objectness_power=0.5).roi
    logits, objectness = torch.tensor([[1.0, 2.0, 0.0], [0.0, -200.0, 9.0]]), torch.tensor([0.25, 1.0])
    expected = logits.softmax(dim=1)[:, 1:] * torch.tensor([[0.5], [1.0]])
    torch.testing.assert_close(roi.weighted(logits, objectness).softmax(dim=1)[:, 1:], expected)


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


def test_only_what_may_be_an_object_is_refined():
    roi = detector(True, 2, refinement_threshold=0.05).roi.eval()
    given = []  # the left sides of each pass
    logits_of_pass = iter(([2.0, -9.0, 4.0, 1.0], [-20.0, 6.0, 1.0], [8.0, 1.0]))

    def predict(features, proposals, image_shapes):
        boxes = torch.cat(proposals)
        given.append(boxes[:, 0].tolist())
        logits = torch.tensor([[0.0, value, -99.0] for value in next(logits_of_pass)])
        return logits, torch.tensor([[5.0, 0.0, 0.0, 0.0]]).repeat(len(boxes), 3)  # half a width to the right

    roi.predict = predict
    boxes = torch.tensor([[x, 0.0, x + 20, 20.0] for x in (0.0, 30.0, 60.0)])
    logits, _, proposals = roi.passes({}, [boxes, torch.zeros(0, 4), boxes[:1]], [(80, 110)] * 3)
    assert given == [[0, 30, 60, 0], [10, 70, 10], [80, 20]]
    assert logits[:, 1].tolist() == [-9, -9, 6, 1]
    assert [each[:, 0].tolist() for each in proposals] == [[10, 30, 80], [], [20]]


def test_soft_nms_lowers_scores_within_a_class():
    boxes = torch.tensor(
        [[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0], [0.0, 0.0, 10.0, 5.0], [50.0, 0.0, 60.0, 10.0]]
    )
    scores, labels = torch.tensor([0.9, 0.8, 0.7, 0.3]), torch.tensor([1, 1, 2, 1])
    index, lowered = soft_nms(boxes, scores, labels, 0.3, 0.05, 10)
    assert index.tolist() == [0, 2, 1, 3] and torch.allclose(lowered, torch.tensor([0.9, 0.7, 0.4, 0.3]))
    assert soft_nms(boxes, scores, labels, 0.3, 0.05, 2)[0].tolist() == [0, 2]
    assert soft_nms(boxes, scores, labels, 0.3, 0.5, 10)[0].tolist() == [0, 2]
    assert soft_nms(boxes, scores, labels, 0.5, 0.05, 10)[0].tolist() == [0, 1, 2, 3]  # not more than 0.5
    assert len(soft_nms(boxes[:0], scores[:0], labels[:0], 0.3, 0.05, 10)[0]) == 0


def test_a_box_beyond_the_photo_stays_its_proposal():
    roi = detector(True, 1).roi
    proposals = [torch.tensor([[10.0, 10.0, 30.0, 50.0]])]
    deltas = torch.tensor([[100.0, 0.0, 0.0, 0.0]]).repeat(1, 3)
    assert torch.equal(roi.refined(torch.zeros(1, 3), deltas, proposals, [(80, 110)])[0], proposals[0])
    assert roi.refined(torch.zeros(0, 3), torch.zeros(0, 12), [torch.zeros(0, 4)], [(80, 110)])[0].shape == (0, 4)


def test_soft_nms_compares_with_one_box_at_a_time(monkeypatch):
    torch.manual_seed(0)
    corners = torch.rand(300, 2) * 50
    boxes, scores = torch.cat([corners, corners + torch.rand(300, 2) * 40 + 1], dim=1), torch.rand(300)
    labels = torch.arange(300) % 3
    overlaps = box_iou(boxes, boxes)
    factors = torch.where((overlaps > 0.3) & (labels[:, None] == labels), 1 - overlaps, 1.0)
    rows = []

    def of_rows(some, every):
        rows.append(len(some))
        return box_iou(some, every)

    monkeypatch.setattr("vertebra_training.soft_nms.box_iou", of_rows)
    index, lowered = soft_nms(boxes, scores, labels, 0.3, 0.05, 100)
    assert set(rows) == {1}
    for best, score in zip(index, lowered):
        assert scores.argmax() == best and torch.equal(scores[best], score)
        scores = scores * factors[best]
        scores[best] = -1
