# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled sets of simulated oxide spectra, as signals."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from hyperspy_dag._utils.checks import check_count, check_flag, check_number

from ._classes import (
    DATA_SETS,
    EDGES,
    FLOOR,
    MEASUREMENTS,
    PHASES,
    PLASMON_ENERGY,
    PLASMON_FWHM,
    Measurement,
    OxideClass,
)
from ._physics import SPREAD_REACH, Optics, detect, power_law

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

RandomState = int | np.random.Generator | np.random.SeedSequence | None

_MIXTURES = 1000
"""Stands in the seeds where the number of a class stands otherwise."""

_BLOCK = 128
"""Spectra drawn from one stream: enough to be fast, few enough to throw some away."""


def simulated_oxides(
    dataset: str = "WL-Mn",
    n_spectra: int | Mapping[str, int] | None = None,
    *,
    raw: bool = False,
    random_state: RandomState = 0,
) -> tuple[EELSSpectrum, NDArray[np.str_]]:
    """Simulate one of the labelled oxide sets of del-Pozo-Bueno et al. 2024.

    Ionisation edges with their fine structure, plural scattering, power-law background, energy
    drift and resolution, dose, counting statistics and the point spread of the detector are
    simulated for every spectrum; composition, thickness, dose, drift and resolution vary
    continuously within a class. The signal-to-noise ratio of every class
    (:func:`hyperspy_dag.metrics.snr`) is that of the paper's Table 2 within 10 %. It differs more
    for few spectra, in particular for few denoised ones (``MF``).

    Parameters
    ----------
    dataset : {"W", "K", "WL-Fe", "WL-Mn", "MF"}, default "WL-Mn"
        ========= ======================================================= ================ ==== ====
        name      classes (spectra)                                       energy / eV      ch.  eV
        ========= ======================================================= ================ ==== ====
        ``W``     FeO (2744), Fe3O4 (1350)                                460 to 799.75    1360 0.25
        ``K``     the same spectra, O K edge                              460 to 609.75    600  0.25
        ``WL-Fe`` the same spectra, Fe white lines                        612.5 to 787.25  700  0.25
        ``WL-Mn`` MnO (992), Mn2O3 (841), MnO2 (1260), Mn white lines     615 to 684.9     700  0.1
        ``MF``    Fe3O4 core (1415), Mn ferrite shell (1043), denoised    580 to 784.7     2048 0.1
        ========= ======================================================= ================ ==== ====

        The paper's WL set has two parts, ``WL-Fe`` and ``WL-Mn``.
    n_spectra : int or mapping of class name to int, optional
        Number of spectra per class; 0 for classes that are not in the mapping. Default: the numbers
        of the paper.
    raw : bool, default False
        Return raw counts with background on a longer axis (see Notes) instead of preprocessed
        spectra.
    random_state : int, numpy.random.Generator, numpy.random.SeedSequence or None, default 0
        The same number or seed sequence gives the same spectra. A generator is advanced. None gives
        different spectra each time. The first n raw spectra of a class do not depend on the numbers
        of spectra of this or other classes.

    Returns
    -------
    s : exspy.signals.EELSSpectrum
        Shape (spectra, channels), class after class in the order of the table: raw counts in int32,
        or background-subtracted, max-normalised spectra in float32. The parameters of the
        simulation are in ``s.metadata.Simulation``.
    labels : numpy.ndarray of str, shape (spectra,)
        Class name of each spectrum.

    Raises
    ------
    TypeError
        ``dataset``, ``n_spectra``, ``raw`` or ``random_state`` is not of the type given above.
    ValueError
        Unknown data set or class, a number of spectra below 1 (0 in a mapping is allowed, but not
        for all classes), or a negative seed.

    See Also
    --------
    simulated_mixtures : Simulate mixtures of the classes.
    hyperspy_dag.preprocessing.preprocess : Preprocess raw counts.

    Notes
    -----
    ``PREPROCESSING[dataset]`` holds the arguments that convert raw counts exactly to the
    preprocessed set::

        s, labels = simulated_oxides("K", raw=True)
        s = s.dag_preprocess(**PREPROCESSING["K"])

    The raw axes run from 430 to 809.75 eV (W, K, WL-Fe: the same counts), 585 to 689.9 eV (WL-Mn)
    and 560 to 789.9 eV (MF). The principal components of ``MF`` are those of the whole set, as in
    the paper, so that preprocessed MF spectra depend slightly on the numbers of spectra.

    Energy scale, shift and ratio of the white lines follow Tan et al., Ultramicroscopy 116, 24
    (2012); the O K edges Colliex et al., Phys. Rev. B 44, 11402 (1991). The parameters of each
    class are in `OXIDE_CLASSES`.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> s, labels = simulated_oxides("WL-Mn", n_spectra=10)
    >>> s
    <EELSSpectrum, title: Simulated oxides, WL-Mn, dimensions: (30|700)>
    >>> labels[[0, 10, 20]].tolist()
    ['MnO', 'Mn2O3', 'MnO2']

    Raw counts of one class:

    >>> simulated_oxides("K", {"FeO": 10}, raw=True)[0]
    <EELSSpectrum, title: Simulated oxides, K, dimensions: (10|1520)>
    """
    plan = DATA_SETS[_check_dataset(dataset)]
    check_flag("raw", raw)
    measurement = MEASUREMENTS[plan.measurement]
    counts = _class_counts(dataset, measurement, n_spectra)
    seed = _seed_sequence(random_state)

    labels = np.repeat(np.array(list(counts)), list(counts.values()))
    data = np.empty((len(labels), measurement.size), dtype=np.int32)
    _fill(data, measurement, counts, seed)
    signal = _as_signal(data, dataset, measurement, counts, seed)
    if raw:
        return signal, labels
    from hyperspy_dag.preprocessing import preprocess

    return preprocess(signal, **PREPROCESSING[dataset]), labels


