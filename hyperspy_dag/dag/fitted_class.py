# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a class's training (NumPy alone, so that it loads without TensorFlow)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from hyperspy_dag.io.files import below, finite

from .class_model.latent import LATENT_SIZE, MAX_COMPONENTS
from .class_model.model import ClassModel
from .class_model.noise import KERNEL_SIZE
from .gate import Gate
from .stopping import METRICS, PUBLISHED_FID, Evaluation, RealReference


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

    def go_back_to(self, epoch: int) -> None:
        """Forget what came after an epoch."""
        del self.discriminator_cost[epoch:], self.generator_cost[epoch:]
        self.evaluations[:] = [e for e in self.evaluations if e.epoch <= epoch]


@dataclass(frozen=True)
class FittedClass:
    """The fitted generator of one class.

    Attributes
    ----------
    weights : list of array
        Of the generator, in Keras' order.
    class_model : ClassModel or None
        Statistical model under a physical recipe.
    best : Evaluation
        The state that was kept.
    reference : RealReference
        Real against real spectra.
    history : History
    n_training : int
        Spectra that it was trained on.
    gate : Gate or None
        Comparison of the spectra with the statistical model, where one decided on the training.
    """

    weights: list[np.ndarray]
    class_model: ClassModel | None
    best: Evaluation
    reference: RealReference
    history: History
    n_training: int
    gate: Gate | None = None

    def header(self) -> dict[str, Any]:
        """All but the arrays, as JSON knows it."""
        return {
            "weights": [list(weight.shape) for weight in self.weights],
            "start": None if self.class_model is None else self.class_model.scalars(),
            "best": asdict(self.best),
            "baseline": asdict(self.reference),
            "history": asdict(self.history),
            "n_training": self.n_training,
            "gate": None if self.gate is None else asdict(self.gate),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        arrays = {f"weights/{i}": weight for i, weight in enumerate(self.weights)}
        if self.class_model is not None:
            arrays.update({f"start/{name}": a for name, a in self.class_model.arrays().items()})
        return arrays

    @classmethod
    def of(
        cls, header: dict[str, Any], arrays: dict[str, np.ndarray], channels: int
    ) -> FittedClass:
        """Build from what :meth:`header` and :meth:`arrays` gave, checking all of it.

        Raises
        ------
        KeyError, TypeError, ValueError
            Something is missing, or not as it should be.
        """
        finite(arrays)
        class_model = None
        if header["start"] is not None:
            parts: dict[str, Any] = below(arrays, "start")
            class_model = ClassModel(**header["start"], **parts)
            _check_class_model(class_model, channels)
        weights = [arrays[f"weights/{i}"] for i in range(len(header["weights"]))]
        for weight, shape in zip(weights, header["weights"], strict=True):
            if list(weight.shape) != shape:
                raise ValueError(f"weights of shape {weight.shape} where {shape} was written")
        history, gate = header["history"], header.get("gate")
        return cls(
            weights=weights,
            class_model=class_model,
            best=evaluation_of(header["best"]),
            reference=RealReference(
                **{k: _metrics(header["baseline"][k]) for k in ("mean", "spread")}
            ),
            history=history_of(history),
            n_training=_whole(header["n_training"]),
            gate=None if gate is None else Gate(_number(gate["auc"]), _number(gate["p_value"])),
        )


def history_of(header: dict[str, Any]) -> History:
    """Build a history from a file's header, checking all of it."""
    return History(
        discriminator_cost=[_number(v) for v in header["discriminator_cost"]],
        generator_cost=[_number(v) for v in header["generator_cost"]],
        evaluations=[evaluation_of(e) for e in header["evaluations"]],
    )


def evaluation_of(header: dict[str, Any]) -> Evaluation:
    """Build an evaluation from a file's header, checking all of it."""
    return Evaluation(
        epoch=_whole(header["epoch"]),
        metrics=_metrics(header["metrics"]),
        score=_number(header["score"]),
        reached=header["reached"] is True,
    )


def _metrics(header: dict[str, Any]) -> dict[str, float]:
    # The published recipe has one more.
    more = [PUBLISHED_FID] if PUBLISHED_FID in header else []
    return {name: _number(header[name]) for name in (*METRICS, *more)}


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} where a number should be")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise TypeError(f"{value!r} where a count should be")
    return value


def _check_class_model(model: ClassModel, channels: int) -> None:
    shapes = {
        "mean": (channels,),
        "basis": (MAX_COMPONENTS, channels),
        "level": (2,),
        "background": (channels,),
        "kernel": (KERNEL_SIZE,),
        "latent": (len(model.latent), LATENT_SIZE),
        "neighbours": (len(model.latent), *model.neighbours.shape[1:2]),
    }
    for name, array in model.arrays().items():
        # All others hold a number for each latent coordinate.
        shape = shapes.get(name, (LATENT_SIZE,))
        if array.shape != shape:
            raise ValueError(f"start/{name} has the shape {array.shape} in place of {shape}")
    neighbours = model.neighbours
    if neighbours.dtype.kind not in "iu" or neighbours.ndim != 2 or not neighbours.size:
        raise ValueError("start/neighbours does not hold neighbours")
    if not 0 <= neighbours.min() <= neighbours.max() < len(model.latent):
        raise ValueError("start/neighbours points outside the latent vectors")
    for name, value in model.scalars().items():
        if name == "unit_maximum":
            if not isinstance(value, bool):
                raise TypeError(f"unit_maximum is {value!r}")
        elif not math.isfinite(_number(value)):
            raise ValueError(f"start/{name} is not finite")
    if not 0 <= model.broad <= 1:
        raise ValueError(f"broad is {model.broad!r}")
