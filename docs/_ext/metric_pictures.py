# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the pictures of user_guide/metrics.md into user_guide/pictures, before pages are read.

Every figure in them is computed by hyperspy_dag.metrics from simulated spectra or from points in a
plane, so that a picture cannot say anything else than the code does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from hyperspy_dag import metrics
from hyperspy_dag.data import simulated_oxides

if TYPE_CHECKING:
    from sphinx.application import Sphinx

REAL, SYNTHETIC, OTHER = "0.25", "#D55E00", "#0072B2"
COUNT = 150

Array = NDArray[np.float64]


def spectra_of(name: str, n: int, seed: int) -> tuple[Array, Array]:
    """Energy axis and ``n`` simulated spectra of a class of WL-Mn."""
    s, _ = simulated_oxides("WL-Mn", n_spectra={name: n}, random_state=seed)
    return s.axes_manager.signal_axes[0].axis, s.data.astype(float)


ENERGY, ALL = spectra_of("MnO", 2 * COUNT, 0)
FIRST, SECOND = ALL[::2], ALL[1::2]
MEAN = SECOND.mean(axis=0)


def shifted(spectra: Array, shift: float) -> Array:
    """Move spectra to higher energy by ``shift`` eV."""
    return np.stack([np.interp(ENERGY - shift, ENERGY, row) for row in spectra])


def noisier(spectra: Array, noise: float) -> Array:
    """Add white noise."""
    return spectra + np.random.default_rng(1).normal(0.0, noise, spectra.shape)


def denoised(spectra: Array) -> Array:
    """Keep what three principal components say of spectra."""
    return spectra - metrics.noise_residual(spectra, components=3)


def panels(n: int, height: float = 2.9, **options: Any) -> tuple[Figure, NDArray[Any]]:
    """A row of axes."""
    return plt.subplots(1, n, figsize=(8.0, height), layout="constrained", squeeze=False, **options)


def energy_label(ax: Axes) -> None:
    """Label the energy axis."""
    ax.set_xlabel("Energy loss (eV)")


def similarity() -> Figure:
    """Pearson correlation and cosine distance against energy shift, noise and offset."""
    figure, ((left, middle, right),) = panels(3, sharey=True)
    steps = {
        left: ("energy shift (eV)", np.linspace(0, 3, 13), lambda x: shifted(SECOND, x)),
        middle: (
            "added noise (of the maximum)",
            np.linspace(0, 0.3, 13),
            lambda x: noisier(SECOND, x),
        ),
        right: ("added constant (of the maximum)", np.linspace(0, 0.5, 13), lambda x: SECOND + x),
    }
    for ax, (name, values, change) in steps.items():
        found = [
            (
                metrics.pearson_correlation(FIRST, change(x)),
                1 - metrics.cosine_distance(FIRST, change(x)),
            )
            for x in values
        ]
        pearson, cosine = np.transpose(found)
        ax.plot(values, pearson, color=REAL, label="Pearson correlation")
        ax.plot(values, cosine, "--", color=SYNTHETIC, label="1 − cosine distance")
        ax.set_xlabel(name)
    left.legend(frameon=False, loc="lower left")
    return figure


def _scores(real: Array, *others: Array) -> list[Array]:
    """Scores on the first two principal components of ``real``."""
    centre = real.mean(axis=0)
    axes = np.linalg.svd(real - centre, full_matrices=False)[2][:2]
    return [(side - centre) @ axes.T for side in (real, *others)]


def _ellipse(ax: Axes, points: Array, colour: str, style: str) -> None:
    values, vectors = np.linalg.eigh(np.cov(points.T))
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
    width, height = 4 * np.sqrt(values[::-1])  # two standard deviations on each side
    ax.add_patch(
        Ellipse(points.mean(axis=0), width, height, angle=angle, fill=False, ec=colour, ls=style)
    )


