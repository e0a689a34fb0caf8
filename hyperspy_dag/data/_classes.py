# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine structure, phases and measurement conditions of the simulated oxides.

Intensities are relative to the L3 line of Mn or Fe with one metal ion per formula unit.

Sources
-------
.. [1] H. Tan et al., Ultramicroscopy 116, 24 (2012): L3 and L2 positions, chemical shift, white
   lines of Mn2+, Mn3+, Mn4+, Fe2+, Fe3+; L3/L2 falling from d5 (Mn2+) towards Mn4+.
.. [2] C. Colliex et al., Phys. Rev. B 44, 11402 (1991): O K and Fe L of the iron oxides; weak O K
   pre-peak in FeO, strong one in Fe3O4; main and following peaks.
.. [3] P. A. van Aken et al., Phys. Chem. Minerals 25, 323 (1998): Fe2+ L3 at 707.8 eV followed by
   a weaker peak near 710.5 eV; Fe3+ L3 at 709.5 eV preceded by a peak near 708 eV.
.. [4] L. A. J. Garvie, A. J. Craven, Phys. Chem. Minerals 21, 191 (1994): Mn L multiplets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ._physics import Edge, Peak, Step

FLOOR = 515.0
"""Energy in eV below the first edge (O K)."""

PLASMON_ENERGY, PLASMON_FWHM = 23.0, 13.0
"""Volume plasmon of the Mn and Fe oxides, in eV."""

# --- ionisation edges -----------------------------------------------------------------------------

FE2_L: Edge = (  # [2], [3]
    Peak(707.9, 1.00, 2.4),
    Peak(710.6, 0.32, 3.2),
    Peak(720.6, 0.24, 3.0),
    Peak(723.2, 0.12, 3.4),
    Step(708.5, 0.10, 2.0),
    Step(721.5, 0.05, 2.0),
    Peak(750.0, 0.05, 34.0, 0.0),
)
FE3_L: Edge = (  # [1], [2], [3]
    Peak(708.0, 0.38, 1.7),
    Peak(709.6, 1.00, 2.5),
    Peak(711.6, 0.25, 3.2),
    Peak(721.6, 0.20, 2.8),
    Peak(723.3, 0.22, 3.2),
    Step(710.0, 0.11, 2.0),
    Step(723.0, 0.055, 2.0),
    Peak(752.0, 0.06, 34.0, 0.0),
)
MN2_L: Edge = (  # [1], [4]
    Peak(639.2, 0.28, 1.0),
    Peak(640.2, 1.00, 1.4),
    Peak(641.7, 0.42, 2.0),
    Peak(644.0, 0.16, 2.6),
    Peak(651.4, 0.15, 2.6),
    Peak(653.3, 0.17, 2.6),
    Step(641.0, 0.08, 1.6),
    Step(653.0, 0.04, 1.6),
)
MN3_L: Edge = (  # [1], [4]
    Peak(640.5, 0.34, 1.6),
    Peak(642.0, 1.00, 2.7),
    Peak(644.2, 0.30, 3.0),
    Peak(652.4, 0.26, 3.0),
    Peak(653.9, 0.28, 3.2),
    Step(642.0, 0.12, 1.8),
    Step(653.5, 0.06, 1.8),
)
MN4_L: Edge = (  # [1], [4]
    Peak(640.9, 0.46, 1.5),
    Peak(643.1, 1.00, 2.6),
    Peak(645.2, 0.24, 2.8),
    Peak(652.6, 0.26, 2.8),
    Peak(654.2, 0.42, 3.0),
    Step(642.8, 0.13, 1.8),
    Step(654.0, 0.065, 1.8),
)
ROCK_SALT_O_K: Edge = (  # FeO, MnO [2]
    Peak(532.4, 0.12, 3.4),
    Peak(538.8, 0.66, 5.0),
    Peak(544.5, 0.20, 6.0),
    Peak(558.5, 0.30, 12.0),
    Step(535.0, 0.42, 4.0),
)
SPINEL_O_K: Edge = (  # Fe3O4, MnFe2O4 [2]
    Peak(530.7, 0.58, 2.9),
    Peak(540.6, 0.62, 6.2),
    Peak(546.5, 0.18, 5.5),
    Peak(563.5, 0.26, 12.0),
    Step(533.5, 0.42, 4.0),
)
MANGANESE_O_K: Edge = (  # Mn2O3, MnO2
    Peak(530.2, 0.60, 2.6),
    Peak(541.5, 0.55, 6.5),
    Peak(564.0, 0.24, 12.0),
    Step(532.5, 0.42, 4.0),
)

# --- phases ---------------------------------------------------------------------------------------

O_PER_METAL = 0.36
"""O K (its main peak) over metal L3, for one oxygen atom per metal ion."""

MN_PER_FE = 1.2
"""Mn L3 over Fe L3 for equal numbers of ions: the cross-section falls with the energy loss."""

Phase = Mapping[str, float]

EDGES: Mapping[str, Edge] = {
    "Fe2+ L": FE2_L,
    "Fe3+ L": FE3_L,
    "Mn2+ L": MN2_L,
    "Mn3+ L": MN3_L,
    "Mn4+ L": MN4_L,
    "rock-salt O K": ROCK_SALT_O_K,
    "spinel O K": SPINEL_O_K,
    "manganese O K": MANGANESE_O_K,
}

