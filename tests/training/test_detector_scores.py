"""A detector's average precision on a data set: truth, pieces of large images, crowds, modes."""

import json

import numpy as np
import pytest

from minis.data import CocoFolder, Sample, Samples, Subset, write_image
from minis.data.coco_mask import encode_mask
from minis.nn import Module
from minis.training import connected_components, detector_scores

pytest.importorskip("pycocotools", reason="average precision needs minis[coco]")


class Bright(Module):
    """Finds connected bright pixels, all of class 1, each a little surer than the next."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, images):
        assert not self.training
        (image,) = images
        self.seen.append(image.shape)
        numbers, count = connected_components(image[0] > 0.5)
        masks = np.arange(1, count + 1)[:, None, None] == numbers
        boxes = [(x.min(), y.min(), x.max() + 1, y.max() + 1) for y, x in map(np.nonzero, masks)]
        return [
            {
                "boxes": np.array(boxes, float).reshape(-1, 4),
                "labels": np.ones(len(masks), int),
                "scores": 1 - 0.01 * np.arange(len(masks)),
                "masks": masks[:, None],
            }
        ]


def sample(*places, size=(60, 80), bright=None):
    """Objects where `places` say; the image is bright there, or where `bright` says."""
    instances, image = np.zeros(size, np.int32), np.zeros((1, *size), np.float32)
    for number, place in enumerate(places, start=1):
        instances[place] = number
    for place in places if bright is None else bright:
        image[0][place] = 1
    return Sample(image, (instances > 0).astype(np.int64), instances)


A, B, C = np.s_[5:15, 5:25], np.s_[30:50, 10:20], np.s_[20:40, 60:75]
IN_CROWD = np.s_[2:20, 60:75]


def scored(*samples, **options):
    dataset = Samples(samples, ("background", "thing"))
    return detector_scores(Bright(), dataset, channels=1, **options)


def test_all_images_count_together():
    both, one = sample(A, B), sample(A, B, bright=[A])
    scores = scored(both, one)
    assert next(iter(scores)) == "mask_ap"
    assert scored(both)["mask_ap"] == pytest.approx(1.0)
    assert scores["mask_ap"] == scores["box_ap"] == pytest.approx(76 / 101)  # 3 of 4: recall ¾
    assert scored(sample(A, bright=[]))["mask_ap"] == 0


def test_modes_and_channels():
    model = Bright().train()
    dataset = Samples([sample(A)], ("background", "thing"))
    assert detector_scores(model, dataset, channels=3)["mask_ap"] == pytest.approx(1.0)
    assert model.training
    assert model.seen == [(3, 60, 80)]
    model.eval()
    detector_scores(model, dataset, channels=1)
    assert not model.training


def test_another_way_to_find():
    """The caller may say how an image goes through the network: in tiles, for example."""
    model, seen = Bright(), []
    dataset = Samples([sample(A), sample(B)], ("background", "thing"))

    def find(image):
        seen.append(image.shape)
        return model([image])[0]

    assert detector_scores(model, dataset, channels=3, find=find)["mask_ap"] == pytest.approx(1.0)
    assert seen == [(3, 60, 80)] * 2


def crowded(folder):
    """An object, and before it one in a crowd, on each of two images."""
    write_image(folder / "a.png", sample(IN_CROWD, B).image)
    mask = np.zeros((60, 80), bool)
    mask[:25, 50:] = True
    runs = encode_mask(mask)
    known = {"segmentation": [[10, 30, 20, 30, 20, 50, 10, 50]], "iscrowd": 0}
    crowd = {"segmentation": {**runs, "counts": runs["counts"].decode()}, "iscrowd": 1}
    told = {
        "images": [{"id": n, "file_name": "a.png", "height": 60, "width": 80} for n in (1, 2)],
        "categories": [{"id": 5, "name": "thing"}],
        "annotations": [
            {"id": 10 * n + k, "image_id": n, "category_id": 5, **one}
            for n in (1, 2)
            for k, one in enumerate([known, crowd])
        ],
    }
    (folder / "a.json").write_text(json.dumps(told))
    return CocoFolder(folder, folder / "a.json", in_channels=1)


def test_crowds_neither_count_nor_punish(tmp_path):
    dataset = crowded(tmp_path)
    for part in (dataset, Subset(dataset, [1]), Subset(Subset(dataset, [1, 0]), [1])):
        scores = detector_scores(Bright(), part, channels=1)
        assert scores["mask_ap"] == pytest.approx(1.0)
        assert scores["box_ap"] == pytest.approx(1.0)
    plain = Samples([dataset[0]], dataset.classes)  # knows nothing of the crowd
    assert detector_scores(Bright(), plain, channels=1)["mask_ap"] == pytest.approx(0.5)


def test_what_is_wrong_is_told():
    flat = Sample(np.zeros((1, 4, 4), np.float32), np.zeros((4, 4), np.int64), name="flat")
    with pytest.raises(ValueError, match=r"flat.* should have instances"):
        scored(flat)
    with pytest.raises(ValueError, match="the data set is empty"):
        detector_scores(Bright(), Subset(Samples([flat], ("one",)), []), channels=1)
    two = Sample(np.zeros((2, 4, 4), np.float32), flat.labels, flat.labels.astype(np.int32))
    with pytest.raises(ValueError, match="2 channels, expected 1 or 3"):
        detector_scores(Bright(), Samples([two], ("one",)), channels=3)
