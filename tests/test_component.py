# SPDX-License-Identifier: GPL-3.0-or-later
"""The spectra of a class in HyperSpy models."""

from __future__ import annotations

import numpy as np
import pytest
from exspy.signals import EELSSpectrum
from hyperspy.component import Parameter
from hyperspy.models.model1d import Model1D

from hyperspy_dag import EELSAugmenter, EELSAugmenterComponent
from hyperspy_dag.component import Expression

ENERGY = np.arange(630.0, 660.0, 0.25)
RANDOM = np.random.default_rng(0)


def peak(centre: float, width: float = 2.0) -> np.ndarray:
    return np.exp(-(((ENERGY - centre) / width) ** 2))


def component(centre: float = 640.0, k: int = 2, name: str = "MnO") -> EELSAugmenterComponent:
    """A line with a satellite; a second peak and a third come and go."""
    variations = np.stack([0.1 * peak(centre + 3.3), 0.02 * peak(centre + 8.1)])[:k]
    made = EELSAugmenterComponent(
        ENERGY,
        peak(centre) + 0.4 * peak(centre + 11),
        variations if k else None,
        np.tile([-3.0, 2.5], (k, 1)) if k else None,
    )
    made.name = name
    return made


def spectra(data: np.ndarray, binned: bool = False) -> EELSSpectrum:
    s = EELSSpectrum(data)
    axis = s.axes_manager.signal_axes[0]
    axis.offset, axis.scale, axis.units, axis.is_binned = 630.0, 0.25, "eV", binned
    return s


def model(s: EELSSpectrum, *components: EELSAugmenterComponent) -> Model1D:
    m = s.create_model(auto_background=False, auto_add_edges=False)
    m.extend(components)
    return m


