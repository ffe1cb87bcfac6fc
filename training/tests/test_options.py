"""The command line of a run: numbers that no run can use are refused by the option's name."""

import pytest

from vertebra_training.options import parse_options

GIVEN = ("--run", "run", "--data", "data")


@pytest.mark.parametrize(
    "words",
    ["--steps 0", "--steps -5", "--hours 0", "--hours nan", "--hours inf", "--batch 0", "--hold-out 0", "--seed -1"]
    + ["--workers -1", "--balance -1", "--balance nan", "--device nonsense", "--sides 64 0", "--rate -1", "--rate x"]
    + ["--trunk-rate -1", "--average 2", "--decay 1.5", "--head-samples 0", "--longer-side 0", "--kept-views 0"]
    + ["--warmup -1", "--processes 0", "--weight-decay -1", "--stop-after -1", "--score-minutes nan"],
)
def test_numbers_that_no_run_can_use_are_refused(words, capsys):
    length = () if words.startswith(("--steps", "--hours")) else ("--steps", "1")
    with pytest.raises(SystemExit):
        parse_options("", [*GIVEN, *length, *words.split()])
    name, *_, value = words.split()
    assert f"argument {name}: expected a" in (said := capsys.readouterr().err)
    assert said.strip().endswith(f"but received '{value}'")


def test_numbers_at_the_edge_are_taken():
    words = "--hours 0.5 --stop-after inf --balance 0 --decay 0 --workers 0 --warmup 0 --trunk-rate 0 --device cuda:0"
    options = parse_options("", [*GIVEN, *words.split()])
    assert (options.hours, options.stop_after, options.device) == (0.5, float("inf"), "cuda:0")
    assert options.sides == [384, 416, 448, 480, 512, 544, 576]
