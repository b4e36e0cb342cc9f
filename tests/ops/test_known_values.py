"""Numbers worked out by hand, or known from PyTorch and torchvision, that say where rules bite."""

import math

import numpy as np
import pytest

import minis
from minis import ops
from minis.learn.specs.pooling import max_pool_loops


@pytest.fixture(autouse=True)
def _use(backend):
    with minis.use(backend):
        yield


def test_padding_never_wins_a_maximum() -> None:
    """Max pooling pads with −inf: of negative values the largest stays."""
    y, indices = ops.max_pool(-np.arange(1.0, 5).reshape(1, 1, 4), 3, stride=2, padding=1)
    assert y.tolist() == [[[-1, -2]]]
    assert indices.tolist() == [[[0, 1]]]


def test_ceil_mode_wants_the_last_window_to_start_inside() -> None:
    """A window may reach over the end, but doesn't start there."""
    x = np.arange(5.0).reshape(1, 1, 5)
    assert ops.max_pool(x, 2, stride=2)[0].tolist() == [[[1, 3]]]
    assert ops.max_pool(x, 2, stride=2, ceil_mode=True)[0].tolist() == [[[1, 3, 4]]]
    # at stride 3 the third window would begin in the padding behind the end
    y, _ = ops.max_pool(x, 2, stride=3, padding=1, ceil_mode=True)
    assert y.tolist() == [[[0, 3]]]


def test_a_window_of_minus_infinity_names_its_first_cell() -> None:
    """What PyTorch returns, where no value is greater than the initial one."""
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    x = np.full((1, 1, 3, 4), -math.inf)
    y, indices = ops.max_pool(x, 2, stride=1, padding=1)
    expected = torch.nn.functional.max_pool2d(
        torch.from_numpy(x), 2, stride=1, padding=1, return_indices=True
    )
    assert np.array_equal(y, expected[0].numpy())
    assert np.array_equal(indices, expected[1].numpy())


def test_nan_wins_every_maximum() -> None:
    """As in PyTorch, which hides no NaN in a pooled map."""
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    x = np.array([[[1.0, math.nan, 3.0, math.nan, 0.0, 2.0]]])
    y, indices = ops.max_pool(x, 4, stride=1)
    expected = torch.nn.functional.max_pool1d(torch.from_numpy(x), 4, stride=1, return_indices=True)
    assert np.isnan(y).all()
    assert np.array_equal(indices, expected[1].numpy())


def test_padding_may_be_half_of_a_dilated_window() -> None:
    """More than PyTorch's 2-D pooling allows, which measures the window without its gaps."""
    x = np.random.default_rng(0).standard_normal((2, 2, 5, 4))
    options = {"stride": (1, 2), "padding": (2, 1), "dilation": (2, 1), "ceil_mode": True}
    for got, expected in zip(
        ops.max_pool(x, 3, **options), max_pool_loops(x, 3, **options), strict=True
    ):
        assert np.array_equal(got, expected)


def test_average_pooling_counts_padding_but_nothing_beyond() -> None:
    """The last window has one cell of x, one of padding, and one that ceil_mode adds."""
    x = np.full((1, 1, 4), 6.0)
    options = {"stride": 2, "padding": 1, "ceil_mode": True}
    assert ops.avg_pool(x, 3, **options).tolist() == [[[4, 6, 3]]]
    assert ops.avg_pool(x, 3, count_include_pad=False, **options).tolist() == [[[6, 6, 6]]]


def test_unpooling_to_one_place() -> None:
    """The last value stays, and all receive its gradient."""
    indices = np.array([[[1, 1, 0]]])
    assert ops.max_unpool(np.array([[[5.0, 7, 9]]]), indices, 3).tolist() == [[[9, 7, 0]]]
    dx = ops.max_unpool_backward(np.array([[[1.0, 2, 3]]]), indices)
    assert dx.tolist() == [[[2, 2, 1]]]


