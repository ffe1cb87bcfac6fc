"""Weights in safetensors: reading (int8 per output channel or float), naming, and the export of a detector.

In files the detector's parts are `backbone.*`, `fpn.*`, `rpn.{conv,objectness,deltas}` and
`head.{fc6,fc7,scores,deltas}`; torchvision's modules put a level more in between.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .config import BACKBONES, DetectorConfig
from .detector import Detector
from .errors import TrainingError
from .model_folder import read_model_folder
from .voc import STARTING_CONFIG

FORMAT = "vertebra-detector"
# module prefix -> file prefix
PREFIXES = {"rpn.head.": "rpn.", "roi.box_head.": "head.", "roi.box_predictor.": "head."}


def file_name_of(parameter: str) -> str:
    for module, file in PREFIXES.items():
        if parameter.startswith(module):
            return file + parameter[len(module) :]
    return parameter


def read_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors of a safetensors file or a model folder as float32 (int8 ones times their `.scale`), and metadata."""
    if Path(path).is_dir():
        weights, config = read_model_folder(Path(path))
        return weights, metadata_of(config)
    try:
        with safe_open(str(path), "pt") as file:
            metadata = file.metadata() or {}
            raw = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"Expected a safetensors file for weights but received {path}: {error}") from error
    weights = {}
    for name, value in raw.items():
        if name.endswith(".weight.scale"):
            continue
        if value.dtype == torch.int8:
            value = _scaled(value, raw.get(f"{name}.scale"), f"{name} of {path}")
        weights[name] = value.float()
    return weights, metadata


def _scaled(value: Tensor, scale: Tensor | None, name: str) -> Tensor:
    rows = value.shape[:1].numel()
    if scale is None or scale.numel() not in (1, rows):
        received = "none" if scale is None else scale.numel()
        raise TrainingError(f"Expected {rows} scales of the int8 tensor {name} but received {received}.")
    return value.float() * scale.view(-1, *[1] * (value.dim() - 1))


def config_of(metadata: dict[str, str], path: str | Path) -> DetectorConfig:
    """The numbers of a detector file. Only the starting weights carry none."""
    if "config" not in metadata:
        return STARTING_CONFIG
    try:
        return DetectorConfig.from_json(metadata["config"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TrainingError(f"Expected the configuration of a detector in {path} but received: {error!r}") from error


def load_weights(detector: Detector, weights: dict[str, Tensor], source: str) -> None:
    """Every parameter of the detector from `weights`; names and shapes have to agree."""
    state = detector.state_dict()
    wanted = {file_name_of(name): name for name in state}
    missing = sorted(set(wanted) - set(weights))
    wrong = [name for name in wanted if name in weights and weights[name].shape != state[wanted[name]].shape]
    if missing or wrong:
        first = f"{missing[0]} is missing" if missing else f"{wrong[0]} has shape {tuple(weights[wrong[0]].shape)}"
        raise TrainingError(
            f"Expected the weights of a {detector.config.backbone} detector in {source} but "
            f"{len(missing) + len(wrong)} of {len(wanted)} tensors do not fit: {first}."
        )
    detector.load_state_dict({name: weights[file] for file, name in wanted.items()})


def load_detector(path: str | Path) -> Detector:
    """A detector file, ready for inference."""
    weights, metadata = read_weights(path)
    detector = Detector(config_of(metadata, path))
    load_weights(detector, weights, str(path))
    return detector.eval()


def export_weights(state: dict[str, Tensor], config: DetectorConfig, path: str | Path) -> None:
    """Writes the float32 safetensors that `vertebra convert` reads."""
    tensors = {file_name_of(name): value.detach().cpu().float() for name, value in state.items()}
    write_weights(tensors, Path(path), metadata_of(config))


def metadata_of(config: DetectorConfig) -> dict[str, str]:
    return {"format": FORMAT, "backbone": BACKBONES[config.backbone], "config": config.to_json()}


def write_weights(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """The file appears whole or not at all."""
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous() for name, value in tensors.items()}, str(partial), metadata)
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise TrainingError(f"Expected room to write {path} but received: {error}") from error
