# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions under which spectra are drawn, as they are typed."""

from __future__ import annotations

import re
from typing import Any

import traits.api as t

_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)"
_VALUE = re.compile(rf"\(?\s*{_NUMBER}\s*(?:(?:to|,|…|\.\.)\s*{_NUMBER}\s*)?\)?", re.IGNORECASE)

#: Arguments of ``EELSAugmenter.sample``: what they are called, and what they mean.
CONDITIONS = {
    "dose": ("Dose", "relative to that of the labelled spectra"),
    "thickness": ("Thickness", "change of t/λ"),
    "shift": ("Shift", "eV"),
    "energy_jitter": ("Energy jitter", "standard deviation of the shift, eV: a number"),
    "resolution": ("Resolution", "eV, added in quadrature; negative: sharper"),
    "tail": ("Tail", "exponent of a power of E/E₀"),
    "residue": ("Residue", "left by the background at the last energy, of the maximum"),
    "dispersion": ("Dispersion", "relative change"),
    "mixture": ("Mixture", "one other class and its fraction, such as MnO: 0 to 0.3"),
}


class SamplingStep(t.HasTraits):
    """Conditions of :meth:`hyperspy_dag.EELSAugmenter.sample`: numbers, or ranges to draw from.

    Each is a text as it is typed, empty for none: ``0.2``, ``-0.2 to 0.4``.
    """

    dose = t.Str()
    thickness = t.Str()
    shift = t.Str()
    energy_jitter = t.Str()
    resolution = t.Str()
    tail = t.Str()
    residue = t.Str()
    dispersion = t.Str()
    mixture = t.Str()

    @property
    def is_asked(self) -> bool:
        """Whether any condition is given."""
        return any(getattr(self, name).strip() for name in CONDITIONS)

    def conditions(self, classes: list) -> dict[str, Any]:
        """Return the conditions as arguments of ``sample``.

        Raises
        ------
        ValueError
            A text is neither a number nor a range, or names no class.
        """
        found: dict[str, Any] = {}
        for name in CONDITIONS:
            text = getattr(self, name).strip()
            if not text:
                continue
            if name != "mixture":
                found[name] = _value(name, text)
                continue
            other, _, fraction = text.rpartition(":")
            by_name = {str(label): label for label in classes}
            if other.strip() not in by_name:
                raise ValueError(
                    "mixture must be a class and its fraction, such as "
                    f"{classes[0]}: 0 to 0.3; the classes are {', '.join(by_name)}; got {text!r}"
                )
            found[name] = {by_name[other.strip()]: _value(name, fraction.strip())}
        return found


def _value(name: str, text: str) -> float | tuple[float, float]:
    match = _VALUE.fullmatch(text)
    if match is None:
        raise ValueError(f"{name} must be a number, or a range such as -0.2 to 0.4; got {text!r}")
    low, high = match.groups()
    return float(low) if high is None else (float(low), float(high))
