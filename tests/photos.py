"""Images with objects, as a user would bring them."""

import json

import numpy as np

from minis.data import write_image, write_mask


def write_photos(folder):
    """Write six images with two bright rectangles each, in COCO's format and as numbered masks."""
    rng = np.random.default_rng(0)
    told = {"images": [], "annotations": [], "categories": [{"id": 4, "name": "brick"}]}
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    for i in range(6):
        size = (40 + i, 56)
        image = 0.2 * rng.random((1, *size), dtype=np.float32)
        mask = np.zeros(size, np.int64)
        for k in range(2):
            top, left = int(rng.integers(2, 20)), 4 + 26 * k
            image[0, top : top + 16, left : left + 20] += 0.6
            mask[top : top + 16, left : left + 20] = k + 1
            corners = [left, top, left + 20, top, left + 20, top + 16, left, top + 16]
            told["annotations"].append(
                {"id": 2 * i + k + 1, "image_id": i, "category_id": 4, "segmentation": [corners]}
            )
        told["images"].append({"id": i, "file_name": f"{i}.png", "height": size[0], "width": 56})
        write_image(folder / "images" / f"{i}.png", image)
        write_mask(folder / "masks" / f"{i}.png", mask)
    (folder / "objects.json").write_text(json.dumps(told))
    return folder
