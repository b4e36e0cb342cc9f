"""Half a pixel: what the way grids lie in boxes costs small objects."""

import numpy as np
import pytest

import minis
from minis import ops
from minis.models.mask_rcnn.mask_loss import cut_masks
from minis.models.mask_rcnn.targets import resize_target

SIDE = 28
SIZE = (96, 96)


def rings(count=12):
    """Boxes and masks of rings, three pixels wide."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    boxes, masks = [], []
    for _ in range(count):
        radius = rng.uniform(9, 16)
        cy, cx = rng.uniform(radius + 1, SIZE[0] - radius - 1, 2)
        distance = np.hypot(y + 0.5 - cy, x + 0.5 - cx)
        mask = abs(distance - radius + 1.5) < 1.5
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
        masks.append(mask)
    return np.array(boxes, float), np.array(masks)


def there_and_back(aligned):
    """IoU of each mask with itself, cut as training targets are and pasted as detections are."""
    boxes, masks = rings()
    cut = cut_masks(masks, boxes, np.arange(len(boxes)), SIDE, aligned=aligned)
    pasted = ops.paste_masks(cut[:, None], boxes, SIZE, aligned=aligned)[:, 0] > 0.5
    both, either = (pasted & masks).sum((1, 2)), (pasted | masks).sum((1, 2))
    return both / either


def test_aligned_grids_keep_thin_objects(backend):
    """A network that learned its targets perfectly would be right; not so with the other grids."""
    with minis.use(backend):
        assert there_and_back(aligned=True).min() > 0.9
        assert there_and_back(aligned=False).mean() < 0.8


@pytest.mark.parametrize(("old", "new"), [(96, 128), (97, 251), (101, 64)])
def test_aligned_masks_are_resized_about_their_middle(old, new):
    """What is symmetric stays so; by the corners it doesn't."""
    mask = np.zeros((1, old, old), bool)
    mask[:, old // 4 : -(old // 4), old // 4 : -(old // 4)] = True
    target = {"boxes": np.array([[0.0, 0, old, old]]), "masks": mask}
    resized = resize_target(target, (old, old), (new, new), np.float32, aligned=True)["masks"][0]
    np.testing.assert_array_equal(resized, resized[::-1, ::-1])
