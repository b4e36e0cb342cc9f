"""FLOPs and bytes of every operation, against counts by hand and PyTorch's counter."""

import inspect

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from minis import ops
from minis.learn.costs import FLOPS, Shaped, cost

F4, I8 = np.dtype(np.float32), np.dtype(np.int64)


def shaped(*shape):
    return Shaped(shape, F4)


def indices(*shape):
    return Shaped(shape, I8)


x = shaped(2, 3, 4, 5)  # 120 values
y = shaped(2, 3, 2, 2)  # 24
c = shaped(3)
loss = Shaped((), F4)
pixels = indices(2, 4, 5)  # 40
boxes = shaped(7, 4)

# operation, arguments, options, result: FLOPs
BY_HAND = [
    # 2 samples of 5 × (2·3 outputs), each 3·2·2 multiply-adds
    ("conv", (x, shaped(5, 3, 3, 4)), {}, shaped(2, 5, 2, 2), 2 * 40 * 36),
    ("conv", (x, shaped(6, 1, 3, 4), shaped(6)), {"groups": 3}, shaped(2, 6, 2, 2), 2 * 48 * 12),
    (
        "conv_backward",
        (shaped(2, 5, 2, 2), x, shaped(5, 3, 3, 4)),
        {},
        (x, shaped(5, 3, 3, 4), shaped(5)),
        4 * 40 * 36 + 40,
    ),
    # each of 120 values goes to 2 channels of 2·2
    (
        "conv_transpose",
        (x, shaped(3, 2, 2, 2)),
        {"stride": 2},
        shaped(2, 2, 8, 10),
        2 * 120 * 8,
    ),
    (
        "conv_transpose_backward",
        (shaped(2, 2, 8, 10), x, shaped(3, 2, 2, 2)),
        {"stride": 2},
        (x, shaped(3, 2, 2, 2), shaped(2)),
        4 * 120 * 8 + 320,
    ),
    ("linear", (shaped(6, 4, 3), shaped(5, 3), shaped(5)), {}, shaped(6, 4, 5), 2 * 24 * 15),
    (
        "linear_backward",
        (shaped(6, 4, 5), shaped(6, 4, 3), shaped(5, 3)),
        {},
        (shaped(6, 4, 3), shaped(5, 3), shaped(5)),
        4 * 24 * 15 + 120,
    ),
    ("batch_norm", (x, c, c, c, c), {"training": True}, (x, c, c, c, c), 6 * 120),
    ("batch_norm", (x, c, c, c, c), {"training": False}, (x, c, c, c, c), 2 * 120),
    ("batch_norm_backward", (x, x, c, c, c), {"training": True}, (x, c, c), 9 * 120),
    ("batch_norm_backward", (x, x, c, c, c), {"training": False}, (x, c, c), 6 * 120),
    ("group_norm", (x, c, c, 3), {}, (x, shaped(2, 3), shaped(2, 3)), 6 * 120),
    (
        "group_norm_backward",
        (x, x, c, shaped(2, 3), shaped(2, 3), 3),
        {},
        (x, c, c),
        9 * 120,
    ),
    ("local_response_norm", (x, 5), {}, x, 9 * 120),
    ("local_response_norm_backward", (x, x), {"size": 3}, x, 15 * 120),
    ("relu", (x,), {}, x, 120),
    ("relu_backward", (x, x), {}, x, 120),
    ("prelu", (x, c), {}, x, 240),
    ("prelu_backward", (x, x, c), {}, (x, c), 480),
    ("elu", (x,), {}, x, 360),
    ("elu_backward", (x, x), {}, x, 360),
    ("sigmoid", (x,), {}, x, 360),
    ("sigmoid_backward", (x, x), {}, x, 360),
    ("softmax", (x,), {}, x, 600),
    ("softmax_backward", (x, x), {}, x, 480),
    ("log_softmax", (x,), {}, x, 600 + 40),  # and a log for each pixel
    ("log_softmax", (x, -1), {}, x, 600 + 24),
    ("log_softmax_backward", (x, x), {}, x, 480),
    ("dropout", (x, 0.5, None), {}, (x, x), 360),
    ("dropout", (x, 0.5, None), {"per_channel": True}, (x, shaped(2, 3, 1, 1)), 120 + 12),
    ("dropout_backward", (x, x), {}, x, 120),
    ("cross_entropy", (x, pixels), {}, (loss, x), 6 * 120 + 4 * 40),
    ("cross_entropy_backward", (1.0, x, pixels), {}, x, 2 * 120 + 3 * 40),
    ("dice_loss", (x, x), {}, loss, 6 * 120),
    ("dice_loss", (x, x), {"squared": False}, loss, 4 * 120),
    ("dice_loss_backward", (1.0, x, x), {}, x, 9 * 120),
    ("dice_loss_backward", (1.0, x, x), {"squared": False}, x, 6 * 120),
    ("bce_with_logits", (x, x), {}, loss, 7 * 120),
    ("bce_with_logits", (x, x), {"weight": x}, loss, 8 * 120),
    ("bce_with_logits_backward", (1.0, x, x), {}, x, 5 * 120),
    ("bce_with_logits_backward", (1.0, x, x), {"weight": x}, x, 6 * 120),
    ("focal_loss", (x, x), {}, loss, 15 * 120),
    ("focal_loss_backward", (1.0, x, x), {}, x, 19 * 120),
    ("smooth_l1", (x, x), {}, loss, 5 * 120),
    ("smooth_l1_backward", (1.0, x, x), {}, x, 5 * 120),
    ("max_pool", (x, 2), {}, (y, indices(*y.shape)), 3 * 24),
    ("max_pool", (x, (3, 1)), {}, (y, indices(*y.shape)), 2 * 24),
    ("max_pool_backward", (y, indices(*y.shape), x.shape), {}, x, 24),
    ("avg_pool", (x, 2), {}, y, 4 * 24),
    ("avg_pool_backward", (y, x.shape, (2, 2)), {}, x, 5 * 24),
    ("max_unpool", (y, indices(*y.shape), (4, 5)), {}, x, 0),
    ("max_unpool_backward", (x, indices(*y.shape)), {}, y, 0),
    ("interpolate", (x, (8, 10)), {}, shaped(2, 3, 8, 10), 0),
    # rows first: 6·8·5 values, then 6·8·10, 3 each
    ("interpolate", (x, (8, 10)), {"mode": "linear"}, shaped(2, 3, 8, 10), 3 * (240 + 480)),
    ("interpolate_backward", (shaped(2, 3, 8, 10), x.shape), {}, x, 480),
    (
        "interpolate_backward",
        (shaped(2, 3, 8, 10), x.shape),
        {"mode": "linear"},
        x,
        4 * (480 + 240),
    ),
    # 6 boxes · 4 bins · 9 samples · 3 channels of 4 multiply-adds; a division for each of 72 bins
    (
        "roi_align",
        (x, shaped(6, 5), 2),
        {"sampling_ratio": 3},
        shaped(6, 3, 2, 2),
        6 * 4 * 9 * 3 * 8 + 72,
    ),
    (
        "roi_align_backward",
        (shaped(6, 3, 2, 2), shaped(6, 5), x.shape),
        {"sampling_ratio": 3},
        x,
        6 * 4 * 9 * 3 * 8 + 72,
    ),
    (
        "roi_pool_backward",
        (shaped(6, 3, 2, 2), shaped(6, 5), indices(6, 3, 2, 2), x.shape),
        {},
        x,
        72,
    ),
    ("box_iou", (boxes, shaped(9, 4)), {}, shaped(7, 9), 12 * 63),
    ("encode_boxes", (boxes, boxes), {}, boxes, 24 * 7),
    ("decode_boxes", (shaped(7, 3, 4), boxes), {}, shaped(7, 3, 4), 18 * 21 + 6 * 7),
    ("clip_boxes", (boxes, (9, 9)), {}, boxes, 2 * 28),
    ("nms", (boxes, shaped(7), 0.5), {}, indices(2), 21 * 13),
    ("batched_nms", (boxes, shaped(7), indices(7), 0.5), {}, indices(2), 21 * 13),
    (
        "generate_anchors",
        (64, [(2, 3), (1, 1)]),
        {"sizes": ((8,), (16,))},
        [shaped(18, 4), shaped(3, 4)],
        84,
    ),
    ("match_anchors", (shaped(5, 9),), {}, indices(9), 3 * 45),
    ("sample_balanced", (indices(9), 4, 0.5, None), {}, (indices(2), indices(2)), 0),
]


