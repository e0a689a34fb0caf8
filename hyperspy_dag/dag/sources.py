# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a class's spectra come from, as an object that any process can draw from (NumPy alone)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_dag._utils.streams import BLOCK_CONDITIONS, BLOCK_DOSE, BLOCK_NOISE, child_stream
from hyperspy_dag.io.files import AugmenterFileError

from .architectures import Architecture
from .class_model.model import ClassModel, draw_latent
from .condition_draws import Chain
from .drawing import generate, weight_shapes
from .recipes import Recipe

if TYPE_CHECKING:
    import dask.array as da

#: Spectra are drawn in blocks of this size, each with a seed of its own: the first spectra of a
#: longer stack are those of a shorter one, and any block can be had by itself.
BLOCK = 256

#: Largest chunk of a lazy stack, in bytes; a few are in memory at a time.
CHUNK_BYTES = 8 * 2**20


@dataclass(frozen=True)
class SpectrumSource:
    """A fitted generator and how it is to draw.

    Attributes
    ----------
    channels : int
    architecture : Architecture
    recipe : Recipe
    class_model : ClassModel or None
        Where the latent vectors come from; None: the standard normal law.
    weights : list of array
    seed : numpy.random.SeedSequence
        The same seed gives the same spectra.
    noise : bool, default True
    options : dict, optional
        ``dose`` and ``jitter`` of a physical generator.
    dose_range : (float, float), optional
        Of a dose drawn for each spectrum, uniform in its logarithm.
    conditions : Chain, optional
        That act on the clean spectra of a physical generator.

    Raises
    ------
    AugmenterFileError
        The weights do not belong to these networks.
    """

    channels: int
    architecture: Architecture
    recipe: Recipe
    class_model: ClassModel | None
    weights: list[np.ndarray]
    seed: np.random.SeedSequence
    noise: bool = True
    options: dict[str, float] = field(default_factory=dict)
    dose_range: tuple[float, float] | None = None
    conditions: Chain | None = None

    def __post_init__(self) -> None:
        expected = weight_shapes(self.channels, self.architecture, self.recipe)
        if [weight.shape for weight in self.weights] != expected:
            raise AugmenterFileError(
                "the weights of this generator do not belong to its architecture: the file that "
                "it was loaded from is damaged, or of a version with other networks"
            )

    def draw(self, n: int, first_block: int = 0) -> np.ndarray:
        """Draw `n` spectra, the first that of block `first_block`; shape (n, channels), float32."""
        spectra = np.empty((n, self.channels), np.float32)
        for i in range(0, n, BLOCK):
            block = self._draw_block(first_block + i // BLOCK)
            spectra[i : i + BLOCK] = block[: n - i]
        return spectra

    def _draw_block(self, block: int) -> np.ndarray:
        size = self.architecture.latent_size
        latent = draw_latent(self.class_model, BLOCK, size, self.seed, block * BLOCK)
        own = child_stream(self.seed, BLOCK_NOISE, block)
        random = np.random.Generator(np.random.SFC64(own)) if self.noise else None
        own = child_stream(self.seed, BLOCK_CONDITIONS, block)
        conditions = None if self.conditions is None else self.conditions.drawn(BLOCK, own)
        options: dict[str, Any] = dict(self.options)
        if self.dose_range is not None:
            drawn = np.random.default_rng(child_stream(self.seed, BLOCK_DOSE, block))
            low, high = np.log(self.dose_range)
            dose = np.exp(drawn.uniform(low, high, (BLOCK, 1)))
            options["dose"] = (dose * options.get("dose", 1.0)).astype(np.float32)
        return generate(
            latent,
            self.weights,
            self.channels,
            self.architecture,
            self.recipe,
            random,
            conditions,
            **options,
        )


def lazy_stack(sources: Sequence[SpectrumSource], n: int, channels: int) -> da.Array:
    """Return a dask array of shape (sources, n, channels) whose chunks are drawn when needed."""
    import dask.array as da
    from dask import delayed

    blocks = max(1, CHUNK_BYTES // (BLOCK * channels * 4))
    rows = []
    for source in sources:
        # Once in the graph, not in each chunk's task; there is nothing for dask to look for in it.
        shared = delayed(source, traverse=False)
        chunks = []
        for first in range(0, -(-n // BLOCK), blocks):
            size = min(blocks * BLOCK, n - first * BLOCK)
            drawn = delayed(SpectrumSource.draw)(shared, size, first)
            chunks.append(da.from_delayed(drawn, (size, channels), np.float32))
        rows.append(da.concatenate(chunks))
    return da.stack(rows)
