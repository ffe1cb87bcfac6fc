"""A run's state on disk. A checkpoint is written beside the old one and renamed, so there is always a whole one."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from .errors import TrainingError


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    partial = path.with_suffix(".partial")
    try:
        with open(partial, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # torch's writer reports a full disk as RuntimeError
        partial.unlink(missing_ok=True)
        raise TrainingError(f"Expected room to write {path} but received: {error}") from error


def load_checkpoint(path: Path, backbone: str) -> dict[str, Any]:
    if not path.exists():
        raise TrainingError(f"Expected a checkpoint at {path} but received none; start the run without --resume.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(f"Expected a whole checkpoint for {path} but received: {error}") from error
    if state["backbone"] != backbone:
        raise TrainingError(f"Expected a checkpoint of {backbone} in {path} but received one of {state['backbone']}.")
    return state
