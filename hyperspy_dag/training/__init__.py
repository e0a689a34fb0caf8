# SPDX-License-Identifier: GPL-3.0-or-later
"""From labelled spectra to fitted generators: training set, fit, workers, checkpoints."""
