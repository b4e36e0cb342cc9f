"""Kernels for regions and boxes at sizes that the specs don't reach."""

import numpy as np
import pytest

import minis
import minis_kernels
import minis_kernels.threads
from minis import ops

pytest.importorskip("numba", reason="Numba is not installed")

DTYPES = ("float32", "float64")


def served(name, *args, **options):
    """Call the kernel; it must not decline."""
    result = minis_kernels.find("numba", name)(*args, **options)
    assert result is not NotImplemented
    return result


def assert_like_reference(name, *args, **options):
    """The kernel serves the call, with what the NumPy text gives; return that."""
    got, expected = served(name, *args, **options), getattr(ops, name).reference(*args, **options)
    pairs = [(got, expected)] if not isinstance(got, tuple) else zip(got, expected, strict=True)
    for g, e in pairs:
        assert g.dtype == e.dtype
        if e.dtype.kind == "f":
            tolerance = 1e-5 if e.dtype == np.float32 else 1e-12
            np.testing.assert_allclose(g, e, rtol=0, atol=tolerance * max(1, np.abs(e).max()))
        else:
            np.testing.assert_array_equal(g, e)
    return expected


def boxes_on(rng, shape, count, dtype, scale=1.0):
    """Boxes of all sizes on maps of shape (N, C, H, W), some beyond the edges."""
    n, _, height, width = shape
    corners = rng.uniform(-3, [width + 3, height + 3, width + 3, height + 3], (count, 4))
    corners = np.concatenate(
        [np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])], 1
    )
    return np.concatenate([rng.integers(0, n, (count, 1)), corners / scale], 1).astype(dtype)


# maps, boxes, bins: blocks of channels full and not, planes that end within a vector, and paths
# for few channels, for few boxes on large maps, and for many maps
SHAPES = [
    ((1, 64, 16, 16), 40, (7, 7)),
    ((2, 70, 13, 11), 60, (3, 5)),
    ((1, 33, 5, 3), 50, (1, 1)),
    ((3, 130, 1, 29), 30, (2, 4)),
    ((1, 40, 40, 60), 2, (2, 2)),
    ((2, 5, 30, 20), 20, (4, 3)),
    ((4, 1, 9, 9), 9, (6, 6)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "count", "bins"), SHAPES)
@pytest.mark.parametrize("ratio", [2, 0, 3])
@pytest.mark.parametrize("aligned", [False, True])
def test_roi_align(shape, count, bins, dtype, ratio, aligned):
    """Forward and backward, with several samples, and a scale."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    boxes = boxes_on(rng, shape, count, dtype, scale=0.25)
    options = {"spatial_scale": 0.25, "sampling_ratio": ratio, "aligned": aligned}
    y = assert_like_reference("roi_align", x, boxes, bins, **options)
    dy = rng.standard_normal(y.shape).astype(dtype)
    assert_like_reference("roi_align_backward", dy, boxes, shape, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "count", "bins"), SHAPES)
def test_roi_pool(shape, count, bins, dtype):
    """Forward with ties, backward."""
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, shape).astype(dtype)
    boxes = boxes_on(rng, shape, count, dtype, scale=0.5)
    y, argmax = assert_like_reference("roi_pool", x, boxes, bins, spatial_scale=0.5)
    dy = rng.standard_normal(y.shape).astype(dtype)
    assert_like_reference("roi_pool_backward", dy, boxes, argmax, shape)
    assert_like_reference("roi_pool_backward", dy, boxes, argmax.astype(np.int32), shape)


@pytest.mark.parametrize("channels", [64, 3])
def test_inverted_boxes(channels):
    """With `aligned`, their samples run backwards."""
    rng = np.random.default_rng(0)
    shape = (1, channels, 12, 12)
    x = rng.standard_normal(shape)
    boxes = boxes_on(rng, shape, 40, "float64")[:, [0, 3, 2, 1, 4]]
    y = assert_like_reference("roi_align", x, boxes, 3, sampling_ratio=4, aligned=True)
    dy = rng.standard_normal(y.shape)
    options = {"sampling_ratio": 4, "aligned": True}
    assert_like_reference("roi_align_backward", dy, boxes, shape, **options)
    assert not served("roi_align", x, boxes, 3, aligned=True)[boxes[:, 3] < boxes[:, 1]].any()


@pytest.mark.parametrize("channels", [64, 3])
def test_memory_order_does_not_matter(channels):
    """Strided, reversed and transposed arrays; and inputs stay as they are."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((12, 10, channels, 2)).transpose(3, 2, 1, 0)[:, :, ::-1]
    boxes = np.asfortranarray(boxes_on(rng, x.shape, 30, "float64"))
    before = x.copy(), boxes.copy()
    y = assert_like_reference("roi_align", x, boxes, 3)
    dy = np.asfortranarray(rng.standard_normal(y.shape))
    assert_like_reference("roi_align_backward", dy, boxes, x.shape)
    _, argmax = assert_like_reference("roi_pool", x, boxes, 3)
    assert_like_reference("roi_pool_backward", dy, boxes, np.asfortranarray(argmax), x.shape)
    assert np.array_equal(x, before[0])
    assert np.array_equal(boxes, before[1])


