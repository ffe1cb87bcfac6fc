"""The precision that a run computes in where none is asked for."""

import json

import pytest
import torch

from vertebra_training import precision
from vertebra_training.options import parse_options
from vertebra_training.precision import default_precision, seconds_of_convolution

GIVEN = ("--data", "data", "--steps", "1", "--device", "cpu")


@pytest.fixture
def timed(monkeypatch):
    """A processor with bfloat16 instructions that takes so many seconds in each precision."""

    def timed(bf16: float, fp32: float) -> None:
        seconds = {torch.bfloat16: bf16, torch.float32: fp32}
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
        monkeypatch.setattr(precision, "seconds_of_convolution", seconds.__getitem__)

    return timed


@pytest.mark.parametrize(("bf16", "fp32", "quicker"), [(1, 2, "bf16"), (2, 1, "fp32")])
def test_the_quicker_one(timed, bf16, fp32, quicker):
    timed(bf16, fp32)
    assert default_precision("cpu") == quicker
    assert default_precision("cuda") == "bf16"


def test_bfloat16_is_not_tried_where_no_instruction_multiplies_it(timed, monkeypatch):
    timed(1, 2)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert default_precision("cpu") == "fp32"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_convolution_takes_time(dtype):
    assert 0 < seconds_of_convolution(dtype) < 60


@pytest.mark.parametrize(
    ("stored", "expected"),
    [(json.dumps({"precision": "bf16"}), "bf16"), (json.dumps({"precision": "int3"}), "fp32"), ("{", "fp32")],
)
def test_a_run_goes_on_in_the_precision_it_began_with(timed, tmp_path, stored, expected):
    timed(2, 1)
    (tmp_path / "options.json").write_text(stored)
    run = ["--run", str(tmp_path), *GIVEN]
    assert parse_options("", [*run, "--resume"]).precision == expected
    assert parse_options("", [*run, "--resume", "--precision", "fp32"]).precision == "fp32"
    assert parse_options("", run).precision == "fp32"
