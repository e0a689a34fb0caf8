# SPDX-License-Identifier: GPL-3.0-or-later
"""What an adaptation found, and its form in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag.dag.condition_draws import ADAPTED, AdaptedLaw, AdaptedPhysics
from hyperspy_dag.io.files import below, finite


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
    random_state: int = field(default=0)

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
        }

    @classmethod
    def of_file(
        cls,
        header: Mapping[str, Any],
        arrays: dict[str, NDArray],
        classes: list,
        energies: NDArray[np.float64],
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
        )
