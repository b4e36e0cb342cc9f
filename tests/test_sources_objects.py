"""Images with objects on the command line: by name, in COCO's format, as numbered masks."""

import json
import sys

import numpy as np
import pytest

from minis import run_objects
from minis.data import MissingPackageError, load
from minis.prediction import open_trained
from minis.recipes import SIDE, recipe
from minis.sources_objects import object_datasets, own_instances, own_objects
from minis.training import sum_of_losses
from minis.training_run import Own, run

from .photos import write_photos

pytest.importorskip("pycocotools", reason="objects in COCO's format need minis[coco]")


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path)


def test_annotations_and_numbered_masks_say_the_same(photos):
    """Both divide the images alike; grey images get COCO's three channels only from the first."""
    by_file = object_datasets(
        None, photos / "images", None, photos / "objects.json", stretched=False
    )
    by_mask = object_datasets(None, photos / "images", photos / "masks", None, stretched=False)
    assert [len(part) for part in by_file] == [len(part) for part in by_mask] == [5, 1]
    for one, other in zip(*(part[1] for part in (by_file, by_mask)), strict=True):
        assert one.image.shape[0] == 3
        assert other.image.shape[0] == 1
        np.testing.assert_array_equal(one.instances > 0, other.instances > 0)
    assert by_file[0].classes == ("background", "brick")
    assert by_mask[0].classes == ("background", "object")


def test_scenes_are_as_many_as_asked_for():
    """So that no scene is seen twice; what is held out stays as it is."""
    train, test = object_datasets("shapes", None, None, None, scenes=7, stretched=False)
    assert (len(train), len(test)) == (7, len(load("shapes")[1]))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((None, None, None, None), "give either --data NAME, or --images FOLDER and one of"),
        (("shapes", "images", None, None), "give either --data NAME"),
        ((None, "images", None, None), "give either --data NAME"),
        ((None, None, "masks", None), "give either --data NAME"),
        ((None, "images", "masks", "objects.json"), "give either --data NAME"),
        (("brain", None, None, None), "no data set 'brain' of objects; there are digits"),
    ],
)
def test_options_that_dont_go_together(photos, given, text):
    name, *files = given
    paths = [None if file is None else photos / file for file in files]
    with pytest.raises(ValueError, match=text):
        object_datasets(name, *paths, stretched=False)


def test_what_teaches_nothing_is_refused(photos):
    """No object held out; one image; other categories."""
    told = json.loads((photos / "objects.json").read_text())
    told["annotations"] = []
    (photos / "none.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match="no object in the 5 images to train on"):
        object_datasets(None, photos / "images", None, photos / "none.json", stretched=False)
    told["images"] = told["images"][:1]
    (photos / "one.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match="at least two images are needed"):
        object_datasets(None, photos / "images", None, photos / "one.json", stretched=False)
    with pytest.raises(ValueError, match="the categories are brick; the network knows stone"):
        own_objects(
            photos / "images",
            photos / "objects.json",
            stretched=False,
            classes=("background", "stone"),
        )
    assert len(own_instances(photos / "images", photos / "masks", stretched=False)) == 6


def test_recipe_of_a_detector():
    """It has losses of its own; scenes are shown whole, a microscope's images as crops."""
    assert recipe("mask-rcnn").min_size == SIDE
    assert recipe("mask-rcnn", data="nuclei").min_size == 0
    assert recipe("mask-rcnn", data="nuclei", min_size=64).min_size == 64
    assert recipe("unet", data="digits").min_size == 0
    with pytest.raises(ValueError, match="mask-rcnn has losses of its own; leave --loss out"):
        recipe("mask-rcnn", loss="dice")


class Silent:
    """A console that says nothing."""

    def print(self, *text, **options):
        pass


@pytest.mark.parametrize(
    ("model", "own", "options", "text"),
    [
        ("unet", {"annotations": "a.json"}, {}, "--annotations is for mask-rcnn"),
        ("unet", {"masks": "masks"}, {"min_size": 64}, "--min-size is for mask-rcnn"),
        ("mask-rcnn", {"masks": "masks", "void": 255}, {}, "--void is for masks of classes"),
    ],
)
def test_options_of_the_other_kind(photos, model, own, options, text):
    paths = {k: v if k == "void" else photos / v for k, v in own.items()}
    mine = Own(images=photos / "images", **paths)
    settings = recipe(model, data=str(mine), **options)
    with pytest.raises(ValueError, match=text):
        run(settings, None, mine, photos / "run", Silent())


def test_a_run_on_ones_own_annotations_goes_on(photos):
    """Trained, resumed to the same end, and its result written."""
    mine = Own(photos / "images", annotations=photos / "objects.json")
    settings = recipe("mask-rcnn", data=str(mine), steps=3, min_size=48)
    result, best = run(settings, None, mine, photos / "run", Silent())
    assert result.finds_objects
    assert best.startswith("best mask AP on held-out images: ")
    assert result.lines()[0].startswith("held out, after the last step: mask AP ")
    assert {p.name for p in (photos / "run").iterdir()} >= {"last.safetensors", "result.json"}
    again, _ = run(settings, None, mine, photos / "run", Silent(), resume=True)
    assert again.scores.keys() == result.scores.keys()
    assert again.scores["mask_ap50"] == result.scores["mask_ap50"]
    other = recipe("mask-rcnn", data=str(mine), steps=3, min_size=64)
    with pytest.raises(ValueError, match="min_size was 48, is 64"):
        run(other, None, mine, photos / "run", Silent(), resume=True)


def test_scores_need_pycocotools(tmp_path, monkeypatch):
    """That is told before anything is trained."""
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    settings = recipe("mask-rcnn", data="shapes", steps=2)
    with pytest.raises(MissingPackageError, match=r"average precision.*pip install"):
        run(settings, "shapes", Own(), tmp_path / "run", Silent())
    assert not (tmp_path / "run").exists()


def test_an_interrupted_run_goes_on_bit_for_bit(photos, monkeypatch):
    """Ctrl-C in the third step: anchors and proposals are drawn as if nothing had happened."""
    mine = Own(photos / "images", annotations=photos / "objects.json")
    settings = recipe("mask-rcnn", data=str(mine), steps=4, min_size=48)
    run(settings, None, mine, photos / "whole", Silent())
    calls = []

    def interrupted(losses, targets):
        calls.append(losses)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sum_of_losses(losses, targets)

    monkeypatch.setattr(run_objects, "sum_of_losses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(settings, None, mine, photos / "parts", Silent())
    run(settings, None, mine, photos / "parts", Silent(), resume=True)
    assert len(calls) == 5  # the third again, and the fourth
    whole, parts = (open_trained(photos / name / "last.safetensors") for name in ("whole", "parts"))
    for name, value in whole.model.state_dict().items():
        assert np.array_equal(parts.model.state_dict()[name], value), name
