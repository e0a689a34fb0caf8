# SPDX-License-Identifier: GPL-3.0-or-later
"""The network architectures, as data; :mod:`~hyperspy_dag.dag.networks` builds them.

Widths are fractions: of a branch's width for the generator (all branches together are as wide as
the spectrum), of the number of channels for the discriminator. `simple_dense`, `large_dense` and
`simple_convo` are reconstructions of the architectures of del-Pozo-Bueno et al. 2024 from what is
published of them; their layer counts and sizes are given here because the paper leaves some open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .recipes import Recipe

#: Version of the networks, for files; version 1 had others under the paper's recipe.
NETWORKS = 2

#: Published noise of the generator's branches: Poisson rate after hidden layers and before the
#: branch's end, Gaussian standard deviation (del-Pozo-Bueno et al. 2024).
POISSON_RATE, LAST_POISSON_RATE, GAUSSIAN_STDDEV = 0.5, 0.15, 0.15

#: Channels of a generator's convolution.
CONVOLUTION_SIZE = 7

#: A branch with fewer units than this could not carry a spectrum's shape.
_SMALLEST_LAYER = 4


def layer_width(fraction: float, of: int) -> int:
    """Units of a layer that is given as a fraction of another width."""
    return max(_SMALLEST_LAYER, round(fraction * of))


@dataclass(frozen=True)
class GeneratorBranches:
    """Parallel branches, joined along the energy axis, then dense layers to the spectrum.

    Parameters
    ----------
    branches : int
        How many.
    layers : tuple of float
        Widths of a branch's layers before its last, as fractions of the branch's width.
    noisy_layers : tuple of int
        Which of a branch's layers (the last included) are followed by Poisson and Gaussian noise.
    join_layers : int
        Hidden layers as wide as the spectrum between the joined branches and the output.
    convolution_filters : int
        0: the branch's layers are dense; above 0: the layers after the first are 1-D convolutions
        with so many filters.
    """

    branches: int
    layers: tuple[float, ...]
    noisy_layers: tuple[int, ...]
    join_layers: int
    convolution_filters: int = 0

    def widths(self, channels: int) -> list[int]:
        """Return the widths of a branch's layers, the last included."""
        width = layer_width(1.0 / self.branches, channels)
        return [*(layer_width(fraction, width) for fraction in self.layers), width]

    def poisson_rate(self, layer: int) -> float:
        """Return the rate of the Poisson noise after a layer."""
        return POISSON_RATE if layer < len(self.layers) else LAST_POISSON_RATE

    def max_shift(self, channels: int) -> int:
        """Return the largest translation at a branch's end, in channels."""
        return max(1, self.widths(channels)[-1] // 50)


class PublishedBranches(GeneratorBranches):
    """The generator as its authors published it.

    A branch begins with one more layer, of the latent size, which is number 0 of `noisy_layers`.
    Its last layer is followed by a translation in place of noise. After the join layers there are
    Poisson noise of a smaller rate, a translation, and the output with a hyperbolic tangent.
    """

    def poisson_rate(self, layer: int) -> float:
        """Return the rate of the Poisson noise after a layer."""
        return POISSON_RATE

    def max_shift(self, channels: int) -> int:
        """Return the largest translation, in channels."""
        return min(6, self.widths(channels)[-1] // 2)


@dataclass(frozen=True)
class DiscriminatorBranch:
    """One branch of a discriminator, with minibatch discrimination.

    Parameters
    ----------
    layers : tuple of float
        Layer widths before the minibatch discrimination, as fractions of the number of channels.
    kernels, dims : int
        Of the minibatch discrimination; without it for 0 kernels.
    convolution_filters : tuple of int
        Filters of strided 1-D convolutions before the dense layers; none by default.
    dropout : float
        After each dense layer.
    layers_after : tuple of float
        As `layers`, after the minibatch discrimination.
    """

    layers: tuple[float, ...]
    kernels: int
    dims: int
    convolution_filters: tuple[int, ...] = ()
    dropout: float = 0.5
    layers_after: tuple[float, ...] = ()


@dataclass(frozen=True)
class Architecture:
    """A generator and its discriminator.

    The paper's architectures have two forms: as they stand under a physical recipe, and as they
    were published (:meth:`under`).

    Parameters
    ----------
    name, description : str
        The name used as ``architecture=``, and one line for users.
    generator : GeneratorBranches or tuple of int
        Branches, or for a compact generator the widths of its hidden layers in units.
    discriminator : tuple of DiscriminatorBranch
    latent_size : int
    leaky_slope : float
        Of the leaky rectifiers.
    published : tuple of PublishedBranches and tuple of DiscriminatorBranch, optional
        Generator and discriminator of the published recipe.
    """

    name: str
    description: str
    generator: GeneratorBranches | tuple[int, ...]
    discriminator: tuple[DiscriminatorBranch, ...]
    latent_size: int = 30
    leaky_slope: float = 0.3
    published: tuple[PublishedBranches, tuple[DiscriminatorBranch, ...]] | None = None

    def under(self, recipe: Recipe) -> Architecture:
        """Return this architecture with the networks that it has under a recipe."""
        if not (recipe.published and self.published):
            return self
        generator, discriminator = self.published
        return replace(self, generator=generator, discriminator=discriminator)


# Published values: latent size 30, six branches, 0.5 / 0.75 / 0.85 layers, slope 0.3,
# discriminator widths 1, 4/5, 3/5, 1/5 with dropout 0.5, kernels 100 × 5 and 150 × 8.
_PUBLISHED_WIDTHS = (1.0, 4 / 5, 3 / 5, 1 / 5)


def _published(
    first: tuple[float, ...] = _PUBLISHED_WIDTHS[:3],
    last: tuple[float, ...] = _PUBLISHED_WIDTHS[3:],
) -> tuple[DiscriminatorBranch, ...]:
    """Two branches, with minibatch discrimination between their first and their last layers."""
    return tuple(
        DiscriminatorBranch(first, kernels, dims, layers_after=last)
        for kernels, dims in ((100, 5), (150, 8))
    )


_ARCHITECTURES = (
    Architecture(
        "compact",
        "a small network that refines the statistical model of the class; the default",
        generator=(64, 64),
        discriminator=(
            DiscriminatorBranch((0.25, 0.125), kernels=20, dims=5, dropout=0.3),
            DiscriminatorBranch(
                (0.1,), kernels=20, dims=5, convolution_filters=(16, 32, 32), dropout=0.0
            ),
        ),
        leaky_slope=0.2,
    ),
    Architecture(
        "simple_dense",
        "dense branches with noise after every layer",
        generator=GeneratorBranches(6, (0.5, 0.75, 0.85), (0, 1, 2, 3), join_layers=1),
        discriminator=(
            DiscriminatorBranch(_PUBLISHED_WIDTHS, kernels=100, dims=5),
            DiscriminatorBranch(_PUBLISHED_WIDTHS, kernels=150, dims=8),
        ),
        published=(
            PublishedBranches(6, (0.85, 0.75, 0.5), (0, 1, 2, 3), join_layers=1),
            _published(),
        ),
    ),
    Architecture(
        "large_dense",
        "as simple_dense with more hidden layers and fewer noise layers",
        generator=GeneratorBranches(6, (0.5, 0.6, 0.7, 0.75, 0.85), (2, 5), join_layers=2),
        discriminator=(
            DiscriminatorBranch((1.0, *_PUBLISHED_WIDTHS, 1 / 5), kernels=100, dims=5),
            DiscriminatorBranch((1.0, *_PUBLISHED_WIDTHS, 1 / 5), kernels=150, dims=8),
        ),
        # Published: more hidden layers, fewer of noise.
        published=(
            PublishedBranches(6, (0.85, 0.85, 0.75, 0.5, 0.5), (2, 5), join_layers=2),
            _published((1.0, *_PUBLISHED_WIDTHS[:3]), (1 / 5, 1 / 5)),
        ),
    ),
    Architecture(
        "simple_convo",
        "1-D convolutions in harmony with the dense layers of simple_dense",
        generator=GeneratorBranches(
            6, (0.5, 0.75, 0.85), (0, 1, 2, 3), join_layers=1, convolution_filters=8
        ),
        discriminator=(
            DiscriminatorBranch(_PUBLISHED_WIDTHS, kernels=100, dims=5),
            DiscriminatorBranch(
                (3 / 5, 1 / 5), kernels=150, dims=8, convolution_filters=(16, 32, 32)
            ),
        ),
        # Published: 1-D convolutions in harmony with the dense layers; sizes are ours.
        published=(
            PublishedBranches(6, (0.85, 0.75, 0.5), (0, 1, 2, 3), 1, convolution_filters=8),
            (
                _published()[0],
                DiscriminatorBranch((3 / 5,), 150, 8, (16, 32, 32), layers_after=(1 / 5,)),
            ),
        ),
    ),
)

#: name -> :class:`Architecture`.
ARCHITECTURES: dict[str, Architecture] = {a.name: a for a in _ARCHITECTURES}

#: What ``architecture="auto"`` stands for under each recipe.
AUTO = {"refined": "compact", "paper": "simple_dense"}
