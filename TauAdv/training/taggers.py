"""What a training must know of the kind of tagger that it trains: taus or jets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TauAdv.attacks.constraints import Constraints
from TauAdv.attacks.jets import jet_constraints
from TauAdv.attacks.taus import tau_constraints
from TauAdv.models.deeptau import TauTagger
from TauAdv.models.jet_flavour import JetTagger
from TauAdv.models.jet_settings import JetNetworkSettings, load_jet_network
from TauAdv.models.settings import NetworkSettings, load_network
from TauAdv.models.tagger import Tagger
from TauAdv.training.common_settings import TrainingSettings

__all__ = ["TaggerKind", "tagger_kind"]


@dataclass(frozen=True)
class TaggerKind:
    """One kind of tagger.

    Attributes:
        tagger: class of its models.
        default_network: name of the network that is trained if none is named.
        load_network: from the name or path of a network to its settings.
        constraints: from the feature table to what attacks may do to the inputs.
        sizes: from settings of a network to the sizes of its inputs.
        sizes_of_table: from a feature table to the sizes of the inputs that it gives.
        sizes_are: what these are, for messages.
    """

    tagger: type[Tagger]
    default_network: str
    load_network: Callable[[str | Path], Any]
    constraints: Callable[[Any], Constraints]
    sizes: Callable[[Any], Any]
    sizes_of_table: Callable[[Any], Any]
    sizes_are: str


def tagger_kind(settings: TrainingSettings) -> TaggerKind:
    """Return the kind of tagger that settings are for."""
    return _KINDS[settings.tagger]


def _tau_sizes(network: NetworkSettings) -> Any:
    cells = {name: grid.n_cells for name, grid in network.grids.items()}
    return network.tau.n_features, network.n_cell_features, cells


def _tau_table_sizes(table: Any) -> Any:
    return table.layout.tau, table.layout.cell, dict(table.layout.grids)


def _jet_sizes(network: JetNetworkSettings) -> Any:
    return network.n_features


_KINDS = {
    "tau": TaggerKind(
        TauTagger,
        "deeptau_v2p5",
        load_network,
        tau_constraints,
        _tau_sizes,
        _tau_table_sizes,
        "(features of a tau, features of a cell, cells of the grids)",
    ),
    "jet": TaggerKind(
        JetTagger, "jet_flavour", load_jet_network, jet_constraints, _jet_sizes, len, "this number of features of a jet:"
    ),
}
