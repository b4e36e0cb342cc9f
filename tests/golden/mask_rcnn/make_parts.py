"""Golden files of single parts, on features that configurations.py draws.

- resnet_18, resnet_50 (width 8, 4; frozen batch norm of eps 1e-5): `body/l`, C2 … C5 of the input
  of seed 0; gradients under upstream gradients of seeds 10 … 13: `gradient of the input`,
  `gradients/…`
- fpn: `pyramid/l`, P2 … P6 of C2 … C5 of seeds 0 … 3; under upstream gradients of seeds 10 … 14
  `gradient of the body/l`, `gradients/…`
- rpn: `train/rpn/…`, `train/losses/…`, `train/gradients/…`, `train/gradient of the features/l`,
  `test/rpn/…`, as make.py has them; anchors, proposals and samples as "small"
- roi_heads: `proposals/i`, which it is given, and the same of RoI heads, 4 classes, 24 RoIs an
  image, 12 detections, score threshold 0.05

Parts' weights are drawn by the same rule, the names being those inside the part: "fc6.weight"
is "box_head.fc6.weight" there.
"""

import torch
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from .configurations import (
    FPN_CHANNELS,
    FPN_OUT,
    FPN_SIZES,
    RESNET_INPUT,
    ROI_PART,
    RPN_PART,
    SMALL,
    draw,
    roi_part_proposals,
)
from .recording import (
    Record,
    put_roi_outputs,
    put_roi_training,
    put_rpn,
    watch_roi_heads,
    watch_rpn,
)
from .torchvision_networks import (
    NarrowResNet,
    anchor_generator,
    in_float64,
    roi_parts,
    tensors,
    with_weights,
)


def backward(outputs):
    """Go back from outputs under drawn upstream gradients, of seeds 10, 11, …"""
    upstream = [torch.from_numpy(draw(10 + i, *y.shape)) for i, y in enumerate(outputs)]
    torch.autograd.backward(outputs, upstream)


def make_resnet(depth):
    """Return the record of a ResNet."""
    body, record = NarrowResNet(depth, {18: 8, 50: 4}[depth], 1e-5), Record()
    del body.fc
    body = with_weights(body)
    x = torch.from_numpy(draw(0, *RESNET_INPUT)).requires_grad_(True)
    y = body.maxpool(body.relu(body.bn1(body.conv1(x))))
    maps = []
    for stage in (body.layer1, body.layer2, body.layer3, body.layer4):
        y = stage(y)
        maps.append(y)
    backward(maps)
    record.put("body", maps)
    record.put("gradient of the input", x.grad)
    record.put_gradients("gradients", body)
    return record


def make_fpn():
    """Return the record of a pyramid."""
    record = Record()
    fpn = with_weights(FeaturePyramidNetwork(list(FPN_CHANNELS), FPN_OUT, LastLevelMaxPool()))
    shapes = [(2, c, *size) for c, size in zip(FPN_CHANNELS, FPN_SIZES, strict=True)]
    maps = [
        torch.from_numpy(draw(i, *shape)).requires_grad_(True) for i, shape in enumerate(shapes)
    ]
    pyramid = list(fpn({str(i): c for i, c in enumerate(maps)}).values())
    backward(pyramid)
    record.put("pyramid", pyramid)
    record.put("gradient of the body", [c.grad for c in maps])
    record.put_gradients("gradients", fpn)
    return record


def part_inputs(part):
    """Return a part's features as a dict, and targets."""
    maps = [torch.from_numpy(f).requires_grad_(True) for f in part.features()]
    names = ("0", "1", "2", "3", "pool")
    return dict(zip(names, maps, strict=True)), [tensors(t) for t in part.targets()]


def put_losses(record, losses, features, module):
    """Go back from the sum of the losses, and keep them and every gradient."""
    for name, loss in losses.items():
        record.put(f"train/losses/{name}", loss)
    sum(losses.values()).backward()
    maps = features.values()
    grads = [torch.zeros_like(f) if f.grad is None else f.grad for f in maps]
    record.put("train/gradient of the features", grads)
    record.put_gradients("train/gradients", module)


def make_rpn():
    """Return the record of a region proposal network."""
    record = Record()
    features, targets = part_inputs(RPN_PART)
    images = ImageList(
        torch.zeros(len(RPN_PART.sizes), 3, *RPN_PART.padded).double(), list(RPN_PART.sizes)
    )
    for mode in ("train", "test"):
        rpn = RegionProposalNetwork(
            anchor_generator(SMALL.anchor_sizes),
            RPNHead(RPN_PART.channels, 3),
            0.7,
            0.3,
            SMALL.rpn_samples,
            0.5,
            {"training": SMALL.proposals[0], "testing": SMALL.proposals[1]},
            {"training": SMALL.proposals[0], "testing": SMALL.proposals[1]},
            0.7,
        )
        in_float64(rpn)
        rpn = with_weights(rpn).train(mode == "train")
        seen = watch_rpn(rpn)
        torch.manual_seed(0)
        _, losses = rpn(images, features, targets if mode == "train" else None)
        put_rpn(record, f"{mode}/rpn", seen, training=mode == "train")
        if mode == "train":
            put_losses(record, losses, features, rpn)
    return record


def make_roi_heads():
    """Return the record of RoI heads."""
    record = Record()
    features, targets = part_inputs(ROI_PART)
    proposals = [torch.from_numpy(p) for p in roi_part_proposals()]
    record.put("proposals", proposals)
    for mode in ("train", "test"):
        parts = roi_parts(
            ROI_PART.channels, SMALL.representation, SMALL.mask_channels, SMALL.num_classes
        )
        heads = RoIHeads(
            fg_iou_thresh=0.5,
            bg_iou_thresh=0.5,
            batch_size_per_image=SMALL.roi_samples,
            positive_fraction=0.25,
            bbox_reg_weights=None,
            score_thresh=SMALL.score_threshold,
            nms_thresh=0.5,
            detections_per_img=SMALL.detections,
            **parts,
        )
        heads = with_weights(heads).train(mode == "train")
        seen = watch_roi_heads(heads)
        torch.manual_seed(0)
        detections, losses = heads(
            features, list(proposals), list(ROI_PART.sizes), targets if mode == "train" else None
        )
        if mode == "train":
            put_roi_training(record, "train/roi_heads", seen)
            drawn = seen["select_training_samples"][0][1][0]
            record.put("train/roi_heads/levels", heads.box_roi_pool.map_levels(drawn), whole=True)
            put_losses(record, losses, features, heads)
        else:
            put_roi_outputs(record, "test/roi_heads", seen)
        for i, detection in enumerate(detections):
            for key, value in detection.items():
                record.put(f"test/detections/{i}/{key}", value)
    return record
