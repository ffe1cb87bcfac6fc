"""What training exports gives in TypeScript what it gives in PyTorch: through `vertebra convert` and `detect`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLI = ROOT / "dist/cli.js"
MODEL = ROOT / "models/resnet101-voc"
PHOTO = ROOT / "examples/photos/cat.jpg"

if not (shutil.which("node") and CLI.exists() and (MODEL / "backbone.onnx").exists()):
    pytest.skip("needs Node, the built library (npm run build) and the shipped model", allow_module_level=True)

from vertebra_training.reference import reference  # noqa: E402
from vertebra_training.weights import export_weights, load_detector  # noqa: E402


def vertebra(*arguments: str) -> str:
    return subprocess.run(["node", str(CLI), *arguments], check=True, capture_output=True, text=True).stdout


def test_exported_detector_is_the_same_in_typescript(tmp_path: Path) -> None:
    detector = load_detector(MODEL)
    _, expected = reference(detector, PHOTO)

    exported = tmp_path / "detector.safetensors"
    export_weights(detector.state_dict(), detector.config, exported)
    vertebra("convert", str(exported), "--out", str(tmp_path / "model"), "--precision", "fp32")
    output = vertebra("detect", str(PHOTO), "--model", str(tmp_path / "model"), "--format", "json")
    found = json.loads(output)["images"][0]["detections"]

    assert len(found) == len(expected) > 0
    for ours, (label, score, *corners) in zip(found, expected):
        x, y, width, height = ours["box"]
        assert ours["classIndex"] == label - 1
        assert ours["score"] == pytest.approx(score, abs=0.002)
        assert [x, y, x + width, y + height] == pytest.approx(corners, abs=0.5)
