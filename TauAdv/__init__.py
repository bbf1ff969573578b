"""TauAdv: adversarial training of particle-physics taggers, from ROOT tuples to plots.

The stages of the data's way are folders, in this order: ``tuples`` -> ``production`` -> ``features`` -> ``shards`` ->
``models``, ``attacks`` -> ``taggers`` -> ``training`` -> ``evaluation`` -> ``plotting``. Each reads what the stage before
wrote.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("TauAdv")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
