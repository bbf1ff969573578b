"""The optimisers: Nadam with the momentum schedule that DeepTau was trained with, and Adam."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from TauAdv.training.step.flat import Layout, Slice

__all__ = ["Adam", "Nadam", "Optimizer", "make_optimizer"]


class _Moments:
    """What the optimisers here have in common: they keep the mean gradient and the mean squared gradient.

    Both are flat vectors of all variables of one number type, and every step is worked out on such vectors: an operation
    for each variable costs more than what it does. In files, the state is that of single variables (:meth:`state`).
    """

    _scalars: tuple[str, ...] = ()

    def build(self: Any, variables: Sequence[Any]) -> None:
        """Make the state of the variables: mean gradient and mean squared gradient."""
        if self.built:
            return
        if getattr(self, "amsgrad", False):
            msg = "amsgrad is not implemented here: use Adam of Keras"
            raise ValueError(msg)
        keras.optimizers.Optimizer.build(self, variables)  # not that of Keras' Adam, which makes moments for each variable
        self._kept_first = self.variables
        self._groups = [_Group(self, variables, indices) for indices in _by_dtype(variables)]
        slices = {index: pair for group in self._groups for index, pair in group.slices().items()}
        self._slices = [slices[index] for index in range(len(variables))]

    def _backend_update_step(self: Any, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
        found = {self._get_variable_index(v): gradient for v, gradient in zip(trainable_variables, grads, strict=True)}
        if len(found) < len(self._trainable_variables):
            msg = f"gradients of {len(found)} of the {len(self._trainable_variables)} variables given: all are needed"
            raise ValueError(msg)
        factors = self._factors(learning_rate)
        for group in self._groups:
            move = partial(_move, self._step, (self.beta_1, self.beta_2), group.layout)
            tf.__internal__.distribute.interim.maybe_merge_call(move, self._distribution_strategy, *group.of(found), factors)

    def _own(self: Any) -> list[Any]:
        """Return the state in the order in which Keras writes that of single variables into a file."""
        moments = [part for pair in self._slices for part in pair]
        return [*self._kept_first, *moments, *(getattr(self, f"_{name}") for name in self._scalars)]

    def save_own_variables(self, store: Any) -> None:
        """Write the state into a file of Keras."""
        for number, part in enumerate(self._own()):
            store[str(number)] = part.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Read the state from a file of Keras.

        Raises:
            ValueError: if the file has another number of variables.
        """
        own = self._own()
        if len(store.keys()) != len(own):
            msg = f"the file has {len(store.keys())} variables of the optimiser, {len(own)} are expected: of another network"
            raise ValueError(msg)
        for number, part in enumerate(own):
            part.assign(store[str(number)])

    def state(self: Any) -> dict[str, Any]:
        """Return the optimiser's variables by a name that depends on the model's variables only, not on their order."""
        named = {"iterations": self.iterations, **{name: getattr(self, f"_{name}") for name in self._scalars}}
        for variable, (m, v) in zip(self._trainable_variables, self._slices, strict=True):
            named[f"{variable.path}/momentum"] = m
            named[f"{variable.path}/velocity"] = v
        return named | {f"{variable.path}/average": average for variable, average in self.averages()}

    def restart(self: Any) -> None:
        """Put the state back to what it was before the first step."""
        for variable in self.variables:
            if variable is not self._learning_rate:  # set before every step
                variable.assign(ops.zeros_like(variable))

    def averages(self: Any) -> list[tuple[Any, Any]]:
        """Return the trained variables and their moving averages; empty if none are kept."""
        if not self.use_ema:
            return []
        return list(zip(self._trainable_variables, self._model_variables_moving_average, strict=True))


