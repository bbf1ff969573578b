"""Copy weights from one model to another by layer name, and say what did not go over."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from TauAdv.errors import InputError

__all__ = ["CopyReport", "copy_weights_by_name"]


@dataclass(frozen=True)
class CopyReport:
    """What :func:`copy_weights_by_name` did.

    Attributes:
        copied: layers whose weights were copied.
        missing: layers of the target that the source does not have; they keep their weights.
        mismatched: layers of both whose weights have other shapes (in words); they keep their weights.
        unused: layers of the source that the target does not have.
    """

    copied: tuple[str, ...]
    missing: tuple[str, ...]
    mismatched: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        """Return the report as text, one line per group that is not empty."""
        lines = [f"weights of {len(self.copied)} layers copied"]
        for title, names in (
            ("not in the source, left as initialised", self.missing),
            ("other shapes, left as initialised", self.mismatched),
            ("in the source only", self.unused),
        ):
            if names:
                lines.append(f"{title}: {', '.join(names)}")
        return "\n".join(lines)


def copy_weights_by_name(source: keras.Model, target: keras.Model, *, require_shapes: bool = False) -> CopyReport:
    """Copy the weights of every layer of ``target`` that ``source`` has under the same name and with the same shapes.

    Args:
        source: model to copy from.
        target: model to copy to, changed in place.
        require_shapes: refuse, before anything is copied, if a layer of both has other shapes.

    Raises:
        InputError: if no layer name is common to both, or, with ``require_shapes``, listing every mismatch.
    """
    sources = {layer.name: layer for layer in source.layers if layer.weights}
    targets = {layer.name: layer for layer in target.layers if layer.weights}
    common = [name for name in targets if name in sources]
    if not common:
        msg = f"model '{source.name}' has no layer in common with '{target.name}': is it a network of another family?"
        raise InputError(msg)
    mismatched = {name: text for name in common if (text := _difference(sources[name], targets[name]))}
    if mismatched and require_shapes:
        lines = "\n  ".join(mismatched.values())
        msg = f"the weights of model '{source.name}' do not fit the configured network '{target.name}':\n  {lines}"
        raise InputError(msg)
    copied = [name for name in common if name not in mismatched]
    for name in copied:
        targets[name].set_weights(sources[name].get_weights())
    return CopyReport(
        copied=tuple(copied),
        missing=tuple(name for name in targets if name not in sources),
        mismatched=tuple(mismatched.values()),
        unused=tuple(name for name in sources if name not in targets),
    )


def _difference(source: keras.layers.Layer, target: keras.layers.Layer) -> str:
    received = {weight.name: tuple(weight.shape) for weight in source.weights}
    expected = {weight.name: tuple(weight.shape) for weight in target.weights}
    if received == expected:
        return ""
    return f"{target.name}: expected {_shapes(expected)}, received {_shapes(received)}"


def _shapes(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())
