"""Pictures of objects and of a detector's stages: what is drawn, where, and in which number."""

import io

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from minis import ops
from minis.show_instances import show_objects
from minis.show_regions import image_crops, show_crops, show_mask_logits
from minis.show_stages import show_anchors, show_proposals

RNG = np.random.default_rng(0)
IMAGE = RNG.random((3, 40, 60)).astype(np.float32) * 0.2
CLASSES = ("background", "cat", "dog")


def objects(**change):
    masks = np.zeros((2, 1, 40, 60), np.float32)
    masks[0, 0, 10:20, 5:25] = 0.9
    masks[1, 0, 20:35, 30:50] = 0.9
    masks[1, 0, :5] = 0.5  # not more than ½
    return {
        "boxes": np.array([[5.0, 10, 25, 20], [30, 20, 50, 35]]),
        "labels": np.array([2, 1]),
        "scores": np.array([0.9, 0.6]),
        "masks": masks,
    } | change


def boxes_of(axes):
    """Boxes x1, y1, x2, y2 that a panel shows, in the order in which they were drawn."""
    patches = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return [
        (p.get_x(), p.get_y(), p.get_x() + p.get_width(), p.get_y() + p.get_height())
        for p in patches
    ]


def draws(figure):
    figure.savefig(io.BytesIO(), format="png")
    return figure


def test_boxes_names_scores_and_masks_are_where_they_belong():
    (axes,) = draws(show_objects(IMAGE, objects(), CLASSES)).axes
    assert boxes_of(axes) == [(30, 20, 50, 35), (5, 10, 25, 20)]  # the best on top
    assert [text.get_text() for text in axes.texts] == ["dog 0.90", "cat 0.60"]
    assert axes.get_title() == "2 objects"
    (shown,) = axes.get_images()
    assert tuple(shown.get_extent()) == (0, 60, 40, 0)
    picture = np.asarray(shown.get_array())
    finer = picture.shape[0] // 40
    changed = np.abs(picture - np.moveaxis(IMAGE, 0, -1).repeat(finer, 0).repeat(finer, 1))
    marked = (changed.max(axis=-1) > 1e-6)[finer // 2 :: finer, finer // 2 :: finer]
    expected = (objects()["masks"][:, 0] > 0.5).any(axis=0)
    np.testing.assert_array_equal(marked, expected)


def test_weak_objects_are_not_drawn():
    (axes,) = draws(show_objects(IMAGE, objects(), CLASSES, score_threshold=0.7)).axes
    assert [text.get_text() for text in axes.texts] == ["dog 0.90"]
    assert axes.get_title() == "1 object"


def test_truth_has_neither_scores_nor_a_channel_for_masks():
    true = objects()
    masks = (true["masks"][:, 0] > 0.5).astype(np.uint8)
    told = {"boxes": true["boxes"], "labels": true["labels"], "masks": masks}
    (axes,) = draws(show_objects(IMAGE[:1], told, title="truth")).axes
    assert sorted(text.get_text() for text in axes.texts) == ["1", "2"]
    assert axes.get_title() == "truth"


def test_no_objects():
    none = {
        "boxes": np.zeros((0, 4)),
        "labels": np.zeros(0, int),
        "masks": np.zeros((0, 1, 40, 60)),
    }
    (axes,) = draws(show_objects(IMAGE, none, CLASSES)).axes
    assert axes.get_title() == "0 objects"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"boxes": np.zeros((3, 4))}, r"boxes must have shape \(2, 4\).*got \(3, 4\)"),
        ({"scores": np.zeros(1)}, r"scores must have shape \(2,\)"),
        ({"masks": np.zeros((2, 1, 28, 28))}, r"masks must have shape \(2, 40, 60\)"),
        ({"labels": np.array([1, 3])}, "labels 1 … 3, but 3 classes"),
    ],
)
def test_objects_that_do_not_fit_are_named(change, text):
    with pytest.raises(ValueError, match=text):
        show_objects(IMAGE, objects(**change), CLASSES)


