"""The command on objects, from one's own images to scores and pictures."""

import json

import pytest

from minis.training import read_metadata

from .photos import write_photos
from .test_cli import minis

pytest.importorskip("pycocotools", reason="objects in COCO's format need minis[coco]")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A network trained for two steps on annotations in COCO's format."""
    photos = write_photos(tmp_path_factory.mktemp("photos"))
    done = minis(
        "train", "mask-rcnn", "--images", photos / "images", "--annotations",
        photos / "objects.json", "--out", photos / "run", "--steps", 2, "--min-size", 48,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "5 to train on, 1 held out; 2 classes: background, brick" in done.stderr
    assert "mask-rcnn, 2 steps of 2 whole images" in done.stderr
    assert "held out, after the last step: mask AP 0." in done.stdout
    assert "best mask AP on held-out images: 0." in done.stdout
    assert "baseline" not in done.stdout
    return photos


def weights(run):
    return run / "run" / "last.safetensors"


def test_the_file_says_how_it_was_made(run):
    told = read_metadata(weights(run))
    assert told["classes"] == ["background", "brick"]
    assert told["model"] == {
        "name": "mask-rcnn", "in_channels": 3, "num_classes": 2, "min_size": 48,
    }  # fmt: skip


def test_predict(run):
    done = minis("predict", weights(run), run / "images", "--out", run / "found", "--score", 0.01)
    assert done.returncode == 0, done.stderr
    assert "6 searched" in done.stdout
    assert "1 = brick" in done.stdout
    listed = json.loads((run / "found" / "3_objects.json").read_text())
    assert [image["file_name"] for image in listed["images"]] == ["3.png"]
    assert (run / "found" / "3_objects.png").exists()


def test_evaluate(run):
    told = ["--images", run / "images", "--annotations", run / "objects.json"]
    done = minis("evaluate", weights(run), *told)
    assert done.returncode == 0, done.stderr
    assert "AP50" in done.stdout
    refused = minis("evaluate", weights(run), "--images", run / "images")
    assert refused.returncode == 2
    assert "--annotations FILE" in refused.stderr


def test_stages(run):
    done = minis("stages", weights(run), run / "images" / "0.png", "--out", run / "stages")
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (run / "stages").iterdir())
    assert len(names) == 9
    assert names[0] == "1_image.png"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--loss", "dice"], "mask-rcnn has losses of its own; leave --loss out"),
        (["--data", "brain"], "no data set 'brain' of objects"),
        (["--data", "cells", "--void", 255], "--void is for masks of classes"),
    ],
)
def test_mistakes_are_told_in_a_line(options, text, tmp_path):
    refused = minis("train", "mask-rcnn", *options, "--out", tmp_path / "run")
    assert refused.returncode == 2
    assert text in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "run").exists()
