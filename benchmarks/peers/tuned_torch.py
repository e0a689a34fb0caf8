# SPDX-License-Identifier: GPL-3.0-or-later
"""PyTorch, tuned: branches as one batched product, fused Adam, both halves in one batch."""

from __future__ import annotations

import math
import os

import torch
import torch.nn.functional as F
from torch import nn
from work import STEPS, VIEWS, Work, serve


def poisson(like: torch.Tensor, rate: float) -> torch.Tensor:
    """Poisson draws of a small rate, as one uniform against the cumulative probabilities."""
    probability = total = math.exp(-rate)
    bounds = [total]
    for count in range(1, 12):
        probability *= rate / count
        total += probability
        bounds.append(total)
    return torch.bucketize(torch.rand_like(like), torch.tensor(bounds), out_int32=True)


class Branches(nn.Module):
    """A dense layer in each branch of the generator."""

    def __init__(self, branches, inputs, units):
        super().__init__()
        limit = math.sqrt(6 / (inputs + units))
        self.weight = nn.Parameter(torch.empty(branches, inputs, units).uniform_(-limit, limit))
        self.bias = nn.Parameter(torch.zeros(branches, 1, units))

    def forward(self, x):
        return torch.baddbmm(self.bias, x, self.weight)


class Generator(nn.Module):
    """Latent vectors to spectra."""

    def __init__(self, work: Work):
        super().__init__()
        self.work = work
        sizes = [work.latent, *work.branch_widths]
        self.layers = nn.ModuleList(
            Branches(work.branches, *pair) for pair in zip(sizes, sizes[1:], strict=False)
        )
        self.join = nn.Linear(work.branches * sizes[-1], work.channels)
        self.last = nn.Linear(work.channels, work.channels)

    def forward(self, latent):
        work = self.work
        x = latent.expand(work.branches, -1, -1)
        for layer, rate in zip(self.layers, work.poisson_rates, strict=True):
            x = F.leaky_relu(layer(x), work.slope)
            x = x + poisson(x, rate) + work.gaussian * torch.randn_like(x)
        shift = int(torch.randint(-work.translation, work.translation + 1, ()))
        index = (torch.arange(x.shape[2]) - shift).clamp(0, x.shape[2] - 1)
        x = x[:, :, index].transpose(0, 1).flatten(1)
        return self.last(F.leaky_relu(self.join(x), work.slope))


class Discriminator(nn.Module):
    """Spectra to logits; the batch holds `groups` minibatches."""

    def __init__(self, work: Work):
        super().__init__()
        self.work = work
        self.branches = nn.ModuleList()
        self.kernels = nn.ParameterList()
        ends = 0
        for widths, (kernels, dims) in zip(work.discriminator_widths, work.minibatch, strict=True):
            sizes = [work.channels, *widths]
            self.branches.append(
                nn.ModuleList(nn.Linear(*pair) for pair in zip(sizes, sizes[1:], strict=False))
            )
            kernel = torch.empty(sizes[-1], dims * kernels)
            self.kernels.append(nn.Parameter(nn.init.xavier_uniform_(kernel)))
            ends += sizes[-1] + kernels
        self.unit = nn.Linear(ends, 1)

    def forward(self, spectra, groups):
        parts = []
        for layers, kernel, (kernels, dims) in zip(
            self.branches, self.kernels, self.work.minibatch, strict=True
        ):
            x = spectra
            for layer in layers:
                x = F.dropout(F.leaky_relu(layer(x), self.work.slope), self.work.dropout)
            features = (x @ kernel).view(groups, -1, dims, kernels)
            distance = 0
            for column in features.unbind(2):
                distance = distance + (column[:, :, None] - column[:, None]).abs()
            parts += [x, torch.exp(-distance).sum(2).flatten(0, 1)]
        return self.unit(torch.cat(parts, 1))[:, 0]


def show(view: str, x: torch.Tensor, work: Work) -> torch.Tensor:
    """A batch in a view, each spectrum with its own draw."""
    if view == "shift":
        shift = torch.randint(-work.max_shift, work.max_shift + 1, (len(x), 1))
        index = (torch.arange(work.channels) - shift).clamp(0, work.channels - 1)
        return x.gather(1, index)
    if view == "noise":
        level = work.max_noise * torch.rand(len(x), 1)
        return x + level * x.detach().clamp(min=0).sqrt() * torch.randn_like(x)
    return x


def make(work: Work):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    generator, discriminator = Generator(work), Discriminator(work)
    generator_adam = torch.optim.Adam(generator.parameters(), work.generator_rate, fused=True)
    discriminator_adam = torch.optim.Adam(
        discriminator.parameters(), work.discriminator_rate, fused=True
    )
    targets = torch.cat([torch.full([work.batch], work.real_label), torch.zeros(work.batch)])
    spectra = torch.from_numpy(work.data())

    def batch(real: torch.Tensor) -> None:
        generated = generator(torch.randn(work.batch, work.latent))
        both = torch.cat([real, generated.detach()])
        discriminator.requires_grad_(True)
        for view in STEPS:
            logits = discriminator(show(view, both, work), 2)
            discriminator_adam.zero_grad(set_to_none=True)
            (2 * F.binary_cross_entropy_with_logits(logits, targets)).backward()
            discriminator_adam.step()
        discriminator.requires_grad_(False)
        shown = torch.cat([show(view, generated, work) for view in VIEWS])
        logits = discriminator(shown, len(VIEWS))
        generator_adam.zero_grad(set_to_none=True)
        F.softplus(-logits).mean().backward()
        generator_adam.step()

    def train(epochs: int) -> None:
        for _ in range(epochs):
            order = torch.randperm(len(spectra))
            for i in range(0, len(spectra) - work.batch + 1, work.batch):
                batch(spectra[order[i : i + work.batch]])

    parameters = {
        "generator": sum(p.numel() for p in generator.parameters()),
        "discriminator": sum(p.numel() for p in discriminator.parameters()),
    }
    return {"train": train}, parameters


if __name__ == "__main__":
    serve(f"PyTorch {torch.__version__}", make)
