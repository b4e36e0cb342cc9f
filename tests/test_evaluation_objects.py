"""`minis evaluate` with networks that find objects: on which images, and what is refused."""

import json

import numpy as np
import pytest

from minis.data import stretch, write_image, write_mask
from minis.data.coco_mask import encode_mask
from minis.evaluation_objects import object_scores, objects_to_score, score_table

from .test_cli import minis
from .test_prediction_objects import Bright, trained, weights

pytest.importorskip("pycocotools", reason="average precision needs minis[coco]")

__all__ = ["weights"]  # a fixture
THINGS = ("background", "thing")
PLACES = (np.s_[2:12, 5:25], np.s_[20:30, 10:20])


@pytest.fixture
def folder(tmp_path):
    """Two images with objects, told by masks and in COCO's format; the second a little wrong."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    told = {"images": [], "categories": [{"id": 8, "name": "thing"}], "annotations": []}
    for n, bright in enumerate((PLACES, PLACES[:1])):
        image, mask = np.full((3, 40, 50), 0.1, np.float32), np.zeros((40, 50), int)
        for number, place in enumerate(PLACES, start=1):
            mask[place] = 300 * number
            runs = encode_mask(mask == 300 * number)
            told["annotations"].append(
                {
                    "id": 10 * n + number, "image_id": n, "category_id": 8, "iscrowd": 0,
                    "segmentation": {**runs, "counts": runs["counts"].decode()},
                }
            )  # fmt: skip
        for place in bright:
            image[:, *place] = 0.8
        told["images"].append({"id": n, "file_name": f"{n}.png", "height": 40, "width": 50})
        write_image(tmp_path / "images" / f"{n}.png", image)
        write_mask(tmp_path / "masks" / f"{n}.png", mask)
    (tmp_path / "objects.json").write_text(json.dumps(told))
    return tmp_path


def opened(network, *, data=None, images=None, masks=None, annotations=None, report=print):
    return objects_to_score(network, data, images, masks, annotations, report)


@pytest.mark.parametrize("how", ["masks", "annotations"])
def test_own_objects(how, folder):
    told = {"masks": folder / "masks", "annotations": folder / "objects.json"}
    network = trained(classes=THINGS, mask_values=(0, 1))
    dataset = opened(network, images=folder / "images", **{how: told[how]})
    assert (len(dataset), dataset.num_classes) == (2, 2)
    scores = object_scores(network, dataset)
    assert scores["mask_ap"] == pytest.approx(76 / 101)  # three of four objects
    assert scores["box_ap50"] == pytest.approx(76 / 101)
    rows = score_table(scores)
    assert rows[0] == ("AP", "0.7525", "0.7525")
    assert rows[-1] == ("AP, large", "none", "none")


def test_grey_images_and_large_ones(folder):
    for path in (folder / "images").iterdir():
        write_image(path, np.full((1, 40, 50), 0.1, np.float32))
    network = trained(Bright(min_size=None), classes=THINGS, mask_values=(0, 1), crop=20)
    dataset = opened(network, images=folder / "images", annotations=folder / "objects.json")
    assert object_scores(network, dataset)["mask_ap"] == 0
    assert {seen.shape for seen in network.model.seen} == {(3, 20, 20)}  # tiles, as in predict


def test_images_that_leave_the_range_are_stretched(folder):
    pytest.importorskip("tifffile", reason="TIFF needs minis[demo]")
    image = np.zeros((1, 40, 50), np.float32)
    for place in PLACES:
        image[0][place] = 700
    for path in (folder / "images").iterdir():
        path.unlink()
        write_image(path.with_suffix(".tif"), image, bits=32)
    network = trained(Bright(channels=1), classes=THINGS, mask_values=(0, 1))
    lines = []
    dataset = opened(network, images=folder / "images", masks=folder / "masks", report=lines.append)
    assert lines == ["intensities leave 0 … 1, in which the network was trained: stretched"]
    np.testing.assert_array_equal(dataset[0].image, stretch(image))


def test_what_does_not_go_together(folder):
    network = trained(classes=THINGS, mask_values=(0, 1))
    images, masks, told = folder / "images", folder / "masks", folder / "objects.json"
    for options in (
        {},
        {"images": images},
        {"masks": masks},
        {"data": "digits", "images": images, "masks": masks},
        {"data": "digits", "annotations": told},
        {"images": images, "masks": masks, "annotations": told},
    ):
        with pytest.raises(ValueError, match="give either --data NAME, or --images FOLDER and"):
            opened(network, **options)
    with pytest.raises(ValueError, match="no data set 'brain' of objects"):
        opened(network, data="brain")
    with pytest.raises(ValueError, match=r"knows .* background, thing; the data have .*circle"):
        opened(network, data="shapes")
    pets = trained()
    with pytest.raises(ValueError, match="don't say which of the network's 2 classes"):
        opened(pets, images=images, masks=masks)
    with pytest.raises(ValueError, match=r"categories are thing; the network knows cat, dog"):
        opened(pets, images=images, annotations=told)


def test_the_command(weights, folder):
    done = minis("evaluate", weights, "--images", folder / "images", "--masks", folder / "masks")
    assert done.returncode == 2
    assert "give --annotations FILE instead" in done.stderr
    text = (folder / "objects.json").read_text()
    pets = [{"id": 3, "name": "cat"}, {"id": 8, "name": "dog"}]
    told = json.loads(text) | {"categories": pets}
    (folder / "pets.json").write_text(json.dumps(told))
    options = ["--images", folder / "images", "--annotations", folder / "pets.json"]
    done = minis("evaluate", weights, *options)
    assert done.returncode == 0, done.stderr
    for word in ("average precision", "of masks", "of boxes", "AP50", "AP75", "small", "none"):
        assert word in done.stdout
    done = minis("evaluate", weights, *options, "--void", 255)
    assert done.returncode == 2
    assert "--void is for scores of pixels" in done.stderr
