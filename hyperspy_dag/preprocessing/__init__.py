# SPDX-License-Identifier: GPL-3.0-or-later
"""Preprocessing of measured core-loss spectra for the training of a DAG."""

from __future__ import annotations

from .steps import check_signal, preprocess, spectra_with_spikes

__all__ = ["check_signal", "preprocess", "spectra_with_spikes"]