@pytest.mark.parametrize(
    ("operation", "args", "options", "result", "flops"),
    BY_HAND,
    ids=[f"{i}-{case[0]}" for i, case in enumerate(BY_HAND)],
)
def test_flops_by_hand(operation, args, options, result, flops):
    """And the bytes: every array that goes in or comes out, once."""
    given = [*args, *options.values(), *(result if isinstance(result, tuple | list) else (result,))]
    arrays = [a for a in given if isinstance(a, Shaped)]
    found = cost(operation, args, options, result=result)
    assert found.flops == flops
    assert found.bytes == sum(a.size * a.dtype.itemsize for a in arrays)


def test_every_operation_is_counted():
    """The table knows all of `minis.ops`, and all of it is counted by hand, here or below."""
    assert set(FLOPS) == set(ops.__all__)
    of_values = {"roi_pool", "paste_masks"}
    assert {case[0] for case in BY_HAND} | of_values == set(ops.__all__)


@pytest.mark.parametrize("aligned", [True, False])
def test_roi_align_with_as_many_samples_as_needed(aligned):
    """The samples of each box, as many per bin as it spans cells."""
    rois = np.array([[0, 0, 0, 8, 4.5], [1, 2, 2, 2.5, 2.2]], np.float32)  # of 4.5 × 8, 0.2 × 0.5
    values = np.zeros((2, 3, 9, 9), np.float32)
    result = ops.roi_align(values, rois, 2, aligned=aligned)
    samples = 4 * (3 * 4 + 1 * 1)
    expected = samples * 3 * 8 + result.size
    options = {"aligned": aligned}
    assert cost("roi_align", (values, rois, 2), options, result=result).flops == expected
    gradient = (result, rois, values.shape)
    assert cost("roi_align_backward", gradient, options, result=values).flops == expected
    with pytest.raises(TypeError, match="depends on the boxes' values; give an array"):
        cost("roi_align", (values, shaped(2, 5), 2), result=result)


