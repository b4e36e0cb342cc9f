"""Golden file of single operations. Inputs are stored with the results, under the same path.

- `roi_align/NAME/{x,boxes,y,dx,options}`: options are (PH, PW, spatial_scale, sampling_ratio,
  aligned); dx is under an upstream gradient of seed 20
- `levels/{boxes,levels}`: which of P2 … P5 a RoI is cut from (0 is P2), at the boundaries too
- `box_iou/…`, `encode/…`, `decode/…` of weights 1 and (10, 10, 5, 5), `clip/…`
- `match/…`: of an IoU matrix by .7/.3 with low-quality matches, by .5/.5 without; −1 background,
  −2 neither
- `nms/…`, `batched_nms/…`: scores and boxes with ties
- `paste/{masks,boxes,size,y}`: boxes partly and wholly outside, of less than a pixel too
- `anchors/…`: of a padded image and level sizes that don't divide it
- `resize/sizes`: rows (min_size, max_size, h, w, resized h, resized w)
"""

import numpy as np
import torch
from torchvision import ops
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops.poolers import LevelMapper

from .configurations import MEAN, STD, draw
from .recording import Record
from .torchvision_networks import anchor_generator

ROI_OPTIONS = {
    "arange": (4, 4, 1.0, -1, False),
    "arange aligned": (4, 4, 1.0, -1, True),
    "as the box head": (7, 7, 0.25, 2, False),
    "adaptive": (3, 5, 0.5, -1, False),
    "adaptive aligned": (3, 5, 0.5, 0, True),
}


def random_boxes(rng, count, extent):
    """Draw boxes inside a square."""
    corners = np.sort(rng.random((count, 2, 2)) * extent, axis=1)
    return torch.from_numpy(corners.reshape(count, 4))


def put_roi_align(record):
    """RoIAlign, forward and backward."""
    rng = np.random.default_rng(1)
    for name, options in ROI_OPTIONS.items():
        if name.startswith("arange"):
            x = torch.arange(25.0).double().reshape(1, 1, 5, 5)
            boxes = torch.tensor([[0, 1, 1, 3, 3]]).double()
        else:
            x = torch.from_numpy(draw(2, 2, 3, 9, 11))
            corners = random_boxes(rng, 8, 30)
            corners[0] = torch.tensor([-9.0, -3, 50, 60])  # around the map
            corners[1] = torch.tensor([5.0, 5, 5, 5])  # without extent
            boxes = torch.cat([torch.arange(8)[:, None] % 2, corners], 1)
        x.requires_grad_(True)
        ph, pw, scale, ratio, aligned = options
        y = ops.roi_align(x, boxes, (ph, pw), scale, ratio, aligned)
        y.backward(torch.from_numpy(draw(20, *y.shape)))
        given = {"x": x, "boxes": boxes, "y": y, "dx": x.grad, "options": np.array(options)}
        for key, value in given.items():
            record.put(f"roi_align/{name}/{key}", value, whole=True)


def put_levels(record):
    """FPN levels, squares about the boundaries, and slim boxes."""
    sides = [s * (1 + e) for s in (56, 112, 224, 448, 896) for e in (-1e-3, -1e-7, 0, 1e-7, 1e-3)]
    boxes = torch.tensor([[3, 5, 3 + s, 5 + s] for s in (1, 10, *sides)], dtype=torch.float64)
    slim = torch.tensor([[0, 0, 8, 1568], [0, 0, 1568, 32], [10, 10, 10, 20]]).double()
    boxes = torch.cat([boxes, slim])
    record.put("levels/boxes", boxes)
    record.put("levels/levels", LevelMapper(2, 5)([boxes]))


def put_boxes(record):
    """IoU, box coder, clipping, matching."""
    rng = np.random.default_rng(2)
    a, b = random_boxes(rng, 6, 60), random_boxes(rng, 50, 60)
    a[5] = torch.tensor([500.0, 500, 510, 510])  # which no box touches
    b[:3] = a[:3]
    iou = ops.box_iou(a, b)
    for key, value in {"a": a, "b": b, "iou": iou}.items():
        record.put(f"box_iou/{key}", value, whole=True)
    record.put("match/rpn", Matcher(0.7, 0.3, True)(iou))
    record.put("match/roi", Matcher(0.5, 0.5, False)(iou))
    anchors, boxes = random_boxes(rng, 20, 90), random_boxes(rng, 20, 90)
    deltas = 3 * torch.from_numpy(draw(3, 20, 4))
    deltas[0] = torch.tensor([0.1, -0.2, 9.0, 60.0])  # beyond log(1000/16)
    for name, weights in (("1", (1.0,) * 4), ("10 10 5 5", (10.0, 10.0, 5.0, 5.0))):
        coder = BoxCoder(weights)
        record.put(f"encode/{name}", coder.encode([boxes], [anchors])[0])
        record.put(f"decode/{name}", coder.decode(deltas, [anchors])[:, 0])
    record.put("coder/anchors", anchors)
    record.put("coder/boxes", boxes)
    record.put("coder/deltas", deltas)
    wild = 40 * torch.from_numpy(draw(4, 20, 4))
    record.put("clip/boxes", wild)
    record.put("clip/clipped", ops.clip_boxes_to_image(wild, (30, 45)))