@pytest.mark.parametrize("shape", [(1, 70, 12, 12), (2, 3, 12, 12)])
def test_what_is_not_finite_spreads_as_in_the_text(shape):
    """Through RoIAlign to all bins of a box; through RoIPool NaN alone, the first one."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    boxes = boxes_on(rng, shape, 60, "float64")
    for value in (np.nan, np.inf):
        bad = x.copy()
        bad[0, 1, 5, 6] = bad[0, 1, 5, 8] = bad[0, 2, 0, 0] = value
        with minis.use("numba"), np.errstate(invalid="ignore"):
            y = ops.roi_align(bad, boxes, 3)
            np.testing.assert_allclose(y, ops.roi_align.reference(bad, boxes, 3))
            dx = ops.roi_align_backward(y, boxes, shape)
            np.testing.assert_allclose(dx, ops.roi_align_backward.reference(y, boxes, shape))
        assert not np.isfinite(y).all()
        for g, e in zip(
            served("roi_pool", bad, boxes, 3), ops.roi_pool.reference(bad, boxes, 3), strict=True
        ):
            np.testing.assert_array_equal(g, e)
    lowest = np.full(shape, -np.inf)
    y, argmax = served("roi_pool", lowest, boxes, 3)
    expected = ops.roi_pool.reference(lowest, boxes, 3)
    assert np.array_equal(y, expected[0])
    assert np.array_equal(argmax, expected[1])


def test_the_number_of_threads_does_not_matter(monkeypatch):
    """The same bits with one thread and with all."""
    rng = np.random.default_rng(0)
    shape = (1, 128, 20, 20)
    x = rng.standard_normal(shape).astype(np.float32)
    boxes = boxes_on(rng, shape, 50, "float32")
    dy = rng.standard_normal((50, 128, 3, 3)).astype(np.float32)
    monkeypatch.setattr(minis_kernels.threads, "_chosen", None)
    results = []
    for count in (1, minis.get_num_threads()):
        minis_kernels.threads.choose(count)
        y, argmax = served("roi_pool", x, boxes, 3)
        results.append(
            [
                served("roi_align", x, boxes, 3),
                served("roi_align_backward", dy, boxes, shape),
                y,
                argmax,
                served("roi_pool_backward", dy, boxes, argmax, shape),
                served("box_iou", boxes[:, 1:], boxes[:, 1:]),
            ]
        )
    for a, b in zip(*results, strict=True):
        assert np.array_equal(a, b)


def test_bands_of_rows_give_the_same_bits(monkeypatch):
    """Where threads outnumber the blocks of channels, maps are cut into bands of rows."""
    from minis_kernels.numba_cpu import roi_align

    rng = np.random.default_rng(0)
    shape = (1, 64, 21, 20)
    boxes = boxes_on(rng, shape, 50, "float32")
    dy = rng.standard_normal((50, 64, 3, 3)).astype(np.float32)
    results = []
    for count in (1, 3, 8, 100):
        monkeypatch.setattr(roi_align, "threads", lambda count=count: count)
        results.append(served("roi_align_backward", dy, boxes, shape, sampling_ratio=2))
    for dx in results[1:]:
        assert np.array_equal(dx, results[0])


def test_argmax_outside_the_map_is_an_error():
    """The NumPy text says so."""
    dy, boxes = np.ones((1, 1, 1, 1)), np.zeros((1, 5))
    for wrong in (4, -2):
        argmax = np.full(dy.shape, wrong)
        with minis.use("numba"), pytest.raises(ValueError, match="argmax must lie in -1 … 3"):
            ops.roi_pool_backward(dy, boxes, argmax, (1, 1, 2, 2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_box_iou_of_many(dtype):
    """Also of boxes without area, inverted ones, and boxes so large that areas overflow."""
    rng = np.random.default_rng(0)
    a = rng.integers(0, 9, (37, 4)).astype(dtype)
    b = rng.uniform(-50, 50, (301, 4)).astype(dtype)
    large = np.array([[0, 0, 1, 1], [-1, -1, 1, 1]], dtype) * np.finfo(dtype).max
    for left, right in ((a, b), (a, a), (b[::3, ::-1], a[::-1])):
        got, expected = served("box_iou", left, right), ops.box_iou.reference(left, right)
        np.testing.assert_array_equal(got, expected)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = ops.box_iou.reference(large, large)
    np.testing.assert_array_equal(served("box_iou", large, large), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threshold", [0, 0.1, 0.3, 0.5, 0.7, 1.0, 2, 1e300])
def test_nms_of_many(dtype, threshold):
    """With tied scores, equal boxes, and labels."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 60, (700, 2))
    boxes = np.concatenate([corners, corners + rng.integers(0, 30, (700, 2))], 1).astype(dtype)
    scores = rng.integers(0, 50, 700).astype(dtype)
    kept = assert_like_reference("nms", boxes, scores, threshold)
    assert 0 < len(kept) <= 700
    for labels in (rng.integers(-3, 4, 700), np.arange(700), np.zeros(700, np.uint8)):
        assert_like_reference("batched_nms", boxes, scores, labels, threshold)


