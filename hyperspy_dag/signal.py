# SPDX-License-Identifier: GPL-3.0-or-later
"""The methods that every ``EELSSpectrum`` gets.

This module is imported with exSpy. Heavy imports are therefore inside the methods.
"""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import Any

    import numpy as np
    from exspy.signals import EELSSpectrum
    from numpy.typing import ArrayLike

    from .adaptation.maps import ClassMap
    from .gui.model import AugmentationTool


def dag_preprocess(
    self: EELSSpectrum,
    background_range: tuple[float, float] | None = None,
    signal_range: tuple[float, float] | None = None,
    normalise: bool | str = True,
    pca_components: int | None = None,
    remove_spikes: bool = False,
    background_type: str = "power law",
    background_fit: str | None = None,
    polynomial_order: int = 2,
) -> EELSSpectrum:
    """Prepare spectra for :meth:`dag_augment`: background, crop, denoising, normalisation.

    Parameters
    ----------
    background_range : tuple of float, optional
        Energy losses in eV between which the background is fitted. It is subtracted from the whole
        spectrum. By default nothing is subtracted.
    signal_range : tuple of float, optional
        Energy losses in eV to keep. By default all channels are kept.
    normalise : bool or {"maximum", "area", "none"}, default True
        Divide each spectrum by its maximum (True), by the sum over its channels ("area"), or not at
        all (False).
    pca_components : int, optional
        Denoise: keep this many principal components. By default none are taken away.
    remove_spikes : bool, default False
        Draw straight lines in place of the spikes that X-rays leave in single spectra.
    background_type : {"power law", "exponential", "offset", "polynomial"}, default "power law"
        What is fitted in the background range.
    background_fit : {"two-area", "least squares"}, optional
        How. Default: two areas for a power law and an exponential, least squares for the others.
    polynomial_order : int, default 2
        Order of the polynomial.

    Returns
    -------
    EELSSpectrum
        A new signal, lazy if this one is; ``metadata.DAG.preprocessing`` records the step. A range
        that is recorded already is not applied again, so that the call can be run twice.

    See Also
    --------
    hyperspy_dag.preprocessing.preprocess : The same as a function, with all errors and warnings.
    dag_augment : Train on the spectra.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 5}, raw=True)
    >>> s.dag_preprocess(background_range=(590.0, 633.0), signal_range=(615.0, 685.0))
    <EELSSpectrum, title: Simulated oxides, WL-Mn, dimensions: (5|700)>
    """
    from .preprocessing.steps import preprocess

    return preprocess(
        self,
        background_range=background_range,
        signal_range=signal_range,
        normalise=normalise,
        pca_components=pca_components,
        remove_spikes=remove_spikes,
        background_type=background_type,
        background_fit=background_fit,
        polynomial_order=polynomial_order,
    )


