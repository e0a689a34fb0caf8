# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: one class's generator against the discriminators of a design.

Whole epochs run inside one compiled function. It is traced once and serves every class of a fit:
the class's spectra are an argument, and weights are set back between classes. All randomness
comes from the class's seed and the epoch's number, so an epoch can be repeated by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import partial

import numpy as np

from hyperspy_dag._utils.streams import EPOCH, EPOCH_LATENT, WEIGHTS, child_stream

from . import draws
from ._tensorflow import single_precision, tf
from .architectures import Architecture
from .class_model.model import ClassModel, draw_latent
from .designs import Design
from .generators import make_generator
from .losses import discriminator_loss, generator_loss
from .networks import Discriminator, Initialisers
from .optimiser import Adam
from .recipes import Recipe
from .transforms import apply_view

#: Length of the step that the gradient penalty takes, in standard deviations of a channel.
PENALTY_STEP = 0.01

#: The same where layers multiply in bfloat16, whose rounding a small step would drown in.
MIXED_PENALTY_STEP = 0.25


@dataclass(frozen=True)
class Costs:
    """Costs per epoch, arrays of shape (epochs,)."""

    discriminator: np.ndarray
    generator: np.ndarray

    @property
    def finite(self) -> bool:
        """Whether training is still sound."""
        return bool(np.isfinite(self.discriminator).all() and np.isfinite(self.generator).all())


