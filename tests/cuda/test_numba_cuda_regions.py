"""RoIAlign, RoIPool and the suppression of boxes of `numba_cuda`, in the simulator."""

from typing import Any

import numpy as np
import pytest

from minis import ops
from minis_kernels.numba_cuda import nms as suppression

from .serving import check, declined, served

BACKEND = "numba-cuda"
simulated = pytest.mark.parametrize("imitated_backend", [BACKEND], indirect=True)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def random(*shape: int, dtype: str = "float64") -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def regions(dtype: str = "float64") -> Any:
    """Overlapping boxes on three maps: on borders, outside, thin, empty and inverted."""
    boxes = [
        [0, 1, 1, 3, 3],
        [2, 0.5, 0.25, 5.5, 4.75],
        [2, 0.75, 0.5, 5, 4],
        [1, -3, -2, 2.5, 1],
        [1, 4, 3, 12, 9],
        [0, 30, 30, 40, 40],
        [0, 2, 2, 2, 4],
        [2, 4, 3, 1, 1],
    ]
    return np.array(boxes, dtype)


ALIGNED = [
    {},
    {"aligned": True},
    {"sampling_ratio": 2, "spatial_scale": 0.5},
    {"sampling_ratio": 3, "aligned": True},
]


@simulated
@dtypes
@pytest.mark.parametrize("options", ALIGNED)
@pytest.mark.parametrize("bins", [(2, 3), 1])
def test_roi_align(bins: Any, options: Any, dtype: str, imitated_backend: str) -> None:
    x = random(3, 2, 5, 6, dtype=dtype)
    y = check(BACKEND, "roi_align", x, regions(dtype), bins, **options)[0]
    dy = random(*y.shape, dtype=dtype)
    check(BACKEND, "roi_align_backward", dy, regions(dtype), x.shape, **options)


@simulated
def test_roi_align_gives_the_published_numbers(imitated_backend: str) -> None:
    x, box = np.arange(25.0).reshape(1, 1, 5, 5), np.array([[0.0, 1, 1, 3, 3]])
    for aligned, row in ((False, [7.5, 8, 8.5, 9]), (True, [4.5, 5, 5.5, 6])):
        y = served(BACKEND, "roi_align", x, box, 4, aligned=aligned)[0]
        np.testing.assert_array_equal(y[0, 0, 0], row)


@simulated
def test_the_number_of_samples_is_the_texts(imitated_backend: str) -> None:
    """Of boxes whose size is a whole number of bins but for its last bits."""
    corners = np.random.default_rng(4).integers(1, 60, (40, 2)) / 7
    extent = np.random.default_rng(5).integers(1, 8, (40, 2)) * 3 * 16
    boxes = np.concatenate([np.zeros((40, 1)), corners, corners + extent], axis=1)
    for aligned in (False, True):
        options = {"spatial_scale": 1 / 16, "aligned": aligned}
        check(BACKEND, "roi_align", random(1, 1, 30, 26), boxes, 3, **options)


@simulated
@dtypes
@pytest.mark.parametrize("bins", [(2, 3), 4])
def test_roi_pool(bins: Any, dtype: str, imitated_backend: str) -> None:
    """Of few different values, some of them NaN."""
    x = np.random.default_rng(1).integers(-3, 0, (3, 2, 5, 6)).astype(dtype)
    x[2, :, 1:3, 2:] = np.nan
    for scale in (1.0, 0.5):
        y, argmax = check(BACKEND, "roi_pool", x, regions(dtype), bins, spatial_scale=scale)
        dy = random(*y.shape, dtype=dtype)
        check(BACKEND, "roi_pool_backward", dy, regions(dtype), argmax, x.shape)