def dag_augment(
    self: EELSSpectrum,
    labels: ArrayLike | None = None,
    design: str = "single_bitrans",
    architecture: str = "auto",
    *,
    n_spectra: int | Mapping[Any, int] = 100,
    background_range: tuple[float, float] | None = None,
    signal_range: tuple[float, float] | None = None,
    random_state: int | np.random.Generator | None = None,
    target: EELSSpectrum | str | None = None,
    low_loss: EELSSpectrum | Mapping[Any, EELSSpectrum] | None = None,
    filename: str | os.PathLike | None = None,
    overwrite: bool = False,
    display: bool | None = None,
    toolkit: str | Iterable[str] | None = None,
    **arguments: Any,
) -> EELSSpectrum | AugmentationTool | dict[str, Any]:
    """Train a data-augmentation GAN on each class of these spectra; return synthetic spectra.

    Without labels an interface opens, in which the user chooses them.

    Parameters
    ----------
    labels : array-like or signal of the navigation shape, optional
        The class of each spectrum: str, int or bool. Spectra with ``-1``, None, NaN or ``""`` are
        unlabelled and not used. The output of :meth:`get_cluster_labels` is accepted.
    design : str, default "single_bitrans"
        "single_monotrans", "multi_monotrans", "single_bitrans" or "multi_bitrans".
    architecture : str, default "auto"
        "compact", "simple_dense", "large_dense" or "simple_convo"; "auto" is that of the recipe.
    n_spectra : int or dict of class to int, default 100
        Number of synthetic spectra of each class, or of those that a dictionary names.
    background_range, signal_range : tuple of float, optional
        Energy losses in eV for :meth:`dag_preprocess`, which is called first if one is given.
    random_state : int, numpy.random.Generator or None, default None
        The same integer gives the same spectra on the same machine.
    target : EELSSpectrum or "unlabelled", optional
        Unlabelled spectra, prepared as these are, whose conditions the synthetic spectra are to
        have: see :meth:`hyperspy_dag.EELSAugmenter.adapt`. "unlabelled" takes the spectra of this
        signal that have no label. With `background_range` or `signal_range` the target is
        preprocessed in the same way.
    low_loss : EELSSpectrum, or dict of class to EELSSpectrum, optional
        Measured low loss for the thickness of the target.
    filename : str or path, optional
        File to which the result is saved, .hspy or .zspy. Whether it can be written is checked
        before the training. In the interface, it is the initial name of the file.
    overwrite : bool, default False
        Replace an existing file.
    display : bool, optional
        True opens the interface with these arguments. By default it opens if there are no labels.
        Without labels, False returns the widgets in a dictionary, as HyperSpy's tools do. The
        interface trains in this process and shows its progress, without `n_jobs`, `client` and
        `show_progressbar`.
    toolkit : str or iterable of str, optional
        Toolkit of the interface, "ipywidgets" or "traitsui". Default: the available ones.
    **arguments
        `recipe`, `training`, `stopping`, `tolerance`, `max_epochs` and `precision` of
        :class:`hyperspy_dag.EELSAugmenter`; `n_jobs`, `client`, `checkpoint_dir`,
        `checkpoint_every` and `show_progressbar` of its :meth:`~hyperspy_dag.EELSAugmenter.fit`.

    Returns
    -------
    EELSSpectrum
        Signal with navigation axes (spectrum, class), or (spectrum) where `n_spectra` is a
        dictionary, and the energy axis of the training spectra.
        :func:`hyperspy_dag.get_labels` returns its labels; ``metadata.DAG`` has the provenance. The
        interface returns an :class:`~hyperspy_dag.gui.model.AugmentationTool`, whose ``result`` is
        that signal after the training.

    Raises
    ------
    TypeError, ValueError
        An argument, the spectra or the labels are wrong; raised before the training.
    OSError
        The result could not be saved. It is the attribute `signal` of the exception.
    ImportError, RuntimeError
        No toolkit of the interface is installed, or it cannot be displayed.

    See Also
    --------
    dag_preprocess : Prepare the spectra.
    hyperspy_dag.EELSAugmenter : Fit once and draw several times.
    hyperspy_dag.get_labels : Return the labels of the result.

    Notes
    -----
    D. del-Pozo-Bueno et al., Microsc. Microanal. 30, 278 (2024), doi 10.1093/mam/ozae014.

    Examples
    --------
    A single epoch is enough for an example, but not for good spectra.

    >>> from hyperspy_dag.data import simulated_oxides
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30})
    >>> aug = s.dag_augment(labels, n_spectra=5, max_epochs=1, random_state=0)
    >>> aug
    <EELSSpectrum, title: Synthetic spectra, dimensions: (5, 2|700)>
    >>> aug.inav[:, 1].save("second_class.hspy", overwrite=True)
    """
    from .training.settings import FitSettings, split_arguments

    arguments |= {"design": design, "architecture": architecture, "random_state": random_state}
    settings, options = split_arguments(arguments)
    if labels is None or display:
        own = {
            "n_spectra": n_spectra,
            "background_range": background_range,
            "signal_range": signal_range,
            "filename": filename,
            "overwrite": overwrite,
        }
        return _open_tool(self, labels, display, toolkit, own | settings, options)
    from ._utils.checks import check_count, check_signal_file
    from .augmenter import EELSAugmenter
    from .labels import parse_labels
    from .preprocessing.steps import preprocess_if_asked
    from .training.counts import check_counts

    FitSettings.checked(**settings)  # before the spectra are read
    if isinstance(n_spectra, Mapping):
        check_counts("n_spectra", n_spectra, parse_labels(self, labels).classes)
    else:
        check_count("n_spectra", n_spectra)
    if filename is not None:
        filename = check_signal_file(filename, overwrite)
    s = preprocess_if_asked(self, background_range, signal_range)
    if target is not None:
        target = _target(self, s, labels, target, background_range, signal_range)
    elif low_loss is not None:
        raise ValueError("low_loss belongs to target=, whose thickness it tells; give both")
    augmenter = EELSAugmenter(**settings).fit(s, labels, **options)
    if target is not None:
        augmenter = augmenter.adapt(target, low_loss=low_loss)
    augmented = augmenter.sample(n_spectra)
    if filename is not None:
        from .io.signals import save_signal

        try:
            save_signal(augmented, filename, overwrite=overwrite)
        except OSError as error:
            # Hours of training may be in it, and nothing else holds it any more.
            error.signal = augmented  # type: ignore[attr-defined]  # an attribute of ours
            error.add_note(
                "The spectra are not lost: import sys; augmented = sys.last_value.signal; "
                "augmented.save(...)"
            )
            raise
    return augmented


