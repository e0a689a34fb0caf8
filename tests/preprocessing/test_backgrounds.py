# SPDX-License-Identifier: GPL-3.0-or-later
"""Backgrounds of other shapes, against shapes that are known."""

from __future__ import annotations

import numpy as np
import pytest
from spectra import eels

from hyperspy_dag.preprocessing import preprocess, spectra_with_spikes

ENERGY = 400 + 0.5 * np.arange(200)
EDGE = np.where(ENERGY > 460, 50.0, 0.0)
SHAPES = {
    "power law": 1e12 * ENERGY**-3.0,
    "exponential": 4e3 * np.exp(-ENERGY / 60),
    "offset": np.full(200, 70.0),
    "polynomial": 100 - 0.3 * (ENERGY - 400) + 2e-3 * (ENERGY - 400) ** 2,
}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("kind", "fit"),
    [
        *((kind, None) for kind in SHAPES),
        ("power law", "least squares"),
        ("exponential", "least squares"),
    ],
)
def test_leaves_the_edge(kind, fit, lazy):
    s = eels(np.stack([SHAPES[kind] + EDGE, 2 * SHAPES[kind] + EDGE]), offset=400.0)
    s = s.as_lazy() if lazy else s
    rest = preprocess(s, (402, 455), normalise=False, background_type=kind, background_fit=fit)
    record = rest.metadata.DAG.preprocessing.as_dictionary()
    assert ("background_type" in record) == ((kind, fit) != ("power law", None))
    # HyperSpy's two areas are an approximation for an exponential.
    tolerance = 1.5 if (kind, fit) == ("exponential", None) else 0.1
    np.testing.assert_allclose(np.asarray(rest.data), [EDGE, EDGE], atol=tolerance)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"background_type": "powerlaw"}, "Did you mean 'power law'"),
        ({"background_type": "offset", "background_fit": "two-area"}, "least squares"),
        ({"background_fit": "lsq"}, "choose from two-area, least squares"),
        ({"background_type": "polynomial", "polynomial_order": 200}, "needs at least 202"),
    ],
)
def test_wrong_arguments(arguments, said):
    s = eels(np.stack([SHAPES["offset"] + EDGE] * 2), offset=400.0)
    with pytest.raises(ValueError, match=said):
        preprocess(s, (402, 455), **arguments)


def test_empty_spectra_are_left_out():
    s = eels(np.stack([SHAPES["exponential"] + EDGE, np.zeros(200)]), offset=400.0)
    with pytest.warns(UserWarning, match="no counts for a exponential|1 of 2 spectra"):
        rest = preprocess(s, (402, 455), background_type="exponential")
    assert not rest.data[1].any() and rest.data[0].max() == 1


@pytest.mark.parametrize("lazy", [False, True])
def test_finds_spectra_with_spikes(lazy):
    data = np.random.default_rng(0).poisson(500, (4, 5, 200)).astype(float)
    data[1, 2, 80] += 5000
    data[3, 0, 120:122] += 4000
    s = eels(data, offset=400.0)
    found = spectra_with_spikes(s.as_lazy() if lazy else s)
    assert np.argwhere(found).tolist() == [[1, 2], [3, 0]]