def frechet() -> Figure:
    """Two other draws, moved, and narrowed spectra: Gaussians on the scores, and the distance."""
    real_spectra, other = denoised(FIRST), denoised(SECOND)
    mean = other.mean(axis=0)
    cases = {
        "another draw": other,
        "moved by 1 eV": shifted(other, 1.0),
        "half the spread": mean + 0.5 * (other - mean),
    }
    figure, (axes,) = panels(3, 3.1, sharex=True, sharey=True)
    for ax, (name, spectra) in zip(axes, cases.items(), strict=True):
        real, synthetic = _scores(real_spectra, spectra)
        ax.plot(*real.T, "o", ms=2.5, color=REAL, label="real")
        ax.plot(*synthetic.T, "x", ms=3.5, color=SYNTHETIC, label="synthetic")
        _ellipse(ax, real, REAL, "-")
        _ellipse(ax, synthetic, SYNTHETIC, "--")
        ax.set_title(f"{name}\n{metrics.frechet_distance(real_spectra, spectra):.2f}", fontsize=10)
        ax.set_xlabel("score 1")
    axes[0].set_ylabel("score 2")
    axes[0].legend(frameon=False, loc="lower left", fontsize=8)
    return figure


def kernel() -> Figure:
    """Equal mean and covariance, another shape: what only the kernel distance sees."""
    random = np.random.default_rng(3)
    # skewed to one side, as thickness or composition often are
    real = random.exponential(1.0, (400, 2))
    again = random.exponential(1.0, (400, 2))
    other = random.normal(size=(400, 2))
    other = (other - other.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(other.T))).T
    other = other @ np.linalg.cholesky(np.cov(real.T)).T + real.mean(0)
    figure, (axes,) = panels(2, 3.2, sharex=True, sharey=True)
    for ax, name, points in zip(
        axes, ("another draw", "a Gaussian of equal mean and spread"), (again, other), strict=True
    ):
        ax.plot(*real.T, "o", ms=2.5, color=REAL, label="real")
        ax.plot(*points.T, "x", ms=3.5, color=SYNTHETIC, label="synthetic")
        ax.set_title(
            f"{name}\nFréchet distance {metrics.frechet_distance(real, points):.2f}, "
            f"kernel distance {metrics.kernel_distance(real, points):.2f}",
            fontsize=10,
        )
        ax.set_xlabel("intensity, channel 1")
    axes[0].set_ylabel("intensity, channel 2")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def kl() -> Figure:
    """One channel's histogram on bins of equally many real spectra."""
    channel = int(np.abs(ENERGY - 641.0).argmin())
    figure, (axes,) = panels(2, sharey=True)
    cases = {"another draw": SECOND, "moved by 1.5 eV": shifted(SECOND, 1.5)}
    for ax, (name, spectra) in zip(axes, cases.items(), strict=True):
        inner = np.quantile(FIRST[:, channel], np.linspace(0, 1, 11)[1:-1])
        fractions = [
            np.bincount(np.searchsorted(inner, side[:, channel], side="right"), minlength=10)
            / len(side)
            for side in (FIRST, spectra)
        ]
        places = np.arange(1, 11)
        ax.bar(places - 0.2, fractions[0], 0.4, color=REAL, label="real")
        ax.bar(places + 0.2, fractions[1], 0.4, color=SYNTHETIC, label="synthetic")
        ax.set_xlabel(f"tenth of the real intensities at {ENERGY[channel]:.0f} eV")
        ax.set_title(
            f"{name}: {metrics.kl_divergence(FIRST, spectra):.2f} nats, mean of all channels",
            fontsize=10,
        )
    axes[0].set(ylabel="fraction of the spectra", ylim=(0, 0.45))
    axes[0].legend(frameon=False)
    return figure


def kl_pca() -> Figure:
    """Three other draws on the scores, two of them of another spread, and their divergence."""
    real_spectra, other = denoised(FIRST), denoised(SECOND)
    mean = other.mean(axis=0)
    cases = {"another draw": 1.0, "half the spread": 0.5, "twice the spread": 2.0}
    figure, (axes,) = panels(3, 3.1, sharex=True, sharey=True)
    for ax, (name, factor) in zip(axes, cases.items(), strict=True):
        spectra = mean + factor * (other - mean)
        real, synthetic = _scores(real_spectra, spectra)
        _ellipse(ax, real, REAL, "-")
        _ellipse(ax, synthetic, SYNTHETIC, "--")
        ax.plot(*real.T, "o", ms=2.5, color=REAL, label="real")
        ax.plot(*synthetic.T, "x", ms=3.5, color=SYNTHETIC, label="synthetic")
        value = metrics.kl_divergence_pca(real_spectra, spectra)
        ax.set_title(f"{name}\n{value:.2f} nats", fontsize=10)
        ax.set_xlabel("score 1")
    axes[0].set_ylabel("score 2")
    axes[0].legend(frameon=False, loc="lower left", fontsize=8)
    return figure


