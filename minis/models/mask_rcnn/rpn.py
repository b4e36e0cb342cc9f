"""Region proposal network (Ren et al. 2015, section 3.1): where in the image are objects at all?

    maps ─► head ─► logits, deltas of every anchor ─┬─► best boxes: proposals
                                                    └─► losses, in training

One head (`rpn_head.py`) serves every level of the pyramid: its gradients are the sum over levels.
The best boxes become proposals (`proposals.py`); no gradient goes through these, they are taken for
constants. What the network learns from is in `rpn_loss.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from ...backend import array_namespace
from ...nn import Module
from ...ops.checks import check_int, check_number
from .anchors import map_to_rows, pyramid_anchors, rows_to_map
from .proposals import propose
from .rpn_head import RPNHead
from .rpn_loss import RPNLoss
from .sampler import Sampler, drawing
from .targets import check_counts


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
        Draws the samples; by default spawned by `rng`. See `drawing`.

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
        sampler: Sampler | None = None,
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
        self.samples, self.positive_fraction = samples, positive_fraction
        self.head = RPNHead(channels, anchors.pop(), rng=rng)
        self.loss = RPNLoss(high, low)
        self.sampler: Sampler = rng.spawn(1)[0] if sampler is None else sampler

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
        xp = array_namespace(features[0])
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
        every = xp.concatenate(anchors)  # (R, 4), R anchors on all levels together
        objects = [xp.asarray(target["boxes"], every.dtype) for target in targets]
        losses = self.loss(
            xp.concatenate(logits, axis=1),
            xp.concatenate(deltas, axis=1),
            every,
            objects,
            drawing(self.sampler, self.samples, self.positive_fraction),
        )
        self.remember(
            [(x.shape[2:], len(level)) for x, level in zip(features, anchors, strict=True)]
        )
        return proposals, losses

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
        (levels,) = self.recall()
        dlogits, ddeltas = self.loss.backward(dloss)  # (N, R), (N, R, 4)
        dfeatures = []
        end = len(dlogits[0])
        for (h, w), count in reversed(levels):  # the head was called for the last level last
            level = slice(end - count, end)
            dlogit = rows_to_map(dlogits[:, level, None], h, w)  # (N, A, H, W)
            ddelta = rows_to_map(ddeltas[:, level], h, w)  # (N, 4·A, H, W)
            dfeatures.append(self.head.backward((dlogit, ddelta)))
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
        check_counts("RegionProposals", len(features[0]), sizes=sizes, targets=targets)
