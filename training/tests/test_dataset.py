import tarfile

import pytest
from conftest import read_instances, write_instances

from vertebra_training.dataset import open_dataset, split
from vertebra_training.errors import TrainingError


def test_photos_boxes_and_labels(dataset, tmp_path):
    data = open_dataset(dataset, tmp_path / "cache")
    assert [photo.id for photo in data.photos] == list(range(1, 9))
    assert data.photos[2].labels.tolist() == [2]
    assert (data.photos[0].boxes[:, 2:] - data.photos[0].boxes[:, :2]).tolist() == [[30, 34]]
    training, held_out = split(data.photos, 4)
    assert [photo.id for photo in held_out] == [4, 8]
    assert len(training) == 6


def test_tar_files_are_unpacked_once(dataset, tmp_path):
    with tarfile.open(dataset / "images.tar", "w") as tar:
        for path in sorted((dataset / "images").iterdir()):
            tar.add(path, path.name)
            path.unlink()
    (dataset / "images").rmdir()
    for _ in range(2):
        assert len(open_dataset(dataset, tmp_path / "cache").photos) == 8


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda image: image.unlink(), r"Expected 8 photos in .* but 1 do not fit: 1.png is missing"),
        (lambda image: image.write_bytes(b""), "1.png is empty"),
        (lambda image: image.write_text("not a photo"), r"1.png cannot be read"),
        (
            lambda image: image.write_bytes(image.with_name("2.png").read_bytes()),
            "1.png is 64x96 but annotated as 96x64",
        ),
    ],
)
def test_bad_photos_are_named(dataset, tmp_path, spoil, message):
    spoil(dataset / "images" / "1.png")
    with pytest.raises(TrainingError, match=message):
        open_dataset(dataset, tmp_path / "cache")


def test_wrong_category_and_wrong_photo_id_are_named(dataset, tmp_path):
    content = read_instances(dataset)
    content["annotations"][4]["category_id"] = 99
    write_instances(dataset, content)
    with pytest.raises(TrainingError, match="category ids .* for annotation 5 but received 99"):
        open_dataset(dataset, tmp_path / "cache")
    content["annotations"][4] |= {"category_id": 7, "image_id": 1234}
    write_instances(dataset, content)
    with pytest.raises(TrainingError, match="annotation 5 but received image_id 1234"):
        open_dataset(dataset, tmp_path / "cache")


def test_boxes_outside_are_clipped_or_left_out(dataset, tmp_path):
    content = read_instances(dataset)
    content["annotations"][0]["bbox"] = [80, 10, 50, 20]
    content["annotations"][1]["bbox"] = [200, 10, 50, 20]
    write_instances(dataset, content)
    data = open_dataset(dataset, tmp_path / "cache")
    assert data.photos[0].boxes.tolist() == [[80, 10, 96, 30]]
    assert data.photos[1].boxes.shape == (0, 4)
    assert "1 boxes reached outside" in data.notes[0]
    assert "1 boxes had less than one pixel inside" in data.notes[1]


@pytest.mark.parametrize("content", ["{", '{"images": []}', "[]"])
def test_files_that_are_not_coco(dataset, tmp_path, content):
    (dataset / "instances.json").write_text(content)
    with pytest.raises(TrainingError, match="Expected COCO annotations"):
        open_dataset(dataset, tmp_path / "cache")


def test_folder_without_photos(dataset, tmp_path):
    (dataset / "images").rename(dataset / "elsewhere")
    with pytest.raises(TrainingError, match=r"Expected images/ or images\*.tar"):
        open_dataset(dataset, tmp_path / "cache")
