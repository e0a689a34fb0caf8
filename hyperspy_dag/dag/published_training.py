# SPDX-License-Identifier: GPL-3.0-or-later
"""Training in the order in which the paper updates the networks.

Source: del-Pozo-Bueno et al. 2024, and the scripts that one of its authors has published.
"""

from __future__ import annotations

import numpy as np

from hyperspy_dag._utils.streams import TRANSLATIONS, child_stream

from ._tensorflow import tf
from .losses import discriminator_loss, generator_loss
from .published import PublishedBody, translate
from .trainer import Trainer
from .transforms import random_poisson_noise

#: T1's largest shift, in channels.
MAX_SHIFT = 10


def judge(discriminator, shown, seed, recipe, both):
    """Costs of a batch, and their slopes by what is updated together.

    The same backward pass carries the discriminator's cost to its weights and the generator's to
    the generated spectra: products of matrices are the time that a training takes.

    Parameters
    ----------
    discriminator : Discriminator
    shown : tensor of shape (2 n, channels)
        Real, then generated spectra.
    seed : integer tensor of shape (2,)
    recipe : Recipe
    both : bool
        Whether the generator learns too.

    Returns
    -------
    costs : tensor of shape (2,)
        The discriminator's and the generator's.
    gradients : list of tensor
        Of the discriminator's cost by its trainable variables.
    slope : tensor of shape (2 n, channels) or None
        Of the generator's cost by `shown`; by real spectra it is 0.
    """
    # Spectra are not standardised under this recipe: centre and scale are left out.
    seeds = discriminator.seeds_of(seed)
    stacks = [Stack(b, shown, s) for b, s in zip(discriminator.branches, seeds, strict=True)]
    hidden = [stack.hidden for stack in stacks]
    above = [
        v.value
        for part in (
            *(b.minibatch for b in discriminator.branches if b.minibatch is not None),
            *(layer for b in discriminator.branches for layer in b.dense_after),
            discriminator.unit,
        )
        for v in part.trainable_variables
    ]
    with tf.GradientTape(persistent=both, watch_accessed_variables=False) as tape:
        tape.watch([*hidden, *above])
        joined = [stack.branch.compare(stack.hidden, stack.factors, 2) for stack in stacks]
        logits = tf.split(discriminator.unit(tf.concat(joined, axis=1))[:, 0], 2)
        cost = discriminator_loss(recipe.loss, *logits, recipe.real_label)
        generator_cost = generator_loss(recipe.loss, *logits)
    of_hidden, of_above = tape.gradient(cost, (hidden, above))
    slopes = tape.gradient(generator_cost, hidden) if both else [None] * len(stacks)
    by_variable = dict(zip(map(id, above), of_above, strict=True))
    slope = 0.0
    for stack, one, other in zip(stacks, of_hidden, slopes, strict=True):
        gradients, of_shown = stack.back(one, other)
        by_variable |= gradients
        slope = slope + of_shown if both else None
    gradients = [by_variable[id(v.value)] for v in discriminator.trainable_variables]
    return tf.stack([cost, generator_cost]), gradients, slope


class Stack:
    """A discriminator branch's layers below its minibatch discrimination, forth and back.

    Parameters
    ----------
    branch : keras.layers.Layer
    spectra : tensor of shape (2 n, channels)
    seed : integer tensor of shape (2,)
    """

    def __init__(self, branch, spectra, seed):
        self.branch = branch
        self.factors = branch.dropout_factors(tf.shape(spectra)[0], seed)
        self._n = tf.shape(spectra)[0] // 2
        self._spectra = spectra
        self._convolved = [v.value for c in branch.convolutions for v in c.trainable_variables]
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as self._tape:
            self._tape.watch([spectra, *self._convolved])
            self._features = x = branch.convolve(spectra)
        self._inputs, self._slopes = [], []
        for layer, factor in zip(branch.dense, self.factors, strict=False):
            self._inputs.append(x)
            product = layer(x)
            self._slopes.append(factor * tf.where(product > 0, 1.0, branch.slope))
            x = product * self._slopes[-1]
        self.hidden = x

    def back(self, of_cost, of_generator):
        """Carry slopes by the hidden features back.

        Parameters
        ----------
        of_cost, of_generator : tensor of shape (2 n, hidden)
            Of the discriminator's and of the generator's cost; the latter may be None.

        Returns
        -------
        gradients : dict of int to tensor
            Of the discriminator's cost, by the identity of the variable.
        slope : tensor of shape (2 n, channels) or None
            Of the generator's cost by the spectra.
        """
        n, gradients = self._n, {}
        both = of_generator is not None
        # Real spectra have no part in the generator's cost but through the comparison's sums.
        up = tf.concat([of_cost, of_generator[n:]], 0) if both else of_cost
        for layer, x, slope in zip(
            self.branch.dense[::-1], self._inputs[::-1], self._slopes[::-1], strict=True
        ):
            up = up * (tf.concat([slope, slope[n:]], 0) if both else slope)
            teaching = up[: 2 * n]
            kernel = tf.convert_to_tensor(layer.kernel)
            gradients[id(layer.kernel.value)] = tf.matmul(x, teaching, transpose_a=True)
            gradients[id(layer.bias.value)] = tf.reduce_sum(teaching, 0)
            if layer is self.branch.dense[0] and not self._convolved:
                up = up[2 * n :]
            up = tf.matmul(up, kernel, transpose_b=True)
        if self._convolved:
            of_cost, up = up[: 2 * n], up[2 * n :]
            taught = self._tape.gradient(self._features, self._convolved, output_gradients=of_cost)
            gradients |= dict(zip(map(id, self._convolved), taught, strict=True))
        if not both:
            return gradients, None
        slope = tf.concat([tf.zeros_like(up), up], 0)
        if self._convolved:
            slope = self._tape.gradient(self._features, self._spectra, output_gradients=slope)
        return gradients, slope


