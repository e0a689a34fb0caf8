# SPDX-License-Identifier: GPL-3.0-or-later
"""What defines a fit, and how it is carried out."""

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

from .progress import TrainingProgress
from .runs import check_new_run
from .workers import check_workers

if TYPE_CHECKING:
    from distributed import Client

#: Choices of ``precision=``.
PRECISIONS = ("single", "mixed")


@dataclass(frozen=True)
class FitSettings:
    """Settings that define a fit: with the same spectra they give the same generators.

    Attributes
    ----------
    design, architecture, recipe, stopping, tolerance, max_epochs, random_state, precision
        Arguments of :class:`hyperspy_dag.EELSAugmenter`, with the choices of "auto" and None made.
    """

    design: str
    architecture: str
    recipe: str
    stopping: str | None
    tolerance: float
    max_epochs: int
    random_state: int
    precision: str

    @classmethod
    def checked(
        cls,
        design: str = "single_bitrans",
        architecture: str = "auto",
        recipe: str = "refined",
        stopping: str | None = "all",
        tolerance: float = 0.05,
        max_epochs: int | None = None,
        random_state: int | np.random.Generator | None = None,
        precision: str = "single",
    ) -> Self:
        """Check the arguments of :class:`hyperspy_dag.EELSAugmenter` and fill in what is open.

        Raises
        ------
        TypeError, ValueError
            An argument is of the wrong kind, or none of its choices.
        """
        check_choice("design", design, DESIGNS)
        check_choice("recipe", recipe, RECIPES)
        check_choice("architecture", architecture, ["auto", *ARCHITECTURES])
        if stopping is not None:
            check_choice("stopping", stopping, CRITERIA)
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
        )

    @classmethod
    def of_file(cls, settings: Mapping[str, Any]) -> Self:
        """Return the settings that a file holds.

        Raises
        ------
        LookupError, TypeError, ValueError
            Something is missing, or not as it should be.
        """
        if settings["random_state"] is None:
            raise TypeError("no random state")
        return cls.checked(**settings)

    @property
    def stopping_rule(self) -> StoppingRule:
        """When a class is done."""
        return StoppingRule(self.stopping, self.tolerance, self.max_epochs)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings by name."""
        return asdict(self)


@dataclass(frozen=True)
class FitOptions:
    """Execution options of a fit; they do not affect what comes out.

    Attributes
    ----------
    n_jobs : int
    client : distributed.Client or None
    show_progressbar : bool or None
    checkpoint_dir : Path or None
        Of a new training.
    checkpoint_every : int
        Epochs.
    callback : callable or None
    """

    n_jobs: int
    client: Client | None
    show_progressbar: bool | None
    checkpoint_dir: Path | None
    checkpoint_every: int
    callback: Callable[[TrainingProgress], bool | None] | None

    @classmethod
    def checked(
        cls,
        n_jobs: int | None = None,
        client: Client | None = None,
        checkpoint_dir: str | os.PathLike | None = None,
        checkpoint_every: int = 10,
        show_progressbar: bool | None = None,
        callback: Callable[[TrainingProgress], bool | None] | None = None,
    ) -> Self:
        """Check the arguments of :meth:`hyperspy_dag.EELSAugmenter.fit`, before hours of work.

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
    """Sort keyword arguments into settings of an augmenter and options of its fit.

    Raises
    ------
    TypeError
        A name is neither, unless `ignore` is True.
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
