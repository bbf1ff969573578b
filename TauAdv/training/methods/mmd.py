"""MMD: the common features of two domains are drawn together by the distance of their distributions.

The maximum mean discrepancy (A. Gretton et al., JMLR 13 (2012) 723) of event-weighted samples, with several kernels at once
(M. Long et al., arXiv:1502.02791). No second network is trained: nothing has to be balanced against an adversary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from TauAdv.attacks.lazy import tf
from TauAdv.training.methods.acting import Acting, Batch, Knobs, StepView, Surroundings
from TauAdv.training.methods.method import Method
from TauAdv.training.schedules.k2 import K2Schedule
from TauAdv.training.settings.numbers import Factor

__all__ = ["Mmd", "mean_discrepancy"]

Width = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Mmd(Method):
    """The common layers follow dL_class + ``mmd_weight`` dMMD, of data and simulation, or of the jets of two detectors.

    Batches should have 100 rows or more of either domain. The estimate is free of bias, and may be negative near its end.

    Attributes:
        mmd_weight: factor of the discrepancy in the loss.
        mmd_schedule: how the factor grows to its value.
        mmd_widths: widths of the kernels, in those of the batch: squared, in units of the mean squared distance of two rows.
    """

    reads_domains = True
    metrics = {"mmd": "maximum mean discrepancy of the common features of both domains, without bias, before its factor"}
    validation_metrics = ("mmd",)
    gradient_metrics = {"mmd_gradient": "mean over common variables of the mean |gradient| of the discrepancy"}
    one_device_only = "pairs of rows are not compared between devices"
    per_step = ("mmd_weight", "mmd_schedule")

    kind: Literal["mmd"] = "mmd"
    mmd_weight: Factor = 10.0
    mmd_schedule: K2Schedule = K2Schedule()
    mmd_widths: Annotated[tuple[Width, ...], Field(min_length=1)] = (0.125, 0.25, 0.5, 1.0, 2.0)

    def begin(self, training: Surroundings) -> Acting:
        """Return the method at work."""
        return _Discrepancy(self.mmd_widths)

    def knobs(self, step: int, n_steps: int, rate: float) -> dict[str, float]:
        """Return the factor of the discrepancy."""
        return {"mmd_weight": self.mmd_weight * self.mmd_schedule.factor(step, n_steps)}


class _Discrepancy(Acting):
    compares_domains = True
    needs_features = True
    gradient_metric = "mmd_gradient"

    def __init__(self, widths: Sequence[float]) -> None:
        super().__init__()
        self._widths = widths

    def domain(self, view: StepView, outputs: Mapping[str, Any]) -> Any:
        return self._of(view.batch, outputs)

    def domain_factor(self, knobs: Knobs) -> Any:
        return knobs["mmd_weight"]

    def ratios(self, view: StepView, outputs: Any, term: Any, n_class_rows: int) -> dict[str, Any]:
        return {"mmd": (term, 1.0)}

    def validated(self, batch: Batch, outputs: Mapping[str, Any]) -> dict[str, Any]:
        found = self._of(batch, outputs)
        has_pairs = tf.cast(_pairs_of(batch), found.dtype)  # the last batch of a set may have none
        return {"mmd": (found * has_pairs, has_pairs)}

    def losses_by_row(self, batch: Batch, outputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        yield from ()  # of pairs, not of rows

    def _of(self, batch: Batch, outputs: Mapping[str, Any]) -> Any:
        features = outputs["features"]
        if features.dtype.size < 4:  # distances are differences of large numbers
            features = tf.cast(features, tf.float32)
        weight = tf.cast(batch["weight_adv"], features.dtype)
        target = tf.cast(batch["y_adv"][:, 0], features.dtype) * weight
        return mean_discrepancy(features, weight - target, target, self._widths)


def _pairs_of(batch: Batch) -> Any:
    """Return whether a batch has two rows or more of either domain."""
    counted = tf.cast(batch["weight_adv"] != 0, tf.float32)
    n_target = tf.reduce_sum(batch["y_adv"][:, 0] * counted)
    return tf.logical_and(n_target > 1, tf.reduce_sum(counted) - n_target > 1)


def mean_discrepancy(features: Any, source: Any, target: Any, widths: Sequence[float]) -> Any:
    """Return the squared maximum mean discrepancy of two weighted samples, without bias.

    With weights w of one sample and v of the other, and kernels k::

        sum_(i != j) w_i w_j k_ij / sum_(i != j) w_i w_j  +  the same with v  -  2 sum_ij w_i v_j k_ij / (sum w sum v)
        k_ij = mean over widths a of exp(-|h_i - h_j|^2 / (2 a s^2))

    with s^2 the mean of |h_i - h_j|^2 over all pairs of rows, by their weights. It has no gradient: otherwise features could
    shrink instead of becoming alike.

    Args:
        features: h of all rows [n, ...].
        source: weights [n], 0 for rows that are not in this sample.
        target: those of the other sample.
        widths: squared widths, in units of s^2.
    """
    h = tf.reshape(features, (tf.shape(features)[0], -1))
    squares = tf.reduce_sum(tf.square(h), axis=1)
    # rounding may leave less than 0
    distance = tf.maximum(squares[:, None] + squares[None, :] - 2 * tf.matmul(h, h, transpose_b=True), 0.0)
    either = source + target
    spread = tf.stop_gradient(_mean_of_pairs(distance, either, either))
    kernel = tf.add_n([tf.exp(-tf.math.divide_no_nan(distance, 2 * width * spread)) for width in widths]) / len(widths)
    between = tf.einsum("i,ij,j->", source, kernel, target)
    across = tf.math.divide_no_nan(between, tf.reduce_sum(source) * tf.reduce_sum(target))
    return _mean_of_pairs(kernel, source, source) + _mean_of_pairs(kernel, target, target) - 2 * across


def _mean_of_pairs(values: Any, one: Any, other: Any) -> Any:
    """Return the weighted mean of values [n, n] over pairs of different rows; 0 if there is no pair."""
    same = one * other
    total = tf.einsum("i,ij,j->", one, values, other) - tf.reduce_sum(same * tf.linalg.diag_part(values))
    return tf.math.divide_no_nan(total, tf.reduce_sum(one) * tf.reduce_sum(other) - tf.reduce_sum(same))