@pytest.mark.parametrize(
    ("align_corners", "expected"),
    [(False, [0, 0.25, 0.75, 1]), (True, [0, 1 / 3, 2 / 3, 1])],
)
def test_interpolation_between_two_values(align_corners, expected) -> None:
    """The edges of the outer cells coincide, or their centres."""
    x = np.array([[[0.0, 1.0]]])
    y = ops.interpolate(x, 4, mode="linear", align_corners=align_corners)
    assert np.allclose(y, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("aligned", "first_row"), [(False, [7.5, 8, 8.5, 9]), (True, [4.5, 5, 5.5, 6])]
)
def test_roi_align_on_a_ramp(aligned, first_row) -> None:
    """The box (1, 1, 3, 3) on arange(25), by torchvision."""
    x, box = np.arange(25.0).reshape(1, 1, 5, 5), np.array([[0.0, 1, 1, 3, 3]])
    y = ops.roi_align(x, box, 4, aligned=aligned)[0, 0]
    assert np.allclose(y, np.array(first_row) + 2.5 * np.arange(4)[:, None], rtol=0, atol=1e-12)


def test_roi_align_of_boxes_without_extent() -> None:
    """Adaptive sampling takes no sample of them if aligned; else they are one cell wide."""
    x = np.ones((1, 1, 5, 5))
    boxes = np.array([[0.0, 2, 2, 2, 2], [0, 3, 3, 1, 1], [0, 1, 3, 3, 1]])
    assert not ops.roi_align(x, boxes, 2, aligned=True).any()
    assert (ops.roi_align(x, boxes, 2, aligned=True, sampling_ratio=2) == 1).all()
    assert (ops.roi_align(x, boxes, 2) == 1).all()


def test_boxes_of_no_area_have_no_iou() -> None:
    """NaN between two of them, without a warning, 0 with any other."""
    boxes = np.array([[0.0, 0, 2, 2], [1, 1, 1, 1], [5, 5, 5, 9]])
    iou = ops.box_iou(boxes, boxes)
    assert np.isnan(iou[1:, 1:]).all()
    assert iou[0].tolist() == [1, 0, 0]


def test_nms_keeps_the_first_of_a_tie() -> None:
    """Of equal boxes with equal scores the lower index stays."""
    boxes = np.tile([[0.0, 0, 4, 4]], (3, 1))
    assert ops.nms(boxes, np.array([0.5, 0.9, 0.9]), 0.5).tolist() == [1]


def test_nms_keeps_a_box_at_the_threshold() -> None:
    """Half of the second box lies in the first, of its size twice: the IoU is ½."""
    boxes, scores = np.array([[0.0, 0, 4, 4], [0, 0, 4, 2]]), np.array([0.9, 0.8])
    assert ops.nms(boxes, scores, 0.5).tolist() == [0, 1]
    assert ops.nms(boxes, scores, 0.49).tolist() == [0]


def test_nms_keeps_boxes_of_no_area() -> None:
    """Their IoU is NaN, which exceeds no threshold."""
    boxes = np.array([[1.0, 1, 1, 1], [1, 1, 1, 1]])
    assert ops.nms(boxes, np.array([0.1, 0.2]), 0.0).tolist() == [1, 0]


def test_batched_nms_of_negative_coordinates() -> None:
    """No shift of boxes by their label can make these two meet."""
    boxes = np.array([[-9.0, -9, -1, -1], [-9, -9, -1, -1]])
    kept = ops.batched_nms(boxes, np.array([0.1, 0.2]), np.array([0, 1]), 0.5)
    assert kept.tolist() == [1, 0]


def test_decoding_limits_growth_only() -> None:
    """A size grows at most 1000/16-fold, and NaN isn't hidden."""
    anchors = np.array([[0.0, 0, 16, 16]] * 3)
    deltas = np.array([[0.0, 0, 99, 0], [0, 0, -99, 0], [math.nan, 0, 0, 0]])
    boxes = ops.decode_boxes(deltas, anchors)
    assert np.allclose(boxes[0], [-492, 0, 508, 16], rtol=0, atol=1e-9)
    assert np.allclose(boxes[1], [8, 0, 8, 16], rtol=0, atol=1e-9)
    assert np.isnan(boxes[2, ::2]).all()


def test_anchors_around_the_origin() -> None:
    """Of size 32 and ratio ½, by torchvision; in this order."""
    (level,) = ops.generate_anchors(64, [(1, 1)], sizes=[(32, 64)], ratios=(0.5, 2.0))
    assert level.tolist() == [
        [-23, -11, 23, 11],
        [-45, -23, 45, 23],
        [-11, -23, 11, 23],
        [-23, -45, 23, 45],
    ]


