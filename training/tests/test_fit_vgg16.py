import math

import torch
import torch.nn.functional as F

from vertebra_training.fit_vgg16 import (
    VGG19,
    LeastSquares,
    block_losses,
    block_pairs,
    equalise,
    nearest_centroid_accuracy,
    shortened,
)
from vertebra_training.vgg import Vgg16


def vgg19() -> Vgg16:
    torch.manual_seed(0)
    return Vgg16(VGG19).requires_grad_(False)


def test_shortened_network_keeps_the_first_and_the_last_convolutions():
    given = vgg19()
    network = shortened(given)
    for name, source in (("conv2_2", "conv2_2"), ("conv4_1", "conv4_1"), ("conv4_3", "conv4_4")):
        assert torch.equal(getattr(network, name).weight, getattr(given, source).weight)


def test_least_squares_and_gradients_lower_each_block_s_error():
    given, images = vgg19(), torch.randn(2, 3, 64, 64)
    network = shortened(given).requires_grad_(False)
    pairs = block_pairs(given, images)
    errors = [{stage: loss.item() for stage, loss in block_losses(network, pairs).items()}]
    solver = LeastSquares(network, 5)
    solver.add(*pairs[5])
    solver.solve()
    errors.append({stage: loss.item() for stage, loss in block_losses(network, pairs).items()})
    assert errors[1][5] < errors[0][5] / 2
    assert errors[1][4] == errors[0][4]

    optimiser = torch.optim.Adam(network.requires_grad_(True).parameters(), lr=1e-4)
    for _ in range(4):
        losses = block_losses(network, pairs)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
    assert losses[3].item() < errors[1][3]
    assert losses[4].item() < errors[1][4]


def test_equalised_network_computes_the_same_at_another_scale():
    network, images = Vgg16().requires_grad_(False), torch.randn(2, 3, 64, 64) * 100
    before = network(images)
    equalise(network, images)
    after = network(images)
    for old, new in zip(before, after):
        torch.testing.assert_close(F.normalize(new.flatten(), dim=0), F.normalize(old.flatten(), dim=0))
    torch.testing.assert_close(after[0].square().mean().sqrt(), torch.tensor(1.0), atol=1e-3, rtol=0)


def test_nearest_centroid_leaves_the_tested_one_out():
    features = torch.tensor([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1]])
    assert nearest_centroid_accuracy(features, torch.tensor([1, 1, 2, 2])) == 1
    assert nearest_centroid_accuracy(features, torch.tensor([1, 2, 1, 2])) < 1


def test_nearest_centroid_leaves_out_classes_of_one():
    features = torch.tensor([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1], [5.0, 5.0]])
    assert nearest_centroid_accuracy(features, torch.tensor([1, 2, 1, 2, 3])) == 0
    assert math.isnan(nearest_centroid_accuracy(features[:2], torch.tensor([1, 2])))
