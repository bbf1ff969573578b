"""Taggers from ``.keras`` files; the only module that knows the networks which come with the package."""

from __future__ import annotations

from pathlib import Path

from TauAdv.errors import InputError
from TauAdv.models import jet_flavour  # noqa: F401  (registers its layers)
from TauAdv.models.deeptau.network import TauTagger
from TauAdv.models.model_files import read_keras_file
from TauAdv.models.precision import in_single_precision
from TauAdv.models.tagger import Tagger, TaggerType

__all__ = ["load_model", "load_tagger"]


def load_model(path: Path | str) -> TauTagger:
    """Return the tau tagger of a ``.keras`` file, without running any code that the file may hold.

    A model that was trained in mixed precision is returned in float32.

    Raises:
        InputError: if the file is missing, not a Keras model, or not a tagger of taus.
    """
    return load_tagger(path, TauTagger)


def load_tagger(path: Path | str, kind: type[TaggerType] = Tagger) -> TaggerType:  # type: ignore[assignment]
    """Return the tagger of a ``.keras`` file, without running any code that the file may hold.

    Args:
        path: for example ``artifacts/model/model.keras`` of a run.
        kind: class of the network; by default, any is accepted.

    Raises:
        InputError: if the file is missing, not a Keras model, or not a tagger of that kind.
    """
    model = read_keras_file(path)
    if not isinstance(model, kind):
        of = f" of {kind.objects}" if kind is not Tagger else ""
        other = f" (a {kind.__name__})" if getattr(model, "objects", None) == getattr(kind, "objects", "") else ""
        msg = f"{path}: expected a TauAdv tagger{of}{other}, received a {type(model).__name__} named '{model.name}'"
        raise InputError(msg)
    return in_single_precision(model)