def test_a_low_quality_match_is_the_anchors_own() -> None:
    """Anchor 1 is the best that box 0 has, but itself overlaps box 1 more."""
    iou = np.array([[0.1, 0.2], [0.1, 0.6]])
    assert ops.match_anchors(iou).tolist() == [-1, 1]
    assert ops.match_anchors(iou, allow_low_quality=False).tolist() == [-1, -2]


def test_every_anchor_that_ties_is_matched() -> None:
    """Also where a box overlaps none at all, as torchvision has it."""
    assert ops.match_anchors(np.array([[0.2, 0.2, 0.1]])).tolist() == [0, 0, -1]
    assert ops.match_anchors(np.array([[0.0, 0.0]])).tolist() == [0, 0]


def test_a_pasted_mask_covers_one_pixel_more() -> None:
    """A box from 10 to 20 covers the pixels 9 to 20: its frame reaches one cell further."""
    y = ops.paste_masks(np.ones((1, 1, 28, 28)), np.array([[10.0, 10, 20, 20]]), 30)[0, 0]
    rows, columns = np.nonzero(y)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (9, 20, 9, 20)


def test_an_aligned_mask_covers_its_box() -> None:
    """A box from 10 to 20 covers the pixels 10 to 19, as it counts them, and is found again."""
    boxes = np.array([[10.0, 10, 20, 20]])
    y = ops.paste_masks(np.ones((1, 1, 28, 28)), boxes, 30, aligned=True)[0, 0]
    rows, columns = np.nonzero(y > 0.5)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 19, 10, 19)
    assert y.sum() == 100
    cut = ops.roi_align(y[None, None], np.array([[0.0, 10, 10, 20, 20]]), 28, aligned=True)
    assert cut[0, 0, 2:-2, 2:-2].min() > 0.999


def test_an_aligned_mask_is_what_grid_sample_reads() -> None:
    """As detectron2 pastes: PyTorch's `grid_sample` with zeros around the mask."""
    torch = pytest.importorskip("torch", reason="compared with PyTorch")
    rng = np.random.default_rng(0)
    masks, corner = rng.random((3, 1, 5, 5)), rng.uniform(-8, 12, (3, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.5, 25, (3, 2))], axis=1)
    y = ops.paste_masks(masks, boxes, (17, 23), aligned=True)
    x, y0 = np.arange(23) + 0.5, np.arange(17) + 0.5
    for mask, (x1, y1, x2, y2), pasted in zip(masks, boxes, y, strict=True):
        across, down = (x - x1) / (x2 - x1) * 2 - 1, (y0 - y1) / (y2 - y1) * 2 - 1
        grid = np.stack(np.broadcast_arrays(across[None, :], down[:, None]), axis=-1)
        expected = torch.nn.functional.grid_sample(
            torch.from_numpy(mask[None]), torch.from_numpy(grid[None]), align_corners=False
        )
        np.testing.assert_allclose(pasted, expected[0].numpy(), atol=1e-12)


def test_nearest_is_computed_in_integers():
    """⌊j·S/o⌋ where the product of floats falls below the integer: 49 · (1/49) < 1."""
    for size, out in [(1, 49), (7, 49), (29, 100), (3, 41)]:
        x = np.arange(float(size)).reshape(1, 1, size)
        expected = [j * size // out for j in range(out)]
        assert ops.interpolate(x, out)[0, 0].tolist() == expected


def test_nms_compares_in_float64():
    """An IoU of float32(0.1), which is above 0.1, is suppressed, however the threshold is typed."""
    boxes = np.array([[0, 0, 10, 1], [0, 0, 1, 1]], np.float32)
    scores = np.array([0.9, 0.8], np.float32)
    for threshold in (0.1, np.float64(0.1)):
        assert ops.nms(boxes, scores, threshold).tolist() == [0]


def test_elu_is_exact_near_zero():
    """expm1, not exp − 1, which loses all digits there."""
    assert ops.elu(np.array([-1e-18]))[0] == -1e-18


def test_relu_passes_the_gradient_of_nan():
    """NaN is not ≤ 0: dy goes on, as in PyTorch, and the NaN is not hidden."""
    assert ops.relu_backward(np.array([5.0]), np.array([np.nan]))[0] == 5.0
