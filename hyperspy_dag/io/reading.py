# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra from files of any format."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperspy_dag._utils.checks import check_existing

if TYPE_CHECKING:
    from exspy.signals import EELSSpectrum

_logger = logging.getLogger(__name__)


def read_signal(
    path: Path,
    lazy: bool = False,
    signal: str | None = None,
    option: str = "",
    note: Callable[[str], None] = _logger.info,
) -> EELSSpectrum:
    """Read the spectra of a file that HyperSpy reads.

    Where a file holds several signals, as a microscope's software saves an image or the low loss
    beside the spectra, the only EELS signal is taken, or the only one of core losses: its energies
    begin above zero. A plain Signal1D is taken as EELS.

    Parameters
    ----------
    path : Path
    lazy : bool, default False
    signal : str, optional
        Number, from 0, or title of the signal to take.
    option : str, optional
        By which `signal` can be given.
    note : callable, optional
        Called with the assumptions that were made. Default: the log.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        HyperSpy cannot read it, it holds several EELS signals of core losses, or none, or not the
        one that is asked for.
    """
    import hyperspy.api as hs
    from exspy.signals import EELSSpectrum

    path = check_existing(path)
    try:
        loaded = hs.load(path, lazy=lazy)
    except Exception as error:  # readers raise all there is
        raise ValueError(f"HyperSpy cannot read {path}: {error}") from error
    found = loaded if isinstance(loaded, list) else [loaded]
    spectra = [s for s in found if isinstance(s, EELSSpectrum)] or [s for s in found if _plain(s)]
    if signal is not None:
        named = [s for s in found if s.metadata.General.title == signal]
        if not named and signal.isdecimal():
            named = found[int(signal) :][:1]
        chosen = [s for s in named if isinstance(s, EELSSpectrum) or _plain(s)]
    else:
        chosen = spectra
        if len(chosen) > 1:
            chosen = [s for s in spectra if s.axes_manager.signal_axes[0].low_value > 0]
    if len(chosen) != 1:
        held = "; ".join(f"{i}: {_energies(s)}" for i, s in enumerate(found))
        several = chosen or (spectra and signal is None)
        asked = "" if signal is None else f" for {option} {signal}"
        raise ValueError(
            f"{path} holds {'several EELS signals' if several else 'no EELS signal'}{asked}. In it "
            f"are {held}. "
            + (
                f"Choose one by its number or title, {option}"
                if spectra and option
                else "Save the one that is meant alone"
                if spectra
                else 'Save the spectra after s.set_signal_type("EELS")'
            )
        )
    (s,) = chosen
    if len(found) > 1:
        note(f"of the {len(found)} signals in {path}, {s!r} is taken")
    if _plain(s):
        note(f"{path} holds a {type(s).__name__}; taken as EELS spectra")
        s.set_signal_type("EELS")
    return s


def _energies(s: Any) -> str:
    """A signal in words, with where its signal axis begins and ends."""
    if s.axes_manager.signal_dimension != 1:
        return repr(s)
    axis = s.axes_manager.signal_axes[0]
    return f"{s!r} from {axis.low_value:.6g} to {axis.high_value:.6g} {axis.units}"


def _plain(s: Any) -> bool:
    return s.axes_manager.signal_dimension == 1 and not s.metadata.Signal.signal_type
