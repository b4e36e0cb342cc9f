"""Regions and boxes in CUDA C++, at sizes that the specs don't reach, and bad input."""

from typing import Any

import numpy as np
import pytest

from minis import ops
from minis_kernels.cupy_cuda import nms as suppression

from .serving import check, declined, served

pytestmark = pytest.mark.usefixtures("emulated_cuda")

DTYPES = ("float32", "float64")


def boxes_on(shape: Any, count: int, dtype: str, scale: float = 1.0, seed: int = 0) -> Any:
    """Boxes of all sizes on maps of shape (N, C, H, W), some beyond the edges."""
    rng = np.random.default_rng(seed)
    n, _, height, width = shape
    corners = rng.uniform(-3, [width + 3, height + 3], (2, count, 2))
    index = rng.integers(0, n, (count, 1))
    return np.concatenate([index, *np.sort(corners, axis=0) / scale], axis=1).astype(dtype)


def normal(shape: Any, dtype: str = "float32") -> Any:
    """Draw normally distributed values."""
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)


# maps, boxes, bins: more channels than a block takes, more bins than it has threads, maps of one
# row, one channel, one bin
SHAPES = [
    ((1, 64, 16, 16), 9, (7, 7)),
    ((2, 70, 13, 11), 1, (3, 5)),
    ((1, 33, 5, 3), 20, (1, 1)),
    ((3, 7, 1, 29), 8, (2, 4)),
    ((2, 1, 30, 20), 5, (19, 17)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "count", "bins"), SHAPES)
def test_roi_align(shape, count, bins, dtype):
    """Forward and backward, with several samples, and a scale."""
    x, boxes = normal(shape, dtype), boxes_on(shape, count, dtype, scale=0.25)
    for ratio in (2, 0, 3):
        for aligned in (False, True):
            options = {"spatial_scale": 0.25, "sampling_ratio": ratio, "aligned": aligned}
            (y,) = check("cupy", "roi_align", x, boxes, bins, **options)
            dy = normal(y.shape, dtype)
            check("cupy", "roi_align_backward", dy, boxes, shape, tolerance=5, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "count", "bins"), SHAPES)
def test_roi_pool(shape, count, bins, dtype):
    """Forward with ties and NaN, backward."""
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 2, shape).astype(dtype)
    x[rng.random(shape) < 0.05] = np.nan
    boxes = boxes_on(shape, count, dtype, scale=0.5)
    with np.errstate(invalid="ignore"):
        y, argmax = check("cupy", "roi_pool", x, boxes, bins, spatial_scale=0.5, tolerance=0)
    dy = normal(y.shape, dtype)
    check("cupy", "roi_pool_backward", dy, boxes, argmax, shape)
    check("cupy", "roi_pool_backward", dy, boxes, argmax.astype(np.int32), shape)


def test_more_samples_than_a_block_keeps():
    """A long box with many samples in each bin; some lie beyond the map."""
    shape = (1, 2, 3, 900)
    boxes = np.array([[0, -5.0, -1, 1100, 3], [0, 100.3, 0, 180.9, 2]])
    for ratio in (0, 150):
        options = {"sampling_ratio": ratio, "aligned": True}
        (y,) = check("cupy", "roi_align", normal(shape, "float64"), boxes, 4, **options)
        check("cupy", "roi_align_backward", normal(y.shape, "float64"), boxes, shape, **options)


def test_inverted_boxes():
    """With `aligned`, their samples run backwards, or there are none."""
    shape = (1, 3, 12, 12)
    x, boxes = normal(shape, "float64"), boxes_on(shape, 20, "float64")[:, [0, 3, 2, 1, 4]]
    options = {"sampling_ratio": 4, "aligned": True}
    (y,) = check("cupy", "roi_align", x, boxes, 3, **options)
    check("cupy", "roi_align_backward", normal(y.shape, "float64"), boxes, shape, **options)
    (y,) = check("cupy", "roi_align", x, boxes, 3, aligned=True)
    assert not y.any()
    check("cupy", "roi_pool", x, boxes, 3)


