"""The region proposal network in PyTorch, with torchvision's rules as plain loops, as an oracle."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class TorchRPNHead(nn.Module):
    """torchvision's head, with its names."""

    def __init__(self, channels, anchors):
        super().__init__()
        conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv = nn.Sequential(nn.Sequential(conv, nn.ReLU()))
        self.cls_logits = nn.Conv2d(channels, anchors, 1)
        self.bbox_pred = nn.Conv2d(channels, 4 * anchors, 1)

    def forward(self, x):
        """Logits and deltas of one level."""
        x = self.conv(x)
        return self.cls_logits(x), self.bbox_pred(x)


class TorchRPN(nn.Module):
    """Losses of given samples: lists of (anchor, ground-truth box or None) for each image."""

    def __init__(self, channels, anchors):
        super().__init__()
        self.head = TorchRPNHead(channels, anchors)

    def losses(self, features, anchors, samples):
        """Gather each sampled anchor's prediction by its level, cell and place in the cell."""
        predicted = [self.head(x) for x in features]
        where = [
            (level, a, i, j)
            for level, (logits, _) in enumerate(predicted)
            for i in range(logits.shape[2])
            for j in range(logits.shape[3])
            for a in range(logits.shape[1])
        ]
        count = sum(len(of_image) for of_image in samples)
        logits, truth, boxes = [], [], torch.zeros((), dtype=torch.float64)
        for n, of_image in enumerate(samples):
            for anchor, box in of_image:
                level, a, i, j = where[anchor]
                logits.append(predicted[level][0][n, a, i, j])
                truth.append(0.0 if box is None else 1.0)
                if box is not None:
                    got = predicted[level][1][n, 4 * a : 4 * a + 4, i, j]
                    want = torch.tensor(encode(box, anchors[anchor]), dtype=torch.float64)
                    boxes = boxes + F.smooth_l1_loss(got, want, beta=1 / 9, reduction="sum")
        truth = torch.tensor(truth, dtype=torch.float64)
        objectness = F.binary_cross_entropy_with_logits(torch.stack(logits), truth)
        return {"loss_objectness": objectness, "loss_rpn_box_reg": boxes / count}


def loop_anchors(padded, shapes, sizes, ratios):
    """A list of boxes for each level: cell by cell, ratio by ratio, size by size."""
    levels = []
    for (h, w), level_sizes in zip(shapes, sizes, strict=True):
        step_y, step_x = padded[0] // h, padded[1] // w
        boxes = []
        for i in range(h):
            for j in range(w):
                for ratio in ratios:
                    for size in level_sizes:
                        # round() is half to even
                        x2 = round(size / math.sqrt(ratio) / 2)
                        y2 = round(size * math.sqrt(ratio) / 2)
                        cx, cy = j * step_x, i * step_y
                        boxes.append((cx - x2, cy - y2, cx + x2, cy + y2))
        levels.append(boxes)
    return levels


def encode(box, anchor):
    """R-CNN's deltas."""
    w, h = anchor[2] - anchor[0], anchor[3] - anchor[1]
    bw, bh = box[2] - box[0], box[3] - box[1]
    dx = (box[0] + bw / 2 - anchor[0] - w / 2) / w
    dy = (box[1] + bh / 2 - anchor[1] - h / 2) / h
    return dx, dy, math.log(bw / w), math.log(bh / h)


def decode(delta, anchor):
    """Their inverse, with the scales capped."""
    w, h = anchor[2] - anchor[0], anchor[3] - anchor[1]
    cx = anchor[0] + w / 2 + delta[0] * w
    cy = anchor[1] + h / 2 + delta[1] * h
    bw = w * math.exp(min(delta[2], math.log(1000 / 16)))
    bh = h * math.exp(min(delta[3], math.log(1000 / 16)))
    return cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2


def overlap(a, b):
    """Intersection over union."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return shared / (areas[0] + areas[1] - shared)


def loop_labels(anchors, objects, high=0.7, low=0.3):
    """For each anchor its object's index, -1 for background, -2 for neither."""
    table = [[overlap(box, anchor) for anchor in anchors] for box in objects]
    labels = []
    for a in range(len(anchors)):
        column = [row[a] for row in table]
        if not column:
            labels.append(-1)
            continue
        best = column.index(max(column))
        best_of_some_object = any(row[a] == max(row) for row in table)
        if column[best] >= high or best_of_some_object:
            labels.append(best)
        else:
            labels.append(-1 if column[best] < low else -2)
    return labels


def loop_proposals(logits, deltas, anchors, size, count, threshold=0.7):
    """Boxes and scores of one image, from lists of levels, by torchvision's steps."""
    found = []
    for level, (scores, moves, boxes) in enumerate(zip(logits, deltas, anchors, strict=True)):
        order = sorted(range(len(scores)), key=lambda i: -scores[i])[:count]
        for i in order:
            x1, y1, x2, y2 = decode(moves[i], boxes[i])
            x1, x2 = (min(max(x, 0), size[1]) for x in (x1, x2))
            y1, y2 = (min(max(y, 0), size[0]) for y in (y1, y2))
            if x2 - x1 >= 1e-3 and y2 - y1 >= 1e-3:
                found.append((1 / (1 + math.exp(-scores[i])), level, (x1, y1, x2, y2)))
    kept = []
    for score, level, box in sorted(found, key=lambda f: -f[0]):
        if all(level != other or overlap(box, b) <= threshold for _, other, b in kept):
            kept.append((score, level, box))
    return [box for _, _, box in kept[:count]], [score for score, _, _ in kept[:count]]