def mixture(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of two components with two variations each, and their spectra."""
    c, d = component(), component(644.0)
    rows = np.vstack([one._whitelist[n][1] for one in (c, d) for n in ("mean", "variations")])
    coefficients = np.random.default_rng(1).uniform(0.2, 1, (*shape, 6))
    return coefficients, coefficients @ rows


def test_value_is_mean_and_variations() -> None:
    c = component()
    c.intensity.value, c.v1.value, c.v2.value = 3.0, -1.5, 0.5
    expected = 3 * (peak(640) + 0.4 * peak(651)) - 0.15 * peak(643.3) + 0.01 * peak(648.1)
    np.testing.assert_allclose(c.function(ENERGY), expected, atol=1e-12)


def test_other_axis_and_shift() -> None:
    c = component(k=0)
    c.shift.value = 0.6
    x = np.linspace(633, 655, 501)
    moved = np.exp(-(((x - 640.6) / 2) ** 2)) + 0.4 * np.exp(-(((x - 651.6) / 2) ** 2))
    np.testing.assert_allclose(c.function(x), moved, atol=1e-4)


@pytest.mark.parametrize("name", ["intensity", "v1", "v2", "shift"])
def test_gradient_is_that_of_the_function(name: str) -> None:
    c = component()
    c.intensity.value, c.v1.value, c.v2.value, c.shift.value = 2.0, 0.7, -0.4, 0.33
    parameter: Parameter = getattr(c, name)
    x = np.linspace(632, 658, 97)
    value, step = parameter.value, 1e-5
    parameter.value = value + step
    above = c.function(x)
    parameter.value = value - step
    numerical = (above - c.function(x)) / (2 * step)
    parameter.value = value
    np.testing.assert_allclose(parameter.grad(x), numerical, atol=1e-7)
    np.testing.assert_allclose(getattr(c, f"grad_{name}")(x), numerical, atol=1e-7)


def test_linear_are_all_but_the_shift() -> None:
    assert [p.name for p in component().parameters if p._linear] == ["intensity", "v1", "v2"]
    assert not component().shift.free


@pytest.mark.parametrize("one_shift", [True, False])
def test_function_nd_is_the_function_at_every_position(one_shift: bool) -> None:
    c = component()
    m = model(spectra(np.zeros((3, 4, len(ENERGY)))), c)
    random = np.random.default_rng(2)
    for parameter in c.parameters:
        values = random.normal(size=(3, 4))
        parameter.map["values"][:] = 0.4 if one_shift and parameter.name == "shift" else values
        parameter.map["is_set"][:] = True
    together = c.function_nd(ENERGY)
    assert together.shape == (3, 4, len(ENERGY))
    for index in np.ndindex(3, 4):
        m.axes_manager.indices = index[::-1]
        m.fetch_stored_values()
        np.testing.assert_allclose(together[index], c.function(ENERGY), atol=1e-12)


@pytest.mark.parametrize("binned", [False, True])
def test_lstsq_recovers_mixture(binned: bool) -> None:
    coefficients, data = mixture(3, 4)
    c, d = component(), component(644.0, name="MnO2")
    m = model(spectra(data * (0.25 if binned else 1), binned), c, d)
    m.multifit(optimizer="lstsq", calculate_errors=True)
    found = [p.map["values"] for one in (c, d) for p in one.parameters[:-1]]
    np.testing.assert_allclose(np.stack(found, axis=-1), coefficients, atol=1e-6)
    np.testing.assert_allclose(c.function_nd(ENERGY) + d.function_nd(ENERGY), data, atol=1e-6)


@pytest.mark.parametrize("fixed", [(), ("v1",), ("v1", "v2"), ("intensity",)])
def test_lstsq_leaves_fixed_parameters(fixed: tuple[str, ...]) -> None:
    """The fixed part counts once, however many parameters are free."""
    coefficients, data = mixture(1)
    c, d = component(), component(644.0, name="MnO2")
    m = model(spectra(data[0]), c, d)
    for name in fixed:
        getattr(c, name).value = coefficients[0, ["intensity", "v1", "v2"].index(name)]
        getattr(c, name).free = False
    m.set_signal_range(632.0, 655.0)
    m.fit(optimizer="lstsq")
    found = [p.value for one in (c, d) for p in one.parameters[:-1]]
    np.testing.assert_allclose(found, coefficients[0], atol=1e-6)


def test_nonlinear_fit_recovers_shift() -> None:
    c = component()
    c.intensity.value, c.v1.value, c.shift.value = 50.0, 20.0, 0.45
    m = model(spectra(c.function(ENERGY)), component())
    fitted = m[0]
    m.fit(optimizer="lstsq")
    fitted.shift.free = True
    fitted.scale_bounds(50.0)
    m.fit(optimizer="lm", grad="analytical")
    assert fitted.shift.value == pytest.approx(0.45, abs=1e-4)
    assert fitted.intensity.value == pytest.approx(50.0, rel=1e-4)
    assert fitted.v1.value == pytest.approx(20.0, rel=1e-3)


def test_bounds_are_what_was_learned() -> None:
    c = component()
    assert (c.intensity.bmin, c.v1.bmin, c.v2.bmax) == (0.0, -3.0, 2.5)
    c.scale_bounds(10)
    assert (c.v1.bmin, c.v2.bmax) == (-30.0, 25.0)
    data = 10 * (peak(640) + 0.4 * peak(651)) + 9.0 * peak(643.3)  # v1 of 90
    m = model(spectra(data), c)
    m.fit(bounded=True)
    assert c.v1.value == pytest.approx(25.0, abs=1e-3)
    with pytest.raises(ValueError, match="above 0"):
        c.scale_bounds(0)


def test_beyond_the_learned_range() -> None:
    c = component()
    with pytest.warns(UserWarning, match="learned from 630 to 659.75 eV and is zero"):
        wide = c.function(np.arange(620.0, 650.0, 0.5))
    assert not wide[:19].any() and wide[25:].all()
    with pytest.raises(ValueError, match="has nothing of it"):
        c.function(np.arange(700.0, 750.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ENERGY, ENERGY[1:]), "same length"),
        ((ENERGY, ENERGY, ENERGY), "variations must have the shape"),
        ((ENERGY, ENERGY, [ENERGY], [[1.0, -1.0]]), "lower end"),
        ((ENERGY, ENERGY, [ENERGY], [1.0, 2.0]), r"\(1, 2\)"),
        ((ENERGY, ENERGY * np.nan), "finite"),
        ((ENERGY * 0, ENERGY), "differ"),
    ],
)
def test_arrays_that_do_not_fit(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EELSAugmenterComponent(*arguments)


def test_energies_may_descend() -> None:
    c = component(k=0)
    turned = EELSAugmenterComponent(ENERGY[::-1], c.function(ENERGY)[::-1])
    np.testing.assert_allclose(turned.function(ENERGY), c.function(ENERGY), atol=1e-12)


def test_of_spectra_finds_mean_and_variations() -> None:
    random = np.random.default_rng(3)
    scores = random.uniform(-1, 1, (500, 2)) * [3, 1]
    data = peak(640) + scores @ np.stack([0.1 * peak(644), 0.1 * peak(652)])
    c = EELSAugmenterComponent.of_spectra(spectra(data), 2, "MnO")
    assert c.name == "MnO"
    np.testing.assert_allclose(c.function(ENERGY), data.mean(axis=0), atol=1e-12)
    # Of a uniform law, one standard deviation is the half width over the root of 3.
    np.testing.assert_allclose(np.abs(c.ranges), np.sqrt(3), rtol=0.1)
    for row in data[:20]:
        m = model(spectra(row), EELSAugmenterComponent.of_spectra(spectra(data), 2))
        m.fit(optimizer="lstsq")
        assert m[0].intensity.value == pytest.approx(1, abs=0.03)
        np.testing.assert_allclose(m.as_signal(show_progressbar=False).data, row, atol=1e-3)
    with pytest.raises(ValueError, match="vary in 2 ways"):
        EELSAugmenterComponent.of_spectra(spectra(data), 3)


@pytest.mark.parametrize("k", [0, 2])
def test_store_and_restore_in_a_new_process(k: int, tmp_path, run_python) -> None:
    c = component(k=k)
    _, data = mixture(2, 3)
    s = spectra(data, binned=True)
    m = model(s, c)
    m.multifit(optimizer="lstsq")
    m.store("phases")
    path = tmp_path / "fitted.hspy"
    s.save(path)
    np.save(tmp_path / "model.npy", m.as_signal(show_progressbar=False).data)
    run_python(
        """
        import sys
        import numpy as np
        import hyperspy.api as hs
        s = hs.load(sys.argv[1])
        m = s.models.restore("phases")
        np.testing.assert_array_equal(
            m.as_signal(show_progressbar=False).data, np.load(sys.argv[2])
        )
        assert m[0].name == "MnO" and m[0].intensity.bmin == 0
        m.multifit(optimizer="lstsq")
        assert "tensorflow" not in sys.modules
        """,
        path,
        tmp_path / "model.npy",
    )


def test_store_holds_the_shapes_and_nothing_more() -> None:
    """HyperSpy copies what is stored whenever the signal is sliced."""
    m = model(spectra(np.zeros((5, len(ENERGY)))), component())
    stored = m.as_dictionary()["components"][0]
    arrays = {name: a.nbytes for name, a in stored.items() if isinstance(a, np.ndarray)}
    channel = 8 * len(ENERGY)
    assert arrays == {"energy": channel, "mean": channel, "variations": 2 * channel, "ranges": 32}
    assert "_class_dump" not in stored  # found by its name, not by pickle
    assert stored["package"] == "hyperspy_dag"  # of which HyperSpy's error message speaks


def test_slices_of_the_model() -> None:
    s = spectra(mixture(5)[1], binned=True)
    m = model(s, component())
    m.multifit(optimizer="lstsq")
    m.store("phases")
    part = m.inav[1:3]
    np.testing.assert_array_equal(part[0].v1.map["values"], m[0].v1.map["values"][1:3])
    assert "EELSAugmenterComponent" not in str(s.inav[1:3].metadata)
    narrow = m.isig[635.0:650.0]
    np.testing.assert_allclose(
        narrow.as_signal(show_progressbar=False).data,
        m.as_signal(show_progressbar=False).isig[635.0:650.0].data,
        atol=1e-12,
    )


def test_augmenter_makes_components() -> None:
    data = np.vstack([peak(640) + RANDOM.normal(0, 0.03, (30, 120)), mixture(30)[1]])
    s = spectra(data / data.max(axis=1, keepdims=True), binned=True)
    labels = np.repeat(["MnO", "MnO2"], 30)
    augmenter = EELSAugmenter(max_epochs=1, stopping=None, random_state=0)
    augmenter.fit(s, labels, show_progressbar=False)
    c, again = augmenter.component("MnO"), augmenter.component("MnO")
    assert c.name == "MnO" and isinstance(c, Expression)
    np.testing.assert_array_equal(c.function(ENERGY), again.function(ENERGY))
    np.testing.assert_array_equal(c.ranges, again.ranges)
    assert [p.name for p in c.parameters] == ["intensity", "v1", "v2", "v3", "shift"]
    clean = augmenter.sample(2000, label="MnO", noise=False, energy_jitter=0.0)
    np.testing.assert_allclose(c.function(ENERGY) * 0.25, clean.data.mean(axis=0), atol=1e-5)
    assert len(augmenter.component("MnO", 0).parameters) == 2
    with pytest.raises(ValueError, match="'Mn3O4' was not fitted"):
        augmenter.component("Mn3O4")
    with pytest.raises(ValueError, match="n_variations must be at least 0"):
        augmenter.component("MnO", -1)


def test_component_of_the_paper_recipe() -> None:
    data = np.vstack([peak(640) + RANDOM.normal(0, 0.03, (12, 120))] * 2)
    s = spectra(data / data.max(axis=1, keepdims=True))
    augmenter = EELSAugmenter(recipe="paper", max_epochs=1, stopping=None, random_state=0)
    augmenter.fit(s, np.repeat([0, 1], 12), show_progressbar=False)
    assert augmenter.component(1, 1).name == "1"


def test_before_fit() -> None:
    with pytest.raises(ValueError, match="call fit"):
        EELSAugmenter().component("MnO")


def test_needs_no_tensorflow(run_python) -> None:
    run_python(
        """
        import sys
        from hyperspy_dag import EELSAugmenterComponent
        c = EELSAugmenterComponent([1.0, 2.0, 3.0], [0.0, 1.0, 0.0])
        assert c.function(2.0 + 0 * c._energy)[0] == 1
        assert "tensorflow" not in sys.modules
        """
    )
