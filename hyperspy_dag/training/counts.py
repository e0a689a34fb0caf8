# SPDX-License-Identifier: GPL-3.0-or-later
"""How many spectra of each class are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hyperspy_dag._utils.checks import check_choice, check_count, check_number

#: As in imbalanced-learn, where spectra are added.
STRATEGIES = ("auto", "minority", "not minority", "not majority", "all")


def known_class(name: str, label: Any, classes: Iterable[Any]) -> Any:
    """Return the class that is called `label`; True is no 1 here."""
    classes = list(classes)
    for one in classes:
        if one == label and isinstance(one, bool) == isinstance(label, bool | np.bool_):
            return one
    raise ValueError(
        f"{name}={label!r} was not fitted; the classes are {', '.join(map(repr, classes))}"
    )


def check_counts(name: str, given: Any, classes: Iterable[Any]) -> dict[Any, int]:
    """Return the number for each class that is named, in the order of `classes`.

    Raises
    ------
    TypeError, ValueError
        `given` is neither a whole number, for all classes, nor a dictionary of them by class.
    """
    classes = list(classes)
    if not isinstance(given, Mapping):
        return dict.fromkeys(classes, check_count(name, given))
    if not given:
        raise ValueError(f"{name} is an empty dictionary; give a number, or one for each class")
    counts = {
        known_class(f"{name}: label", label, classes): check_count(f"{name}[{label!r}]", number)
        for label, number in given.items()
    }
    return {label: counts[label] for label in classes if label in counts}


def resampled_counts(
    strategy: Any, n_spectra: int | None, counts: dict[Any, int], y: np.ndarray
) -> dict[Any, int]:
    """Return how many spectra of each class there are to be, real ones included.

    Parameters
    ----------
    strategy
        See :meth:`hyperspy_dag.EELSAugmenter.fit_resample`.
    n_spectra : int, optional
        Of every class.
    counts : dict of class to int
        Of the real spectra.
    y : array of shape (n,)
        Their labels, for a `strategy` that is a function.
    """
    smallest = min(counts, key=counts.__getitem__)
    largest = max(counts, key=counts.__getitem__)
    if n_spectra is not None:
        if strategy != "auto":
            raise ValueError(
                "give n_spectra, the number of all classes, or sampling_strategy, not both"
            )
        if check_count("n_spectra", n_spectra) < counts[largest]:
            raise ValueError(
                f"n_spectra={n_spectra} is less than class {largest!r} has "
                f"({counts[largest]}); give at least that, or leave it out"
            )
        return dict.fromkeys(counts, int(n_spectra))
    if callable(strategy):
        strategy = strategy(y)
    if isinstance(strategy, Mapping):
        wanted = check_counts("sampling_strategy", strategy, counts)
    elif isinstance(strategy, str):
        check_choice("sampling_strategy", strategy, STRATEGIES)
        # Where all are brought up to the largest, it does not matter that it is among them.
        some = {"minority": [smallest], "not minority": [c for c in counts if c != smallest]}
        wanted = dict.fromkeys(some.get(strategy, list(counts)), counts[largest])
    else:
        ratio = check_number("sampling_strategy", strategy, above=0)
        if len(counts) != 2 or ratio > 1:
            raise ValueError(
                f"sampling_strategy={strategy!r} is the ratio of the smaller to the larger of two "
                f"classes, at most 1; there are {len(counts)}. Give a dictionary of class to number"
            )
        wanted = {smallest: int(ratio * counts[largest])}
    for label, number in wanted.items():
        if number < counts[label]:
            raise ValueError(
                f"sampling_strategy asks for {number} spectra of class {label!r}, which has "
                f"{counts[label]}: none are taken away. It is the number with the real ones"
            )
    return counts | wanted
