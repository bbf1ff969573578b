"""Shared fixtures: where the reference data is."""

import functools
import gc
import importlib.util
import os
import shutil
import sys
from pathlib import Path

import hypothesis
import pytest

from TauAdv.runs.database import DATABASE
from TauAdv.runs.records import MlflowStore

REFERENCE_VARIABLE = "TAUADV_REFERENCE_DATA"


# examples on a busy machine take as long as they take
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

# TensorFlow makes and keeps so many objects that looking for garbage among them is a tenth of the time of its tests
gc.set_threshold(10_000, 20, 20)

#: Slow files come first, folders with the longest before others: with two workers, one would else be left with the last.
_FIRST = ("training", "pipeline", "models", "oracle", "evaluation")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with slow tests first."""
    root = Path(__file__).parent
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> tuple[bool, int]:
        folder = item.path.relative_to(root).parts[0]
        return item.path not in slow, _FIRST.index(folder) if folder in _FIRST else len(_FIRST)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Keep the collector from what was imported: it stays to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder that holds oracle/, data/ and specs/."""
    folder = os.environ.get(REFERENCE_VARIABLE)
    if not folder:
        pytest.skip(f"{REFERENCE_VARIABLE} is not set: it names the folder that holds oracle/, data/ and specs/")
    if not (Path(folder) / "oracle").is_dir():
        pytest.fail(f"{REFERENCE_VARIABLE}={folder} has no folder oracle/")
    return Path(folder)


@pytest.fixture(scope="session")
def oracle(reference_data: Path) -> Path:
    """Folder of the reference inputs and outputs (see its README)."""
    return reference_data / "oracle"


@pytest.fixture(scope="session")
def official_network(reference_data: Path):
    """The official DeepTau 2018 v2p5 network, imported once; not to be changed."""
    from TauAdv.models.cms.importing import import_cms_model

    path = f"{reference_data}/data/deepTau_2018v2p5/deepTau_2018v2p5"
    return import_cms_model(*(f"{path}_{part}.pb" for part in ("inner", "outer", "core")), n_taus=10).model


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def run_script(repository: Path):
    """Return a function that runs a script in this process: ``run_script("Production/skim_tree.py", "--input", ...)``."""

    def run(script: str, *arguments: object) -> None:
        path = repository / script
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))  # as Python does for a script
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.main([str(argument) for argument in arguments])

    return run


@pytest.fixture
def eagerly():
    """Do compiled functions operation by operation: making the graph of a few steps takes most of the time of their test.

    For tests of what one step does, or of what becomes of scores; those of trainings, inference and exports hold the graphs.
    Ten steps and more are faster with their graph.
    """
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(autouse=True, scope="session")
def really_forced_to_disk():
    """Leave out what guards against a power failure alone, a tenth of the time of the tests; the real ``os.fsync``."""
    real = os.fsync
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield real


@pytest.fixture(autouse=True, scope="session")
def really_made_stores(tmp_path_factory):
    """Copy new stores, which takes MLflow half a second to make; the function that makes one (see tests/runs)."""
    real = MlflowStore.make

    @functools.cache
    def empty() -> Path:
        folder = tmp_path_factory.mktemp("store") / "mlruns"
        folder.mkdir()
        real(folder, folder / DATABASE)
        return folder / DATABASE

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowStore, "make", lambda mlruns, database: shutil.copyfile(empty(), database))
        yield real