def test_positions_are_rounded_as_in_the_text():
    """A sample just at the edge of what counts, where a sum merged with a product would differ."""
    rng = np.random.default_rng(2)
    x = np.ones((1, 1, 4, 4))
    starts, scales = rng.uniform(-9, -1, 300), rng.uniform(0.1, 1, 300)
    for start, scale in zip(starts, scales, strict=True):
        end = (-2 - start * scale) / scale  # the only sample lies at about −1
        box = np.array([[0, start, 0.0, end, 2.0]])
        options = {"spatial_scale": float(scale), "sampling_ratio": 1, "aligned": True}
        check("cupy", "roi_align", x, box, 1, **options)


@pytest.mark.parametrize("dtype", DTYPES)
def test_boxes_that_the_text_refuses_give_nan(dtype):
    """Other boxes are served; the gradient shows NaN in a map's first cell."""
    shape, nan = (2, 3, 5, 5), np.nan
    x, good = normal(shape, dtype), np.array([1, 0, 0, 3, 3.0])
    for wrong, at in (
        ([2, 0, 0, 3, 3], 0),
        ([-1, 0, 0, 3, 3], 0),
        ([0.5, 0, 0, 3, 3], 0),
        ([nan, 0, 0, 3, 3], 0),
        ([1, 0, nan, 3, 3], 1),
        ([1, 0, 0, np.inf, 3], 1),
        ([1, 0, 0, 1e13, 3], 1),
    ):
        boxes = np.array([good, wrong, good], dtype)
        (y,) = served("cupy", "roi_align", x, boxes, 2)
        expected = ops.roi_align.reference(x, boxes[:1], 2)
        np.testing.assert_allclose(y[[0, 2]], expected.repeat(2, 0), rtol=1e-4)
        assert np.isnan(y[1]).all()
        dx = served("cupy", "roi_align_backward", normal(y.shape, dtype), boxes, shape)[0]
        assert np.argwhere(np.isnan(dx)).tolist() == [[at, c, 0, 0] for c in range(3)]
        y, argmax = served("cupy", "roi_pool", x, boxes, 2)
        np.testing.assert_array_equal(
            y[[0, 2]], ops.roi_pool.reference(x, boxes[:1], 2)[0].repeat(2, 0)
        )
        assert np.isnan(y[1]).all()
        assert (argmax[1] == -1).all()
        if at == 0:
            argmax[1] = 7
            (dx,) = served(
                "cupy", "roi_pool_backward", normal(y.shape, dtype), boxes, argmax, shape
            )
            assert np.argwhere(np.isnan(dx)).tolist() == [[0, c, 0, 0] for c in range(3)]
    many = np.array([[0, 0, 0, 1e6, 3.0]], dtype)
    assert np.isnan(served("cupy", "roi_align", x, many, 2)[0]).all()


@pytest.mark.parametrize("wrong", [25, -2, 2**40])
def test_argmax_outside_the_map_gives_nan(wrong):
    argmax = np.array([3, wrong, -1, 3]).reshape(1, 2, 2, 1)
    dy, boxes = normal((1, 2, 2, 1)), np.array([[1, 0, 0, 3, 3]], "float32")
    (dx,) = served("cupy", "roi_pool_backward", dy, boxes, argmax, (2, 2, 5, 5))
    assert np.argwhere(np.isnan(dx)).tolist() == [[1, 0, 0, 0]]
    assert dx[1, 0, 0, 3] == dy[0, 0, 0, 0]
    assert np.count_nonzero(dx) == 3


def test_what_is_not_finite_reaches_the_bins_that_read_it():
    x, boxes = normal((1, 2, 6, 6)), np.array([[0, 0, 0, 6, 6]], "float32")
    x[0, 1, 0, 5] = np.nan
    (y,) = served("cupy", "roi_align", x, boxes, 3, sampling_ratio=2)
    assert np.argwhere(np.isnan(y)).tolist() == [[0, 1, 0, 2]]


