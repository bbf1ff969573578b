"""The right feature table for the right network."""

import hashlib
from pathlib import Path

import pytest

from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.models.cms import known
from TauAdv.models.cms.known import KNOWN_NETWORKS, NO_TABLE, KnownNetwork, choose_features


@pytest.fixture
def files(tmp_path):
    """Files of two networks that are known by their digests, and of one that is not."""

    def write(version, content):
        paths = {part: tmp_path / f"{version}_{part}.pb" for part in ("inner", "outer", "core")}
        for part, path in paths.items():
            path.write_text(f"{content} {part}")
        return paths

    return write


@pytest.fixture(autouse=True)
def two_known(monkeypatch):
    def digests(content):
        return {part: hashlib.sha256(f"{content} {part}".encode()).hexdigest() for part in ("inner", "outer", "core")}

    networks = (
        KnownNetwork("deepTau_a", "deeptau_v2p5", "run2", digests("a")),
        KnownNetwork("deepTau_b", "deeptau_v2p5_phase2", "phase2", digests("b")),
        KnownNetwork("deepTau_c", "deeptau_v2p5_phase2", "phase2"),
    )
    monkeypatch.setattr(known, "KNOWN_NETWORKS", networks)


@pytest.mark.parametrize(("content", "table"), [("a", "deeptau_v2p5"), ("b", "deeptau_v2p5_phase2")])
def test_known_files_bring_their_table_whatever_their_names(files, content, table):
    choice = choose_features(files("renamed", content), None)
    assert (choice.table, choice.chosen_by) == (table, "digest")
    assert choose_features(files("renamed", content), table) == choice
    assert choose_features(files("renamed", content), NO_TABLE).table == NO_TABLE


def test_another_table_for_known_files_is_refused(files):
    with pytest.raises(InputError, match=r"this is deepTau_b \(phase2\); .* not by deeptau_v2p5: leave --features"):
        choose_features(files("renamed", "b"), "deeptau_v2p5")


def test_graphs_of_two_known_networks_are_refused(files):
    mixed = {**files("x", "a"), "core": files("y", "b")["core"]}
    with pytest.raises(InputError, match=r"graphs of different networks, by their digests: .*deepTau_a.*deepTau_b"):
        choose_features(mixed, None)


def test_unknown_files_need_a_choice(files):
    with pytest.raises(InputError, match=r"give --features TABLE, or --features none if you have none$"):
        choose_features(files("mine", "other"), None)
    choice = choose_features(files("mine", "other"), "my_table.yaml")
    assert (choice.table, choice.chosen_by) == ("my_table.yaml", "user")


def test_files_named_like_a_network_need_its_table(files):
    named = files("deepTau_c", "other")
    with pytest.raises(InputError, match=r"deepTau_c has the table deeptau_v2p5_phase2$"):
        choose_features(named, None)
    with pytest.raises(InputError, match=r"named like deepTau_c \(phase2\), .* not by deeptau_v2p5; give that"):
        choose_features(named, "deeptau_v2p5")
    assert choose_features(named, "deeptau_v2p5_phase2").chosen_by == "user"


def test_tables_and_eras_of_the_public_networks_are_there():
    for network in KNOWN_NETWORKS:
        if network.features != NO_TABLE:
            assert FeatureTable.load(network.features).eras[0] == network.era


def test_official_files_are_recognised(reference_data, monkeypatch):
    monkeypatch.setattr(known, "KNOWN_NETWORKS", KNOWN_NETWORKS)
    folder = Path(reference_data) / "data" / "deepTau_2018v2p5"
    choice = choose_features({part: folder / f"deepTau_2018v2p5_{part}.pb" for part in ("inner", "outer", "core")}, None)
    assert (choice.table, choice.network.name) == ("deeptau_v2p5", "deepTau_2018v2p5")
