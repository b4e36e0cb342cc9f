"""Pictures of what a detector sees and answers: what is drawn, where, and in which number."""

import io

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from minis import ops
from minis.show_classes import show_class_boxes, show_class_scores
from minis.show_columns import show_masks, show_regions
from minis.show_maps import show_input, show_objectness
from minis.show_regions import crop_picture
from minis.show_stages import show_proposals

RNG = np.random.default_rng(0)
IMAGE = RNG.random((1, 40, 60)).astype(np.float32)


def draws(figure):
    figure.savefig(io.BytesIO(), format="png")
    return figure


def shown(axes):
    """The one picture in a panel."""
    (picture,) = axes.get_images()
    return np.asarray(picture.get_array())


def boxes_of(axes):
    """Boxes x1, y1, x2, y2 that a panel shows."""
    patches = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return [
        (p.get_x(), p.get_y(), p.get_x() + p.get_width(), p.get_y() + p.get_height())
        for p in patches
    ]


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_input_is_shown_channel_by_channel(channels):
    seen = RNG.normal(size=(channels, 64, 96)).astype(np.float32)
    image = RNG.random((channels, 40, 60)).astype(np.float32)
    first, *others, _ = draws(show_input(image, seen, (64, 90))).axes  # the last: the colours
    assert len(others) == channels
    grey_or_colour = image if channels == 3 else image[[0, 0, 0]]
    np.testing.assert_allclose(shown(first), np.moveaxis(grey_or_colour, 0, -1))
    for number, (axes, channel) in enumerate(zip(others, seen, strict=True), start=1):
        assert axes.get_title() == f"channel {number} as the network sees it, 64 × 96"
        low, high = axes.get_images()[-1].get_clim()
        assert high == -low == pytest.approx(np.abs(seen).max())
        np.testing.assert_array_equal(axes.get_images()[-1].get_array(), channel)
        (line,) = axes.lines  # there is padding on the right, none below
        assert list(line.get_xdata()) == [90, 90]


def test_objectness_is_that_of_the_best_anchor():
    logits = [RNG.normal(size=(3, 10, 15)), RNG.normal(size=(3, 5, 8)) - 9]
    first, fine, coarse, _ = draws(show_objectness(IMAGE, logits, ("P2", "P3"))).axes
    assert first.get_title() == "the image"
    for axes, logit, name in ((fine, logits[0], "P2"), (coarse, logits[1], "P3")):
        expected = 1 / (1 + np.exp(-logit.max(axis=0)))
        np.testing.assert_allclose(axes.get_images()[-1].get_array(), expected, rtol=1e-5)
        assert axes.get_images()[-1].get_clim() == (0, 1)
        assert tuple(axes.get_images()[-1].get_extent()) == (0, 60, 40, 0)
        h, w = expected.shape
        assert axes.get_title() == f"{name}: {h} × {w} cells, at most {expected.max():.2f}"
    with pytest.raises(ValueError, match=r"show_objectness: image must have shape"):
        show_objectness(IMAGE[0], logits)


def test_class_scores_are_a_table():
    scores = ops.softmax(RNG.normal(size=(3, 4)), axis=1)
    (axes,) = draws(show_class_scores(scores, list("abcd"), ["one", "two", "three"])).axes
    assert [text.get_text() for text in axes.texts] == [f"{s:.2f}" for s in scores.ravel()]
    framed = [(y1 + 0.5, x1 + 0.5) for x1, y1, _, _ in boxes_of(axes)]
    assert framed == list(enumerate(scores.argmax(axis=1)))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list("abcd")
    draws(show_class_scores(scores[:0], list("abcd"), []))
    with pytest.raises(ValueError, match=r"3 rows and 2 classes, but scores of shape \(3, 4\)"):
        show_class_scores(scores, list("ab"), ["one", "two", "three"])


