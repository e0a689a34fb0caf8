# SPDX-License-Identifier: GPL-3.0-or-later
"""The work that every peer of `benchmarks/speed.py` does, and how it is asked to (NumPy alone).

An epoch: a pass over all spectra for each view (untransformed, energy-shifted, noisier), in which
discriminator and generator take a step at every batch, and one more over the untransformed spectra
for the discriminator alone. The networks are the published `simple_dense`; sizes come from the
package as JSON. A peer is a process that trains an epoch, or does something else, for each line of
its standard input and answers with seconds as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

#: View of each pass, and whether the generator learns too.
STEPS = (("untransformed", True), ("shift", True), ("noise", True), ("untransformed", False))


@dataclass(frozen=True)
class Work:
    """Sizes and settings of the training.

    Attributes
    ----------
    channels, spectra, batch, latent, branches : int
    branch_widths : list of int
        Of each generator branch; Poisson and Gaussian noise follow every layer but the last.
    discriminator_widths : list of list of int
        Of each discriminator branch; dropout follows every layer, and minibatch discrimination
        comes before the last one.
    minibatch : list of (kernels, dims)
        Of each discriminator branch.
    slope, dropout, poisson, last_poisson, gaussian : float
    translation, max_shift : int
        Channels.
    max_noise, real_label, generator_rate, discriminator_rate : float
    """

    channels: int
    spectra: int
    batch: int
    latent: int
    branches: int
    branch_widths: list[int]
    discriminator_widths: list[list[int]]
    minibatch: list[tuple[int, int]]
    slope: float
    dropout: float
    poisson: float
    last_poisson: float
    gaussian: float
    translation: int
    max_shift: int
    max_noise: float
    real_label: float
    generator_rate: float
    discriminator_rate: float

    def data(self) -> np.ndarray:
        """Spectra of two white lines, shape (spectra, channels), float32."""
        random = np.random.default_rng(0)
        axis = np.linspace(0, 1, self.channels)
        ratio = 0.5 + 0.1 * random.normal(size=(self.spectra, 1))
        clean = sum(
            height * np.exp(-(((axis - place) / 0.03) ** 2) / 2)
            for height, place in ((1.0, 0.4), (ratio, 0.6))
        )
        noisy = clean + 0.05 * random.normal(size=clean.shape)
        return (noisy / noisy.max(axis=1, keepdims=True)).astype(np.float32)

    def products(self) -> dict[str, list[tuple[int, int, int, int]]]:
        """Matrix products of a batch in all passes, and of the generator alone.

        Each is (times, rows, inner, columns).
        """
        half, both = self.batch, 2 * self.batch
        steps, joint = len(STEPS), sum(learns for _, learns in STEPS)
        generator = [
            (self.branches, half, *sizes)
            for sizes in zip([self.latent, *self.branch_widths], self.branch_widths, strict=False)
        ]
        joined = self.branches * self.branch_widths[-1]
        generator += [(1, half, joined, self.channels), (1, half, self.channels, self.channels)]
        batch = [(steps * times, *sizes) for times, *sizes in generator]
        for i, (times, rows, inner, columns) in enumerate(generator):
            batch.append((joint * times, inner, rows, columns))
            if i:
                batch.append((joint * times, rows, columns, inner))
        for widths, (kernels, dims) in zip(self.discriminator_widths, self.minibatch, strict=True):
            *below, last = widths
            layers = list(zip([self.channels, *below], below, strict=False))
            layers += [(below[-1], kernels * dims), (below[-1] + kernels, last)]
            for i, (inner, columns) in enumerate(layers):
                batch += [(steps, both, inner, columns), (steps, inner, both, columns)]
                if i:
                    batch.append((steps, both, columns, inner))
                # The generator's step: backward to the spectra.
                batch.append((joint, half, columns, inner))
        return {"batch": batch, "generator": generator}


def serve(name: str, make: Callable[[Work], tuple[dict[str, Callable], dict[str, int]]]) -> None:
    """Answer the lines of standard input.

    Parameters
    ----------
    name : str
        Of the peer, with versions.
    make : callable
        Work to (what it can do by name, its numbers of parameters). What it can do is called with
        an integer, and returns when it is done.
    """
    work = Work(**json.loads(sys.argv[1]))
    deeds, parameters = make(work)
    # On one core the process's own time is the wall's, but for what other programs take of it.
    one_core = len(os.sched_getaffinity(0)) == 1
    clock = time.process_time if one_core else time.perf_counter
    print(json.dumps({"name": name, "parameters": parameters, "can": list(deeds)}), flush=True)
    for line in sys.stdin:
        deed, number = line.split()
        begin = clock()
        deeds[deed](int(number))
        print(json.dumps(clock() - begin), flush=True)


def as_json(work: Work) -> str:
    """What a peer takes as its argument."""
    return json.dumps(asdict(work))
