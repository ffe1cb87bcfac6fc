"""Draws a run's log: losses, held-out AP and photos per second over photos seen.

    python -m vertebra_training.plot runs/resnet101 curves.svg

Losses and speed are smoothed over 15 lines of the log.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from .errors import TrainingError
from .main import run

LOSSES = {"classes": "class", "boxes": "box", "objectness": "RPN objectness", "rpn_boxes": "RPN box"}
WINDOW = 15  # log lines in a smoothed value


def read_log(path: Path) -> tuple[list[dict], list[dict]]:
    """Training and scoring entries; steps that a killed run did after its last checkpoint are left out."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise TrainingError(f"Expected the log of a run in {path} but received: {error}") from error
    kept: list[dict] = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:  # a full disk or a kill in the middle of a line
            continue
        if not isinstance(entry, dict) or "event" not in entry:
            continue
        if entry["event"] == "resume":
            kept = [before for before in kept if before["step"] <= entry["step"]]
        elif entry["event"] in ("train", "score"):
            kept.append(entry)
    return [e for e in kept if e["event"] == "train"], [e for e in kept if e["event"] == "score"]


def smooth(values: list[float]) -> np.ndarray:
    window = min(WINDOW, len(values))
    sums = np.convolve(values, np.ones(window), mode="same")
    return sums / np.convolve(np.ones(len(values)), np.ones(window), mode="same")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("output", type=Path, help=".svg or .png")
    options = parser.parse_args()
    training, scores = read_log(options.run / "log.jsonl")
    if not training:
        raise TrainingError(f"Expected training steps in {options.run / 'log.jsonl'} but received none.")

    figure, (losses, precision, speed) = plt.subplots(3, 1, figsize=(8, 9), sharex=True, layout="constrained")
    photos = [entry["photos"] for entry in training]
    for key, label in LOSSES.items():
        losses.plot(photos, smooth([entry[key] for entry in training]), label=label)
    losses.set(ylabel="loss", title=options.run.name, yscale="log")
    for key, label in {"ap": "AP [.5:.95]", "voc_map": "VOC mAP, IoU 0.5"}.items():
        precision.plot([e["photos"] for e in scores], [e["held_out"][key] for e in scores], "o-", label=label)
    precision.set(ylabel="held-out photos", ylim=(0, None))
    speed.plot(photos, smooth([entry["photos_per_second"] for entry in training]))
    speed.set(ylabel="photos per second", xlabel="photos seen", ylim=(0, None))
    losses.legend()
    precision.legend()
    for axes in (losses, precision, speed):
        axes.grid(alpha=0.3)
    figure.savefig(options.output)


if __name__ == "__main__":
    run(main)
