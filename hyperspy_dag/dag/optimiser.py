# SPDX-License-Identifier: GPL-3.0-or-later
"""Adam through TensorFlow's fused kernel.

Kingma & Ba, arXiv:1412.6980. Keras' own optimiser spends several operations on each variable and
cannot be set back to its start; a DAG trains many small variables, one class after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._tensorflow import tf


class Adam:
    """Adam for a fixed list of variables, with the learning rate given at each step.

    Parameters
    ----------
    variables : sequence of keras.Variable
    beta_1 : float
    beta_2 : float, default 0.999
    epsilon : float, default 1e-7
    """

    def __init__(
        self, variables: Sequence, beta_1: float, beta_2: float = 0.999, epsilon: float = 1e-7
    ):
        self.variables = [v.value for v in variables]
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.step = tf.Variable(0.0, trainable=False)
        self.first = [tf.Variable(tf.zeros_like(v), trainable=False) for v in self.variables]
        self.second = [tf.Variable(tf.zeros_like(v), trainable=False) for v in self.variables]

    @property
    def state(self) -> list[tf.Variable]:
        """All that a checkpoint must hold."""
        return [self.step, *self.first, *self.second]

    def reset(self) -> None:
        """Forget all steps."""
        for variable in self.state:
            variable.assign(tf.zeros_like(variable))

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        """Take one step."""
        self.step.assign_add(1.0)
        beta_1, beta_2, epsilon = (
            tf.constant(value) for value in (self.beta_1, self.beta_2, self.epsilon)
        )
        power_1, power_2 = tf.pow(beta_1, self.step), tf.pow(beta_2, self.step)
        for variable, first, second, gradient in zip(
            self.variables, self.first, self.second, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=power_1,
                beta2_power=power_2,
                lr=rate,
                beta1=beta_1,
                beta2=beta_2,
                epsilon=epsilon,
                grad=gradient,
            )
