"""The second stage of Mask R-CNN: what is in each proposal, where exactly, and which pixels.

                         proposals
                             ▼
    P2 … P5 ──► RoIAlign 7×7 ──► box head ──► class and box ─────┐ boxes: in training the proposals
       │                                                         ▼ that are objects, else what was
       └──────► RoIAlign 14×14 ──────────────────────────► mask head ──► masks               found

In training, proposals are drawn and compared with the truth; the losses come out, and `backward`
follows their sum. In `eval()` objects come out. The proposals are given, not learned through: no
gradient goes to them (He et al. 2017, section 3; Ren et al. 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from ... import ops
from ...backend import array_namespace
from ...nn import Module
from ...ops.checks import check_int
from .box_head import BoxPredictor, TwoMLPHead
from .box_loss import BoxLoss
from .detections import masks_of_classes, select_detections
from .mask_head import MaskPredictor, mask_head
from .mask_loss import MaskLoss, cut_masks
from .multi_scale import MultiScaleRoIAlign
from .roi_sampling import sample_rois
from .sampler import Sampler, drawing
from .targets import Target, check_counts

LEVELS = 4  # of the pyramid that regions are read from: P2 … P5


class RoIHeads(Module):
    """The box branch and the mask branch, on the proposals of each image.

    Parameters
    ----------
    channels : int
        Channels of the feature pyramid.
    num_classes : int
        K, the background included.
    fc_width : int
        Units of the box head's layers.
    mask_width, mask_layers : int
        Channels and number of the mask head's convolutions.
    box_bins, mask_bins : int
        Sides of the grids that boxes and masks are predicted from. Masks are twice as large.
    aligned : bool
        How grids lie in boxes: see `MultiScaleRoIAlign`.
    samples : int
        Proposals of an image that are trained on.
    positive_fraction : float
        Largest share of objects among them.
    score_threshold, nms_threshold, detections_per_image
        What is reported: see `select_detections`.
    rng : numpy.random.Generator, optional
        Draws the initial weights; by default seeded 0.
    sampler : numpy.random.Generator or callable, optional
        Draws the proposals to train on; by default spawned by `rng`. See `drawing`.

    Raises
    ------
    TypeError, ValueError
        If there are fewer than two classes, or a size is not a positive int.

    Examples
    --------
    >>> heads = RoIHeads(8, 3, fc_width=16, mask_width=8).eval()
    >>> features = [np.zeros((1, 8, 64 // 2**i, 64 // 2**i), np.float32) for i in range(5)]
    >>> proposals = [np.array([[10.0, 10.0, 90.0, 60.0]], np.float32)]
    >>> found, losses = heads(features, proposals, [(256, 256)])
    >>> found[0]["labels"], found[0]["masks"].shape, losses
    (array([1, 2]), (2, 1, 28, 28), {})
    """

    def __init__(
        self,
        channels: int,
        num_classes: int,
        *,
        fc_width: int = 1024,
        mask_width: int = 256,
        mask_layers: int = 4,
        box_bins: int = 7,
        mask_bins: int = 14,
        aligned: bool = False,
        samples: int = 512,
        positive_fraction: float = 0.25,
        score_threshold: float = 0.05,
        nms_threshold: float = 0.5,
        detections_per_image: int = 100,
        rng: Generator | None = None,
        sampler: Sampler | None = None,
    ) -> None:
        super().__init__()
        sizes = {"channels": channels, "fc_width": fc_width, "mask_width": mask_width}
        for name, value in {**sizes, "mask_layers": mask_layers, "samples": samples}.items():
            check_int("RoIHeads", name, value, low=1)
        check_int("RoIHeads", "num_classes (the background counted)", num_classes, low=2)
        rng = np.random.default_rng(0) if rng is None else rng
        self.sampler: Sampler = rng.spawn(1)[0] if sampler is None else sampler
        self.num_classes = num_classes
        self.samples, self.positive_fraction = samples, positive_fraction
        self.selection: dict[str, Any] = {
            "score_threshold": score_threshold,
            "nms_threshold": nms_threshold,
            "limit": detections_per_image,
        }
        self.box_pool = MultiScaleRoIAlign(box_bins, aligned=aligned)
        self.box_head = TwoMLPHead(channels * box_bins**2, fc_width, rng=rng)
        self.box_predictor = BoxPredictor(fc_width, num_classes, rng=rng)
        self.box_loss = BoxLoss()
        self.mask_pool = MultiScaleRoIAlign(mask_bins, aligned=aligned)
        self.mask_head = mask_head(channels, mask_width, mask_layers, rng=rng)
        self.mask_predictor = MaskPredictor(mask_width, mask_width, num_classes, rng=rng)
        self.mask_loss = MaskLoss()

    def forward(
        self,
        features: Sequence[Any],
        proposals: Sequence[Any],
        sizes: Sequence[tuple[int, int]],
        targets: Sequence[Target] | None = None,
        padded: tuple[int, int] | None = None,
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Find objects; in training, compute the losses instead.

        Parameters
        ----------
        features : sequence of (N, C, H_l, W_l) float arrays
            P2, P3, P4, P5; whatever follows is not read.
        proposals : sequence of N (P_n, 4) float arrays
            Boxes (x1, y1, x2, y2) in each image.
        sizes : sequence of N (int, int)
            Height and width of each image, without padding.
        targets : sequence of N dicts, optional
            As `checked_targets` returns them; needed in training.
        padded : (int, int), optional
            Height and width of the padded batch, from which the levels' scales follow. By default
            the largest of `sizes`, as in torchvision: the same, unless images are tiny.

        Returns
        -------
        detections : list of N dicts
            "boxes" (D, 4), "labels" (D,), "scores" (D,) and "masks" (D, 1, 28, 28), probabilities
            on a grid over each box. Empty in training.
        losses : dict
            In training "loss_classifier", "loss_box_reg" and "loss_mask", else empty.

        Raises
        ------
        ValueError
            If targets are missing in training, or there is not one entry per image.
        """
        images = len(features[0])
        check_counts("RoIHeads", images, proposals=proposals, sizes=sizes, targets=targets)
        if padded is None:
            padded = (max(h for h, _ in sizes), max(w for _, w in sizes))
        levels, extra = features[:LEVELS], features[LEVELS:]
        proposals = [p.astype(features[0].dtype) for p in proposals]
        if not self.training:
            return self._detections(levels, proposals, sizes, padded), {}
        if targets is None:
            raise ValueError("RoIHeads: targets are needed in training, got None")
        losses = self._losses(levels, proposals, targets, padded)
        self.remember([x.shape for x in extra])
        return [], losses

    def backward(self, dloss: Any = 1.0) -> list[Any]:
        """Follow the sum of the three losses back, adding to the parameters' gradients.

        Parameters
        ----------
        dloss : float
            Gradient with respect to the sum.

        Returns
        -------
        list of arrays
            Gradient with respect to each of the features; zeros where they are not read.
        """
        (extra,) = self.recall()
        dmask = self.mask_predictor.backward(self.mask_loss.backward(dloss))
        dmask = self.mask_pool.backward(self.mask_head.backward(dmask))
        dbox = self.box_predictor.backward(self.box_loss.backward(dloss))
        dbox = self.box_pool.backward(self.box_head.backward(dbox))
        # both branches read the same features: their gradients add
        dfeatures = [a + b for a, b in zip(dbox, dmask, strict=True)]
        xp = array_namespace(dfeatures[0])
        return dfeatures + [xp.zeros(shape, dfeatures[0].dtype) for shape in extra]

    def _losses(
        self,
        levels: Sequence[Any],
        proposals: Sequence[Any],
        targets: Sequence[Target],
        padded: tuple[int, int],
    ) -> dict[str, Any]:
        xp = array_namespace(levels[0])
        draw = drawing(self.sampler, self.samples, self.positive_fraction)
        drawn = [
            sample_rois(p, t["boxes"], t["labels"], draw)
            for p, t in zip(proposals, targets, strict=True)
        ]
        regions = self.box_pool(levels, [rois.boxes for rois in drawn], padded)
        logits, deltas = self.box_predictor(self.box_head(regions))
        boxes, labels, _, truth = (xp.concatenate(column) for column in zip(*drawn, strict=True))
        losses = self.box_loss(logits, deltas, boxes, labels, truth)

        objects = [rois.objects for rois in drawn]
        regions = self.mask_pool(levels, [rois.boxes for rois in objects], padded)
        masks = self.mask_predictor(self.mask_head(regions))  # (P, K, 28, 28)
        size, aligned = masks.shape[-1], self.mask_pool.aligned
        target = [
            cut_masks(t["masks"], rois.boxes, rois.matched, size, aligned=aligned)
            for rois, t in zip(objects, targets, strict=True)
        ]
        labels = xp.concatenate([rois.labels for rois in objects])
        return {**losses, "loss_mask": self.mask_loss(masks, labels, xp.concatenate(target))}

    def _detections(
        self,
        levels: Sequence[Any],
        proposals: Sequence[Any],
        sizes: Sequence[tuple[int, int]],
        padded: tuple[int, int],
    ) -> list[dict[str, Any]]:
        xp = array_namespace(levels[0])
        logits, deltas = self.box_predictor(self.box_head(self.box_pool(levels, proposals, padded)))
        scores = ops.softmax(logits, axis=1)
        boxes = ops.decode_boxes(deltas, xp.concatenate(proposals), self.box_loss.weights)
        detections = []
        for rows, size in zip(_rows_of(proposals), sizes, strict=True):
            detections.append(select_detections(scores[rows], boxes[rows], size, **self.selection))
        found = [d["boxes"] for d in detections]
        masks = self.mask_predictor(self.mask_head(self.mask_pool(levels, found, padded)))
        for rows, detection in zip(_rows_of(found), detections, strict=True):
            detection["masks"] = masks_of_classes(masks[rows], detection["labels"])
        return detections


def _rows_of(boxes: Sequence[Any]) -> list[slice]:
    """Return which rows of all images' boxes together are each image's."""
    ends = np.cumsum([len(b) for b in boxes]).tolist()
    return [slice(end - len(b), end) for b, end in zip(boxes, ends, strict=True)]
