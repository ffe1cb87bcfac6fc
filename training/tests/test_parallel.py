"""The processes of a run end with it, whichever way it ends, and not before. Most runs here are processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vertebra_training.config import InputConfig
from vertebra_training.dataset import open_dataset
from vertebra_training.loader import whole_photos

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

RUN = """
import multiprocessing, os, signal, sys, time
import torch
from vertebra_training.errors import TrainingError
from vertebra_training.parallel import Gradients

class Tiny(torch.nn.Linear):
    def seed(self, number):
        pass

class Batch:
    def __init__(self, count):
        self.sizes = [0] * count
    def parts(self, count):
        return [Batch(len(self.sizes) // count)] * count
    def losses(self, detector):
        return {"a": detector(torch.ones(1, 2)).sum()}

signal.signal(signal.SIGTERM, lambda *_: print("asked to stop", flush=True))
gradients = Gradients(Tiny(2, 2), 8, 6, False)
gradients.compute(Batch(8), 0)
workers = multiprocessing.active_children()
print(*(worker.pid for worker in workers), flush=True)
"""
ALL_BUT_ONE_ARE_KILLED = """
for worker in workers[1:]:  # one of them, most likely, has the lock for which the last one waits
    worker.kill()
try:
    while True:
        gradients.compute(Batch(8), 0)
except TrainingError as error:
    gradients.close()
    print(error, flush=True)
"""
GOES_ON = """
sys.stdin.readline()
gradients.compute(Batch(8), 0)
gradients.close()
print("closed", flush=True)
"""


@pytest.fixture
def start():
    """Starts a run in a process group of its own and gives it with the ids of its workers."""
    runs = []

    def started(code: str) -> tuple[subprocess.Popen, list[int]]:
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        folder = Path(__file__).resolve().parents[1]
        run = subprocess.Popen([sys.executable, "-c", RUN + code], cwd=folder, **pipes)
        runs.append(run)
        return run, [int(word) for word in run.stdout.readline().split()]

    yield started
    for run in runs:
        try:
            os.killpg(run.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        run.wait()


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


def all_end(processes: list[int], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while any(map(is_alive, processes)) and time.monotonic() < until:
        time.sleep(0.1)
    return not any(map(is_alive, processes))


def test_a_run_whose_processes_are_killed_ends(start):
    run, workers = start(ALL_BUT_ONE_ARE_KILLED)
    said, _ = run.communicate(timeout=30)
    assert "Expected every process of the run to live" in said
    assert all_end(workers)


def test_a_killed_run_leaves_no_process_behind(start):
    run, workers = start(GOES_ON)
    assert len(workers) == 6 and all(map(is_alive, workers))
    run.kill()
    assert all_end(workers)


def test_a_signal_to_the_whole_group_lets_the_step_end(start):
    run, _ = start(GOES_ON)
    os.killpg(run.pid, signal.SIGTERM)
    assert run.stdout.readline() == "asked to stop\n"
    said, _ = run.communicate("go on\n", timeout=30)
    assert (said, run.returncode) == ("closed\n", 0)


def test_a_signal_to_the_whole_group_leaves_the_loaders_alive(dataset, tmp_path):
    photos = open_dataset(dataset, tmp_path).photos
    batches = iter(whole_photos(photos, InputConfig(longer_side=64), batch=1, workers=1))
    next(batches)
    for loader in multiprocessing.active_children():
        os.kill(loader.pid, signal.SIGTERM)
    assert len(list(batches)) == 7
    assert not multiprocessing.active_children()
