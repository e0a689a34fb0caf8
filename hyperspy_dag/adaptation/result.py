# SPDX-License-Identifier: GPL-3.0-or-later
"""What an adaptation found, and its form in a file."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag.dag.condition_draws import ADAPTED, AdaptedLaw, AdaptedPhysics
from hyperspy_dag.io.files import below, finite

from .engine import UNLIKELY

#: What is kept of the spectra of an adaptation.
SEEN = ("target", "before", "after")

#: Units of the conditions for people, and what is none of them.
UNITS = {"thickness": " t/λ", "resolution": " eV", "shift": " eV"}
_NONE = {"thickness": 0.0, "tail": 0.0, "residue": 0.0, "resolution": 0.0, "shift": 0.0}


class Found(NamedTuple):
    """A condition that was found for a class.

    Attributes
    ----------
    mean : float
        Over the class's spectra in the target.
    spread : float
        Standard deviation over these spectra.
    low, high : float
        90 % interval of the mean.
    """

    mean: float
    spread: float
    low: float
    high: float


@dataclass(frozen=True, repr=False)
class AdaptedClasses:
    """What was found in a target.

    Attributes
    ----------
    laws : dict of class to AdaptedLaw
    conditions : dict of class to dict of str to Found
        Thickness (Δt/λ), tail (exponent), residue (of the maximum), resolution (full width at half
        maximum added in quadrature, eV; negative where sharper), shift (eV), dose (relative).
    fractions : dict of class to float
        Of the target's spectra that are like one of the classes.
    fraction_intervals : dict of class to (float, float)
        90 %.
    unlike : float
        Share of the target's spectra that are like none of the classes.
    p_value : float
        Small where the target looks like nothing that the classes can become.
    figures : dict of str to float
        Two-sample figures of the judgement.
    trained : bool
        Whether the state that was kept is one of the adversarial training.
    messages : tuple of str
        Warnings.
    n_target : int
        Spectra that were adapted to.
    random_state : int
    seen : dict of str to array of shape (2, channels)
        Mean and standard deviation of the target's spectra ("target") and of synthetic ones, as
        labelled ("before") and adapted ("after").

    See Also
    --------
    hyperspy_dag.EELSAugmenter.adapt : Adapt an augmenter.
    hyperspy_dag.plotting.plot_adaptation : Plot it.

    Examples
    --------
    The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

    >>> from hyperspy_dag import EELSAugmenter
    >>> from hyperspy_dag.data import simulated_oxides
    >>> s, _ = simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 20}, random_state=5)
    >>> found = EELSAugmenter.load("oxides.dag").adapt(s).adaptation_
    >>> len(found.lines()) >= 4
    True
    """

    laws: dict[Any, AdaptedLaw]
    conditions: dict[Any, dict[str, Found]]
    fractions: dict[Any, float]
    fraction_intervals: dict[Any, tuple[float, float]]
    unlike: float
    p_value: float
    figures: dict[str, float]
    trained: bool
    messages: tuple[str, ...]
    n_target: int
    random_state: int
    seen: dict[str, NDArray[np.float64]]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    __repr__ = __str__

    def lines(self) -> list[str]:
        """Return in words what was found, a line for each class and for each warning."""
        found = [f"Adapted to {self.n_target} unlabelled spectra (intervals of 90 %)."]
        for label, own in self.conditions.items():
            low, high = self.fraction_intervals[label]
            share = f"{self.fractions[label]:.0%} of them ({100 * low:.0f} to {high:.0%})"
            told = [_words(name, one) for name, one in own.items() if one.mean != _NONE.get(name)]
            found.append(f"{label}: {share}; {'; '.join(told) or 'as labelled'}.")
        found.append(f"Like none of the classes: {self.unlike:.1%}.")
        if np.isfinite(self.p_value):
            verdict = "looks like" if self.p_value >= UNLIKELY else "does not look like"
            found.append(
                f"The target {verdict} what the classes can become (p = {self.p_value:.2g})."
            )
        return [*found, *(f"Warning: {message}." for message in self.messages)]

    def _repr_html_(self) -> str:
        first, *rows = (html.escape(line) for line in self.lines())
        return f"<div><p><b>{first}</b></p><ul>{''.join(f'<li>{r}</li>' for r in rows)}</ul></div>"

    def plot(self) -> NDArray[np.object_]:
        """Plot the target beside the synthetic spectra before and after, and the conditions.

        Returns
        -------
        array of matplotlib axes

        See Also
        --------
        hyperspy_dag.plotting.plot_adaptation : The same as a function.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, _ = simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 20}, random_state=5)
        >>> axes = EELSAugmenter.load("oxides.dag").adapt(s).adaptation_.plot()
        """
        from hyperspy_dag.plotting import plot_adaptation

        return plot_adaptation(self)

    def record(self) -> dict[str, Any]:
        """Return what ``metadata.DAG.adaptation`` says; lists are in the order of the classes."""
        names = list(next(iter(self.conditions.values()), {}))
        return {
            "n_target": self.n_target,
            "random_state": self.random_state,
            "fractions": list(self.fractions.values()),
            "fraction_intervals": [list(one) for one in self.fraction_intervals.values()],
            "unlike": self.unlike,
            "p_value": self.p_value,
            "trained": self.trained,
            "conditions": {
                name: [own[name].mean for own in self.conditions.values()] for name in names
            },
            "intervals": {
                name: [list(own[name][2:]) for own in self.conditions.values()] for name in names
            },
            "warnings": list(self.messages),
        }

    def header(self) -> dict[str, Any]:
        """Return all but the arrays, as JSON knows it; lists are in the order of the classes."""
        return {
            "classes": list(self.laws),
            "laws": [[law.shift, law.jitter, law.dose] for law in self.laws.values()],
            "conditions": [
                {name: list(found) for name, found in own.items()}
                for own in self.conditions.values()
            ],
            "fractions": list(self.fractions.values()),
            "fraction_intervals": [list(one) for one in self.fraction_intervals.values()],
            "unlike": self.unlike,
            "p_value": self.p_value,
            "figures": self.figures,
            "trained": self.trained,
            "messages": list(self.messages),
            "background_end": next(iter(self.laws.values())).physics.background_end,
            "n_target": self.n_target,
            "random_state": self.random_state,
        }

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the arrays by name."""
        return {
            f"{i}/{name}": array
            for i, law in enumerate(self.laws.values())
            for name, array in (
                ("theta", law.theta),
                ("spread", law.spread),
                ("correction", law.correction),
                ("inelastic", law.physics.inelastic),
            )
        } | {f"seen/{name}": array for name, array in self.seen.items()}

    @classmethod
    def of_file(
        cls,
        header: Mapping[str, Any],
        arrays: dict[str, NDArray],
        classes: list,
        energies: NDArray[np.float64],
    ) -> Self:
        """Build from what :meth:`header` and :meth:`arrays` gave, checking all of it.

        Parameters
        ----------
        header : dict
        arrays : dict of str to array
        classes : list
        energies : array of shape (channels,)
            eV.

        Returns
        -------
        AdaptedClasses

        Raises
        ------
        KeyError, TypeError, ValueError
            Something is missing, or not as it should be.

        See Also
        --------
        header : Everything but the arrays.

        Examples
        --------
        The file is that of the example of :class:`hyperspy_dag.EELSAugmenter`.

        >>> from hyperspy_dag import EELSAugmenter
        >>> from hyperspy_dag.data import simulated_oxides
        >>> s, _ = simulated_oxides("WL-Mn", {"MnO": 40, "MnO2": 20}, random_state=5)
        >>> found = EELSAugmenter.load("oxides.dag").adapt(s).adaptation_
        >>> energies = next(iter(found.laws.values())).physics.energies
        >>> again = found.of_file(found.header(), found.arrays(), list(found.laws), energies)
        >>> str(again) == str(found)
        True
        """
        finite(arrays)
        if header["classes"] != classes:
            raise ValueError("an adaptation of other classes")
        end = header["background_end"]
        end = None if end is None else float(end)
        laws: dict[Any, AdaptedLaw] = {}
        numbers, channels = (len(ADAPTED),), (len(energies),)
        wanted = {"theta": numbers, "spread": numbers, "correction": channels}
        wanted |= {"inelastic": channels}
        for i, (label, values) in enumerate(zip(classes, header["laws"], strict=True)):
            own = below(arrays, str(i))
            shapes = {name: array.shape for name, array in own.items()}
            if shapes != wanted:
                raise ValueError(f"conditions of the shapes {shapes}")
            shift, jitter, dose = map(float, values)
            if not np.isfinite([shift, jitter, dose]).all() or dose <= 0 or jitter < 0:
                raise ValueError(f"a shift, jitter and dose of {values}")
            physics = AdaptedPhysics(energies, own.pop("inelastic"), end)
            laws[label] = AdaptedLaw(physics, **own, shift=shift, jitter=jitter, dose=dose)
        seen = below(arrays, "seen")
        if {name: array.shape for name, array in seen.items()} != dict.fromkeys(
            SEEN, (2, *channels)
        ):
            raise ValueError("no mean spectra of a target")
        found = [
            {str(name): Found(*map(float, values)) for name, values in own.items()}
            for own in header["conditions"]
        ]
        return cls(
            laws=laws,
            conditions=dict(zip(classes, found, strict=True)),
            fractions=dict(zip(classes, map(float, header["fractions"]), strict=True)),
            fraction_intervals={
                label: (float(low), float(high))
                for label, (low, high) in zip(classes, header["fraction_intervals"], strict=True)
            },
            unlike=float(header["unlike"]),
            p_value=float(header["p_value"]),
            figures={str(name): float(v) for name, v in header["figures"].items()},
            trained=header["trained"] is True,
            messages=tuple(map(str, header["messages"])),
            n_target=int(header["n_target"]),
            random_state=int(header["random_state"]),
            seen=seen,
        )


def _words(name: str, one: Found) -> str:
    if name == "dose":
        return f"dose × {one.mean:.2g} ({one.low:.2g} to {one.high:.2g})"
    return f"{name} {one.mean:+.2g}{UNITS.get(name, '')} ({one.low:+.2g} to {one.high:+.2g})"
