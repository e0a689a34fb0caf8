# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiled trainings that outlive the fits of a test, and what to compare fits by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.dag import lending
from hyperspy_dag.dag.trainer import Trainer

_idle: dict[tuple, list[Trainer]] = defaultdict(list)


@contextmanager
def lend_trainer(channels, architecture, design, recipe) -> Iterator[Trainer]:
    """In place of the library's own; for any number of threads, and after failed fits too."""
    idle = _idle[channels, architecture, design, recipe]
    try:
        trainer = idle.pop()
    except IndexError:
        trainer = lending.make_trainer(channels, architecture, design, recipe)
    try:
        yield trainer
    finally:
        idle.append(trainer)


def weights(augmenter: EELSAugmenter) -> bytes:
    """All weights of a fitted augmenter."""
    models = augmenter.generators_.values()
    return b"".join(weight.tobytes() for model in models for weight in model.weights)


@pytest.fixture(scope="module", autouse=True)
def compiled_once() -> Iterator[None]:
    """Fits of the module that imports this share the trainers of :func:`lend_trainer`."""
    with pytest.MonkeyPatch.context() as context:
        context.setattr(lending, "lend_trainer", lend_trainer)
        yield