def test_roi_pool_compares_the_cells_of_boxes():
    """Corners round to cells, both included; what lies outside of the map doesn't count."""
    rois = np.array([[0, 1, 1, 3, 4], [0, -5, 0, 1, 99]], np.float32)
    values = np.zeros((1, 3, 6, 7), np.float32)
    result = ops.roi_pool(values, rois, 1)
    # 3 × 4 cells, and columns 0 and 1 of all 6 rows
    assert cost("roi_pool", (values, rois, 1), result=result).flops == 3 * (12 + 12)


def test_paste_masks_resizes_to_boxes():
    """Bilinear, from a border of one more on each side."""
    masks, into = np.zeros((1, 1, 4, 4), np.float32), np.array([[0, 0, 8, 4]], np.float32)
    result = ops.paste_masks(masks, into, (20, 20))
    # enlarged by 6/4: 12 × 6, spanning 13 × 7 pixels; rows first
    assert cost("paste_masks", (masks, into, (20, 20)), result=result).flops == 3 * (7 * 6 + 7 * 13)


GEOMETRIES = [
    ((2, 4, 9), (6, 4, 3), {"padding": 1}),
    ((2, 4, 9, 8), (6, 4, 3, 2), {"stride": 2, "padding": 1}),
    ((1, 4, 9, 8), (6, 4, 3, 3), {"dilation": 2}),
    ((1, 4, 5, 6, 7), (3, 4, 2, 3, 2), {"padding": (1, 0, 1)}),
]


