"""Sets of shards made from small tuples."""

from pathlib import Path

import numpy as np
import pytest
from shard_tuples import DATA, JET, MU, NOTHING, TABLE, TAU, E, write_tuple

from TauAdv.features.table import FeatureTable
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.writer import write_shards


@pytest.fixture(scope="session")
def table_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("table") / "small.yaml"
    path.write_text(TABLE)
    return path


@pytest.fixture(scope="session")
def table(table_file) -> FeatureTable:
    return FeatureTable.load(table_file)


@pytest.fixture(scope="session")
def class_settings(table_file) -> ShardSettings:
    return ShardSettings(features=str(table_file), chunk_size=16, seed=5)


@pytest.fixture(scope="session")
def adv_settings(table_file) -> ShardSettings:
    return ShardSettings(kind="adversarial", features=str(table_file), contributions={0: "data", 1: "MC"}, chunk_size=16)


@pytest.fixture(scope="session")
def class_file(tmp_path_factory) -> Path:
    kinds = np.random.default_rng(1).choice([E, MU, TAU, JET, NOTHING], 300)
    return write_tuple(tmp_path_factory.mktemp("tuples") / "class.root", kinds)


@pytest.fixture(scope="session")
def adv_file(tmp_path_factory) -> Path:
    kinds = np.random.default_rng(2).choice([DATA, TAU, JET], 90)
    return write_tuple(tmp_path_factory.mktemp("tuples") / "adv.root", kinds, seed=1)


@pytest.fixture(scope="session")
def class_folder(tmp_path_factory, class_file, class_settings) -> Path:
    folder = tmp_path_factory.mktemp("shards") / "class"
    write_shards(class_file, folder, class_settings)
    return folder


@pytest.fixture(scope="session")
def adv_folder(tmp_path_factory, adv_file, adv_settings) -> Path:
    folder = tmp_path_factory.mktemp("shards") / "adv"
    write_shards(adv_file, folder, adv_settings)
    return folder
