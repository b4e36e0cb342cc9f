"""The two checkpoints of a run: where it stands, and where it was best."""

from __future__ import annotations

import os
from pathlib import Path

from .checkpoint import TrainingState, load_checkpoint, save_checkpoint
from .finite import NonFiniteLossError, all_finite
from .tensor_file import read_record


class RunFiles:
    """`last.safetensors` and `best.safetensors` in the directory of a run.

    Parameters
    ----------
    directory : path or None
        Made if it isn't there; None writes nothing.
    state : TrainingState
        What is saved; if the run resumes, the last checkpoint is loaded into it.
    resume : bool
        Whether to go on from the last checkpoint, if there is one.

    Raises
    ------
    FileExistsError
        If there is a last checkpoint of a step beyond 0, and `resume` is False.
    """

    def __init__(
        self, directory: str | os.PathLike[str] | None, state: TrainingState, resume: bool
    ) -> None:
        self.state = state
        self.directory = None if directory is None else Path(directory)
        self._saved: tuple[int, int] | None = None
        if self.directory is None:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        last = self.directory / "last.safetensors"
        if not last.exists():
            return
        if not resume:
            if read_record(last).get("step") == 0:
                return  # a run that never took a step is not worth keeping
            raise FileExistsError(
                f"fit: {last} holds a run already; resume it, or choose another directory"
            )
        load_checkpoint(last, state)
        self._saved = self._progress()

    def save_last(self) -> None:
        """Write the last checkpoint, unless it is written already."""
        if self._saved != self._progress():
            self._save("last.safetensors")
            self._saved = self._progress()

    def save_best(self) -> None:
        """Write the best checkpoint."""
        self._save("best.safetensors")

    def _progress(self) -> tuple[int, int]:
        return self.state.step, len(self.state.history.validated_at)

    def _save(self, name: str) -> None:
        if self.directory is None or self.state.updating:
            return
        for array, value in self.state.model.state_dict().items():
            if not all_finite(value):
                raise NonFiniteLossError(
                    self.state.step, f"{array!r} isn't finite after the update; nothing is saved"
                )
        save_checkpoint(self.directory / name, self.state)
