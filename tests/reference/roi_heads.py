"""The second stage of Mask R-CNN in PyTorch, written from its rules, box by box."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def roi_align(x, box, bins, scale, ratio):
    """Sample one box (x1, y1, x2, y2) of one map (C, H, W), not aligned: (C, bins, bins)."""
    samples = []
    for start, end, size in [(box[1], box[3], x.shape[1]), (box[0], box[2], x.shape[2])]:
        start, end = float(start) * scale, float(end) * scale
        length = max(end - start, 1.0)
        grid = ratio if ratio > 0 else math.ceil(length / bins)
        at = start + (torch.arange(bins * grid) + 0.5).double() * length / (bins * grid)
        inside = ((at >= -1) & (at <= size)).double()
        at = at.clamp(0, size - 1)
        low = at.floor().long()
        high = (low + 1).clamp(max=size - 1)
        samples.append((low, high, at - low, inside, grid))
    (y0, y1, ty, in_y, grid_y), (x0, x1, tx, in_x, grid_x) = samples
    ty, in_y = ty[:, None], in_y[:, None]
    top = x[:, y0][:, :, x0] * (1 - tx) + x[:, y0][:, :, x1] * tx
    bottom = x[:, y1][:, :, x0] * (1 - tx) + x[:, y1][:, :, x1] * tx
    values = (top * (1 - ty) + bottom * ty) * in_y * in_x
    return values.reshape(-1, bins, grid_y, bins, grid_x).mean(dim=(2, 4))


def level_of(box):
    """P2 … P5 by the box's size, as the number of the level."""
    side = math.sqrt(max(0.0, float((box[2] - box[0]) * (box[3] - box[1]))))
    k = math.floor(4 + math.log2(side / 224) + 1e-6) if side > 0 else 2
    return min(max(k, 2), 5)


def pool(features, boxes, bins):
    """Every box of every image from its level, of stride 2^level."""
    regions = [
        roi_align(features[level_of(box) - 2][n], box, bins, 0.5 ** level_of(box), 2)
        for n, of_image in enumerate(boxes)
        for box in of_image
    ]
    if not regions:
        return features[0].new_zeros(0, features[0].shape[1], bins, bins)
    return torch.stack(regions)


def iou(a, b):
    """Of two boxes."""
    w = max(0.0, float(min(a[2], b[2]) - max(a[0], b[0])))
    h = max(0.0, float(min(a[3], b[3]) - max(a[1], b[1])))
    area = [float((c[2] - c[0]) * (c[3] - c[1])) for c in (a, b)]
    return w * h / (sum(area) - w * h)