@simulated
def test_maps_and_boxes_need_not_be_contiguous(imitated_backend: str) -> None:
    x, boxes = random(6, 5, 2, 3).T, np.asfortranarray(regions())
    _, argmax = check(BACKEND, "roi_pool", x, boxes, 2)
    dy, argmax = random(2, 2, 2, 8).T, np.asfortranarray(argmax.astype("int32"))
    check(BACKEND, "roi_pool_backward", dy, boxes, argmax, x.shape)
    check(BACKEND, "roi_align", x, boxes, 2)
    check(BACKEND, "roi_align_backward", dy, boxes, x.shape)


@simulated
def test_what_is_malformed_is_declined(imitated_backend: str) -> None:
    """And what isn't finite, which the text spreads to all bins around it."""
    x, boxes, argmax = random(3, 2, 5, 6), regions(), np.zeros((8, 2, 2, 2), int)
    dy = random(*argmax.shape)
    spoilt = []
    for value in ([3, 0, 0, 1, 1], [-1, 0, 0, 1, 1], [0.5, 0, 0, 1, 1], [0, 0, np.nan, 1, 1]):
        spoilt.append(boxes.copy())
        spoilt[-1][5] = value
    for bad in (*spoilt, boxes * [[1, np.inf, 1, 1, 1]], boxes[:0], boxes[:, 1:], boxes[:1, 0]):
        assert declined(BACKEND, "roi_align", x, bad, 2)
        assert declined(BACKEND, "roi_align_backward", dy, bad, x.shape)
        assert declined(BACKEND, "roi_pool", x, bad, 2)
        assert declined(BACKEND, "roi_pool_backward", dy, bad, argmax, x.shape)
    for options in ({"spatial_scale": -1.0}, {"spatial_scale": np.nan}, {"sampling_ratio": 1.5}):
        assert declined(BACKEND, "roi_align", x, boxes, 2, **options)
    assert declined(BACKEND, "roi_align", x, boxes * [[1, 0, 1, 1e6, 1]], 2)  # so many samples
    for bins in (0, (2,), 1.5, "22"):
        assert declined(BACKEND, "roi_align", x, boxes, bins)
        assert declined(BACKEND, "roi_pool", x, boxes, bins)
    for wrong in (-2, 30):
        argmax[4, 1, 1, 1] = wrong
        assert declined(BACKEND, "roi_pool_backward", dy, boxes, argmax, x.shape)
    for odd in (np.nan, np.inf):
        x[0, 0, 0, 0] = dy[0, 0, 0, 0] = odd
        assert declined(BACKEND, "roi_align", x, boxes, 2)
        assert declined(BACKEND, "roi_align_backward", dy, boxes, x.shape)


def crowd(count: int, dtype: str = "float64") -> tuple[Any, Any, Any]:
    """Boxes that overlap much, some of them equal or without area; tied scores; three labels."""
    rng = np.random.default_rng(count)
    first = rng.random((count, 2)) * 20
    boxes = np.concatenate([first, first + rng.random((count, 2)) * 15 - 0.5], axis=1)
    boxes[:: max(2, count // 9)] = boxes[-1]
    boxes[3::50, 2] = boxes[3::50, 0]
    return boxes.astype(dtype), rng.integers(0, 9, count) / 8, rng.integers(-1, 2, count)


@simulated
@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 130])
def test_nms(count: int, imitated_backend: str) -> None:
    """With one word of bits, a full one, and three of which the last is short."""
    dtype = "float32" if count % 2 else "float64"
    boxes, scores, labels = crowd(count, dtype)
    check(BACKEND, "nms", boxes, scores.astype("float32"), 0.3)
    check(BACKEND, "batched_nms", boxes, scores, labels.astype("int32"), 0.1)


@simulated
def test_a_dropped_box_drops_none(imitated_backend: str) -> None:
    """Each of a row of boxes overlaps the next: every second stays, in a later word too."""
    left = np.arange(70.0)[:, None] * [[2, 0, 2, 0]]
    boxes, scores = left + np.array([0, 0, 3, 1]), np.arange(70.0)
    order = np.random.default_rng(6).permutation(70)
    kept = served(BACKEND, "nms", boxes[order], scores[order], 0.1)[0]
    np.testing.assert_array_equal(order[kept], np.arange(69, -1, -2))


