"""Jets of two domains, extracted and prepared once."""

import pytest
from extracted_jets import extracted
from jet_sets import SETS, SETTINGS

from TauAdv.jets.parts import ExtractedJets
from TauAdv.shards.jet.preparation import prepare_jets
from TauAdv.shards.jet.settings import JetPreparationSettings
from TauAdv.shards.store import ShardSet


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return extracted(tmp_path_factory.mktemp("jets") / "nominal", 700)


@pytest.fixture(scope="session")
def jets(folder):
    return ExtractedJets.open(folder).read()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, folder):
    output = tmp_path_factory.mktemp("prepared") / "jets"
    prepare_jets([folder], output, SETTINGS)
    return output


@pytest.fixture(scope="session")
def sets(prepared):
    return {name: ShardSet.open(prepared / name) for name in SETS}


@pytest.fixture(scope="session")
def domains(tmp_path_factory, folder, prepared):
    base = tmp_path_factory.mktemp("domains")
    shifted = extracted(base / "shifted", 300, seed=9)
    settings = JetPreparationSettings(kind="adversarial", scalers_from=prepared, seed=3, chunk_size=32)
    prepare_jets([folder, shifted], base / "adv", settings)
    return base / "adv"
