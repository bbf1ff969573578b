"""Training configs of TauMLTools: what a set of shards takes from them, and what they may not say otherwise.

The original compiles such a file into its data loader. Here, network inputs are those of a feature table: what the file says
about grids, features and their scaling must agree with it, and is refused where it does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from TauAdv.config import read_yaml
from TauAdv.errors import ConfigError, nearest, shortened
from TauAdv.features.blocks import Feature
from TauAdv.features.table import FeatureTable

__all__ = ["TrainingConfig"]

BATCH_OF_ADVERSARIAL_SET = 100
"""Taus per batch of the original's adversarial sets, whatever ``n_tau`` of the file is (that of the training)."""

_COMMON = ("DeepTauVSjet_cut", "include_mismatched", "rm_inner_from_outer", "weight_thr")
_CLASSIFICATION = ("input_spectrum", "n_tau", "recompute_tautype", "target_spectrum", "tau_types_names")
_COMPARED = ("n_inner_cells", "inner_cell_size", "n_outer_cells", "outer_cell_size", "iso_cone", "xmin", "xmax")
_COMPARED_TEXT = ("dataloader_core", "input_type", "tf_dataset_x_order", "use_weights")
# how the original is run, and what it trains
_OF_TRAINING = (
    *("n_threads", "debug", "tf_input_dir", "adversarial_dataset", "adv_parameter", "n_adv_tau", "adv_learning_rate"),
    *("use_previous_opt",),
)
_SETUP = (
    *(*_COMMON, *_CLASSIFICATION, *_COMPARED, *_COMPARED_TEXT, *_OF_TRAINING),
    *("adversarial_weights", "input_dir", "xaxis_list", "yaxis"),
)
_GROUPS = ("Setup", "SetupNN", "CellObjectType", "Scaling_setup", "Features_all", "Features_disable")
_INPUT_TYPES = ("ROOT", "tf", "Adversarial", "AdversarialGenerate")
_DATA_LOADER = "DataLoader_main.h"
_SPECTRUM_ETA = (0.0, 2.5)
_DISAGREEMENTS_SHOWN = 20


