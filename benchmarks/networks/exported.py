"""A PyTorch network in other people's inference engines, by way of an ONNX file.

All run in float32 on the same number of threads. OpenVINO has to be told: on processors that have
bfloat16 it takes that by itself.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any


def export(model: Any, x: Any, path: Path) -> Path:
    """Write the network as an ONNX file, unless it is there."""
    import torch

    if not path.exists():
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        temporary = path.with_suffix(".part")
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                (torch.from_numpy(x),),
                temporary,
                input_names=["x"],
                output_names=["y"],
                external_data=False,
                verbose=False,
            )
        temporary.replace(path)
    return path


def onnxruntime(path: Path, x: Any) -> Callable[[], Any]:
    """Load the network into onnxruntime."""
    import onnxruntime as engine

    options = engine.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.inter_op_num_threads = 1
    session = engine.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})[0]


def openvino(path: Path, x: Any) -> Callable[[], Any]:
    """Load the network into OpenVINO."""
    import openvino as engine

    settings = {
        "INFERENCE_NUM_THREADS": _threads(),
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = engine.Core().compile_model(str(path), "CPU", settings)
    return lambda: compiled(x)[0]


RUNNERS: dict[str, Callable[[Path, Any], Callable[[], Any]]] = {
    "onnxruntime": onnxruntime,
    "openvino": openvino,
}


def _threads() -> int:
    return int(os.environ["OMP_NUM_THREADS"])
