"""One file of named arrays and a JSON record: safetensors, written whole or not at all.

The record lies as JSON under "minis" in the file's header, beside a checksum of it and the
arrays. To write, a file of another name is filled in the same directory, flushed to the disk
(fsync) and renamed over the old one, which POSIX and Windows do in one step: a reader, or a run
that resumes after a power cut, finds the old file or the new one and never a part. Nothing is
ever unpickled, so that reading a stranger's file runs none of its code.
"""

from __future__ import annotations

import json
import os
import secrets
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from .device import to_host


class CheckpointError(ValueError):
    """A file isn't what it should be; the text names the file and what is wrong with it."""


def write_tensors(
    path: str | os.PathLike[str], arrays: Mapping[str, Any], record: Mapping[str, Any]
) -> None:
    """Write arrays and a record to a safetensors file, in place of an older one.

    Parameters
    ----------
    path : path
        Its directory must exist.
    arrays : mapping of str to array
        NumPy or CuPy, of any layout.
    record : mapping
        Anything that JSON holds; arrays inside it are written as lists.

    Raises
    ------
    TypeError
        If JSON can't hold the record.
    OSError
        If the file can't be written; an older one is then as it was.
    """
    from safetensors.numpy import save

    path = Path(path)
    host = {name: _on_host(array) for name, array in arrays.items()}
    plain = json.loads(json.dumps(record, default=_array_to_json))
    header = json.dumps({"crc32": _checksum(host, plain), "record": plain})
    data = save(host, metadata={"minis": header})
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `write_tensors` wrote, or a safetensors file from elsewhere.

    Parameters
    ----------
    path : path

    Returns
    -------
    arrays : dict of str to array
    record : dict
        Empty where another program wrote the file.

    Raises
    ------
    CheckpointError
        If the file is cut off, damaged or of another format, or holds a number format that
        NumPy lacks (bfloat16).
    OSError
        If the file isn't there or can't be read.
    """
    from safetensors import SafetensorError, safe_open

    with open(path, "rb"):
        pass  # a missing file is an OSError that names it
    try:
        with safe_open(path, framework="np") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, TypeError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path} can't be read as a safetensors file: {error}") from error
    for name, array in arrays.items():
        if array.dtype.kind not in "biufc":  # such as bfloat16, which other packages add to NumPy
            raise CheckpointError(
                f"{path} can't be read: {name} is of {array.dtype.name}, which NumPy lacks"
            )
    return arrays, _record(path, header, arrays)


def read_record(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the record alone, without the arrays; the errors are those of `read_tensors`."""
    from safetensors import SafetensorError, safe_open

    with open(path, "rb"):
        pass
    try:
        with safe_open(path, framework="np") as file:
            header = file.metadata() or {}
    except SafetensorError as error:
        raise CheckpointError(f"{path} can't be read as a safetensors file: {error}") from error
    return _record(path, header, None)


def _record(
    path: str | os.PathLike[str],
    header: Mapping[str, str],
    arrays: Mapping[str, np.ndarray] | None,
) -> dict[str, Any]:
    """The record in a header, checked against the arrays if they were read."""
    if "minis" not in header:
        return {}
    try:
        content = json.loads(header["minis"])
        plain, crc = content["record"], content["crc32"]
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged: its record can't be read ({error})") from error
    if arrays is not None and crc != _checksum(arrays, plain):
        raise CheckpointError(f"{path} is damaged: its content hasn't the checksum that it names")
    record: dict[str, Any] = json.loads(json.dumps(plain), object_hook=_array_from_json)
    return record


def _on_host(array: Any) -> np.ndarray:
    """A NumPy array, C-ordered and of native bytes: other layouts would be written scrambled."""
    host = to_host(array)
    return np.asarray(host, dtype=host.dtype.newbyteorder("="), order="C")


def _checksum(arrays: Mapping[str, np.ndarray], plain: Any) -> int:
    crc = zlib.crc32(json.dumps(plain).encode())
    for name in sorted(arrays):
        array = arrays[name]
        crc = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), crc)
        crc = zlib.crc32(array.reshape(-1).view(np.uint8).data, crc)
    return crc


def _array_to_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r} can't be saved: JSON has no form for it")


def _array_from_json(value: dict[str, Any]) -> Any:
    if set(value) == {"array", "dtype"}:
        return np.array(value["array"], dtype=value["dtype"])
    return value


def _sync_directory(directory: Path) -> None:
    """Flush the new name to the disk too, where the system lets a directory be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse; the file itself is safe
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