PHASES: Mapping[str, Phase] = {
    "FeO": {"Fe2+ L": 1.0, "rock-salt O K": O_PER_METAL},
    "Fe3O4": {"Fe2+ L": 1 / 3, "Fe3+ L": 2 / 3, "spinel O K": O_PER_METAL * 4 / 3},
    "MnFe2O4": {"Mn2+ L": MN_PER_FE / 3, "Fe3+ L": 2 / 3, "spinel O K": O_PER_METAL * 4 / 3},
    "Mn3O4": {
        "Mn2+ L": MN_PER_FE / 3,
        "Mn3+ L": MN_PER_FE * 2 / 3,
        "spinel O K": O_PER_METAL * 4 / 3,
    },
    "MnO": {"Mn2+ L": 1.0, "rock-salt O K": O_PER_METAL},
    "Mn2O3": {"Mn3+ L": 1.0, "manganese O K": O_PER_METAL * 3 / 2},
    "MnO2": {"Mn4+ L": 1.0, "manganese O K": O_PER_METAL * 2},
}
"""Weight of each edge, per metal ion."""


# --- classes --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OxideClass:
    """Conditions under which the spectra of one class are simulated, and their spreads.

    Dose, drift, thickness and their spreads reproduce the signal-to-noise ratio of the source
    paper. The mixtures are such that a classifier trained on 15 % of the spectra predicts 98 to
    99.5 % of the others correctly. All spreads are standard deviations of normal distributions that
    are cut off at two standard deviations.
    """

    count: int
    """Spectra in the source paper's set."""

    mixture: Mapping[str, float]
    """Dirichlet parameters of the fractions of the phases: pure where one is much the largest."""

    dose: float
    """Median number of electrons per channel at the metal's L3 energy, background included.

    Of a line of height 1 there; composition, thickness and resolution make it less.
    """

    dose_spread: float
    """Standard deviation of the logarithm of the dose."""

    background: float
    """Background over L3 height, both at the L3 energy, for a specimen of median thickness."""

    drift: float
    """Standard deviation of the energy shift, in eV."""

    thickness: float = 0.45
    """Median thickness in inelastic mean free paths."""

    thickness_spread: float = 0.3
    """Standard deviation of the logarithm of the thickness."""

    exponent: float = 3.3
    """Exponent of the power-law background at median thickness; it falls with thickness."""

    resolution: tuple[float, float] = (0.3, 0.5)
    """Standard deviation of the energy resolution in eV: uniform between these two."""


@dataclass(frozen=True)
class Measurement:
    """Classes measured on one energy axis under one set of conditions."""

    key: int
    """Goes into the seeds; never to be used twice."""

    offset: float
    scale: float
    size: int
    l3: float
    """Energy in eV at which doses and backgrounds are meant."""

    classes: Mapping[str, OxideClass]
    gain: float = 12.0
    readout: float = 3.0


MEASUREMENTS: Mapping[str, Measurement] = {
    "Fe": Measurement(
        key=1,
        offset=430.0,
        scale=0.25,
        size=1520,
        l3=708.0,
        classes={
            "FeO": OxideClass(
                count=2744,
                mixture={"FeO": 12.0, "Fe3O4": 1.0},
                dose=79.0,
                dose_spread=0.25,
                background=0.6,
                drift=0.5,
            ),
            "Fe3O4": OxideClass(
                count=1350,
                mixture={"Fe3O4": 12.0, "FeO": 1.0},
                dose=250.0,
                dose_spread=0.25,
                background=0.5,
                drift=0.5,
            ),
        },
    ),
    "Mn": Measurement(
        key=2,
        offset=585.0,
        scale=0.1,
        size=1050,
        l3=641.0,
        classes={
            "MnO": OxideClass(
                count=992,
                mixture={"MnO": 12.0, "Mn2O3": 1.2},
                dose=89.0,
                dose_spread=0.7,
                background=0.6,
                drift=0.3,
            ),
            "Mn2O3": OxideClass(
                count=841,
                mixture={"Mn2O3": 12.0, "MnO": 0.6, "MnO2": 0.6},
                dose=102.0,
                dose_spread=0.5,
                background=0.6,
                drift=0.3,
            ),
            "MnO2": OxideClass(
                count=1260,
                mixture={"MnO2": 12.0, "Mn2O3": 1.2},
                dose=133.0,
                dose_spread=0.5,
                background=0.6,
                drift=0.3,
            ),
        },
    ),
    "MF": Measurement(
        key=3,
        offset=560.0,
        scale=0.1,
        size=2300,
        l3=708.0,
        classes={
            "Fe3O4 core": OxideClass(
                count=1415,
                mixture={"Fe3O4": 12.0, "MnFe2O4": 1.5},
                dose=66.0,
                dose_spread=0.25,
                background=0.8,
                drift=0.6,
                thickness=0.35,
            ),
            "Mn ferrite shell": OxideClass(
                count=1043,
                mixture={"MnFe2O4": 2.0, "Mn3O4": 2.0, "Fe3O4": 0.3},
                dose=12.2,
                dose_spread=0.2,
                background=1.0,
                drift=0.6,
                thickness=0.25,
            ),
        },
    ),
}


@dataclass(frozen=True)
class DataSet:
    """A measurement and the arguments of `hyperspy_dag.preprocessing.preprocess` for it."""

    measurement: str
    background_range: tuple[float, float]
    signal_range: tuple[float, float]
    pca_components: int | None = None


DATA_SETS: Mapping[str, DataSet] = {
    "W": DataSet("Fe", (440.0, 523.0), (460.0, 800.0)),
    "K": DataSet("Fe", (440.0, 523.0), (460.0, 610.0)),
    "WL-Fe": DataSet("Fe", (635.0, 698.0), (612.5, 787.5)),
    "WL-Mn": DataSet("Mn", (590.0, 633.0), (615.0, 685.0)),
    "MF": DataSet("MF", (565.0, 634.0), (580.0, 784.8), 6),
}
