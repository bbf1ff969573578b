"""Copy weights from one model to another by layer name, and say what did not go over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras

from TauAdv.errors import InputError
from TauAdv.models.gradient_reversal import GradientScaling
from TauAdv.models.variables import named_weights

__all__ = ["CopyReport", "copy_state", "copy_weights_by_name"]


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


def copy_weights_by_name(
    source: keras.Model,
    target: keras.Model,
    *,
    require_shapes: bool = False,
    same_layers: Callable[[str], bool] = lambda name: False,
) -> CopyReport:
    """Copy the weights of every layer of ``target`` that ``source`` has under the same name and with the same shapes.

    Args:
        source: model to copy from.
        target: model to copy to, changed in place.
        require_shapes: refuse, before anything is copied, if a layer of both has other shapes.
        same_layers: with ``require_shapes``, also refuse layers of only one of the two whose names it accepts.

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
    if require_shapes:
        for name in dict.fromkeys([*targets, *sources]):
            if name not in common and same_layers(name):
                mismatched[name] = _difference(sources.get(name), targets.get(name))
    if mismatched and require_shapes:
        lines = "\n  ".join(mismatched.values())
        differ = f"{len(mismatched)} of {len(sources.keys() | targets.keys())} layers differ"
        msg = f"the weights of model '{source.name}' do not fit the configured network '{target.name}', {differ}:\n  {lines}"
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


def copy_state(source: keras.Model, target: keras.Model) -> None:
    """Copy all that two models of equal layers can differ in: weights, random states of dropout, factors of gradients."""
    for ours, theirs in zip(source.layers, target.layers, strict=True):
        for value, variable in zip(ours.variables, theirs.variables, strict=True):
            variable.assign(value)
        if isinstance(ours, GradientScaling):
            theirs.scale = ours.scale


def _difference(source: keras.layers.Layer | None, target: keras.layers.Layer | None) -> str:
    received, expected = _shapes(source), _shapes(target)
    if received == expected:
        return ""
    name = target.name if target is not None else getattr(source, "name", "")
    return f"{name}: expected {_text(expected)}, received {_text(received)}"


def _shapes(layer: keras.layers.Layer | None) -> dict[str, tuple[int, ...]]:
    return {} if layer is None else {name: tuple(weight.shape) for name, weight in named_weights(layer).items()}


def _text(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "no such layer"
