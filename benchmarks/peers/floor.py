# SPDX-License-Identifier: GPL-3.0-or-later
"""What the work costs at the least: its matrix products, and Adam's traffic to memory."""

from __future__ import annotations

import numpy as np
from work import STEPS, Work, serve


def make(work: Work):
    random = np.random.default_rng(0)

    def matrices(products):
        return [
            (
                times,
                random.normal(size=(rows, inner)).astype(np.float32),
                random.normal(size=(inner, columns)).astype(np.float32),
                np.empty((rows, columns), np.float32),
            )
            for times, rows, inner, columns in products
        ]

    batches = work.spectra // work.batch
    held = {name: matrices(products) for name, products in work.products().items()}
    # A stack is drawn in larger batches.
    rows = 256
    stack = matrices([(times, rows, *sizes) for times, _, *sizes in work.products()["generator"]])
    parameters = {
        "generator": sum(t * (i + 1) * c for t, _, i, c in work.products()["generator"]),
        "discriminator": 1
        + sum(
            sum((i + 1) * c for i, c in zip([work.channels, *widths], widths[:-1], strict=False))
            + widths[-2] * kernels * dims
            + (widths[-2] + kernels + 1) * widths[-1]
            + widths[-1]
            for widths, (kernels, dims) in zip(
                work.discriminator_widths, work.minibatch, strict=True
            )
        ),
    }
    adam = {
        name: [np.ones(size, np.float32) for _ in range(4)] for name, size in parameters.items()
    }

    def multiply(all_matrices):
        for times, a, b, out in all_matrices:
            for _ in range(times):
                np.matmul(a, b, out=out)

    def train(epochs: int) -> None:
        for _ in range(epochs * batches):
            multiply(held["batch"])

    def traffic(epochs: int) -> None:
        """24 of the 28 bytes of each parameter of each step."""
        steps = {"generator": sum(learns for _, learns in STEPS), "discriminator": len(STEPS)}
        for _ in range(epochs * batches):
            for name, (weight, first, second, gradient) in adam.items():
                for _ in range(steps[name]):
                    np.add(first, gradient, out=first)
                    np.add(weight, second, out=weight)

    def sample(n: int) -> None:
        for _ in range(-(-n // rows)):
            multiply(stack)

    return {"train": train, "traffic": traffic, "sample": sample}, parameters


if __name__ == "__main__":
    serve(f"NumPy {np.__version__}", make)