def neighbours() -> Figure:
    """Real balls and synthetic points in a plane, for four kinds of generator."""
    random = np.random.default_rng(5)
    real = random.normal(size=(60, 2))
    cases = {
        "good": random.normal(size=(60, 2)),
        "blurred": 2.2 * random.normal(size=(60, 2)),
        "collapsed": 0.25 * random.normal(size=(60, 2)) + (0.5, 0.3),
        "copies of a few": real[random.integers(0, 12, 60)] + random.normal(0, 0.02, (60, 2)),
    }
    figure, axes = plt.subplots(
        2, 2, figsize=(8, 7.6), layout="constrained", sharex=True, sharey=True
    )
    distances = np.sort(np.linalg.norm(real[:, None] - real[None], axis=2), axis=1)
    for ax, (name, points) in zip(axes.flat, cases.items(), strict=True):
        for centre, radius in zip(real, distances[:, 5], strict=True):
            ax.add_patch(Circle(centre, radius, fc=REAL, alpha=0.05))
        ax.plot(*real.T, "o", ms=3, color=REAL, label="real, with their balls")
        ax.plot(*points.T, "x", ms=4, color=SYNTHETIC, label="synthetic")
        found = metrics.precision_recall_density_coverage(real, points)
        ax.set_title(
            f"{name}\nprecision {found.precision:.2f}, recall {found.recall:.2f}, "
            f"density {found.density:.2f}, coverage {found.coverage:.2f}",
            fontsize=10,
        )
        ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal")
    axes[0, 0].legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def two_sample() -> Figure:
    """AUC against defects that grow, and the channels that give one away."""
    figure, ((left, right),) = panels(2)

    def test(spectra: Array) -> metrics.TwoSampleTest:
        return metrics.classifier_two_sample(FIRST, spectra, permutations=0)

    random = np.random.default_rng(3)
    orders = [random.permutation(2 * COUNT) for _ in range(40)]
    null = [
        metrics.classifier_two_sample(ALL[o[:COUNT]], ALL[o[COUNT:]], permutations=0).auc
        for o in orders
    ]
    left.axhspan(*np.quantile(null, [0.025, 0.975]), color="0.85", lw=0)
    size = np.linspace(0, 1, 7)
    for name, change, style, colour in (
        ("energy shift to 0.5 eV", lambda x: shifted(SECOND, 0.5 * x), "-", SYNTHETIC),
        ("added noise to 0.15", lambda x: noisier(SECOND, 0.15 * x + 1e-12), "--", OTHER),
        ("spread to 1.5 times", lambda x: SECOND + 0.5 * x * (SECOND - MEAN), ":", "#009E73"),
    ):
        left.plot(size, [test(change(x)).auc for x in size], style, color=colour, label=name)
    left.set(xlabel="size of the defect", ylabel="AUC", ylim=(0.3, 1.02))
    left.legend(frameon=False, fontsize=8, loc="upper left")
    found = test(shifted(SECOND, 0.5)).mean_difference
    right.axhspan(-4, 4, color="0.85", lw=0)
    right.plot(ENERGY, found, color=SYNTHETIC, lw=1)
    right.set_ylabel("mean difference (standard errors)")
    energy_label(right)
    return figure


def memorisation() -> Figure:
    """Distances to the nearest training spectrum."""
    from scipy.spatial.distance import cdist

    train, held_out = FIRST, SECOND
    fresh = spectra_of("MnO", COUNT, 7)[1]
    pairs = np.random.default_rng(2).integers(0, COUNT, (2, COUNT))
    cases = {
        "a new draw": (fresh, OTHER, "-"),
        "mean of two training spectra": (train[pairs].mean(axis=0), SYNTHETIC, "--"),
        "training spectra, a trace of noise": (noisier(train, 0.02), "#009E73", ":"),
    }
    figure, ((ax,),) = panels(1, 3.0)
    reference = np.sort(cdist(held_out, train).min(axis=1))
    share = np.arange(1, COUNT + 1) / COUNT
    ax.plot(reference, share, color=REAL, lw=2, label="held-out real spectra")
    for name, (spectra, colour, style) in cases.items():
        ratio = metrics.memorisation_ratio(spectra, train, held_out)
        nearest = np.sort(cdist(spectra, train).min(axis=1))
        ax.plot(nearest, share, style, color=colour, label=f"{name}: ratio {ratio:.2f}")
    ax.axhline(0.5, color="0.7", lw=0.8, zorder=0)
    ax.set(
        xlabel="distance to the nearest training spectrum",
        ylabel="fraction of the spectra below",
        xlim=(0, None),
    )
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def snr() -> Figure:
    """Mean and standard deviation in each channel, and their ratio."""
    figure, ((left, right),) = panels(2)
    for spectra, colour, style, name in (
        (FIRST, REAL, "-", "as simulated"),
        (noisier(FIRST, 0.1), SYNTHETIC, "--", "noise added"),
    ):
        mean, std = spectra.mean(axis=0), spectra.std(axis=0)
        left.plot(ENERGY, mean, style, color=colour, lw=1)
        left.fill_between(ENERGY, mean - std, mean + std, color=colour, alpha=0.25, lw=0)
        right.plot(
            ENERGY,
            mean / std,
            style,
            color=colour,
            lw=1,
            label=f"{name}: mean {metrics.snr(spectra):.2f}",
        )
    left.set_ylabel("mean ± standard deviation")
    right.set_ylabel("mean / standard deviation")
    right.legend(frameon=False, fontsize=8)
    energy_label(left)
    energy_label(right)
    return figure


