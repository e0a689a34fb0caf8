# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapt the classes of a fit to targets, one after the other or side by side."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hyperspy_dag._utils.checks import check_folder
from hyperspy_dag._utils.warnings import warn
from hyperspy_dag.dag.condition_draws import AdaptedPhysics
from hyperspy_dag.io.files import CHECKPOINT, AugmenterFileError, read, write
from hyperspy_dag.training.fit import FitResult, run_jobs
from hyperspy_dag.training.progress import TargetBar
from hyperspy_dag.training.runs import Run
from hyperspy_dag.training.settings import FitOptions
from hyperspy_dag.training.workers import Watch

from .conditions_given import background_end, single_scattering
from .engine import Adaptation, adapt, draw_mixture, none
from .likelihood import ClassPhysics
from .result import AdaptedClasses, Found
from .target import Target

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

#: Synthetic spectra of the mixture, before and after, whose mean and spread are kept.
_DRAWN = 300


@dataclass(frozen=True)
class AdaptationProgress:
    """Progress of the adaptation to a target.

    Attributes
    ----------
    label : int
        Number of the target in the list, from 0.
    step : str
        What is done.
    share : float
        Part of the adaptation that is done, from 0 to 1.

    See Also
    --------
    hyperspy_dag.EELSAugmenter.adapt : Adapt with a callback.

    Examples
    --------
    >>> from hyperspy_dag.adaptation.fit_target import AdaptationProgress
    >>> AdaptationProgress(0, "likeness", 0.7).share
    0.7
    """

    label: int
    step: str
    share: float

    @property
    def brief(self) -> tuple[float, str]:
        """Share and step."""
        return self.share, self.step


@dataclass(frozen=True)
class TargetJob:
    """Everything that an adaptation depends on but the target's spectra.

    Attributes
    ----------
    label : int
        Number of the target.
    name : str
        For messages.
    classes : dict of class to ClassPhysics
    random_state : int
    design, training : str
        See :func:`.engine.adapt`.
    """

    label: int
    name: str
    classes: dict[Any, ClassPhysics]
    random_state: int
    design: str = "single_bitrans"
    training: str = "never"

    @property
    def heavy(self) -> bool:
        """It is worth a process of its own."""
        return True

    def begin(self, spectra: NDArray[np.float32]) -> TargetJob:
        """Return itself: it is known to be heavy."""
        return self

    def run(self, spectra: NDArray[np.float32], callback: Watch) -> tuple[AdaptedClasses, float]:
        """Adapt; return what was found and the time in s.

        One thread does it, so that sums have the same order in any process.
        """
        began = time.perf_counter()

        def say(step: str, share: float) -> None:
            if callback(AdaptationProgress(self.label, step, share)):
                raise InterruptedError(f"the adaptation to {self.name} was ended by callback=")

        with threadpool_limits(1):
            found = adapt(
                list(self.classes.values()),
                spectra,
                design=self.design,
                training=self.training,
                seed=self.random_state,
                names=list(self.classes),
                progress=say,
            )
            made = self._result(spectra, found)
        return made, time.perf_counter() - began

    def _result(self, spectra: NDArray[np.float32], found: Adaptation) -> AdaptedClasses:
        names, classes = list(self.classes), list(self.classes.values())
        seeds = np.random.SeedSequence(self.random_state).spawn(len(classes))
        start, even = [none(one) for one in classes], np.ones(len(classes))
        before = draw_mixture(classes, start, even, _DRAWN, seeds)
        after = draw_mixture(classes, found.laws, found.fractions, _DRAWN, seeds)
        return AdaptedClasses(
            laws=dict(zip(names, found.laws, strict=True)),
            conditions={
                label: {name: Found(*map(float, values)) for name, values in own.items()}
                for label, own in zip(names, found.conditions, strict=True)
            },
            fractions=dict(zip(names, map(float, found.fractions), strict=True)),
            fraction_intervals={
                label: (float(low), float(high))
                for label, (low, high) in zip(names, found.fraction_intervals, strict=True)
            },
            unlike=float(found.unlike),
            p_value=float(found.p_value),
            figures={name: float(value) for name, value in found.history.items()},
            trained=bool(found.trained),
            messages=tuple(found.warnings),
            n_target=len(spectra),
            random_state=self.random_state,
            seen={
                "target": _mean_and_spread(spectra),
                "before": _mean_and_spread(before),
                "after": _mean_and_spread(after),
            },
        )


def _mean_and_spread(spectra: NDArray) -> NDArray[np.float64]:
    return np.stack([spectra.mean(axis=0), spectra.std(axis=0)]).astype(np.float64)


