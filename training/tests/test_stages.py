import pytest

from vertebra_training.stages import is_frozen


@pytest.mark.parametrize(
    ("parameter", "stage", "backbone", "frozen"),
    [
        ("backbone.block3.unit1.conv1.weight", "top", "resnet101", True),
        ("backbone.block3.unit15.conv1.weight", "top", "resnet101", True),
        ("backbone.block3.unit16.conv1.weight", "top", "resnet101", False),
        ("backbone.block4.unit1.conv1.weight", "top", "resnet101", False),
        ("backbone.conv1.weight", "all", "resnet101", True),
        ("backbone.block2.unit1.conv1.weight", "all", "resnet101", False),
        ("backbone.conv4_3.weight", "top", "vgg16", True),
        ("backbone.conv5_1.weight", "top", "vgg16", False),
        ("fpn.lateral3.weight", "new", "vgg16", False),
    ],
)
def test_a_stage_freezes_whole_stages_and_single_units(parameter, stage, backbone, frozen):
    assert is_frozen(parameter, stage, backbone) == frozen
