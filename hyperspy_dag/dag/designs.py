# SPDX-License-Identifier: GPL-3.0-or-later
"""The four designs of the data-augmentation GAN, as data.

Source: del-Pozo-Bueno et al. 2024, Fig. 3. A *view* is what a discriminator is shown: the
untransformed spectra, T1 (random energy shift) or T2 (random Poissonian noise), always the same
transform on real and on generated spectra.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The views, in the order in which they are trained.
VIEWS = ("untransformed", "shift", "noise")


@dataclass(frozen=True)
class Design:
    """Which discriminator sees which views.

    Parameters
    ----------
    name : str
        The name used as ``design=``.
    discriminators : tuple of tuple of str
        For each discriminator the views that it is trained on.
    description : str
        One line for users.
    """

    name: str
    discriminators: tuple[tuple[str, ...], ...]
    description: str

    def discriminator_steps(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """(discriminator, views) of each discriminator update before one of the generator.

        The untransformed spectra come twice for each generator step, in every design, so that
        the generator cannot settle on the distribution of the transformed spectra.
        """
        first: list[tuple[int, tuple[str, ...]]] = [
            (i, ("untransformed",)) for i, v in enumerate(self.discriminators) if VIEWS[0] in v
        ]
        return (*first, *enumerate(self.discriminators))

    def passes(self) -> tuple[tuple[int, str, bool], ...]:
        """(discriminator, view, whether the generator is updated too) of a published epoch.

        Each is a pass over all spectra. The discriminator of the untransformed spectra comes once
        more by itself, so that it is trained twice for each time that the generator is.
        """
        both = [
            (index, view, True)
            for view in VIEWS
            for index, views in enumerate(self.discriminators)
            if view in views
        ]
        return (*both, (both[0][0], VIEWS[0], False))


_DESIGNS = (
    Design(
        "single_monotrans",
        (("untransformed", "shift"),),
        "one discriminator; untransformed and energy-shifted (T1) spectra",
    ),
    Design(
        "multi_monotrans",
        (("untransformed",), ("shift",)),
        "two discriminators; one for untransformed, one for energy-shifted (T1) spectra",
    ),
    Design(
        "single_bitrans",
        (("untransformed", "shift", "noise"),),
        "one discriminator; untransformed, energy-shifted (T1) and noisier (T2) spectra",
    ),
    Design(
        "multi_bitrans",
        (("untransformed",), ("shift",), ("noise",)),
        "three discriminators; one each for untransformed, energy-shifted (T1), noisier (T2)",
    ),
)

#: name -> :class:`Design`.
DESIGNS: dict[str, Design] = {design.name: design for design in _DESIGNS}
