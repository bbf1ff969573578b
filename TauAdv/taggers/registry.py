"""The taggers that there are: those that come with the package, and those of other packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from TauAdv.errors import ConfigError, InputError, first_line, nearest
from TauAdv.taggers.deeptau import DEEPTAU
from TauAdv.taggers.jet_flavour import JET_FLAVOUR
from TauAdv.taggers.spec import TaggerSpec
from TauAdv.taggers.tau_transformer import TAU_TRANSFORMER

if TYPE_CHECKING:
    from TauAdv.models.tagger import Tagger

__all__ = [
    "GROUP",
    "SHIPPED",
    "read_tagger",
    "tagger",
    "tagger_of_model",
    "tagger_of_rows",
    "tagger_saved_as",
    "taggers",
    "with_others",
]

GROUP = "TauAdv.taggers"
"""Group of the entry points by which another package brings a tagger: each is a :class:`TaggerSpec`."""
SHIPPED = (DEEPTAU, JET_FLAVOUR, TAU_TRANSFORMER)


@cache
def taggers() -> Mapping[str, TaggerSpec]:
    """Return all taggers by name.

    Raises:
        ConfigError: if another package brings something else, or a tagger of a name that is taken.
    """
    return with_others(SHIPPED, entry_points(group=GROUP))


def with_others(shipped: Iterable[TaggerSpec], points: Iterable[EntryPoint]) -> dict[str, TaggerSpec]:
    """Return taggers by name, with those of entry points.

    Raises:
        ConfigError: if an entry point cannot be read or is no tagger, or two have the same name.
    """
    found = {spec.name: spec for spec in shipped}
    for point in points:
        source = f"entry point '{point.name}' of {GROUP} ({point.value})"
        try:
            spec = point.load()
        except Exception as error:  # whatever the other package does
            msg = f"{source}: {type(error).__name__}: {first_line(error)}; mend its package"
            raise ConfigError(msg) from error
        if not isinstance(spec, TaggerSpec):
            msg = f"{source}: expected a TaggerSpec, received {type(spec).__name__}"
            raise ConfigError(msg)
        if spec.name in found:
            msg = f"{source}: there is a tagger '{spec.name}' already; rename it"
            raise ConfigError(msg)
        found[spec.name] = spec
    return found


def tagger(name: str) -> TaggerSpec:
    """Return a tagger by its name.

    Raises:
        ConfigError: if there is none.
    """
    known = taggers()
    if name not in known:
        msg = f"tagger '{name}'{nearest(name, list(known))}: expected one of {', '.join(known)}"
        raise ConfigError(msg)
    return known[name]


def tagger_of_rows(rows: str) -> TaggerSpec:
    """Return the first tagger that reads a type of rows: what is a fact of the rows is the same for all of them."""
    return next(spec for spec in taggers().values() if spec.rows == rows)


def tagger_saved_as(registered_name: Any) -> TaggerSpec | None:
    """Return the tagger whose models are saved under a name; ``None`` if there is none."""
    return next((spec for spec in taggers().values() if spec.registered_name == registered_name), None)


def tagger_of_model(model: Any) -> TaggerSpec:
    """Return the tagger that a model is one of.

    Raises:
        InputError: if it is none.
    """
    from keras.saving import get_registered_name

    name = get_registered_name(type(model))
    if (found := tagger_saved_as(name)) is None:
        msg = f"model '{getattr(model, 'name', '')}': expected a tagger ({', '.join(taggers())}), received {name}"
        raise InputError(msg)
    return found


def read_tagger(path: Path | str) -> Tagger:
    """Return the model of a ``.keras`` file, of any tagger; see :func:`TauAdv.models.loading.load_tagger`.

    Raises:
        InputError: if the file is missing, not a Keras model, or not a tagger.
    """
    from TauAdv.models.loading import load_tagger

    for spec in taggers().values():
        spec.model_type()
    return load_tagger(path)
