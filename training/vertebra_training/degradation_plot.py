"""Draws the training errors that vertebra_training.degradation wrote: plain networks left, residual ones right.

python -m vertebra_training.degradation_plot degradation.json degradation.svg
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from .main import run

COLOURS = {"20": "#c8a415", "56": "#c0392b"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", type=Path)
    parser.add_argument("output", type=Path, help=".svg or .png")
    options = parser.parse_args()
    content = json.loads(options.curves.read_text())
    plt.rcParams.update({"svg.hashsalt": "vertebra", "svg.fonttype": "none"})
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for axes, family in zip(panels, ("plain", "ResNet")):
        for name, curve in content["curves"].items():
            if name.startswith(family) and curve:
                errors = [100 * epoch["error"] for epoch in curve]
                axes.plot(range(1, len(errors) + 1), errors, label=name, color=COLOURS[name[-2:]])
        axes.set(xlabel="epoch", xlim=(1, content["recipe"]["epochs"]), ylim=(0, 100))
        axes.grid(alpha=0.3)
        axes.legend()
    panels[0].set_ylabel("training error, %")
    figure.savefig(options.output, metadata={"Date": None} if options.output.suffix == ".svg" else None)


if __name__ == "__main__":
    run(main)