def _open_tool(
    s: EELSSpectrum,
    labels: Any,
    display: bool | None,
    toolkit: str | Iterable[str] | None,
    arguments: dict[str, Any],
    options: dict[str, Any],
) -> AugmentationTool | dict[str, Any]:
    """Open the interface, or return its widgets."""
    if options.get("n_jobs") not in (None, 1) or options.get("client") is not None:
        raise ValueError(
            "the interface trains the classes one after the other in this process: leave n_jobs= "
            "and client= out, or give labels and leave display= out"
        )
    from .gui.toolkits import check_toolkit, register

    register()
    shown = display is not False
    toolkits = check_toolkit(toolkit, shown)
    from .gui.model import AugmentationTool

    kept = {name: value for name, value in options.items() if name.startswith("checkpoint")}
    tool = AugmentationTool(s, labels, **arguments, **kept)
    # `add_gui_method` of HyperSpy has added it.
    widgets = tool.gui(display=shown, toolkit=toolkits)  # type: ignore[attr-defined]
    if not shown:
        return widgets
    tool.show_plot()
    return tool


def dag_classify(
    self: EELSSpectrum,
    labels: ArrayLike,
    target: EELSSpectrum | str | None = None,
    *,
    classifier: Any = "svm",
    background_range: tuple[float, float] | None = None,
    signal_range: tuple[float, float] | None = None,
    low_loss: EELSSpectrum | Mapping[Any, EELSSpectrum] | None = None,
    random_state: int | np.random.Generator | None = None,
    **arguments: Any,
) -> ClassMap:
    """Classify the spectra of another map by the labelled spectra of this one.

    The classes of the labelled spectra are learned, adapted to the conditions of the target
    (thickness, energy shift, dose...), and a classifier of their synthetic spectra classifies it.

    Parameters
    ----------
    labels : array-like or signal of the navigation shape
        The class of each spectrum of this signal, as in :meth:`dag_augment`.
    target : EELSSpectrum or "unlabelled", optional
        Map to classify, prepared as this signal. By default this signal itself; "unlabelled" adapts
        to its unlabelled spectra.
    classifier : "svm" or scikit-learn classifier, default "svm"
    background_range, signal_range : tuple of float, optional
        In eV: do :meth:`dag_preprocess` first, with both signals.
    low_loss : EELSSpectrum, or dict of class to EELSSpectrum, optional
        Measured low loss of the target's specimen.
    random_state : int, numpy.random.Generator or None, default None
        The same integer gives the same map on the same machine.
    **arguments
        Further arguments of :class:`hyperspy_dag.EELSAugmenter` and of its ``fit``.

    Returns
    -------
    ClassMap
        ``labels``, ``probabilities`` and a ``map`` that plots with the names of the classes.

    Raises
    ------
    TypeError, ValueError
        As :meth:`hyperspy_dag.EELSAugmenter.fit` and :meth:`hyperspy_dag.EELSAugmenter.adapt`.

    See Also
    --------
    hyperspy_dag.EELSAugmenter.classify : Classify with a fitted augmenter.
    dag_augment : Draw synthetic spectra.

    Examples
    --------
    >>> from hyperspy_dag.data import simulated_oxides
    >>> s, labels = simulated_oxides("WL-Mn", {"MnO": 30, "MnO2": 30}, random_state=1)
    >>> other, truth = simulated_oxides("WL-Mn", {"MnO": 20, "MnO2": 20}, random_state=7)
    >>> phases = s.dag_classify(labels, other, random_state=0, max_epochs=1)
    >>> bool((phases.labels == truth).mean() > 0.9)
    True
    """
    from .augmenter import EELSAugmenter
    from .preprocessing.steps import preprocess_if_asked
    from .training.settings import FitSettings, split_arguments

    settings, options = split_arguments(arguments | {"random_state": random_state})
    FitSettings.checked(**settings)  # before the spectra are read
    s = preprocess_if_asked(self, background_range, signal_range)
    mapped = s
    unlabelled = target
    if target is not None:
        unlabelled = _target(self, s, labels, target, background_range, signal_range)
        mapped = s if isinstance(target, str) else unlabelled
    augmenter = EELSAugmenter(**settings).fit(s, labels, **options)
    if unlabelled is not None:
        augmenter = augmenter.adapt(unlabelled, low_loss=low_loss)
    return augmenter.classify(mapped, classifier=classifier)


def _target(
    signal: EELSSpectrum,
    s: EELSSpectrum,
    labels: Any,
    target: EELSSpectrum | str,
    background_range: tuple[float, float] | None,
    signal_range: tuple[float, float] | None,
) -> EELSSpectrum:
    """Return the spectra to adapt to, prepared as those that are labelled."""
    from .preprocessing.steps import preprocess_if_asked

    if isinstance(target, str):
        from .adaptation.target import unlabelled

        if target != "unlabelled":
            raise ValueError(
                f'target must be an EELSSpectrum or "unlabelled", the spectra of this signal '
                f"without a label; got {target!r}"
            )
        return unlabelled(s, labels)
    return preprocess_if_asked(target, background_range, signal_range)
