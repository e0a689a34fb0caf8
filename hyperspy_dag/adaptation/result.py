# SPDX-License-Identifier: GPL-3.0-or-later
"""What an adaptation found, and its form in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag.dag.condition_draws import Conditions, Law
from hyperspy_dag.dag.condition_physics import Residue, Resolution, Shift, Tail, Thickness
from hyperspy_dag.io.files import below, finite
from hyperspy_dag.preprocessing.energy_axis import EnergyAxis

#: Conditions that are adapted, in the order of the numbers of a class. The resolution is the square
#: of its width (eV²), which is negative where the target is sharper.
ADAPTED = ("thickness", "tail", "residue", "resolution")


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


@dataclass(frozen=True)
class ClassLaw:
    """Conditions under which the spectra of a class are drawn.

    Attributes
    ----------
    theta, spread : array of shape (4,)
        Means and standard deviations, in the order of :data:`ADAPTED`.
    shift, jitter : float
        Mean and standard deviation of the energy shift, eV.
    dose : float
        Relative to the labelled spectra.
    inelastic : array of shape (channels,)
        Single scattering.
    """

    theta: NDArray[np.float64]
    spread: NDArray[np.float64]
    shift: float
    jitter: float
    dose: float
    inelastic: NDArray[np.float64]


@dataclass(frozen=True)
class AdaptedClasses:
    """What was found in a target.

    Attributes
    ----------
    laws : dict of class to ClassLaw or None
        None where a class stays as it was labelled.
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
    background_end : float or None
        Of the background window, eV.
    n_target : int
        Spectra that were adapted to.
    random_state : int
    """

    laws: dict[Any, ClassLaw | None]
    conditions: dict[Any, dict[str, Found]]
    fractions: dict[Any, float]
    fraction_intervals: dict[Any, tuple[float, float]]
    unlike: float
    p_value: float
    figures: dict[str, float]
    trained: bool
    messages: tuple[str, ...]
    background_end: float | None
    n_target: int
    random_state: int = field(default=0)

    def law(self, label: Any, axis: EnergyAxis) -> tuple[Conditions | None, float, float | None]:
        """Return conditions, relative dose and energy jitter (eV) of a class."""
        law = self.laws[label]
        if law is None:
            return None, 1.0, None
        step = axis.dispersion
        conditions = (
            Thickness(law.inelastic),
            Tail(axis.energies),
            Residue(axis.energies, self.background_end),
            Resolution(step),
            Shift(step),
        )
        laws = {
            name: Law(float(mean), float(std), normal=True)
            for name, mean, std in zip(ADAPTED, law.theta, law.spread, strict=True)
        }
        laws["shift"] = Law(law.shift, law.shift)
        return Conditions(conditions, laws, squared=True), law.dose, law.jitter

    def record(self) -> dict[str, Any]:
        """Return what ``metadata.DAG.adaptation`` says; lists are in the order of the classes."""
        names = list(next(iter(self.conditions.values()), {}))
        return {
            "n_target": self.n_target,
            "random_state": self.random_state,
            "fractions": list(self.fractions.values()),
            "unlike": self.unlike,
            "trained": self.trained,
            "conditions": {
                name: [own[name].mean for own in self.conditions.values()] for name in names
            },
        }

    def header(self) -> dict[str, Any]:
        """Return all but the arrays, as JSON knows it; lists are in the order of the classes."""
        return {
            "classes": list(self.laws),
            "laws": [
                None if law is None else [law.shift, law.jitter, law.dose]
                for law in self.laws.values()
            ],
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
            "background_end": self.background_end,
            "n_target": self.n_target,
            "random_state": self.random_state,
        }

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the arrays by name."""
        return {
            f"{i}/{name}": getattr(law, name)
            for i, law in enumerate(self.laws.values())
            if law is not None
            for name in ("theta", "spread", "inelastic")
        }

    @classmethod
    def of_file(
        cls, header: Mapping[str, Any], arrays: dict[str, NDArray], classes: list, channels: int
    ) -> Self:
        """Build from what :meth:`header` and :meth:`arrays` gave, checking all of it.

        Raises
        ------
        KeyError, TypeError, ValueError
            Something is missing, or not as it should be.
        """
        finite(arrays)
        if header["classes"] != classes:
            raise ValueError("an adaptation of other classes")
        laws: dict[Any, ClassLaw | None] = {}
        for i, (label, numbers) in enumerate(zip(classes, header["laws"], strict=True)):
            if numbers is None:
                laws[label] = None
                continue
            own = below(arrays, str(i))
            shapes = {name: array.shape for name, array in own.items()}
            wanted = {"theta": (len(ADAPTED),), "spread": (len(ADAPTED),), "inelastic": (channels,)}
            if shapes != wanted:
                raise ValueError(f"conditions of the shapes {shapes}")
            shift, jitter, dose = map(float, numbers)
            if not np.isfinite([shift, jitter, dose]).all() or dose <= 0 or jitter < 0:
                raise ValueError(f"a shift, jitter and dose of {numbers}")
            laws[label] = ClassLaw(**own, shift=shift, jitter=jitter, dose=dose)
        found = [
            {str(name): Found(*map(float, values)) for name, values in own.items()}
            for own in header["conditions"]
        ]
        end = header["background_end"]
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
            background_end=None if end is None else float(end),
            n_target=int(header["n_target"]),
            random_state=int(header["random_state"]),
        )
