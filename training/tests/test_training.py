"""Whole runs of a few steps."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import read_instances, write_instances

from vertebra_training import train
from vertebra_training import trainer as trainer_module
from vertebra_training.checkpoint import load_checkpoint
from vertebra_training.errors import TrainingError
from vertebra_training.evaluate import detect_all
from vertebra_training.stages import learns_slowly
from vertebra_training.trainer import Trainer
from vertebra_training.weights import load_detector


def stop_after(trainer: Trainer, steps: int) -> Trainer:
    one_step = trainer.train_step

    def step(batch):
        trainer.stopping = trainer.step + 1 >= steps
        return one_step(batch)

    trainer.train_step = step
    return trainer


MODELS = Path(__file__).resolve().parents[2] / "models"
INT8 = ("--weights", str(MODELS / "vgg16-voc"), "--int8-trunk", str(MODELS / "vgg16-voc-int8"))


@pytest.mark.parametrize("more", [(), ("--stages", "new:3,top:1", *INT8), ("--processes", "2")])
def test_resumed_run_equals_one_without_a_break(options, more):
    how = ("--steps", "4", "--stages", "new:3,upper:1", *more)
    whole = Trainer(options("whole", *how))
    whole.train()

    stop_after(Trainer(options("parts", *how)), 2).train()
    parts = Trainer(options("parts", *how, "--resume"))
    assert parts.step == 2
    parts.train()

    assert (parts.step, parts.photos_seen) == (whole.step, whole.photos_seen) == (4, 8)
    for kind in ("detector", "average"):
        expected, received = getattr(whole, kind), getattr(parts, kind)
        if kind == "average":
            expected, received = expected.detector, received.detector
        for (name, one), other in zip(expected.state_dict().items(), received.state_dict().values()):
            assert torch.equal(one, other), f"{kind} {name}"


def test_a_process_that_is_ended_ends_the_run_with_a_clear_word(options):
    trainer = Trainer(options("ended", "--steps", "9", "--processes", "2"))
    one_step = trainer.train_step

    def step(batch):
        losses = one_step(batch)
        for process in multiprocessing.active_children():
            process.kill()
        return losses

    trainer.train_step = step
    with pytest.raises(TrainingError, match="Expected every process of the run to live"):
        trainer.train()


def test_a_gpu_is_not_shared_among_processes(options):
    with pytest.raises(TrainingError, match="Expected one process on cuda"):
        Trainer(options("gpu", "--steps", "1", "--processes", "2", "--device", "cuda"))


def test_stage_new_leaves_the_trunk_alone_and_upper_does_not(options):
    trainer = Trainer(options("stages", "--steps", "2", "--stages", "new:1,upper:1"))
    before = {name: value.clone() for name, value in trainer.detector.state_dict().items()}
    stop_after(trainer, 1).train()
    after_new = {name: value.clone() for name, value in trainer.detector.state_dict().items()}
    assert torch.equal(after_new["backbone.conv5_3.weight"], before["backbone.conv5_3.weight"])
    assert not torch.equal(after_new["fpn.lateral5.weight"], before["fpn.lateral5.weight"])
    trainer.stopping = False
    stop_after(trainer, 2).train()
    after_upper = trainer.detector.state_dict()
    assert not torch.equal(after_upper["backbone.conv5_3.weight"], before["backbone.conv5_3.weight"])
    assert torch.equal(after_upper["backbone.conv3_1.weight"], before["backbone.conv3_1.weight"])


def test_exported_file_holds_the_average_and_its_configuration(options):
    trainer = Trainer(options("export", "--steps", "1"))
    trainer.train()
    exported = load_detector(trainer.folder / "latest.safetensors")
    assert exported.config == trainer.detector.config
    assert [(c.name, c.id) for c in exported.config.categories] == [("box", 7), ("disc", 3)]
    expected = detect_all(trainer.average.detector, trainer.held_out, bf16=False)
    received = detect_all(exported, trainer.held_out, bf16=False)
    assert [r["score"] for r in received] == pytest.approx([r["score"] for r in expected], abs=1e-5)


def test_log_has_losses_speed_and_held_out_scores(options):
    trainer = Trainer(options("log", "--steps", "1"))
    trainer.train()
    entries = [json.loads(line) for line in (trainer.folder / "log.jsonl").read_text().splitlines()]
    train = next(e for e in entries if e["event"] == "train")
    assert {"step", "photos", "classes", "boxes", "objectness", "rpn_boxes", "photos_per_second"} <= set(train)
    assert next(e for e in entries if e["event"] == "score")["held_out"]["photos"] == 2


def test_full_disk_costs_a_checkpoint_and_not_the_run(options, monkeypatch):
    trainer = Trainer(options("full", "--steps", "2"))
    stop_after(trainer, 1).train()
    whole = trainer.checkpoint.read_bytes()

    def no_room(state, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", no_room)
    trainer.save()
    assert trainer.checkpoint.read_bytes() == whole
    assert not list(trainer.folder.glob("*.partial"))
    assert "No space left" in (trainer.folder / "log.jsonl").read_text()


def test_checkpoint_of_another_backbone_is_refused(options):
    trainer = Trainer(options("other", "--steps", "1"))
    trainer.save()
    with pytest.raises(TrainingError, match="Expected a checkpoint of resnet101 .* received one of vgg16"):
        Trainer(options("other", "--steps", "1", "--backbone", "resnet101", "--resume"))


def test_torn_checkpoint_is_refused(options):
    trainer = Trainer(options("torn", "--steps", "1"))
    trainer.save()
    trainer.checkpoint.write_bytes(trainer.checkpoint.read_bytes()[:5000])
    with pytest.raises(TrainingError, match="Expected a whole checkpoint"):
        Trainer(options("torn", "--steps", "1", "--resume"))


def test_resume_needs_a_checkpoint_and_a_new_run_needs_none(options):
    with pytest.raises(TrainingError, match="start the run without --resume"):
        Trainer(options("none", "--steps", "1", "--resume"))
    Trainer(options("none", "--steps", "1")).save()
    with pytest.raises(TrainingError, match="Expected --resume or a new folder"):
        Trainer(options("none", "--steps", "1"))


@pytest.mark.parametrize(
    ("spoilt", "received"),
    [
        ([1], "a list"),
        ({"detector": None}, "a NoneType as detector"),
        ({"step": "4"}, "a str as step"),
        ({"step": -1}, "-1 as step"),
        ({"seconds": float("nan")}, "nan as seconds"),
    ],
)
def test_a_checkpoint_of_another_content_is_refused(tmp_path, spoilt, received):
    path = tmp_path / "checkpoint.pt"
    whole = {"backbone": "vgg16", "detector": {}, "average": {}, "optimiser": {}, "step": 1, "photos_seen": 2}
    whole["seconds"] = 1.0
    torch.save({**whole, **spoilt} if isinstance(spoilt, dict) else spoilt, path)
    with pytest.raises(TrainingError, match=f"Expected a whole checkpoint for .* but received {received}"):
        load_checkpoint(path, "vgg16")


@pytest.mark.parametrize("content", [b"", b"hello world", b"PK\x03\x04abc"])
def test_a_file_that_is_no_checkpoint_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="Expected a whole checkpoint for") as caught:
        load_checkpoint(path, "vgg16")
    assert "\n" not in str(caught.value) and "weights_only" not in str(caught.value)


def test_a_checkpoint_that_would_run_code_is_refused_without_advice_to_let_it(tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save({"backbone": Path}, path)
    with pytest.raises(TrainingError, match="Expected a whole checkpoint for") as caught:
        load_checkpoint(path, "vgg16")
    assert "\n" not in str(caught.value) and "weights_only" not in str(caught.value)


def test_a_torn_held_out_photo_is_noted_and_not_scored(options, dataset):
    content = (dataset / "images/4.png").read_bytes()
    (dataset / "images/4.png").write_bytes(content[: len(content) // 2])
    trainer = Trainer(options("held-out", "--steps", "1"))
    assert [photo.id for photo in trainer.held_out] == [8]
    assert "4.png but received" in (trainer.folder / "log.jsonl").read_text()


def test_rates_may_become_equal_when_a_run_is_resumed_and_categories_may_not_change(options, dataset):
    first = Trainer(options("resumed", "--steps", "2"))
    first.save()
    numbers = ("--rate", "4e-5", "--trunk-rate", "4e-5", "--weight-decay", "0")
    later = Trainer(options("resumed", "--steps", "2", "--resume", *numbers))
    groups = later.optimiser.param_groups
    assert [(group["full_rate"], group["weight_decay"]) for group in groups] == [(4e-5, 0.0)] * len(groups)
    assert [len(group["params"]) for group in groups] == [
        len(group["params"]) for group in first.optimiser.param_groups
    ]

    content = read_instances(dataset)
    content["categories"].reverse()
    write_instances(dataset, content)
    with pytest.raises(TrainingError, match=r"received disc \(id 3\) in place of box \(id 7\)"):
        Trainer(options("resumed", "--steps", "2", "--resume"))

    state = torch.load(first.checkpoint)
    del state["config"]  # as older checkpoints are
    torch.save(state, first.checkpoint)
    assert Trainer(options("resumed", "--steps", "2", "--resume")).step == 0
    write_instances(dataset, {**content, "categories": [*content["categories"], {"id": 9, "name": "cup"}]})
    with pytest.raises(TrainingError, match="Expected the state of this detector in .* size mismatch"):
        Trainer(options("resumed", "--steps", "2", "--resume"))


def test_parameters_are_grouped_in_the_order_of_older_checkpoints(options):
    trainer = Trainer(options("groups", "--steps", "1"))
    rates, decay = (trainer.options.rate, trainer.options.trunk_rate), trainer.options.weight_decay
    groups = {}
    for name, parameter in trainer.detector.named_parameters():
        key = (rates[learns_slowly(name)], decay if parameter.dim() > 1 else 0.0)
        groups.setdefault(key, []).append(parameter)
    received = [(group["full_rate"], group["weight_decay"]) for group in trainer.optimiser.param_groups]
    assert received == list(groups)
    for group, expected in zip(trainer.optimiser.param_groups, groups.values()):
        assert [id(parameter) for parameter in group["params"]] == [id(parameter) for parameter in expected]


def test_speed_is_that_of_the_steps_and_not_of_a_score_between(options, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(trainer_module.time, "time", lambda: clock[0])
    trainer = Trainer(options("speed", "--steps", "8", "--score-minutes", "0.75"))

    def passing(seconds):
        def pass_time(*_):
            clock[0] += seconds

        return pass_time

    def step(batch):
        passing(10)()
        trainer.step, trainer.photos_seen = trainer.step + 1, trainer.photos_seen + 2
        return {"total": torch.tensor(1.0)}

    trainer.train_step, trainer.score, trainer.save = step, passing(100), passing(0)
    trainer.train()
    entries = [json.loads(line) for line in (trainer.folder / "log.jsonl").read_text().splitlines()]
    speeds = [entry["photos_per_second"] for entry in entries if entry["event"] == "train"]
    assert len(speeds) > 1 and set(speeds) == {0.2}


def test_two_runs_do_not_share_a_folder(options, monkeypatch, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    holding = (
        "import fcntl, os; file = open('pid', 'a+'); fcntl.lockf(file, fcntl.LOCK_EX); file.write(str(os.getpid()))\n"
        "file.flush(); print(flush=True); input()"
    )
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
    with subprocess.Popen([sys.executable, "-c", holding], **pipes) as other:
        other.stdout.readline()
        monkeypatch.setattr(train, "parse_options", lambda _: options("shared", "--steps", "1"))
        monkeypatch.setattr(train, "Trainer", lambda _: pytest.fail("a second run began"))
        with pytest.raises(TrainingError, match=f"Expected a folder without a run .* process {other.pid} writes into"):
            train.main()
        assert (folder / "pid").read_text() == str(other.pid)
        other.communicate(b"\n")
    with train.claim(folder):
        assert (folder / "pid").read_text() == str(os.getpid())