def test_nms_compares_where_a_threshold_rounds():
    """An IoU that is the threshold's nearest float32, above it or below it, counts as it is."""
    for length in range(2, 400):
        boxes = np.array([[0, 0, length, 1], [0, 0, 1, 1]], np.float32)
        scores = np.array([2, 1], np.float32)
        iou = np.float32(1) / np.float32(length)
        for threshold in (1 / length, float(iou), float(np.nextafter(iou, np.float32(0)))):
            expected = [0] if float(iou) > threshold else [0, 1]
            assert served("nms", boxes, scores, threshold).tolist() == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_paste_masks(dtype):
    """Of all sizes, at the edges and beyond; NaN spreads as in the text."""
    rng = np.random.default_rng(0)
    masks = rng.random((30, 1, 28, 28)).astype(dtype)
    masks[3, 0, 5, 5] = np.nan
    corners = rng.uniform(-20, 100, (30, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(-2, 90, (30, 2))], 1).astype(dtype)
    got = served("paste_masks", masks, boxes, (71, 93))
    np.testing.assert_array_equal(got, ops.paste_masks.reference(masks, boxes, (71, 93)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_paste_masks_aligned(dtype):
    """Grids finer and coarser than pixels; boxes at the edges, beyond, inverted, without extent."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(-20, 100, (40, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(-2, 90, (40, 2))], 1)
    boxes[:4] = [[-9, -9, 200, 200], [5, 5, 5, 9], [-1e6, 0, 1e6, 50], [92.9, 70.9, 93.1, 71.1]]
    for grid in (1, 3, 28):
        masks = rng.random((40, 1, grid, grid)).astype(dtype)
        pasted = assert_like_reference(
            "paste_masks", masks, boxes.astype(dtype), (71, 93), aligned=True
        )
        assert pasted[0].all()
        assert not pasted[1].any()


def test_what_is_declined():
    """Coordinates that overflow, samples without number, and malformed arguments."""
    x, boxes = np.ones((1, 1, 4, 4)), np.array([[0, 0, 0, 2.0, 2.0]])
    roi_align, roi_pool = (minis_kernels.find("numba", n) for n in ("roi_align", "roi_pool"))
    far = boxes.copy()
    far[0, 3] = 1e300
    for arguments, options in (
        ((x, far, 2), {}),
        ((x, boxes * [1, 1, 1, 1e6, 1], 2), {"sampling_ratio": 0}),
        ((x, boxes, 2), {"sampling_ratio": 1 << 20}),
        ((x, boxes, 2), {"sampling_ratio": True}),
        ((x, boxes, 2), {"spatial_scale": np.nan}),
        ((x, boxes, (2, 2.0)), {}),
        ((x, boxes + 1, 2), {}),
        ((x, boxes.astype("float32"), 2), {}),
        ((x.astype(int), boxes, 2), {}),
    ):
        assert roi_align(*arguments, **options) is NotImplemented
    assert roi_pool(x, far, 2) is NotImplemented
    assert roi_pool(x, boxes, 2, spatial_scale=-1) is NotImplemented
    nms = minis_kernels.find("numba", "nms")
    assert nms(boxes[:, 1:], np.array([np.nan]), 0.5) is NotImplemented
    assert nms(boxes[:, 1:], np.array([1.0]), -0.5) is NotImplemented