def noise_correlation() -> Figure:
    """Neighbour correlation of white noise and of noise behind a point spread."""
    random = np.random.default_rng(4)
    clean = FIRST.mean(axis=0)
    white = random.normal(0, 0.05, FIRST.shape)
    spread = gaussian_filter1d(white, 0.8, axis=1)
    spread *= white.std() / spread.std()
    cases = {
        "simulated spectra": (FIRST, REAL, "o-"),
        "white noise": (clean + white, SYNTHETIC, "s--"),
        "noise with a point spread of 0.8 channels": (clean + spread, OTHER, "^:"),
    }
    figure, ((left, right),) = panels(2, 3.2)
    part = slice(300, 340)
    for i, (name, (spectra, colour, style)) in enumerate(cases.items()):
        left.step(
            ENERGY[part], metrics.noise_residual(spectra)[0, part] - 0.5 * i, color=colour, lw=0.9
        )
        right.plot(range(1, 5), metrics.noise_correlation(spectra), style, color=colour, label=name)
    left.set(yticks=[], ylabel="residual of one spectrum")
    energy_label(left)
    right.set(xticks=range(1, 5), xlabel="lag (channels)", ylabel="correlation", ylim=(-0.1, 1.0))
    right.legend(frameon=False, fontsize=8)
    return figure


def noise_level() -> Figure:
    """Noise level against intensity for simulated spectra and for one level everywhere."""
    figure, ((ax,),) = panels(1, 3.0)
    real = metrics.noise_level(FIRST)
    clean = gaussian_filter1d(SECOND, 8.0, axis=1)
    even = clean + np.random.default_rng(6).normal(0, 0.08, clean.shape)
    synthetic = metrics.noise_level(even, edges=real.edges)
    ax.plot(
        real.intensity,
        real.level,
        "o-",
        color=REAL,
        label="counting statistics of edge and background",
    )
    ax.plot(
        synthetic.intensity,
        synthetic.level,
        "s--",
        color=SYNTHETIC,
        label="the same noise everywhere",
    )
    ax.set(xlabel="intensity (of the maximum)", ylabel="noise level", ylim=(0, None))
    ax.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def white_lines() -> Figure:
    """What is measured on a spectrum of two white lines."""
    windows = metrics.find_white_line_windows(FIRST, ENERGY)
    windows = windows._replace(post_edge=(665.0, 680.0))
    spectrum = FIRST.mean(axis=0, keepdims=True)
    figure, ((ax,),) = panels(1, 3.8)
    ax.plot(ENERGY, FIRST[3], color="0.8", lw=0.6, zorder=0)
    ax.plot(ENERGY, spectrum[0], color=REAL)
    height = spectrum[0, (ENERGY >= 665) & (ENERGY <= 680)].mean()
    l3, l2 = metrics.white_line_positions(spectrum, ENERGY, windows)[0]
    continuum = height * (2 / 3 * (ENERGY > l3) + 1 / 3 * (ENERGY > l2))
    for name, window, colour in (("L$_3$", windows.l3, SYNTHETIC), ("L$_2$", windows.l2, OTHER)):
        inside = (ENERGY >= window[0]) & (ENERGY <= window[1])
        ax.fill_between(
            ENERGY[inside], continuum[inside], spectrum[0, inside], color=colour, alpha=0.25, lw=0
        )
        position = metrics.peak_position(spectrum, ENERGY, window)[0]
        ax.axvline(position, color=colour, lw=0.8, ls=":")
        ax.text(position + 0.4, 1.02, f"{name} {position:.1f} eV", color=colour)
    ax.plot(ENERGY, continuum, color="0.5", ls="--", lw=0.9, label="two-step continuum")
    onset = metrics.onset_energy(spectrum, ENERGY, windows.l3)[0]
    width = metrics.peak_width(spectrum, ENERGY, windows.l3)[0]
    half = 0.5 * spectrum[0].max()
    ax.annotate(
        f"onset {onset:.1f} eV",
        (onset, half),
        (onset - 9.5, half + 0.1),
        arrowprops={"arrowstyle": "->"},
    )
    ax.annotate("", (onset, half), (onset + width, half), arrowprops={"arrowstyle": "<->"})
    ax.text(onset + width + 0.3, half, f"width {width:.1f} eV", va="center")
    ax.set(xlim=(625, 684), ylim=(-0.15, 1.15))
    ax.set_title(
        f"L$_3$/L$_2$ {metrics.l3_l2_ratio(spectrum, ENERGY, windows)[0]:.2f}", fontsize=10
    )
    ax.axvspan(665, 680, color="0.9", zorder=-1)
    ax.text(672.5, 0.42, "post-edge window", ha="center", color="0.4")
    ax.legend(frameon=False, loc="upper right")
    energy_label(ax)
    return figure


