# SPDX-License-Identifier: GPL-3.0-or-later
"""The methods that every ``EELSSpectrum`` gets: arguments in, signals out, nothing else.

Imported with exSpy, so nothing heavy is imported here until a method is called.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import Any

    import numpy as np
    from exspy.signals import EELSSpectrum
    from numpy.typing import ArrayLike

    from .gui.model import AugmentationTool


def dag_preprocess(
    self: EELSSpectrum,
    background_range: tuple[float, float] | None = None,
    signal_range: tuple[float, float] | None = None,
    normalise: bool = True,
    pca_components: int | None = None,
    remove_spikes: bool = False,
) -> EELSSpectrum:
    """Prepare spectra for :meth:`dag_augment`: power law, crop, denoising, maximum 1.

    Parameters
    ----------
    background_range : tuple of float, optional
        Energy losses in eV between which the power-law background is fitted; it is then
        subtracted from the whole spectrum. By default nothing is subtracted.
    signal_range : tuple of float, optional
        Energy losses in eV to keep. By default all.
    normalise : bool, default True
        Divide each spectrum by its maximum.
    pca_components : int, optional
        Denoise: keep this many principal components. By default none are taken away.
    remove_spikes : bool, default False
        Draw straight lines in place of the spikes that X-rays leave in single spectra.

    Returns
    -------
    EELSSpectrum
        A new signal, lazy if this one is; ``metadata.DAG.preprocessing`` records the step. A range
        that is recorded already is not applied again, so that the call can be run twice.

    See Also
    --------
    hyperspy_dag.preprocessing.preprocess : The same as a function, with all it raises.

    Examples
    --------
    >>> s = s.dag_preprocess(background_range=(590., 620.), signal_range=(600., 780.))
    """
    from .preprocessing.steps import preprocess

    return preprocess(
        self,
        background_range=background_range,
        signal_range=signal_range,
        normalise=normalise,
        pca_components=pca_components,
        remove_spikes=remove_spikes,
    )


def dag_augment(
    self: EELSSpectrum,
    labels: ArrayLike | None = None,
    design: str = "single_bitrans",
    architecture: str = "auto",
    *,
    n_spectra: int = 100,
    background_range: tuple[float, float] | None = None,
    signal_range: tuple[float, float] | None = None,
    random_state: int | np.random.Generator | None = None,
    filename: str | os.PathLike | None = None,
    overwrite: bool = False,
    display: bool | None = None,
    toolkit: str | Iterable[str] | None = None,
    **arguments: Any,
) -> EELSSpectrum | AugmentationTool | dict[str, Any]:
    """Train a data-augmentation GAN on each class of these spectra; return synthetic spectra.

    Without labels an interface is opened, in which they are chosen.

    Parameters
    ----------
    labels : array-like or signal of the navigation shape, optional
        The class of each spectrum: str, int or bool; ``-1``, None, NaN and ``""`` are
        unlabelled and left out. The output of :meth:`get_cluster_labels` will do.
    design : str, default "single_bitrans"
        "single_monotrans", "multi_monotrans", "single_bitrans" or "multi_bitrans".
    architecture : str, default "auto"
        "compact", "simple_dense", "large_dense" or "simple_convo"; "auto" takes the recipe's own.
    n_spectra : int, default 100
        Synthetic spectra for each class.
    background_range, signal_range : tuple of float, optional
        In eV: do :meth:`dag_preprocess` first. Not needed where the spectra have been
        preprocessed.
    random_state : int, numpy.random.Generator or None, default None
        The same integer gives the same spectra on the same machine.
    filename : str or path, optional
        Also save the result there, as .hspy or .zspy; tried before the training. The interface
        begins with that name, and saves when told to.
    overwrite : bool, default False
        Whether an existing file may be replaced.
    display : bool, optional
        True opens the interface with these arguments; the default does so where there are no
        labels. Without labels, False returns the widgets in a dictionary, as HyperSpy's own
        tools do. The interface trains in this process and shows its progress itself: `n_jobs`,
        `client` and `show_progressbar` are not for it.
    toolkit : str or iterable of str, optional
        Of the interface: "ipywidgets" or "traitsui". Default: those that can be shown here.
    **arguments
        `recipe`, `stopping`, `tolerance`, `max_epochs` and `precision` of
        :class:`hyperspy_dag.EELSAugmenter`; `n_jobs`, `client`, `checkpoint_dir`,
        `checkpoint_every` and `show_progressbar` of its :meth:`~hyperspy_dag.EELSAugmenter.fit`.

    Returns
    -------
    EELSSpectrum
        Navigation axes (spectrum, class), with the energy axis of the training spectra. Labels
        by :func:`hyperspy_dag.get_labels`, provenance in ``metadata.DAG``. Of the interface, an
        :class:`~hyperspy_dag.gui.model.AugmentationTool`, whose ``result`` is that signal once
        it has been trained.

    Raises
    ------
    TypeError, ValueError
        Of anything that training would stumble over, before it begins.
    OSError
        The result could not be saved; it is the exception's attribute `signal`.
    ImportError, RuntimeError
        The interface is asked for and no toolkit is installed, or there is no place to show one.

    Notes
    -----
    D. del-Pozo-Bueno et al., Microsc. Microanal. 30, 278 (2024), doi 10.1093/mam/ozae014.

    Examples
    --------
    >>> aug = s.dag_augment(labels, design="single_bitrans", n_spectra=500, random_state=0)
    >>> aug.inav[:, 1].save("second_class.hspy")
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
    from .preprocessing.steps import preprocess_if_asked

    FitSettings.checked(**settings)  # before the spectra are read
    n_spectra = check_count("n_spectra", n_spectra)
    if filename is not None:
        filename = check_signal_file(filename, overwrite)
    s = preprocess_if_asked(self, background_range, signal_range)
    augmenter = EELSAugmenter(**settings).fit(s, labels, **options)
    augmented = augmenter.sample(n_spectra)
    if filename is not None:
        from .io.signals import save_signal

        try:
            save_signal(augmented, filename, overwrite=overwrite)
        except OSError as error:
            # Hours of training may be in it, and nothing else holds it any more.
            error.signal = augmented
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
    widgets = tool.gui(display=shown, toolkit=toolkits)
    if not shown:
        return widgets
    tool.show_plot()
    return tool
