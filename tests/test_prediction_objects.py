"""`minis predict` with networks that find objects: pictures, lists and maps of them, and errors."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minis.data import CocoFolder, read_mask, stretch, write_image
from minis.data.coco_mask import decode_mask
from minis.models import build
from minis.nn import Module
from minis.prediction import Trained, open_trained, predict_files
from minis.training import connected_components, save_weights

from .test_cli import minis

pytest.importorskip("pycocotools", reason="lists of objects need minis[coco]")

RNG = np.random.default_rng(0)
CLASSES = ("background", "cat", "dog")
RESULTS = ["a_instances.png", "a_objects.json", "a_objects.png"]


class Bright(Module):
    """Finds connected bright pixels; their brightness is the score, above 0.85 they are dogs."""

    axes = 2

    def __init__(self, min_size=128, channels=3):
        super().__init__()
        self.channels, self.seen = channels, []
        side = min_size or 1
        self.transform = SimpleNamespace(
            min_size=min_size,
            resized=lambda size: (
                size if min_size is None else tuple(n * side // min(size) for n in size)
            ),
        )

    def forward(self, images):
        (image,) = images
        assert image.shape[0] == self.channels
        assert image.dtype == np.float32
        self.seen.append(image)
        numbers, count = connected_components(image[0] > 0.4)
        masks = np.arange(1, count + 1)[:, None, None] == numbers
        scores = np.array([image[0][mask].mean() for mask in masks], np.float32)
        order = np.argsort(-scores, kind="stable")
        boxes = [
            (x.min(), y.min(), x.max() + 1, y.max() + 1) for y, x in map(np.nonzero, masks[order])
        ]
        return [
            {
                "boxes": np.array(boxes, np.float32).reshape(-1, 4),
                "labels": 1 + (scores[order] > 0.85),
                "scores": scores[order],
                "masks": 0.9 * masks[order][:, None].astype(np.float32),
            }
        ]


def trained(model=None, **changes):
    model = model or Bright()
    fields = {
        "model": model, "classes": CLASSES, "mask_values": (0, 1, 2), "stretched": False,
        "in_channels": model.channels, "detects": True, "crop": 128, "file": "best.safetensors",
    } | changes  # fmt: skip
    return Trained(**fields)


def scene(size=(40, 60), channels=3):
    """Three bright rectangles on a dark ground: a weak one, a cat, a dog that isn't whole."""
    image = np.full((channels, *size), 0.1, np.float32)
    image[:, 2:6, 3:8] = 0.45
    image[:, 10:20, 30:42] = 0.7
    image[:, 25:38, 5:15] = 0.9
    image[:, 30:, 12:15] = 0.1
    return image


@pytest.fixture
def photo(tmp_path):
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in" / "a.png", scene())
    return tmp_path / "in" / "a.png"


def told(folder, name="a"):
    return json.loads((folder / f"{name}_objects.json").read_text())


def test_what_is_written(photo, tmp_path):
    out, lines = tmp_path / "out", []
    assert predict_files(trained(), photo, out, lines.append) == 1
    assert sorted(os.listdir(out)) == RESULTS
    assert lines == [
        "a.png: 2 objects (dog: 1, cat: 1)",
        "a.png → a_objects.png, a_objects.json, a_instances.png",
    ]
    listed = told(out)
    assert listed["info"] == {"weights": "best.safetensors"}
    assert listed["images"] == [{"id": 1, "file_name": "a.png", "height": 40, "width": 60}]
    assert listed["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    dog, cat = listed["annotations"]
    assert (dog["id"], dog["image_id"], dog["category_id"]) == (1, 1, 2)
    assert (dog["bbox"], dog["iscrowd"], dog["area"]) == ([5, 25, 10, 13], 0, 13 * 10 - 8 * 3)
    assert dog["score"] == pytest.approx(0.9, abs=0.01)
    assert (cat["id"], cat["category_id"], cat["bbox"]) == (2, 1, [30, 10, 12, 10])
    image = scene()[0]
    numbers = read_mask(out / "a_instances.png")
    np.testing.assert_array_equal(numbers, 1 * (image > 0.8) + 2 * (abs(image - 0.7) < 0.05))
    for entry in (dog, cat):
        mask = decode_mask(entry["segmentation"], (40, 60))
        np.testing.assert_array_equal(mask == 1, numbers == entry["id"])
    with Image.open(out / "a_objects.png") as picture:
        assert picture.size == (800, 573)


def test_the_list_opens_as_a_data_set_and_as_results(photo, tmp_path, capsys):
    from pycocotools.coco import COCO

    predict_files(trained(), photo, tmp_path / "out")
    folder = CocoFolder(photo.parent, tmp_path / "out" / "a_objects.json")
    assert folder.classes == CLASSES
    target = folder.targets(0)
    assert target["boxes"].tolist() == [[5, 25, 15, 38], [30, 10, 42, 20]]
    assert target["labels"].tolist() == [2, 1]
    truth = COCO(str(tmp_path / "out" / "a_objects.json"))
    assert len(truth.loadRes(told(tmp_path / "out")["annotations"]).anns) == 2


def test_the_score_decides_what_counts(photo, tmp_path):
    for score, count in [(None, 2), (0.3, 3), (0.8, 1), (0.0, 3)]:
        predict_files(trained(), photo, tmp_path / "out", score=score, overwrite=True)
        assert len(told(tmp_path / "out")["annotations"]) == count
        assert read_mask(tmp_path / "out" / "a_instances.png").max() == count
    lines = []
    predict_files(trained(), photo, tmp_path / "out", lines.append, score=0.95, overwrite=True)
    assert lines[0] == "a.png: no object with a score of 0.95 or more; the best has 0.90"
    for score in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="expected a number in 0 … 1"):
            predict_files(trained(), photo, tmp_path / "out", score=score)
    with pytest.raises(ValueError, match="score is for networks that find objects"):
        predict_files(trained(detects=False), photo, tmp_path / "out", score=0.5)


