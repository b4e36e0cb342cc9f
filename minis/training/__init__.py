"""Training: `fit`, optimisers, schedules, metrics and checkpoints.

- `fit` trains a model on `Batches` of a data set and returns a `History`; `TrainingState`,
  `save_checkpoint` and `load_checkpoint` serve a loop of one's own.
- `SGD`, `RMSprop`, `Adam`, `AdamW`; `clip_gradient_norm`, `clip_gradient_value`.
- `step_decay`, `milestones`, `exponential`, `polynomial`, `cosine`, `with_warmup`.
- `softmax_cross_entropy`, `softmax_dice`: losses that leave void pixels out.
- `confusion_matrix` and what is read from it; `match_instances`; `average_precision`;
  `evaluate` and, for detectors, `detector_scores`; `colour_baseline`.
- `save_weights`, `load_weights`, `read_metadata`.
"""

from .adam import Adam, AdamW
from .average_precision import AveragePrecision, average_precision
from .baseline import colour_baseline
from .batches import Batches
from .checkpoint import TrainingState, load_checkpoint, save_checkpoint
from .clipping import clip_gradient_norm, clip_gradient_value, gradient_norm
from .components import component_objects, component_scores
from .detector_scores import detector_scores
from .evaluate import dataset_confusion, evaluate
from .finite import NonFiniteLossError
from .fit import fit
from .history import History
from .instances import InstanceCounts, connected_components, match_instances
from .losses import (
    LOSSES,
    class_weights,
    make_loss,
    softmax_cross_entropy,
    softmax_dice,
    softmax_dice_cross_entropy,
)
from .metrics import (
    class_dice,
    class_iou,
    confusion_matrix,
    frequency_weighted_iou,
    mean_accuracy,
    mean_dice,
    mean_iou,
    pixel_accuracy,
    segmentation_scores,
)
from .optimiser import Optimiser
from .rmsprop import RMSprop
from .schedules import (
    Schedule,
    cosine,
    exponential,
    milestones,
    polynomial,
    step_decay,
    with_warmup,
)
from .sgd import SGD
from .step import sum_of_losses
from .tensor_file import CheckpointError
from .weights import load_weights, read_metadata, save_weights

__all__ = [
    "LOSSES",
    "SGD",
    "Adam",
    "AdamW",
    "AveragePrecision",
    "Batches",
    "CheckpointError",
    "History",
    "InstanceCounts",
    "NonFiniteLossError",
    "Optimiser",
    "RMSprop",
    "Schedule",
    "TrainingState",
    "average_precision",
    "class_dice",
    "class_iou",
    "class_weights",
    "clip_gradient_norm",
    "clip_gradient_value",
    "colour_baseline",
    "component_objects",
    "component_scores",
    "confusion_matrix",
    "connected_components",
    "cosine",
    "dataset_confusion",
    "detector_scores",
    "evaluate",
    "exponential",
    "fit",
    "frequency_weighted_iou",
    "gradient_norm",
    "load_checkpoint",
    "load_weights",
    "make_loss",
    "match_instances",
    "mean_accuracy",
    "mean_dice",
    "mean_iou",
    "milestones",
    "pixel_accuracy",
    "polynomial",
    "read_metadata",
    "save_checkpoint",
    "save_weights",
    "segmentation_scores",
    "softmax_cross_entropy",
    "softmax_dice",
    "softmax_dice_cross_entropy",
    "step_decay",
    "sum_of_losses",
    "with_warmup",
]
