"""How the command line uses a trained network: on an image or a volume, or a folder of them.

What is done with each file stands in `prediction_image.py`, `prediction_volume.py` and, for
networks that find objects, `prediction_objects.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .data import predict_tiled
from .data.images import SUFFIXES
from .data.nifti import ENDINGS
from .data.pairing import list_files, name_of
from .gpu_memory import explained_memory
from .models import DETECTORS, rebuild
from .nn import Module
from .prediction_image import MASK_AND_OVERLAY, segment_image
from .prediction_objects import OBJECTS, check_score, detect_file
from .prediction_volume import MASK_AND_PLANES, best_classes, predict_volume, segment_file
from .training import CheckpointError, load_weights, read_metadata
from .training.device import choose_device, to_device_of

# larger images are predicted in tiles; multiples of any mini's stride. FCN's logits depend on up to
# 170 pixels on each side, the other minis' on fewer
TILE, MARGIN = 1024, 192


@dataclass(frozen=True)
class Trained:
    """A network read from a file, with what the file says of it.

    Attributes
    ----------
    model : Module
        In evaluation mode.
    classes : tuple of str
        Their names.
    mask_values : tuple of int
        The value that each class has in masks.
    stretched : bool
        Whether images are to be stretched first.
    in_channels : int
        Channels of the images.
    spacing : tuple of float, optional
        Edges of the voxels that it was trained on, in millimetres.
    orientation : str, optional
        Where the axes of the volumes that it was trained on point, "RAS" for example.
    detects : bool
        Whether it finds objects, each with a mask; otherwise it tells the class of each pixel.
    crop : int, optional
        Side in pixels of the crops that it was trained on.
    file : str
        Name of the file that it came from.
    """

    model: Module
    classes: tuple[str, ...]
    mask_values: tuple[int, ...]
    stretched: bool
    in_channels: int
    spacing: tuple[float, ...] | None = None
    orientation: str | None = None
    detects: bool = False
    crop: int | None = None
    file: str = ""

    @property
    def axes(self) -> int:
        """Number of spatial axes of the images: 2, of volumes 3."""
        return getattr(self.model, "axes", 2)

    def predict(self, image: Any) -> Any:
        """Segment one image (C, *spatial) of any size: the class of each pixel (*spatial).

        Both are NumPy arrays, wherever the network is.
        """
        check_channels(self, image.shape[0])
        if image.ndim != self.axes + 1:
            raise ValueError(_wrong_axes(self, "the image", image.ndim - 1))
        if self.axes == 3:
            return predict_volume(self._run, image)
        if max(image.shape[1:]) <= TILE:
            return best_classes(self._run, image[None])[0, 0]
        classes = partial(best_classes, self._run)
        return predict_tiled(classes, image, TILE, MARGIN, batch_size=1)[0]

    def _run(self, images: Any) -> Any:
        """Return the logits of images, which are moved to where the network is."""
        with explained_memory("a smaller image"):
            return self.model(to_device_of(self.model, images))


def open_trained(weights: Path, device: str = "cpu") -> Trained:
    """Read a network that `minis train` wrote.

    Parameters
    ----------
    weights : path
        A file, written on whichever device.
    device : {"cpu", "cuda", "auto"}
        Where the network is to compute; see `minis.training.device.choose_device`.

    Raises
    ------
    BackendUnavailableError
        If there is no GPU that can be used.
    CheckpointError
        If the file is damaged, or doesn't say what it holds.
    """
    place = choose_device(device)
    metadata: Mapping[str, Any] = read_metadata(weights)
    try:
        model = load_weights(rebuild(metadata, str(weights)), weights).eval()
        trained = Trained(
            model,
            tuple(metadata["classes"]),
            tuple(metadata["mask_values"]),
            bool(metadata["settings"]["stretched"]),
            int(metadata["model"]["in_channels"]),
            tuple(map(float, metadata.get("spacing") or ())) or None,
            metadata.get("orientation"),
            detects=metadata["model"]["name"] in DETECTORS,
            crop=metadata["settings"].get("crop"),
            file=weights.name,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{weights}: not a network that `minis train` wrote: {error}"
        ) from error
    trained.model.to(place)
    return trained


def check_channels(trained: Trained, channels: int) -> None:
    """Raise ValueError unless images have as many channels as the network was trained on."""
    if channels != trained.in_channels:
        raise ValueError(
            f"the image has {channels} channels, the network was trained on {trained.in_channels}"
        )


def predict_files(
    trained: Trained,
    source: Path,
    destination: Path,
    report: Callable[[str], None] = lambda line: None,
    *,
    spacing: Sequence[float] | None = None,
    score: float | None = None,
    overwrite: bool = False,
) -> int:
    """Segment an image or a volume, or every one of a folder; write masks and pictures.

    Parameters
    ----------
    trained : Trained
    source : path
        A file or a folder.
    destination : path
        Another folder, made if it isn't there. It gets, each class being its value in masks,
        `NAME_mask.png` and `NAME_overlay.png`, the image with the classes in colour; for a volume
        `NAME_mask.nii.gz`, in the same place in space, and `NAME_planes.png`, three planes of it.
        From a network that finds objects it gets `NAME_objects.png`, the image with the objects
        drawn over it, `NAME_objects.json`, a list of them in COCO's format, and
        `NAME_instances.png`, whose pixels hold the id of their object in the list, 0 for none.
    report : callable
        Called with a line for each image, and one for whatever the user should know about it.
    spacing : three floats, optional
        Edges of a voxel in millimetres, for volumes whose files don't say them.
    score : float, optional
        Objects with a smaller score are left out; ½ unless given.
    overwrite : bool
        Whether results that are there already may be replaced.

    Returns
    -------
    int
        Number of images.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder, or no image in it.
    FileExistsError
        If a result is there already and `overwrite` is False; then nothing is written.
    MissingPackageError
        If a package that writes the results is not installed.
    ValueError
        If two images have one name, an image can't be read or doesn't fit the network, a volume
        has no spacing, an option is not for this network, or `destination` is the folder of the
        images.
    """
    endings, write = _results(trained, spacing, score)
    files = _files(trained, source)
    folder = source if source.is_dir() else source.parent
    if destination.resolve() == folder.resolve():
        raise ValueError(f"{destination}: the images are there; choose another folder for results")
    if destination.exists() and not destination.is_dir():
        raise ValueError(f"{destination}: is a file, expected a folder")
    results = {name: [destination / f"{name}{ending}" for ending in endings] for name in files}
    there = [path for paths in results.values() for path in paths if path.exists()]
    if there and not overwrite:
        raise FileExistsError(f"{there[0]} is there already; --overwrite replaces it")
    for name, path in files.items():
        write(trained, path, *results[name], report)
        report(f"{path.name} → {', '.join(result.name for result in results[name])}")
    return len(files)


def _results(
    trained: Trained, spacing: Sequence[float] | None, score: float | None
) -> tuple[Sequence[str], Callable[..., None]]:
    """Return the endings of an image's results, and what writes them."""
    if spacing is not None and trained.axes != 3:
        raise ValueError("spacing is for volumes; this network is for flat images")
    if score is not None and not trained.detects:
        raise ValueError("score is for networks that find objects; this one segments")
    if trained.detects:
        return OBJECTS, partial(detect_file, score=check_score(score))
    if trained.axes == 3:
        return MASK_AND_PLANES, partial(segment_file, spacing=spacing)
    return MASK_AND_OVERLAY, segment_image


def _files(trained: Trained, source: Path) -> dict[str, Path]:
    """List the files to segment by name."""
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such file or folder")
    fitting, other = (ENDINGS, SUFFIXES) if trained.axes == 3 else (SUFFIXES, ENDINGS)
    present = sorted(source.iterdir()) if source.is_dir() else [source]
    if not any(name_of(path, fitting) for path in present):
        wrong = [path for path in present if name_of(path, other)]
        if wrong:
            raise ValueError(_wrong_axes(trained, str(wrong[0]), 5 - trained.axes))
    if source.is_dir():
        return list_files(source, fitting)
    return {name_of(source, fitting) or source.stem: source}


def _wrong_axes(trained: Trained, what: str, axes: int) -> str:
    return f"the network is for images with {trained.axes} spatial axes; {what} has {axes}"
