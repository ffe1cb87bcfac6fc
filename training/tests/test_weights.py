from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vertebra_training.checkpoint import append_line, write_whole
from vertebra_training.config import Category, DetectorConfig, RpnConfig
from vertebra_training.detector import Detector
from vertebra_training.errors import TrainingError
from vertebra_training.mean import mean_of
from vertebra_training.plot import read_log
from vertebra_training.schedule import rate_factor
from vertebra_training.stages import parse_stages, stage_at
from vertebra_training.start import grow, one_box, start_from
from vertebra_training.voc import CATEGORIES
from vertebra_training.weights import export_weights, file_name_of, load_detector, read_weights

CONFIG = DetectorConfig(backbone="vgg16", categories=(Category("box", 7),))


def test_int8_tensors_are_scaled_per_output_channel(tmp_path):
    path = tmp_path / "int8.safetensors"
    weight = torch.tensor([[1, -2], [3, 127]], dtype=torch.int8)
    save_file({"a.weight": weight, "a.weight.scale": torch.tensor([0.5, 2.0]), "a.bias": torch.ones(2)}, str(path))
    weights, _ = read_weights(path)
    assert weights["a.weight"].tolist() == [[0.5, -1.0], [6.0, 254.0]]
    assert set(weights) == {"a.weight", "a.bias"}


def test_grown_layer_computes_the_same_from_the_given_inputs():
    given, wider = torch.randn(3, 2), torch.randn(5, 4)
    grown = grow(given, wider, "layer")
    x = torch.randn(4)
    torch.testing.assert_close((grown @ x)[:3], given @ x[:2])
    assert torch.equal(grown[3:], wider[3:])


def test_one_box_is_the_mean_of_those_of_the_classes():
    deltas = torch.arange(12.0).repeat_interleave(2).view(12, 2)
    assert one_box(deltas).tolist() == [[6.0, 6.0], [7.0, 7.0], [8.0, 8.0], [9.0, 9.0]]


def test_a_start_with_other_classes_keeps_all_but_the_predictors(tmp_path):
    path = tmp_path / "detector.safetensors"
    given = Detector(CONFIG)
    export_weights(given.state_dict(), CONFIG, path)
    other = Detector(DetectorConfig(backbone="vgg16", categories=(Category("cup", 1), Category("spoon", 2))))
    assert set(start_from(other, str(path))) == {
        f"roi.box_predictor.{name}.{part}" for name in ("scores", "deltas") for part in ("weight", "bias")
    }
    assert torch.equal(other.fpn.lateral3.weight, given.fpn.lateral3.weight)
    assert start_from(Detector(CONFIG), str(path)) == []


def test_a_model_folder_is_a_start_too():
    folder = Path(__file__).resolve().parents[2] / "models/vgg16-voc"
    if not (folder / "backbone.onnx").exists():
        pytest.skip("needs the shipped model")
    weights, metadata = read_weights(folder)
    config = DetectorConfig.from_json(metadata["config"])
    assert (config.backbone, len(config.categories), config.rpn.score_threshold) == ("vgg16", 20, 0.02)
    assert (config.head.nms_kind, config.head.nms_iou, config.head.refinement_threshold) == ("soft-linear", 0.3, 0.05)
    detector = Detector(config)
    assert start_from(detector, str(folder)) == []
    assert detector.rpn.score_thresh == 0
    assert detector.eval().rpn.score_thresh == 0.02
    with pytest.raises(TrainingError, match="a folder that `vertebra convert` made"):
        read_weights(folder.parent)


def test_configuration_survives_the_file(tmp_path):
    path = tmp_path / "detector.safetensors"
    export_weights(Detector(CONFIG).state_dict(), CONFIG, path)
    _, metadata = read_weights(path)
    assert metadata["format"] == "vertebra-detector"
    assert metadata["backbone"] == "vgg16"
    assert DetectorConfig.from_json(metadata["config"]) == CONFIG


def test_weights_of_another_backbone_and_torn_files_are_refused(tmp_path):
    path = tmp_path / "detector.safetensors"
    save_file({"backbone.conv1.bias": torch.zeros(64)}, str(path), {"backbone": "resnet101-v2"})
    with pytest.raises(TrainingError, match="Expected weights of vgg16 .* received those of resnet101-v2"):
        start_from(Detector(CONFIG), str(path))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(TrainingError, match="Expected a safetensors file"):
        read_weights(path)


