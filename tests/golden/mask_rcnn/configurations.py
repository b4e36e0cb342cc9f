"""What Mask R-CNN's golden files are computed from: networks, parts, and their inputs.

Nothing here needs PyTorch. Weights, images, objects and features are drawn by rule and so are not
stored; `make.py` and the tests call the same functions. Random numbers come from
`numpy.random.default_rng(seed)`, uniform, as z = √3·(2u − 1), of variance 1.

Weights: `weights(shapes)` draws every entry of the state dict with seed 0, in the alphabetical
order of the names, as `..configurations.draw_weights` does: for frozen batch norm too, whose four
arrays are buffers. Entries whose names contain one of `GAINS` are then multiplied by its factor.
"""

from typing import Any, NamedTuple

import numpy as np

from ..configurations import draw_weights, uniform

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# so that logits and deltas are neither flat nor wild, and a deep body's maps don't grow
GAINS: dict[str, float] = {
    "bn3.weight": 0.25,
    "inner_blocks": 0.2,
    "bbox_pred": 0.08,
    "cls_logits": 0.7,
    "cls_score": 0.7,
    "mask_fcn_logits": 0.4,
}


class Configuration(NamedTuple):
    """A whole network, and the images that it is given.

    Attributes
    ----------
    depth, width : int
        Of the ResNet: 18 or 50; channels after its first convolution, 64 as published.
    channels, representation, mask_channels : int
        Of the pyramid's maps, of fc6 and fc7, of the mask head's maps: 256, 1024, 256.
    eps : float
        Of frozen batch norm.
    images : tuple of (height, width, objects)
    anchor_sizes : tuple of int
        One a level; ratios ½, 1, 2.
    proposals : (int, int)
        In training and test: of each level before suppression, and of an image after it.
    rpn_samples, roi_samples : int
        Anchors and RoIs drawn of each image.
    detections : int
        At most, of an image.
    score_threshold : float
    """

    depth: int
    width: int
    channels: int
    representation: int
    mask_channels: int
    num_classes: int
    eps: float
    images: tuple[tuple[int, int, int], ...]
    min_size: int
    max_size: int
    anchor_sizes: tuple[int, ...]
    proposals: tuple[int, int] = (150, 60)
    rpn_samples: int = 48
    roi_samples: int = 24
    detections: int = 12
    score_threshold: float = 0.05


# of the first three, resized sizes are 1.5 or 2 times the images', exactly
SMALL = Configuration(
    depth=18,
    width=8,
    channels=16,
    representation=32,
    mask_channels=12,
    num_classes=4,
    eps=1e-5,
    images=((64, 80, 3), (64, 48, 2), (48, 48, 0)),
    min_size=96,
    max_size=128,
    anchor_sizes=(8, 16, 32, 64, 128),
)
CONFIGURATIONS = {
    # the third image has no objects
    "small": SMALL,
    "no objects": SMALL._replace(images=((48, 48, 0), (64, 48, 0))),
    "no detections": SMALL._replace(images=((64, 80, 1), (48, 48, 1)), score_threshold=0.999),
    # RoIs of several levels, uneven sizes, frozen batch norm as in the published weights
    "levels": SMALL._replace(
        depth=50,
        width=4,
        eps=0.0,
        images=((150, 200, 3), (211, 134, 2)),
        min_size=256,
        max_size=320,
        anchor_sizes=(32, 64, 128, 256, 512),
    ),
    # as published, 44,401,393 parameters; evaluation only
    "paper": Configuration(
        depth=50,
        width=64,
        channels=256,
        representation=1024,
        mask_channels=256,
        num_classes=91,
        eps=0.0,
        images=((96, 128, 2),),
        min_size=96,
        max_size=128,
        anchor_sizes=(32, 64, 128, 256, 512),
        proposals=(2000, 1000),
        rpn_samples=256,
        roi_samples=512,
        detections=100,
    ),
}


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Draw a network's or a part's whole state dict; float64."""
    drawn = draw_weights(np.random.default_rng(0), shapes)
    for name, value in drawn.items():
        for piece, gain in GAINS.items():
            if piece in name:
                value *= gain
    return drawn


def draw(seed: int, *shape: int) -> Any:
    """Draw z of a shape; float64."""
    return uniform(np.random.default_rng(seed), shape)


def objects(seed: int, height: int, width: int, count: int, num_classes: int) -> dict[str, Any]:
    """Draw an image's objects, ellipses that fill their boxes, as a target.

    Returns
    -------
    dict
        boxes (M, 4) float64 of whole numbers, labels (M,) int64 of 1 … num_classes − 1, masks
        (M, height, width) uint8.
    """
    rng = np.random.default_rng(seed)
    boxes, masks = np.zeros((count, 4)), np.zeros((count, height, width), np.uint8)
    labels = rng.integers(1, num_classes, count)
    y, x = np.mgrid[:height, :width] + 0.5
    for i in range(count):
        h, w = (int(size * (0.25 + 0.45 * rng.random())) for size in (height, width))
        top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
        boxes[i] = left, top, left + w, top + h
        at = ((y - top) / h - 0.5) ** 2 + ((x - left) / w - 0.5) ** 2
        masks[i] = at <= 0.25
    return {"boxes": boxes, "labels": labels.astype(np.int64), "masks": masks}


def image(seed: int, target: dict[str, Any]) -> Any:
    """Draw an image (3, height, width) in 0…1, float64: noise, each object in its own colour."""
    rng = np.random.default_rng(seed)
    pixels = 0.4 * rng.random((3, *target["masks"].shape[1:]))
    for mask, colour in zip(target["masks"], rng.random((len(target["masks"]), 3)), strict=True):
        pixels += 0.6 * colour[:, None, None] * mask
    return np.minimum(pixels, 1)


def inputs(configuration: Configuration) -> tuple[list[Any], list[dict[str, Any]]]:
    """Draw a configuration's images and targets: image i with seeds 100 + i and 200 + i."""
    targets = [
        objects(100 + i, h, w, count, configuration.num_classes)
        for i, (h, w, count) in enumerate(configuration.images)
    ]
    return [image(200 + i, target) for i, target in enumerate(targets)], targets