@dataclass(frozen=True)
class TrainingConfig:
    """A training config of TauMLTools.

    Attributes:
        path: of the file.
        content: of the file.
    """

    path: Path
    content: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path | str) -> TrainingConfig:
        """Return a training config.

        Raises:
            ConfigError: if it has no group ``Setup``, or keys that are not known.
        """
        config = cls(Path(path), read_yaml(path))
        if not isinstance(config.content.get("Setup"), Mapping):
            msg = f"{path}: no group 'Setup'; --training_cfg expects a training config of TauMLTools, --config one of ours"
            raise ConfigError(msg)
        unknown = [f"{key}{nearest(str(key), _GROUPS)}" for key in config.content if key not in _GROUPS]
        unknown += [f"Setup.{key}{nearest(str(key), _SETUP)}" for key in config.setup if key not in _SETUP]
        if unknown:
            what = f"unknown {'keys' if len(unknown) > 1 else 'key'} {', '.join(unknown)}"
            msg = f"{path}: {what}; expected a training config of TauMLTools: leave out what it has beyond"
            raise ConfigError(msg)
        return config

    @property
    def setup(self) -> Mapping[str, Any]:
        """The group ``Setup``."""
        return self.content["Setup"]

    @property
    def input_dir(self) -> str | None:
        """Folder of the tuples."""
        return self.setup.get("input_dir")

    def settings(self, kind: str) -> dict[str, Any]:
        """Return the settings of a set of shards of a kind.

        For an adversarial set the tau types, the recomputation and the spectra are not taken: the original's writer of such
        sets replaces them as well.
        """
        keys = (*_COMMON, *(_CLASSIFICATION if kind == "classification" else ("adversarial_weights",)))
        taken = {key: self.setup[key] for key in keys if self.setup.get(key) is not None}
        if kind == "adversarial":
            taken["n_tau"] = BATCH_OF_ADVERSARIAL_SET
        if "yaxis" in self.setup and "xaxis_list" in self.setup:
            taken["weight_bins"] = {"pt": self.setup["yaxis"], "abs_eta": self.setup["xaxis_list"]}
        return taken

    def lines(self, kind: str) -> Iterator[str]:
        """Yield what is taken from the file and what is not, for the console."""
        taken = {**self.settings(kind), "input_dir": self.input_dir}
        shown = [f"{key} {value}" for key, value in taken.items() if key != "weight_bins" and value is not None]
        yield f"taken from {self.path}: {', '.join(shown)}{', weight_bins' if 'weight_bins' in taken else ''}"
        if kind == "adversarial":
            of_file = f"; its {self.setup['n_tau']} is that of the training" if "n_tau" in self.setup else ""
            yield f"  n_tau {BATCH_OF_ADVERSARIAL_SET}, as always in the original's adversarial sets{of_file}"
        used = {*taken, "n_tau", *_COMPARED, *_COMPARED_TEXT, "yaxis", "xaxis_list"}
        if left := [f"Setup.{key}" for key in self.setup if key not in used]:
            yield f"  not of a set of this kind, not taken: {', '.join(left)}"

    def require_agreement(self, table: FeatureTable) -> None:
        """Check that the file describes the inputs that the feature table makes.

        Raises:
            ConfigError: lists every key that differs, with what is expected and what was received.
        """
        found = [*self._setup_differences(table), *self._network_differences(table), *self._feature_differences(table)]
        if found:
            shown = found[:_DISAGREEMENTS_SHOWN]
            more = [f"... and {len(found) - len(shown)} more"] if len(found) > len(shown) else []
            head = f"{self.path}: describes other inputs than the feature table '{table.name}' makes"
            way = "take a config of that network, or give the network's own table: features=TABLE.yaml"
            raise ConfigError("\n  ".join([f"{head} ({way}):", *shown, *more]))

    def _setup_differences(self, table: FeatureTable) -> Iterator[str]:
        expected: dict[str, Any] = {"xmin": _SPECTRUM_ETA[0], "xmax": _SPECTRUM_ETA[1]}
        for name, grid in table.grids.items():
            expected |= {f"n_{name}_cells": grid.cells, f"{name}_cell_size": grid.cell_size}
        if "outer" in table.grids:
            expected["iso_cone"] = table.grids["outer"].cone
        for key, value in expected.items():
            if key in self.setup and not _same_number(self.setup[key], value):
                yield _difference(f"Setup.{key}", value, self.setup[key])
        if (core := self.setup.get("dataloader_core")) is not None and PurePath(str(core)).name != _DATA_LOADER:
            yield _difference("Setup.dataloader_core", _DATA_LOADER, core)
        if "input_type" in self.setup and self.setup["input_type"] not in _INPUT_TYPES:
            yield _difference("Setup.input_type", " or ".join(_INPUT_TYPES), self.setup["input_type"])
        if self.setup.get("use_weights", True) is not True:
            yield _difference("Setup.use_weights", True, self.setup["use_weights"])
        if "tf_dataset_x_order" in self.setup:
            order = _order_of_inputs(table)
            if self.setup["tf_dataset_x_order"] != order:
                yield _difference("Setup.tf_dataset_x_order", order, self.setup["tf_dataset_x_order"])

    def _network_differences(self, table: FeatureTable) -> Iterator[str]:
        network = self.content.get("SetupNN")
        network = network if isinstance(network, Mapping) else {}
        grids = [list(blocks) for tensor, blocks in table.tensors.items() if tensor != "tau"]
        blocks = list(dict.fromkeys(block for each in table.tensors.values() for block in each))
        lists = {
            "SetupNN.input_grids": (network.get("input_grids"), grids),
            "SetupNN.cell_locations": (network.get("cell_locations"), list(table.grids)),
            "SetupNN.active_features": (_sorted(network.get("active_features")), sorted(blocks)),
            "CellObjectType": (
                _sorted(self.content.get("CellObjectType")),
                sorted({block for each in grids for block in each}),
            ),
        }
        for key, (received, expected) in lists.items():
            if received is not None and received != expected:
                yield _difference(key, expected, received)

    def _feature_differences(self, table: FeatureTable) -> Iterator[str]:
        groups, disabled = self.content.get("Features_all"), self.content.get("Features_disable")
        if groups is None:
            return
        if not isinstance(groups, Mapping) or not isinstance(disabled or {}, Mapping):
            yield "Features_all, Features_disable: expected groups of features"
            return
        for name in dict.fromkeys((*groups, *(block for each in table.tensors.values() for block in each))):
            if name not in table.blocks or name not in groups:
                yield _difference("Features_all", sorted(table.blocks), sorted(groups))
                return
            yield from _block_differences(name, groups[name], (disabled or {}).get(name) or (), table)


