# SPDX-License-Identifier: GPL-3.0-or-later
"""Split the real Mn2+ white-line spectra and judge synthetic ones against the held-out part.

Used by the other benchmarks: ``part = split(seed, n_train)``, make ``len(part.held_out)`` spectra
from ``part.train``, then ``judge(synthetic, part.train, part.held_out, part.energy)``. Several
metrics depend on the counts, so always draw as many synthetic spectra as real ones judge.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyperspy_dag import metrics
from hyperspy_dag.validation import make_baseline

DATA_FILE = "mn2_659.hspy"
WINDOWS = metrics.WhiteLineWindows(l3=(640.0, 651.0), l2=(652.0, 663.0))
"""White-line windows of the Mn2+ spectra, in eV (L3 near 644 eV and L2 near 657 eV there)."""


class Split(NamedTuple):
    """Training spectra, held-out spectra, both (spectra, channels), and the axis in eV."""

    train: NDArray[np.float64]
    held_out: NDArray[np.float64]
    energy: NDArray[np.float64]


def data_folder() -> Path:
    """Folder of the real spectra: ``HYPERSPY_DAG_DATA``, else ``../shared/data`` of the project."""
    given = os.environ.get("HYPERSPY_DAG_DATA")
    return Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"


@cache
def load() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the real spectra (659, 700) and their energy axis in eV.

    Raises
    ------
    FileNotFoundError
        The file is not there; the message says where it was looked for.
    """
    path = data_folder() / DATA_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} not found; set HYPERSPY_DAG_DATA to the folder that holds {DATA_FILE}."
        )
    import hyperspy.api as hs

    signal = hs.load(path)
    return signal.data.astype(np.float64), signal.axes_manager[-1].axis.copy()


def split(seed: int, n_train: int = 100) -> Split:
    """Draw ``n_train`` training spectra at random; all others are held out.

    Parameters
    ----------
    seed : int
        Seed of the permutation.
    n_train : int, default 100
        Number of training spectra.

    Returns
    -------
    Split
    """
    spectra, energy = load()
    if not 0 < n_train < len(spectra):
        raise ValueError(f"n_train must be between 1 and {len(spectra) - 1}; got {n_train}.")
    order = np.random.default_rng(seed).permutation(len(spectra))
    return Split(spectra[order[:n_train]], spectra[order[n_train:]], energy)


def judge(
    synthetic: NDArray[np.float64],
    train: NDArray[np.float64] | None,
    held_out: NDArray[np.float64],
    energy: NDArray[np.float64],
    windows: metrics.WhiteLineWindows = WINDOWS,
) -> dict[str, float]:
    """All metrics of one set of synthetic spectra against the held-out real ones.

    Parameters
    ----------
    synthetic, held_out : numpy.ndarray, shape (spectra, channels)
        Best of equal counts.
    train : numpy.ndarray or None
        What the synthetic spectra were made from; None (real spectra are being judged) leaves the
        memorisation ratio out.
    energy : numpy.ndarray, shape (channels,)
        In eV.
    windows : WhiteLineWindows
        In eV.

    Returns
    -------
    dict of str to float
        Keys in the order in which tables show them. ``noise_gap`` is the largest difference of the
        noise correlation at lags 1 to 4 from that of the held-out spectra, ``noise_level`` the
        median ratio of the noise levels at equal intensity, ``snr_real`` the SNR of the held-out
        spectra, ``unmeasured`` the fraction of synthetic spectra without measurable white lines;
        ``w_...`` are Wasserstein distances of `metrics.white_line_distances`.
    """
    scores = metrics.precision_recall_density_coverage(held_out, synthetic)
    correlation = metrics.noise_correlation(synthetic)
    correlation_real = metrics.noise_correlation(held_out)
    level_real = metrics.noise_level(held_out)
    level = metrics.noise_level(synthetic, level_real.edges)
    lines = metrics.white_line_distances(held_out, synthetic, energy, windows)
    result = {
        "frechet": metrics.frechet_distance(held_out, synthetic),
        "snr": metrics.snr(synthetic),
        "snr_real": metrics.snr(held_out),
        "pcc": metrics.pearson_correlation(held_out, synthetic),
        "cosd": metrics.cosine_distance(held_out, synthetic),
        **scores._asdict(),
    }
    if train is not None:
        result["memorisation"] = metrics.memorisation_ratio(synthetic, train, held_out)
    return result | {
        "kid": metrics.kernel_distance(held_out, synthetic),
        "kl": metrics.kl_divergence(held_out, synthetic),
        "kl_pca": metrics.kl_divergence_pca(held_out, synthetic),
        **{f"noise_{lag}": float(value) for lag, value in enumerate(correlation, 1)},
        "noise_gap": float(np.abs(correlation - correlation_real).max()),
        "noise_level": float(np.nanmedian(level.level / level_real.level)),
        "unmeasured": lines.pop("unmeasured"),
        **{f"w_{name}": value for name, value in lines.items()},
    }


def real_against_real(seed: int, n_first: int = 329) -> dict[str, float]:
    """Judge ``n_first`` real spectra as if they were synthetic, by all the other real ones."""
    part = split(seed, n_first)
    return judge(part.train, None, part.held_out, part.energy)


def judge_baseline(name: str, seed: int, n_train: int = 100) -> dict[str, float]:
    """Judge as many spectra of a conventional method as are held out."""
    part = split(seed, n_train)
    method = make_baseline(name).fit(part.train)
    synthetic = method.sample(len(part.held_out), random_state=seed)
    return judge(synthetic, part.train, part.held_out, part.energy)


def median(rows: list[dict[str, float]]) -> dict[str, float]:
    """Median over seeds of each metric."""
    return {name: float(np.median([row[name] for row in rows])) for name in rows[0]}


def real_intervals(n_train: int = 100, resamples: int = 200) -> dict[str, tuple[float, float]]:
    """95 % intervals of SNR, PCC and CosD of ``n_train`` real spectra against all the others.

    Seeds start at 10000, so that no benchmark's own split is among them.
    """
    values: dict[str, list[float]] = {"snr": [], "pcc": [], "cosd": []}
    for seed in range(10_000, 10_000 + resamples):
        part = split(seed, n_train)
        values["snr"].append(metrics.snr(part.train))
        values["pcc"].append(metrics.pearson_correlation(part.held_out, part.train))
        values["cosd"].append(metrics.cosine_distance(part.held_out, part.train))
    return {
        name: tuple(float(v) for v in np.percentile(found, (2.5, 97.5)))
        for name, found in values.items()
    }


def markdown_table(rows: dict[str, dict[str, float]], columns: list[str]) -> str:
    """Rows of metrics as a Markdown table; a metric that a row has not is a dash."""
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in rows.items():
        cells = [f"{row[c]:.3g}" if row.get(c) is not None else "-" for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
