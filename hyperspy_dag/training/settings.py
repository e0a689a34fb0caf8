# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings and execution options of a fit."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from hyperspy_dag._utils.checks import (
    check_choice,
    check_count,
    check_number,
    check_random_state,
)
from hyperspy_dag.dag.architectures import ARCHITECTURES, AUTO
from hyperspy_dag.dag.designs import DESIGNS
from hyperspy_dag.dag.recipes import RECIPES
from hyperspy_dag.dag.stopping import CRITERIA, StoppingRule

from .runs import check_new_run
from .workers import check_workers

if TYPE_CHECKING:
    from distributed import Client

#: Choices of ``precision=``.
PRECISIONS = ("single", "mixed")

#: Choices of ``training=``.
TRAINING = ("auto", "always", "never")


@dataclass(frozen=True)
class FitSettings:
    """Settings of a fit; with the same spectra they give the same generators.

    Attributes
    ----------
    design, architecture, recipe, stopping, tolerance, max_epochs, random_state, precision, training
        Arguments of :class:`hyperspy_dag.EELSAugmenter`, with "auto" and None resolved.
    """

    design: str
    architecture: str
    recipe: str
    stopping: str | None
    tolerance: float
    max_epochs: int
    random_state: int
    precision: str
    training: str

    @classmethod
    def checked(
        cls,
        design: str = "single_bitrans",
        architecture: str = "auto",
        recipe: str = "refined",
        stopping: str | None = "all",
        tolerance: float | None = None,
        max_epochs: int | None = None,
        random_state: int | np.random.Generator | None = None,
        precision: str = "single",
        training: str = "auto",
    ) -> Self:
        """Check the arguments of :class:`hyperspy_dag.EELSAugmenter`; resolve "auto" and None.

        Raises
        ------
        TypeError, ValueError
            An argument is of the wrong type, or not among its choices.
        """
        check_choice("design", design, DESIGNS)
        check_choice("recipe", recipe, RECIPES)
        check_choice("architecture", architecture, ["auto", *ARCHITECTURES])
        if stopping is not None:
            check_choice("stopping", stopping, CRITERIA)
        check_choice("training", training, TRAINING)
        if training == "never" and not RECIPES[recipe].physical:
            raise ValueError(
                f'training="never" leaves nothing of recipe="{recipe}", which has no statistical '
                'model; give recipe="refined", or training="always"'
            )
        published = RECIPES[recipe].published
        if stopping == "published" and not published:
            raise ValueError(
                'stopping="published" is of recipe="paper" alone; give that, or stopping="all"'
            )
        if stopping == "all" and published:
            stopping = "published"
        if tolerance is None:
            tolerance = RECIPES[recipe].tolerance
        tolerance = check_number("tolerance", tolerance, minimum=0.0)
        if max_epochs is None:
            max_epochs = RECIPES[recipe].max_epochs
        max_epochs = check_count("max_epochs", max_epochs)
        return cls(
            design=design,
            architecture=AUTO[recipe] if architecture == "auto" else architecture,
            recipe=recipe,
            stopping=stopping,
            tolerance=tolerance,
            max_epochs=max_epochs,
            precision=check_choice("precision", precision, PRECISIONS),
            random_state=check_random_state(random_state),
            training=training,
        )

    @classmethod
    def of_file(cls, settings: Mapping[str, Any]) -> Self:
        """Make settings from a file, checked.

        Raises
        ------
        LookupError, TypeError, ValueError
            An item is missing or invalid.
        """
        if settings["random_state"] is None:
            raise TypeError("no random state")
        # Older versions trained always.
        return cls.checked(**{"training": "always", **settings})

    @property
    def stopping_rule(self) -> StoppingRule:
        """Rule that ends the training of a class."""
        return StoppingRule(self.stopping, self.tolerance, self.max_epochs)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings by name."""
        return asdict(self)


@dataclass(frozen=True)
class FitOptions:
    """Execution options; they do not affect results.

    Attributes
    ----------
    n_jobs : int
    client : distributed.Client or None
    show_progressbar : bool or None
    checkpoint_dir : Path or None
        Folder of a new training.
    checkpoint_every : int
        Number of epochs.
    callback : callable or None
    """

    n_jobs: int
    client: Client | None
    show_progressbar: bool | None
    checkpoint_dir: Path | None
    checkpoint_every: int
    callback: Callable[[Any], bool | None] | None

    @classmethod
    def checked(
        cls,
        n_jobs: int | None = None,
        client: Client | None = None,
        checkpoint_dir: str | os.PathLike | None = None,
        checkpoint_every: int = 10,
        show_progressbar: bool | None = None,
        callback: Callable[[Any], bool | None] | None = None,
    ) -> Self:
        """Check the arguments of :meth:`hyperspy_dag.EELSAugmenter.fit` before the training.

        Raises
        ------
        TypeError, ValueError, ImportError, OSError
            See there.
        """
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be callable or None, {callback!r} was given")
        n_jobs, client = check_workers(n_jobs, client, watched=callback is not None)
        return cls(
            n_jobs=n_jobs,
            client=client,
            show_progressbar=show_progressbar,
            checkpoint_dir=None if checkpoint_dir is None else check_new_run(checkpoint_dir),
            checkpoint_every=check_count("checkpoint_every", checkpoint_every),
            callback=callback,
        )


SETTING_NAMES = tuple(field.name for field in fields(FitSettings))
OPTION_NAMES = tuple(field.name for field in fields(FitOptions))


def split_arguments(
    arguments: Mapping[str, Any], ignore: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide keyword arguments into settings of an augmenter and options of its fit.

    Raises
    ------
    TypeError
        A name belongs to neither, unless `ignore` is True.
    """
    unknown = [name for name in arguments if name not in SETTING_NAMES + OPTION_NAMES]
    if unknown and not ignore:
        raise TypeError(
            f"unexpected argument {unknown[0]!r}; besides its own arguments, those of "
            f"EELSAugmenter ({', '.join(SETTING_NAMES)}) and of its fit "
            f"({', '.join(OPTION_NAMES)}) are taken"
        )
    settings = {name: value for name, value in arguments.items() if name in SETTING_NAMES}
    options = {name: value for name, value in arguments.items() if name in OPTION_NAMES}
    return settings, options
