"""No sample, no region and no box are legal, and give empty results of the right shape."""

import numpy as np
import pytest

import minis
from minis import ops

DTYPES = ("float32", "float64")


@pytest.fixture(autouse=True)
def _use(backend):
    with minis.use(backend):
        yield


def assert_empty(results, *expected) -> None:
    """Assert the shapes and dtypes of the results, and that all they hold are zeros."""
    results = results if isinstance(results, tuple) else (results,)
    assert [(r.shape, r.dtype.name) for r in results] == list(expected)
    assert not any(r.any() for r in results)


@pytest.mark.parametrize("dtype", DTYPES)
def test_convolution_of_no_sample(dtype) -> None:
    """The filters get gradients, of zero."""
    x, w, b = np.ones((0, 4, 6, 6), dtype), np.ones((3, 4, 3, 3), dtype), np.ones(3, dtype)
    assert_empty(ops.conv(x, w, b), ((0, 3, 4, 4), dtype))
    assert_empty(
        ops.conv_backward(np.ones((0, 3, 4, 4), dtype), x, w),
        (x.shape, dtype),
        (w.shape, dtype),
        (b.shape, dtype),
    )
    v = np.ones((4, 3, 3, 3), dtype)
    assert_empty(ops.conv_transpose(x, v, b), ((0, 3, 8, 8), dtype))
    assert_empty(
        ops.conv_transpose_backward(np.ones((0, 3, 8, 8), dtype), x, v),
        (x.shape, dtype),
        (v.shape, dtype),
        (b.shape, dtype),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_pooling_of_no_sample(dtype, axes) -> None:
    """Forward, indices and backward."""
    x = np.ones((0, 4, *(6,) * axes), dtype)
    pooled = (0, 4, *(3,) * axes)
    y, indices = ops.max_pool(x, 2)
    assert_empty((y, indices), (pooled, dtype), (pooled, "int64"))
    assert_empty(ops.max_pool_backward(y, indices, x.shape), (x.shape, dtype))
    assert_empty(ops.max_unpool(y, indices, 6), (x.shape, dtype))
    assert_empty(ops.max_unpool_backward(x, indices), (pooled, dtype))
    assert_empty(ops.avg_pool(x, 2), (pooled, dtype))
    assert_empty(ops.avg_pool_backward(y, x.shape, 2), (x.shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_interpolation_of_no_sample(dtype, mode) -> None:
    """Forward and backward."""
    x, y = np.ones((0, 4, 6, 6), dtype), np.ones((0, 4, 3, 9), dtype)
    assert_empty(ops.interpolate(x, (3, 9), mode=mode), (y.shape, dtype))
    assert_empty(ops.interpolate_backward(y, x.shape, mode=mode), (x.shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 2])
def test_no_region(dtype, n) -> None:
    """The maps get a gradient of zero."""
    x, boxes = np.ones((n, 4, 6, 6), dtype), np.ones((0, 5), dtype)
    y, argmax = ops.roi_pool(x, boxes, (2, 3))
    assert_empty((y, argmax), ((0, 4, 2, 3), dtype), ((0, 4, 2, 3), "int64"))
    assert_empty(ops.roi_pool_backward(y, boxes, argmax, x.shape), (x.shape, dtype))
    assert_empty(ops.roi_align(x, boxes, (2, 3)), ((0, 4, 2, 3), dtype))
    assert_empty(ops.roi_align_backward(y, boxes, x.shape), (x.shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_box(dtype) -> None:
    """Whatever is computed from boxes."""
    none, some = np.ones((0, 4), dtype), np.ones((3, 4), dtype)
    scores = np.ones(0, dtype)
    assert_empty(ops.box_iou(none, some), ((0, 3), dtype))
    assert_empty(ops.box_iou(some, none), ((3, 0), dtype))
    assert_empty(ops.encode_boxes(none, none), ((0, 4), dtype))
    assert_empty(ops.decode_boxes(none, none), ((0, 4), dtype))
    assert_empty(ops.decode_boxes(none.reshape(0, 1, 4), none), ((0, 1, 4), dtype))
    assert_empty(ops.clip_boxes(none, (5, 5)), ((0, 4), dtype))
    assert_empty(ops.nms(none, scores, 0.5), ((0,), "int64"))
    assert_empty(ops.batched_nms(none, scores, np.ones(0, "int64"), 0.5), ((0,), "int64"))
    assert_empty(
        ops.paste_masks(np.ones((0, 1, 28, 28), dtype), none, (5, 6)), ((0, 1, 5, 6), dtype)
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_object_and_no_anchor(dtype) -> None:
    """Without objects all anchors are background; of none, none is drawn."""
    match = ops.match_anchors(np.ones((0, 5), dtype))
    assert match.dtype == np.int64
    assert match.tolist() == [-1] * 5
    assert_empty(ops.match_anchors(np.ones((2, 0), dtype)), ((0,), "int64"))
    drawn = ops.sample_balanced(np.ones(0, "int64"), 4, 0.5, np.random.default_rng(0))
    assert_empty(drawn, ((0,), "int64"), ((0,), "int64"))