@keras.saving.register_keras_serializable(package="TauAdv")
class Adam(_Moments, keras.optimizers.Adam):
    """Adam as Keras has it (not ``amsgrad``), on flat vectors, for gradients that are summed over replicas already."""

    def _factors(self, learning_rate: Any) -> tuple[Any, ...]:
        return (learning_rate, self.iterations + 1)

    def _step(self, gradient: Any, m: Any, v: Any, factors: tuple[Any, ...]) -> Any:
        rate, step = (ops.cast(factor, m.dtype) for factor in factors)
        first, second = (ops.power(ops.cast(beta, m.dtype), step) for beta in (self.beta_1, self.beta_2))
        alpha = rate * ops.sqrt(1 - second) / (1 - first)
        return m * alpha / (ops.sqrt(v) + self.epsilon)


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
        dtype = variables[0].dtype if variables else keras.backend.floatx()
        self._momentum_product = self.add_variable((), "ones", dtype=dtype, name="momentum_product")

    def restart(self) -> None:
        """Put the state back to what it was before the first step."""
        super().restart()
        self._momentum_product.assign(1.0)

    def _momentum(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * ops.exp(step * (self.schedule_decay * math.log(0.96))))

    def _factors(self, learning_rate: Any) -> tuple[Any, ...]:
        dtype = self._momentum_product.dtype
        step = ops.cast(self.iterations + 1, dtype)
        now, following = self._momentum(step), self._momentum(step + 1)
        product = self._momentum_product * now
        self.assign(self._momentum_product, product)
        rate = ops.cast(learning_rate, dtype)
        # 1 - beta_2^t by expm1: its float32 rounding would be 3e-5 of the first steps
        bias = -ops.expm1(step * math.log(self.beta_2))
        return rate * (1 - now) / (1 - product), rate * following / (1 - product * following), ops.rsqrt(bias)

    def _step(self, gradient: Any, m: Any, v: Any, factors: tuple[Any, ...]) -> Any:
        of_gradient, of_mean, root = (ops.cast(factor, m.dtype) for factor in factors)
        return (gradient * of_gradient + m * of_mean) / (ops.sqrt(v) * root + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """Return what :meth:`from_config` needs."""
        own = {
            "schedule_decay": self.schedule_decay,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
        return {**super().get_config(), **own}


class _Group:
    """Variables of one number type with their flat moments."""

    def __init__(self, optimizer: Any, variables: Sequence[Any], indices: Sequence[int]) -> None:
        self.indices = indices
        self.variables = [variables[index] for index in indices]
        self.layout = Layout([variable.shape for variable in self.variables])
        self.dtype = self.variables[0].dtype
        self.m, self.v = (
            optimizer.add_variable((self.layout.size,), "zeros", dtype=self.dtype, name=name)
            for name in ("momentum", "velocity")
        )

    def slices(self) -> dict[int, tuple[Slice, Slice]]:
        """Return the two moments of each variable, by its number."""
        return dict(zip(self.indices, zip(self.layout.slices(self.m), self.layout.slices(self.v), strict=True), strict=True))

    def of(self, gradients: Mapping[int, Any]) -> tuple[Any, ...]:
        """Return what a step needs: the moments, the variables, and their flat gradient."""
        gradient = self.layout.join([ops.cast(gradients[index], self.dtype) for index in self.indices])
        return self.m.value, self.v.value, [_plain(variable) for variable in self.variables], gradient


def _move(step: Any, betas: Any, layout: Layout, strategy: Any, m: Any, *others: Any) -> None:
    """Move variables and their moments along their gradient, on each replica; ``step`` works out by how much."""

    def update(m: Any, v: Any, variables: Any, gradient: Any, factors: Any) -> None:
        m.assign_add((gradient - m) * (1 - betas[0]))
        v.assign_add((tf.square(gradient) - v) * (1 - betas[1]))
        moved = layout.split(step(gradient, m.read_value(), v.read_value(), factors))
        for variable, part in zip(variables, moved, strict=True):
            variable.assign_sub(part)

    strategy.extended.update(m, update, args=others, group=False)


def _by_dtype(variables: Sequence[Any]) -> list[list[int]]:
    """Return the numbers of the variables of each number type."""
    found: dict[str, list[int]] = {}
    for index, variable in enumerate(variables):
        found.setdefault(variable.dtype, []).append(index)
    return list(found.values())


def _plain(variable: Any) -> Any:
    return variable.value if isinstance(variable, keras.Variable) else variable


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
