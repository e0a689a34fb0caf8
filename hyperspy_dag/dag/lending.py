# SPDX-License-Identifier: GPL-3.0-or-later
"""Trainers, which fits one after the other share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ._tensorflow import tf
from .architectures import Architecture
from .designs import Design
from .published_training import PublishedTrainer
from .recipes import Recipe
from .trainer import Trainer

#: The trainer of the last fit: compiling one takes seconds, and notebooks fit again and again.
_idle_trainers: dict[tuple, Trainer] = {}


def make_trainer(
    channels: int, architecture: Architecture, design: Design, recipe: Recipe
) -> Trainer:
    """Build the trainer of a recipe."""
    kind = PublishedTrainer if recipe.published else Trainer
    return kind(channels, architecture, design, recipe)


@contextmanager
def lend_trainer(
    channels: int, architecture: Architecture, design: Design, recipe: Recipe
) -> Iterator[Trainer]:
    """Lend a trainer for the time of a fit: the last one if it fits, else a new one.

    A lent trainer is nobody else's, so that fits in several threads do not meet.

    Raises
    ------
    MemoryError
        TensorFlow finds no memory.
    """
    key = (channels, architecture, design, recipe)
    try:
        trainer = _idle_trainers.pop(key, None) or make_trainer(*key)
        yield trainer
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError("TensorFlow found no memory") from error
    # Only of a fit that ended well, and only one: they hold memory.
    _idle_trainers.clear()
    _idle_trainers[key] = trainer
