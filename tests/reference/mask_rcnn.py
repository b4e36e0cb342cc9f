"""The whole of Mask R-CNN in PyTorch without torchvision, as an oracle and to be timed against.

The layers are those of the oracles of its parts; what these do in loops, box by box, is done here
for all boxes at once, as fast as PyTorch's own operations allow: in `torch_boxes`,
`torch_regions` and `torch_roi_heads`.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .resnet_fpn import TorchBackbone, TorchResNet
from .rpn import TorchRPN
from .torch_boxes import clip, decode, encode, grid_anchors, grouped_nms, match, paste
from .torch_roi_heads import WholeRoIHeads, as_indices, draw_balanced

RATIOS = (0.5, 1.0, 2.0)
BETA = 1 / 9
LAYERS = ("layer4", "layer3", "layer2", "layer1", "conv1")


class TorchMaskRCNN(nn.Module):
    """With minis' names and arguments; `draw_anchors` and `roi_heads.draw` choose the samples.

    They get an image's labels as an array, how many to draw and the share of objects, and return
    the indices of the objects and of the background.
    """

    def __init__(
        self,
        num_classes=91,
        *,
        in_channels=3,
        depth=50,
        width=64,
        norm="frozen",
        eps=1e-5,
        trainable_layers=3,
        channels=256,
        anchor_sizes=(32, 64, 128, 256, 512),
        min_size=800,
        max_size=1333,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        proposals_train=2000,
        proposals_test=1000,
        score_threshold=0.05,
        nms_threshold=0.5,
        detections_per_image=100,
        anchors_sampled=256,
        rois_sampled=512,
        fc_width=1024,
        mask_width=256,
    ):
        super().__init__()
        self.sides = min_size, max_size
        self.mean, self.std = mean, std
        self.anchor_sizes = [(size,) for size in anchor_sizes]
        self.proposals_train, self.proposals_test = proposals_train, proposals_test
        self.anchors_sampled, self.draw_anchors = anchors_sampled, draw_balanced
        body = TorchResNet(depth, in_channels, width, norm, eps)
        self.backbone = TorchBackbone(body, channels)
        self.rpn = TorchRPN(channels, len(RATIOS))
        selection = score_threshold, nms_threshold, detections_per_image
        self.roi_heads = WholeRoIHeads(
            channels, num_classes, fc_width, mask_width, rois_sampled, selection
        )
        learned = LAYERS[:trainable_layers] + (("bn1",) if trainable_layers == len(LAYERS) else ())
        for name, p in body.named_parameters():
            p.requires_grad_(name.split(".")[0] in learned)

    def forward(self, images, targets=None):
        """Return the five losses in training, else what was found in each image."""
        batch, sizes, targets = self.transform(images, targets)
        padded = batch.shape[2:]
        pyramid = self.backbone(batch)
        shapes = [x.shape[2:] for x in pyramid]
        anchors = grid_anchors(padded, shapes, self.anchor_sizes, RATIOS, batch)
        predicted = [self.rpn.head(x) for x in pyramid]
        # (N, A·K, H, W) -> (N, H·W·A, K)
        logits = [y.permute(0, 2, 3, 1).flatten(1) for y, _ in predicted]
        deltas = [y.permute(0, 2, 3, 1).reshape(len(y), -1, 4) for _, y in predicted]
        proposals = [
            self.propose([x[n] for x in logits], [x[n] for x in deltas], anchors, size)
            for n, size in enumerate(sizes)
        ]
        levels = pyramid[:4]
        if self.training:
            logits, deltas = torch.cat(logits, 1), torch.cat(deltas, 1)
            losses = self.rpn_losses(logits, deltas, torch.cat(anchors), targets)
            return losses | self.roi_heads.losses(levels, proposals, targets, padded)
        found = self.roi_heads.detect(levels, proposals, sizes, padded)
        for one, image, size in zip(found, images, sizes, strict=True):
            one["boxes"] = one["boxes"] * ratios(size, image.shape[1:], batch)
            one["masks"] = paste(one["masks"], one["boxes"], image.shape[1:])
        return found

    def transform(self, images, targets):
        """Normalise, resize, and pad to multiples of 32."""
        mean, std = (images[0].new_tensor(a)[:, None, None] for a in (self.mean, self.std))
        resized, sizes, scaled = [], [], []
        for n, image in enumerate(images):
            old = image.shape[1:]
            scale = min(self.sides[0] / min(old), self.sides[1] / max(old))
            size = tuple(max(1, int(side * scale)) for side in old)
            image = ((image - mean) / std)[None]
            resized.append(functional.interpolate(image, size, mode="bilinear")[0])
            sizes.append(size)
            if targets is not None:
                boxes = targets[n]["boxes"].to(image) * ratios(old, size, image)
                masks = targets[n]["masks"][:, None].float()
                masks = functional.interpolate(masks, size)[:, 0] if len(masks) else masks[:, 0]
                scaled.append({**targets[n], "boxes": boxes, "masks": masks})
        h, w = (-(-max(sides) // 32) * 32 for sides in zip(*sizes, strict=True))
        batch = images[0].new_zeros(len(images), len(self.mean), h, w)
        for place, image in zip(batch, resized, strict=True):
            place[:, : image.shape[1], : image.shape[2]] = image
        return batch, sizes, scaled

    @torch.no_grad()
    def propose(self, logits, deltas, anchors, size):
        """Return the best boxes of an image."""
        count = self.proposals_train if self.training else self.proposals_test
        boxes, scores, levels = [], [], []
        for i, (logit, delta, anchor) in enumerate(zip(logits, deltas, anchors, strict=True)):
            score, best = logit.topk(min(count, len(logit)))
            boxes.append(decode(delta[best], anchor[best]))
            scores.append(score.sigmoid())
            levels.append(torch.full((len(best),), i))
        boxes = clip(torch.cat(boxes), size)
        keep = (boxes[:, 2:] - boxes[:, :2] >= 1e-3).all(1).nonzero().flatten()
        boxes, scores, levels = boxes[keep], torch.cat(scores)[keep], torch.cat(levels)[keep]
        return boxes[grouped_nms(boxes, scores, levels, 0.7)[:count]]

    def rpn_losses(self, logits, deltas, anchors, targets):
        """Compare the drawn anchors of all images with their objects."""
        objects, background, wanted = [], [], []
        for n, target in enumerate(targets):
            matched = match(target["boxes"], anchors, 0.7, 0.3, keep_best=True)
            labels = (matched + 1).clamp(max=1).numpy()
            positive, negative = as_indices(self.draw_anchors(labels, self.anchors_sampled, 0.5))
            objects.append(n * len(anchors) + positive)
            background.append(n * len(anchors) + negative)
            wanted.append(encode(target["boxes"][matched[positive]], anchors[positive]))
        at = torch.cat(objects)
        drawn = torch.cat([at, *background])
        truth = torch.zeros(len(drawn)).to(logits)
        truth[: len(at)] = 1
        logit, delta = logits.flatten()[drawn], deltas.reshape(-1, 4)[at]
        objectness = functional.binary_cross_entropy_with_logits(logit, truth)
        boxes = functional.smooth_l1_loss(delta, torch.cat(wanted), beta=BETA, reduction="sum")
        return {"loss_objectness": objectness, "loss_rpn_box_reg": boxes / len(drawn)}


def ratios(old, new, like):
    """Factors of boxes (x1, y1, x2, y2), rounded to float32."""
    y, x = (float(np.float32(n) / np.float32(o)) for o, n in zip(old, new, strict=True))
    return like.new_tensor([x, y, x, y])
