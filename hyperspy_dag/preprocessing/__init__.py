# SPDX-License-Identifier: GPL-3.0-or-later
"""From a measured core-loss EELS signal to spectra that a DAG can be trained on."""

from __future__ import annotations

from .steps import check_signal, preprocess

__all__ = ["check_signal", "preprocess"]
