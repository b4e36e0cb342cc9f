"""Data sets in COCO's format: masks, crowds, and errors that name file and annotation."""

import copy
import json
import sys

import numpy as np
import pytest

from minis.data import (
    IGNORE,
    CocoFolder,
    MissingPackageError,
    ObjectSample,
    flip,
    instance_targets,
    write_image,
)
from minis.data.coco_mask import decode_mask, encode_mask, unpack_counts
from minis.training import average_precision

pytest.importorskip("pycocotools", reason="COCO's format needs minis[coco]")

CROWD = [[6, 0, 8, 0, 8, 4, 6, 4]]
TOLD = {
    "images": [
        {"id": 30, "file_name": "b.png", "height": 6, "width": 8},
        {"id": 20, "file_name": "sub/a.png", "height": 4, "width": 5},
        {"id": 40, "file_name": "empty.png", "height": 3, "width": 3},
    ],
    "categories": [{"id": 90, "name": "tooth"}, {"id": 3, "name": "car"}, {"id": 7, "name": "owl"}],
    "annotations": [
        {  # columns 1 … 4, rows 1 … 3
            "id": 11,
            "image_id": 30,
            "category_id": 7,
            "segmentation": [[1, 1, 5, 1, 5, 4, 1, 4]],
            "bbox": [1, 1, 4.5, 3],
            "area": 12.25,
            "iscrowd": 0,
        },
        {"id": 12, "image_id": 30, "category_id": 90, "segmentation": CROWD, "iscrowd": 1},
        {"id": 13, "image_id": 30, "category_id": 3, "segmentation": [[2, 2, 4, 2, 4, 5, 2, 5]]},
        {  # one object of two parts; the second reaches out of the image
            "id": 14,
            "image_id": 20,
            "category_id": 90,
            "segmentation": [[0, 0, 1, 0, 1, 1, 0, 1], [3, 2, 9, 2, 9, 9, 3, 9]],
        },
        {  # thinner than a pixel, and between the middles of two
            "id": 15,
            "image_id": 20,
            "category_id": 90,
            "segmentation": [[1.6, 1.6, 2.3, 1.6, 1.6, 1.7]],
        },
    ],
}


def make(folder, told):
    (folder / "sub").mkdir(exist_ok=True)
    for entry in told["images"]:
        channels = 1 if entry["file_name"] == "empty.png" else 3
        image = np.random.default_rng(entry["id"]).random((channels, 8, 8))
        if isinstance(entry.get("height"), int):
            image = image[:, : entry["height"], : entry["width"]]
        write_image(folder / entry["file_name"], image)
    (folder / "told.json").write_text(json.dumps(told))
    return CocoFolder(folder, folder / "told.json")


def box(size, x1, y1, x2, y2):
    mask = np.zeros(size, np.uint8)
    mask[y1:y2, x1:x2] = 1
    return mask


def test_classes_follow_the_ids_and_images_the_file(tmp_path):
    data = make(tmp_path, TOLD)
    assert data.classes == ("background", "car", "owl", "tooth")
    assert [sample.name for sample in data] == ["b.png", "sub/a.png", "empty.png"]
    assert data.num_classes == 4
    data.check()


def test_polygons_become_masks_boxes_and_labels(tmp_path):
    target = make(tmp_path, TOLD).targets(0)
    assert target["labels"].tolist() == [2, 1]
    assert target["boxes"].tolist() == [[1, 1, 5, 4], [2, 2, 4, 5]]
    np.testing.assert_array_equal(target["masks"][0], box((6, 8), 1, 1, 5, 4))
    np.testing.assert_array_equal(target["masks"][1], box((6, 8), 2, 2, 4, 5))
    assert (target["boxes"].dtype, target["labels"].dtype, target["masks"].dtype) == (
        np.float32,
        np.int64,
        np.uint8,
    )


def test_parts_make_one_object_cut_at_the_border_and_unseen_ones_are_left_out(tmp_path):
    target = make(tmp_path, TOLD).targets(1)
    assert target["labels"].tolist() == [3]
    expected = box((4, 5), 0, 0, 1, 1) | box((4, 5), 3, 2, 5, 4)
    np.testing.assert_array_equal(target["masks"], expected[None])
    assert target["boxes"].tolist() == [[0, 0, 5, 4]]


def test_of_two_that_overlap_the_smaller_lies_in_front_and_crowds_are_void(tmp_path):
    sample = make(tmp_path, TOLD)[0]
    assert isinstance(sample, ObjectSample)
    assert sample.instances[2, 2] == 2
    assert sample.labels[2, 2] == 1
    assert sample.labels[1, 1] == 2
    assert (sample.labels[:4, 6:] == IGNORE).all()
    assert (sample.instances[:4, 6:] == 0).all()
    assert (sample.labels == IGNORE).sum() == 8


