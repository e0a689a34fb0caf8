# SPDX-License-Identifier: GPL-3.0-or-later
"""The data-augmentation GAN itself: the only place that imports TensorFlow.

The tables (:mod:`~hyperspy_dag.dag.designs`, :mod:`~hyperspy_dag.dag.architectures`,
:mod:`~hyperspy_dag.dag.recipes`) and the statistics (:mod:`~hyperspy_dag.dag.stopping`,
:mod:`~hyperspy_dag.dag.class_model.model`) need NumPy alone, so that arguments can be checked
without it.
"""
