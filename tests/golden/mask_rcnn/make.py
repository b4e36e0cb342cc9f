"""Write Mask R-CNN's golden files: what torchvision computes, in float64.

It runs in an environment of its own, which needs none of minis's packages but NumPy:

    python3 -m venv scratch
    scratch/bin/pip install torch==2.14.1 torchvision==0.29.2 numpy
    scratch/bin/python -m tests.golden.mask_rcnn.make            # or make NAME…, to write some

(5.5 GB; the CPU suffices.) The tests need neither. What is drawn by rule, weights, images, objects
and features, is in configurations.py; the form of the files in files.py.

The whole networks, one file for each of `CONFIGURATIONS`. i numbers images, l levels:

- `batch`, `sizes` (resized), `resized/boxes/i`, `resized/masks/i`
- `cell anchors/l`: around the origin
- `train/body/l`, `train/pyramid/l`: C2 … C5 and P2 … P6. In evaluation they are the same
- `train/rpn/…`: `logits/l`, `deltas/l` as the head gives them; `anchors` of an image, all levels
  after each other, in each row by row, in a cell ratio by ratio; `proposals/i`, `scores/i`
  (sigmoid) after suppression; `labels/i` of all anchors (1, 0, and −1 for neither); `positive/i`,
  `negative/i`: indices of those drawn; `regression targets of positives/i`
- `train/roi_heads/…`: `labels/i` of the proposals and, after them, the objects' boxes;
  `positive/i`, `negative/i`: indices of those drawn; `drawn proposals/i`, `drawn labels/i`,
  `drawn matches/i` in the order of the indices, positive and negative mixed; `regression targets of
  positives/i`; `levels` (0 is P2); `box features` (R, C, 7, 7), `representation`, `class logits`,
  `box deltas` of all images' after each other; `mask features`, `mask targets` and `mask logits` of
  the positive ones
- `train/losses/NAME`: the five. Everything below is a gradient of their sum:
  `train/gradients/{names,values}` (see files.gradient_samples), `train/gradient of the batch`,
  `train/gradient of the pyramid from the rpn/l` and `… from the roi heads/l`
- `test/rpn/…`, `test/roi_heads/…` as above; `test/detections/i/{boxes,labels,scores,masks}` in the
  batch's coordinates, masks as 28×28 probabilities; `test/results/i/…` in the image's, masks pasted
  (M, 1, H, W), and `mask areas`: pixels above ½

torchvision gives the RPN's labels as float32, which makes its loss float32 in a float64 network;
here they are float64. Boxes are resized by ratios rounded to float32, as torchvision has it: exact
in "small", "no objects" and "no detections", off by up to 1e-7 of them in "levels".

"paper" has `test`, `sizes`, and `train/body`, `train/pyramid` only.

The other files: make_parts.py and make_operations.py say what is in them. state_dict.json has the
names and shapes of `maskrcnn_resnet50_fpn`, and the names of the published file.
"""

import json
import re
import sys

import torch
from torchvision.models.detection.roi_heads import project_masks_on_boxes

from .configurations import CONFIGURATIONS, inputs
from .files import FOLDER
from .make_operations import make_operations
from .make_parts import make_fpn, make_resnet, make_roi_heads, make_rpn
from .recording import (
    Record,
    put_roi_outputs,
    put_roi_training,
    put_rpn,
    watch_roi_heads,
    watch_rpn,
)
from .torchvision_networks import mask_rcnn, tensors


def put_mask_targets(record, path, network, seen, targets):
    """Keep the levels of the RoIs, and the positive ones' masks."""
    heads = network.roi_heads
    proposals, matched, labels, _ = seen["select_training_samples"][0][1]
    record.put(f"{path}/levels", heads.box_roi_pool.map_levels(proposals), whole=True)
    of_images = [
        project_masks_on_boxes(t["masks"], p[label > 0], m[label > 0], 28)
        for t, p, m, label in zip(targets, proposals, matched, labels, strict=True)
        if (label > 0).any()
    ]
    record.put(f"{path}/mask targets", torch.cat([torch.zeros(0, 28, 28).double(), *of_images]))


