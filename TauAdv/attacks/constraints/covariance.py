"""Covariance matrices among the inputs stay positive definite: found where an attack breaks them, and led back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from TauAdv.attacks.constraints.input_columns import InputColumns
from TauAdv.errors import InputError

__all__ = ["REMAINING", "allowed_fractions", "broken_covariances", "clear_errors", "led_back", "required_positive"]

#: What has to remain, in every direction of parameter space, of the variance that the clean matrix has there.
REMAINING = 0.01


def broken_covariances(columns: InputColumns, clean: tf.Tensor, moved: tf.Tensor) -> tf.Tensor:
    """Return where an attack has made a positive definite matrix non-positive: boolean [rows, matrices]."""
    before, after = _matrices(columns, clean), _matrices(columns, moved)
    return _is_positive(before) & ~_is_positive(after)


def required_positive(columns: InputColumns, clean: tf.Tensor, moved: tf.Tensor) -> tf.Tensor:
    """Return ``moved``; a compiled function that comes here with broken matrices raises (see :func:`clear_errors`).

    ``columns`` have one covariance matrix or more.
    """
    broken = broken_covariances(columns, clean, moved)
    titles = [f"the one of {columns.names[matrix[0, 0]]}" for matrix in columns.covariances]
    first = tf.argmax(tf.reshape(tf.cast(broken, tf.int32), [-1]))
    row, matrix = first // len(titles), first % len(titles)
    numbers = [tf.math.count_nonzero(broken), tf.size(broken), row, tf.gather(tf.constant(titles), matrix)]
    text = tf.strings.format("{} of {} covariance matrices non-positive; the first: row {} of the batch, {}", numbers)
    with tf.control_dependencies([tf.debugging.Assert(~tf.reduce_any(broken), [_BROKEN, text, _BROKEN])]):
        return tf.identity(moved)


#: Encloses what :func:`required_positive` has to say.
_BROKEN = "<covariances>"


@contextmanager
def clear_errors(where: str) -> Iterator[None]:
    """Turn the failure of a compiled function that found broken matrices into an error for people.

    Args:
        where: what was attacked.

    Raises:
        InputError: where, how many matrices are broken, and what to do.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = re.search(rf"{_BROKEN}\W*(\d.*?)\W*{_BROKEN}", str(error), re.DOTALL)
        if found is None:
            raise
        text = re.sub(r'[\\"]', "", found[1])
        msg = f"{where}: the attack makes {text}. Set covariance: project (or ignore), or a smaller eps"
        raise InputError(msg) from None


def led_back(columns: InputColumns, clean: tf.Tensor, moved: tf.Tensor) -> tf.Tensor:
    """Return ``moved`` with the step of every matrix's entries shortened until it is safely positive definite.

    A shortened step stays within every other limit (amplitude, range, cap): they all hold between the clean and the moved
    inputs. Entries of a matrix that is not positive definite to begin with, or so nearly singular that rounding decides, go
    back to their clean values.
    """
    before = _matrices(columns, clean)
    shorter = _part_of_the_way(columns, clean, moved, allowed_fractions(before, _matrices(columns, moved)))
    rounded = _is_positive(_matrices(columns, shorter)) | tf.reduce_all(_matrices(columns, shorter) == before, axis=(-1, -2))
    return _part_of_the_way(columns, clean, shorter, tf.cast(rounded, tf.float64))


def _part_of_the_way(columns: InputColumns, clean: tf.Tensor, moved: tf.Tensor, fractions: tf.Tensor) -> tf.Tensor:
    """Return tensors in which the entries of every matrix have gone a fraction [rows, matrices] of their way."""
    n_matrices = len(columns.covariances)
    entry = np.zeros((n_matrices, len(columns)), np.float32)
    entry[np.arange(n_matrices)[:, None], columns.covariances.reshape(n_matrices, -1)] = 1
    shares = 1 - tf.matmul(1 - tf.cast(fractions, clean.dtype), entry)
    return tf.where(shares < 1, tf.where(shares > 0, clean + shares * (moved - clean), clean), moved)


def allowed_fractions(before: tf.Tensor, after: tf.Tensor) -> tf.Tensor:
    """Return the largest share (0 to 1) of the way from ``before`` to ``after`` [..., d, d] that stays positive definite.

    In the frame in which ``before`` is the unit matrix, the matrix at share t has the eigenvalues 1 + t e, where e are those
    of the step; the smallest is kept at 1 % or more.
    """
    scale = tf.sqrt(tf.maximum(tf.linalg.diag_part(before), 0))
    scale = tf.where(scale > 0, scale, tf.ones_like(scale))
    units = scale[..., :, None] * scale[..., None, :]
    values, vectors = tf.linalg.eigh(before / units)
    positive = values[..., 0] > 0
    whitening = vectors / tf.sqrt(tf.where(positive[..., None], values, tf.ones_like(values)))[..., None, :]
    step = tf.matmul(whitening, tf.matmul((after - before) / units, whitening), transpose_a=True)
    smallest = tf.linalg.eigvalsh(step)[..., 0]
    room = (1 - REMAINING) / tf.maximum(-smallest, 1 - REMAINING)
    moved = tf.reduce_any(after != before, axis=(-1, -2))
    return tf.where(moved, tf.where(positive, room, tf.zeros_like(room)), tf.ones_like(room))


def _matrices(columns: InputColumns, tensor: tf.Tensor) -> tf.Tensor:
    """Return the matrices in physical units, float64 [rows, matrices, d, d]."""
    entries = tf.gather(tf.cast(tensor, tf.float64), columns.covariances, axis=1)
    return entries * columns.std[columns.covariances] + columns.mean[columns.covariances]


def _is_positive(matrices: tf.Tensor) -> tf.Tensor:
    diagonal = tf.linalg.diag_part(matrices)
    positive = tf.reduce_all(diagonal > 0, axis=-1)
    scale = tf.sqrt(tf.where(positive[..., None], diagonal, tf.ones_like(diagonal)))
    correlations = matrices / (scale[..., :, None] * scale[..., None, :])
    return positive & (tf.linalg.eigvalsh(correlations)[..., 0] > 0)
