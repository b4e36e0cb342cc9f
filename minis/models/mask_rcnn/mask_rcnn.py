"""Mask R-CNN (He et al. 2017): find objects, name them, and say which pixels each one is.

    images ──► transform ──► backbone ──► P2 … P6 ──┬──► region proposals ──► boxes that may hold
                                                    │                           an object
                                                    └──► RoI heads ◄────────────────┘
                                                             ▼
               scaled back ◄──── boxes, classes, scores, masks

Two stages: the region proposal network says where something is, the RoI heads what it is. Both
read the same feature pyramid, and both have their losses; they are trained together, on the sum of
the five. The parts stand each in its own file: `transform.py`, `resnet.py` and `fpn.py`, `rpn.py`,
`roi_heads.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from ...nn import Module, Parameter
from .backbone import Backbone
from .fpn import FeaturePyramid
from .pretrained import fitting, set_frozen_eps
from .resnet import ResNet
from .roi_heads import RoIHeads
from .rpn import RegionProposals
from .transform import MEAN, STD, Transform

RATIOS = (0.5, 1.0, 2.0)  # height over width of the anchors


class MaskRCNN(Module):
    """Mask R-CNN with a ResNet and a feature pyramid, for images of any sizes.

    Parameters
    ----------
    num_classes : int
        K, the background included: COCO's numbers reach 90.
    in_channels : int
        Channels of the images.
    depth : {18, 34, 50, 101}
        Of the ResNet.
    width : int
        Channels of the ResNet's first convolution.
    norm : {"frozen", "batch", "group"}
        Of the ResNet. "frozen" is for loaded weights.
    eps : float
        Of the norm. torchvision's detectors that were trained on COCO have 0.
    trainable_layers : int
        How many of the body's five layers are to be trained: see `Backbone`.
    channels : int
        Channels of the feature pyramid.
    anchor_sizes : sequence of int
        The square root of the anchors' area, for each of the five levels.
    min_size, max_size, mean, std
        How images are resized and normalised: see `Transform`.
    proposals_train, proposals_test : int
        Proposals of an image: see `RegionProposals`.
    score_threshold, nms_threshold, detections_per_image
        What is reported: see `select_detections`.
    anchors_sampled, rois_sampled : int
        Of each image, how many anchors and how many proposals enter the losses.
    aligned : bool
        How grids lie in boxes, and masks in images. torchvision has False, detectron2 True.
    fc_width, mask_width : int
        Units of the box head's layers, and channels of the mask head's.
    rng : numpy.random.Generator, optional
        Draws the initial weights, and by children of its own the samples; by default seeded 0.

    Examples
    --------
    >>> model = MaskRCNN.mini(num_classes=3).eval()
    >>> (found,) = model([np.zeros((3, 60, 90), np.float32)])
    >>> sorted(found), found["masks"].shape[1:]
    (['boxes', 'labels', 'masks', 'scores'], (1, 60, 90))
    """

    axes = 2

    def __init__(
        self,
        num_classes: int = 91,
        *,
        in_channels: int = 3,
        depth: int = 50,
        width: int = 64,
        norm: str = "frozen",
        eps: float = 1e-5,
        trainable_layers: int = 3,
        channels: int = 256,
        anchor_sizes: Sequence[int] = (32, 64, 128, 256, 512),
        min_size: int | None = 800,
        max_size: int = 1333,
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
        proposals_train: int = 2000,
        proposals_test: int = 1000,
        score_threshold: float = 0.05,
        nms_threshold: float = 0.5,
        detections_per_image: int = 100,
        anchors_sampled: int = 256,
        rois_sampled: int = 512,
        aligned: bool = False,
        fc_width: int = 1024,
        mask_width: int = 256,
        rng: Generator | None = None,
    ) -> None:
        super().__init__()
        if len(mean) != in_channels:
            raise ValueError(
                f"MaskRCNN: mean and std must have one number for each of {in_channels} channels, "
                f"got {mean}"
            )
        rng = np.random.default_rng(0) if rng is None else rng
        self.in_channels, self.num_classes = in_channels, num_classes
        self.transform = Transform(
            min_size, max_size, mean, std, num_classes=num_classes, aligned=aligned
        )
        body = ResNet(depth, in_channels=in_channels, width=width, norm=norm, eps=eps, rng=rng)
        self.backbone = Backbone(
            body,
            FeaturePyramid(body.channels, channels, rng=rng),
            trainable_layers=trainable_layers,
        )
        self.rpn = RegionProposals(
            channels,
            [(size,) for size in anchor_sizes],
            RATIOS,
            proposals_train=proposals_train,
            proposals_test=proposals_test,
            samples=anchors_sampled,
            rng=rng,
        )
        self.roi_heads = RoIHeads(
            channels,
            num_classes,
            fc_width=fc_width,
            mask_width=mask_width,
            aligned=aligned,
            samples=rois_sampled,
            score_threshold=score_threshold,
            nms_threshold=nms_threshold,
            detections_per_image=detections_per_image,
            rng=rng,
        )

    @classmethod
    def paper(
        cls, in_channels: int = 3, num_classes: int = 91, *, rng: Generator | None = None
    ) -> MaskRCNN:
        """Build the network with ResNet-50 and a feature pyramid: 44,401,393 parameters.

        They are torchvision's `maskrcnn_resnet50_fpn`'s, by their names too; 222,400 of them, in
        the body's first layers, are frozen, and frozen batch norm has `eps=0`: see
        `load_pretrained`. Images that aren't in colour are normalised to mean 0.5 and standard
        deviation 0.25.
        """
        colour = in_channels == len(MEAN)
        mean = MEAN if colour else (0.5,) * in_channels
        std = STD if colour else (0.25,) * in_channels
        return cls(num_classes, in_channels=in_channels, eps=0.0, mean=mean, std=std, rng=rng)

    @classmethod
    def mini(
        cls,
        in_channels: int = 3,
        num_classes: int = 2,
        *,
        min_size: int | None = 128,
        rng: Generator | None = None,
    ) -> MaskRCNN:
        """Build a network that trains from scratch on a laptop's CPU, on images of 128² or so."""
        return cls(
            num_classes,
            in_channels=in_channels,
            depth=18,
            width=16,
            norm="group",
            trainable_layers=5,
            channels=32,
            anchor_sizes=(16, 32, 64, 128, 256),
            min_size=min_size,
            max_size=2 * (min_size or 128),
            mean=(0.5,) * in_channels,
            std=(0.25,) * in_channels,
            proposals_train=200,
            proposals_test=100,
            anchors_sampled=64,
            rois_sampled=64,
            aligned=True,
            fc_width=128,
            mask_width=32,
            rng=rng,
        )

    def forward(
        self, images: Sequence[Any], targets: Sequence[Mapping[str, Any]] | None = None
    ) -> Any:
        """Find objects; in training, compute the losses instead.

        Parameters
        ----------
        images : sequence of N (C, H, W) float arrays
            Colours in 0 … 1; sizes may differ.
        targets : sequence of N dicts, optional
            What training needs, of each image's M ≥ 0 objects: "boxes" (M, 4) float, rows
            (x1, y1, x2, y2) in pixels; "labels" (M,) integer in 1 … K − 1; "masks" (M, H, W).

        Returns
        -------
        list of N dicts, or in training a dict of losses
            "boxes" (D, 4), "labels" (D,), "scores" (D,), best first, and "masks" (D, 1, H, W),
            each pixel's probability. In training "loss_objectness", "loss_rpn_box_reg",
            "loss_classifier", "loss_box_reg" and "loss_mask".

        Raises
        ------
        TypeError, ValueError
            If images or targets don't have these forms, or there are no targets in training.
        """
        if self.training and targets is None:
            raise ValueError("MaskRCNN: training needs targets; call eval() to find objects")
        batch, sizes, resized = self.transform(images, targets)
        padded = batch.shape[2:]
        features = self.backbone(batch)  # P2 … P6
        proposals, losses = self.rpn(features, sizes, padded, resized)
        found, more_losses = self.roi_heads(features, proposals, sizes, resized, padded)
        if self.training:
            return {**losses, **more_losses}
        return self.transform.postprocess(found, sizes, [image.shape[1:] for image in images])

    def backward(self, dloss: Any = 1.0) -> Any:
        """Follow the sum of the five losses back, adding to the parameters' gradients.

        Parameters
        ----------
        dloss : float
            Gradient with respect to the sum.

        Returns
        -------
        (N, C, H', W') array
            Gradient with respect to the batch of resized, normalised images.
        """
        droi, drpn = self.roi_heads.backward(dloss), self.rpn.backward(dloss)
        # both stages read the same features: their gradients add
        return self.backbone.backward([a + b for a, b in zip(droi, drpn, strict=True)])

    def load_pretrained(
        self, state: Mapping[str, Any], *, eps: float = 0.0, predictors: bool = True
    ) -> MaskRCNN:
        """Take over the weights of torchvision's `maskrcnn_resnet50_fpn`, learned on COCO.

        Parameters
        ----------
        state : mapping of str to array
            torchvision's state dict, as its model gives it or as the published file has it, where
            some names are older: `{k: v.numpy() for k, v in torch.load(path).items()}`.
        eps : float
            What frozen batch norm adds to the variance from now on. torchvision sets it to 0 when
            it loads its COCO weights, which were learned so. Weights that one has fine-tuned there
            from an ImageNet body have 1e-5.
        predictors : bool
            Whether to take over the last layers too, which have an output for each class. If not,
            they are left as they are: to go on with other classes than COCO's.

        Returns
        -------
        MaskRCNN
            The network itself.

        Raises
        ------
        ValueError
            If the weights are for another number of classes, or listing every name that is
            missing, unexpected or misshapen; then nothing is loaded.
        """
        self.load_state_dict(fitting(state, self.state_dict(), self.num_classes, predictors))
        set_frozen_eps(self, eps)
        return self

    def trainable(self) -> Iterator[tuple[str, Parameter]]:
        """Yield the name and the `Parameter` of everything that an optimiser should change."""
        for name, part in self.children():
            of_part = part.trainable() if isinstance(part, Backbone) else part.named_parameters()
            for inner, parameter in of_part:
                yield f"{name}.{inner}", parameter