def simulated_mixtures(
    dataset: str,
    fractions: ArrayLike,
    *,
    dose: float = 1.0,
    drift: float = 1.0,
    raw: bool = False,
    random_state: RandomState = 0,
) -> EELSSpectrum:
    """Simulate spectra of known mixtures of the classes of an oxide set.

    Expected spectra of the classes are drawn as in :func:`simulated_oxides` and added; the noise of
    the detector is applied to the sum. The classes in a spectrum have the same dose, thickness,
    energy drift and resolution, but compositions of their own.

    Parameters
    ----------
    dataset : {"W", "K", "WL-Fe", "WL-Mn"}
        See :func:`simulated_oxides`.
    fractions : array-like, shape (..., classes)
        Fraction of each class in the order of the set; not negative, with sum 1. They are fractions
        of the signal: before mixing, the clean edges of all classes are scaled to the same maximum.
        The dose is interpolated between those of the classes.
    dose : float, default 1.0
        Dose relative to that of the set.
    drift : float, default 1.0
        Energy drift relative to that of the set; 0 for spectra that are aligned by their zero-loss
        peak.
    raw : bool, default False
        See :func:`simulated_oxides`.
    random_state : int, numpy.random.Generator, numpy.random.SeedSequence or None, default 0
        The same number gives the same spectra.

    Returns
    -------
    exspy.signals.EELSSpectrum
        Shape (..., channels) of ``fractions``: raw counts, or background-subtracted,
        max-normalised spectra.

    Raises
    ------
    TypeError, ValueError
        Unknown data set, wrong ``fractions``, or the data set ``MF``, whose principal components
        would be changed by the mixtures.

    See Also
    --------
    simulated_oxides : Simulate the pure classes.

    Examples
    --------
    A line scan of 5 spectra from pure MnO to pure MnO2:

    >>> from hyperspy_dag.data import simulated_mixtures
    >>> share = np.linspace(0, 1, 5)
    >>> fractions = np.stack([1 - share, 0 * share, share], axis=1)  # MnO, Mn2O3, MnO2
    >>> simulated_mixtures("WL-Mn", fractions)
    <EELSSpectrum, title: Simulated mixtures, WL-Mn, dimensions: (5|700)>
    """
    plan = DATA_SETS[_check_dataset(dataset)]
    if "pca_components" in PREPROCESSING[dataset]:
        raise ValueError(
            f"mixtures of {dataset!r} cannot be simulated, since it is denoised by principal "
            "components of the whole set; choose another"
        )
    measurement = MEASUREMENTS[plan.measurement]
    fractions = _check_fractions(fractions, list(measurement.classes))
    dose = check_number("dose", dose, above=0.0)
    drift = check_number("drift", drift, minimum=0.0)
    oxides = [replace(oxide, drift=drift * oxide.drift) for oxide in measurement.classes.values()]
    seed = _seed_sequence(random_state)
    rows = fractions.reshape(-1, fractions.shape[-1])
    data = np.empty((len(rows), measurement.size), np.int32)
    energy, optics = _instrument(measurement)
    window = PREPROCESSING[dataset]["signal_range"]
    seen = (energy >= window[0]) & (energy <= window[1])
    for block, start in enumerate(range(0, len(rows), _BLOCK)):
        part = rows[start : start + _BLOCK]
        key = (*seed.spawn_key, measurement.key, _MIXTURES, block)
        composition, spot, noise = (
            np.random.SeedSequence(seed.entropy, spawn_key=(*key, i)) for i in range(3)
        )
        compositions = np.random.default_rng(composition)
        pure = [
            _expected(
                # Anew for each class: the same spot and moment.
                np.random.default_rng(spot),
                energy,
                optics,
                oxide,
                measurement,
                compositions.dirichlet(list(oxide.mixture.values()), _BLOCK),
            )
            for oxide in oxides
        ]
        peaks = np.stack([edges[:, seen].max(axis=1) for edges, _ in pure], axis=1)[: len(part)]
        height = (part * peaks).sum(axis=1, keepdims=True)
        weights = part * height / peaks
        mixed = sum(
            weights[:, i : i + 1] * (edges + background)[: len(part)]
            for i, (edges, background) in enumerate(pure)
        )
        data[start : start + len(part)] = detect(
            dose * mixed,
            np.random.default_rng(noise),
            gain=measurement.gain,
            readout=measurement.readout,
        )
    counts = dict.fromkeys(measurement.classes, 0)
    signal = _as_signal(data.reshape(*fractions.shape[:-1], -1), dataset, measurement, counts, seed)
    signal.metadata.General.title = f"Simulated mixtures, {dataset}"
    signal.metadata.set_item("Simulation.relative_dose", dose)
    signal.metadata.set_item("Simulation.relative_drift", drift)
    if raw:
        return signal
    from hyperspy_dag.preprocessing import preprocess

    return preprocess(signal, **PREPROCESSING[dataset])