def extents(figure):
    """Where the labels are in the saved picture: left, bottom, right, top, in dots."""
    (axes,) = draws(figure).axes
    patches = [text.get_bbox_patch().get_window_extent() for text in axes.texts]
    return axes.bbox.extents, [patch.extents for patch in patches]


def overlap(labels):
    """Area that is covered twice, as a part of all."""
    shared = [
        max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)
        for i, a in enumerate(labels)
        for b in labels[:i]
    ]
    areas = [(a[2] - a[0]) * (a[3] - a[1]) for a in labels]
    return sum(shared) / max(sum(areas), 1)


@pytest.mark.parametrize("size", [(40, 60), (16, 200), (200, 30), (700, 900)])
def test_labels_are_inside_the_picture_and_apart(size):
    height, width = size
    rng = np.random.default_rng(1)
    corners = rng.random((12, 2, 2)) * (width, height)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    boxes[0], boxes[1] = (0, 0, width, height), (width - 4, 0, width, 5)
    told = {"boxes": boxes, "labels": np.ones(12, int), "scores": np.linspace(0.9, 0.6, 12)}
    page, labels = extents(show_objects(np.zeros((1, *size)), told, CLASSES))
    assert len(labels) == 12
    for one in labels:
        assert (one[:2] >= page[:2] - 1).all()
        assert (one[2:] <= page[2:] + 1).all()
    assert min(size) <= 30 or overlap(labels) < 0.1
    boxes[:] = [width * 0.3, height * 0.3, width * 0.7, height * 0.7]
    eight = {name: array[:8] for name, array in told.items()}  # places at one box
    if min(size) > 30:
        _, labels = extents(show_objects(np.zeros((1, *size)), eight, CLASSES))
        assert overlap(labels) < 0.01


def test_one_class_is_named_in_the_title():
    told = objects(labels=np.array([1, 1]))
    (axes,) = draws(show_objects(IMAGE, told, ("background", "cell"))).axes
    assert axes.get_title() == "2 objects: cell"
    assert [text.get_text() for text in axes.texts] == ["0.90", "0.60"]
    (axes,) = draws(show_objects(IMAGE, told, ("background", "cell"), title="slide 3")).axes
    assert axes.get_title() == "slide 3"
    assert [text.get_text() for text in axes.texts] == ["cell 0.90", "cell 0.60"]


def test_masks_made_when_they_are_asked_for():
    class Made:
        def __len__(self):
            return 2

        def __getitem__(self, row):
            return objects()["masks"][row, 0] > 0.5

    pictures = [
        np.asarray(show_objects(IMAGE, told, CLASSES).axes[0].get_images()[0].get_array())
        for told in (objects(), objects(masks=Made()))
    ]
    np.testing.assert_array_equal(*pictures)


def test_many_objects_get_a_larger_picture():
    def picture(count, size=(300, 400)):
        told = {"boxes": np.tile([5.0, 5, 20, 20], (count, 1)), "labels": np.ones(count, int)}
        return show_objects(np.zeros((3, *size)), told).get_size_inches()[0]

    assert [picture(n) for n in (0, 20, 21, 50, 51)] == [8, 8, 12, 12, 16]
    assert picture(1, (100, 1500)) == 15  # a dot a pixel
    assert picture(1, (100, 3500)) == 24


def test_anchors_are_those_of_the_cell_in_the_middle():
    anchors = ops.generate_anchors((40, 60), [(10, 15), (5, 8)], sizes=((8,), (16,)))
    truth = np.array([[1.0, 2, 11, 12]])
    panels = draws(show_anchors(IMAGE, anchors, 3, truth)).axes
    assert len(panels) == 2
    for axes, level, (h, w) in zip(panels, anchors, ((10, 15), (5, 8)), strict=True):
        *shown, last = boxes_of(axes)
        assert last == (1, 2, 11, 12)
        cells = level.reshape(h, w, 3, 4)
        centres = cells.reshape(h, w, 3, 2, 2).mean(axis=3)[:, :, 0]
        far = np.abs(centres - (30, 20)).sum(axis=-1)
        row, column = np.unravel_index(far.argmin(), far.shape)
        np.testing.assert_allclose(shown, cells[row, column])
        assert f"{h} × {w} cells, {3 * h * w} anchors of " in axes.get_title()
        (dots,) = axes.lines
        assert len(dots.get_xdata()) == h * w
    with pytest.raises(ValueError, match=r"level 1 has anchors of shape \(7, 4\)"):
        show_anchors(IMAGE, [np.zeros((7, 4))], 3)