def energy_shift() -> Figure:
    """A spectrum, the reference moved along, and their correlation."""
    reference = FIRST.mean(axis=0)
    moved = shifted(SECOND[:1], 1.2)
    figure, ((left, right),) = panels(2)
    left.plot(ENERGY, moved[0], color=SYNTHETIC, lw=0.8, label="a spectrum")
    left.plot(ENERGY, reference, color=REAL, label="the reference")
    left.set_xlim(632, 662)
    left.legend(frameon=False, fontsize=8)
    energy_label(left)
    shifts = np.arange(-30, 31) * 0.1
    right.plot(
        shifts,
        [np.corrcoef(np.interp(ENERGY - x, ENERGY, reference), moved[0])[0, 1] for x in shifts],
        color=REAL,
    )
    found = metrics.energy_shift(moved, ENERGY, reference)[0]
    right.axvline(found, color=SYNTHETIC, ls="--", label=f"shift {found:.2f} eV")
    right.set(xlabel="reference moved by (eV)", ylabel="correlation")
    right.legend(frameon=False, fontsize=8)
    return figure


def wasserstein() -> Figure:
    """The area between two cumulative distributions of the L3 position."""
    windows = metrics.find_white_line_windows(FIRST, ENERGY)
    real = np.sort(metrics.l3_position(FIRST, ENERGY, windows))
    moved = shifted(SECOND, 0.4)
    synthetic = np.sort(metrics.l3_position(moved, ENERGY, windows))
    share = np.arange(1, COUNT + 1) / COUNT
    figure, ((ax,),) = panels(1, 3.0)
    ax.step(real, share, color=REAL, label="real")
    ax.step(synthetic, share, "--", color=SYNTHETIC, label="synthetic, moved by 0.4 eV")
    ax.fill_betweenx(share, real, synthetic, color=SYNTHETIC, alpha=0.2, lw=0)
    distance = metrics.wasserstein(real, synthetic)
    ax.set(xlabel="L$_3$ position (eV)", ylabel="fraction of the spectra below")
    ax.set_title(f"area: {distance:.2f} eV", fontsize=10)
    ax.legend(frameon=False, fontsize=8)
    return figure


PICTURES: tuple[Callable[[], Figure], ...] = (
    similarity,
    frechet,
    kernel,
    kl,
    kl_pca,
    neighbours,
    two_sample,
    memorisation,
    snr,
    noise_correlation,
    noise_level,
    white_lines,
    energy_shift,
    wasserstein,
)


def draw_all(folder: Path) -> None:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with plt.rc_context({"axes.spines.top": False, "axes.spines.right": False}):
        for draw in PICTURES:
            figure = draw()
            figure.savefig(folder / f"{draw.__name__}.png", dpi=130)
            plt.close(figure)


def setup(app: Sphinx) -> dict[str, Any]:
    """Draw before Sphinx looks for files."""
    app.connect(
        "builder-inited", lambda app: draw_all(Path(app.srcdir) / "user_guide" / "pictures"), 100
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
