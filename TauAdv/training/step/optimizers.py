"""The optimisers: Nadam with the momentum schedule that DeepTau was trained with, and Adam."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

__all__ = ["Adam", "Nadam", "Optimizer", "make_optimizer"]


class _Moments:
    """What the optimisers here have in common: they keep the mean gradient and the mean squared gradient."""

    _scalars: tuple[str, ...] = ()

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        """Return the gradients as they are.

        Keras would sum over replicas here, after it has clipped. To clip the gradients of the whole batch, they must be
        summed before (:mod:`TauAdv.training.step.gradients` does).
        """
        return grads_and_vars

    def state(self: Any) -> dict[str, Any]:
        """Return the optimiser's variables by a name that depends on the model's variables only, not on their order."""
        named = {"iterations": self.iterations, **{name: getattr(self, f"_{name}") for name in self._scalars}}
        for variable, m, v in zip(self._trainable_variables, self._momentums, self._velocities, strict=True):
            named[f"{variable.path}/momentum"] = m
            named[f"{variable.path}/velocity"] = v
        return named | {f"{variable.path}/average": average for variable, average in self.averages()}

    def averages(self: Any) -> list[tuple[Any, Any]]:
        """Return the trained variables and their moving averages; empty if none are kept."""
        if not self.use_ema:
            return []
        return list(zip(self._trainable_variables, self._model_variables_moving_average, strict=True))


@keras.saving.register_keras_serializable(package="TauAdv")
class Adam(_Moments, keras.optimizers.Adam):
    """Adam of Keras, with a state that can be named, for gradients that are summed over replicas already."""


@keras.saving.register_keras_serializable(package="TauAdv")
class Nadam(_Moments, keras.optimizers.Optimizer):
    """Adam with Nesterov momentum, the momentum warmed up as Dozat proposed it.

    With gradient g and step t = 1, 2, ...::

        mu_t = beta_1 (1 - 0.96^(schedule_decay t) / 2),    P_t = mu_1 mu_2 ... mu_t
        m = beta_1 m + (1 - beta_1) g,    v = beta_2 v + (1 - beta_2) g^2
        w -= learning_rate [(1 - mu_t) g / (1 - P_t) + mu_(t+1) m / (1 - P_(t+1))] / (sqrt(v / (1 - beta_2^t)) + epsilon)

    (TauMLTools, arXiv:2201.08458.) ``keras.optimizers.Nadam`` is the case ``schedule_decay=1``: there the momentum is at
    0.9 after some hundred steps, here it stays near 0.45 for tens of thousands. It does not decay the learning rate.

    Under a ``tf.distribute`` strategy the gradients given must be those summed over replicas.

    Args:
        learning_rate: step size.
        schedule_decay: how fast the momentum warms up; 0.004 in the v2p5 era.
        beta_1: memory of the mean gradient.
        beta_2: memory of the mean squared gradient.
        epsilon: added to the root mean square of the gradient.
        name: name of the optimiser.
        kwargs: passed to ``keras.optimizers.Optimizer`` (``clipnorm``, ``global_clipnorm``, ...).

    Example:
        ``Nadam(1e-3, schedule_decay=0.004).apply(gradients, model.trainable_variables)``
    """

    _scalars = ("momentum_product",)

    def __init__(
        self,
        learning_rate: float = 0.001,
        schedule_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        name: str = "nadam",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.schedule_decay = schedule_decay
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: Sequence[Any]) -> None:
        """Make the state of every variable: mean gradient, mean squared gradient; and the product of momenta."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        dtype = variables[0].dtype if variables else keras.backend.floatx()
        self._momentum_product = self.add_variable((), "ones", dtype=dtype, name="momentum_product")

    def _momentum(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * ops.exp(step * (self.schedule_decay * math.log(0.96))))

    def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
        dtype = self._momentum_product.dtype
        step = ops.cast(self.iterations + 1, dtype)
        now, following = self._momentum(step), self._momentum(step + 1)
        product = self._momentum_product * now
        self.assign(self._momentum_product, product)
        rate = ops.cast(learning_rate, dtype)
        # 1 - beta_2^t by expm1: its float32 rounding would be 3e-5 of the first steps
        bias = -ops.expm1(step * math.log(self.beta_2))
        factors = (rate * (1 - now) / (1 - product), rate * following / (1 - product * following), ops.rsqrt(bias))
        # what is common to all variables is worked out once and handed on in place of the learning rate
        super()._backend_update_step(grads, trainable_variables, factors)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one variable and its state along its gradient.

        Args:
            gradient: gradient of the variable.
            variable: variable of the model.
            learning_rate: the factors of g and m in the step, and 1 / sqrt(1 - beta_2^t).
        """
        of_gradient, of_mean, root = (ops.cast(factor, variable.dtype) for factor in learning_rate)
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1 - self.beta_2))
        step = gradient * of_gradient + m * of_mean
        self.assign_sub(variable, step / (ops.sqrt(v) * root + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Return what :meth:`from_config` needs."""
        own = {
            "schedule_decay": self.schedule_decay,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
        return {**super().get_config(), **own}


Optimizer = Nadam | Adam


def make_optimizer(
    variables: Sequence[Any],
    learning_rate: float,
    schedule_decay: float,
    clip_norm: float | None,
    name: str,
    kind: str = "nadam",
    average_decay: float | None = None,
) -> Optimizer:
    """Return the optimiser of some variables, with its state made.

    Args:
        variables: trainable variables of the model.
        learning_rate: step size at the start; the loop sets it before every step.
        schedule_decay: see :class:`Nadam`; of no meaning to Adam.
        clip_norm: largest norm of all gradients together; ``None``: as they are.
        name: name of the optimiser.
        kind: ``nadam`` or ``adam``.
        average_decay: of a moving average of the variables, per step; ``None``: none is kept.
    """
    options: Any = {"name": name, "global_clipnorm": clip_norm}
    if average_decay is not None:
        options |= {"use_ema": True, "ema_momentum": average_decay}
    optimizer = Adam(learning_rate, **options) if kind == "adam" else Nadam(learning_rate, schedule_decay, **options)
    optimizer.build(variables)
    return optimizer
