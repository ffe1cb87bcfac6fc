"""Tensors of older networks under other names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from older_layers import State
from torch import Tensor

TORCH_FIELDS = {"W": "weight", "b": "bias", "gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"}


def torch_resnet_name(key: str) -> str:
    name, part = key.rsplit(".", 1)
    is_norm, last = part not in ("W", "b"), TORCH_FIELDS[part]
    if name == "stem":
        return f"{'bn1' if is_norm else 'conv1'}.{last}"
    stage, unit, layer = name.split(".")
    inner = f"downsample.{int(is_norm)}" if layer == "short" else f"{'bn' if is_norm else 'conv'}{layer}"
    return f"layer{stage}.{unit}.{inner}.{last}"


def rename(state: State, table: dict[str, str], fields: dict[str, str], rest: Callable[[str], str], joint: str = ".") -> dict[str, Tensor]:
    named = OrderedDict()
    for key, value in state.items():
        layer, part = key.rsplit(".", 1)
        named[f"{table[layer]}{joint}{fields[part]}" if layer in table else rest(key)] = value
    return named
