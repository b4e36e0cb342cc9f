"""What passes through torchvision's Mask R-CNN, noted down for a golden file."""

import numpy as np
import torch

from .files import WHOLE, gradient_samples, samples_of


class Record:
    """The arrays of one file; `put` thins out what is large."""

    def __init__(self):
        self.arrays = {}

    def put(self, key, value, whole=False):
        """Keep an array, or a list of them under their numbers; `whole` keeps all of it."""
        if isinstance(value, list | tuple) and value and not np.isscalar(value[0]):
            for i, item in enumerate(value):
                self.put(f"{key}/{i}", item, whole)
            return
        value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        if key in self.arrays:
            raise ValueError(f"{key} is kept twice")
        if whole or value.size <= WHOLE:
            self.arrays[key] = value
        else:
            self.arrays[f"{key} sampled"] = samples_of(value)
            self.arrays[f"{key} shape"] = np.array(value.shape)

    def put_gradients(self, path, module):
        """Keep every parameter's gradient, thinned out; zeros where there is none."""
        names, values = [], []
        for name, p in sorted(module.named_parameters()):
            names.append(name)
            values.append(gradient_samples(torch.zeros_like(p) if p.grad is None else p.grad))
        self.arrays[f"{path}/names"] = np.array(names)
        self.arrays[f"{path}/values"] = np.array(values)

    def save(self, path):
        """Write the file."""
        np.savez_compressed(path, **self.arrays)


def tap(owner, name, seen):
    """Have a method or a submodule note down each call: (arguments, result) go into `seen`."""
    original = getattr(owner, name)
    is_module = isinstance(original, torch.nn.Module)
    call = original.forward if is_module else original

    def noting(*arguments, **options):
        # lists are copied, since torchvision writes to them later
        given = [list(a) if isinstance(a, list) else a for a in arguments]
        result = call(*arguments, **options)
        seen.append((given, result))
        return result

    for constant in ("BELOW_LOW_THRESHOLD", "BETWEEN_THRESHOLDS"):
        if hasattr(original, constant):
            setattr(noting, constant, getattr(original, constant))
    if is_module:
        original.forward = noting
    else:
        object.__setattr__(owner, name, noting)


def watch_rpn(rpn):
    """Note down what an RPN's methods see; returns the lists that fill."""
    seen = {"head": [], "anchors": [], "matches": [], "samples": [], "encode": [], "filter": []}
    tap(rpn, "head", seen["head"])
    tap(rpn, "anchor_generator", seen["anchors"])
    tap(rpn, "proposal_matcher", seen["matches"])
    tap(rpn, "fg_bg_sampler", seen["samples"])
    tap(rpn.box_coder, "encode", seen["encode"])
    tap(rpn, "filter_proposals", seen["filter"])
    return seen


def watch_roi_heads(heads):
    """Note down what RoI heads' parts see; returns the lists that fill."""
    names = ("box_roi_pool", "box_head", "box_predictor", "mask_roi_pool", "mask_head")
    names += ("mask_predictor", "proposal_matcher", "fg_bg_sampler", "select_training_samples")
    seen = {name: [] for name in names}
    for name in names:
        tap(heads, name, seen[name])
    return seen


def put_samples(record, path, seen):
    """Keep the labels that a sampler saw, and the indices of what it drew."""
    (labels,), (positive, negative) = seen[0]
    record.put(f"{path}/labels", [v.numpy().astype(np.int8) for v in labels], whole=True)
    record.put(f"{path}/positive", [torch.where(v)[0] for v in positive], whole=True)
    record.put(f"{path}/negative", [torch.where(v)[0] for v in negative], whole=True)


def put_rpn(record, path, seen, training):
    """Keep an RPN's outputs and, in training, its targets."""
    (logits, deltas) = seen["head"][0][1]
    record.put(f"{path}/logits", logits)
    record.put(f"{path}/deltas", deltas)
    boxes, scores = seen["filter"][0][1]
    whole = max(map(len, boxes)) <= 200
    record.put(f"{path}/proposals", boxes, whole)
    record.put(f"{path}/scores", scores, whole)
    if not training:
        return
    record.put(f"{path}/anchors", seen["anchors"][0][1][0])
    put_samples(record, path, seen["samples"])
    targets = seen["encode"][0][1]
    positive = seen["samples"][0][1][0]
    drawn = [t[torch.where(p)[0]] for t, p in zip(targets, positive, strict=True)]
    record.put(f"{path}/regression targets of positives", drawn, whole=True)


def put_roi_training(record, path, seen):
    """Keep RoI heads' targets and logits in training."""
    put_samples(record, path, seen["fg_bg_sampler"])
    proposals, matched, labels, targets = seen["select_training_samples"][0][1]
    record.put(f"{path}/drawn proposals", proposals)
    record.put(f"{path}/drawn labels", labels, whole=True)
    record.put(f"{path}/drawn matches", matched, whole=True)
    of_positive = [t[label > 0] for t, label in zip(targets, labels, strict=True)]
    record.put(f"{path}/regression targets of positives", of_positive, whole=True)
    put_roi_outputs(record, path, seen)


def put_roi_outputs(record, path, seen):
    """Keep what the two heads compute."""
    pool = seen["box_roi_pool"][0]
    record.put(f"{path}/box features", pool[1])
    record.put(f"{path}/representation", seen["box_head"][0][1])
    logits, deltas = seen["box_predictor"][0][1]
    record.put(f"{path}/class logits", logits)
    record.put(f"{path}/box deltas", deltas)
    if seen["mask_roi_pool"]:
        record.put(f"{path}/mask features", seen["mask_roi_pool"][0][1])
        record.put(f"{path}/mask logits", seen["mask_predictor"][0][1])