class PublishedTrainer(Trainer):
    """Trains in the published order.

    An epoch is a pass over all spectra for each view, in which the view's discriminator *and* the
    generator are updated at every batch; and one in which the discriminator of the untransformed
    spectra is updated by itself.
    """

    def begin(self, spectra, seed, class_model=None, max_epochs=None):
        """Set everything back and begin with a class; see :meth:`.Trainer.begin`."""
        super().begin(spectra, seed, class_model, max_epochs)
        if isinstance(self.generator.body, PublishedBody):
            self.generator.body.draw_translations(child_stream(seed, TRANSLATIONS))

    def _order(self, random: np.random.Generator) -> np.ndarray:
        n, batch = len(self._spectra), self._batch
        missing = -n % batch
        rows = [
            np.append(random.permutation(n), np.full(missing, -1)).reshape(-1, batch)
            for _ in self.design.passes()
        ]
        return np.concatenate(rows)

    def _run(self, spectra, order, latents, seeds, rates):
        epochs, passes = tf.shape(rates)[0], self.design.passes()
        batches = tf.shape(order)[0] // (epochs * len(passes))

        def epoch(e, costs):
            for p, one in enumerate(passes):
                begin = (e * len(passes) + p) * batches

                def step(i, costs, one=one):
                    rows = tf.boolean_mask(order[i], order[i] >= 0)
                    latent = latents[i, : tf.shape(rows)[0]]
                    batch = tf.gather(spectra, rows), latent, seeds[i]
                    return i + 1, costs.write(i, self._update(*one, *batch, rates[e]))

                end = begin + batches
                _, costs = tf.while_loop(lambda i, _, end=end: i < end, step, (begin, costs))
            return e + 1, costs

        costs = tf.TensorArray(tf.float32, size=tf.shape(order)[0], element_shape=[2])
        return tf.while_loop(lambda e, _: e < epochs, epoch, (0, costs))[1].stack()

    def _update(self, index, view, both, real, latent, seed, rates):
        """Update a view's discriminator, and the generator where it is its turn."""
        discriminator = self.discriminators[index]
        seeds = tf.unstack(tf.random.split(seed, 3))
        generators = [v.value for v in self.generator.trainable_variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            if both:
                tape.watch(generators)
            generated = self.generator(latent, seed=seeds[0])
            shown = self._transform(view, tf.concat([real, generated], 0), seeds[1])
        costs, gradients, slope = judge(discriminator, shown, seeds[2], self.recipe, both)
        if both:
            of_generator = tape.gradient(shown, generators, output_gradients=slope)
            self._generator_adam.apply(of_generator, rates[0])
        self._discriminator_adams[index].apply(gradients, rates[1])
        return costs

    def _transform(self, view, spectra, seed):
        if view == "untransformed":
            return spectra
        if view == "noise":
            return random_poisson_noise(spectra, seed, self.recipe.max_noise)
        seeds = tf.unstack(tf.random.split(seed, 2))
        largest = min(MAX_SHIFT, self.channels // 2)
        shift = tf.random.stateless_uniform([], seeds[0], 1, largest + 1, tf.int32)
        right = tf.random.stateless_uniform([1, 1], seeds[1], 0, 2, tf.int32) > 0
        return translate(spectra, shift, right)
