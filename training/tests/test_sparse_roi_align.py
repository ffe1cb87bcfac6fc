import pytest
import torch
from torchvision.ops import roi_align

from vertebra_training.detector import level_roi_align
from vertebra_training.sparse_roi_align import sparse_roi_align


@pytest.mark.parametrize("aligned", [False, True])
def test_same_values_and_gradients_as_torchvision(aligned):
    torch.manual_seed(0)
    maps = [torch.randn(2, 5, side, side + 6, requires_grad=True) for side in (11, 6)]
    corners = torch.rand(40, 2) * torch.tensor([150.0, 100.0]) - 10
    boxes = torch.cat([corners, corners + torch.rand(40, 2) * 60], dim=1)  # some reach outside, some are tiny
    rois = torch.cat([torch.randint(0, 2, (40, 1)).float(), boxes], dim=1)
    levels = torch.randint(0, 2, (40,))
    weight = torch.randn(40, 5, 7, 7)
    results = []
    for operator in (level_roi_align, sparse_roi_align):
        pooled = operator(maps, levels, rois, 7, [1 / 8, 1 / 16], 2, aligned)
        results.append((pooled.detach(), *torch.autograd.grad((pooled * weight).sum(), maps)))
    for received, expected in zip(results[1], results[0]):
        torch.testing.assert_close(received, expected, atol=1e-4, rtol=1e-4)
    first = roi_align(maps[0], rois[levels == 0], 7, 1 / 8, 2, aligned)
    torch.testing.assert_close(results[1][0][levels == 0], first, atol=1e-4, rtol=1e-4)


def test_no_regions():
    maps, none = [torch.zeros(1, 3, 4, 4)], torch.zeros(0, dtype=torch.int)
    assert sparse_roi_align(maps, none, torch.zeros(0, 5), 7, [1 / 8], 2, False).shape == (0, 3, 7, 7)