def test_nothing_found(tmp_path):
    write_image(tmp_path / "a.png", np.zeros((3, 20, 30), np.float32))
    lines = []
    predict_files(trained(), tmp_path / "a.png", tmp_path / "out", lines.append)
    assert lines[0] == "a.png: no object with a score of 0.5 or more"
    assert told(tmp_path / "out")["annotations"] == []
    numbers = read_mask(tmp_path / "out" / "a_instances.png")
    assert numbers.shape == (20, 30)
    assert not numbers.any()
    assert (tmp_path / "out" / "a_objects.png").exists()


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (7, 3), (200, 12)])
def test_any_size(size, tmp_path):
    write_image(tmp_path / "a.png", np.full((3, *size), 0.9, np.float32))
    predict_files(trained(), tmp_path / "a.png", tmp_path / "out")
    (entry,) = told(tmp_path / "out")["annotations"]
    assert entry["bbox"] == [0, 0, size[1], size[0]]
    assert (read_mask(tmp_path / "out" / "a_instances.png") == np.ones(size)).all()


def test_nothing_is_overwritten(photo, tmp_path):
    out = tmp_path / "out"
    predict_files(trained(), photo, out)
    for name in RESULTS:
        before = (out / name).read_bytes()
        for other in set(RESULTS) - {name}:
            (out / other).unlink(missing_ok=True)
        with pytest.raises(FileExistsError, match=f"{name} is there already; --overwrite"):
            predict_files(trained(), photo, out)
        assert os.listdir(out) == [name]
        assert (out / name).read_bytes() == before
        predict_files(trained(), photo, out, overwrite=True)
    with pytest.raises(ValueError, match="the images are there"):
        predict_files(trained(), photo, photo.parent)
    assert sorted(os.listdir(out)) == RESULTS


def test_channels(photo, tmp_path):
    """Grey is repeated; colour to a network for grey images is an error that names the file."""
    grey = tmp_path / "grey.png"
    write_image(grey, scene(channels=1))
    network = trained()
    predict_files(network, grey, tmp_path / "out")
    np.testing.assert_array_equal(network.model.seen[0][0], network.model.seen[0][2])
    with pytest.raises(ValueError, match=r"a\.png: the image has 3 channels, .* trained on 1$"):
        predict_files(trained(Bright(channels=1)), photo, tmp_path / "new")
    with pytest.raises(ValueError, match="spacing is for volumes"):
        predict_files(trained(), photo, tmp_path / "new", spacing=(1, 1, 1))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("factor", "stretched", "told"), [(1, 0, 0), (1, 1, 0), (900, 0, 1)])
def test_intensities_become_those_of_training(factor, stretched, told, tmp_path):
    pytest.importorskip("tifffile", reason="TIFF needs minis[demo]")
    image = factor * scene(channels=1)
    write_image(tmp_path / "a.tif", image, bits=32)
    network, lines = trained(Bright(channels=1), stretched=bool(stretched)), []
    predict_files(network, tmp_path / "a.tif", tmp_path / "out", lines.append)
    expected = stretch(image) if stretched or told else image
    np.testing.assert_allclose(network.model.seen[0], expected, rtol=1e-6)
    assert len(lines) == 2 + told
    assert not told or "but the network was trained on 0 … 1: stretched" in lines[0]