def test_boxes_of_classes_before_and_after():
    boxes = np.array([[0.0, 0, 9, 9], [1, 1, 10, 10], [20, 20, 30, 30], [1, 1, 10, 10]])
    scores, labels = np.array([0.2, 0.9, 0.5, 0.6]), np.array([1, 1, 1, 2])
    kept = ops.batched_nms(boxes, scores, labels, 0.5)
    assert kept.tolist() == [1, 3, 2]
    whole, left = (boxes, scores, labels), (boxes[kept], scores[kept], labels[kept])
    before, after = draws(show_class_boxes(IMAGE, whole, left, ("–", "cat", "dog"))).axes
    assert len(boxes_of(before)) == 4
    assert not before.texts
    assert {text.get_text() for text in after.texts} == {"cat 0.90", "dog 0.60", "cat 0.50"}
    assert boxes_of(after)[-1] == (1, 1, 10, 10)  # the best on top
    colours = {patch.get_edgecolor() for patch in before.patches}
    assert len(colours) == 2
    before, after = draws(show_class_boxes(IMAGE, whole, left, best=2)).axes
    assert before.get_title() == "4 boxes before suppression, the best 2 shown"
    assert after.get_title() == "3 boxes after suppression, the best 2 shown"
    assert {text.get_text() for text in after.texts} == {"1 0.90", "2 0.60"}
    none = np.zeros((0, 4)), np.zeros(0), np.zeros(0, int)
    assert draws(show_class_boxes(IMAGE, none, none)).axes[0].get_title().startswith("0 boxes")
    with pytest.raises(ValueError, match="boxes, scores and classes after suppression"):
        show_class_boxes(IMAGE, whole, (boxes, scores, labels[:1]))


def test_after_suppression_are_shown_those_that_were_shown_before():
    """Not weaker ones in place of what was dropped: so it is seen what suppression does."""
    boxes = np.array([[0.0, 0, 9, 9], [1, 1, 10, 10], [20, 20, 30, 30]])
    scores, labels = np.array([0.8, 0.9, 0.5]), np.array([1, 1, 1])
    kept = ops.nms(boxes, scores, 0.5)
    assert kept.tolist() == [1, 2]
    proposals = show_proposals(IMAGE, (boxes, scores), (boxes[kept], scores[kept]), best=2)
    of_classes = show_class_boxes(
        IMAGE, (boxes, scores, labels), (boxes[kept], scores[kept], labels[kept]), best=2
    )
    for figure in (proposals, of_classes):
        before, after = draws(figure).axes[:2]
        assert boxes_of(before) == [(0, 0, 9, 9), (1, 1, 10, 10)]
        assert boxes_of(after) == [(1, 1, 10, 10)]
        assert after.get_title() == "2 boxes after suppression, the best 1 shown"


def test_regions_stand_over_their_features():
    crops = RNG.random((3, 1, 20, 20)).astype(np.float32)
    features = RNG.normal(size=(3, 16, 7, 7)).astype(np.float32)
    axes = draws(show_regions(crops, features, ["a", "b", "c"])).axes
    assert [panel.get_title() for panel in axes] == ["a", "b", "c", "", "", ""]
    for column in range(3):
        np.testing.assert_array_equal(shown(axes[column]), crops[column, 0])
        expected = crop_picture(features[column])
        np.testing.assert_array_equal(shown(axes[3 + column]), expected)
    assert axes[3].get_ylabel() == "features, 7 × 7"
    assert not draws(show_regions(crops[:0], features[:0], [])).axes
    with pytest.raises(ValueError, match="show_regions: 1 texts but 3 crops"):
        show_regions(crops, features, ["a"])


def test_masks_stand_in_columns():
    crops, logits = RNG.random((2, 3, 20, 20)), RNG.normal(size=(2, 28, 28)).astype(np.float32)
    probabilities = 1 / (1 + np.exp(-logits))
    pasted = [RNG.random((9, 30)), RNG.random((1, 5))]
    axes = draws(show_masks(crops, logits, probabilities, pasted, ["a", "b"])).axes
    image, raw, probable, mask = (axes[2 * row : 2 * row + 2] for row in range(4))
    for column in range(2):
        np.testing.assert_array_equal(shown(raw[column]), logits[column])
        np.testing.assert_array_equal(shown(probable[column]), probabilities[column])
        np.testing.assert_array_equal(shown(mask[column]), pasted[column])
        assert raw[column].get_images()[0].get_clim() == (-6, 6)
        assert mask[column].get_images()[0].get_clim() == (0, 1)
    assert [panel.get_title() for panel in image] == ["a", "b"]
    assert [row[0].get_ylabel() for row in (raw, mask)] == ["logits, 28 × 28", "pasted, in pixels"]
    none = np.zeros((0, 28, 28))
    assert not draws(show_masks(crops[:0], none, none, [], [])).axes
    with pytest.raises(ValueError, match="show_masks: 2 texts but 1 pasted"):
        show_masks(crops, logits, probabilities, pasted[:1], ["a", "b"])
