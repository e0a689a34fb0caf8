# SPDX-License-Identifier: GPL-3.0-or-later
"""The augmenter: an estimator that fits a generator to each class and draws spectra from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from . import __version__
from ._utils.checks import check_count, check_random_state, check_writable
from ._utils.streams import FIT, class_stream
from ._utils.warnings import warn
from .adaptation.result import AdaptedClasses, Found
from .adaptation.sampling import Sampling
from .dag.architectures import ARCHITECTURES, NETWORKS
from .dag.designs import DESIGNS
from .dag.drawing import weight_shapes
from .dag.fitted_class import FittedClass
from .dag.recipes import RECIPES
from .dag.sources import lazy_stack
from .dag.stopping import METRICS
from .io import files
from .io.files import AugmenterFileError
from .io.signals import synthetic_signal
from .preprocessing.normalisation import has_unit_area, unit_area, unit_maximum
from .training.counts import check_counts, known_class, resampled_counts
from .training.fit import FitResult, run_jobs
from .training.fitted import not_reached
from .training.progress import ClassBar, EpochBar, TrainingProgress
from .training.runs import Run, begin_run, open_run
from .training.settings import OPTION_NAMES, FitOptions, FitSettings
from .training.train_class import ClassJob, TrainingDivergedError
from .training.training_set import TrainingSet, read_training_set
from .training.workers import WorkerLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from distributed import Client
    from exspy.signals import EELSSpectrum
    from numpy.typing import ArrayLike

    from .adaptation.fit_target import AdaptationProgress
    from .adaptation.maps import ClassMap
    from .component import EELSAugmenterComponent
    from .dag.stopping import Evaluation
    from .metrics import WhiteLineWindows
    from .preprocessing.energy_axis import EnergyAxis
    from .validation import Report

__all__ = [
    "AugmenterFileError",
    "EELSAugmenter",
    "NotFittedError",
    "TrainingDivergedError",
    "WorkerLostError",
]

_CLEAN_DRAWS = 2000
"""Spectra of a class whose mean and variations its model component has."""


class EELSAugmenter(BaseEstimator):
    """Train a data-augmentation GAN for each class of EELS spectra and draw spectra from it.

    Parameters
    ----------
    design : str, default "single_bitrans"
        Which discriminators see which transforms of the spectra (T1 random energy shift, T2
        random Poissonian noise): "single_monotrans", "multi_monotrans", "single_bitrans" or
        "multi_bitrans" (del-Pozo-Bueno et al. 2024, Fig. 3).
    architecture : str, default "auto"
        The networks: "compact", or the paper's "simple_dense", "large_dense" and "simple_convo".
        "auto" is "compact" under the refined recipe and "simple_dense" under the paper's.
    recipe : str, default "refined"
        "refined" starts from a statistical model of the class and ends in a model of the
        instrument. If no trained state is clearly better than the start, the start is kept, and
        ``best_`` has epoch 0. "paper" has the published networks, order of updates and settings,
        for comparison. It makes spectra from nothing and takes many times as long.
    stopping : str or None, default "all"
        Criterion that ends the training of a class before `max_epochs`. "all": Fréchet distance,
        Pearson correlation and cosine distance of synthetic to real spectra reach those of halves
        of the real spectra to each other. "frechet": the Fréchet distance alone. None: train
        `max_epochs`. Under the paper's recipe "all" stands for "published", which has the paper's
        "FID" (:func:`hyperspy_dag.metrics.published_fid`) in place of the Fréchet distance. The
        best state of the training is kept in any case.
    tolerance : float, optional
        Relative tolerance of the stopping criterion. Default: 0.05 for the refined recipe, 0.3 for
        the paper's.
    max_epochs : int, optional
        Default: 200 for the refined recipe, 1000 for the paper's. The refined recipe also ends 60
        epochs after the last improvement, unless `stopping` is None.
    random_state : int, numpy.random.Generator or None, default None
        The same integer gives the same spectra on the same machine. None draws one, which is
        ``random_state_``.
    precision : str, default "single"
        "single", or "mixed" for products in bfloat16 during the training. Mixed precision is faster
        on some graphics processors and slower on processors without bfloat16. Spectra are drawn in
        single precision in any case.
    training : str, default "auto"
        "auto": the refined recipe trains a class only where a cross-validated discriminator can
        tell its spectra from those of the statistical model; ``generators_`` has its figures. Else
        the statistical model is kept, and TensorFlow is not imported. "always" trains. "never"
        keeps the statistical model. The paper's recipe, which has none, trains always.

    Attributes
    ----------
    classes_ : list
        Fitted classes, sorted as by :func:`numpy.unique`.
    history_ : dict of class to History
        Costs per epoch and the metrics at each evaluation.
    baseline_ : dict of class to RealReference
        The metrics of real against real spectra.
    best_ : dict of class to Evaluation
        Epoch and metrics of the state that was kept.
    generators_ : dict of class to FittedClass
        Weights, statistical model, history and metrics.
    settings_ : FitSettings
        Arguments of the fit, with "auto" and None resolved.
    random_state_ : int
        Random state of the fit.
    energy_axis_ : EnergyAxis
        Energy axis of the training spectra, in eV.
    preprocessing_ : dict or None
        Record of ``dag_preprocess`` in the metadata of the training spectra.
    training_digest_ : str
        SHA-256 of the training spectra and their labels.
    spectrum_digests_ : array of uint64
        Digest of each training spectrum; see
        :func:`hyperspy_dag.training.training_set.spectrum_digests`.
    training_counts_ : dict of class to int
        Number of training spectra.
    fit_seconds_ : dict of class to float
        Time of the training, in s.
    adaptation_ : AdaptedClasses
        All that :meth:`adapt` found. An adapted augmenter alone has it, and what follows.
    conditions_ : dict of class to dict of str to Found
        Conditions of the target: mean, spread and 90 % interval.
    class_fractions_ : dict of class to float
        Fractions of the classes in the target.

    See Also
    --------
    exspy.signals.EELSSpectrum.dag_augment : Fit and draw in one call.
    hyperspy_dag.validation.evaluate : Compare synthetic with real spectra.
    hyperspy_dag.plotting.plot_metrics : Plot the metrics of the training.

    Notes
    -----
    D. del-Pozo-Bueno et al., "Machine Learning Data Augmentation Strategy for Electron Energy
    Loss Spectroscopy: Generative Adversarial Networks", Microsc. Microanal. 30, 278 (2024).

    Examples
    --------
    A single epoch is enough for an example, but not for good spectra.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.data import simulated_oxides
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
    >>> augmenter = EELSAugmenter(training="always", max_epochs=1, random_state=0).fit(s, labels)
    >>> augmenter.sample(500)
    <EELSSpectrum, title: Synthetic spectra, dimensions: (500, 2|700)>
    >>> augmenter.save("oxides.dag", overwrite=True)
    """

    def __init__(
        self,
        design: str = "single_bitrans",
        architecture: str = "auto",
        *,
        recipe: str = "refined",
        stopping: str | None = "all",
        tolerance: float | None = None,
        max_epochs: int | None = None,
        random_state: int | np.random.Generator | None = None,
        precision: str = "single",
        training: str = "auto",
    ):
        # Stored as given, and checked when fitted: so that scikit-learn's `clone`, `set_params`
        # and pipelines work.
        self.design = design
        self.architecture = architecture
        self.recipe = recipe
        self.stopping = stopping
        self.tolerance = tolerance
        self.max_epochs = max_epochs
        self.random_state = random_state
        self.precision = precision
        self.training = training

    def __repr__(self) -> str:
        if not hasattr(self, "_result"):
            settings: EELSAugmenter | FitSettings = self
            state = "not fitted"
        else:
            settings, count = self.settings_, len(self.classes_)
            names = ", ".join(map(str, self.classes_))
            state = f"{count} class{'es' if count > 1 else ''}: {names}"
        return (
            f"<EELSAugmenter, design: {settings.design}, architecture: {settings.architecture}, "
            f"recipe: {settings.recipe}, {state}>"
        )

    # -- fitted state ------------------------------------------------------------------------

    @property
    def classes_(self) -> list:
        """Fitted classes."""
        return list(self._fitted().models)

    @property
    def history_(self) -> dict:
        """Costs of each epoch and metrics of each evaluation, by class."""
        return {label: model.history for label, model in self._fitted().models.items()}

    @property
    def baseline_(self) -> dict:
        """Metrics of real against real spectra, by class."""
        return {label: model.reference for label, model in self._fitted().models.items()}

    @property
    def best_(self) -> dict[Any, Evaluation]:
        """Epoch and metrics of the state that was kept, by class."""
        return {label: model.best for label, model in self._fitted().models.items()}

    @property
    def generators_(self) -> dict[Any, FittedClass]:
        """Fitted generators, by class."""
        return dict(self._fitted().models)

    @property
    def settings_(self) -> FitSettings:
        """Arguments of the fit, with "auto" and None resolved."""
        return self._fitted().settings

    @property
    def random_state_(self) -> int:
        """Random state of the fit."""
        return self._fitted().settings.random_state

    @property
    def energy_axis_(self) -> EnergyAxis:
        """Energy axis of the training spectra, in eV."""
        return self._fitted().energy_axis

    @property
    def preprocessing_(self) -> dict[str, Any] | None:
        """Record of ``dag_preprocess`` in the metadata of the training spectra."""
        return self._fitted().preprocessing

    @property
    def training_digest_(self) -> str:
        """SHA-256 of the training spectra and their labels."""
        return self._fitted().digest

    @property
    def spectrum_digests_(self) -> np.ndarray:
        """Digest of each training spectrum."""
        return self._fitted().spectrum_digests

    @property
    def training_counts_(self) -> dict[Any, int]:
        """Number of training spectra, by class."""
        return {label: model.n_training for label, model in self._fitted().models.items()}

    @property
    def fit_seconds_(self) -> dict[Any, float]:
        """Time of the training in s, by class."""
        return dict(self._fitted().seconds)

    @property
    def conditions_(self) -> dict[Any, dict[str, Found]]:
        """Conditions that :meth:`adapt` found, by class: mean, spread and 90 % interval."""
        return dict(self._adaptation().conditions)

    @property
    def class_fractions_(self) -> dict[Any, float]:
        """Fractions of the classes in the target of :meth:`adapt`."""
        return dict(self._adaptation().fractions)

    @property
    def adaptation_(self) -> AdaptedClasses:
        """All that :meth:`adapt` found: conditions, fractions, intervals, figures, warnings."""
        return self._adaptation()

    @property
    def _adapted(self) -> AdaptedClasses | None:
        return self._adaptation_result

    def _adaptation(self) -> AdaptedClasses:
        if self._adapted is None:
            raise NotFittedError(
                "this EELSAugmenter is not adapted: call adapted = augmenter.adapt(s_target) first"
            )
        return self._adapted

    _adaptation_result: AdaptedClasses | None = None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_result")

    def _fitted(self) -> FitResult:
        if not hasattr(self, "_result"):
            raise NotFittedError("this EELSAugmenter is not fitted: call fit(s, labels) first")
        return self._result

    # -- training ----------------------------------------------------------------------------

    def fit(
        self,
        s: EELSSpectrum | Sequence[EELSSpectrum] | TrainingSet,
        labels: ArrayLike | Sequence[ArrayLike] | None = None,
        *,
        align_on: tuple[float, float] | None = None,
        n_jobs: int | None = None,
        client: Client | None = None,
        checkpoint_dir: str | os.PathLike | None = None,
        checkpoint_every: int = 10,
        show_progressbar: bool | None = None,
        callback: Callable[[TrainingProgress], bool | None] | None = None,
    ) -> EELSAugmenter:
        """Train a generator for each class.

        Parameters
        ----------
        s : EELSSpectrum, list of them, or TrainingSet
            Normalised spectra, as from :meth:`~exspy.signals.EELSSpectrum.dag_preprocess`, of any
            navigation shape, lazy or not. Of a lazy signal only the labelled spectra are read.
            Signals of several experiments are brought to one energy axis by
            :func:`hyperspy_dag.common_energy_axis` and normalised again. The same label is the same
            class in all of them.
        labels : array-like or signal of the navigation shape, or list of them
            The class of each spectrum: str, int or bool; ``-1``, None, NaN and ``""`` are
            unlabelled. See :mod:`hyperspy_dag.labels`. A list of signals needs a list of labels.
        align_on : (float, float) or SpanROI, optional
            Energies in eV around an edge on which several signals are aligned; see
            :func:`hyperspy_dag.common_energy_axis`. By default no signal is shifted.
        n_jobs : int, optional
            Number of classes to train in parallel, each in a process with one thread; -1 is the
            number of cores. Default: one class after the other in this process, or on the active
            ``dask.distributed`` client if there is one. In a script, more than 1 needs ``if
            __name__ == "__main__":``.
        client : dask.distributed.Client, optional
            Cluster that trains the classes.
        checkpoint_dir : str or path, optional
            New or empty folder for checkpoints, from which :meth:`resume` continues an interrupted
            training. It also holds the training spectra. On a cluster all machines must share it.
            By default nothing is written.
        checkpoint_every : int, default 10
            Number of epochs between checkpoints. They are written when metrics are computed, which
            the refined recipe does every 10 epochs. The best state is written too.
        show_progressbar : bool, optional
            Default: HyperSpy's preference.
        callback : callable, optional
            Called with a :class:`~hyperspy_dag.training.progress.TrainingProgress` whenever metrics
            are computed, the first time before the training. If it returns True, the fit ends, and
            the finished classes and the best state of the running one are kept. Only for classes
            that are trained one after the other in this process.

        Returns
        -------
        self
            The fitted augmenter.

        Raises
        ------
        TypeError, ValueError
            An argument, the spectra or the labels are wrong; raised before the training.
        FileExistsError
            `checkpoint_dir` holds a training already.
        TrainingDivergedError
            The loss of a class was not finite, and again after a restart.
        WorkerLostError
            The process that trained a class was killed repeatedly.
        OSError
            A checkpoint could not be written.
        KeyboardInterrupt
            Ctrl-C before the first class was finished. Later, the finished classes are kept, with a
            warning.

        See Also
        --------
        resume : Continue an interrupted training.
        fit_resample : Fit and balance the classes.
        sample : Draw synthetic spectra.

        Notes
        -----
        An error in one class does not stop the others. It is raised at the end, and the finished
        classes are kept.

        The result depends on `random_state` and on the number of threads of a process, which sets
        the order of sums. It does not depend on `n_jobs`, `client` or checkpoints.

        Examples
        --------
        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> augmenter = EELSAugmenter(max_epochs=1, random_state=0).fit(s, labels)
        >>> augmenter.classes_
        ['MnO', 'MnO2']
        """
        settings = FitSettings.checked(**self.get_params())
        options = FitOptions.checked(
            n_jobs=n_jobs,
            client=client,
            checkpoint_dir=checkpoint_dir,
            checkpoint_every=checkpoint_every,
            show_progressbar=show_progressbar,
            callback=callback,
        )
        return self._fit(settings, _training_set(s, labels, align_on), options)

    @classmethod
    def resume(
        cls,
        checkpoint_dir: str | os.PathLike,
        s: EELSSpectrum | Sequence[EELSSpectrum] | None = None,
        labels: ArrayLike | Sequence[ArrayLike] | None = None,
        *,
        n_jobs: int | None = None,
        client: Client | None = None,
        show_progressbar: bool | None = None,
        callback: Callable[[TrainingProgress], bool | None] | None = None,
    ) -> EELSAugmenter:
        """Continue a training that was killed or interrupted, and finish it.

        The result is, bit for bit, that of a training without interruption on the same machine with
        the same number of threads.

        Parameters
        ----------
        checkpoint_dir : str or path
            Folder given to :meth:`fit`. Finished classes are not trained again.
        s, labels : optional
            Spectra and labels to compare with the training spectra in the folder. Not needed.
        n_jobs, client, show_progressbar, callback
            See :meth:`fit`.

        Returns
        -------
        EELSAugmenter
            Fitted.

        Raises
        ------
        FileNotFoundError
            The folder holds no training.
        AugmenterFileError
            The files are damaged, or not of this package.
        ValueError
            `s` and `labels` are not those of the training.
        BlockingIOError
            Another process trains into this folder.

        See Also
        --------
        fit : Train with checkpoints.

        Examples
        --------
        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
        >>> augmenter = EELSAugmenter(max_epochs=1, random_state=0)
        >>> augmenter = augmenter.fit(s, labels, checkpoint_dir="run")  # interrupted, for instance
        >>> EELSAugmenter.resume("run").classes_
        ['MnO', 'MnO2']
        """
        options = FitOptions.checked(
            n_jobs=n_jobs, client=client, show_progressbar=show_progressbar, callback=callback
        )
        run, header, data = open_run(checkpoint_dir)
        if (s is None) != (labels is None):
            raise TypeError("give both s and labels, or neither")
        align_on = (data.preprocessing or {}).get("align_on")
        if s is not None and _training_set(s, labels, align_on).digest != data.digest:
            raise ValueError(
                f"these spectra or labels are not those that the training in {run.folder} was "
                "begun with; leave s and labels out to go on with its own, or fit anew"
            )
        try:
            settings = FitSettings.of_file(header["settings"])
        except (LookupError, TypeError, ValueError) as error:
            raise _not_understood(run.folder, error) from error
        networks, published = header.get("networks", 1), RECIPES[settings.recipe].published
        if networks != NETWORKS and (published or networks != 1):
            raise AugmenterFileError(
                f"{run.folder} was begun by a version of hyperspy_dag with other networks; go on "
                "with that version, or fit anew"
            )
        return cls(**settings.as_dict())._fit(settings, data, options, run)

    def _fit(
        self, settings: FitSettings, data: TrainingSet, options: FitOptions, run: Run | None = None
    ) -> EELSAugmenter:
        if options.checkpoint_dir is not None:
            run = begin_run(
                options.checkpoint_dir, options.checkpoint_every, settings.as_dict(), data
            )
        recipe = replace(RECIPES[settings.recipe], mixed_precision=settings.precision == "mixed")
        jobs = [
            ClassJob(
                label=label,
                architecture=ARCHITECTURES[settings.architecture].under(recipe),
                design=DESIGNS[settings.design],
                recipe=recipe,
                stopping=settings.stopping_rule,
                seed=class_stream(label, FIT, settings.random_state),
                dispersion=data.energy_axis.dispersion if data.energy_axis.is_uniform else None,
                training=settings.training,
                checkpoint=None if run is None else run.checkpoint(number),
            )
            for number, label in enumerate(data.classes)
        ]
        one_by_one = options.client is None and min(options.n_jobs, len(jobs)) == 1
        bar = (EpochBar if one_by_one else ClassBar)(
            data.classes, settings.max_epochs, options.show_progressbar
        )

        def note(label: Any, model: FittedClass) -> None:
            if model.gate is not None:
                bar.note(model.gate.describe(label, model.n_training))

        outcome = run_jobs(jobs, data.spectra, options, run, bar, note)
        if outcome.models:
            self._result, self._adaptation_result = FitResult.of(settings, data, outcome), None
        for label in outcome.ended:
            if message := not_reached(self, label):
                warn(message)
        if outcome.errors:
            raise self._first_error(outcome.errors, run)
        if outcome.fault is not None:
            raise outcome.fault
        missing = [str(label) for label in data.classes if label not in outcome.models]
        if outcome.stopped and missing:
            kept = ", ".join(map(str, self.classes_))
            hint = f" Go on by {_resume_call(run)}." if run else ""
            warn(
                f"Training was interrupted. Kept: the best state of {kept}. Not fitted: "
                f"{', '.join(missing)}.{hint}"
            )
        return self

    def _first_error(self, errors: dict[Any, Exception], run: Run | None) -> Exception:
        (first, error), *others = errors.items()
        if others:
            more = "; ".join(f"{label}: {one}" for label, one in others)
            error.add_note(f"That was class {first}. Not fitted besides: {more}")
        if hasattr(self, "_result"):
            error.add_note(f"This augmenter keeps: {', '.join(map(str, self.classes_))}.")
        # A class that diverged would do so again: `resume` takes the same spectra and settings.
        if run is not None and isinstance(error, OSError | MemoryError | WorkerLostError):
            error.add_note(f"Once that is mended, go on by {_resume_call(run)}.")
        return error

    # -- spectra -----------------------------------------------------------------------------

    def sample(
        self,
        n_spectra: int | Mapping[Any, int] = 100,
        *,
        label: Any = None,
        noise: bool = True,
        dose: float | tuple[float, float] = 1.0,
        energy_jitter: float | None = None,
        thickness: float | tuple[float, float] | None = None,
        resolution: float | tuple[float, float] | None = None,
        tail: float | tuple[float, float] | None = None,
        residue: float | tuple[float, float] | None = None,
        shift: float | tuple[float, float] | None = None,
        dispersion: float | tuple[float, float] | None = None,
        mixture: Mapping[Any, float | tuple[float, float]] | None = None,
        low_loss: EELSSpectrum | Mapping[Any, EELSSpectrum] | None = None,
        plasmon_energy: float = 23.0,
        random_state: int | np.random.Generator | None = None,
        lazy: bool = False,
    ) -> EELSSpectrum:
        """Draw synthetic spectra.

        Parameters
        ----------
        n_spectra : int or dict of class to int, default 100
            Number of spectra of each class. With a dictionary the classes that it names are drawn.
        label : optional
            One of ``classes_``. By default all classes are drawn.
        noise : bool, default True
            Add the noise of the detector. Noise-free spectra of a class of max-normalised spectra
            have the maximum 1, whereas the maximum of measured spectra is that of signal and noise.
        dose : float or (float, float), default 1.0
            Dose relative to that of the training spectra, at least 1e-6. The noise is proportional
            to its inverse square root. Refined recipe only, as all that follow up to
            `plasmon_energy`. Here and there a range (low, high) is drawn from, for each spectrum.
        energy_jitter : float, optional
            Standard deviation of the energy shift in eV; 0 draws all spectra at the mean energy of
            the class. It scales the distribution of the shifts of the training spectra, which are
            found up to 24 channels to either side. Default: the spread of these shifts. Uniform
            energy axes only, as all that follow.
        thickness : float or (float, float), optional
            Change of t/λ, the thickness over the mean free path: plural scattering is added, or
            taken away where it is negative.
        resolution : float or (float, float), optional
            Full width at half maximum in eV that is added in quadrature, or taken away where it is
            negative.
        tail : float or (float, float), optional
            Exponent of the smooth factor (E / E₀)^exponent, E₀ the first energy.
        residue : float or (float, float), optional
            What background subtraction left, at the last energy, relative to the maximum. It is
            zero in the background window that ``metadata.DAG.preprocessing`` records.
        shift : float or (float, float), optional
            Energy shift in eV, besides the energy jitter.
        dispersion : float or (float, float), optional
            Relative change of the dispersion about the middle of the energy axis.
        mixture : dict of class to float or (float, float), optional
            Fraction of one other class, as at interfaces.
        low_loss : EELSSpectrum, or dict of class to EELSSpectrum, optional
            Measured low loss for `thickness`, with its zero loss, at the dispersion of the training
            spectra.
        plasmon_energy : float, default 23.0
            Energy in eV of the plasmon that is taken where there is no `low_loss`.
        random_state : int, numpy.random.Generator or None
            Default: that of the augmenter, so that each call returns the same spectra. The first
            spectra of a longer stack are those of a shorter one.
        lazy : bool, default False
            Return a ``LazyEELSSpectrum`` that draws each part when it is needed, for stacks larger
            than memory. ``.save("stack.zspy")`` streams them to disk. The spectra are those of the
            stack in memory, whatever the order and process in which parts are drawn.

        Returns
        -------
        EELSSpectrum
            Signal with navigation axes (spectrum, class), or (spectrum) with `label` or a
            dictionary, class after class, and the energy axis and the normalisation of the training
            spectra. :func:`hyperspy_dag.get_labels` returns its labels.

        Raises
        ------
        NotFittedError
            The augmenter is not fitted.
        ValueError
            `label` was not fitted, or a number is out of range.
        TypeError
            An argument is of the wrong type.

        See Also
        --------
        component : Make a component of HyperSpy models.
        hyperspy_dag.get_labels : Return the labels of the spectra.
        hyperspy_dag.get_arrays : Return spectra and labels as arrays.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> augmenter = EELSAugmenter.load("oxides.dag")
        >>> augmenter.sample(5)
        <EELSSpectrum, title: Synthetic spectra, dimensions: (5, 2|700)>
        >>> augmenter.sample(5, label="MnO", dose=0.5)
        <EELSSpectrum, title: Synthetic spectra of MnO, dimensions: (5|700)>
        >>> augmenter.sample({"MnO": 5, "MnO2": 20})
        <EELSSpectrum, title: Synthetic spectra, dimensions: (25|700)>
        """
        fit = self._fitted()
        labels = self.classes_ if label is None else [known_class("label", label, self.classes_)]
        counts = check_counts("n_spectra", n_spectra, labels)
        by_class = isinstance(n_spectra, Mapping)
        labels = list(counts)
        sampling = Sampling.checked(
            fit,
            noise,
            dose,
            energy_jitter,
            low_loss,
            plasmon_energy,
            thickness=thickness,
            resolution=resolution,
            tail=tail,
            residue=residue,
            shift=shift,
            dispersion=dispersion,
            mixture=mixture,
        )
        state = self.random_state_ if random_state is None else check_random_state(random_state)
        sources = [sampling.source(fit, self._adapted, one, state) for one in labels]
        drawn: list[Any] = [
            lazy_stack([source], n, fit.energy_axis.size)[0] if lazy else source.draw(n)
            for source, n in zip(sources, counts.values(), strict=True)
        ]
        flat = by_class or label is not None
        # Dask's own of these functions where the stack is lazy.
        spectra: Any = np.concatenate(drawn) if flat else np.stack(drawn)
        if has_unit_area(fit.preprocessing):
            spectra = spectra.map_blocks(unit_area) if lazy else unit_area(spectra)
        index = np.repeat(np.arange(len(labels)), list(counts.values())).reshape(spectra.shape[:-1])
        return synthetic_signal(
            spectra,
            index,
            labels,
            fit.energy_axis,
            self._provenance(
                labels,
                list(counts.values()) if by_class else next(iter(counts.values())),
                {"random_state": state} | sampling.record(),
            ),
            title="Synthetic spectra" if label is None else f"Synthetic spectra of {label}",
            instrument=fit.instrument,
        )

    def component(self, label: Any, n_variations: int = 3) -> EELSAugmenterComponent:
        """Make a component of HyperSpy models from a class.

        The shape is the mean of noise-free synthetic spectra of the class; the variations are their
        first principal components. The spectra are drawn without energy shifts, since the shift is
        a parameter of the component. Under the paper's recipe they contain noise and shifts, which
        its generator cannot separate.

        Parameters
        ----------
        label
            One of ``classes_``.
        n_variations : int, default 3
            Number of principal components; 0 for the mean alone.

        Returns
        -------
        EELSAugmenterComponent

        Raises
        ------
        NotFittedError
            The augmenter is not fitted.
        ValueError
            `label` was not fitted, or its spectra have fewer principal components.

        See Also
        --------
        hyperspy_dag.EELSAugmenterComponent : The component.
        sample : Draw synthetic spectra.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> augmenter = EELSAugmenter.load("oxides.dag")
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 4, "MnO2": 4})
        >>> m = s.create_model(auto_background=False, auto_add_edges=False)
        >>> m.extend([augmenter.component("MnO", 0), augmenter.component("MnO2", 0)])
        >>> m.multifit(optimizer="lstsq")
        >>> mno, mno2 = (component.intensity.map["values"] for component in m)
        >>> (mno > mno2).tolist()
        [True, True, True, True, False, False, False, False]
        """
        from .component import EELSAugmenterComponent

        check_count("n_variations", n_variations, minimum=0)
        physical = RECIPES[self.settings_.recipe].physical
        jitter = 0.0 if physical and self.energy_axis_.is_uniform else None
        clean = self.sample(_CLEAN_DRAWS, label=label, noise=False, energy_jitter=jitter)
        return EELSAugmenterComponent.of_spectra(clean, n_variations, name=str(label))

    def _provenance(
        self,
        labels: list,
        n_spectra: int | list[int],
        sampling: dict[str, Any],
    ) -> dict[str, Any]:
        """Return ``metadata.DAG``; lists are in the order of its classes.

        Lists, because class names as keys would be cut at their dots by HyperSpy's metadata.
        """
        fit = self._fitted()
        models = [fit.models[label] for label in labels]
        gates = [model.gate for model in models if model.gate is not None]
        found = {name: [getattr(gate, name) for gate in gates] for name in ("auc", "p_value")}
        return {
            "version": __version__,
            "design": fit.settings.design,
            "architecture": fit.settings.architecture,
            "recipe": fit.settings.recipe,
            "spectra_per_class": n_spectra,
            "training_spectra": [model.n_training for model in models],
            "training_digest": fit.digest,
            "preprocessing": fit.preprocessing or {},
            "random_state": self.random_state_,
            "epochs": [model.best.epoch for model in models],
            "epochs_trained": [len(model.history.generator_cost) for model in models],
            "metrics": {name: [m.best.metrics[name] for m in models] for name in METRICS},
            "baseline": {name: [m.reference.mean[name] for m in models] for name in METRICS},
            **({"gate": found} if gates else {}),
            "sampling": sampling,
            **({} if self._adapted is None else {"adaptation": self._adapted.record()}),
        }

    def fit_resample(
        self,
        s: EELSSpectrum | Sequence[EELSSpectrum] | np.ndarray,
        labels: ArrayLike | Sequence[ArrayLike],
        *,
        n_spectra: int | None = None,
        sampling_strategy: str | float | Mapping[Any, int] | Callable = "auto",
        align_on: tuple[float, float] | None = None,
        **options: Any,
    ) -> tuple[EELSSpectrum | np.ndarray, np.ndarray]:
        """Fit, and add synthetic spectra to the real ones so that the classes are balanced.

        Where all classes have as many spectra as are asked for, nothing is trained: the real
        spectra come back with a warning, and the augmenter stays as it was.

        Parameters
        ----------
        s, labels, align_on
            See :meth:`fit`. The real spectra are returned as they were trained on, in float32 and
            on the common axis of several signals. `s` may also be an array of max-normalised
            spectra, shape (n, channels), as pipelines and cross-validation of scikit-learn and
            imbalanced-learn have it. Its channels have no energies, so that the augmenter knows no
            conditions then.
        n_spectra : int, optional
            Number of spectra of each class in the result. Default: that of the largest class.
        sampling_strategy : str, dict, callable or float, default "auto"
            What is added, with the meaning that it has in imbalanced-learn: "minority", "not
            minority", "not majority", "all" or "auto", which is "not majority", bring these classes
            up to the largest; a dictionary has the number of each class that it names, real spectra
            included; a function returns such a dictionary from the labels; a number is the ratio
            of two classes, the smaller to the larger.
        **options
            `n_jobs`, `checkpoint_dir` and the others of :meth:`fit`.

        Returns
        -------
        signal : EELSSpectrum, or array of shape (n, channels) where one was given
            Signal with one navigation axis. Each class has first its real and then its synthetic
            spectra.
        labels : array of shape (n,)

        Raises
        ------
        ValueError
            `n_spectra` is smaller than the largest class, or `sampling_strategy` is not known or
            asks for fewer spectra than there are.
        RuntimeError
            The training was ended before all classes were fitted.

        Warns
        -----
        UserWarning
            There is nothing to add.

        See Also
        --------
        fit : Train generators.
        sample : Draw synthetic spectra alone.

        Examples
        --------
        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 40})
        >>> augmenter = EELSAugmenter(max_epochs=1, random_state=0)
        >>> balanced, balanced_labels = augmenter.fit_resample(s, labels)
        >>> np.unique(balanced_labels, return_counts=True)[1].tolist()
        [40, 40]
        >>> _, more = augmenter.fit_resample(s, labels, sampling_strategy={"MnO": 50})
        >>> np.unique(more, return_counts=True)[1].tolist()
        [50, 40]
        """
        unknown = [name for name in options if name not in OPTION_NAMES]
        if unknown:
            raise TypeError(
                f"fit_resample() got an unexpected argument {unknown[0]!r}; besides its own it "
                f"takes those of fit: {', '.join(OPTION_NAMES)}"
            )
        signals = _on_channels(s) if isinstance(s, np.ndarray) else s
        data = _training_set(signals, labels, align_on)
        index = data.labels.index[data.labels.index >= 0]
        y = np.asarray(data.classes)[index]
        totals = resampled_counts(sampling_strategy, n_spectra, data.counts, y)
        title = "Real and synthetic spectra"
        if totals == data.counts:
            warn(
                "every class has as many spectra as are asked for already: nothing was trained, "
                "and no synthetic spectra were added. Give a larger n_spectra= for more of each, "
                "or call fit and sample for synthetic spectra alone."
            )
            title = "Real spectra"
            made_by = {"version": __version__, "preprocessing": data.preprocessing or {}}
        else:
            self.fit(data, **options)
            missing = [label for label in data.classes if label not in self.classes_]
            if missing:
                raise RuntimeError(
                    f"the training ended before {', '.join(map(str, missing))} was fitted, so that "
                    "the classes cannot be balanced; sample() has the spectra of those that were"
                )
            made_by = self._provenance(
                self.classes_,
                list(totals.values()) if len({*totals.values()}) > 1 else max(totals.values()),
                {"random_state": self.random_state_, "noise": True, "dose": 1.0},
            )
        parts = []
        for label in data.classes:
            parts.append(data.spectra[label])
            wanted = totals[label] - data.counts[label]
            if wanted:
                drawn = self.sample(wanted, label=label).data
                parts.append(unit_maximum(drawn, data.preprocessing))
        numbers = np.repeat(np.arange(len(totals)), list(totals.values()))
        spectra = np.concatenate(parts)
        if has_unit_area(data.preprocessing):
            spectra = unit_area(spectra)
        signal = synthetic_signal(
            spectra,
            numbers,
            data.classes,
            data.energy_axis,
            made_by,
            title=title,
            instrument=data.instrument,
        )
        made = signal.data if isinstance(s, np.ndarray) else signal
        return made, np.asarray(data.classes)[numbers]

    # -- other maps ----------------------------------------------------------------------------

    def adapt(
        self,
        s_target: EELSSpectrum | Sequence[EELSSpectrum],
        *,
        low_loss: Any = None,
        plasmon_energy: float = 23.0,
        random_state: int | np.random.Generator | None = None,
        n_jobs: int | None = None,
        client: Client | None = None,
        checkpoint_dir: str | os.PathLike | None = None,
        show_progressbar: bool | None = None,
        callback: Callable[[AdaptationProgress], bool | None] | None = None,
    ) -> Any:
        """Adapt the classes to the conditions of unlabelled spectra.

        The unlabelled spectra of another region or specimen tell under which conditions they were
        measured. Thickness, tail, background residue, resolution, energy shift and dose are
        estimated for each class, as a mean over its spectra and a spread, with the fractions of the
        classes: the likelihood of the spectra under a mixture of the classes is maximised. The
        conditions of a class are expected to be those that the classes share, and these to be
        none. What they do not explain is a small correction of the clean spectra. Conditions that
        describe spectra which took no part in the estimate no better than none are not kept.

        Where held-out spectra can be told from what was found (``training="auto"``), or in any case
        (``"always"``), conditions, fractions and corrections are then trained against the
        discriminators of the augmenter's `design`. The trained state is kept where its spectra are
        nearer to the held-out ones; ``adaptation_.trained`` says whether it was.

        Parameters
        ----------
        s_target : EELSSpectrum, or list of them
            Spectra of any navigation shape, lazy or not, prepared as the training spectra were. Of
            more than 2000 a random part is used. An energy axis of finer dispersion is resampled.
            Each target of a list is adapted to by itself; all are checked first.
        low_loss : EELSSpectrum, dict of class to EELSSpectrum, or list of these, optional
            Measured low loss of the specimen, with its zero loss, at the dispersion of the training
            spectra; in a list, one for each target. By default a volume plasmon.
        plasmon_energy : float, default 23.0
            Energy in eV of the plasmon that is taken where there is no `low_loss`.
        random_state : int, numpy.random.Generator or None
            Default: that of the augmenter.
        n_jobs, client : optional
            Number of targets that are adapted to side by side, or a cluster, as in :meth:`fit`. The
            results are those of one after the other.
        checkpoint_dir : str or path, optional
            Folder in which the finished targets of a list are kept. The same call goes on where
            another was interrupted; within a target, which takes some seconds, nothing is kept.
        show_progressbar : bool, optional
            Default: HyperSpy's preference.
        callback : callable, optional
            Called with an :class:`~hyperspy_dag.adaptation.fit_target.AdaptationProgress` at each
            step. If it returns True, the adaptation ends, and finished targets are kept. Only for
            targets that are adapted to one after the other in this process.

        Returns
        -------
        EELSAugmenter, or list of EELSAugmenter
            A new augmenter, whose spectra look as those of the target. This one stays as it is. In
            a list that was ended early, None stands for targets that were not finished.

        Raises
        ------
        NotFittedError
            The augmenter is not fitted.
        TypeError, ValueError
            The target is synthetic, on another energy axis, not normalised, or has fewer than 20
            spectra with a signal. The low loss has no zero loss or another dispersion. The
            augmenter was fitted by the paper's recipe.
        AugmenterFileError
            `checkpoint_dir` holds adaptations to other targets.
        RuntimeError
            `callback` ended the adaptation to a single target.
        WorkerLostError
            The process that worked on a target was killed repeatedly.

        Warns
        -----
        UserWarning
            The conditions cannot be told: a class is hardly there, spectra look like no class, the
            target holds the training spectra.

        See Also
        --------
        classify : Classify the spectra of a map.
        sample : Draw synthetic spectra under given conditions.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> augmenter = EELSAugmenter.load("oxides.dag")
        >>> s_target, _ = simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 20}, random_state=5)
        >>> adapted = augmenter.adapt(s_target)
        >>> sorted(adapted.class_fractions_)
        ['MnO', 'MnO2']
        """
        fit = self._fitted()
        state = self.random_state_ if random_state is None else check_random_state(random_state)
        from .adaptation.fit_target import adapt_targets

        several = isinstance(s_target, list | tuple)
        targets = list(s_target) if several else [s_target]
        if not targets:
            raise ValueError("an empty list of targets was given; give at least one")
        low_losses = low_loss if isinstance(low_loss, list | tuple) else [low_loss] * len(targets)
        if len(low_losses) != len(targets):
            raise ValueError(f"{len(low_losses)} low losses were given for {len(targets)} targets")
        if not several and client is None and n_jobs is None:
            n_jobs = 1  # also where there is a client: this process has the spectra
        options = FitOptions.checked(
            n_jobs=n_jobs, client=client, show_progressbar=show_progressbar, callback=callback
        )
        found = adapt_targets(
            fit,
            targets,
            [f"s_target[{i}]" for i in range(len(targets))] if several else ["s_target"],
            low_losses=low_losses,
            plasmon_energy=plasmon_energy,
            random_state=state,
            options=options,
            folder=checkpoint_dir,
        )
        adapted = [None if one is None else self._adapted_as(one) for one in found]
        if several:
            if missing := [i for i, one in enumerate(adapted) if one is None]:
                warn(f"The adaptation was ended early: None stands for the targets {missing}.")
            return adapted
        if adapted[0] is None:
            raise RuntimeError("the adaptation was ended by callback= before there was a result")
        return adapted[0]

    def _adapted_as(self, found: AdaptedClasses) -> EELSAugmenter:
        adapted = type(self)(**self.get_params())
        adapted._result, adapted._adaptation_result = self._fitted(), found
        return adapted

    def classify(
        self,
        s_target: EELSSpectrum,
        *,
        classifier: str | BaseEstimator = "svm",
        n_spectra: int = 300,
        random_state: int | np.random.Generator | None = None,
        show_progressbar: bool | None = None,
    ) -> ClassMap:
        """Classify the spectra of a map by a classifier of synthetic spectra.

        The classifier learns from synthetic spectra of this augmenter: :meth:`adapt` it to the map
        first. It sees their first 30 principal components, and its probabilities are calibrated.
        Spectra that are further from all classes than the synthetic ones are marked as unlike them;
        after training on denoised spectra none are, as those of another map differ anyway.

        Parameters
        ----------
        s_target : EELSSpectrum
            As in :meth:`adapt`. Lazy signals are read block by block, on all cores.
        classifier : "svm" or scikit-learn classifier, default "svm"
            Support vector machine with a grid search, or a classifier that is not fitted.
        n_spectra : int, default 300
            Synthetic spectra of each class that it learns from.
        random_state : int, numpy.random.Generator or None
            Default: that of the augmenter.
        show_progressbar : bool, optional
            Default: HyperSpy's preference. It appears where the map takes more than a second.

        Returns
        -------
        ClassMap
            Labels, probabilities and a map that plots.

        Raises
        ------
        NotFittedError
            The augmenter is not fitted.
        TypeError, ValueError
            As :meth:`adapt`; or `classifier` is neither.

        See Also
        --------
        adapt : Adapt the classes to the map.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 4, "MnO2": 4}, random_state=5)
        >>> EELSAugmenter.load("oxides.dag").classify(s).labels.shape
        (8,)
        """
        from .adaptation.maps import MapClassifier, classify
        from .adaptation.target import Target

        fit = self._fitted()
        if classifier != "svm" and not hasattr(classifier, "fit"):
            raise ValueError(
                f'classifier must be "svm" or a scikit-learn classifier; got {classifier!r}'
            )
        n_spectra = check_count("n_spectra", n_spectra, minimum=20)
        state = self.random_state_ if random_state is None else check_random_state(random_state)
        target = Target.of(fit, s_target)
        synthetic = self.sample(n_spectra, random_state=state).data
        synthetic = unit_maximum(synthetic, fit.preprocessing)
        spectra = synthetic.reshape(-1, synthetic.shape[-1])
        index = np.repeat(np.arange(len(self.classes_)), n_spectra)
        trained = MapClassifier(spectra, index, classifier)
        made_by = {
            "version": __version__,
            "training_digest": fit.digest,
            "preprocessing": fit.preprocessing or {},
            "classifier": "svm" if isinstance(classifier, str) else repr(classifier),
            "spectra_per_class": n_spectra,
            "random_state": state,
            **({} if self._adapted is None else {"adaptation": self._adapted.record()}),
        }
        return classify(target, s_target, trained, self.classes_, made_by, show_progressbar)

    # -- validation --------------------------------------------------------------------------

    def evaluate(
        self,
        s_test: EELSSpectrum | Sequence[EELSSpectrum],
        labels_test: ArrayLike | Sequence[ArrayLike],
        *,
        s_train: EELSSpectrum | Sequence[EELSSpectrum] | None = None,
        labels_train: ArrayLike | Sequence[ArrayLike] | None = None,
        classifiers: Sequence[str] = ("svm", "ann"),
        baselines: Sequence[str] = ("noise", "pca_mixture_dose"),
        n_spectra: int | None = None,
        windows: WhiteLineWindows | None = None,
        random_state: int | np.random.Generator | None = None,
    ) -> Report:
        """Compare the synthetic spectra with real spectra that were not trained on.

        Parameters
        ----------
        s_test : EELSSpectrum, or list of them
            Real spectra, preprocessed as the training spectra were; at least 6 of each class.
            Signals in a list are rebinned to the energy axis of the training spectra if they have
            another.
        labels_test : array-like or signal of the navigation shape, or list of them
            Class of each spectrum, in a format of :meth:`fit`.
        s_train, labels_train, classifiers, baselines, n_spectra, windows, random_state
            See :func:`hyperspy_dag.validation.evaluate`, which also describes the metrics.

        Returns
        -------
        hyperspy_dag.validation.Report
            Verdicts, tables and pictures, which notebooks display.

        See Also
        --------
        hyperspy_dag.validation.evaluate : The same as a function.
        hyperspy_dag.validation.Report : The result.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> augmenter = EELSAugmenter.load("oxides.dag")
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s_test, labels_test = simulated_oxides("WL-Mn", {"MnO": 20, "MnO2": 20}, random_state=1)
        >>> augmenter.evaluate(s_test, labels_test, classifiers=())
        <Report, 2 classes, 40 test spectra: look at; to_html(path) shows it all>
        """
        from .validation import evaluate

        return evaluate(
            self,
            s_test,
            labels_test,
            s_train=s_train,
            labels_train=labels_train,
            classifiers=classifiers,
            baselines=baselines,
            n_spectra=n_spectra,
            windows=windows,
            random_state=random_state,
        )

    # -- files -------------------------------------------------------------------------------

    def save(self, filename: str | os.PathLike, overwrite: bool = False) -> None:
        """Write the fitted augmenter to one file.

        Parameters
        ----------
        filename : str or path
            Name of the file, usually with the ending ".dag".
        overwrite : bool, default False
            Replace an existing file.

        Raises
        ------
        NotFittedError
            The augmenter is not fitted.
        FileExistsError, FileNotFoundError, PermissionError, OSError
            The file cannot be written. An existing file of that name is unchanged then.

        See Also
        --------
        load : Read the file.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> augmenter = EELSAugmenter.load("oxides.dag")
        >>> augmenter.save("copy.dag", overwrite=True)
        """
        fit = self._fitted()
        path = check_writable(filename, overwrite)
        header, arrays = {"package_version": __version__} | fit.header(), fit.arrays()
        if self._adapted is not None:
            header["adaptation"] = self._adapted.header()
            arrays |= {f"adaptation/{k}": array for k, array in self._adapted.arrays().items()}
        files.write(path, header, arrays)

    @classmethod
    def load(cls, filename: str | os.PathLike) -> EELSAugmenter:
        """Read an augmenter written by :meth:`save`; execute no code from the file.

        Parameters
        ----------
        filename : str or path

        Returns
        -------
        EELSAugmenter
            A fitted augmenter.

        Raises
        ------
        FileNotFoundError
            The file does not exist.
        AugmenterFileError
            The file is damaged, not of this package, or of a newer version of it. It is a
            ValueError.

        See Also
        --------
        save : Write the file.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> EELSAugmenter.load("oxides.dag").classes_
        ['MnO', 'MnO2']
        """
        path = Path(filename).expanduser()
        header, arrays = files.read(path)
        try:
            result = FitResult.of_file(header, arrays)
            _check_models(result)
            adapted = header.get("adaptation")
            if adapted is not None:
                own = files.below(arrays, "adaptation")
                energies, classes = result.energy_axis.energies, list(result.models)
                adapted = AdaptedClasses.of_file(adapted, own, classes, energies)
        except AugmenterFileError:
            raise
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise _not_understood(path, error) from error
        augmenter = cls(**result.settings.as_dict())
        augmenter._result, augmenter._adaptation_result = result, adapted
        return augmenter


def _training_set(s: Any, labels: Any, align_on: tuple[float, float] | None) -> TrainingSet:
    """Return the given training set, or read one and warn."""
    if isinstance(s, TrainingSet):
        if labels is not None or align_on is not None:
            raise TypeError("a TrainingSet has its labels and axis: leave labels and align_on out")
        return s
    data = read_training_set(s, labels, align_on=align_on)
    data.warn()
    return data


def _on_channels(spectra: np.ndarray) -> EELSSpectrum:
    """Return an array of spectra as a signal whose axis says nothing of energies."""
    from exspy.signals import EELSSpectrum

    if spectra.ndim != 2:
        raise ValueError(
            f"an array of spectra must have the shape (n, channels); got {spectra.shape}"
        )
    s = EELSSpectrum(spectra)
    s.axes_manager.signal_axes[0].convert_to_non_uniform_axis()
    return s


def _check_models(fit: FitResult) -> None:
    """Check that the generators are those of the settings."""
    shapes = weight_shapes(fit.energy_axis.size, fit.architecture, fit.recipe)
    for model in fit.models.values():
        if (model.class_model is not None) != fit.recipe.physical:
            raise ValueError("a statistical model where there should be none, or none")
        if [weight.shape for weight in model.weights] != shapes:
            raise ValueError("weights that do not belong to the architecture")


def _not_understood(path: Path, error: Exception) -> AugmenterFileError:
    return AugmenterFileError(
        f"{path} is a file whose content this version does not understand "
        f"({type(error).__name__}: {error})"
    )


def _resume_call(run: Run) -> str:
    return f"EELSAugmenter.resume({str(run.folder)!r})"