def train(record, network, images, targets):
    """One step's forward and backward."""
    torch.manual_seed(0)
    network.train()
    rpn, heads = watch_rpn(network.rpn), watch_roi_heads(network.roi_heads)
    batch, resized = network.transform(images, targets)
    x = batch.tensors.requires_grad_(True)
    record.put("batch", x)
    record.put("sizes", batch.image_sizes)
    for key in ("boxes", "masks"):
        record.put(f"resized/{key}", [t[key] for t in resized])
    record.put("cell anchors", network.rpn.anchor_generator.cell_anchors)
    body = network.backbone.body(x)
    pyramid = network.backbone.fpn(body)
    record.put("train/body", list(body.values()))
    record.put("train/pyramid", list(pyramid.values()))
    # cut off from the backbone: else P5's gradient would contain P6's
    features = {name: f.detach().requires_grad_(True) for name, f in pyramid.items()}
    proposals, rpn_losses = network.rpn(batch, features, resized)
    _, roi_losses = network.roi_heads(features, proposals, batch.image_sizes, resized)
    put_rpn(record, "train/rpn", rpn, training=True)
    put_roi_training(record, "train/roi_heads", heads)
    put_mask_targets(record, "train/roi_heads", network, heads, resized)
    for name, loss in {**rpn_losses, **roi_losses}.items():
        record.put(f"train/losses/{name}", loss)
    for who, losses in (("rpn", rpn_losses), ("roi heads", roi_losses)):
        wanted = list(features.values())
        got = torch.autograd.grad(
            sum(losses.values()), wanted, retain_graph=True, allow_unused=True
        )
        path = f"train/gradient of the pyramid from the {who}"
        record.put(
            path,
            [torch.zeros_like(f) if g is None else g for f, g in zip(wanted, got, strict=True)],
        )
    (sum(rpn_losses.values()) + sum(roi_losses.values())).backward()
    wanted = [f for f in features.values() if f.grad is not None]
    reached = [pyramid[name] for name, f in features.items() if f.grad is not None]
    torch.autograd.backward(reached, [f.grad for f in wanted])
    record.put("train/gradient of the batch", x.grad)
    record.put_gradients("train/gradients", network)


def evaluate(record, network, images, keep_maps):
    """Detect, before and after pasting."""
    network.eval()
    rpn, heads = watch_rpn(network.rpn), watch_roi_heads(network.roi_heads)
    with torch.no_grad():
        batch, _ = network.transform(images)
        body = network.backbone.body(batch.tensors)
        features = network.backbone.fpn(body)
        if keep_maps:
            record.put("batch", batch.tensors)
            record.put("sizes", batch.image_sizes)
            record.put("train/body", list(body.values()))
            record.put("train/pyramid", list(features.values()))
        proposals, _ = network.rpn(batch, features)
        detections, _ = network.roi_heads(features, proposals, batch.image_sizes)
        put_rpn(record, "test/rpn", rpn, training=False)
        put_roi_outputs(record, "test/roi_heads", heads)
        for i, detection in enumerate(detections):
            for key, value in detection.items():
                record.put(f"test/detections/{i}/{key}", value)
        sizes = [tuple(image.shape[-2:]) for image in images]
        results = network.transform.postprocess(detections, batch.image_sizes, sizes)
    for i, result in enumerate(results):
        for key, value in result.items():
            record.put(f"test/results/{i}/{key}", value)
        areas = (result["masks"] > 0.5).sum(dim=(1, 2, 3))
        record.put(f"test/results/{i}/mask areas", areas, whole=True)


def make_network(name):
    """Return a configuration's record."""
    configuration, record = CONFIGURATIONS[name], Record()
    images, targets = inputs(configuration)
    images, targets = [torch.from_numpy(x) for x in images], [tensors(t) for t in targets]
    if name != "paper":
        train(record, mask_rcnn(configuration), images, targets)
    evaluate(record, mask_rcnn(configuration), images, keep_maps=name == "paper")
    return record


def old_name(name):
    """Return the name of an entry in the published file."""
    name = re.sub(r"^(backbone\.fpn\.(inner|layer)_blocks\.\d)\.0\.", r"\1.", name)
    name = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
    mask_head = re.match(r"roi_heads\.mask_head\.(\d)\.0\.(\w+)$", name)
    if mask_head:
        return f"roi_heads.mask_head.mask_fcn{int(mask_head[1]) + 1}.{mask_head[2]}"
    return name


def write_state_dict():
    """Write state_dict.json."""
    network = mask_rcnn(CONFIGURATIONS["paper"])
    lines = []
    for name, value in network.state_dict().items():
        entry = {"shape": list(value.shape)}
        if old_name(name) != name:
            entry["old name"] = old_name(name)
        lines.append(f" {json.dumps(name)}: {json.dumps(entry)}")
    (FOLDER / "state_dict.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


MAKERS = {
    **{name: lambda name=name: make_network(name) for name in CONFIGURATIONS},
    "rpn": make_rpn,
    "roi heads": make_roi_heads,
    "resnet 18": lambda: make_resnet(18),
    "resnet 50": lambda: make_resnet(50),
    "fpn": make_fpn,
    "operations": make_operations,
}


if __name__ == "__main__":
    chosen = sys.argv[1:] or [*MAKERS, "state_dict"]
    if "state_dict" in chosen:
        chosen.remove("state_dict")
        write_state_dict()
    for name in chosen:
        path = FOLDER / f"{name.replace(' ', '_')}.npz"
        MAKERS[name]().save(path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)
