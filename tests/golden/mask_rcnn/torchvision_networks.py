"""torchvision's Mask R-CNN of a configuration's sizes, out of torchvision's own classes."""

import numpy as np
import torch
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from .configurations import MEAN, STD, weights

LAYERS = {18: (BasicBlock, [2, 2, 2, 2]), 50: (Bottleneck, [3, 4, 6, 3])}


class NarrowResNet(ResNet):
    """torchvision's, its width a choice, with frozen batch norm."""

    def __init__(self, depth, width, eps):
        def norm(channels):
            return FrozenBatchNorm2d(channels, eps)

        block, layers = LAYERS[depth]
        super().__init__(block, layers, num_classes=1, norm_layer=norm)
        self.inplanes = width
        self.conv1 = torch.nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = norm(width)
        self.layer1 = self._make_layer(block, width, layers[0])
        self.layer2 = self._make_layer(block, 2 * width, layers[1], stride=2)
        self.layer3 = self._make_layer(block, 4 * width, layers[2], stride=2)
        self.layer4 = self._make_layer(block, 8 * width, layers[3], stride=2)
        self.channels = [width * 2**i * block.expansion for i in range(4)]


def backbone(depth, width, channels, eps):
    """Build the ResNet and its pyramid; every layer is trained."""
    body = NarrowResNet(depth, width, eps)
    names = {f"layer{i + 1}": str(i) for i in range(4)}
    return BackboneWithFPN(body, names, body.channels, channels)


def roi_parts(channels, representation, mask_channels, num_classes):
    """Return what MaskRCNN and RoIHeads take for the two heads, by torchvision's defaults."""
    levels = ["0", "1", "2", "3"]
    return {
        "box_roi_pool": MultiScaleRoIAlign(levels, output_size=7, sampling_ratio=2),
        "box_head": TwoMLPHead(channels * 7 * 7, representation),
        "box_predictor": FastRCNNPredictor(representation, num_classes),
        "mask_roi_pool": MultiScaleRoIAlign(levels, output_size=14, sampling_ratio=2),
        "mask_head": MaskRCNNHeads(channels, (mask_channels,) * 4, 1),
        "mask_predictor": MaskRCNNPredictor(mask_channels, mask_channels, num_classes),
    }


def anchor_generator(sizes):
    """Return one size a level, three ratios; float64, as the network."""
    return AnchorGenerator(tuple((size,) for size in sizes), ((0.5, 1.0, 2.0),) * len(sizes))


def mask_rcnn(c):
    """Build a configuration's network, with its weights, in float64."""
    network = MaskRCNN(
        backbone(c.depth, c.width, c.channels, c.eps),
        min_size=c.min_size,
        max_size=c.max_size,
        image_mean=MEAN,
        image_std=STD,
        rpn_anchor_generator=anchor_generator(c.anchor_sizes),
        rpn_pre_nms_top_n_train=c.proposals[0],
        rpn_pre_nms_top_n_test=c.proposals[1],
        rpn_post_nms_top_n_train=c.proposals[0],
        rpn_post_nms_top_n_test=c.proposals[1],
        rpn_batch_size_per_image=c.rpn_samples,
        box_batch_size_per_image=c.roi_samples,
        box_detections_per_img=c.detections,
        box_score_thresh=c.score_threshold,
        **roi_parts(c.channels, c.representation, c.mask_channels, c.num_classes),
    )
    in_float64(network.rpn)
    return with_weights(network)


def in_float64(rpn):
    """Have an RPN's labels in float64: otherwise, with float32 ones, so is its loss."""
    assign = rpn.assign_targets_to_anchors

    def assign_in_float64(anchors, targets):
        return tuple([v.double() for v in values] for values in assign(anchors, targets))

    object.__setattr__(rpn, "assign_targets_to_anchors", assign_in_float64)


def with_weights(module):
    """Give a module the weights of the rule, in float64."""
    module = module.double()
    state = module.state_dict()
    for name, value in weights({k: tuple(v.shape) for k, v in state.items()}).items():
        state[name].copy_(torch.from_numpy(value))
    return module


def tensors(target):
    """Return a target's arrays as tensors."""
    return {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in target.items()}
