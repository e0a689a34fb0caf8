# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the noise right at another dose? Real readouts, and sums of them to learn from.

    python benchmarks/dose_knob.py

Four times 100 readouts of one spot (TiO2 and SrTiO3, two regions each), aligned by the drift that
was measured. An augmenter is trained on sums of four or of ten readouts, each in one sum alone:
spectra of four or ten times the dose. Asked for a quarter or a tenth of that dose,
``sample(dose=1/4)``, its spectra are to have the noise of the single readouts: its level (what
three components leave of the spectra) and its correlation between neighbouring channels. Prints a
table and writes it to ``benchmarks/results/dose_knob.md``.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from exspy.signals import EELSSpectrum
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from oxides import RESULTS, table
from tstr_tio2 import BACKGROUND_RANGE, SIGNAL_RANGE, load_raw

from hyperspy_dag import EELSAugmenter, metrics

SUMS = (4, 10)


def readouts() -> dict[str, EELSSpectrum]:
    """Aligned raw readouts of each spot."""
    s, names, regions = load_raw()
    drift = np.asarray(s.original_metadata.labels.frame_shift, float)  # channels
    drift = np.nan_to_num(drift).astype(int)
    data = np.stack([np.roll(row, -by) for row, by in zip(s.data, drift, strict=True)])
    return {
        f"{name}, region {region}": _signal(data[(names == name) & (regions == region)], s)
        for name in dict.fromkeys(names)
        for region in np.unique(regions)
    }


def _signal(data: NDArray, like: EELSSpectrum) -> EELSSpectrum:
    energy = like.axes_manager.signal_axes[0].get_axis_dictionary()
    return EELSSpectrum(data, axes=[{"size": len(data), "navigate": True}, energy])


def noise(s: EELSSpectrum) -> tuple[float, float]:
    """Level of the noise, and its correlation between neighbouring channels."""
    spectra = s.data.reshape(-1, s.data.shape[-1]).astype(np.float64)
    level = float(np.sqrt(np.mean(metrics.noise_residual(spectra) ** 2)))
    return level, float(metrics.noise_correlation(spectra, lags=1)[0])


def measure(raw: EELSSpectrum, count: int) -> list[float]:
    """Noise level drawn for one readout over that of the readouts, and the correlations.

    Twice: with the background subtracted before the training, and from what was drawn.
    """
    n = len(raw.data) // count
    sums = _signal(raw.data[: n * count].reshape(n, count, -1).sum(axis=1), raw)

    def drawn(s: EELSSpectrum) -> EELSSpectrum:
        with warnings.catch_warnings():
            # Ten spectra are few, which is not the question here.
            warnings.filterwarnings("ignore", ".*fewer than|.*stopping criterion", UserWarning)
            augmenter = EELSAugmenter(random_state=0).fit(s, ["spot"] * n, show_progressbar=False)
        return augmenter.sample(len(raw.data), label="spot", dose=1 / count)

    first = noise(drawn(sums.dag_preprocess(BACKGROUND_RANGE, SIGNAL_RANGE)))
    whole = sums.dag_preprocess(signal_range=(BACKGROUND_RANGE[0], SIGNAL_RANGE[1] + 1))
    last = noise(drawn(whole).dag_preprocess(BACKGROUND_RANGE, SIGNAL_RANGE))
    real = noise(raw.dag_preprocess(BACKGROUND_RANGE, SIGNAL_RANGE))
    return [first[0] / real[0], last[0] / real[0], first[1], last[1], real[1]]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS.parent / "dose_knob.md")
    options = parser.parse_args()
    spots = readouts()
    rows = [
        (name, f"{count}", *measure(raw, count)) for count in SUMS for name, raw in spots.items()
    ]
    head = ["spot", "readouts in a sum", "noise level / readouts'", "background subtracted last"]
    head += ["correlation", "background subtracted last", "readouts"]
    text = "\n\n".join(
        [
            "# Noise at another dose, on real spectra",
            "An augmenter learned from sums of readouts and was asked for the dose of one readout. "
            "Noise level: root mean square of what three components leave. Correlation: of the "
            "noise in neighbouring channels. Background subtracted last: learned with it, and "
            "subtracted from what was drawn.",
            table(head, rows, lambda value: f"{value:.3g}"),
        ]
    )
    print(text)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
