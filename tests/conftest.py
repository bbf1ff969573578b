"""Shared fixtures: where the reference data is."""

import os
from pathlib import Path

import pytest

REFERENCE_VARIABLE = "TAUADV_REFERENCE_DATA"


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
