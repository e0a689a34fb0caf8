# SPDX-License-Identifier: GPL-3.0-or-later
"""Other conditions than those of the labelled spectra: given, or found in unlabelled ones."""
