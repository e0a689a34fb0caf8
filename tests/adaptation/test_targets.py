# SPDX-License-Identifier: GPL-3.0-or-later
"""Several targets, what is found in words and pictures, and targets that are of no use."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import hyperspy.api as hs
import numpy as np
import pytest
from matplotlib.figure import Figure

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.adaptation import fit_target
from hyperspy_dag.augmenter import AugmenterFileError
from hyperspy_dag.data import simulated_oxides

pytestmark = pytest.mark.filterwarnings("ignore:.*stopping criterion|.*hardly any|.*none kept")

COUNTS = {"MnO": 30, "MnO2": 30}


def spectra(seed, counts=COUNTS):
    """Every fifth channel's worth of the spectra: fast to adapt to."""
    s, labels = simulated_oxides("WL-Mn", counts, random_state=seed)
    s = s.rebin(scale=(1, 5))
    s.data /= s.data.max(axis=1, keepdims=True)
    return s, labels


@pytest.fixture(autouse=True)
def no_p_value(monkeypatch):
    """The p-value is most of the time, and the business of other tests."""
    monkeypatch.setattr(fit_target, "adapt", partial(fit_target.adapt, replicates=0))


@pytest.fixture(scope="module")
def augmenter() -> EELSAugmenter:
    return EELSAugmenter(max_epochs=1, stopping=None, random_state=0).fit(
        *spectra(1), show_progressbar=False
    )


@pytest.fixture(scope="module")
def targets():
    return [spectra(7)[0], spectra(8, {"MnO": 10, "MnO2": 30})[0]]


def same(one: EELSAugmenter, other: EELSAugmenter) -> bool:
    drawn = np.array_equal(one.sample(3).data, other.sample(3).data)
    return drawn and repr(one.adaptation_) == repr(other.adaptation_)


# --- several targets -----------------------------------------------------------------------------


def test_targets_side_by_side_are_as_one_after_the_other(augmenter, targets):
    distributed = pytest.importorskip("distributed")
    alone = [augmenter.adapt(s) for s in targets]
    assert not same(*alone)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        together = augmenter.adapt(targets, client=client)
    assert all(map(same, alone, together))


@pytest.mark.slow
def test_targets_in_processes_are_as_one_after_the_other(run_python):
    pytest.importorskip("distributed")
    run_python("""
        import numpy as np
        from hyperspy_dag import EELSAugmenter
        from hyperspy_dag.data import simulated_oxides

        def spectra(seed):
            s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30}, random_state=seed)
            s = s.rebin(scale=(1, 5))
            s.data /= s.data.max(axis=1, keepdims=True)
            return s, labels

        if __name__ == "__main__":
            augmenter = EELSAugmenter(max_epochs=1, random_state=0).fit(*spectra(1))
            targets = [spectra(7)[0], spectra(8)[0]]
            alone = augmenter.adapt(targets)
            together = augmenter.adapt(targets, n_jobs=2)
            for one, other in zip(alone, together):
                np.testing.assert_array_equal(one.sample(3).data, other.sample(3).data)
                assert repr(one.adaptation_) == repr(other.adaptation_)
    """)


def test_finished_targets_are_kept(augmenter, targets, tmp_path, monkeypatch):
    def stop(progress):
        return progress.label == 1

    with pytest.warns(UserWarning, match=r"None stands for the targets \[1\]"):
        first, second = augmenter.adapt(targets, checkpoint_dir=tmp_path, callback=stop)
    assert second is None
    seen = []
    again = augmenter.adapt(
        targets, checkpoint_dir=tmp_path, callback=lambda p: seen.append((p.label, p.share))
    )
    assert {number for number, _ in seen} == {1}
    assert seen == sorted(seen)
    assert same(first, again[0])
    assert same(again[1], augmenter.adapt(targets[1]))
    with pytest.raises(AugmenterFileError, match=r"another target than s_target\[0\]"):
        augmenter.adapt(targets[::-1], checkpoint_dir=tmp_path)
    with pytest.raises(AugmenterFileError, match="or with other settings"):
        augmenter.adapt(targets, checkpoint_dir=tmp_path, random_state=5)


def test_a_single_target_that_is_ended_has_no_result(augmenter, targets):
    with pytest.raises(RuntimeError, match="ended by callback="):
        augmenter.adapt(targets[0], callback=lambda progress: True)


