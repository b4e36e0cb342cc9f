"""minis's parts with the golden files' weights and samples."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minis.models.mask_rcnn.mask_rcnn import MaskRCNN
from minis.models.mask_rcnn.roi_heads import RoIHeads
from minis.models.mask_rcnn.rpn import RegionProposals
from minis.nn.module import Module

from .configurations import CONFIGURATIONS, Configuration, weights
from .files import Golden


def with_weights(module: Any) -> Any:
    """Give a module the rule's weights; float64."""
    module = module.astype(np.float64)
    state = module.state_dict()
    return module.load_state_dict(weights({name: value.shape for name, value in state.items()}))


def gradients(module: Module) -> dict[str, Any]:
    """Return every parameter's gradient."""
    return {name: p.grad for name, p in module.named_parameters()}


def samples_from(golden: Golden, path: str, images: int) -> Callable[..., Any]:
    """Return a sampler that draws what torchvision drew, and checks the labels it is given."""
    calls = iter(range(images))
    highest = 1 if path.endswith("rpn") else 1000  # an RPN's labels may number the objects

    def draw(labels: Any, *_: Any) -> tuple[Any, Any]:
        i = next(calls)
        golden.check(f"{path}/labels/{i}", np.minimum(labels, highest), 0)
        return golden[f"{path}/positive/{i}"], golden[f"{path}/negative/{i}"]

    return draw


def region_proposals(c: Configuration, channels: int, sampler: Any) -> RegionProposals:
    """Build a configuration's RPN."""
    return RegionProposals(
        channels,
        [(size,) for size in c.anchor_sizes],
        (0.5, 1.0, 2.0),
        proposals_train=c.proposals[0],
        proposals_test=c.proposals[1],
        samples=c.rpn_samples,
        rng=np.random.default_rng(0),
        sampler=sampler,
    )


def roi_heads(c: Configuration, channels: int, sampler: Any) -> RoIHeads:
    """Build a configuration's RoI heads."""
    return RoIHeads(
        channels,
        c.num_classes,
        fc_width=c.representation,
        mask_width=c.mask_channels,
        samples=c.roi_samples,
        score_threshold=c.score_threshold,
        detections_per_image=c.detections,
        rng=np.random.default_rng(0),
        sampler=sampler,
    )


def mask_rcnn(name: str, dtype: Any = np.float64) -> MaskRCNN:
    """Build a configuration's whole network, to be given torchvision's samples."""
    c = CONFIGURATIONS[name]
    network = MaskRCNN(
        c.num_classes,
        depth=c.depth,
        width=c.width,
        eps=c.eps,
        channels=c.channels,
        anchor_sizes=c.anchor_sizes,
        min_size=c.min_size,
        max_size=c.max_size,
        proposals_train=c.proposals[0],
        proposals_test=c.proposals[1],
        score_threshold=c.score_threshold,
        detections_per_image=c.detections,
        anchors_sampled=c.rpn_samples,
        rois_sampled=c.roi_samples,
        fc_width=c.representation,
        mask_width=c.mask_channels,
        rng=np.random.default_rng(0),
    )
    golden, images = Golden(name), len(c.images)
    network.rpn.sampler = samples_from(golden, "train/rpn", images)
    network.roi_heads.sampler = samples_from(golden, "train/roi_heads", images)
    return with_weights(network).astype(dtype)  # type: ignore[no-any-return]


def check_all(golden: Golden, path: str, arrays: Sequence[Any], bound: float = 1e-8) -> None:
    """Compare a list, number by number."""
    for i, array in enumerate(arrays):
        golden.check(f"{path}/{i}", array, bound)


def check_detections(golden: Golden, path: str, detections: Sequence[dict[str, Any]]) -> None:
    """Compare what was found in each image."""
    for i, detection in enumerate(detections):
        for key in ("boxes", "labels", "scores", "masks"):
            golden.check(f"{path}/{i}/{key}", detection[key])
