import tarfile

import numpy as np
import pytest
from conftest import read_instances, write_instances
from PIL import ExifTags, Image

from vertebra_training.dataset import open_dataset, split
from vertebra_training.errors import TrainingError
from vertebra_training.image import open_photo


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


@pytest.mark.parametrize("content", [b"{", b'{"images": []}', b"[]", b"\xff\xfe{}", b"[" * 100_000, b"9" * 5000])
def test_files_that_are_not_coco(dataset, tmp_path, content):
    (dataset / "instances.json").write_bytes(content)
    with pytest.raises(TrainingError, match="Expected COCO annotations"):
        open_dataset(dataset, tmp_path / "cache")


def test_folder_without_photos(dataset, tmp_path):
    (dataset / "images").rename(dataset / "elsewhere")
    with pytest.raises(TrainingError, match=r"Expected images/ or images\*.tar"):
        open_dataset(dataset, tmp_path / "cache")


def packed(parent, photos, colour):
    """A data set of one name, whose photos in a tar file have one colour."""
    folder = parent / "shapes"
    folder.mkdir(parents=True)
    (folder / "instances.json").write_text((photos / "instances.json").read_text())
    with tarfile.open(folder / "images.tar", "w") as tar:
        for path in sorted((photos / "images").iterdir()):
            with Image.open(path) as image:
                Image.new("RGB", image.size, colour).save(parent / path.name)
            tar.add(parent / path.name, path.name)
    return folder


def test_data_sets_of_one_name_do_not_share_their_photos(dataset, tmp_path):
    for number, colour in enumerate([(255, 0, 0), (0, 0, 255)]):
        photos = open_dataset(packed(tmp_path / str(number), dataset, colour), tmp_path / "cache").photos
        assert open_photo(photos[0].path).getpixel((0, 0)) == colour


def test_replaced_tar_files_are_unpacked_again(dataset, tmp_path):
    first = packed(tmp_path / "first", dataset, (255, 0, 0))
    open_dataset(first, tmp_path / "cache")
    (packed(tmp_path / "second", dataset, (0, 0, 255)) / "images.tar").replace(first / "images.tar")
    photos = open_dataset(first, tmp_path / "cache").photos
    assert open_photo(photos[0].path).getpixel((0, 0)) == (0, 0, 255)


def on_its_side(folder) -> None:
    """Photo 1 becomes a JPEG with the same pixels, 96 x 64, that is upright as 64 x 96."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    with Image.open(folder / "images/1.png") as image:
        image.save(folder / "images/1.jpg", exif=exif)
    content = read_instances(folder)
    content["images"][0]["file_name"] = "1.jpg"
    write_instances(folder, content)


def test_size_and_boxes_belong_to_the_upright_photo(dataset, tmp_path):
    on_its_side(dataset)
    with pytest.raises(TrainingError, match="1.jpg is 64x96 but annotated as 96x64"):
        open_dataset(dataset, tmp_path / "cache")
    content = read_instances(dataset)
    content["images"][0] |= {"width": 64, "height": 96}
    write_instances(dataset, content)
    photo = open_dataset(dataset, tmp_path / "cache").photos[0]
    assert open_photo(photo.path).size == (photo.width, photo.height) == (64, 96)


def test_a_photo_too_large_to_be_one_is_named(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 96 * 64 // 2 - 1)
    with pytest.raises(TrainingError, match="8 do not fit: 1.png cannot be read .* exceeds limit"):
        open_dataset(dataset, tmp_path / "cache")
    with pytest.raises(TrainingError, match="Expected a photo at .* exceeds limit"):
        open_photo(dataset / "images/1.png")


def test_levels_of_16_bits_become_those_of_8(tmp_path):
    levels = np.array([[0, 257, 128 * 257, 65535]], dtype=np.uint16)
    Image.fromarray(levels).save(tmp_path / "grey.png")
    assert np.asarray(open_photo(tmp_path / "grey.png"))[0].tolist() == [[v] * 3 for v in (0, 1, 128, 255)]


@pytest.mark.parametrize(
    "box",
    [[1, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8], "abcd", None, ["1", "2", "30", "40"], [10**400, 0, 5, 5], [float("nan")] * 4],
)
def test_boxes_that_are_not_four_numbers_are_named(dataset, tmp_path, box):
    content = read_instances(dataset)
    content["annotations"][1]["bbox"] = box
    write_instances(dataset, content)
    with pytest.raises(TrainingError, match="Expected four numbers as bbox of annotation 2 in .* but received"):
        open_dataset(dataset, tmp_path / "cache")


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 1], "Expected photos with different ids in .* but received 1 twice"),
        ([str(number) for number in range(1, 9)], "Expected whole numbers as ids of photos in .* but received '1'"),
    ],
)
def test_ids_of_photos_are_different_whole_numbers(dataset, tmp_path, ids, message):
    content = read_instances(dataset)
    for image, number in zip(content["images"], ids):
        image["id"] = number
    write_instances(dataset, {**content, "annotations": []})
    with pytest.raises(TrainingError, match=message):
        open_dataset(dataset, tmp_path / "cache")


@pytest.mark.parametrize(
    ("name", "message"),
    [("disc", "Expected categories with different names in .* but received 'disc' twice"), (None, "received None")],
)
def test_names_of_categories_are_different_texts(dataset, tmp_path, name, message):
    content = read_instances(dataset)
    content["categories"][0]["name"] = name
    write_instances(dataset, content)
    with pytest.raises(TrainingError, match=message):
        open_dataset(dataset, tmp_path / "cache")
