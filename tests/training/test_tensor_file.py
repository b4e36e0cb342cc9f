"""Files of arrays: exact round trips, damage of every kind, and death at the worst moment."""

import json
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minis.training import CheckpointError
from minis.training.tensor_file import read_record, read_tensors, write_tensors

ARRAYS = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "steps": np.array(7)}
RECORD = {"step": 3, "score": -np.inf, "big": 2**127 + 1, "π": [0.1, None]}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, ARRAYS, RECORD)
    return path


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5, alphabet="ab./é"),
        hnp.arrays(
            st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_, ">f8"]),
            hnp.array_shapes(min_dims=0, min_side=0),
        ),
        max_size=4,
    ),
    st.sampled_from([lambda a: a, lambda a: a.T, lambda a: a[..., ::-1] if a.ndim else a]),
)
def test_arrays_of_every_layout_come_back_bit_for_bit(tmp_path_factory, arrays, view):
    path = tmp_path_factory.mktemp("x") / "a.safetensors"
    arrays = {name: view(array) for name, array in arrays.items()}
    write_tensors(path, arrays, RECORD)
    back, record = read_tensors(path)
    assert record == RECORD == read_record(path)
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        native = array.astype(array.dtype.newbyteorder("="))
        assert back[name].dtype == native.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == native.tobytes()


def test_the_same_content_is_the_same_file(path, tmp_path):
    other = tmp_path / "b.safetensors"
    write_tensors(other, dict(reversed(ARRAYS.items())), RECORD)
    assert other.read_bytes() == path.read_bytes()


def test_arrays_in_the_record_come_back_as_arrays(path):
    key = np.array([1, 2**64 - 1], np.uint64)
    write_tensors(path, {}, {"state": {"key": key, "pos": np.int64(3)}})
    state = read_tensors(path)[1]["state"]
    assert state["key"].dtype == np.uint64
    assert state["key"].tolist() == key.tolist()
    assert state["pos"] == 3


def test_cut_off_anywhere_is_an_error_that_names_the_file(path):
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"a\.safetensors can't be read as a safetensors"):
            read_tensors(path)


def test_any_changed_byte_of_the_arrays_or_the_record_is_found(path):
    whole = path.read_bytes()
    (header,) = struct.unpack("<Q", whole[:8])
    unseen = []
    for i in range(8, len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        try:
            arrays, record = read_tensors(path)
        except CheckpointError:
            continue
        unseen.append(i)
        assert record in ({}, RECORD)
        assert all(arrays[name].tobytes() == a.tobytes() for name, a in ARRAYS.items())
    assert all(i < 8 + header for i in unseen), "no number of an array changes unseen"
    assert len(unseen) < 40, "the key 'minis' itself, and padding"


@pytest.mark.parametrize(
    "content",
    [b"", b"hello" * 50, b"\x80\x02}q\x00.", b"PK\x03\x04" + b"\0" * 60, b"\x89PNG" + b"\0" * 99],
)
def test_foreign_files(path, content):
    path.write_bytes(content)
    for read in (read_tensors, read_record):
        with pytest.raises(CheckpointError, match=r"a\.safetensors can't be read"):
            read(path)


def header_only(path, header):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 4)


def test_a_number_format_that_numpy_lacks(path):
    header_only(path, {"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}})
    with pytest.raises(CheckpointError, match="bfloat16"):
        read_tensors(path)


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"record": {}}', '{"crc32": 1, "record": {}}'])
def test_a_record_that_is_not_one(path, text):
    tensor = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    header_only(path, {"__metadata__": {"minis": text}, "x": tensor})
    with pytest.raises(CheckpointError, match="is damaged"):
        read_tensors(path)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    for read in (read_tensors, read_record):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            read(tmp_path / "nowhere.safetensors")


def test_a_record_that_json_cannot_hold_leaves_the_old_file(path):
    whole = path.read_bytes()
    with pytest.raises(TypeError, match="object"):
        write_tensors(path, ARRAYS, {"x": object()})
    assert path.read_bytes() == whole
    assert os.listdir(path.parent) == [path.name]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    whole = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_tensors(path, {}, {})
    assert path.read_bytes() == whole
    assert os.listdir(path.parent) == [path.name]


def test_killed_between_writing_and_renaming_leaves_the_old_file(path):
    whole = path.read_bytes()
    program = f"""
import os, signal, numpy as np
from minis.training.tensor_file import write_tensors
os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
write_tensors({str(path)!r}, {{"weight": np.zeros(9)}}, {{}})
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -9
    assert path.read_bytes() == whole
    assert read_tensors(path)[1] == RECORD
    assert len(os.listdir(path.parent)) == 2, "the part that was written has another name"


def test_the_new_file_is_on_the_disk_before_it_takes_the_name(path, monkeypatch):
    order = []
    replace, fsync = os.replace, os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda *a: (order.append("replace"), replace(*a)))
    write_tensors(path, {}, {})
    assert order[:2] == ["fsync", "replace"]
    assert read_tensors(path) == ({}, {})


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_others_may_read_the_file_as_the_umask_says(path):
    old = os.umask(0o022)
    try:
        write_tensors(path, ARRAYS, RECORD)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o644