def test_large_images_are_shrunk_and_that_is_told(tmp_path):
    for size, expected in [((256, 300), 0), ((257, 300), 1)]:
        write_image(tmp_path / "a.png", np.zeros((3, *size), np.float32))
        lines = []
        predict_files(trained(), tmp_path / "a.png", tmp_path / "out", lines.append, overwrite=True)
        assert len(lines) == 2 + expected
    assert lines[0] == (
        "a.png: the network sees its 257 × 300 pixels shrunk to 128 × 149: small objects may be "
        "lost"
    )


def test_large_images_of_one_scale_are_seen_in_tiles(tmp_path):
    image = np.zeros((3, 300, 200), np.float32)
    image[:, 120:140, 60:75] = 0.7  # over the edges of tiles
    image[:, 200:215, 180:] = 0.9
    write_image(tmp_path / "a.png", image)
    network, lines = trained(Bright(min_size=None), crop=100), []
    predict_files(network, tmp_path / "a.png", tmp_path / "out", lines.append)
    assert {seen.shape for seen in network.model.seen} == {(3, 100, 100)}
    assert len(network.model.seen) == 15
    assert lines[0] == (
        "a.png: seen in 5 × 3 tiles of 100 pixels a side, as in training; of an object larger "
        "than 50 pixels only a part may be found"
    )
    boxes = [entry["bbox"] for entry in told(tmp_path / "out")["annotations"]]
    assert boxes == [[180, 200, 20, 15], [60, 120, 15, 20]]
    np.testing.assert_array_equal(
        read_mask(tmp_path / "out" / "a_instances.png"),
        1 * (image[0] > 0.8) + 2 * (abs(image[0] - 0.7) < 0.05),
    )


def test_without_pycocotools(photo, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "minis\[coco\]"'):
        predict_files(trained(), photo, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A MaskRCNN.mini that takes nearly every region for a cat, in a file as training writes it."""
    arguments = {"name": "mask-rcnn", "in_channels": 3, "num_classes": 3}
    model = build(**arguments, rng=np.random.default_rng(1))
    model.roi_heads.box_predictor.cls_score.bias.data[:] = [0, 3, -3]
    metadata = {
        "model": arguments, "classes": list(CLASSES), "mask_values": [0, 1, 2],
        "settings": {"stretched": False, "crop": 128}, "spacing": None, "orientation": None,
    }  # fmt: skip
    path = tmp_path_factory.mktemp("weights") / "cats.safetensors"
    save_weights(model, path, metadata=metadata)
    return path


def test_the_command_with_a_checkpoint_of_mask_rcnn(weights, tmp_path):
    network = open_trained(weights)
    assert (network.detects, network.crop, network.file) == (True, 128, "cats.safetensors")
    (tmp_path / "in").mkdir()
    image = RNG.random((3, 60, 90)).astype(np.float32)
    write_image(tmp_path / "in" / "colour.png", image)
    write_image(tmp_path / "in" / "grey.png", image[:1, :33, :50])
    done = minis("predict", weights, "in", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2 searched, in out; category_id 1 = cat, 2 = dog\n"
    assert "colour.png → colour_objects.png, colour_objects.json, colour_inst" in done.stderr
    listed = told(tmp_path / "out", "colour")
    (found,) = network.model([np.rint(image * 255).astype(np.float32) / 255])
    good = found["scores"] >= 0.5
    assert good.sum() > 0
    assert listed["info"] == {"weights": "cats.safetensors"}
    assert [entry["category_id"] for entry in listed["annotations"]] == [1] * good.sum()
    for row, entry in enumerate(listed["annotations"]):
        x, y, w, h = entry["bbox"]
        np.testing.assert_allclose((x, y, x + w, y + h), found["boxes"][row], atol=2e-2)
        assert entry["score"] == pytest.approx(float(found["scores"][row]), abs=1e-4)
        mask = decode_mask(entry["segmentation"], (60, 90))
        assert (mask != (found["masks"][row, 0] > 0.5)).mean() < 1e-3
    none = minis("predict", weights, "in", "--out", "none", "--score", "1", cwd=tmp_path)
    assert none.returncode == 0, none.stderr
    assert "grey.png: no object with a score of 1 or more; the best has 0.9" in none.stderr
    refused = minis("predict", weights, "in", "--out", "out", cwd=tmp_path)
    assert refused.returncode == 2
    assert "is there already; --overwrite replaces it" in refused.stderr
