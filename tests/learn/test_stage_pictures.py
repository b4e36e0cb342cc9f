"""The story of a detection in pictures: what is written, and whether captions say what is so."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minis.data import write_image
from minis.learn import draw_stages, stage_pictures, stages
from minis.models import MaskRCNN, UNet
from minis.training import save_weights

NAMES = [
    "1_image.png", "2_anchors.png", "3_objectness.png", "4_proposals.png", "5_regions.png",
    "6_classes.png", "7_boxes.png", "8_masks.png", "9_objects.png",
]  # fmt: skip
IMAGE = np.random.default_rng(1).random((1, 60, 90), dtype=np.float32)
CLASSES = ("background", "cat", "dog")


@pytest.fixture(scope="module")
def found():
    return stages(MaskRCNN.mini(in_channels=1, num_classes=3), IMAGE)


def caption(figure):
    """The text under a figure, in one line."""
    figure.savefig(io.BytesIO(), format="png")
    return figure._supxlabel.get_text().replace("\n", " ")


def test_the_story(found):
    """Nine pictures in order, and each caption tells the numbers of its stage."""
    told = dict(stage_pictures(found, CLASSES, score_threshold=0.1))
    assert [f"{i}_{name}.png" for i, name in enumerate(told, start=1)] == NAMES
    titles = [figure._suptitle.get_text() for figure in told.values()]
    assert [title.split("  ")[0] for title in titles] == list("123456789")
    captions = {name: caption(figure) for name, figure in told.items()}
    assert "60 × 90 pixels is resized to 128 × 192" in captions["image"]
    anchors = 3 * (32 * 48 + 16 * 24 + 8 * 12 + 4 * 6 + 2 * 3)
    assert f"{anchors} in all" in captions["anchors"]
    likely = sum((level > 0).sum() for level in found.objectness)
    assert f"{likely} of {anchors} anchors" in captions["objectness"]
    assert f"border: {len(found.candidates)} boxes" in captions["proposals"]
    assert "IoU above 0.7" in captions["proposals"]
    assert "The best 100 of what is left" in captions["proposals"]
    assert "7 × 7 values from each of a map's 32 channels" in captions["regions"]
    better = (found.class_scores[:, 1:].max(axis=1) > found.class_scores[:, 0]).sum()
    assert f"For {better} of all 100 proposals" in captions["classes"]
    assert f"candidate: {len(found.class_candidates)} boxes" in captions["boxes"]
    assert f"kept: {len(found.found)}." in captions["boxes"]
    assert f"The 8 best of {len(found.found)} boxes" in captions["masks"]
    count = len(found.detections["boxes"])
    strong = (found.detections["scores"] >= 0.1).sum()
    assert f"{count} objects, of which {strong} have" in captions["objects"]


def test_titles_name_levels_proposals_and_classes(found):
    """The same proposals in two pictures, by their rank; they overlap little."""
    told = dict(stage_pictures(found, CLASSES))
    assert told["anchors"].axes[4].get_title().startswith("P6: 2 × 3 cells, 18 anchors of 25")
    assert told["objectness"].axes[2].get_title().startswith("P3: 16 × 24 cells")
    crops = [axes.get_title() for axes in told["regions"].axes if axes.get_title()]
    rows = [tick.get_text() for tick in told["classes"].axes[0].get_yticklabels()]
    assert [title.split(":")[0] for title in crops] == rows
    assert rows[0] == "proposal 1"
    assert 1 < len(rows) <= 8
    rank = int(rows[1].split()[1]) - 1
    x1, y1, x2, y2 = found.proposals.boxes[rank]
    assert f"{y2 - y1:.0f} × {x2 - x1:.0f} px, P{found.levels[rank] + 2}" in crops[1]
    columns = [tick.get_text() for tick in told["classes"].axes[0].get_xticklabels()]
    assert columns == list(CLASSES)
    shown = [float(text.get_text()) for text in told["classes"].axes[0].texts]
    np.testing.assert_allclose(shown[3:6], found.class_scores[rank], atol=0.006)
    best, panels = found.found, told["masks"].axes
    assert panels[0].get_title() == f"{CLASSES[best.groups[0]]}, score {best.scores[0]:.2f}"
    drawn = np.asarray(panels[8].get_images()[0].get_array())  # in the second of eight columns
    np.testing.assert_array_equal(drawn, found.mask_logits[0, best.groups[0]])


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_files(channels, tmp_path):
    """Whole PNG files in a new folder; a small image, of any number of channels."""
    model = MaskRCNN.mini(in_channels=channels, num_classes=2)
    image = np.random.default_rng(0).random((channels, 17, 12), dtype=np.float32)
    paths = draw_stages(model, image, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == NAMES
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == NAMES
    for path in paths:
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) > 100


def test_nothing_is_found(tmp_path):
    """The pictures say so."""
    model = MaskRCNN.mini(in_channels=1, num_classes=3)
    model.roi_heads.selection["score_threshold"] = 1.0
    told = dict(stage_pictures(stages(model, IMAGE)))
    assert "The 0 best of 0 boxes" in caption(told["masks"])
    assert "0 objects, of which 0" in caption(told["objects"])
    assert len(draw_stages(model, IMAGE, tmp_path)) == 9


def test_names_must_be_as_many_as_classes(found):
    """Both numbers are told."""
    with pytest.raises(ValueError, match="the network has 3 classes, got 2 names"):
        next(stage_pictures(found, CLASSES[:2]))


def command(*arguments):
    """Run `minis stages` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "minis", "stages", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )


def saved(path, name, model):
    """Write a network as `minis train` does."""
    metadata = {
        "model": {"name": name, "in_channels": 1, "num_classes": 3},
        "classes": list(CLASSES),
        "mask_values": [0, 1, 2],
        "settings": {"stretched": False},
    }
    save_weights(model, path, metadata=metadata)
    return path


def test_command(tmp_path):
    """Pictures of an image's file; they aren't replaced unless asked for; mistakes in a line."""
    weights = saved(
        tmp_path / "best.safetensors", "mask-rcnn", MaskRCNN.mini(in_channels=1, num_classes=3)
    )
    other = saved(tmp_path / "unet.safetensors", "unet", UNet.mini(in_channels=1, num_classes=3))
    write_image(tmp_path / "photo.png", IMAGE)
    write_image(tmp_path / "colour.png", IMAGE[[0, 0, 0]])
    out = tmp_path / "stages"
    done = command(weights, tmp_path / "photo.png", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "1_image.png to 9_objects.png: 9 pictures" in done.stdout
    assert sorted(path.name for path in out.iterdir()) == NAMES
    for arguments, message in (
        ((weights, tmp_path / "photo.png"), "is there already; --overwrite replaces it"),
        ((other, tmp_path / "photo.png"), "holds a UNet; such stages are those of mask-rcnn"),
        (
            (weights, tmp_path / "colour.png"),
            "the image has 3 channels, the network",
        ),
        ((weights, tmp_path / "none.png"), "none.png"),
    ):
        refused = command(*arguments, "--out", out)
        assert refused.returncode == 2
        assert message in refused.stderr
        assert "Traceback" not in refused.stderr
    again = command(weights, tmp_path / "photo.png", "--out", out, "--overwrite")
    assert again.returncode == 0, again.stderr
