"""One training run: its state, its steps, and what it writes into its folder."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import shorten

import torch
from torch.nn.utils import clip_grad_norm_

from .average import WeightAverage
from .checkpoint import append_line, load_checkpoint, save_checkpoint, write_whole
from .config import DetectorConfig, HeadConfig, InputConfig, RpnConfig, other_category
from .detector import Detector
from .errors import TrainingError
from .evaluate import score
from .image import normalise, open_photo, pad_batch, resize
from .int8_trunk import STAGES as INT8_STAGES
from .int8_trunk import Int8Trunk
from .kept_maps import KeptViews, kept_batches
from .loader import training_batches
from .parallel import Gradients
from .sampler import Batches, repeat_factors
from .schedule import rate_factor
from .stages import learns_slowly, parse_stages, stage_at, train_only
from .start import start_from
from .training_data import read_training_data
from .weights import config_of, export_weights

# The ResNet of TF-slim takes RGB from -1 to 1; Oxford's VGG takes BGR bytes minus the mean.
INPUTS = {
    "resnet101": InputConfig(),
    "vgg16": InputConfig(mean=(103.939, 116.779, 123.68), std=(1.0, 1.0, 1.0), channel_order="bgr"),
}
# Chosen on held-out photos: of 300 proposals above 0.3, all refined, with hard NMS at 0.5, ResNet-101 made 23.9 AP and
# 40.4 mAP, with these 25.1 and 43.0; later weights made 25.7 and 40.2 by the classes' probabilities alone, and 26.6 and
# 42.1 with the objectness.
RPN = RpnConfig(post_nms_top_n=600, score_threshold=0.02)
# Of few photos, a rare class learns its boxes from those of all others.
HEAD = HeadConfig(
    class_agnostic=True,
    refinements=2,
    refinement_threshold=0.05,
    objectness_power=0.5,
    nms_kind="soft-linear",
    nms_iou=0.3,
)
FITTING_PHOTOS = 8
LOG_SECONDS = 30
LARGEST_GRADIENT = 10.0


class Trainer:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.device = torch.device(options.device)
        self.bf16 = options.precision == "bf16"
        self.stages = parse_stages(options.stages)
        if options.processes > 1 and self.device.type != "cpu":
            raise TrainingError(f"Expected one process on {options.device} but received {options.processes}.")
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise TrainingError(f"Expected a device of this machine but received {options.device}.")
        self.folder: Path = options.run
        self.folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.folder / "checkpoint.pt"
        if self.checkpoint.exists() and not options.resume:
            raise TrainingError(f"Expected --resume or a new folder for --run but {self.checkpoint} exists already.")

        data = read_training_data(
            options.data, options.cache / "images", options.hold_out, lambda note: self.log("data", note=note)
        )
        self.photos, self.held_out = data.photos, data.held_out
        size = dataclasses.replace(INPUTS[options.backbone], longer_side=options.longer_side)
        config = DetectorConfig(backbone=options.backbone, categories=data.categories, input=size, rpn=RPN, head=HEAD)
        torch.manual_seed(options.seed)
        self.detector = Detector(config, head_samples=options.head_samples)
        if options.weights and not options.resume:
            random = start_from(self.detector, options.weights)
            self.log("start", weights=options.weights, random=random)
        self.detector.to(self.device, memory_format=torch.channels_last).train()
        self.gradients = Gradients(self.detector, options.batch, options.processes, self.bf16)
        self.average = WeightAverage(self.detector, options.average)
        self.optimiser = torch.optim.AdamW(self.parameter_groups(), lr=options.rate, fused=True)
        self.step, self.photos_seen, self.seconds = 0, 0, 0.0
        self.stopping = False
        if options.resume:
            self.restore()
        self.int8_trunk = self.open_int8_trunk()

    def open_int8_trunk(self) -> Int8Trunk | None:
        options = self.options
        if not options.int8_trunk:
            return None
        above = [stage for stage, _ in self.stages if stage not in INT8_STAGES]
        if above:
            raise TrainingError(
                f"Expected stages of {', '.join(INT8_STAGES)} with an int8 trunk, whose layers do not learn, but "
                f"received {above[0]}."
            )
        if options.mosaics:
            raise TrainingError(
                f"Expected no mosaics with an int8 trunk, whose views are kept, but received {options.mosaics}."
            )
        config = self.detector.config.input
        trunk = Int8Trunk(options.int8_trunk, options.backbone)
        photos = [open_photo(photo.path) for photo in self.held_out[:FITTING_PHOTOS]]
        images = [normalise(resize(photo, config.longer_side), config) for photo in photos]
        trunk.fit(self.detector.backbone, [pad_batch([image], config.pad_multiple)[0] for image in images])
        return trunk

    def parameter_groups(self) -> list[dict]:
        """By what a parameter is and not by its numbers, which may become equal when a run is resumed."""
        options, groups = self.options, {}
        for name, parameter in self.detector.named_parameters():
            groups.setdefault((learns_slowly(name), parameter.dim() > 1), []).append(parameter)
        return [
            {
                "params": parameters,
                "weight_decay": options.weight_decay if decays else 0.0,
                "full_rate": options.trunk_rate if slowly else options.rate,
            }
            for (slowly, decays), parameters in groups.items()
        ]

    def log(self, event: str, **entry) -> None:
        line = json.dumps({"time": round(time.time()), "event": event, **entry})
        print(line, flush=True)
        self.write(append_line, "log.jsonl", line)

    def write(self, how: Callable[[Path, str], None], name: str, text: str) -> None:
        """A full disk costs a note and not the run."""
        try:
            how(self.folder / name, text)
        except OSError as error:
            print(f"warning: {error}", flush=True)

    def restore(self) -> None:
        state = load_checkpoint(self.checkpoint, self.options.backbone)
        self.compare_categories(state)
        try:
            self.detector.load_state_dict(state["detector"])
            self.average.detector.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise TrainingError(
                f"Expected the state of this detector in {self.checkpoint} but received: {shorten(str(error), 200)}"
            ) from error
        for group, fresh in zip(self.optimiser.param_groups, self.parameter_groups()):
            group |= {key: fresh[key] for key in ("weight_decay", "full_rate")}  # rates may change on the way
        self.step, self.photos_seen, self.seconds = state["step"], state["photos_seen"], state["seconds"]
        self.log("resume", step=self.step, photos=self.photos_seen)

    def compare_categories(self, state: dict) -> None:
        """A detector of other categories would learn one in another's place."""
        if "config" not in state:  # an older checkpoint
            return
        other = other_category(config_of(state, self.checkpoint), self.detector.config)
        if other:
            raise TrainingError(
                f"Expected the categories of {self.checkpoint} in {self.options.data[0]} but received {other}."
            )

    def save(self) -> None:
        """Checkpoint and export. A full disk costs these files only: the run goes on and tries again later."""
        state = {
            "backbone": self.options.backbone,
            "config": self.detector.config.to_json(),
            "detector": self.detector.state_dict(),
            "average": self.average.detector.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "photos_seen": self.photos_seen,
            "seconds": self.seconds,
        }
        try:
            save_checkpoint(state, self.checkpoint)
            average = self.average.detector
            export_weights(average.state_dict(), average.config, self.folder / "latest.safetensors")
        except TrainingError as error:
            self.log("save failed", step=self.step, error=str(error))

    def score(self) -> None:
        began = time.time()
        options = self.options
        how = dict(workers=options.workers, threads=options.processes, bf16=self.bf16)
        result = score(self.average.detector, self.held_out, **how)
        seconds = round(time.time() - began)
        self.log("score", step=self.step, photos=self.photos_seen, seconds=seconds, held_out=result)
        note = {"step": self.step, "photos": self.photos_seen, "held_out": result}
        self.write(write_whole, "latest.json", json.dumps(note, indent=1))

    @property
    def progress(self) -> float:
        options = self.options
        return self.step / options.steps if options.steps else self.seconds / (options.hours * 3600)

    def batches(self):
        options, config = self.options, self.detector.config
        repeats = repeat_factors(self.photos, config.classes, options.balance)
        sides = tuple(options.sides)
        plan = Batches(self.photos, repeats, options.batch, sides, options.seed, self.step, options.mosaics)
        if self.int8_trunk:
            return kept_batches(self.kept_views(), plan, options.workers)
        return training_batches(self.photos, config.input, plan, options.workers, pin=self.device.type == "cuda")

    def kept_views(self) -> KeptViews:
        options, config = self.options, self.detector.config.input
        folder = options.cache / "maps"
        return KeptViews(folder, self.photos, config, self.int8_trunk, options.sides, options.kept_views)

    def train_step(self, batch) -> dict[str, torch.Tensor]:
        options = self.options
        factor = rate_factor(self.step, self.progress, options.warmup, options.decay)
        for group in self.optimiser.param_groups:
            group["lr"] = group["full_rate"] * factor
        # The choice of anchors and regions to learn from is a function of the step, so a resumed run repeats it.
        losses = self.gradients.compute(batch, seed=(options.seed * 1_000_003 + self.step) * options.batch)
        gradient = clip_grad_norm_(self.detector.parameters(), LARGEST_GRADIENT)
        if torch.isfinite(gradient):
            self.optimiser.step()
            self.average.update(self.detector, self.step)
        self.step += 1
        self.photos_seen += len(batch.sizes)
        values = {**losses, "gradient": gradient, "rate": torch.tensor(factor)}
        return {name: value.float() for name, value in values.items()}

    def train(self) -> None:
        try:
            self.take_steps()
        finally:
            self.gradients.close()

    def take_steps(self) -> None:
        options = self.options
        part_began = before = saved = scored = logged = time.time()
        stage, batches = None, itertools.repeat(None)
        since_log: list[dict[str, torch.Tensor]] = []
        photos_logged, seconds_logged = self.photos_seen, self.seconds
        while self.progress < 1 and not self.stopping and time.time() - part_began < options.stop_after * 60:
            if stage != stage_at(self.stages, self.progress):
                stage = stage_at(self.stages, self.progress)
                batches = self.batches()
                train_only(self.detector, stage)
            since_log.append(self.train_step(next(batches).to(self.device)))
            now = time.time()
            self.seconds += now - before
            if now - logged > LOG_SECONDS or self.progress >= 1:
                # Of the time spent on steps, which neither a score nor a checkpoint is part of.
                speed = (self.photos_seen - photos_logged) / max(self.seconds - seconds_logged, 1e-3)
                means = {key: round(float(torch.stack([v[key] for v in since_log]).mean()), 4) for key in since_log[0]}
                position = {"step": self.step, "photos": self.photos_seen, "hours": round(self.seconds / 3600, 3)}
                self.log("train", **position, stage=stage, photos_per_second=round(speed, 3), **means)
                since_log, logged = [], now
                photos_logged, seconds_logged = self.photos_seen, self.seconds
            if now - saved > options.checkpoint_minutes * 60:
                self.save()
                saved = time.time()
            if now - scored > options.score_minutes * 60:
                self.score()
                logged = scored = time.time()
            before = time.time()
        self.save()
        if self.progress >= 1:
            self.score()

    def stop(self, *_) -> None:
        """Ends the run after the step it is in, with a checkpoint."""
        self.stopping = True
