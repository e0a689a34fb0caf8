# SPDX-License-Identifier: GPL-3.0-or-later
"""Lazy in: only what is labelled is read. Lazy out: any part, in any order, the same spectra."""

from __future__ import annotations

import threading

import dask
import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from exspy.signals import EELSSpectrum, LazyEELSSpectrum
from spectra import eels, two_classes, white_lines

from hyperspy_dag import EELSAugmenter, get_labels
from hyperspy_dag.dag import sources
from hyperspy_dag.training.training_set import training_set

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fewer than"),
    pytest.mark.filterwarnings("ignore:.*stopping criterion"),
]


@pytest.fixture(scope="module")
def fitted() -> EELSAugmenter:
    return EELSAugmenter(max_epochs=1, random_state=1).fit(*two_classes(), show_progressbar=False)


def test_only_labelled_blocks_are_read_and_each_once():
    """A dask array that counts; one chunk for each row of the map."""
    rows, columns, channels = 40, 25, 48
    data = white_lines(rows * columns, channels).reshape(rows, columns, channels)
    read, lock = [], threading.Lock()

    def load(block_info=None):
        row = block_info[None]["array-location"][0][0]
        with lock:
            read.append(row)
        return data[row : row + 1]

    image = da.map_blocks(
        load,
        chunks=((1,) * rows, (columns,), (channels,)),
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
    )
    s = eels(data).as_lazy()
    s.data = image
    labels = np.full((rows, columns), -1)
    labels[3, :20] = 0
    labels[17, 4:] = 1
    labels[18, ::2] = 1
    found = training_set(s, labels)
    assert sorted(read) == [3, 17, 18]
    np.testing.assert_array_equal(found.spectra[0], data[3, :20])
    np.testing.assert_array_equal(found.spectra[1], np.concatenate([data[17, 4:], data[18, ::2]]))
    assert found.digest == training_set(eels(data), labels).digest


def test_lazy_stack_is_the_eager_one(fitted, monkeypatch):
    monkeypatch.setattr(sources, "CHUNK_BYTES", 512 * 48 * 4)
    eager = fitted.sample(1300)
    lazy = fitted.sample(1300, lazy=True)
    assert type(eager) is EELSSpectrum and type(lazy) is LazyEELSSpectrum
    assert lazy.data.chunks == ((1, 1), (512, 512, 276), (48,))
    assert lazy.data.dtype == eager.data.dtype
    # Some spectra from the middle, before any others.
    np.testing.assert_array_equal(lazy.inav[700:703, 1].data.compute(), eager.data[1, 700:703])
    for scheduler in ("threads", "synchronous"):
        with dask.config.set(scheduler=scheduler):
            np.testing.assert_array_equal(lazy.data.compute(), eager.data)
    np.testing.assert_array_equal(get_labels(lazy), get_labels(eager))
    assert lazy.metadata.DAG.as_dictionary().keys() == eager.metadata.DAG.as_dictionary().keys()


def test_lazy_takes_all_options(fitted):
    options = {"label": "FeO", "noise": False, "dose": 2.0, "energy_jitter": 0.3, "random_state": 8}
    np.testing.assert_array_equal(
        fitted.sample(20, lazy=True, **options).data.compute(), fitted.sample(20, **options).data
    )


def test_nothing_is_drawn_before_it_is_asked_for(fitted, monkeypatch):
    drawn = []
    draw = sources.SpectrumSource.draw
    monkeypatch.setattr(
        sources.SpectrumSource, "draw", lambda self, *a: drawn.append(a) or draw(self, *a)
    )
    lazy = fitted.sample(1_000_000, lazy=True)
    assert lazy.data.shape == (2, 1_000_000, 48)
    assert not drawn
    assert lazy.inav[999_999, 0].data.compute().shape == (48,)
    assert len(drawn) == 1


@pytest.mark.parametrize("ending", ["hspy", "zspy"])
def test_streams_to_disk(fitted, tmp_path, ending):
    if ending == "zspy":
        pytest.importorskip("zarr", reason="zspy files need zarr")
    fitted.sample(600, lazy=True).save(tmp_path / f"a.{ending}")
    loaded = hs.load(tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(loaded.data, fitted.sample(600).data)
    np.testing.assert_array_equal(get_labels(loaded), get_labels(fitted.sample(600)))


def test_travels_to_other_processes(fitted):
    """What a cluster's worker gets is enough to draw from."""
    import cloudpickle

    lazy = fitted.sample(300, lazy=True).data
    again = cloudpickle.loads(cloudpickle.dumps(lazy))
    np.testing.assert_array_equal(again.compute(), fitted.sample(300).data)