def torch_flops(run):
    """Count with PyTorch: forward, and backward of the sum."""
    with FlopCounterMode(display=False) as forward:
        out = run()
    with FlopCounterMode(display=False) as backward:
        out.backward(torch.ones_like(out))
    return forward.get_total_flops(), backward.get_total_flops()


@pytest.mark.parametrize(("input_shape", "filters", "options"), GEOMETRIES)
@pytest.mark.parametrize("operation", ["conv", "conv_transpose"])
def test_convolutions_against_pytorch(operation, input_shape, filters, options):
    """PyTorch counts the same, but for db, which it doesn't count."""
    if operation == "conv_transpose":
        filters = (filters[1], filters[0], *filters[2:])
    t, w = (torch.randn(*s, requires_grad=True) for s in (input_shape, filters))
    axes = len(input_shape) - 2
    function = getattr(functional, f"{operation}{axes}d")
    forward, backward = torch_flops(lambda: function(t, w, **options))
    a, b = (v.detach().numpy() for v in (t, w))
    out = getattr(ops, operation)(a, b, **options)
    assert cost(operation, (a, b), options, result=out).flops == forward
    gradients = getattr(ops, f"{operation}_backward")(out, a, b, **options)
    found = cost(f"{operation}_backward", (out, a, b), options, result=gradients)
    assert found.flops - out.size == backward


def test_grouped_convolution_against_pytorch():
    """Forward; PyTorch's count of a grouped backward takes no account of the groups."""
    t, w = torch.randn(2, 6, 9, 8), torch.randn(9, 2, 3, 3)
    with FlopCounterMode(display=False) as counter:
        out = functional.conv2d(t, w, groups=3)
    found = cost("conv", (t.numpy(), w.numpy()), {"groups": 3}, result=out.numpy())
    assert found.flops == counter.get_total_flops()


def test_linear_against_pytorch():
    """Both passes."""
    t, w = torch.randn(7, 5, requires_grad=True), torch.randn(3, 5, requires_grad=True)
    forward, backward = torch_flops(lambda: functional.linear(t, w))
    a, b = (v.detach().numpy() for v in (t, w))
    out = ops.linear(a, b)
    assert cost("linear", (a, b), result=out).flops == forward
    gradients = ops.linear_backward(out, a, b)
    assert cost("linear_backward", (out, a, b), result=gradients).flops - out.size == backward


def test_arrays_and_what_stands_for_them_cost_the_same():
    """Float64 takes twice the bytes."""
    a, b = np.zeros((1, 2, 6)), np.zeros((4, 2, 3))
    out = ops.conv(a, b, padding=1)
    stand_ins = [Shaped(v.shape, v.dtype) for v in (a, b, out)]
    of_arrays = cost("conv", (a, b), {"padding": 1}, result=out)
    assert of_arrays == cost("conv", tuple(stand_ins[:2]), {"padding": 1}, result=stand_ins[2])
    assert of_arrays.bytes == 8 * (12 + 24 + 24)
    assert of_arrays + of_arrays == (2 * of_arrays.flops, 2 * of_arrays.bytes)


def test_positional_and_named_arguments_cost_the_same():
    """As any call of the operation may give them."""
    b = shaped(3)
    positional = cost("prelu", (x, b), result=x)
    assert positional == cost("prelu", (x,), {"a": b}, result=x)
    assert list(inspect.signature(ops.prelu).parameters) == ["x", "a"]


def test_an_unknown_operation_is_named():
    """And so are arguments that it doesn't take."""
    with pytest.raises(ValueError, match=r"no operation 'fft' in minis\.ops"):
        cost("fft", (x,), result=x)
    with pytest.raises(TypeError, match="missing a required argument"):
        cost("conv", (x,), result=x)