def test_images_without_objects(tmp_path):
    data = make(tmp_path, TOLD)
    target = data.targets(2)
    assert target["boxes"].shape == (0, 4)
    assert target["masks"].shape == (0, 3, 3)
    assert data[2].image.shape == (3, 3, 3)  # grey, repeated
    assert data.truth(2)["iscrowd"].shape == (0,)


def test_truth_has_crowds_apart_and_the_annotations_own_boxes_and_areas(tmp_path):
    truth = make(tmp_path, TOLD).truth(0)
    assert truth["iscrowd"].tolist() == [False, True, False]
    assert truth["labels"].tolist() == [2, 3, 1]
    assert truth["boxes"].tolist() == [[1, 1, 5.5, 4], [6, 0, 8, 4], [2, 2, 4, 5]]
    assert truth["area"].tolist() == [12.25, 8, 6]


def test_scores_are_those_of_pycocotools_reading_the_file(tmp_path):
    """The usual way from two files to COCO's scores, against `truth` and `average_precision`."""
    from pycocotools.coco import COCO as coco
    from pycocotools.cocoeval import COCOeval as evaluation

    told = copy.deepcopy(TOLD)
    rng = np.random.default_rng(5)
    for one in told["annotations"]:
        x, y = (rng.random(2) * 0.5).tolist()
        one.setdefault("bbox", [x, y, 4.0, 3.0])
        one.setdefault("area", 1000.0 + 40 * one["id"])  # some small, some medium
        one.setdefault("iscrowd", 0)
    data = make(tmp_path, told)
    ids, results, detections = sorted([90, 3, 7]), [], []
    for index, entry in enumerate(told["images"]):
        size, m = (entry["height"], entry["width"]), 12
        masks = np.zeros((m, 1, *size), np.float32)
        if index < 2:
            masks[:, 0] = data.truth(index)["masks"][rng.integers(0, 2, m)]
        masks[:, 0] = np.where(rng.random((m, *size)) < 0.15, 1 - masks[:, 0], masks[:, 0])
        boxes = np.concatenate([rng.random((m, 2)) * 2, 3 + rng.random((m, 2)) * 2], axis=1)
        labels, scores = rng.integers(1, 4, m), rng.random(m)
        detections.append({"boxes": boxes, "labels": labels, "scores": scores, "masks": masks})
        for mask, (x1, y1, x2, y2), label, score in zip(masks, boxes, labels, scores, strict=True):
            results.append(
                {
                    "image_id": entry["id"],
                    "category_id": ids[label - 1],
                    "score": score,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "segmentation": encode_mask(mask[0]),
                }
            )
    ours = average_precision(detections, [data.truth(i) for i in range(len(data))])
    for kind, name in (("mask", "segm"), ("box", "bbox")):
        leave_out = "bbox" if kind == "mask" else "segmentation"
        true = coco(str(tmp_path / "told.json"))
        given = [{k: v for k, v in one.items() if k != leave_out} for one in results]
        theirs = evaluation(true, true.loadRes(given), name)
        theirs.evaluate()
        theirs.accumulate()
        theirs.summarize()
        expected = np.where(theirs.stats[:6] < 0, np.nan, theirs.stats[:6])
        got = [value for score, value in ours.items() if score.startswith(kind)]
        assert 0 < expected[1] < 1
        np.testing.assert_array_equal(got, expected)


def test_every_way_to_write_a_mask_is_read(tmp_path):
    mask = (np.random.default_rng(0).random((6, 8)) < 0.4).astype(np.uint8)
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    counts = [0, *counts] if flat[0] else counts
    packed = encode_mask(mask)["counts"].decode()
    assert unpack_counts(packed) == counts
    for written in (counts, packed):
        told = copy.deepcopy(TOLD)
        told["annotations"][0]["segmentation"] = {"size": [6, 8], "counts": written}
        np.testing.assert_array_equal(make(tmp_path, told)[0].masks[0], mask)


@pytest.mark.parametrize("seed", range(20))
def test_packed_counts_unpack_to_what_was_packed(seed):
    rng = np.random.default_rng(seed)
    mask = (rng.random((rng.integers(1, 90), rng.integers(1, 90))) < rng.random()).astype(np.uint8)
    mask = mask.repeat(rng.integers(1, 40), axis=0)
    counts = unpack_counts(encode_mask(mask)["counts"].decode())
    assert sum(counts) == mask.size
    np.testing.assert_array_equal(
        decode_mask({"size": list(mask.shape), "counts": counts}, mask.shape), mask
    )


def test_moving_pixels_moves_every_mask(tmp_path):
    sample = make(tmp_path, TOLD)[0]
    mirrored = flip(sample, np.random.default_rng(3), axes=[-1])
    assert not np.array_equal(mirrored.image, sample.image)
    target = instance_targets(mirrored)
    assert target["boxes"].tolist() == [[3, 1, 7, 4], [4, 2, 6, 5]]
    assert target["labels"].tolist() == [2, 1]
    cut = instance_targets(sample.map(lambda array: array[..., :2]))  # the car is not in it
    assert cut["boxes"].tolist() == [[1, 1, 2, 4]]
    assert cut["labels"].tolist() == [2]


