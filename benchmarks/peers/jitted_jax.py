# SPDX-License-Identifier: GPL-3.0-or-later
"""JAX: an epoch is one `jit`-compiled `lax.scan` over its batches."""

from __future__ import annotations

import math
import os
from functools import partial

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
from work import STEPS, VIEWS, Work, serve

jax.config.update("jax_default_prng_impl", "unsafe_rbg")  # many times faster on a CPU


def glorot(key, *shape):
    """Initial weights of a layer."""
    limit = math.sqrt(6 / (shape[-2] + shape[-1]))
    return jax.random.uniform(key, shape, minval=-limit, maxval=limit)


def initial(work: Work, key) -> tuple[dict, dict]:
    """Weights of generator and discriminator."""
    keys = iter(jax.random.split(key, 40))

    def dense(inputs, units, *branches):
        bias = jnp.zeros((*branches, 1, units) if branches else units)
        return glorot(next(keys), *branches, inputs, units), bias

    sizes = [work.latent, *work.branch_widths]
    generator = {
        "branches": [dense(*pair, work.branches) for pair in zip(sizes, sizes[1:], strict=False)],
        "join": dense(work.branches * sizes[-1], work.channels),
        "last": dense(work.channels, work.channels),
    }
    branches, kernels, ends = [], [], 0
    for widths, (count, dims) in zip(work.discriminator_widths, work.minibatch, strict=True):
        sizes = [work.channels, *widths]
        branches.append([dense(*pair) for pair in zip(sizes, sizes[1:], strict=False)])
        kernels.append(glorot(next(keys), sizes[-1], dims * count))
        ends += sizes[-1] + count
    return generator, {"branches": branches, "kernels": kernels, "unit": dense(ends, 1)}


def poisson(key, shape, rate):
    """Poisson draws of a small rate, as one uniform against the cumulative probabilities."""
    uniform = jax.random.uniform(key, shape)
    probability = total = math.exp(-rate)
    draws = (uniform > total).astype(jnp.float32)
    for count in range(1, 7):
        probability *= rate / count
        total += probability
        draws += uniform > total
    return draws


def generate(weights, latent, key, work: Work):
    """Latent vectors to spectra."""
    keys = iter(jax.random.split(key, 2 * len(work.branch_widths) + 1))
    x = jnp.broadcast_to(latent, (work.branches, *latent.shape))
    for (kernel, bias), rate in zip(weights["branches"], work.poisson_rates, strict=True):
        x = jax.nn.leaky_relu(x @ kernel + bias, work.slope)
        x += poisson(next(keys), x.shape, rate)
        x += work.gaussian * jax.random.normal(next(keys), x.shape)
    shift = jax.random.randint(next(keys), (), -work.translation, work.translation + 1)
    x = x[:, :, jnp.clip(jnp.arange(x.shape[2]) - shift, 0, x.shape[2] - 1)]
    x = x.transpose(1, 0, 2).reshape(len(latent), -1)
    x = jax.nn.leaky_relu(x @ weights["join"][0] + weights["join"][1], work.slope)
    return x @ weights["last"][0] + weights["last"][1]


def judge(weights, spectra, key, groups: int, work: Work):
    """Spectra to logits; the batch holds `groups` minibatches."""
    keys = iter(jax.random.split(key, 20))
    parts = []
    for layers, kernel, (kernels, dims) in zip(
        weights["branches"], weights["kernels"], work.minibatch, strict=True
    ):
        x = spectra
        for weight, bias in layers:
            x = jax.nn.leaky_relu(x @ weight + bias, work.slope)
            kept = jax.random.bernoulli(next(keys), 1 - work.dropout, x.shape)
            x = jnp.where(kept, x / (1 - work.dropout), 0.0)
        features = (x @ kernel).reshape(groups, -1, dims, kernels)
        distance = sum(
            jnp.abs(features[:, :, None, d] - features[:, None, :, d]) for d in range(dims)
        )
        parts += [x, jnp.exp(-distance).sum(2).reshape(len(x), kernels)]
    weight, bias = weights["unit"]
    return (jnp.concatenate(parts, 1) @ weight + bias)[:, 0]