class Part(NamedTuple):
    """A part alone, on features that are drawn: level l with seed 300 + l.

    Attributes
    ----------
    sizes : tuple of (height, width)
        Of the images in the batch.
    padded : (height, width)
        Of the batch.
    channels : int
    objects : tuple of int
        How many each image has; image i's are drawn with seed 400 + i.
    """

    sizes: tuple[tuple[int, int], ...]
    padded: tuple[int, int]
    channels: int
    objects: tuple[int, ...]

    def features(self) -> list[Any]:
        """Draw P2 … P6, (N, channels, H, W) each; float64."""
        h, w = self.padded
        sides = [(-(-h // s), -(-w // s)) for s in (4, 8, 16, 32, 64)]
        n = len(self.sizes)
        return [draw(300 + i, n, self.channels, *side) for i, side in enumerate(sides)]

    def targets(self) -> list[dict[str, Any]]:
        """Draw each image's objects, in resized coordinates."""
        drawn = zip(self.sizes, self.objects, strict=True)
        return [
            objects(400 + i, *size, count, SMALL.num_classes)
            for i, (size, count) in enumerate(drawn)
        ]


RPN_PART = Part(((128, 96), (100, 128), (90, 90)), (128, 128), 8, (3, 2, 0))
ROI_PART = Part(((448, 500), (400, 512), (300, 300)), (448, 512), 4, (4, 3, 0))
RESNET_INPUT = (2, 3, 75, 97)
FPN_CHANNELS, FPN_OUT = (6, 8, 10, 12), 7
FPN_SIZES = ((27, 38), (14, 19), (7, 10), (4, 5))


def roi_part_proposals() -> list[Any]:
    """Draw 40 proposals an image: boxes of all sizes, then objects' boxes, shifted a little."""
    proposals = []
    for i, (size, target) in enumerate(zip(ROI_PART.sizes, ROI_PART.targets(), strict=True)):
        rng = np.random.default_rng(500 + i)
        h, w = size
        side = 2 ** (2 + 6.7 * rng.random((40, 2)))  # 4 … 416
        corner = rng.random((40, 2)) * np.maximum(np.array([w, h]) - side, 0)
        boxes = np.concatenate([corner, corner + side], 1)
        for j in range(20 if len(target["boxes"]) else 0):
            box = target["boxes"][j % len(target["boxes"])]
            boxes[20 + j] = box + 0.12 * (box[[2, 3, 2, 3]] - box[[0, 1, 0, 1]]) * (
                2 * rng.random(4) - 1
            )
        proposals.append(np.clip(boxes, 0, [w, h, w, h]))
    return proposals