def test_rate_warms_up_stays_and_falls():
    factors = [rate_factor(step, step / 100, warmup_steps=10, decay=0.5) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[30] == 1
    assert factors[100] == pytest.approx(0.01)
    assert factors[50:] == sorted(factors[50:], reverse=True)


def test_stages_end_at_their_shares():
    stages = parse_stages("new:1,upper:3")
    assert [stage_at(stages, progress) for progress in (0, 0.2, 0.3, 1)] == ["new", "new", "upper", "upper"]
    for text in ("", "upper:1,new:1", "new", "new:0", "other:1"):
        with pytest.raises(TrainingError, match="for stages but received"):
            parse_stages(text)


def test_plot_of_a_run_leaves_out_steps_that_were_repeated(tmp_path):
    log = tmp_path / "log.jsonl"
    lines = ['{"event": "train", "step": 1}', '{"event": "train", "step": 3}', '{"event": "resume", "step": 2}']
    log.write_text("\n".join([*lines, '{"event": "train", "step": 3, "ag', '{"event": "train", "step": 4}']))
    training, scores = read_log(log)
    assert [entry["step"] for entry in training] == [1, 4]
    assert scores == []


def test_plot_passes_over_what_is_no_entry(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('12\n[]\n{"step": 1}\n{"event": "train", "step": 2}\n')
    assert [entry["step"] for entry in read_log(log)[0]] == [2]


def test_a_line_begins_below_a_torn_one(tmp_path):
    log = tmp_path / "log.jsonl"
    append_line(log, '{"event": "train", "step": 3}')
    with log.open("a") as file:
        file.write('{"event": "tr')
    for line in ('{"event": "resume", "step": 2}', '{"event": "train", "step": 4}'):
        append_line(log, line)
    assert log.read_text().count("\n") == 4
    assert [entry["step"] for entry in read_log(log)[0]] == [4]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "latest.json"
    write_whole(path, "old")

    def no_room(self, text):
        self.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", no_room)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_which_nothing_fits_is_no_start(tmp_path):
    path = tmp_path / "vgg19.safetensors"
    save_file({"conv1_1.weight": torch.zeros(64, 3, 3, 3)}, str(path))
    with pytest.raises(
        TrainingError, match="Expected weights of a vgg16 detector .* received 1 tensors of other names"
    ):
        start_from(Detector(CONFIG), str(path))


def test_a_file_without_a_configuration_has_the_categories_of_the_starting_weights(tmp_path):
    path = tmp_path / "start.safetensors"
    given = Detector(CONFIG)
    save_file({file_name_of(name): value for name, value in given.state_dict().items()}, str(path))
    assert len(start_from(Detector(CONFIG), str(path))) == 4
    assert start_from(Detector(replace(CONFIG, categories=CATEGORIES)), str(path)) == []


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"backbone": "vgg16"}', "[" * 100_000])
def test_a_configuration_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "detector.safetensors"
    save_file({"a": torch.zeros(1)}, str(path), {"config": text})
    for read in (load_detector, lambda path: start_from(Detector(CONFIG), path)):
        with pytest.raises(TrainingError, match="Expected the configuration of a detector in"):
            read(str(path))


@pytest.mark.parametrize("scales", [{}, {"a.weight.scale": torch.ones(3)}])
def test_int8_tensors_without_their_scales_are_refused(tmp_path, scales):
    path = tmp_path / "int8.safetensors"
    save_file({"a.weight": torch.ones(2, 2, dtype=torch.int8), **scales}, str(path))
    with pytest.raises(TrainingError, match="Expected 2 scales of the int8 tensor a.weight of"):
        read_weights(path)


def test_proposals_are_coded_with_the_weights_of_the_configuration():
    detector = Detector(replace(CONFIG, rpn=RpnConfig(box_weights=(2.0, 2.0, 1.0, 1.0))))
    assert detector.rpn.box_coder.weights == (2.0, 2.0, 1.0, 1.0)
    assert Detector(CONFIG).rpn.box_coder.weights == (1.0, 1.0, 1.0, 1.0)


def test_the_mean_of_two_detectors(tmp_path):
    detectors = [Detector(CONFIG) for _ in range(2)]
    paths = [str(tmp_path / f"{number}.safetensors") for number in range(2)]
    for detector, path in zip(detectors, paths):
        export_weights(detector.state_dict(), CONFIG, path)
    first, second, mean = (each.rpn.head.conv.weight for each in (*detectors, mean_of(paths)))
    torch.testing.assert_close(mean, (first + second) / 2)
    assert torch.equal(mean_of([paths[0], paths[0]]).rpn.head.conv.weight, first)


def test_no_mean_of_detectors_of_different_things(tmp_path):
    paths = [str(tmp_path / f"{name}.safetensors") for name in ("box", "cup", "resnet")]
    cup = DetectorConfig(backbone="vgg16", categories=(Category("cup", 7),))
    resnet = DetectorConfig(categories=CONFIG.categories)
    for config, path in zip((CONFIG, cup, resnet), paths):
        export_weights(Detector(config).state_dict(), config, path)
    with pytest.raises(TrainingError, match=r"categories of .*cup.* box \(id 7\) in place of cup"):
        mean_of([paths[0], paths[1]])
    with pytest.raises(TrainingError, match="tensors do not fit"):
        mean_of([paths[0], paths[2]])
