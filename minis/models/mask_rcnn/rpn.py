"""Region proposal network (Ren et al. 2015, section 3.1): where in the image are objects at all?

                       ┌─► 1×1 ─► A logits      object or background, for each anchor
    map ─► 3×3 ─► ReLU ┤
                       └─► 1×1 ─► 4·A deltas    from the anchor to the object's box

One head serves every level of the pyramid. The best boxes become proposals (`proposals.py`). In
training each anchor is matched with an object, with background or with neither; few of them, of
which at most half match an object, enter the losses:

    L = 1/S · Σ bce(logit, is object)  +  1/S · Σ smooth_l1(delta, delta of the object's box)
        over the S sampled                over those of them that match an object

No gradient goes through the proposals: they are taken for constants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from ... import nn, ops
from ...backend import array_namespace
from ...nn import Module
from ...ops.checks import check_int, check_number
from .anchors import map_to_rows, pyramid_anchors, rows_to_map
from .proposals import propose

# labels (≥ 1 object, 0 background, −1 neither) -> indices of sampled objects, and of background
Sampler = Callable[[Any], tuple[Any, Any]]

BETA = 1 / 9  # of smooth L1


class RPNHead(Module):
    """The convolutions that look at one map; called once for each level.

    Parameters
    ----------
    channels : int
        Of each map.
    anchors : int
        Anchors at each cell.
    rng : numpy.random.Generator
        Draws the weights, from N(0, 0.01²) as in the paper. Biases start at zero.

    Examples
    --------
    >>> head = RPNHead(8, 3, rng=np.random.default_rng(0))
    >>> logits, deltas = head(np.zeros((1, 8, 4, 5), np.float32))
    >>> logits.shape, deltas.shape
    ((1, 3, 4, 5), (1, 12, 4, 5))
    """

    def __init__(self, channels: int, anchors: int, *, rng: Generator) -> None:
        super().__init__()
        conv = nn.Conv2d(channels, channels, 3, padding=1, rng=rng)
        self.conv = nn.Sequential(nn.Sequential(conv, nn.ReLU()))
        self.cls_logits = nn.Conv2d(channels, anchors, 1, rng=rng)
        self.bbox_pred = nn.Conv2d(channels, 4 * anchors, 1, rng=rng)
        for layer in (conv, self.cls_logits, self.bbox_pred):
            shape = layer.weight.data.shape
            layer.weight.data[...] = 0.01 * rng.standard_normal(shape, dtype=np.float32)

    def forward(self, x: Any) -> tuple[Any, Any]:
        """Map (N, C, H, W) to logits (N, A, H, W) and deltas (N, 4·A, H, W)."""
        hidden = self.conv(x)
        return self.cls_logits(hidden), self.bbox_pred(hidden)

    def backward(self, dy: tuple[Any, Any]) -> Any:
        """Take the gradients of logits and deltas; return the map's, of the latest call."""
        dlogits, ddeltas = dy
        return self.conv.backward(
            self.cls_logits.backward(dlogits) + self.bbox_pred.backward(ddeltas)
        )