def test_progress_counts_targets(augmenter, targets, capsys):
    augmenter.adapt(targets, show_progressbar=True)
    assert "2/2" in capsys.readouterr().err.replace(".0/", "/")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"n_jobs": 0}, ValueError, "n_jobs must be at least 1"),
        ({"callback": 3}, TypeError, "callback must be callable"),
        ({"low_loss": [None]}, ValueError, "1 low losses were given for 2 targets"),
        ({"callback": print, "n_jobs": 2}, ValueError, "leave n_jobs= and client= out"),
    ],
)
def test_arguments_of_several_targets_are_checked(augmenter, targets, arguments, error, words):
    with pytest.raises(error, match=words):
        augmenter.adapt(targets, **arguments)


def test_all_targets_are_checked_before_the_first_is_adapted_to(augmenter, targets, monkeypatch):
    monkeypatch.setattr(fit_target, "adapt", None)
    with pytest.raises(ValueError, match=r"s_target\[1\] holds 5 spectra with a signal"):
        augmenter.adapt([targets[0], targets[1].inav[:5]])
    with pytest.raises(ValueError, match="an empty list of targets"):
        augmenter.adapt([])


# --- in words and pictures -----------------------------------------------------------------------


def test_what_was_found_is_told_and_drawn(augmenter, targets, tmp_path):
    adapted = augmenter.adapt(targets[1])
    found = adapted.adaptation_
    words = str(found)
    assert "Adapted to 40 unlabelled spectra" in words
    assert f"MnO2: {found.fractions['MnO2']:.0%} of them" in words
    assert words.splitlines()[1] in adapted.adaptation_._repr_html_()
    awkward = replace(found, messages=("<script>",))
    assert "<script>" not in awkward._repr_html_()
    axes = found.plot()
    target = axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(target, targets[1].data.mean(axis=0), atol=1e-6)
    assert isinstance(axes[0].figure, Figure)
    assert [ax.get_title() for ax in axes[1:]][-1] == "dose, relative"
    adapted.save(tmp_path / "a.dag")
    again = EELSAugmenter.load(tmp_path / "a.dag").adaptation_
    assert str(again) == words
    np.testing.assert_array_equal(again.seen["after"], found.seen["after"])
    record = adapted.sample(2).metadata.DAG.adaptation
    low, high = record.intervals.dose[0]
    assert low < record.conditions.dose[0] < high


# --- maps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (40,), (5, 8), (2, 4, 5)])
@pytest.mark.parametrize("lazy", [False, True])
def test_maps_keep_their_axes(augmenter, shape, lazy, tmp_path):
    s, labels = spectra(9, {"MnO": 20, "MnO2": 20})
    order = np.random.default_rng(0).permutation(40)
    data = s.data[order][: int(np.prod(shape))].reshape(*shape, -1)
    image = type(s)(data)
    own, energy = image.axes_manager.signal_axes[0], s.axes_manager.signal_axes[0]
    own.offset, own.scale, own.units = energy.offset, energy.scale, "eV"
    for axis, name in zip(image.axes_manager.navigation_axes, "xyz", strict=False):
        axis.name, axis.units, axis.scale, axis.offset = name, "nm", 0.5, 3.0
    if lazy:
        image = image.as_lazy()
        image.data = image.data.rechunk(3)
    found = augmenter.classify(image)
    truth = np.asarray(labels)[order][: int(np.prod(shape))].reshape(shape)
    assert found.index.shape == shape
    assert (found.labels == truth).mean() > 0.9
    for axis in found.map.axes_manager.signal_axes if shape else ():
        assert (axis.units, axis.scale, axis.offset) == ("nm", 0.5, 3.0)
    found.save(tmp_path / "map.hspy")
    found.save(tmp_path / "map.png")
    loaded = hs.load(tmp_path / "map.hspy")
    np.testing.assert_array_equal(loaded.data.ravel(), found.index.ravel())
    assert loaded.metadata.DAG.training_digest == augmenter.training_digest_
    assert loaded.metadata.DAG.random_state == 0


def test_a_map_says_what_it_was_adapted_to(augmenter, targets, tmp_path):
    pytest.importorskip("zarr")
    found = augmenter.adapt(targets[0]).classify(targets[0])
    found.save(tmp_path / "map.zspy")
    found.save(tmp_path / "map.png")
    assert hs.load(tmp_path / "map.zspy").metadata.DAG.adaptation.n_target == 60
    from PIL import Image

    with Image.open(tmp_path / "map.png") as image:
        assert '"n_target": 60' in image.text["Description"]


