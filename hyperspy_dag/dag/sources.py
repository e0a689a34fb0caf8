# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a class's spectra come from, as an object that any process can draw from.

Importing this needs no TensorFlow; drawing does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .architectures import Architecture
from .class_model.model import ClassModel
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
    weights : list of array
    seed : numpy.random.SeedSequence
    noise : bool
    options : dict
        ``dose`` and ``jitter`` of a physical generator.
    """

    channels: int
    architecture: Architecture
    recipe: Recipe
    class_model: ClassModel | None
    weights: list[np.ndarray]
    seed: np.random.SeedSequence
    noise: bool
    options: dict[str, float]

    def draw(self, n: int, first_block: int = 0) -> np.ndarray:
        """Draw `n` spectra, the first that of block `first_block`; shape (n, channels), float32.

        Raises
        ------
        AugmenterFileError
            The weights do not belong to these networks.
        """
        from .sampling import sampler_for

        return sampler_for(self.channels, self.architecture, self.recipe).draw(
            n,
            self.seed,
            self.class_model,
            first_block=first_block,
            weights=self.weights,
            noise=self.noise,
            options=self.options,
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
