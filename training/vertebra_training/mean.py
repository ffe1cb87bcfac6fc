"""The mean of the weights of several runs of one detector, each of which went on from another.

    python -m vertebra_training.mean runs/1/latest.safetensors runs/2/latest.safetensors --output mean.safetensors

It is often better than each of them (model soups, arXiv:2203.05482). The numbers beside the weights are the last one's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .config import other_category
from .detector import Detector
from .errors import TrainingError
from .main import run
from .weights import config_of, export_weights, load_weights, read_weights


def mean_of(paths: list[str]) -> Detector:
    """All files carry the same backbone, categories and shapes; each counts the same."""
    read = [read_weights(path) for path in paths]
    configs = [config_of(metadata, path) for path, (_, metadata) in zip(paths, read)]
    mean = Detector(configs[-1])
    sums = {name: torch.zeros_like(value, dtype=torch.float64) for name, value in mean.state_dict().items()}
    for path, config, (weights, _) in zip(paths, configs, read):
        other = other_category(configs[-1], config)
        if other:
            raise TrainingError(f"Expected the categories of {paths[-1]} in {path} but received {other}.")
        load_weights(mean, weights, path)
        for name, value in mean.state_dict().items():
            sums[name] += value
    mean.load_state_dict({name: total / len(paths) for name, total in sums.items()})
    return mean.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+", help="detector files or model folders; one named twice counts twice")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    mean = mean_of(options.weights)
    export_weights(mean.state_dict(), mean.config, options.output)


if __name__ == "__main__":
    run(main)
