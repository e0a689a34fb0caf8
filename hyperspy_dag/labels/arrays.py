# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra and labels as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag.preprocessing.masked import read_spectra
from hyperspy_dag.preprocessing.resampling import is_normalised

from .label_map import get_labels
from .parsing import parse_labels

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal


def get_arrays(s: BaseSignal, labels: Any = None) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return spectra and labels as arrays, for a classifier of any library.

    Parameters
    ----------
    s : exspy.signals.EELSSpectrum
        Normalised spectra, synthetic or real, lazy or not.
    labels : array-like or signal of the navigation shape, optional
        Labels of real spectra. Default: those that the signal carries.

    Returns
    -------
    X : numpy.ndarray of float32, shape (n, channels)
        The labelled spectra, one after the other, normalised as they are in the signal. A copy that
        is contiguous and writable, as PyTorch wants it.
    y : numpy.ndarray of str, int or bool, shape (n,)
        Their labels.

    Raises
    ------
    TypeError
        `s` is no HyperSpy signal, or the labels are of no accepted kind.
    ValueError
        There are no labels, or the spectra are not normalised or hold NaN.

    See Also
    --------
    hyperspy_dag.get_labels : Return the labels alone.
    exspy.signals.EELSSpectrum.dag_preprocess : Normalise real spectra.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter, get_arrays
    >>> from sklearn.svm import SVC
    >>> X, y = get_arrays(EELSAugmenter.load("oxides.dag").sample(50))
    >>> X.shape, X.dtype.name
    ((100, 700), 'float32')
    >>> SVC().fit(X, y).classes_.tolist()
    ['MnO', 'MnO2']
    """
    parsed = parse_labels(s, get_labels(s) if labels is None else labels)
    where = np.nonzero(parsed.index >= 0)
    if not len(where[0]):
        raise ValueError("no spectrum is labelled: there is nothing to train on or to test")
    spectra = np.array(read_spectra(s.data, where), dtype=np.float32, order="C")
    broken = ~np.isfinite(spectra).all(axis=1)
    if broken.any():
        raise ValueError(
            f"{int(broken.sum())} of {len(spectra)} labelled spectra hold masked values, NaN or "
            "infinity; mark them unlabelled (-1 or None)"
        )
    if not is_normalised(s):
        raise ValueError(
            "the spectra are not normalised, while synthetic ones are: prepare them as the "
            "training spectra, s = s.dag_preprocess(background_range=..., signal_range=...)"
        )
    return spectra, np.asarray(parsed.classes)[parsed.index[where]]
