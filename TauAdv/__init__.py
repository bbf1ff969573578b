"""TauAdv: adversarial training of particle-physics taggers, from ROOT tuples to plots.

The stages of the data flow are folders, in this order: ``tuples`` -> ``production`` -> ``features`` -> ``shards`` ->
``models``, ``attacks`` -> ``taggers`` -> ``training`` -> ``evaluation`` -> ``plotting``. Each reads what the stage before
wrote. For notebooks and scripts there are a dozen names on top of them (docs/python.md)::

    import TauAdv as ta
    tagger = ta.tagger("mlruns", "RUN_ID")
    table = tagger.predict(ta.tuples("data/*.root"))

Each is imported when it is used first: ``import TauAdv`` loads no other library.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from TauAdv.version import __version__

if TYPE_CHECKING:
    from TauAdv.api import plot
    from TauAdv.api.attacks import attack
    from TauAdv.api.data import features, shards, tuples
    from TauAdv.api.measures import closure, roc
    from TauAdv.api.runs import run, runs
    from TauAdv.api.taggers import tagger
    from TauAdv.api.training import resume, train

__all__ = [
    "__version__",
    "attack",
    "closure",
    "features",
    "plot",
    "resume",
    "roc",
    "run",
    "runs",
    "shards",
    "tagger",
    "train",
    "tuples",
]

_HOMES = {
    "attacks": ("attack",),
    "data": ("features", "shards", "tuples"),
    "measures": ("closure", "roc"),
    "runs": ("run", "runs"),
    "taggers": ("tagger",),
    "training": ("resume", "train"),
}
_FOLDERS = {"features", "runs", "shards", "tuples"}
"""Names that are also those of folders."""


def _function(name: str) -> Any:
    """Return one of the dozen."""
    home = next(home for home, names in _HOMES.items() if name in names)
    return getattr(import_module(f"TauAdv.api.{home}"), name)


class _Stage(ModuleType):
    """A folder whose name is also one of the dozen: ``ta.shards(folder)`` opens a set, ``TauAdv.shards.store`` is a file."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _function(self.__name__.rpartition(".")[2])(*args, **kwargs)

    @property
    def __signature__(self) -> Any:
        from inspect import signature

        return signature(_function(self.__name__.rpartition(".")[2]))


class _Package(ModuleType):
    """The package: reads names when they are used, and makes folders callable when they are imported."""

    def __getattr__(self, name: str) -> Any:
        if name in {"plot", *_FOLDERS}:
            return import_module("TauAdv.api.plot" if name == "plot" else f"TauAdv.{name}")
        if name in __all__:
            return _function(name)
        msg = f"module 'TauAdv' has no attribute '{name}'"
        raise AttributeError(msg)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FOLDERS and isinstance(value, ModuleType):
            value.__class__ = _Stage
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _Package
