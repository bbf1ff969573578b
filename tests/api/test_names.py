"""The dozen names: lazy, and beside the folders of the same names."""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import TauAdv as ta
from TauAdv.api.data import shards
from TauAdv.shards.store import ShardSet

_LOADED = """
import sys
import TauAdv as ta
assert not {name.partition(".")[0] for name in sys.modules} & {"numpy", "tensorflow", "mlflow", "matplotlib", "pydantic"}
assert callable(ta.shards) and callable(ta.tuples) and callable(ta.features)
assert not {name.partition(".")[0] for name in sys.modules} & {"numpy", "tensorflow", "mlflow", "matplotlib", "pydantic"}
for name in ta.__all__:
    getattr(ta, name)
print({name.partition(".")[0] for name in sys.modules} & {"tensorflow", "mlflow", "matplotlib"} or "none")
"""


def test_import_loads_no_large_library():
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("none\n", "")


def test_folders_are_functions_too(taus):
    import TauAdv.shards.store as store
    from TauAdv import shards as folder

    assert folder is ta.shards
    assert ta.shards.store is store
    assert isinstance(ta.shards(taus.test), ShardSet)
    assert inspect.signature(ta.shards) == inspect.signature(shards)


def test_names_of_folders_are_known_as_such():
    for name in ta.__all__:
        if (Path(ta.__file__).parent / name).is_dir():
            assert callable(import_module(f"TauAdv.{name}")), name
            assert getattr(ta, name) is import_module(f"TauAdv.{name}")


def test_all_names_are_there():
    assert set(ta.__all__) <= set(dir(ta))
    assert all(ta.__all__ == sorted(ta.__all__) and inspect.getdoc(getattr(ta, name)) for name in ta.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ta.nothing