PREPROCESSING: Mapping[str, dict[str, Any]] = {
    name: {
        key: getattr(plan, key)
        for key in ("background_range", "signal_range", "pca_components")
        if getattr(plan, key) is not None
    }
    for name, plan in DATA_SETS.items()
}
"""Arguments of ``s.dag_preprocess`` that make each set of its raw counts; energies in eV."""

OXIDE_CLASSES: Mapping[str, Mapping[str, OxideClass]] = {
    name: MEASUREMENTS[plan.measurement].classes for name, plan in DATA_SETS.items()
}
"""Parameters of the classes of each set."""


# --- the simulation -------------------------------------------------------------------------------


def _fill(
    data: NDArray[np.int32],
    measurement: Measurement,
    counts: Mapping[str, int],
    seed: np.random.SeedSequence,
) -> None:
    """Write the raw counts of all classes, one class after the other."""
    energy, optics = _instrument(measurement)
    start = 0
    for index, (name, oxide) in enumerate(measurement.classes.items()):
        stop = start + counts.get(name, 0)
        for block, row in enumerate(range(start, stop, _BLOCK)):
            # Spawned by hand: SeedSequence.spawn would change the user's object.
            stream = np.random.SeedSequence(
                seed.entropy,
                spawn_key=(*seed.spawn_key, measurement.key, index, block),
                pool_size=seed.pool_size,
            )
            rng = np.random.default_rng(stream)
            spectra = _draw(rng, energy, optics, oxide, measurement)
            rows = slice(row, min(row + _BLOCK, stop))
            data[rows] = spectra[: rows.stop - rows.start]
        start = stop


