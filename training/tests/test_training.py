"""Whole runs of a few steps."""

import json
import multiprocessing
from pathlib import Path

import pytest
import torch

from vertebra_training.errors import TrainingError
from vertebra_training.evaluate import detect_all
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