class TorchRoIHeads(nn.Module):
    """With torchvision's names; `draw` takes labels and returns what to train on."""

    def __init__(self, channels, num_classes, fc_width, mask_width, draw=None):
        super().__init__()
        self.num_classes, self.draw = num_classes, draw
        self.box_head = nn.ModuleDict(
            {
                "fc6": nn.Linear(channels * 49, fc_width),
                "fc7": nn.Linear(fc_width, fc_width),
            }
        )
        self.box_predictor = nn.ModuleDict(
            {
                "cls_score": nn.Linear(fc_width, num_classes),
                "bbox_pred": nn.Linear(fc_width, 4 * num_classes),
            }
        )
        self.mask_head = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(c, mask_width, 3, padding=1), nn.ReLU())
                for c in (channels, mask_width, mask_width, mask_width)
            )
        )
        self.mask_predictor = nn.ModuleDict(
            {
                "conv5_mask": nn.ConvTranspose2d(mask_width, mask_width, 2, stride=2),
                "mask_fcn_logits": nn.Conv2d(mask_width, num_classes, 1),
            }
        )

    def boxes_of(self, features, boxes):
        """Logits (R, K) and deltas (R, K, 4)."""
        x = pool(features, boxes, 7).flatten(1)
        x = F.relu(self.box_head["fc7"](F.relu(self.box_head["fc6"](x))))
        deltas = self.box_predictor["bbox_pred"](x)
        return self.box_predictor["cls_score"](x), deltas.reshape(-1, self.num_classes, 4)

    def masks_of(self, features, boxes):
        """Logits (R, K, 28, 28)."""
        x = self.mask_head(pool(features, boxes, 14))
        x = F.relu(self.mask_predictor["conv5_mask"](x))
        return self.mask_predictor["mask_fcn_logits"](x)

    def losses(self, features, proposals, targets):
        """Return the three losses of a batch."""
        boxes, labels, truth, object_boxes, object_labels, masks = [], [], [], [], [], []
        for given, target in zip(proposals, targets, strict=True):
            candidates = torch.cat([given, target["boxes"]])
            best = [
                max(range(len(target["boxes"])), key=lambda m: iou(target["boxes"][m], c))
                if len(target["boxes"])
                else None
                for c in candidates
            ]
            best = [
                None if m is None or iou(target["boxes"][m], c) < 0.5 else m
                for m, c in zip(best, candidates, strict=True)
            ]
            classes = [0 if m is None else int(target["labels"][m]) for m in best]
            positive, negative = self.draw(classes)
            object_boxes.append([])
            boxes.append([])
            for i in sorted([*positive, *negative]):
                boxes[-1].append(candidates[i])
                labels.append(classes[i])
                truth.append(None if best[i] is None else target["boxes"][best[i]])
                if best[i] is not None:
                    object_boxes[-1].append(candidates[i])
                    object_labels.append(classes[i])
                    mask = target["masks"][best[i]].double()[None]
                    masks.append(roi_align(mask, candidates[i], 28, 1.0, -1)[0])
        logits, deltas = self.boxes_of(features, boxes)
        classifier = F.cross_entropy(logits, torch.tensor(labels))
        regression = logits.sum() * 0
        for r, box in enumerate(box for of_image in boxes for box in of_image):
            if truth[r] is not None:
                expected = encode(truth[r], box)
                regression = regression + F.smooth_l1_loss(
                    deltas[r, labels[r]], expected, beta=1 / 9, reduction="sum"
                ) / len(labels)
        mask_logits = self.masks_of(features, object_boxes)
        if masks:
            own = mask_logits[torch.arange(len(masks)), torch.tensor(object_labels)]
            mask = F.binary_cross_entropy_with_logits(own, torch.stack(masks))
        else:
            mask = mask_logits.sum() * 0
        return {"loss_classifier": classifier, "loss_box_reg": regression, "loss_mask": mask}

    def detect(self, features, proposals, sizes, score, overlap, limit):
        """Return boxes, labels, scores and masks of each image."""
        logits, deltas = self.boxes_of(features, proposals)
        probabilities = logits.softmax(1)
        found, r = [], 0
        for given, (height, width) in zip(proposals, sizes, strict=True):
            candidates = []
            for box in given:
                for k in range(1, self.num_classes):
                    x1, y1, x2, y2 = decode(deltas[r, k], box).tolist()
                    x1, x2 = (min(max(x, 0), width) for x in (x1, x2))
                    y1, y2 = (min(max(y, 0), height) for y in (y1, y2))
                    p = float(probabilities[r, k])
                    if p > score and x2 - x1 >= 0.01 and y2 - y1 >= 0.01:
                        candidates.append((p, k, (x1, y1, x2, y2)))
                r += 1
            kept = []
            for p, k, box in sorted(candidates, key=lambda c: -c[0]):
                if all(k != other or iou(box, b) <= overlap for _, other, b in kept):
                    kept.append((p, k, box))
            found.append(kept[:limit])
        masks = self.masks_of(features, [[b for _, _, b in kept] for kept in found]).sigmoid()
        results, r = [], 0
        for kept in found:
            labels = [k for _, k, _ in kept]
            rows = range(r, r + len(kept))
            r += len(kept)
            results.append(
                {
                    "boxes": [b for _, _, b in kept],
                    "labels": labels,
                    "scores": [p for p, _, _ in kept],
                    "masks": [masks[i, k][None] for i, k in zip(rows, labels, strict=True)],
                }
            )
        return results


def encode(box, anchor):
    """Deltas of one box, weighted (10, 10, 5, 5)."""
    w, h = anchor[2] - anchor[0], anchor[3] - anchor[1]
    tx = ((box[0] + box[2]) - (anchor[0] + anchor[2])) / 2 / w
    ty = ((box[1] + box[3]) - (anchor[1] + anchor[3])) / 2 / h
    tw, th = torch.log((box[2] - box[0]) / w), torch.log((box[3] - box[1]) / h)
    return torch.stack([10 * tx, 10 * ty, 5 * tw, 5 * th])


def decode(deltas, anchor):
    """The box of one row of deltas."""
    w, h = anchor[2] - anchor[0], anchor[3] - anchor[1]
    x = (anchor[0] + anchor[2]) / 2 + deltas[0] / 10 * w
    y = (anchor[1] + anchor[3]) / 2 + deltas[1] / 10 * h
    w = w * torch.exp((deltas[2] / 5).clamp(max=math.log(1000 / 16)))
    h = h * torch.exp((deltas[3] / 5).clamp(max=math.log(1000 / 16)))
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
