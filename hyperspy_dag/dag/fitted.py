# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a class's training (NumPy alone, so that it loads without TensorFlow)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .start import Start
from .stopping import Baseline, Evaluation


@dataclass
class History:
    """What happened in the training of a class.

    Attributes
    ----------
    discriminator_cost, generator_cost : list of float
        One number an epoch, from epoch 1.
    evaluations : list of Evaluation
        In order of epochs; the first, epoch 0, is the untrained state.
    """

    discriminator_cost: list[float] = field(default_factory=list)
    generator_cost: list[float] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)


@dataclass(frozen=True)
class ClassModel:
    """The fitted generator of one class.

    Attributes
    ----------
    weights : list of array
        Of the generator, in Keras' order.
    start : Start or None
        Statistical model under a physical recipe.
    best : Evaluation
        The state that was kept.
    baseline : Baseline
        Real against real spectra.
    history : History
    n_training : int
        Spectra that it was trained on.
    """

    weights: list[np.ndarray]
    start: Start | None
    best: Evaluation
    baseline: Baseline
    history: History
    n_training: int

    def header(self) -> dict[str, Any]:
        """All but the arrays, as JSON knows it."""
        return {
            "weights": [list(weight.shape) for weight in self.weights],
            "start": None if self.start is None else self.start.scalars(),
            "best": asdict(self.best),
            "baseline": asdict(self.baseline),
            "history": asdict(self.history),
            "n_training": self.n_training,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        arrays = {f"weights/{i}": weight for i, weight in enumerate(self.weights)}
        if self.start is not None:
            arrays.update({f"start/{name}": a for name, a in self.start.arrays().items()})
        return arrays

    @classmethod
    def of(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> ClassModel:
        """Build from what :meth:`header` and :meth:`arrays` gave."""
        start = None
        if header["start"] is not None:
            own = {n.removeprefix("start/"): a for n, a in arrays.items() if n.startswith("start/")}
            start = Start(**header["start"], **own)
        weights = [arrays[f"weights/{i}"] for i in range(len(header["weights"]))]
        for weight, shape in zip(weights, header["weights"], strict=True):
            if list(weight.shape) != shape:
                raise ValueError(f"weights of shape {weight.shape} where {shape} was written")
        evaluations = [Evaluation(**e) for e in header["history"]["evaluations"]]
        return cls(
            weights=weights,
            start=start,
            best=Evaluation(**header["best"]),
            baseline=Baseline(**header["baseline"]),
            history=History(**{**header["history"], "evaluations": evaluations}),
            n_training=header["n_training"],
        )
