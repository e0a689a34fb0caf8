# SPDX-License-Identifier: GPL-3.0-or-later
"""The data-augmentation GAN itself: the only place that imports TensorFlow.

The tables (:mod:`~hyperspy_dag.dag.designs`, :mod:`~hyperspy_dag.dag.architectures`,
:mod:`~hyperspy_dag.dag.recipes`), the statistics (:mod:`~hyperspy_dag.dag.stopping`,
:mod:`~hyperspy_dag.dag.class_model.model`) and what draws spectra
(:mod:`~hyperspy_dag.dag.sources`, :mod:`~hyperspy_dag.dag.drawing`) need NumPy and SciPy alone:
TensorFlow is for training.
"""
