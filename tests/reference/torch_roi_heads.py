"""Mask R-CNN's second stage in PyTorch without torchvision, for all boxes at once."""

import numpy as np
import torch
from torch.nn import functional

from .roi_heads import TorchRoIHeads
from .torch_boxes import clip, decode, encode, grouped_nms, match
from .torch_regions import cut_masks, pool

WEIGHTS = (10.0, 10.0, 5.0, 5.0)
BETA = 1 / 9


class WholeRoIHeads(TorchRoIHeads):
    """The oracle's layers; `selection` is score threshold, NMS threshold and limit."""

    def __init__(self, channels, num_classes, fc_width, mask_width, samples, selection):
        super().__init__(channels, num_classes, fc_width, mask_width, draw_balanced)
        self.samples, self.selection = samples, selection

    def losses(self, levels, proposals, targets, padded):
        """Compare the drawn proposals of all images, and the objects among them, with the truth."""
        boxes, labels, rows, wanted, masks = [], [], [], [], []
        for given, target in zip(proposals, targets, strict=True):
            given = torch.cat([given, target["boxes"]])
            matched = match(target["boxes"], given, 0.5, 0.5, keep_best=False)
            label = torch.zeros(len(given), dtype=torch.long)
            label[matched >= 0] = target["labels"][matched[matched >= 0]]
            drawn = torch.cat(as_indices(self.draw(label.numpy(), self.samples, 0.25)))
            drawn = drawn.sort().values
            boxes.append(given[drawn])
            labels.append(label[drawn])
            rows.append((label[drawn] > 0).nonzero().flatten())
            objects, of = given[drawn[rows[-1]]], matched[drawn[rows[-1]]]
            wanted.append(encode(target["boxes"][of], objects, WEIGHTS))
            masks.append(cut_masks(target["masks"], objects, of, 28))
        objects = [b[r] for b, r in zip(boxes, rows, strict=True)]
        logits, deltas = self.boxes_of(levels, boxes, padded)
        labels = torch.cat(labels)
        own = (labels > 0).nonzero().flatten()
        classifier = functional.cross_entropy(logits, labels)
        distance = functional.smooth_l1_loss(
            deltas[own, labels[own]], torch.cat(wanted), beta=BETA, reduction="sum"
        )
        mask_logits = self.masks_of(levels, objects, padded)
        chosen = mask_logits[torch.arange(len(own)), labels[own]]
        mask = functional.binary_cross_entropy_with_logits(
            chosen, torch.cat(masks), reduction="sum"
        )
        return {
            "loss_classifier": classifier,
            "loss_box_reg": distance / len(labels),
            "loss_mask": mask / max(1, chosen.numel()),
        }

    def detect(self, levels, proposals, sizes, padded):
        """Return boxes, labels, scores and masks (D, 1, 28, 28) of each image."""
        logits, deltas = self.boxes_of(levels, proposals, padded)
        scores = logits.softmax(1)
        counts = [len(p) for p in proposals]
        threshold, overlap, limit = self.selection
        found = []
        for score, delta, boxes, size in zip(
            scores.split(counts), deltas.split(counts), proposals, sizes, strict=True
        ):
            row, label = (score[:, 1:] > threshold).nonzero(as_tuple=True)
            label = label + 1
            box = clip(decode(delta[row, label], boxes[row], WEIGHTS), size)
            wide = (box[:, 2:] - box[:, :2] >= 1e-2).all(1).nonzero().flatten()
            row, label, box = row[wide], label[wide], box[wide]
            best = grouped_nms(box, score[row, label], label, overlap)
            best = best[:limit]
            score = score[row[best], label[best]]
            found.append({"boxes": box[best], "labels": label[best], "scores": score})
        masks = self.masks_of(levels, [one["boxes"] for one in found], padded)
        for one, mask in zip(found, masks.split([len(f["boxes"]) for f in found]), strict=True):
            one["masks"] = mask[torch.arange(len(mask)), one["labels"]].sigmoid()[:, None]
        return found

    def boxes_of(self, levels, boxes, padded):
        """Logits (R, K) and deltas (R, K, 4)."""
        x = pool(levels, boxes, 7, padded).flatten(1)
        x = functional.relu(self.box_head["fc6"](x))
        x = functional.relu(self.box_head["fc7"](x))
        deltas = self.box_predictor["bbox_pred"](x)
        return self.box_predictor["cls_score"](x), deltas.reshape(-1, self.num_classes, 4)

    def masks_of(self, levels, boxes, padded):
        """Logits (R, K, 28, 28)."""
        x = self.mask_head(pool(levels, boxes, 14, padded))
        x = functional.relu(self.mask_predictor["conv5_mask"](x))
        return self.mask_predictor["mask_fcn_logits"](x)


def draw_balanced(labels, count, fraction):
    """Draw at random, as published."""
    positive, negative = np.flatnonzero(labels > 0), np.flatnonzero(labels == 0)
    most = min(len(positive), int(count * fraction))
    rest = min(len(negative), count - most)
    return (
        positive[torch.randperm(len(positive))[:most].numpy()],
        negative[torch.randperm(len(negative))[:rest].numpy()],
    )


def as_indices(indices):
    """Return arrays as tensors to index with."""
    return [torch.from_numpy(np.asarray(part)).long() for part in indices]
