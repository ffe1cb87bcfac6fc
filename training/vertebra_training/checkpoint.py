"""A run's state on disk. A file is written beside the old one and renamed, so there is always a whole one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from .errors import TrainingError

PARTS = {"backbone": str, "detector": dict, "average": dict, "optimiser": dict, "step": int}
PARTS |= {"photos_seen": int, "seconds": float}


def write_whole(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text)
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def append_line(path: Path, line: str) -> None:
    """A kill or a full disk may have torn the last line: the next one begins below it."""
    with open(path, "a+b") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = f"\n{line}"
        file.write(f"{line}\n".encode())


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
    state = read_state(path)
    problem = _problem_of(state)
    if problem:
        raise TrainingError(f"Expected a whole checkpoint for {path} but received {problem}.")
    if state["backbone"] != backbone:
        raise TrainingError(f"Expected a checkpoint of {backbone} in {path} but received one of {state['backbone']}.")
    return state


def read_state(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # out of a damaged file torch raises anything
        raise TrainingError(f"Expected a whole checkpoint for {path} but received: {_first_sentence(error)}") from error


def _first_sentence(error: Exception) -> str:
    """torch goes on with pages, and with the advice to let a file run code."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__} {lines[0].split('. ')[0]}".strip()


def _problem_of(state: Any) -> str | None:
    if not isinstance(state, dict):
        return f"a {type(state).__name__}"
    for name, kind in PARTS.items():
        value = state.get(name)
        if not isinstance(value, kind):
            return f"a {type(value).__name__} as {name}"
    wrong = [name for name in ("step", "photos_seen", "seconds") if not 0 <= state[name] < float("inf")]
    return f"{state[wrong[0]]} as {wrong[0]}" if wrong else None
