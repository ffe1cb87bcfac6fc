"""Which layers learn when: first the new ones, then the trunk's upper blocks too, then all but the lowest."""

from __future__ import annotations

from .detector import Detector
from .errors import TrainingError
from .resnet import FIRST_TOP_UNIT

# Parts of the trunk that stay as they are. Edges and colours learnt from ImageNet serve any photo. Where little
# computing is to be had, `top` is the best use of it: no gradient runs through the two thirds of the trunk below.
FROZEN = {
    "new": {
        "resnet101": ("conv1", "block1", "block2", "block3", "block4"),
        "vgg16": ("conv1", "conv2", "conv3", "conv4", "conv5"),
    },
    "top": {
        "resnet101": ("conv1", "block1", "block2", *(f"block3.unit{unit}" for unit in range(1, FIRST_TOP_UNIT))),
        "vgg16": ("conv1", "conv2", "conv3", "conv4"),
    },
    "upper": {
        "resnet101": ("conv1", "block1", "block2"),
        "vgg16": ("conv1", "conv2", "conv3"),
    },
    "all": {
        "resnet101": ("conv1", "block1"),
        "vgg16": ("conv1", "conv2"),
    },
}

# Not from ImageNet in the starting weights, so it learns at the rate of the new layers.
UNTRAINED = ("block4",)


def trunk_stage_of(parameter: str) -> str | None:
    """'backbone.conv4_2.weight' -> 'conv4'; None outside the trunk."""
    parts = parameter.split(".")
    return parts[1].split("_")[0] if parts[0] == "backbone" else None


def is_frozen(parameter: str, stage: str, backbone: str) -> bool:
    """Whether a parameter belongs to one of the parts named above: conv4 is conv4_1, conv4_2 and so on."""
    parts = [f"backbone.{part}" for part in FROZEN[stage][backbone]]
    return parameter.startswith(tuple(part + end for part in parts for end in "._"))


def learns_slowly(parameter: str) -> bool:
    return trunk_stage_of(parameter) not in (None, *UNTRAINED)


def parse_stages(text: str) -> list[tuple[str, float]]:
    """'new:1,upper:4' -> each stage and the share of the run at which it ends."""
    try:
        pairs = [(name, float(share)) for name, share in (part.split(":") for part in text.split(","))]
    except ValueError:
        pairs = []
    order = [list(FROZEN).index(name) for name, _ in pairs if name in FROZEN]
    if not pairs or len(order) != len(pairs) or order != sorted(set(order)) or any(share <= 0 for _, share in pairs):
        raise TrainingError(
            f"Expected some of {', '.join(FROZEN)} in this order, each as NAME:SHARE, for stages but received {text!r}."
        )
    whole, ends, end = sum(share for _, share in pairs), [], 0.0
    for name, share in pairs:
        end += share / whole
        ends.append((name, end))
    return ends


def stage_at(stages: list[tuple[str, float]], progress: float) -> str:
    return next((name for name, end in stages if progress < end), stages[-1][0])


def train_only(detector: Detector, stage: str) -> None:
    for name, parameter in detector.named_parameters():
        trunk_stage = trunk_stage_of(name)
        # Folded batch norm in front of trained convolutions keeps ImageNet's statistics, as frozen batch norm does.
        # What was not trained on ImageNet learns its own.
        normalising = "preact" in name and trunk_stage not in UNTRAINED and not name.startswith("fpn.c5.")
        frozen = is_frozen(name, stage, detector.config.backbone)
        parameter.requires_grad_(not frozen and not normalising)