def test_masked_spectra_are_like_none(augmenter, targets):
    s = targets[0].deepcopy()
    s.data = np.ma.masked_array(s.data, mask=np.zeros(s.data.shape, dtype=bool))
    s.data[3, 5] = np.ma.masked
    assert augmenter.classify(s).unlike.tolist() == [i == 3 for i in range(60)]


def test_blocks_do_not_change_a_map(augmenter, targets, monkeypatch):
    from hyperspy_dag.adaptation import target

    whole = augmenter.classify(targets[0])
    monkeypatch.setattr(target, "_BLOCK", 7 * targets[0].data.shape[1])
    parts = augmenter.classify(targets[0])
    np.testing.assert_array_equal(parts.index, whole.index)
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, atol=1e-5)


# --- bad input -----------------------------------------------------------------------------------


def with_axis(s, **attributes):
    made = s.deepcopy()
    for name, value in attributes.items():
        setattr(made.axes_manager.signal_axes[0], name, value)
    return made


def test_targets_of_no_use_are_named_with_the_remedy(augmenter, targets):
    s = targets[0]
    scale = s.axes_manager.signal_axes[0].scale
    with pytest.raises(ValueError, match="s_target does not cover the energies"):
        augmenter.adapt(with_axis(s, offset=700.0))
    with pytest.raises(ValueError, match="s_target.*units 'nm', which are not eV"):
        augmenter.adapt(with_axis(s, units="nm"))
    with pytest.raises(ValueError, match="coarser dispersion than the training spectra"):
        augmenter.adapt(with_axis(s, scale=2 * scale))
    holes = s.deepcopy()
    holes.data[:50, 3] = np.nan
    with pytest.raises(ValueError, match="holds 10 spectra with a signal; at least 20"):
        augmenter.adapt(holes)
    with pytest.warns(UserWarning, match="of the spectra of s_target hold no signal"):
        holes.data[:50, 3] = np.where(np.arange(50) < 10, np.nan, 0.0)
        augmenter.adapt(holes)


def test_other_units_and_finer_dispersion_are_converted(augmenter, targets):
    s = targets[0]
    axis = s.axes_manager.signal_axes[0]
    kilo = with_axis(s, units="keV", offset=axis.offset / 1e3, scale=axis.scale / 1e3)
    assert same(augmenter.adapt(kilo), augmenter.adapt(s))
    fine, labels = simulated_oxides("WL-Mn", COUNTS, random_state=7)
    found = augmenter.classify(fine)
    assert (found.labels == np.asarray(labels)).mean() > 0.9


def test_noise_alone_is_refused(augmenter, targets):
    noise = targets[0].deepcopy()
    noise.data = np.random.default_rng(0).standard_normal(noise.data.shape)
    noise.data /= noise.data.max(axis=1, keepdims=True)
    with pytest.raises(ValueError, match="hold noise alone: vacuum"):
        augmenter.adapt(noise)


def test_a_target_of_one_class_names_the_other(augmenter):
    s, _ = spectra(5, {"MnO": 40})
    with pytest.warns(UserWarning, match="class 'MnO2' has hardly any spectra"):
        adapted = augmenter.adapt(s)
    assert adapted.class_fractions_["MnO"] > 0.9


def test_one_class_is_enough(targets):
    s, labels = spectra(1, {"MnO": 30})
    one = EELSAugmenter(max_epochs=1, stopping=None, random_state=0).fit(
        s, labels, show_progressbar=False
    )
    adapted = one.adapt(spectra(5, {"MnO": 40})[0])
    assert adapted.class_fractions_ == {"MnO": 1.0}
    assert set(adapted.classify(s).labels) == {"MnO"}


def test_denoised_spectra_are_classified_and_not_adapted() -> None:
    s, labels = simulated_oxides("MF", 40, random_state=0)
    s_next, truth = simulated_oxides("MF", 20, random_state=1)
    augmenter = EELSAugmenter(random_state=0).fit(s, labels, show_progressbar=False)
    with pytest.raises(ValueError, match="were denoised"):
        augmenter.adapt(s_next)
    assert (augmenter.classify(s_next).labels == truth).mean() > 0.9