def test_memory_order_does_not_matter():
    """Strided, reversed and transposed arrays; and inputs stay as they are."""
    x = normal((12, 10, 5, 2), "float64").transpose(3, 2, 1, 0)[:, :, ::-1]
    boxes = np.asfortranarray(boxes_on(x.shape, 9, "float64"))
    before = x.copy(), boxes.copy()
    (y,) = check("cupy", "roi_align", x, boxes, 3)
    dy = np.asfortranarray(normal(y.shape, "float64"))
    check("cupy", "roi_align_backward", dy, boxes, x.shape)
    _, argmax = check("cupy", "roi_pool", x, boxes, 3)
    check("cupy", "roi_pool_backward", dy, boxes, np.asfortranarray(argmax), x.shape)
    masks = normal((3, 1, 9, 5), "float64").transpose(0, 1, 3, 2)[..., ::2]
    check("cupy", "paste_masks", masks, boxes[:3, 1:], (20, 30))
    check("cupy", "box_iou", boxes[:, 1:], boxes[::-1, 1:])
    check("cupy", "nms", boxes[:, 1:], dy[:, 0, 0, 0], 0.1)
    assert np.array_equal(x, before[0])
    assert np.array_equal(boxes, before[1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_box_iou_of_many(dtype):
    """Also of boxes without area, inverted ones, and boxes so large that areas overflow."""
    rng = np.random.default_rng(0)
    a = rng.integers(0, 9, (37, 4)).astype(dtype)
    b = rng.uniform(-50, 50, (301, 4)).astype(dtype)
    large = np.array([[0, 0, 1, 1], [-1, -1, 1, 1]], dtype) * np.finfo(dtype).max
    with np.errstate(over="ignore", invalid="ignore"):
        for left, right in ((a, b), (a, a), (b[::3, ::-1], a[::-1]), (large, large)):
            check("cupy", "box_iou", left, right, tolerance=0)
    a[5, 2], b[7, 0] = np.inf, np.nan
    (iou,) = served("cupy", "box_iou", a, b)
    assert np.isnan(iou[5]).all()
    assert np.isnan(iou[:, 7]).all()


def many_boxes(count: int, dtype: str) -> tuple[Any, Any, Any]:
    """Draw boxes of which many overlap, tied scores, and a generator for labels."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 60, (count, 2))
    boxes = np.concatenate([corners, corners + rng.integers(0, 30, (count, 2))], 1)
    return boxes.astype(dtype), rng.integers(0, 50, count).astype(dtype), rng


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threshold", [0, 0.3, 0.7, 1.0, 1e300])
def test_nms_of_many(dtype, threshold):
    """With tied scores, equal boxes, and labels."""
    boxes, scores, rng = many_boxes(400, dtype)
    (kept,) = check("cupy", "nms", boxes, scores, threshold)
    assert 0 < len(kept) <= 400
    for labels in (rng.integers(-3, 4, 400), np.arange(400), np.zeros(400, np.uint8)):
        check("cupy", "batched_nms", boxes, scores, labels, threshold)


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 128, 129])
def test_nms_of_whole_words_and_not(count):
    """64 boxes are decided about together."""
    boxes, scores, rng = many_boxes(count, "float32")
    check("cupy", "nms", boxes, scores, 0.2)
    check("cupy", "batched_nms", boxes, scores, rng.integers(0, 2, count), 0.2)


def test_nms_walks_a_long_list(monkeypatch):
    """Of more words than the block has threads each takes several. There is a longest list."""
    monkeypatch.setattr(suppression, "THREADS", 64)
    boxes, scores, _ = many_boxes(64 * 64 + 1, "float32")
    check("cupy", "nms", boxes, scores, 0.1)
    monkeypatch.setattr(suppression, "MOST_BOXES", 64 * 64)
    assert declined("cupy", "nms", boxes, scores, 0.1)


def test_nms_compares_where_a_threshold_rounds():
    """An IoU that is the threshold's nearest float32, above it or below it, counts as it is."""
    for length in range(2, 60):
        boxes = np.array([[0, 0, length, 1], [0, 0, 1, 1]], np.float32)
        scores = np.array([2, 1], np.float32)
        iou = np.float32(1) / np.float32(length)
        for threshold in (1 / length, float(iou), float(np.nextafter(iou, np.float32(0)))):
            expected = [0] if float(iou) > threshold else [0, 1]
            assert served("cupy", "nms", boxes, scores, threshold)[0].tolist() == expected


def test_what_nms_refuses_is_left_to_the_text():
    """Wherever it stands: the text words the error."""
    boxes, scores, _ = many_boxes(130, "float32")
    for row in (0, 63, 129):
        for bad in (np.nan, np.inf):
            wrong = boxes.copy()
            wrong[row, 1] = bad
            assert declined("cupy", "nms", wrong, scores, 0.5)
        wrong = scores.copy()
        wrong[row] = np.nan
        assert declined("cupy", "nms", boxes, wrong, 0.5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_paste_masks(dtype):
    """Of all sizes, at the edges and beyond; NaN spreads as in the text."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(-20, 100, (20, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(-2, 90, (20, 2))], 1).astype(dtype)
    for grid, size in ((28, (71, 93)), (1, (33, 300))):
        masks = rng.random((20, 1, grid, grid)).astype(dtype)
        masks[3, 0, 0, 0] = np.nan
        check("cupy", "paste_masks", masks, boxes, size)


@pytest.mark.parametrize("dtype", DTYPES)
def test_paste_masks_aligned(dtype):
    """Grids finer and coarser than pixels; boxes at the edges, beyond, inverted, without extent."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(-20, 100, (20, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(-2, 90, (20, 2))], 1)
    boxes[:4] = [[-9, -9, 200, 200], [5, 5, 5, 9], [-1e6, 0, 1e6, 50], [92.9, 70.9, 93.1, 71.1]]
    boxes = boxes.astype(dtype)
    for grid in (1, 3, 28):
        masks = rng.random((20, 1, grid, grid)).astype(dtype)
        (pasted,) = check("cupy", "paste_masks", masks, boxes, (71, 93), aligned=True)
        assert pasted[0].all()
        assert not pasted[1].any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e10])
@pytest.mark.parametrize("aligned", [False, True])
def test_a_box_beyond_reach_fills_its_image_with_nan(bad, aligned):
    boxes = np.array([[1, 1, 5, 5], [1, 1, bad, 5]], "float32")
    (y,) = served(
        "cupy", "paste_masks", np.ones((2, 1, 3, 3), "float32"), boxes, 20, aligned=aligned
    )
    assert np.isfinite(y[0]).all()
    assert np.isnan(y[1]).all()


X, BOXES = np.ones((1, 1, 4, 4)), np.array([[0, 0, 0, 2.0, 2.0]])
ARGMAX = np.zeros((1, 1, 2, 2), np.int64)


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("roi_align", (X, BOXES, 2), {"sampling_ratio": 1 << 20}),
        ("roi_align", (X, BOXES, 2), {"sampling_ratio": True}),
        ("roi_align", (X, BOXES, 2), {"spatial_scale": np.nan}),
        ("roi_align", (X, BOXES, (2, 2.0)), {}),
        ("roi_align", (X, BOXES[:, 1:], 2), {}),
        ("roi_align", (X, BOXES[:0], 2), {}),
        ("roi_align", (X, BOXES.astype("float32"), 2), {}),
        ("roi_align", (X.astype(int), BOXES, 2), {}),
        ("roi_align_backward", (X, BOXES, (1, 2, 4, 4)), {}),
        ("roi_align_backward", (X, BOXES, (1, 1, 4)), {}),
        ("roi_pool", (X, BOXES, 2), {"spatial_scale": -1}),
        ("roi_pool", (X, BOXES, (1, 257)), {}),
        ("roi_pool_backward", (X, BOXES, ARGMAX, X.shape), {}),
        ("roi_pool_backward", (X[..., :2, :2], BOXES, ARGMAX.astype(float), X.shape), {}),
        ("box_iou", (BOXES, BOXES), {}),
        ("box_iou", (BOXES[:, 1:], BOXES[:, 1:].astype("float32")), {}),
        ("nms", (BOXES[:, 1:], np.ones(1), -0.5), {}),
        ("nms", (BOXES[:, 1:], np.ones(2), 0.5), {}),
        ("nms", (BOXES, np.ones(1), 0.5), {}),
        ("batched_nms", (BOXES[:, 1:], np.ones(1), np.ones(1), 0.5), {}),
        ("batched_nms", (BOXES[:, 1:], np.ones(1), np.ones(2, int), 0.5), {}),
        ("paste_masks", (X[:, 0], BOXES[:, 1:], 4), {}),
        ("paste_masks", (X[:, :, :3], BOXES[:, 1:], 4), {}),
        ("paste_masks", (X, BOXES, 4), {}),
        ("paste_masks", (X, BOXES[:, 1:], 0), {}),
    ],
)
def test_what_is_declined(name, arguments, options):
    """Whatever is malformed, or not served, is left to the text."""
    assert declined("cupy", name, *arguments, **options)
