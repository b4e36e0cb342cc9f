"""COCO's average precision: cases worked by hand, and the definition in plain Python."""

import math

import numpy as np
import pytest

from minis.data.targets import box_of
from minis.training import AveragePrecision, average_precision

pytest.importorskip("pycocotools", reason="average precision needs minis[coco]")

SIZE = (40, 50)
NAMES = [
    f"{kind}_{score}"
    for kind in ("mask", "box")
    for score in ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
]


def objects(*boxes, labels=None, size=SIZE, **more):
    """Full rectangles x1, y1, x2, y2."""
    masks = np.zeros((len(boxes), *size), np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = 1
    return {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "labels": np.array(labels or [1] * len(boxes), np.int64),
        "masks": masks,
        **{name: np.array(values) for name, values in more.items()},
    }


def found(*boxes, scores=None, labels=None, size=SIZE):
    told = objects(*boxes, labels=labels, size=size)
    scores = np.linspace(0.9, 0.1, len(boxes)) if scores is None else np.array(scores, float)
    return {**told, "masks": told["masks"][:, None].astype(np.float32), "scores": scores}


A, B = (2, 3, 12, 13), (20, 20, 30, 30)
WRONG = (35, 2, 45, 12)


def ap(detections, target, kind="mask_ap"):
    return average_precision([detections], [target])[kind]


def test_all_perfect():
    scores = average_precision([found(A, B), found(B)], [objects(A, B), objects(B)])
    assert list(scores) == NAMES
    for kind in ("mask", "box"):
        for score in ("ap", "ap50", "ap75", "ap_small"):
            assert scores[f"{kind}_{score}"] == pytest.approx(1.0, abs=1e-12)
        assert math.isnan(scores[f"{kind}_ap_medium"])
        assert math.isnan(scores[f"{kind}_ap_large"])


@pytest.mark.parametrize(
    ("detections", "target", "expected"),
    [
        (found((4, 3, 14, 13)), objects(A), 0.4),  # IoU 80 / 120: .50, .55, .60, .65
        (found((3, 3, 13, 13)), objects(A), 0.7),  # IoU 90 / 110 = .818: up to .80
        (found((2, 3, 12, 8)), objects(A), 0.1),  # IoU of exactly ½ counts at .50
        (found((2, 3, 12, 7)), objects(A), 0.0),
        (found(A), objects(A, B), 51 / 101),  # recall ½: of 101 recalls, 0 … .50
        (found(A, A), objects(A), 1.0),  # a duplicate after full recall costs nothing
        (found(WRONG, A), objects(A), 0.5),
        (found(A, A, B), objects(A, B), (51 + 50 * 2 / 3) / 101),  # a duplicate before it does
        (found(A, WRONG, B), objects(A, B), (51 + 50 * 2 / 3) / 101),
        (found(WRONG, A, B), objects(A, B), 2 / 3),  # precision is made to fall
        (found(A, B, WRONG), objects(A, B), 1.0),
        (found(A, B, WRONG, scores=[0.5, 0.4, 0.9]), objects(A, B), 2 / 3),
        (found(A, labels=[2]), objects(A, labels=[1]), 0.0),
        (found(A, labels=[1]), objects(A, B, labels=[1, 2]), 0.5),  # mean over classes
        (found(A, B, labels=[1, 7]), objects(A), 1.0),  # no object of class 7: it doesn't count
        (found(), objects(A), 0.0),
        (found(A), objects(), math.nan),
        (found(), objects(), math.nan),
    ],
)
def test_worked_by_hand(detections, target, expected):
    for kind in ("mask_ap", "box_ap"):
        assert ap(detections, target, kind) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_one_threshold():
    scores = average_precision([found((3, 3, 13, 13))], [objects(A)])
    assert scores["mask_ap50"] == scores["mask_ap75"] == pytest.approx(1.0)
    scores = average_precision([found((4, 3, 14, 13))], [objects(A)])
    assert scores["mask_ap50"] == pytest.approx(1.0)
    assert scores["mask_ap75"] == 0


def test_masks_count_for_the_one_and_boxes_for_the_other():
    detected = found(A)
    detected["masks"][0, 0, :, 7:] = 0  # the left half in the whole box
    scores = average_precision([detected], [objects(A)])
    assert scores["mask_ap"] == pytest.approx(0.1)
    assert scores["box_ap"] == pytest.approx(1.0)


def test_a_mask_is_where_it_exceeds_one_half():
    detected = found(A)
    detected["masks"] = detected["masks"] * 0.2 + 0.31
    assert ap(detected, objects(A)) == pytest.approx(1.0)
    detected["masks"] = np.where(detected["masks"] > 0.5, 0.5, 0.0)
    assert ap(detected, objects(A)) == 0


def test_scores_are_ranked_over_all_images():
    targets = [objects(A), objects(B)]
    good = average_precision([found(A, scores=[0.9]), found(B, WRONG, scores=[0.8, 0.7])], targets)
    bad = average_precision([found(A, scores=[0.6]), found(B, WRONG, scores=[0.8, 0.7])], targets)
    assert good["mask_ap"] == pytest.approx(1.0)
    assert bad["mask_ap"] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_crowds_neither_count_nor_punish():
    detections = found((22, 22, 28, 28), (23, 23, 29, 29), A)  # two in the crowd come first
    assert ap(detections, objects(A)) == pytest.approx(1 / 3)
    crowd = objects(A, B, iscrowd=[False, True])
    assert ap(detections, crowd) == pytest.approx(1.0)
    assert ap(detections, crowd, "box_ap") == pytest.approx(1.0)
    assert math.isnan(ap(found(), objects(B, iscrowd=[True])))


def test_sizes():
    boxes = [(0, 0, 32, 31), (40, 0, 80, 40), (100, 0, 200, 100)]  # < 32², < 96², > 96²
    size = (120, 220)
    scores = average_precision([found(*boxes[1:], size=size)], [objects(*boxes, size=size)])
    assert [scores[f"mask_ap_{name}"] for name in ("small", "medium", "large")] == [
        0,
        pytest.approx(1.0),
        pytest.approx(1.0),
    ]
    told = objects(A, area=[2000.0])  # what the annotation says goes before the mask's pixels
    scores = average_precision([found(A)], [told])
    assert math.isnan(scores["mask_ap_small"])
    assert scores["mask_ap_medium"] == pytest.approx(1.0)


def test_a_wrong_object_of_another_size_does_not_punish_a_size():
    detected = found((0, 0, 40, 40), (14, 3, 24, 13), A, scores=[0.9, 0.2, 0.8])
    scores = average_precision([detected], [objects(A)])
    assert scores["mask_ap"] == scores["box_ap"] == pytest.approx(0.5)
    assert scores["mask_ap_small"] == scores["box_ap_small"] == pytest.approx(1.0)
    detected["masks"][0, 0, 5:] = 0  # a small mask in a large box
    scores = average_precision([detected], [objects(A)])
    assert scores["mask_ap_small"] == pytest.approx(0.5)
    assert scores["box_ap_small"] == pytest.approx(1.0)


def test_the_best_hundred_of_an_image_count():
    wrong = [WRONG] * 100
    assert ap(found(*wrong[1:], A), objects(A)) == pytest.approx(1 / 100)
    assert ap(found(*wrong, A), objects(A)) == 0


def plain_ap(detections, targets, threshold):
    """One class, AP at one threshold of mask IoU, from the definition."""
    ranked = sorted(
        ((d["scores"][i], n, i) for n, d in enumerate(detections) for i in range(len(d["scores"]))),
        key=lambda entry: -entry[0],
    )
    taken, hits = set(), []
    for _, n, i in ranked:
        best, partner = threshold, None
        mask = detections[n]["masks"][i, 0] > 0.5
        for j, true in enumerate(targets[n]["masks"]):
            iou = (mask & (true != 0)).sum() / (mask | (true != 0)).sum()
            if (n, j) not in taken and iou >= best:
                best, partner = iou, j
        hits.append(partner is not None)
        taken |= {(n, partner)} if partner is not None else set()
    total = sum(len(target["masks"]) for target in targets)
    precisions = [sum(hits[: k + 1]) / (k + 1) for k in range(len(hits))]
    recalls = [sum(hits[: k + 1]) / total for k in range(len(hits))]
    return np.mean(
        [
            max((p for p, r in zip(precisions, recalls, strict=True) if r >= at), default=0)
            for at in np.linspace(0, 1, 101)
        ]
    )


@pytest.mark.parametrize("seed", range(8))
def test_equals_the_definition(seed):
    rng = np.random.default_rng(seed)
    detections, targets = [], []
    for _ in range(4):
        corners = rng.integers(0, 22, (rng.integers(1, 5), 2))
        true = [(x, y, x + 14, y + 12) for x, y in corners]
        near = [tuple(np.add(box, np.tile(rng.integers(-3, 4, 2), 2)).clip(0, 40)) for box in true]
        near += [(5, 5, 15, 20)] * rng.integers(0, 2)
        targets.append(objects(*true))
        detections.append(found(*near, scores=rng.permutation(len(near)) + rng.random(len(near))))
    scores = average_precision(detections, targets)
    every = [plain_ap(detections, targets, 0.5 + 0.05 * k) for k in range(10)]
    assert scores["mask_ap50"] == pytest.approx(every[0], abs=1e-9)
    assert scores["mask_ap75"] == pytest.approx(every[5], abs=1e-9)
    assert scores["mask_ap"] == pytest.approx(np.mean(every), abs=1e-9)


def test_image_by_image_and_asked_again():
    counted = AveragePrecision()
    counted.add(found(A), objects(A))
    assert counted.scores()["mask_ap"] == pytest.approx(1.0)
    counted.add(found(size=(9, 9)), objects((1, 1, 4, 4), size=(9, 9)))
    assert counted.images == 2
    first = counted.scores()
    assert first["mask_ap"] == pytest.approx(51 / 101)
    np.testing.assert_equal(counted.scores(), first)


def test_no_images():
    assert all(math.isnan(score) for score in average_precision([], []).values())


def test_prints_nothing_writes_nothing_and_leaves_its_arguments(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    detections, target = found(A, B), objects(A, iscrowd=[False])
    before = {k: v.copy() for k, v in detections.items()}, {k: v.copy() for k, v in target.items()}
    average_precision([detections], [target])
    np.testing.assert_equal((detections, target), before)
    assert capsys.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("side", "change", "text"),
    [
        ("detections", {"scores": None}, "detections 0 lacks scores"),
        ("target", {"masks": None}, "target 0 lacks masks"),
        ("detections", {"scores": np.zeros(3)}, r"scores must have shape \(2,\).*got \(3,\)"),
        ("detections", {"scores": np.array([1, np.nan])}, "scores must be finite"),
        ("detections", {"masks": np.zeros((2, 40, 50))}, r"masks must have shape \(M, 1, H, W\)"),
        ("detections", {"masks": np.zeros((2, 1, 28, 28))}, r"target 0: masks must .* \(1, 40, 50"),
        ("target", {"boxes": np.zeros((1, 5))}, r"boxes must have shape \(1, 4\)"),
        ("target", {"iscrowd": np.zeros(2)}, r"iscrowd must have shape \(1,\)"),
    ],
)
def test_what_does_not_fit_is_named(side, change, text):
    sides = {"detections": found(A, B), "target": objects(A)}
    sides[side] = {k: v for k, v in (sides[side] | change).items() if v is not None}
    with pytest.raises(ValueError, match=text):
        average_precision([sides["detections"]], [sides["target"]])


def test_one_target_an_image():
    with pytest.raises(ValueError, match="detections of 1 images but targets of 2"):
        average_precision([found(A)], [objects(A), objects(B)])


def test_more_objects_than_a_hundred():
    """COCO counts no more detections than that; of 150 objects it would miss a third."""
    masks = np.zeros((150, 30, 60), np.uint8)
    for number, mask in enumerate(masks):
        top, left = 2 * (number // 15), 4 * (number % 15)
        mask[top : top + 2, left : left + 3] = 1
    boxes = np.array([box_of(mask) for mask in masks], float)
    true = {"boxes": boxes, "labels": np.ones(150, int), "masks": masks}
    found = {**true, "masks": masks[:, None], "scores": np.linspace(1, 0.5, 150)}
    scores = average_precision([found], [true])
    assert scores["mask_ap"] == scores["box_ap50"] == pytest.approx(1.0)
    few = {name: array[:120] for name, array in found.items()}
    assert average_precision([few], [true])["mask_ap50"] == pytest.approx(81 / 101)  # recall 0.8
