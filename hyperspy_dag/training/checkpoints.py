# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: the state of the training of a class in files (NumPy alone).

A class has two files. The best model is written at every best state and at the end. The training
state is written every few epochs. An epoch depends on that state and its own number alone, so that
a resumed training repeats the lost epochs bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hyperspy_dag.dag.fitted_class import FittedClass, History, evaluation_of, history_of
from hyperspy_dag.dag.stopping import Evaluation
from hyperspy_dag.io.files import CHECKPOINT, AugmenterFileError, below, finite, read, write


@dataclass
class TrainingState:
    """State from which the training of a class continues.

    Attributes
    ----------
    epoch : int
        Number of finished epochs.
    rate_factor : float
        Factor of the learning rates.
    history : History
    state : dict of str to array
        As of ``Trainer.state()``.
    good_epoch : int
        Epoch that a loss that is not finite goes back to.
    good_state : dict of str to array
        What :attr:`state` was at that epoch.
    good_best, good_weights : Evaluation, list of array
        Evaluation and generator weights of the best state until that epoch.
    """

    epoch: int
    rate_factor: float
    history: History
    state: dict[str, np.ndarray]
    good_epoch: int
    good_state: dict[str, np.ndarray]
    good_best: Evaluation
    good_weights: list[np.ndarray]


@dataclass(frozen=True)
class SavedClass:
    """Content of the files of a class: its best model, and its training state.

    Attributes
    ----------
    model : FittedClass
    state : TrainingState or None
        None if the class is finished.
    seconds : float
        Time of the training so far.
    """

    model: FittedClass
    state: TrainingState | None
    seconds: float


@dataclass(frozen=True)
class ClassCheckpoint:
    """The checkpoint files of one class.

    Parameters
    ----------
    folder : Path
    number : int
        Number of the class, used in the names of the files.
    every : int
        Number of epochs between states.
    owner : str
        Digest of training spectra and settings; files of another owner are refused.
    """

    folder: Path
    number: int
    every: int
    owner: str

    @property
    def model_file(self) -> Path:
        """File of the best model."""
        return self.folder / f"class-{self.number}.npz"

    @property
    def state_file(self) -> Path:
        """File of the training state."""
        return self.folder / f"class-{self.number}-state.npz"

    def save_model(self, model: FittedClass, seconds: float, done: bool = False) -> None:
        """Write the best model; with `done` the class is finished.

        Raises
        ------
        OSError
            The file could not be written; the previous one is unchanged.
        """
        header = {
            "owner": self.owner,
            "done": done,
            "seconds": seconds,
            "model": model.header(),
        }
        write(self.model_file, header, model.arrays(), kind=CHECKPOINT)
        if done:
            self.state_file.unlink(missing_ok=True)

    def save_state(self, state: TrainingState, seconds: float) -> None:
        """Write the training state; the best model has to be written before.

        Raises
        ------
        OSError
            The file could not be written; the previous one is unchanged.
        """
        header = {
            "owner": self.owner,
            "seconds": seconds,
            "epoch": state.epoch,
            "rate_factor": state.rate_factor,
            "good_epoch": state.good_epoch,
            "good_best": asdict(state.good_best),
            "weights": len(state.good_weights),
            "history": asdict(state.history),
        }
        arrays = {f"state/{name}": array for name, array in state.state.items()}
        arrays |= {f"weights/{i}": array for i, array in enumerate(state.good_weights)}
        if state.good_epoch != state.epoch:
            arrays |= {f"good/{name}": array for name, array in state.good_state.items()}
        write(self.state_file, header, arrays, kind=CHECKPOINT)

    def load(self, channels: int) -> SavedClass | None:
        """Read both files; return None if the training has to start from the beginning.

        Raises
        ------
        AugmenterFileError
            A file is damaged or belongs to another training.
        """
        if not self.model_file.is_file():
            return None
        header, arrays = self._read(self.model_file)
        try:
            model = FittedClass.of(header["model"], arrays, channels)
            if not isinstance(header["done"], bool):
                raise TypeError(f"done is {header['done']!r}")
            if header["done"]:
                return SavedClass(model, None, _seconds(header))
            if not self.state_file.is_file():
                return None
            header, arrays = self._read(self.state_file)
            return SavedClass(model, _state(header, finite(arrays)), _seconds(header))
        except AugmenterFileError:
            raise
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise AugmenterFileError(
                f"the checkpoint {self.model_file} is not what this version writes "
                f"({type(error).__name__}: {error})"
            ) from error

    def _read(self, path: Path) -> tuple[dict, dict[str, np.ndarray]]:
        try:
            header, arrays = read(path, kind=CHECKPOINT)
        except AugmenterFileError as error:
            error.add_note(
                f"Delete {path} and resume: its class begins anew, the others stay as they are."
            )
            raise
        if header.get("owner") != self.owner:
            raise AugmenterFileError(
                f"{path} belongs to a training on other spectra or with other settings"
            )
        return header, arrays


def _seconds(header: dict) -> float:
    seconds = float(header.get("seconds", 0.0))  # not in files of earlier versions
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"a training of {seconds} s")
    return seconds


def _state(header: dict, arrays: dict[str, np.ndarray]) -> TrainingState:
    history = history_of(header["history"])
    epoch, good_epoch = header["epoch"], header["good_epoch"]
    if not (0 <= good_epoch <= epoch == len(history.generator_cost)):
        raise ValueError(f"epoch {epoch} with {len(history.generator_cost)} epochs of history")
    state = below(arrays, "state")
    return TrainingState(
        epoch=epoch,
        rate_factor=float(header["rate_factor"]),
        history=history,
        state=state,
        good_epoch=good_epoch,
        good_state=state if good_epoch == epoch else below(arrays, "good"),
        good_best=evaluation_of(header["good_best"]),
        good_weights=[arrays[f"weights/{i}"] for i in range(header["weights"])],
    )
