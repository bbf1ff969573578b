"""Public networks of CMS, recognised by the bytes of their graphs, and the feature table that each was trained with.

Graphs do not tell how their inputs are scaled: with the table of another network they give wrong scores without an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from TauAdv.errors import InputError
from TauAdv.models.cms.parts import version_of

__all__ = ["KNOWN_NETWORKS", "NO_TABLE", "FeatureChoice", "KnownNetwork", "choose_features"]

#: Said instead of a feature table by users who have none.
NO_TABLE = "none"


@dataclass(frozen=True)
class KnownNetwork:
    """A network in the public repository ``cms-data/RecoTauTag-TrainingFiles``.

    Attributes:
        name: version in the names of its files.
        features: feature table with its scaling; ``none``: TauAdv has none for it.
        era: of detector and reconstruction.
        digests: part -> SHA-256 of its file; empty where no copy of the files was at hand.
    """

    name: str
    features: str
    era: str
    digests: Mapping[str, str] = field(default_factory=dict)


KNOWN_NETWORKS = (
    KnownNetwork(
        "deepTau_2018v2p5",
        "deeptau_v2p5",
        "run2",
        {
            "inner": "5db2adb31727846658cefa76c0e3b189627733bfb056cedb65e5067cb899d261",
            "outer": "f3270ca69b6e4d29d9464925648bb584fd77e6cf0940419cd3e91d434417be12",
            "core": "c97e42f88d28708fa8cd8a1fe8c21083eec889791322bb2d78b63069b7aaa392",
        },
    ),
    KnownNetwork("deepTau_2026v2p5", "deeptau_v2p5_phase2", "phase2"),
    KnownNetwork("deepTau_2017v2p6", NO_TABLE, "run2"),
    KnownNetwork("deepTau_2017v2p6_e6", NO_TABLE, "run2"),
)


@dataclass(frozen=True)
class FeatureChoice:
    """The feature table of an imported network, and who chose it.

    Attributes:
        table: name or path; ``none``: not recorded.
        network: the known network that the files are, if they are one.
    """

    table: str
    network: KnownNetwork | None

    @property
    def chosen_by(self) -> str:
        """``digest`` of the files, or ``user``."""
        return "user" if self.network is None else "digest"

    def __str__(self) -> str:
        if self.network is None:
            return f"feature table {self.table}: the user's choice, the files are of no network that TauAdv knows"
        return f"feature table {self.table}: the files are {self.network.name} ({self.network.era}), by their digests"


def choose_features(graphs: Mapping[str, Path], given: str | None) -> FeatureChoice:
    """Return the feature table of the network in three files (inner, outer, core).

    Args:
        graphs: part -> file.
        given: table that the user names; ``none``: none; ``None``: not given.

    Raises:
        InputError: for files of a known network, or named like one, and another table; for files of several known networks;
            for unknown files if no table is given.
    """
    found = {part: _network_of(part, path) for part, path in graphs.items()}
    known = {network.name for network in found.values() if network}
    if len(known) > 1:
        listed = ", ".join(f"{graphs[part]} is of {network.name}" for part, network in found.items() if network)
        msg = f"graphs of different networks, by their digests: {listed}"
        raise InputError(msg)
    network = found["core"]
    if network is not None and all(found.values()):
        if given is not None and given not in (network.features, NO_TABLE):
            msg = (
                f"{graphs['core']}: this is {network.name} ({network.era}); its inputs are scaled by the feature table "
                f"{network.features}, not by {given}: leave --features out"
            )
            raise InputError(msg)
        return FeatureChoice(given or network.features, network)
    _require_table(graphs["core"], given)
    return FeatureChoice(str(given), None)


def _require_table(core: Path, given: str | None) -> None:
    namesake = next((network for network in KNOWN_NETWORKS if network.name == version_of(core)), None)
    if given is None:
        hint = f"; {namesake.name} has the table {namesake.features}" if namesake else ""
        msg = (
            f"{core}: no network that TauAdv knows by its digest, and graphs do not tell how their inputs are scaled: give "
            f"--features TABLE, or --features {NO_TABLE} if you have none{hint}"
        )
        raise InputError(msg)
    if namesake is not None and given not in (namesake.features, NO_TABLE):
        msg = (
            f"{core}: named like {namesake.name} ({namesake.era}), whose inputs are scaled by the feature table "
            f"{namesake.features}, not by {given}; give that one, or rename the files if they are another network"
        )
        raise InputError(msg)


def _network_of(part: str, path: Path) -> KnownNetwork | None:
    try:
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None  # reading the graphs says what is wrong with the file
    return next((network for network in KNOWN_NETWORKS if network.digests.get(part) == digest), None)
