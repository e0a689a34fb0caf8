# SPDX-License-Identifier: GPL-3.0-or-later
"""How synthetic spectra are drawn: noise, dose, energy jitter and conditions, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hyperspy_dag._utils.checks import check_flag, check_number
from hyperspy_dag._utils.streams import SAMPLE, class_stream
from hyperspy_dag.dag.condition_draws import AdaptedLaw, Chain, Conditions
from hyperspy_dag.dag.sources import SpectrumSource
from hyperspy_dag.training.fit import FitResult

from .conditions_given import (
    PLASMON_ENERGY,
    background_end,
    conditions_of,
    single_scattering,
    value_or_range,
)
from .result import AdaptedClasses

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

#: Noise a thousand times that of the training spectra; soon after, numbers leave their range.
LOWEST_DOSE = 1e-6


@dataclass(frozen=True)
class Sampling:
    """Checked arguments of :meth:`hyperspy_dag.EELSAugmenter.sample`.

    Attributes
    ----------
    noise : bool
    dose : (float, float)
        Limits.
    energy_jitter : float or None
        eV.
    conditions : dict of str to number, range or None
        By name.
    low_loss, plasmon_energy
        Of the thickness.
    """

    noise: bool
    dose: tuple[float, float]
    energy_jitter: float | None
    conditions: Mapping[str, Any]
    low_loss: EELSSpectrum | Mapping[Any, EELSSpectrum] | None = None
    plasmon_energy: float = PLASMON_ENERGY

    @classmethod
    def checked(
        cls,
        fit: FitResult,
        noise: bool = True,
        dose: Any = 1.0,
        energy_jitter: float | None = None,
        low_loss: Any = None,
        plasmon_energy: float = PLASMON_ENERGY,
        **conditions: Any,
    ) -> Sampling:
        """Check the arguments of ``sample`` for a fit.

        Raises
        ------
        TypeError, ValueError
            An argument is of the wrong kind or out of range, or the generator has no such
            argument.
        """
        low, high = value_or_range("dose", dose)
        check_number("dose", low, minimum=LOWEST_DOSE)
        given = {name: value for name, value in conditions.items() if value is not None}
        if not fit.recipe.physical:
            asked = list(given) + ["energy_jitter"] * (energy_jitter is not None)
            asked += ["dose"] * ((low, high) != (1.0, 1.0))
            if asked:
                raise ValueError(
                    f"{' and '.join(asked)} need a generator that knows of them: "
                    f"recipe='refined'; this augmenter was fitted with "
                    f"recipe={fit.settings.recipe!r}"
                )
        if energy_jitter is not None:
            energy_jitter = check_number("energy_jitter", energy_jitter, minimum=0.0)
            if not fit.energy_axis.is_uniform:
                raise ValueError(
                    "energy_jitter needs a uniform energy axis; that of the training spectra is "
                    "not uniform"
                )
        if low_loss is not None and "thickness" not in given:
            raise ValueError("low_loss belongs to thickness=, the change of t/λ; give both")
        return cls(
            noise=check_flag("noise", noise),
            dose=(low, high),
            energy_jitter=energy_jitter,
            conditions=given,
            low_loss=low_loss,
            plasmon_energy=plasmon_energy,
        )

    def source(
        self, fit: FitResult, adapted: AdaptedClasses | None, label: Any, random_state: int
    ) -> SpectrumSource:
        """Return what draws the spectra of a class."""
        model, axis = fit.models[label], fit.energy_axis
        options: dict[str, float] = {}
        parts: list[Conditions | AdaptedLaw] = []
        dose = self.dose
        if fit.recipe.physical:
            if adapted is not None:
                law = adapted.laws[label]
                parts.append(law)
                dose = (dose[0] * law.dose, dose[1] * law.dose)
                options["jitter"] = law.jitter / abs(axis.dispersion)
            if self.conditions:
                models = {
                    one: fitted.class_model
                    for one, fitted in fit.models.items()
                    if fitted.class_model is not None
                }
                inelastic = single_scattering(axis, label, self.low_loss, self.plasmon_energy)
                end = background_end(fit.preprocessing)
                parts.append(conditions_of(self.conditions, axis, inelastic, end, models))
            if self.energy_jitter is not None:
                options["jitter"] = self.energy_jitter / abs(axis.dispersion)
            if dose[0] == dose[1]:
                options["dose"] = dose[0]
        return SpectrumSource(
            axis.size,
            fit.architecture,
            fit.recipe,
            model.class_model,
            model.weights,
            class_stream(label, SAMPLE, random_state),
            self.noise,
            options,
            dose_range=dose if dose[0] != dose[1] else None,
            conditions=Chain(tuple(parts)) if parts else None,
        )

    def record(self) -> dict[str, Any]:
        """Return what ``metadata.DAG.sampling`` says."""
        low, high = self.dose
        record: dict[str, Any] = {"noise": self.noise, "dose": low if low == high else [low, high]}
        if self.energy_jitter is not None:
            record["energy_jitter"] = self.energy_jitter
        for name, value in self.conditions.items():
            if name == "mixture":
                ((label, value),) = value.items()
                record["mixture_class"] = str(label)
            low, high = value_or_range(name, value)
            record[name] = low if low == high else [low, high]
        if "thickness" in self.conditions:
            measured = self.low_loss is not None
            record["single_scattering"] = "measured" if measured else f"{self.plasmon_energy:g} eV"
        return record