def test_proposals_before_and_after():
    boxes = np.array([[0.0, 0, 9, 9], [1, 1, 10, 10], [20, 20, 30, 30]])
    scores = np.array([0.2, 0.9, 0.5])
    kept = ops.nms(boxes, scores, 0.5)
    figure = draws(show_proposals(IMAGE, (boxes, scores), (boxes[kept], scores[kept]), best=2))
    before, after, _ = figure.axes  # the last is the scale of colours
    assert before.get_title() == "3 boxes before suppression, the best 2 shown"
    assert boxes_of(before) == [(20, 20, 30, 30), (1, 1, 10, 10)]  # the best on top
    assert after.get_title() == "2 boxes after suppression"
    assert len(boxes_of(after)) == 2
    none = np.zeros((0, 4)), np.zeros(0)
    assert draws(show_proposals(IMAGE, none, none)).axes[0].get_title().startswith("0 boxes")
    with pytest.raises(ValueError, match="boxes and scores after suppression"):
        show_proposals(IMAGE, (boxes, scores), (boxes, scores[:1]))


def test_crops_hold_what_is_in_the_box():
    image = np.zeros((3, 20, 30), np.float32)
    image[:, 5:10, 10:20] = 1
    inside, half = image_crops(image, np.array([[10.0, 5, 20, 10], [10.0, 0, 20, 10]]), 20)
    assert inside[:, 2:-2, 2:-2].min() == pytest.approx(1)
    assert half[:, :8].max() == pytest.approx(0)
    assert half[:, 12:-2, 2:-2].min() == pytest.approx(1)
    figure = draws(show_crops(np.stack([inside, half]), ["inside", "half"]))
    assert [axes.get_title() for axes in figure.axes] == ["inside", "half"]


def test_crops_of_features_show_how_strong_they_are():
    features = RNG.normal(size=(10, 16, 7, 7))
    figure = draws(show_crops(features))
    assert len(figure.axes) == 10
    shown = np.asarray(figure.axes[4].get_images()[0].get_array())
    energy = np.sqrt((features[4] ** 2).mean(axis=0))
    np.testing.assert_allclose(shown, energy / energy.max(), rtol=1e-5)
    assert not draws(show_crops(np.zeros((0, 3, 7, 7)))).axes
    draws(show_crops(np.zeros((1, 16, 7, 7))))
    with pytest.raises(ValueError, match="10 RoIs but 1 texts"):
        show_crops(features, ["one"])
    with pytest.raises(ValueError, match=r"got \(16, 7, 7\)"):
        show_crops(features[0])


def test_mask_logits_are_those_of_the_class_about_zero():
    logits = RNG.normal(size=(3, 5, 28, 28))
    labels = np.array([4, 0, 2])
    figure = draws(show_mask_logits(logits, labels))
    *tiles, _ = figure.axes  # the last is the scale of colours
    for row, (axes, label) in enumerate(zip(tiles, labels, strict=True)):
        (shown,) = axes.get_images()
        np.testing.assert_array_equal(np.asarray(shown.get_array()), logits[row, label])
        low, high = shown.get_clim()
        assert low == -high
        assert axes.get_title() == f"class {label}"
    draws(show_mask_logits(logits[:, 0] * 0))
    draws(show_mask_logits(logits[:0], labels[:0]))
    with pytest.raises(ValueError, match="need 3 labels"):
        show_mask_logits(logits)