class Trainer:
    """A generator, its weight average and the discriminators, trained class by class.

    Parameters
    ----------
    channels : int
        Channels of a spectrum.
    architecture : Architecture
    design : Design
    recipe : Recipe
    """

    def __init__(
        self,
        channels: int,
        architecture: Architecture,
        design: Design,
        recipe: Recipe,
    ):
        self.channels = channels
        self.architecture = architecture
        self.design = design
        self.recipe = recipe
        self._initialisers = [
            Initialisers(recipe.mixed_precision) for _ in (None, *design.discriminators)
        ]
        self.generator = make_generator(channels, architecture, recipe, self._initialisers[0])
        self.average = self.generator
        if recipe.average_decay:
            self.average = make_generator(channels, architecture, recipe, Initialisers())
        self.discriminators = [self._make_discriminator(i) for i in self._initialisers[1:]]
        self._generator_adam = Adam(self.generator.trainable_variables, recipe.beta_1)
        self._discriminator_adams = [
            Adam(d.trainable_variables, recipe.beta_1) for d in self.discriminators
        ]
        self._max_shift = max(1, round(recipe.max_shift * channels))
        # Not inlined: one trace and one optimisation serve every update of a discriminator.
        self._discriminator_updates = [
            tf.function(
                partial(self._update_discriminator, index),
                input_signature=[
                    tf.TensorSpec([None, channels], tf.float32),
                    tf.TensorSpec([], tf.int32),
                    tf.TensorSpec([2], tf.int32),
                    tf.TensorSpec([], tf.float32),
                ],
                autograph=False,
                experimental_attributes={"_noinline": True},
            )
            for index in range(len(self.discriminators))
        ]
        self._compiled = tf.function(
            self._run,
            input_signature=[
                tf.TensorSpec([None, channels], tf.float32),
                tf.TensorSpec([None, None], tf.int32),
                tf.TensorSpec([None, None, architecture.latent_size], tf.float32),
                tf.TensorSpec([None, 2], tf.int32),
                tf.TensorSpec([None, 2], tf.float32),
            ],
            autograph=False,
            # Compiled now: TensorFlow would warn of each further trainer's first call.
        ).get_concrete_function()

    @single_precision()
    def _make_discriminator(self, initialisers: Initialisers) -> Discriminator:
        discriminator = Discriminator(
            self.channels,
            self.architecture.discriminator,
            self.architecture.leaky_slope,
            initialisers,
        )
        discriminator(tf.zeros([2, self.channels]), seed=tf.constant([0, 0]))
        return discriminator

    # -- one class ---------------------------------------------------------------------------

    def begin(
        self,
        spectra: np.ndarray,
        seed: np.random.SeedSequence,
        class_model: ClassModel | None = None,
        max_epochs: int | None = None,
    ) -> None:
        """Set everything back and begin with a class.

        Parameters
        ----------
        spectra : array of shape (n, channels)
        seed : numpy.random.SeedSequence
            The class's own.
        class_model : ClassModel, optional
            Statistical model of a physical recipe.
        max_epochs : int, optional
            How long the training will be at most; default: the recipe's.
        """
        self._seed = seed
        self._spectra = tf.constant(spectra, tf.float32)
        self._class_model = class_model
        # A short training is not to be all warm-up.
        self._warm_up = min(self.recipe.warm_up, (max_epochs or self.recipe.max_epochs) // 4)
        self._batch = min(self.recipe.batch_size, len(spectra))
        models = (self.generator, *self.discriminators)
        seeds = child_stream(self._seed, WEIGHTS).spawn(len(models))
        for model, initialisers, own_seed in zip(models, self._initialisers, seeds, strict=True):
            initialisers.draw(model, own_seed)
        if class_model is not None:
            self.generator.set_class_model(class_model)
        for average, current in zip(self.average.weights, self.generator.weights, strict=True):
            average.assign(current)
        if self.recipe.physical:
            scale = spectra.std(axis=0)
            for discriminator in self.discriminators:
                discriminator.centre.assign(spectra.mean(axis=0))
                # Channels that hardly vary must not be blown up.
                discriminator.scale.assign(np.maximum(scale, 0.1 * scale.mean() + 1e-6))
        for adam in (self._generator_adam, *self._discriminator_adams):
            adam.reset()

    def train(self, first_epoch: int, epochs: int, rate_factor: float = 1.0) -> Costs:
        """Train `epochs` epochs, the first numbered `first_epoch` (from 0)."""
        order, latents, seeds, rates = [], [], [], []
        for epoch in range(first_epoch, first_epoch + epochs):
            random = np.random.default_rng(child_stream(self._seed, EPOCH, epoch))
            order.append(self._order(random))
            latent = draw_latent(
                self._class_model,
                order[-1].size,
                self.architecture.latent_size,
                child_stream(self._seed, EPOCH_LATENT, epoch),
            )
            latents.append(latent.reshape(*order[-1].shape, -1))
            seeds.append(random.integers(2**31 - 1, size=(len(order[-1]), 2)))
            rates.append(self._rates(epoch, rate_factor))
        costs = self._compiled(
            self._spectra,
            np.concatenate(order).astype(np.int32),
            np.concatenate(latents).astype(np.float32),
            np.concatenate(seeds).astype(np.int32),
            np.array(rates, np.float32),
        ).numpy()
        discriminator, generator = costs.reshape(epochs, -1, 2).mean(axis=1).T
        return Costs(discriminator, generator)

    def _order(self, random: np.random.Generator) -> np.ndarray:
        """Spectra of each step of an epoch, shape (steps, batch)."""
        batches = len(self._spectra) // self._batch
        permutation = random.permutation(len(self._spectra))[: batches * self._batch]
        return permutation.reshape(batches, self._batch)

    def weights(self) -> list[np.ndarray]:
        """Copy of the averaged generator's weights."""
        return self.average.get_weights()

    def state(self) -> dict[str, np.ndarray]:
        """Copy of all that training changes, by name."""
        return {name: v.numpy() for name, v in self._state_variables().items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Set all that training changes back to a copy taken by :meth:`state`."""
        for name, variable in self._state_variables().items():
            variable.assign(state[name])

    def _state_variables(self) -> dict:
        models = {"generator": self.generator}
        if self.average is not self.generator:
            models["average"] = self.average
        adams = {"generator": self._generator_adam}
        for i, discriminator in enumerate(self.discriminators):
            models[f"discriminator_{i}"] = discriminator
            adams[f"discriminator_{i}"] = self._discriminator_adams[i]
        named = {key: _by_name(key, model.variables) for key, model in models.items()}
        state = {name: v for variables in named.values() for name, v in variables.items()}
        for key, adam in adams.items():
            names = [name for name, v in named[key].items() if v.trainable]
            state[f"{key}/adam_step"] = adam.step
            for moment in ("first", "second"):
                moments = zip(names, getattr(adam, moment), strict=True)
                state |= {f"{name}/adam_{moment}": v for name, v in moments}
        return state

    def _rates(self, epoch: int, factor: float) -> tuple[float, float]:
        """(generator, discriminator) learning rates of an epoch."""
        generator = 0.0 if epoch < self._warm_up else self.recipe.generator_rate
        return factor * generator, factor * self.recipe.discriminator_rate

    # -- inside the compiled function --------------------------------------------------------

    def _run(self, spectra, order, latents, seeds, rates):
        steps = tf.shape(order)[0]
        of_epoch = steps // tf.shape(rates)[0]

        def step(i, costs):
            real = tf.gather(spectra, order[i])
            own_rates = rates[i // of_epoch]
            return i + 1, costs.write(i, self._step(real, latents[i], seeds[i], own_rates))

        # Written out, since AutoGraph takes a twentieth of the tracing to find this loop.
        costs = tf.TensorArray(tf.float32, size=steps, element_shape=[2])
        return tf.while_loop(lambda i, _: i < steps, step, (0, costs))[1].stack()

    def _step(self, real, latent, seed, rates):
        """Update the discriminators on their views, then the generator against all of them."""
        steps = self.design.discriminator_steps()
        count = 1 + 2 * len(steps) + 4 * len(self.discriminators)
        seeds = iter(tf.unstack(tf.random.split(seed, count)))
        variables = [v.value for v in self.generator.trainable_variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            generated = self.generator(latent, seed=next(seeds))
            with tape.stop_recording():
                discriminator_costs = [
                    self._discriminator_updates[index](
                        self._show(views, next(seeds), real, generated),
                        tf.constant(2 * len(views)),
                        next(seeds),
                        rates[1],
                    )
                    for index, views in steps
                ]
            generator_costs = []
            for discriminator, views in zip(
                self.discriminators, self.design.discriminators, strict=True
            ):
                with tape.stop_recording():
                    # No gradient goes this way, and the cross-entropy prunes it altogether.
                    shown = self._show(views, next(seeds), real)
                    of_real = discriminator(shown, seed=next(seeds), groups=len(views))
                shown = self._show(views, next(seeds), generated)
                of_generated = discriminator(shown, seed=next(seeds), groups=len(views))
                # Each view counts the same, whichever discriminator judges it.
                cost = generator_loss(self.recipe.loss, of_real, of_generated)
                generator_costs.append(len(views) * cost)
            cost = tf.add_n(generator_costs) / sum(map(len, self.design.discriminators))
        gradients = tape.gradient(cost, variables, unconnected_gradients="zero")
        self._generator_adam.apply(gradients, rates[0])
        decay = self.recipe.average_decay
        for average, current in zip(
            self.average.trainable_variables, self.generator.trainable_variables, strict=True
        ):
            average.value.assign_add((1.0 - decay) * (current.value - average.value))
        return tf.stack([tf.add_n(discriminator_costs) / len(discriminator_costs), cost])

    def _update_discriminator(self, index, shown, groups, seed, rate):
        """One step of a discriminator; `shown` holds `groups` minibatches, the real ones first."""
        discriminator = self.discriminators[index]
        variables = [v.value for v in discriminator.trainable_variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            logits = discriminator(shown, seed=seed, groups=groups)
            cost = discriminator_loss(
                self.recipe.loss, *tf.split(logits, 2), self.recipe.real_label
            )
            penalised = cost
            if self.recipe.penalty:
                # Not where several views come together: that would take as long again, and a
                # penalty at every other update teaches no less (Karras et al., CVPR 2020).
                penalised += tf.cond(
                    groups <= 2,
                    lambda: self._penalty(discriminator, shown, logits, groups, seed),
                    lambda: 0.0,
                )
        gradients = tape.gradient(penalised, variables, unconnected_gradients="zero")
        self._discriminator_adams[index].apply(gradients, rate)
        return cost

    def _penalty(self, discriminator, shown, logits, groups, seed):
        """Squared slope of the discriminator at real and generated spectra (R1 and R2).

        The slope along one random direction, by a difference of logits: its square is the
        squared gradient on average, and no gradient of a gradient is needed. In standardised
        units, so that the weight means the same for every class.
        """
        direction = draws.normal(tf.shape(shown), tf.random.fold_in(seed, 2))
        length = MIXED_PENALTY_STEP if self.recipe.mixed_precision else PENALTY_STEP
        step = length * direction * discriminator.scale.value
        # The same seed: units that are dropped out are so at both places.
        slope = (discriminator(shown + step, seed=seed, groups=groups) - logits) / length
        return self.recipe.penalty * tf.reduce_mean(slope**2)

    def _show(self, views, seed, *batches):
        """Stack batches of spectra in each view, each a minibatch of its own."""
        seeds = iter(tf.unstack(tf.random.split(seed, len(batches) * len(views))))
        options = {"max_shift": self._max_shift, "max_noise": self.recipe.max_noise}
        return tf.concat(
            [
                apply_view(view, spectra, next(seeds), **options)
                for spectra in batches
                for view in views
            ],
            axis=0,
        )


def _by_name(prefix: str, variables: list) -> dict:
    """Variables by Keras' paths, without the numbers that depend on what was made before."""
    count: Counter[str] = Counter()
    named = {}
    for variable in variables:
        path = f"{prefix}/{re.sub(r'_[0-9]+(?=/)', '', variable.path)}"
        count[path] += 1
        named[f"{path}/{count[path]}"] = variable
    return named
