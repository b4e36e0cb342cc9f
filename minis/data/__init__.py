"""Data sets, augmentation, and what lies between files and a network.

Real data come from inside installed packages, generated data from a seed, one's own from a
folder. All are sequences of `Sample`; importing this package costs what importing NumPy costs.
"""

from .augment import Augment, flip, intensity, random_crop, rot90
from .brain import brain, brain_split
from .cells import Cells
from .coco import CocoFolder
from .digits import DigitScenes, digit_scenes, load_digits
from .elastic import deform, displacement, elastic
from .ellipsoids import Ellipsoids
from .folder import ImageMaskFolder
from .generated import Generated
from .geometry import Geometry
from .images import read_image, read_mask, write_image, write_mask
from .instance_batches import instance_batch, with_channels
from .nuclei import nuclei, nuclei_split
from .object_sample import ObjectSample
from .otsu import otsu_threshold
from .packages import MissingPackageError
from .registry import DATASETS, load
from .sample import IGNORE, Dataset, Sample, check_index, renumber, stack
from .scaling import stretch
from .scanner import rician_noise
from .shapes import Shapes
from .streets import Streets
from .targets import instance_targets
from .tiles import predict_tiled
from .views import Crops, Samples, Subset, random_split
from .volume_folder import VolumeMaskFolder, open_folders
from .volumes import (
    Volume,
    read_volume,
    read_volume_mask,
    write_volume,
    write_volume_mask,
)
from .weight_map import separate_touching, weight_map

__all__ = [
    "DATASETS",
    "IGNORE",
    "Augment",
    "Cells",
    "CocoFolder",
    "Crops",
    "Dataset",
    "DigitScenes",
    "Ellipsoids",
    "Generated",
    "Geometry",
    "ImageMaskFolder",
    "MissingPackageError",
    "ObjectSample",
    "Sample",
    "Samples",
    "Shapes",
    "Streets",
    "Subset",
    "Volume",
    "VolumeMaskFolder",
    "brain",
    "brain_split",
    "check_index",
    "deform",
    "digit_scenes",
    "displacement",
    "elastic",
    "flip",
    "instance_batch",
    "instance_targets",
    "intensity",
    "load",
    "load_digits",
    "nuclei",
    "nuclei_split",
    "open_folders",
    "otsu_threshold",
    "predict_tiled",
    "random_crop",
    "random_split",
    "read_image",
    "read_mask",
    "read_volume",
    "read_volume_mask",
    "renumber",
    "rician_noise",
    "rot90",
    "separate_touching",
    "stack",
    "stretch",
    "weight_map",
    "with_channels",
    "write_image",
    "write_mask",
    "write_volume",
    "write_volume_mask",
]
