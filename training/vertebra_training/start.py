"""Starting weights: what a file has goes into the detector, also where the detector is wider than the file."""

from __future__ import annotations

from torch import Tensor

from .config import BACKBONES
from .detector import Detector
from .errors import TrainingError
from .weights import config_of, file_name_of, read_weights


def start_from(detector: Detector, path: str) -> list[str]:
    """Fills the detector and returns the names of the tensors that stay random: predictors of other classes do."""
    weights, metadata = read_weights(path)
    backbone = BACKBONES[detector.config.backbone]
    if metadata.get("backbone", backbone) != backbone:
        raise TrainingError(f"Expected weights of {backbone} in {path} but received those of {metadata['backbone']}.")
    same_classes = config_of(metadata, path).categories == detector.config.categories
    state = detector.state_dict()
    random = []
    for name, value in state.items():
        given = weights.get(file_name_of(name)) if same_classes or not name.startswith("roi.box_predictor.") else None
        if given is None:
            random.append(name)
        else:
            if name.startswith("roi.box_predictor.deltas.") and len(given) > len(value):
                given = one_box(given)
            state[name] = grow(given, value, f"{name} of {path}")
    if len(random) == len(state):
        raise TrainingError(
            f"Expected weights of a {backbone} detector or of its trunk in {path} but received {len(weights)} tensors "
            f"of other names."
        )
    detector.load_state_dict(state)
    return random


def one_box(deltas: Tensor) -> Tensor:
    """Four rows for each class -> four rows, their mean; background has no box."""
    return deltas.unflatten(0, (-1, 4))[1:].mean(dim=0)


def grow(given: Tensor, wider: Tensor, name: str) -> Tensor:
    """The given tensor in the first rows and columns of the wider one.

    Added outputs (rows) stay random and added inputs (columns of given rows) become 0: the detector computes what the
    file's computed, and the added channels receive gradients.
    """
    if given.dim() != wider.dim() or any(small > large for small, large in zip(given.shape, wider.shape)):
        raise TrainingError(
            f"Expected a shape of at most {tuple(wider.shape)} for {name} but received {tuple(given.shape)}."
        )
    grown = wider.clone()
    grown[: given.shape[0]] = 0
    grown[tuple(slice(0, size) for size in given.shape)] = given
    return grown
