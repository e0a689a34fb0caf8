# SPDX-License-Identifier: GPL-3.0-or-later
"""What an adaptation found, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hyperspy_dag.adaptation.result import AdaptedClasses, Found

#: How a condition is written with its unit.
_WORDS = {
    "thickness": "thickness {} t/λ",
    "shift": "shifted by {} eV",
    "resolution": "resolution {} eV in quadrature",
    "tail": "tail exponent {}",
    "residue": "background residue {} of the maximum",
    "dose": "{} times the dose",
}


def in_words(found: AdaptedClasses) -> str:
    """Return a line for each class: its share of the map, and the conditions that differ.

    Conditions whose 90 % interval holds none (0, or the dose 1) are left out.
    """
    lines = []
    for label, conditions in found.conditions.items():
        low, high = found.fraction_intervals[label]
        share = f"{found.fractions[label]:.0%} of the spectra ({low:.0%} to {high:.0%})"
        said = [_said(name, one) for name, one in conditions.items() if _differs(name, one)]
        if not said:
            said = ["as labelled"]
        lines.append(f"{label}: {share}; {', '.join(said)}")
    return "\n".join(lines)


def _differs(name: str, one: Found) -> bool:
    none = 1.0 if name == "dose" else 0.0
    return one.mean != none and not one.low <= none <= one.high


def _said(name: str, one: Found) -> str:
    sign = "" if name == "dose" else "+"
    mean, low, high = (format(value, f"{sign}.2g") for value in (one.mean, one.low, one.high))
    return f"{_WORDS.get(name, name + ' {}').format(mean)} ({low} to {high})"
