# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on real spectra, from loading to a file read in a second process."""

from __future__ import annotations

import re

import hyperspy.api as hs
import numpy as np
import pytest
from conftest import DATA_VARIABLE, ROOT, THOROUGH

from hyperspy_dag import get_labels
from hyperspy_dag.dag.architectures import ARCHITECTURES
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.metrics import frechet_distance, snr

pytestmark = pytest.mark.filterwarnings("ignore:.*stopping criterion")

READ_AGAIN = """
    import sys
    import numpy as np
    import hyperspy.api as hs
    from hyperspy_dag import get_labels
    s = hs.load(sys.argv[1])
    np.testing.assert_array_equal(s.data, np.load(sys.argv[2]))
    axis = s.axes_manager.signal_axes[0]
    print("read:", type(s).__name__, axis.offset, axis.scale, axis.units, *get_labels(s)[:, 0])
"""


@pytest.fixture(scope="module")
def titanium(real_data):
    """TiO2 and SrTiO3, 60 spectra of each labelled."""
    s = hs.load(real_data("tio2_srtio3_raw.hspy"))
    stored = s.original_metadata.labels
    names = np.asarray(stored.class_names)[np.asarray(stored.y)]
    labels = np.full(len(names), "", dtype=names.dtype)
    for name in np.unique(names):
        chosen = np.flatnonzero(names == name)[:60]
        labels[chosen] = name
    return s.dag_preprocess(background_range=(400, 448), signal_range=(440, 500)), labels


@pytest.mark.slow
def test_the_example_on_measured_spectra(real_data, run_python, tmp_path):
    code = (ROOT / "examples" / "measured_titanium.py").read_text(encoding="utf-8")
    without = run_python(code, env={DATA_VARIABLE: str(tmp_path)}, check=False)
    assert without.returncode == 1 and f"set {DATA_VARIABLE}" in without.stderr
    folder = real_data("tio2_srtio3_raw.hspy").parent
    said = run_python(code, env={DATA_VARIABLE: str(folder)}).stdout
    right = dict(re.findall(r"right in the other region, ([\w ]+): ([\d.]+)", said))
    assert float(right["as labelled"]) < 0.6 and float(right["adapted"]) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "architecture"),
    [
        pytest.param(d, a, marks=() if d == "single_bitrans" or a == "auto" else THOROUGH)
        for d in DESIGNS
        for a in ("auto", *(name for name in ARCHITECTURES if name != "compact"))
    ],
)
def test_titanium_from_file_to_file(titanium, design, architecture, tmp_path, run_python):
    s, labels = titanium
    aug = s.dag_augment(
        labels,
        design,
        architecture,
        n_spectra=30,
        max_epochs=20,
        random_state=0,
        filename=tmp_path / "aug.hspy",
        show_progressbar=False,
    )
    assert np.isfinite(aug.data).all()
    np.save(tmp_path / "data.npy", aug.data)
    said = run_python(READ_AGAIN, tmp_path / "aug.hspy", tmp_path / "data.npy").stdout
    axis = s.axes_manager.signal_axes[0]
    assert f"EELSSpectrum {axis.offset} {axis.scale} eV SrTiO3 TiO2" in said
    # Every class resembles its own real spectra more than the other's.
    for i, name in enumerate(["SrTiO3", "TiO2"]):
        own = frechet_distance(s.data[labels == name], aug.data[i])
        other = frechet_distance(s.data[(labels != name) & (labels != "")], aug.data[i])
        assert own < 0.5 * other


@pytest.mark.slow
@pytest.mark.parametrize("lazy", [False, True])
def test_iron_oxide_from_the_raw_file(real_data, tmp_path, lazy, run_python):
    """A whole spectrum image: cube and its thin border told apart by threshold."""
    s = hs.load(real_data("fe_oxide_nanocubes.dm3"), lazy=lazy)
    intensity = np.asarray(s.isig[520.0:540.0].sum("Energy loss").data)
    thick, thin = np.quantile(intensity, [0.7, 0.45])
    labels = np.full(intensity.shape, "", dtype="U8")
    labels[intensity > thick] = "cube"
    labels[(intensity > thin) & (intensity <= thick)] = "edge"
    aug = s.dag_augment(
        labels,
        background_range=(480, 510),
        signal_range=(505, 760),
        n_spectra=20,
        max_epochs=20,
        random_state=0,
        show_progressbar=False,
    )
    assert aug.axes_manager.navigation_shape == (20, 2)
    assert np.isfinite(aug.data).all()
    axis = aug.axes_manager.signal_axes[0]
    assert axis.scale == 0.25 and axis.offset == pytest.approx(505, abs=0.25)
    np.testing.assert_array_equal(get_labels(aug)[:, 0], ["cube", "edge"])
    aug.save(tmp_path / "aug.hspy")
    np.save(tmp_path / "data.npy", aug.data)
    assert (
        "cube edge" in run_python(READ_AGAIN, tmp_path / "aug.hspy", tmp_path / "data.npy").stdout
    )


def test_manganese_is_as_good_as_real(real_data):
    """100 spectra, judged by the other 559: the benchmark's bars, one seed."""
    s = hs.load(real_data("mn2_659.hspy"))
    chosen = np.random.default_rng(0).permutation(659)
    labels = np.full(659, -1)
    labels[chosen[:100]] = 2
    aug = s.dag_augment(labels, n_spectra=559, random_state=0, show_progressbar=False)
    held_out, synthetic = s.data[chosen[100:]], aug.data[0]
    assert frechet_distance(held_out, synthetic) < 0.7
    assert snr(synthetic) == pytest.approx(snr(held_out), rel=0.15)


def test_eight_smooth_spectra(real_data):
    """Digitised references: few, noise-free. It warns, and does not break."""
    s = hs.load(real_data("fe_digitised_refs.hspy"))
    labels = np.asarray(s.original_metadata.labels.y)
    with pytest.warns(UserWarning, match="8"):
        aug = s.dag_augment(
            labels, n_spectra=10, max_epochs=5, random_state=0, show_progressbar=False
        )
    assert np.isfinite(aug.data).all()
    # Nearly as smooth as the references.
    rough = [np.abs(np.diff(x, 2, axis=-1)).mean() for x in (s.data, aug.data)]
    assert rough[1] < 4 * rough[0]
