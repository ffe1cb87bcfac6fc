"""The command line of a training run."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path

import torch

from .config import BACKBONES
from .precision import PRECISIONS, default_precision


def _checked(kind: Callable, holds: Callable, expected: str) -> Callable:
    """What argparse makes of an option's text; its message names the option."""

    def parse(text: str):
        try:
            value = kind(text)
        except (ValueError, RuntimeError):
            value = None
        if value is None or not holds(value):
            raise argparse.ArgumentTypeError(f"expected {expected} but received {text!r}")
        return value

    return parse


positive_int = _checked(int, lambda value: value > 0, "a whole number above 0")
natural = _checked(int, lambda value: value >= 0, "a whole number of at least 0")
positive = _checked(float, lambda value: 0 < value < math.inf, "a number above 0")
not_negative = _checked(float, lambda value: value >= 0, "a number of at least 0")
share = _checked(float, lambda value: 0 <= value <= 1, "a number from 0 to 1")
device_name = _checked(lambda text: str(torch.device(text)), bool, "a device such as cpu or cuda")


def precision_before(run: Path) -> str | None:
    """What a run that is taken up again began with: a choice by timing may come out differently now."""
    try:
        precision = json.loads((run / "options.json").read_text())["precision"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return precision if precision in PRECISIONS else None


def parse_options(description: str, arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True, type=Path, help="folder of this run")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.add_argument("--backbone", choices=BACKBONES, default="resnet101")
    parser.add_argument("--weights", help="safetensors or a model folder to start from; all random without")

    data = parser.add_argument_group("data")
    data.add_argument(
        "--data", required=True, action="append", type=Path, help="the first one gives the held-out photos"
    )
    data.add_argument("--cache", type=Path, default=Path(".cache"), help="where tar files and feature maps are kept")
    data.add_argument(
        "--int8-trunk",
        type=Path,
        metavar="FOLDER",
        help="the starting weights as `vertebra quantize` made them: what lies below stage top runs in int8, and its "
        "maps are kept, 1 to 3 MB a view",
    )
    data.add_argument(
        "--kept-views", type=positive_int, default=3, help="with --int8-trunk: different views of each photo"
    )
    data.add_argument(
        "--hold-out", type=positive_int, default=20, help="every n-th photo of the first data set is held out"
    )
    data.add_argument(
        "--balance", type=share, default=0.05, help="classes in fewer photos than this share come more often"
    )
    data.add_argument(
        "--sides",
        type=positive_int,
        nargs="+",
        default=[384, 416, 448, 480, 512, 544, 576],
        help="sizes to train at",
    )
    data.add_argument(
        "--mosaics", type=share, default=0.0, metavar="SHARE", help="of the views that are made of four photos"
    )
    data.add_argument("--longer-side", type=positive_int, default=512, help="size of photos in use and when scored")
    data.add_argument("--workers", type=natural, default=1, help="processes that load photos")

    length = parser.add_argument_group("length").add_mutually_exclusive_group(required=True)
    length.add_argument("--hours", type=positive, help="length of the whole run, resumed parts and pauses included")
    length.add_argument("--steps", type=positive_int, help="length of the whole run")
    parser.add_argument(
        "--stop-after",
        type=not_negative,
        default=math.inf,
        metavar="MINUTES",
        help="end this part early; pauses count",
    )
    parser.add_argument(
        "--stages", default="new:1,upper:5,all:4", help="what learns when, and for which share of the run"
    )

    learning = parser.add_argument_group("learning")
    learning.add_argument("--batch", type=positive_int, default=4, help="photos a step")
    learning.add_argument("--rate", type=positive, default=2e-4)
    learning.add_argument("--trunk-rate", type=not_negative, default=4e-5)
    learning.add_argument("--warmup", type=natural, default=100, metavar="STEPS")
    learning.add_argument(
        "--decay", type=share, default=0.3, metavar="SHARE", help="end of the run with a falling rate"
    )
    learning.add_argument("--weight-decay", type=not_negative, default=0.02)
    learning.add_argument(
        "--head-samples", type=positive_int, default=128, help="regions a photo that the box head learns from"
    )
    learning.add_argument("--average", type=share, default=0.998, help="decay of the average of the weights")
    learning.add_argument("--seed", type=natural, default=0)

    machine = parser.add_argument_group("machine")
    machine.add_argument("--device", type=device_name, default="cuda" if torch.cuda.is_available() else "cpu")
    machine.add_argument("--precision", choices=PRECISIONS, help="of the network; default: the quicker one here")
    machine.add_argument("--processes", type=positive_int, default=1, help="to share a batch among, one core each")
    machine.add_argument("--checkpoint-minutes", type=not_negative, default=5)
    machine.add_argument("--score-minutes", type=not_negative, default=30)

    options = parser.parse_args(arguments)
    before = precision_before(options.run) if options.resume else None
    options.precision = options.precision or before or default_precision(options.device)
    return options
