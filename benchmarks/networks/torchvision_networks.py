"""torchvision's Mask R-CNN, as published, with samples by rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Rule = Callable[[Any, int, float], tuple[Any, Any]]


def mask_rcnn_resnet50_fpn(options: Mapping[str, Any], anchors: Rule, rois: Rule) -> Any:
    """Build `maskrcnn_resnet50_fpn`, as it is with weights: frozen batch norm, two frozen layers.

    Parameters
    ----------
    options : mapping
        Arguments that minis and torchvision share: num_classes, min_size, max_size.
    anchors, rois : callable
        Given labels, how many and the share of objects, they return the samples' indices.
    """
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
    from torchvision.ops.misc import FrozenBatchNorm2d

    backbone = resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=3
    )
    model = MaskRCNN(backbone, **options)
    model.rpn.fg_bg_sampler = Sampler(anchors, 256, 0.5)
    model.roi_heads.fg_bg_sampler = Sampler(rois, 512, 0.25)
    return model


class Sampler:
    """Stands in for torchvision's random one; it returns masks of those drawn, as that does."""

    def __init__(self, rule: Rule, count: int, fraction: float) -> None:
        self.rule, self.count, self.fraction = rule, count, fraction

    def __call__(self, labels: list[Any]) -> tuple[list[Any], list[Any]]:
        """Draw from each image's labels."""
        drawn = [self.rule(label.cpu().numpy(), self.count, self.fraction) for label in labels]
        return tuple(  # type: ignore[return-value]
            [_mask(label, indices) for label, indices in zip(labels, side, strict=True)]
            for side in zip(*drawn, strict=True)
        )


def _mask(label: Any, indices: Any) -> Any:
    import torch

    mask = torch.zeros_like(label, dtype=torch.uint8)
    mask[torch.from_numpy(indices).to(label.device)] = 1
    return mask