def adapt_targets(
    fit: FitResult,
    s_targets: Sequence[EELSSpectrum],
    names: Sequence[str],
    *,
    low_losses: Sequence[EELSSpectrum | Mapping[Any, EELSSpectrum] | None],
    plasmon_energy: float,
    random_state: int,
    options: FitOptions,
    folder: str | os.PathLike | None,
) -> list[AdaptedClasses | None]:
    """Find the conditions under which targets were measured, class by class.

    Returns
    -------
    list of AdaptedClasses or None
        None for a target that was not finished.

    Raises
    ------
    TypeError, ValueError
        A target or a low loss is of no use, or the augmenter has no statistical models. All targets
        are checked first.
    AugmenterFileError
        `folder` holds adaptations to other targets.

    Warns
    -----
    UserWarning
        What the adaptation could not tell.
    """
    if not fit.recipe.physical:
        raise ValueError(
            "adaptation needs the statistical models of recipe='refined'; this augmenter was "
            f"fitted with recipe={fit.settings.recipe!r}"
        )
    axis, end = fit.energy_axis, background_end(fit.preprocessing)
    if not axis.is_uniform:
        raise ValueError(
            "adaptation needs a uniform energy axis; that of the training spectra is not"
        )
    denoised = [
        label
        for label, model in fit.models.items()
        if model.class_model is not None and model.class_model.is_denoised
    ]
    if denoised:
        raise ValueError(
            f"the training spectra of {', '.join(map(repr, denoised))} were denoised: they lie in "
            "a space of few dimensions. Conditions are told from spectra with their noise: train "
            "on them as they were measured. augmenter.classify(s_target) works without adapting"
        )
    checked = None if folder is None else check_folder("checkpoint_dir", folder)
    jobs: list[TargetJob] = []
    spectra: dict[int, NDArray[np.float32]] = {}
    for i, (s, name, low_loss) in enumerate(zip(s_targets, names, low_losses, strict=True)):
        target = Target.of(fit, s, name)
        classes = {
            label: ClassPhysics(
                model.class_model,
                AdaptedPhysics(
                    axis.energies, single_scattering(axis, label, low_loss, plasmon_energy), end
                ),
            )
            for label, model in fit.models.items()
            if model.class_model is not None
        }
        spectra[i] = target.some(np.random.default_rng(random_state), fit)
        settings = fit.settings
        jobs.append(TargetJob(i, name, classes, random_state, settings.design, settings.training))
    results: list[AdaptedClasses | None] = [None] * len(jobs)
    owners = [_owner(fit, job, spectra[job.label]) for job in jobs] if checked else []
    if checked:
        checked.mkdir(exist_ok=True)
        results = [_kept(checked, job, owners[job.label], fit) for job in jobs]
    waiting = [job for job in jobs if results[job.label] is None]
    run = None if checked is None else Run(checked, 1, "")

    def keep(number: int, found: AdaptedClasses) -> None:
        results[number] = found
        if checked:
            header = {"owner": owners[number], "adaptation": found.header()}
            write(_file(checked, number), header, found.arrays(), kind=CHECKPOINT)

    if waiting:
        bar = TargetBar([job.label for job in waiting], 1, options.show_progressbar)
        outcome = run_jobs(waiting, spectra, options, run, bar, keep)
        for error in [*outcome.errors.values(), outcome.fault]:
            if error is not None and not (outcome.stopped and isinstance(error, InterruptedError)):
                if checked:
                    error.add_note(f"Finished targets are kept in {checked}: call adapt again.")
                raise error
    for name, found in zip(names, results, strict=True):
        for message in () if found is None else found.messages:
            warn(message if len(names) == 1 else f"{name}: {message}")
    return results


def _file(folder: Path, number: int) -> Path:
    return folder / f"target-{number}.npz"


def _owner(fit: FitResult, job: TargetJob, spectra: NDArray[np.float32]) -> str:
    """Digest of all that an adaptation depends on."""
    text = json.dumps([fit.settings.as_dict(), fit.digest, job.random_state, spectra.shape])
    digest = hashlib.sha256(text.encode())
    for one in (spectra, *(own.physics.inelastic for own in job.classes.values())):
        digest.update(np.ascontiguousarray(one).tobytes())
    return digest.hexdigest()


def _kept(folder: Path, job: TargetJob, owner: str, fit: FitResult) -> AdaptedClasses | None:
    """What is in the folder of a target."""
    path = _file(folder, job.label)
    if not path.is_file():
        return None
    header, arrays = read(path, kind=CHECKPOINT)
    if header.get("owner") != owner:
        raise AugmenterFileError(
            f"{path} is the adaptation to another target than {job.name}, or with other settings; "
            "give another checkpoint_dir, or the targets in the same order"
        )
    try:
        own, energies = header["adaptation"], fit.energy_axis.energies
        return AdaptedClasses.of_file(own, arrays, list(fit.models), energies)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise AugmenterFileError(
            f"{path} is not what this version writes ({type(error).__name__}: {error}); delete it "
            "and call adapt again"
        ) from error
