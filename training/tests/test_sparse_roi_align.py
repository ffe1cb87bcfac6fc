import pytest
import torch
from torchvision.ops import roi_align

from vertebra_training.sparse_roi_align import sparse_roi_align


@pytest.mark.parametrize("aligned", [False, True])
def test_same_values_and_gradients_as_torchvision(aligned):
    torch.manual_seed(0)
    features = torch.randn(2, 5, 11, 17, dtype=torch.float32, requires_grad=True)
    corners = torch.rand(40, 2) * torch.tensor([150.0, 100.0]) - 10
    boxes = torch.cat([corners, corners + torch.rand(40, 2) * 60], dim=1)  # some reach outside, some are tiny
    rois = torch.cat([torch.randint(0, 2, (40, 1)).float(), boxes], dim=1)
    weight = torch.randn(40, 5, 7, 7)
    results = []
    for operator in (roi_align, sparse_roi_align):
        features.grad = None
        pooled = operator(features, rois, 7, 1 / 8, 2, aligned)
        (pooled * weight).sum().backward()
        results.append((pooled.detach(), features.grad.clone()))
    torch.testing.assert_close(results[1][0], results[0][0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(results[1][1], results[0][1], atol=1e-4, rtol=1e-4)


def test_no_regions():
    assert sparse_roi_align(torch.zeros(1, 3, 4, 4), torch.zeros(0, 5), 7, 1 / 8, 2, False).shape == (0, 3, 7, 7)