@simulated
@dtypes
def test_a_box_at_the_threshold_stays(dtype: str, imitated_backend: str) -> None:
    """One is dropped that overlaps by more, be it by the last bit alone."""
    boxes = crowd(40, dtype)[0]
    best, second = boxes[:20], boxes[20:]
    ious = np.diagonal(ops.box_iou.reference(best, second)).astype(float)
    overlap = ious > 0
    assert overlap.sum() > 8
    for a, b, iou in zip(best[overlap], second[overlap], ious[overlap], strict=True):
        pair, scores = np.stack([a, b]), np.array([2.0, 1.0])
        assert len(served(BACKEND, "nms", pair, scores, iou)[0]) == 2
        assert len(served(BACKEND, "nms", pair, scores, np.nextafter(iou, 0))[0]) == 1


@simulated
@dtypes
def test_box_iou(dtype: str, imitated_backend: str) -> None:
    """To the last bit; NaN for two boxes without area."""
    a, b = crowd(13, dtype)[0], np.asfortranarray(crowd(7, dtype)[0])
    assert np.isnan(check(BACKEND, "box_iou", a, b, tolerance=0)[0]).any()


@simulated
def test_boxes_and_scores_need_not_be_contiguous(imitated_backend: str) -> None:
    boxes, scores, labels = crowd(70)
    check(BACKEND, "batched_nms", boxes[::-1, [0, 1, 2, 3]], scores[::-1], labels[::-1], 0.2)
    check(BACKEND, "nms", np.asfortranarray(boxes), scores, 0.2)


@simulated
def test_malformed_boxes_are_declined(
    imitated_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes, scores, labels = crowd(5)
    spoilt, unranked = boxes.copy(), scores.copy()
    spoilt[2, 1], unranked[4] = np.inf, np.nan
    for bad in (spoilt, boxes[:0], boxes[:, :3], boxes[0], boxes.astype(int)):
        assert declined(BACKEND, "nms", bad, scores[: len(bad)], 0.5)
        assert declined(BACKEND, "box_iou", bad, boxes)
        assert declined(BACKEND, "box_iou", boxes, bad)
    for bad in (unranked, scores[:4], scores.astype(int), scores[:, None]):
        assert declined(BACKEND, "nms", boxes, bad, 0.5)
    for bad in (labels[:4], labels.astype(float)):
        assert declined(BACKEND, "batched_nms", boxes, scores, bad, 0.5)
    for threshold in (-0.1, np.nan, "0.5", True):
        assert declined(BACKEND, "nms", boxes, scores, threshold)
    monkeypatch.setattr(suppression, "MOST", 4)
    assert declined(BACKEND, "nms", boxes, scores, 0.5)


@pytest.mark.gpu
@pytest.mark.parametrize("gpu_backend", [BACKEND], indirect=True)
@dtypes
def test_on_the_gpu(dtype: str, gpu_backend: str) -> None:
    """Many boxes; and decisions by the last bit, which fused arithmetic would change."""
    boxes, scores, labels = crowd(1500, dtype)
    check(BACKEND, "nms", boxes, scores, 0.5)
    check(BACKEND, "batched_nms", boxes, scores, labels, 0.1)
    check(BACKEND, "box_iou", boxes, boxes[::-1], tolerance=0)
    maps = np.random.default_rng(1).integers(0, 3, (1500, 1)).astype(dtype)
    rois = np.concatenate([maps, boxes], axis=1)
    x = random(3, 16, 33, 40, dtype=dtype)
    for options in ALIGNED:
        y = check(BACKEND, "roi_align", x, rois, 7, tolerance=2, **options)[0]
        check(BACKEND, "roi_align_backward", y, rois, x.shape, tolerance=10, **options)
    y, argmax = check(BACKEND, "roi_pool", x, rois, 7)
    check(BACKEND, "roi_pool_backward", y, rois, argmax, x.shape, tolerance=10)
