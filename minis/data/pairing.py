"""Files of a folder by name, and pairs of one name from two folders."""

from collections.abc import Collection, Sequence
from pathlib import Path


def name_of(path: Path, endings: Collection[str]) -> str | None:
    """Return a file's name less its ending, None if it has none of these or is hidden.

    Examples
    --------
    >>> name_of(Path("in/head.v2.nii.GZ"), (".nii", ".nii.gz"))
    'head.v2'
    >>> name_of(Path("in/notes.txt"), (".nii", ".nii.gz")) is None
    True
    """
    for ending in sorted(endings, key=len, reverse=True):
        if path.name.lower().endswith(ending) and path.name[0] != ".":
            return path.name[: -len(ending)]
    return None


def list_files(folder: Path, endings: Collection[str], suffix: str = "") -> dict[str, Path]:
    """List a folder's files with these endings by name, less ending and suffix, in order.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no such file in it.
    ValueError
        If two files have one name.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = name_of(path, endings)
        if name is None or not path.is_file():
            continue
        name = name.removesuffix(suffix)
        if name in files:
            raise ValueError(f"{path}: has the same name as {files[name].name}; one must go")
        files[name] = path
    if not files:
        raise FileNotFoundError(f"{folder}: no images (looked for {', '.join(sorted(endings))})")
    return files


def pair_files(
    images: Path, masks: Path, endings: Collection[str], suffix: str = ""
) -> list[tuple[Path, Path]]:
    """Find each image's mask, or say which have none.

    Raises
    ------
    FileNotFoundError
        If a folder is missing or empty, or an image or mask has no partner.
    ValueError
        If two files of a folder have one name.
    """
    ours, theirs = list_files(images, endings), list_files(masks, endings, suffix)
    lonely = [
        f"{what} without {missing} in {where}: {some(sorted(names))}"
        for what, missing, where, names in (
            ("images", "a mask", masks, ours.keys() - theirs.keys()),
            ("masks", "an image", images, theirs.keys() - ours.keys()),
        )
        if names
    ]
    if lonely:
        raise FileNotFoundError("; ".join(lonely))
    return [(ours[name], theirs[name]) for name in sorted(ours)]


def some(things: Sequence[object]) -> str:
    """Name up to five things, and how many more.

    Examples
    --------
    >>> some([1, 2, 3, 4, 5, 6, 7])
    '1, 2, 3, 4, 5 and 2 more'
    """
    more = f" and {len(things) - 5} more" if len(things) > 5 else ""
    return ", ".join(str(thing) for thing in things[:5]) + more
