# SPDX-License-Identifier: GPL-3.0-or-later
"""The training of a command, new or resumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._frame import note

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag.training.training_set import TrainingSet


def train(
    s: EELSSpectrum,
    labels: Any,
    settings: dict[str, Any],
    folder: Path | None,
    every: int,
    resume: bool,
    n_jobs: int | None,
) -> EELSAugmenter:
    """Fit an augmenter, or resume the fit in a folder.

    Parameters
    ----------
    s, labels
        See ``EELSAugmenter.fit``.
    settings : dict
        Given arguments of ``EELSAugmenter``.
    folder : Path, optional
        Folder of the checkpoints.
    every : int
        Number of epochs between checkpoints.
    resume : bool
        Whether to resume the training in `folder`.
    n_jobs : int, optional

    Raises
    ------
    FileExistsError
        `folder` holds a training already, and `resume` is False.
    ValueError
        The training in `folder` has other spectra, labels or settings.
    """
    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag.training.training_set import training_set

    data = training_set(s, labels)
    if folder is not None and _holds_training(folder, data, settings, resume):
        note(f"going on with the training in {folder}")
        return EELSAugmenter.resume(folder, n_jobs=n_jobs)
    return EELSAugmenter(**settings).fit(
        data, n_jobs=n_jobs, checkpoint_dir=folder, checkpoint_every=every
    )


def _holds_training(
    folder: Path, data: TrainingSet, settings: dict[str, Any], resume: bool
) -> bool:
    """Return whether `folder` holds a training to resume."""
    from hyperspy_dag.training.runs import check_new_run, open_run
    from hyperspy_dag.training.settings import FitSettings

    try:
        check_new_run(folder)
    except FileExistsError:
        pass
    else:
        return False
    _, header, begun_with = open_run(folder)
    if data.digest != begun_with.digest:
        raise ValueError(
            f"{folder} holds a training of other spectra or labels; give another --checkpoint-dir"
        )
    if not resume:
        raise FileExistsError(
            f"{folder} holds a training of these spectra already: add --resume to go on with it, "
            "or give another --checkpoint-dir"
        )
    begun = FitSettings.of_file(header["settings"]).as_dict()
    auto = "auto"  # is what the recipe takes, which is noted by its name
    for name, value in settings.items():
        if value != begun[name] and value != auto:
            option = "seed" if name == "random_state" else name.replace("_", "-")
            was, asked = ("none" if one is None else one for one in (begun[name], value))
            raise ValueError(
                f"the training in {folder} was begun with --{option} {was}, not {asked}: "
                "give that or leave it out, or give another --checkpoint-dir"
            )
    return True
