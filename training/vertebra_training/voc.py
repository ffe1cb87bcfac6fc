"""The data set's names and the numbers of the starting weights, whose file carries no configuration."""

from __future__ import annotations

from .config import AnchorConfig, Category, DetectorConfig, InputConfig, RpnConfig

NAMES = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep "
    "sofa train tvmonitor"
).split()
CATEGORIES = tuple(Category(name, index) for index, name in enumerate(NAMES, start=1))

STARTING_CONFIG = DetectorConfig(
    pyramid_channels=128,
    categories=CATEGORIES,
    input=InputConfig(longer_side=480),
    anchors=AnchorConfig(strides=None),
    rpn=RpnConfig(channels=128),
)