def _instrument(measurement: Measurement) -> tuple[NDArray[np.float64], Optics]:
    """Return the energies that reach the detector, point spread included, and the optics."""
    channel = np.arange(-SPREAD_REACH, measurement.size + SPREAD_REACH, dtype=np.float64)
    energy = measurement.offset + measurement.scale * channel
    optics = Optics(
        energy,
        list(EDGES.values()),
        floor=FLOOR,
        plasmon_energy=PLASMON_ENERGY,
        plasmon_fwhm=PLASMON_FWHM,
    )
    return energy, optics


def _draw(
    rng: np.random.Generator,
    energy: NDArray[np.float64],
    optics: Optics,
    oxide: OxideClass,
    measurement: Measurement,
) -> NDArray[np.int32]:
    """Draw one block of raw spectra of a class."""
    composition = rng.dirichlet(list(oxide.mixture.values()), _BLOCK)
    edges, background = _expected(rng, energy, optics, oxide, measurement, composition)
    return detect(edges + background, rng, gain=measurement.gain, readout=measurement.readout)


def _expected(
    rng: np.random.Generator,
    energy: NDArray[np.float64],
    optics: Optics,
    oxide: OxideClass,
    measurement: Measurement,
    composition: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the expected electrons of edges and background, before the detector."""
    phases = np.array([[PHASES[p].get(e, 0.0) for e in EDGES] for p in oxide.mixture])
    relative = np.exp(oxide.thickness_spread * _deviates(rng))
    shift = oxide.drift * _deviates(rng)
    blur = rng.uniform(*oxide.resolution, _BLOCK)
    dose = oxide.dose * np.exp(oxide.dose_spread * _deviates(rng))

    edges = optics.spectra(composition @ phases, oxide.thickness * relative, shift, blur)
    # More plural scattering in thicker parts: a higher and a flatter background under the edge.
    exponent = oxide.exponent - 0.5 * oxide.thickness * (relative - 1)
    height = oxide.background * np.sqrt(relative)
    background = height[:, np.newaxis] * power_law(energy, measurement.l3, exponent)
    electrons = (dose / (1 + height))[:, np.newaxis]
    return edges * electrons, background * electrons


def _deviates(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw normal deviates between -2 and 2.

    A single spectrum beyond can dominate the standard deviation of a class.
    """
    return ndtri(rng.uniform(ndtr(-2.0), ndtr(2.0), _BLOCK))


# --- signal ---------------------------------------------------------------------------------------


def _as_signal(
    data: NDArray[np.int32],
    dataset: str,
    measurement: Measurement,
    counts: Mapping[str, int],
    seed: np.random.SeedSequence,
) -> EELSSpectrum:
    from exspy.signals import EELSSpectrum

    names = ["spectrum"] if data.ndim == 2 else [*"zyx"][4 - data.ndim :]
    axes = [
        *(
            {"name": n, "size": size, "navigate": True}
            for n, size in zip(names, data.shape[:-1], strict=True)
        ),
        {
            "name": "Energy loss",
            "offset": measurement.offset,
            "scale": measurement.scale,
            "size": measurement.size,
            "units": "eV",
            "navigate": False,
        },
    ]
    signal = EELSSpectrum(data, axes=axes)
    signal.metadata.General.title = f"Simulated oxides, {dataset}"
    signal.metadata.set_item("Signal.quantity", "Electrons (Counts)")
    signal.set_microscope_parameters(
        beam_energy=200.0, convergence_angle=15.0, collection_angle=30.0
    )
    signal.metadata.set_item("Acquisition_instrument.TEM.acquisition_mode", "STEM")
    signal.metadata.set_item(
        "Simulation",
        {
            "simulated": True,
            "dataset": dataset,
            "entropy": str(seed.entropy),
            "spawn_key": str(tuple(seed.spawn_key)),
            "gain": measurement.gain,
            "readout": measurement.readout,
            "classes": {
                name: asdict(measurement.classes[name]) | {"n_spectra": n}
                for name, n in counts.items()
            },
        },
    )
    return signal


# --- checks of the arguments ----------------------------------------------------------------------


def _nearest(given: str, allowed: Mapping[str, Any]) -> str:
    """Return a hint at the allowed name that is most similar, ignoring case."""
    lower = {name.lower(): name for name in allowed}
    near = difflib.get_close_matches(given.strip().lower(), list(lower), n=1, cutoff=0.4)
    return f" Did you mean {lower[near[0]]!r}?" if near else ""


def _check_dataset(dataset: object) -> str:
    if not isinstance(dataset, str):
        raise TypeError(f"dataset must be one of {', '.join(DATA_SETS)}; got {dataset!r}.")
    if dataset.strip().upper() == "WL":
        raise ValueError(
            "the WL set has two parts on energy axes of their own: ask for dataset='WL-Fe' and "
            "dataset='WL-Mn'."
        )
    if dataset not in DATA_SETS:
        raise ValueError(
            f"dataset={dataset!r} is not known; choose from {', '.join(DATA_SETS)}."
            f"{_nearest(dataset, DATA_SETS)}"
        )
    return dataset


def _class_counts(
    dataset: str, measurement: Measurement, n_spectra: int | Mapping[str, int] | None
) -> dict[str, int]:
    """Return the number of spectra of each class with any, in the order of the classes."""
    classes = measurement.classes
    if n_spectra is None:
        return {name: oxide.count for name, oxide in classes.items()}
    if not isinstance(n_spectra, Mapping):
        if not isinstance(n_spectra, numbers.Integral) or isinstance(n_spectra, bool):
            raise TypeError(
                "n_spectra must be a whole number, a mapping of class name to whole number, or "
                f"None; got {n_spectra!r}."
            )
        return dict.fromkeys(classes, check_count("n_spectra", n_spectra))
    for name in n_spectra:
        if name not in classes:
            raise ValueError(
                f"n_spectra names the class {name!r}, which {dataset} has not; its classes are "
                f"{', '.join(classes)}.{_nearest(str(name), classes)}"
            )
    counts = {
        name: check_count(f"n_spectra[{name!r}]", n_spectra[name], minimum=0)
        for name in classes
        if name in n_spectra
    }
    counts = {name: n for name, n in counts.items() if n}
    if not counts:
        raise ValueError(
            f"n_spectra={dict(n_spectra)!r} asks for no spectrum at all; the classes of {dataset} "
            f"are {', '.join(classes)}."
        )
    return counts


def _check_fractions(fractions: ArrayLike, classes: list[str]) -> NDArray[np.float64]:
    fractions = np.array(fractions, float)
    if not 2 <= fractions.ndim <= 4 or fractions.shape[-1] != len(classes) or not fractions.size:
        raise ValueError(
            f"fractions must have one to three axes of spectra and a last one for the "
            f"{len(classes)} classes {', '.join(classes)}; the shape {fractions.shape} was given"
        )
    if not (fractions >= 0).all() or not np.allclose(fractions.sum(axis=-1), 1):
        raise ValueError("fractions must not be negative, and their sum in each spectrum 1")
    return fractions


def _seed_sequence(random_state: object) -> np.random.SeedSequence:
    if isinstance(random_state, np.random.SeedSequence):
        return random_state
    if random_state is None:
        return np.random.SeedSequence()
    if isinstance(random_state, np.random.Generator):
        return np.random.SeedSequence([int(n) for n in random_state.integers(2**32, size=4)])
    if not isinstance(random_state, numbers.Integral) or isinstance(random_state, bool):
        raise TypeError(
            "random_state must be a whole number, a numpy Generator or SeedSequence, or None; got "
            f"{random_state!r}."
        )
    return np.random.SeedSequence(check_count("random_state", random_state, minimum=0))