def _block_differences(name: str, rows: Any, disabled: Sequence[str], table: FeatureTable) -> Iterator[str]:
    received = _rows(rows)
    if received is None:
        yield f"Features_all.{name}: expected a list of features with their scaling"
        return
    received = {key: row for key, row in received.items() if key not in disabled}
    expected = {feature.name: feature for feature in table.blocks[name].features}
    if list(received) != list(expected):
        missing, other = [key for key in expected if key not in received], [key for key in received if key not in expected]
        parts = [f"missing {', '.join(missing)}"] if missing else []
        parts += [f"not of the table {', '.join(other)}"] if other else []
        yield f"Features_all.{name}: {'; '.join(parts) or 'the features are in another order'}"
        return
    for key, row in received.items():
        yield from _scaling_differences(f"Features_all.{name}.{key}", row, expected[key])


def _rows(rows: Any) -> dict[str, list[Any]] | None:
    """Return the rows of a block: name -> [selection, aliases, kind of scaling, limits ...]."""
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) and len(row) == 1 for row in rows):
        return None
    found = dict(pair for row in rows for pair in row.items())
    return found if all(isinstance(row, list) and len(row) >= 3 for row in found.values()) else None


def _scaling_differences(where: str, row: list[Any], feature: Feature) -> Iterator[str]:
    kind = str(row[2]).replace(" ", "_")
    if kind != feature.kind:
        yield _difference(f"{where}: scaling", feature.kind, kind)
        return
    for grid, scaling in feature.scaling.items():
        limits = row[3].get(grid) if len(row) == 4 and isinstance(row[3], Mapping) else row[3:]
        if not limits or kind not in ("linear", "normal"):
            continue
        # a linear feature is scaled from these limits to -1 and 1; a normal one is clipped at them after scaling
        expected = (scaling.low, scaling.high)
        if kind == "linear":
            expected = (scaling.mean - scaling.std, scaling.mean + scaling.std)
        if len(limits) != 2 or not all(_same_number(*pair) for pair in zip(limits, expected, strict=True)):
            yield _difference(
                f"{where}: {kind} limits ({grid})", [float(f"{value:.6g}") for value in expected], list(limits)
            )
            return


def _order_of_inputs(table: FeatureTable) -> list[str]:
    names = [name.removesuffix("s") for name in table.tensors if name != "tau"]
    return ["TauFlat", *(f"{grid}_{name}" for grid in table.grids for name in names)]


def _same_number(received: Any, expected: Any) -> bool:
    try:
        return math.isclose(float(received), float(str(expected)), rel_tol=1e-4, abs_tol=1e-6)
    except (TypeError, ValueError):
        return str(received) == str(expected)


def _sorted(values: Any) -> Any:
    return sorted(values, key=str) if isinstance(values, list) else values


def _difference(key: str, expected: Any, received: Any) -> str:
    return f"{key}: expected {shortened(str(expected))}, received {shortened(str(received))}"