def show(view, x, key, work: Work):
    """A batch in a view, each spectrum with its own draw."""
    first, second = jax.random.split(key)
    if view == "shift":
        shift = jax.random.randint(first, (len(x), 1), -work.max_shift, work.max_shift + 1)
        index = jnp.clip(jnp.arange(work.channels) - shift, 0, work.channels - 1)
        return jnp.take_along_axis(x, index, axis=1)
    if view == "noise":
        level = jax.random.uniform(first, (len(x), 1), maxval=work.max_noise)
        amplitude = jax.lax.stop_gradient(jnp.sqrt(jnp.maximum(x, 0)))
        return x + level * amplitude * jax.random.normal(second, x.shape)
    return x


def adam(weights, state, gradients, rate):
    """One step; the state is (step, first moments, second moments)."""
    step, first, second = state
    step += 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
    scaled = rate * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    weights = jax.tree.map(
        lambda w, m, v: w - scaled * m / (jnp.sqrt(v) + 1e-7), weights, first, second
    )
    return weights, (step, first, second)


def train_batch(work: Work, spectra, state, inputs):
    """One batch."""
    order, key = inputs
    generator, discriminator, generator_state, discriminator_state = state
    keys = iter(jax.random.split(key, 20))
    real = spectra[order]
    latent = jax.random.normal(next(keys), (work.batch, work.latent))
    forward = partial(generate, latent=latent, key=next(keys), work=work)
    generated, backward = jax.vjp(forward, generator)
    both = jnp.concatenate([real, generated])
    targets = jnp.repeat(jnp.array([work.real_label, 0.0]), work.batch)
    for view in STEPS:
        shown, own_key = show(view, both, next(keys), work), next(keys)

        def discriminator_cost(weights, shown=shown, own_key=own_key):
            logits = judge(weights, shown, own_key, 2, work)
            return 2 * (jax.nn.softplus(logits) - targets * logits).mean()

        gradients = jax.grad(discriminator_cost)(discriminator)
        discriminator, discriminator_state = adam(
            discriminator, discriminator_state, gradients, work.discriminator_rate
        )
    view_keys, own_key = [next(keys) for _ in VIEWS], next(keys)

    def generator_cost(generated):
        views = zip(VIEWS, view_keys, strict=True)
        shown = jnp.concatenate([show(view, generated, k, work) for view, k in views])
        return jax.nn.softplus(-judge(discriminator, shown, own_key, len(VIEWS), work)).mean()

    (gradients,) = backward(jax.grad(generator_cost)(generated))
    generator, generator_state = adam(generator, generator_state, gradients, work.generator_rate)
    return (generator, discriminator, generator_state, discriminator_state), None


def make(work: Work):
    spectra = jnp.asarray(work.data())
    generator, discriminator = initial(work, jax.random.key(0))

    def moments(weights):
        zeros = jax.tree.map(jnp.zeros_like, weights)
        return 0, zeros, jax.tree.map(jnp.zeros_like, weights)

    state = [generator, discriminator, moments(generator), moments(discriminator)]
    batches = len(spectra) // work.batch

    @partial(jax.jit, donate_argnums=0)
    def epoch(state, key):
        first, second = jax.random.split(key)
        order = jax.random.permutation(first, len(spectra))[: batches * work.batch]
        inputs = order.reshape(batches, work.batch), jax.random.split(second, batches)
        return jax.lax.scan(partial(train_batch, work, spectra), state, inputs)[0]

    key = jax.random.key(1)
    state = tuple(state)

    def train(epochs: int) -> None:
        nonlocal state, key
        for _ in range(epochs):
            key, own_key = jax.random.split(key)
            state = epoch(state, own_key)
        jax.block_until_ready(state)

    parameters = [
        sum(leaf.size for leaf in jax.tree.leaves(weights))
        for weights in (generator, discriminator)
    ]
    return {"train": train}, dict(zip(("generator", "discriminator"), parameters, strict=True))


if __name__ == "__main__":
    serve(f"JAX {jax.__version__}", make)
