# SPDX-License-Identifier: GPL-3.0-or-later
"""Adaptation of the classes to unlabelled spectra of another measurement."""
