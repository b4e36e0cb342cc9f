"""Weights of torchvision's `maskrcnn_resnet50_fpn`: what their names were and are.

Since the weights learned on COCO were published, torchvision has wrapped some convolutions, which
put a 0 more into their names. It translates when it loads the file; here it is done in one table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...nn import FrozenBatchNorm, Module

RENAMED = {  # a layer in the published file, and today
    **{
        f"backbone.fpn.{kind}_blocks.{level}": f"backbone.fpn.{kind}_blocks.{level}.0"
        for kind in ("inner", "layer")
        for level in range(4)
    },
    "rpn.head.conv": "rpn.head.conv.0.0",
    **{f"roi_heads.mask_head.mask_fcn{i + 1}": f"roi_heads.mask_head.{i}.0" for i in range(4)},
}
# layers of as many outputs as there are classes
PREDICTORS = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.")
SCORES = "roi_heads.box_predictor.cls_score.bias"


def with_current_names(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state dict under the names that torchvision has today.

    Parameters
    ----------
    state : mapping of str to array
        Under either names. A name that today's stands beside is left as it is.

    Examples
    --------
    >>> list(with_current_names({"rpn.head.conv.bias": 0, "rpn.head.cls_logits.bias": 1}))
    ['rpn.head.conv.0.0.bias', 'rpn.head.cls_logits.bias']
    """
    current = {}
    for name, array in state.items():
        layer, _, end = name.rpartition(".")
        today = f"{RENAMED[layer]}.{end}" if layer in RENAMED else name
        current[name if today in state else today] = array
    return current


def fitting(
    state: Mapping[str, Any], own: Mapping[str, Any], num_classes: int, predictors: bool
) -> dict[str, Any]:
    """Return what a network of so many classes loads of torchvision's state dict.

    Parameters
    ----------
    state : mapping of str to array
        torchvision's, under either names.
    own : mapping of str to array
        The network's.
    num_classes : int
        The network's, the background included.
    predictors : bool
        Whether the layers of `PREDICTORS` are taken from `state`, or from `own`.

    Raises
    ------
    ValueError
        If predictors are asked for, and are of another number of classes.

    Examples
    --------
    >>> state, own = {SCORES: np.zeros(91)}, {SCORES: np.zeros(2)}
    >>> fitting(state, own, 2, predictors=False)
    {'roi_heads.box_predictor.cls_score.bias': array([0., 0.])}
    """
    current = with_current_names(state)
    if not predictors:
        kept = {name: array for name, array in own.items() if name.startswith(PREDICTORS)}
        return {k: v for k, v in current.items() if not k.startswith(PREDICTORS)} | kept
    theirs = int(current[SCORES].shape[0]) if SCORES in current else num_classes
    if theirs != num_classes:
        raise ValueError(
            f"MaskRCNN.load_pretrained: these are weights for {theirs} classes, and this network "
            f"has {num_classes}: build it with num_classes={theirs}, or load with predictors=False"
        )
    return current


def set_frozen_eps(module: Module, eps: float) -> None:
    """Have every `FrozenBatchNorm` in a module add `eps` to its variance.

    Examples
    --------
    >>> norm = FrozenBatchNorm(4)
    >>> set_frozen_eps(norm, 0.0)
    >>> norm.eps
    0.0
    """
    for _, part in module.modules():
        if isinstance(part, FrozenBatchNorm):
            part.eps = eps