class RegionProposals(Module):
    """Propose boxes from the maps of a feature pyramid; in training, also the losses.

    Parameters
    ----------
    channels : int
        Of each map.
    anchor_sizes : sequence of sequences of float
        For each level, the square roots of the anchors' areas, in pixels; equally many on each.
    ratios : sequence of float
        Height over width of the anchors.
    proposals_train, proposals_test : int
        How many boxes of each level enter the suppression, and how many are proposed in all.
    nms_threshold : float
        A box is dropped if its IoU with a better one of its level is greater.
    score_threshold : float
        Least probability of a proposal.
    high, low : float
        An anchor matches the object that it overlaps most from an IoU of `high`, and background
        below `low`. The anchors that overlap an object most match in any case.
    samples : int
        Anchors of each image that enter the losses, at most.
    positive_fraction : float
        The share of them that may match an object.
    rng : numpy.random.Generator, optional
        Draws the initial weights; by default seeded 0.
    sampler : numpy.random.Generator or callable, optional
        Draws the samples; by default spawned by `rng`. A function in its place is called with each
        image's labels, (anchors,) integers, ≥ 1 for an object, 0 for background and −1 for
        neither, and returns the indices of the objects and of the background it takes.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range, or levels differ in the number of their anchors.

    Notes
    -----
    As torchvision's `RegionProposalNetwork`. With 256 channels and 3 anchors: 593,935 parameters.

    Examples
    --------
    >>> rpn = RegionProposals(8, [(16,), (32,)], (0.5, 1.0, 2.0), proposals_train=10)
    >>> maps = [np.ones((1, 8, 8, 8), np.float32), np.ones((1, 8, 4, 4), np.float32)]
    >>> targets = [{"boxes": np.array([[8.0, 8.0, 30.0, 40.0]], np.float32)}]
    >>> proposals, losses = rpn(maps, [(60, 64)], (64, 64), targets)
    >>> proposals[0].shape, sorted(losses)
    ((10, 4), ['loss_objectness', 'loss_rpn_box_reg'])
    >>> [dx.shape for dx in rpn.backward()]
    [(1, 8, 8, 8), (1, 8, 4, 4)]
    """

    def __init__(
        self,
        channels: int,
        anchor_sizes: Sequence[Sequence[float]] = ((32,), (64,), (128,), (256,), (512,)),
        ratios: Sequence[float] = (0.5, 1.0, 2.0),
        *,
        proposals_train: int = 2000,
        proposals_test: int = 1000,
        nms_threshold: float = 0.7,
        score_threshold: float = 0.0,
        high: float = 0.7,
        low: float = 0.3,
        samples: int = 256,
        positive_fraction: float = 0.5,
        rng: Generator | None = None,
        sampler: Generator | Sampler | None = None,
    ) -> None:
        super().__init__()
        anchors = {len(level) * len(ratios) for level in anchor_sizes}
        if len(anchors) != 1 or 0 in anchors:
            raise ValueError(
                "RegionProposals: every level must have the same number of anchors, at least one, "
                f"got anchor_sizes={anchor_sizes} and ratios={ratios}"
            )
        check_int("RegionProposals", "channels", channels, low=1)
        check_int("RegionProposals", "proposals_train", proposals_train, low=1)
        check_int("RegionProposals", "proposals_test", proposals_test, low=1)
        check_int("RegionProposals", "samples", samples, low=1)
        check_number("RegionProposals", "nms_threshold", nms_threshold, low=0)
        check_number("RegionProposals", "score_threshold", score_threshold)
        check_number("RegionProposals", "low", low, low=0)
        check_number("RegionProposals", "high", high, low=low)
        check_number("RegionProposals", "positive_fraction", positive_fraction, low=0, high=1)
        rng = np.random.default_rng(0) if rng is None else rng
        self.anchor_sizes, self.ratios = anchor_sizes, ratios
        self.proposals_train, self.proposals_test = proposals_train, proposals_test
        self.nms_threshold, self.score_threshold = nms_threshold, score_threshold
        self.high, self.low = high, low
        self.samples, self.positive_fraction = samples, positive_fraction
        self.head = RPNHead(channels, anchors.pop(), rng=rng)
        self.sampler = rng.spawn(1)[0] if sampler is None else sampler

    def forward(
        self,
        features: Sequence[Any],
        sizes: Sequence[tuple[int, int]],
        padded: tuple[int, int],
        targets: Sequence[Mapping[str, Any]] | None = None,
    ) -> tuple[list[Any], dict[str, Any]]:
        """Propose boxes for each image of a batch.

        Parameters
        ----------
        features : sequence of (N, C, H, W) float arrays
            A map for each level, from fine to coarse.
        sizes : sequence of (int, int)
            Height and width of each image, without padding.
        padded : (int, int)
            Height and width of the batch.
        targets : sequence of mappings, optional
            For each image `boxes` (M, 4) of its objects, M ≥ 0. Needed in training.

        Returns
        -------
        proposals : list of (P, 4) arrays
            For each image, best first, rows (x1, y1, x2, y2).
        losses : dict
            In training "loss_objectness" and "loss_rpn_box_reg", () arrays; else empty.

        Raises
        ------
        TypeError, ValueError
            If levels, images or targets don't fit each other, or there are no targets in training.
        """
        self._check(features, sizes, targets)
        anchors = pyramid_anchors(features, padded, self.anchor_sizes, self.ratios)
        predicted = [self.head(x) for x in features]
        logits = [map_to_rows(y, 1)[:, :, 0] for y, _ in predicted]  # (N, H·W·A), each level
        deltas = [map_to_rows(y, 4) for _, y in predicted]  # (N, H·W·A, 4)
        proposals = [
            propose(
                [level[n] for level in logits],
                [level[n] for level in deltas],
                anchors,
                size,
                count=self.proposals_train if self.training else self.proposals_test,
                nms_threshold=self.nms_threshold,
                score_threshold=self.score_threshold,
            )[0]
            for n, size in enumerate(sizes)
        ]
        if not self.training or targets is None:
            return proposals, {}
        return proposals, self._losses(features, logits, deltas, anchors, targets)

    def _losses(
        self,
        features: Sequence[Any],
        logits: list[Any],
        deltas: list[Any],
        anchors: list[Any],
        targets: Sequence[Mapping[str, Any]],
    ) -> dict[str, Any]:
        xp = array_namespace(features[0])
        every = xp.concatenate(anchors)  # (R, 4), R anchors on all levels together
        logit = xp.concatenate(logits, axis=1).reshape(-1)  # (N·R,)
        delta = xp.concatenate(deltas, axis=1).reshape(-1, 4)  # (N·R, 4)
        objects, background, true_deltas = [], [], []
        for n, target in enumerate(targets):
            boxes = xp.asarray(target["boxes"], every.dtype)
            positive, negative, true = self._sample(boxes, every)
            objects.append(n * len(every) + positive)
            background.append(n * len(every) + negative)
            true_deltas.append(true)
        at = xp.concatenate(objects)  # (P,)
        sampled = xp.concatenate([at, *background])  # (S,): objects first
        is_object = (xp.arange(len(sampled)) < len(at)).astype(logit.dtype)  # (S,)
        judged, moved, true_delta = logit[sampled], delta[at], xp.concatenate(true_deltas)
        self.remember(
            [x.shape for x in features], sampled, at, judged, is_object, moved, true_delta
        )
        s = max(1, len(sampled))
        return {
            "loss_objectness": ops.bce_with_logits(judged, is_object, reduction="sum") / s,
            "loss_rpn_box_reg": ops.smooth_l1(moved, true_delta, beta=BETA, reduction="sum") / s,
        }

    def _sample(self, boxes: Any, anchors: Any) -> tuple[Any, Any, Any]:
        """Return anchors that match objects, those of background, and the deltas of the former."""
        match = ops.match_anchors(ops.box_iou(boxes, anchors), high=self.high, low=self.low)
        labels = match + 1
        if isinstance(self.sampler, Generator):
            positive, negative = ops.sample_balanced(
                labels, self.samples, self.positive_fraction, self.sampler
            )
        else:
            positive, negative = self.sampler(labels)
        return positive, negative, ops.encode_boxes(boxes[match[positive]], anchors[positive])

    def backward(self, dloss: Any = 1.0) -> list[Any]:
        """Add to the parameters' gradients; return each map's.

        Parameters
        ----------
        dloss : float
            Gradient with respect to the sum of the losses.

        Returns
        -------
        list of (N, C, H, W) arrays
            Of the losses, with respect to each of `features`.
        """
        shapes, sampled, at, judged, is_object, moved, true_delta = self.recall()
        xp, dtype = array_namespace(judged), judged.dtype
        each = float(dloss) / max(1, len(sampled))
        rows = [self.head.cls_logits.weight.data.shape[0] * h * w for _, _, h, w in shapes]
        n = shapes[0][0]
        dlogit, ddelta = xp.zeros(n * sum(rows), dtype), xp.zeros((n * sum(rows), 4), dtype)
        # nothing is sampled twice, so that what is assigned need not be added
        dlogit[sampled] = ops.bce_with_logits_backward(each, judged, is_object, reduction="sum")
        ddelta[at] = ops.smooth_l1_backward(each, moved, true_delta, beta=BETA, reduction="sum")
        dlogit, ddelta = dlogit.reshape(n, -1, 1), ddelta.reshape(n, -1, 4)
        dfeatures = []
        end = sum(rows)
        for (_, _, h, w), count in zip(reversed(shapes), reversed(rows), strict=True):
            level = slice(end - count, end)  # the head was called for the last level last
            dy = rows_to_map(dlogit[:, level], h, w), rows_to_map(ddelta[:, level], h, w)
            dfeatures.append(self.head.backward(dy))
            end -= count
        return dfeatures[::-1]

    def _check(
        self,
        features: Sequence[Any],
        sizes: Sequence[tuple[int, int]],
        targets: Sequence[Mapping[str, Any]] | None,
    ) -> None:
        if len(features) != len(self.anchor_sizes):
            raise ValueError(
                f"RegionProposals: features must hold {len(self.anchor_sizes)} maps, one for each "
                f"entry of anchor_sizes, got {len(features)}"
            )
        if self.training and targets is None:
            raise ValueError("RegionProposals: targets are needed in training, got None")
        images = len(features[0])
        for name, entries in (("sizes", sizes), ("targets", targets)):
            if entries is not None and len(entries) != images:
                raise ValueError(
                    f"RegionProposals: {name} must have one entry for each of the {images} images, "
                    f"got {len(entries)}"
                )
