"""Every number of a detector that is not a weight. Written into the exported file, so a reader needs no other source.

Boxes are x1, y1, x2, y2 in pixels, half-open. Label 0 is background.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from .errors import TrainingError

BACKBONES = {"resnet101": "resnet101-v2", "vgg16": "vgg16"}
NMS_KINDS = ("per-class", "soft-linear")


@dataclass(frozen=True)
class InputConfig:
    """RGB bytes become (x - mean) / std; the longer side becomes `longer_side`, then 0 fills up right and bottom."""

    longer_side: int = 512
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    std: tuple[float, float, float] = (127.5, 127.5, 127.5)
    pad_multiple: int = 32
    filter: str = "bilinear"  # Pillow's: antialiased when shrinking, on bytes
    channel_order: str = "rgb"


@dataclass(frozen=True)
class AnchorConfig:
    sizes: tuple[tuple[int, ...], ...] = ((32, 45), (64, 90), (128, 181), (256, 362))
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)  # height / width
    # None: floor(padded size / cells), which is not exact where the last level's cells do not divide the photo.
    strides: tuple[int, ...] | None = (8, 16, 32, 64)


@dataclass(frozen=True)
class RpnConfig:
    channels: int = 256
    pre_nms_top_n: int = 1000  # per level
    post_nms_top_n: int = 300  # all levels together
    nms_iou: float = 0.7
    score_threshold: float = 0.0  # of a proposal when the detector is used; in training all go on
    box_weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True)
class RoiConfig:
    levels: tuple[int, ...] = (3, 4, 5)
    output_size: int = 7
    sampling_ratio: int = 2
    aligned: bool = False
    canonical_scale: int = 224
    canonical_level: int = 4


@dataclass(frozen=True)
class HeadConfig:
    channels: int = 512  # of fc6 and fc7; 1024 would take the int8 model over 60 MB
    class_agnostic: bool = False  # one box for each region instead of one for each class
    box_weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    score_threshold: float = 0.05
    nms_kind: str = "per-class"  # or soft-linear, which lowers scores instead
    nms_iou: float = 0.5
    detections: int = 100
    refinements: int = 0  # how often the head's boxes become its proposals again when the detector is used
    refinement_threshold: float = 0.0  # of the likeliest class, for a box that does
    objectness_power: float = 0.0  # of the proposal's, with which a class's probability is multiplied


@dataclass(frozen=True)
class Category:
    name: str
    id: int  # the data set's own category id


def difference(expected: list[str], received: list[str]) -> str | None:
    """The first one in words, or None where both lists are the same."""
    for wanted, given in zip(expected, received):
        if wanted != given:
            return f"{given} in place of {wanted}"
    return None if len(expected) == len(received) else f"{len(received)} in place of {len(expected)}"


@dataclass(frozen=True)
class DetectorConfig:
    backbone: str = "resnet101"
    pyramid_channels: int = 256
    categories: tuple[Category, ...] = ()
    input: InputConfig = field(default_factory=InputConfig)
    anchors: AnchorConfig = field(default_factory=AnchorConfig)
    rpn: RpnConfig = field(default_factory=RpnConfig)
    roi: RoiConfig = field(default_factory=RoiConfig)
    head: HeadConfig = field(default_factory=HeadConfig)

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES:
            raise TrainingError(f"Expected {' or '.join(BACKBONES)} for backbone but received {self.backbone!r}.")
        if self.head.nms_kind not in NMS_KINDS:
            raise TrainingError(
                f"Expected {' or '.join(NMS_KINDS)} as kind of NMS but received {self.head.nms_kind!r}."
            )

    @property
    def classes(self) -> int:
        """Number of score columns: the categories and background."""
        return len(self.categories) + 1

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> DetectorConfig:
        raw = json.loads(text)

        def tuples(value):
            return tuple(map(tuples, value)) if isinstance(value, list) else value

        def build(kind, values):
            return kind(**{key: tuples(value) for key, value in values.items()})

        return DetectorConfig(
            backbone=raw["backbone"],
            pyramid_channels=raw["pyramid_channels"],
            categories=tuple(Category(**category) for category in raw["categories"]),
            input=build(InputConfig, raw["input"]),
            anchors=build(AnchorConfig, raw["anchors"]),
            rpn=build(RpnConfig, raw["rpn"]),
            roi=build(RoiConfig, raw["roi"]),
            head=build(HeadConfig, raw["head"]),
        )


def other_category(expected: DetectorConfig, received: DetectorConfig) -> str | None:
    """The first difference of their categories, by name and id, or None."""
    return difference(*([f"{c.name} (id {c.id})" for c in config.categories] for config in (expected, received)))