def put_nms(record):
    """Suppression: equal scores, equal boxes, IoU at the threshold itself."""
    rng = np.random.default_rng(3)
    boxes = random_boxes(rng, 60, 40).round()
    boxes[:2] = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5]])  # their IoU is 0.5
    boxes[2:4] = boxes[4:6]
    boxes[6] = torch.tensor([7.0, 7, 7, 7])
    boxes[7] = boxes[6]
    scores = torch.from_numpy(rng.integers(0, 12, 60) / 12.0)
    labels = torch.from_numpy(rng.integers(0, 3, 60))
    for key, value in {"boxes": boxes, "scores": scores, "labels": labels}.items():
        record.put(f"nms/{key}", value)
    for threshold in (0.3, 0.5, 0.7):
        record.put(f"nms/kept {threshold}", ops.nms(boxes, scores, threshold))
        kept = ops.batched_nms(boxes, scores, labels, threshold)
        record.put(f"batched_nms/kept {threshold}", kept)


def put_paste(record):
    """Masks pasted into an image of 30×40."""
    masks = torch.from_numpy(np.random.default_rng(4).random((9, 1, 28, 28)))
    boxes = torch.tensor(
        [
            [10.0, 10, 20, 20],
            [3.2, 4.7, 33.9, 25.1],
            [-12.5, -7.3, 9.6, 14.2],  # over the top left corner
            [30.1, 20.2, 55.5, 48.8],  # over the bottom right corner
            [-5.0, -5, 60, 50],  # around the image
            [12.3, 8.6, 12.7, 8.9],  # less than a pixel
            [60.0, 60, 70, 70],  # outside
            [0.0, 0, 40, 30],  # the image
            [5.5, 2.25, 6.5, 28.75],  # slim
        ]
    ).double()
    record.put("paste/masks", masks, whole=True)
    record.put("paste/boxes", boxes)
    record.put("paste/size", np.array([30, 40]))
    record.put("paste/y", paste_masks_in_image(masks, boxes, (30, 40)))


def put_anchors(record):
    """Anchors of default sizes, and of an image that the levels don't divide."""
    image = ImageList(torch.zeros(1, 3, 75, 110).double(), [(75, 110)])
    sides = [(19, 28), (10, 14), (5, 7), (3, 4), (2, 2)]
    generator = anchor_generator((32, 64, 128, 256, 512))
    everything = generator(image, [torch.zeros(1, 1, *s).double() for s in sides])[0]
    record.put("anchors/feature sizes", np.array(sides))
    record.put("anchors/image size", np.array([75, 110]))
    record.put("anchors/around the origin", torch.stack(generator.cell_anchors))
    record.put("anchors/anchors", everything)


def put_sizes(record):
    """Sizes after resizing; on the meta device, so nothing is computed but they."""
    rng = np.random.default_rng(5)
    rows = []
    for low, high in ((800, 1333), (96, 128), (320, 640), (1, 1333)):
        transform = GeneralizedRCNNTransform(low, high, MEAN, STD).eval()
        pairs = rng.integers(1, 2000, (60, 2)).tolist()
        pairs += [[427, 640], [480, 640], [333, 500], [800, 1333], [1333, 800], [1, 1], [600, 1000]]
        for h, w in pairs:
            if int(min(h, w) * min(low / min(h, w), high / max(h, w))) < 1:
                continue  # a side of no pixel, which torchvision refuses
            resized, _ = transform.resize(torch.empty(1, h, w, device="meta"))
            rows.append([low, high, h, w, *resized.shape[-2:]])
    record.put("resize/sizes", np.array(rows, np.int32), whole=True)


def make_operations():
    """Return the record of all of them."""
    record = Record()
    for put in (put_roi_align, put_levels, put_boxes, put_nms, put_paste, put_anchors, put_sizes):
        put(record)
    return record