def changed(place, **entries):
    def change(told):
        told["annotations"][place].update(entries)

    return change


def rename(told):
    told["annotations"][1]["id"] = 11


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (changed(0, category_id=5), r"told.json: annotation 11: unknown category_id 5"),
        (changed(3, image_id=5), r"annotation 14: unknown image_id 5"),
        (changed(0, segmentation=[]), r"annotation 11: segmentation is \[\]"),
        (changed(0, segmentation=None), r"annotation 11: segmentation is None"),
        (changed(0, segmentation=[[]]), r"annotation 11: a polygon of 0 numbers"),
        (changed(0, segmentation=[[1, 1, 2, 2]]), r"annotation 11: a polygon of 4 numbers"),
        (changed(0, segmentation=[[1, 1, 2, 2, 3, 3, 4]]), r"11: a polygon of 7 numbers"),
        (changed(0, segmentation=[[1, 1, 2, 2, 3, "x"]]), r"11: .* isn't a finite number"),
        (changed(0, segmentation=[[1, 1, 2, float("nan"), 3, 3]]), r"isn't a finite number"),
        (
            changed(0, segmentation=[[9, 9, 12, 9, 12, 12]]),
            r"11: the polygons lie outside",
        ),
        (changed(0, bbox=[20, 1, 2, 2]), r"11: bbox \[20, 1, 2, 2\] lies outside .* 6 × 8"),
        (changed(0, bbox=[1, 1, -2, 2]), r"11: bbox .* extent is negative"),
        (changed(0, bbox=[1, 1, 2]), r"11: bbox \[1, 1, 2\], expected \[x, y, width, height\]"),
        (changed(0, area=-1), r"11: area -1"),
        (changed(0, iscrowd=2), r"11: iscrowd 2"),
        (changed(0, segmentation={"size": [8, 6], "counts": [48]}), r"11: RLE of size \[8, 6\]"),
        (changed(0, segmentation={"size": [6, 8], "counts": [47]}), r"covers 47 pixels"),
        (changed(0, segmentation={"size": [6, 8], "counts": [50, -2]}), r"whole numbers ≥ 0"),
        (changed(0, segmentation={"size": [6, 8], "counts": "1 !"}), r"11: RLE that cannot be unp"),
        (changed(0, segmentation={"size": [6, 8]}), r"11: RLE counts should be"),
        (rename, r"told.json: two of kind annotation have the id 11"),
        (lambda told: told["categories"].append({"id": 8}), r"category 8 is broken"),
        (lambda told: told["categories"].append({"name": "x"}), r"category at position 3 has no"),
        (lambda told: told["images"][0].pop("height"), r"image 30 is broken"),
        (lambda told: told.pop("images") and told.update(images={}), r"no list 'images'"),
    ],
)
def test_what_is_broken_is_named(tmp_path, change, text):
    make(tmp_path, TOLD)
    told = copy.deepcopy(TOLD)
    change(told)
    (tmp_path / "told.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match=text):
        CocoFolder(tmp_path, tmp_path / "told.json")


def test_files_that_are_missing_or_broken_are_named(tmp_path):
    make(tmp_path, TOLD)
    with pytest.raises(FileNotFoundError, match=r"nowhere.json: no such file"):
        CocoFolder(tmp_path, tmp_path / "nowhere.json")
    (tmp_path / "cut.json").write_text('{"images": [')
    with pytest.raises(ValueError, match=r"cut.json: cannot be read as JSON"):
        CocoFolder(tmp_path, tmp_path / "cut.json")
    data = CocoFolder(tmp_path, tmp_path / "told.json")
    write_image(tmp_path / "b.png", np.zeros((3, 8, 6)))
    with pytest.raises(ValueError, match=r"b.png: 8 × 6 pixels .*told.json says 6 × 8"):
        data[0]
    (tmp_path / "b.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"b.png: cannot be read as an image"):
        data.check()
    with pytest.raises(ValueError, match=r"a.png: 3 channels, expected 1 or 4"):
        CocoFolder(tmp_path, tmp_path / "told.json", in_channels=4)[1]
    (tmp_path / "b.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"without images that .*told.json lists: b.png"):
        CocoFolder(tmp_path, tmp_path / "told.json")


def test_too_many_categories_for_labels_are_refused(tmp_path):
    told = {**TOLD, "categories": [{"id": i, "name": str(i)} for i in range(255)]}
    with pytest.raises(ValueError, match="255 categories, expected at most 254"):
        make(tmp_path, told)


def test_what_to_install_is_said(tmp_path, monkeypatch):
    data = make(tmp_path, TOLD)
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    with pytest.raises(MissingPackageError, match=r"needs pycocotools, .*\"minis\[coco\]\""):
        data[0]
