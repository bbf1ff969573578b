"""Settings of a DeepTau network: which inputs, how wide, how deep; from YAML, with the width rules of DeepTau v2p5."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from TauAdv.config import Settings, load_settings
from TauAdv.config.paths import expanded, is_yaml
from TauAdv.config.quantities import Count
from TauAdv.errors import ConfigError, nearest
from TauAdv.models.taus.inputs import columns_of

__all__ = [
    "BlockSettings",
    "ConvolutionLayer",
    "GridMode",
    "GridSettings",
    "HeadSettings",
    "MergeSettings",
    "NetworkSettings",
    "NormalisationSettings",
    "load_network",
    "network_file",
    "shipped_networks",
]

GridMode = Literal["dense", "sparse"]
Widths = Annotated[tuple[Count, ...], Field(min_length=1)]
Reduction = Annotated[float, Field(gt=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]

GRIDS = ("inner", "outer")
_NETWORKS = Path(__file__).parents[1] / "networks"


class BlockSettings(Settings):
    """A stack of layers applied to the flat features or to one component of a cell.

    Attributes:
        n_features: number of inputs.
        widths: width of each layer; without it, by the rule of DeepTau: from ceil(2n(1+dropout)) down to ceil(n(1+dropout)).
        reduction: ratio of two successive widths in that rule.
    """

    n_features: Count
    widths: Widths | None = None
    reduction: Reduction = 1.6

    def layer_widths(self, dropout: float) -> tuple[int, ...]:
        """Return the width of every layer (TauMLTools, arXiv:2201.08458)."""
        if self.widths is not None:
            return self.widths
        last = math.ceil(self.n_features * (1 + dropout))
        return falling_widths(math.ceil(2 * self.n_features * (1 + dropout)), last, self.reduction)


class MergeSettings(Settings):
    """The layers that merge the components of a cell; the rule goes from their joint width down to ``last_width``."""

    widths: Widths | None = None
    last_width: Count = 64
    reduction: Reduction = 1.6

    def layer_widths(self, n_inputs: int) -> tuple[int, ...]:
        """Return the width of every layer, for ``n_inputs`` features from the components."""
        if self.widths is not None:
            return self.widths
        return falling_widths(n_inputs, self.last_width, self.reduction)


class ConvolutionLayer(Settings):
    """One convolution over the grid: ``kernel`` x ``kernel`` cells, every ``stride`` cells, valid padding."""

    kernel: Count = 3
    stride: Count = 1
    width: Count = 64


class GridSettings(Settings):
    """A square grid of cells around the tau and the convolutions that reduce it to one cell.

    Attributes:
        n_cells: cells along eta and along phi.
        layers: the convolutions; without them, 3x3 layers of the width of the merged cell until one cell is left.
    """

    n_cells: Count
    layers: Annotated[tuple[ConvolutionLayer, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _ends_in_one_cell(self) -> GridSettings:
        size = self.n_cells
        for number, layer in enumerate(self.layers or default_convolutions(size, 1), start=1):
            if layer.kernel > size or (size - layer.kernel) % layer.stride:
                msg = f"layer {number} ({layer.kernel} cells, stride {layer.stride}) does not cover a grid of {size} cells"
                raise ValueError(msg)
            size = (size - layer.kernel) // layer.stride + 1
        if size != 1:
            msg = f"the convolutions leave {size} x {size} cells of {self.n_cells} x {self.n_cells}: they must end in one"
            raise ValueError(msg)
        return self

    def convolutions(self, merged_width: int) -> tuple[ConvolutionLayer, ...]:
        """Return the convolution layers, for cells of ``merged_width`` features."""
        return self.layers or default_convolutions(self.n_cells, merged_width)


class HeadSettings(Settings):
    """Fully connected layers from the common features to an output."""

    widths: Widths = (200, 200, 200, 200)


class NormalisationSettings(Settings):
    """Batch normalisation: ``momentum`` of the running statistics and ``epsilon`` added to the variance."""

    momentum: Fraction = 0.99
    epsilon: Annotated[float, Field(gt=0)] = 1e-3


class NetworkSettings(Settings):
    """A network of the DeepTau family (TauMLTools, arXiv:2201.08458).

    Attributes:
        dropout: fraction dropped after every layer in training; the width rules use it too.
        l2: strength of an L2 penalty on the kernels.
        tau: block of the flat features.
        components: blocks of the objects of a cell, in the order of their columns in the cell features.
        merge: block that merges the components of a cell.
        grids: ``inner`` and ``outer``.
        class_head, adversarial_head: layers from the common features to the outputs.
        n_classes: number of class scores (e, mu, tau, jet).
        grid_mode: ``dense`` evaluates the per-cell layers in every cell (the reference); ``sparse`` in the filled cells and
            in ``n_empty_rows`` representatives of the empty ones.
    """

    name: str
    dropout: Fraction = 0.2
    l2: Annotated[float, Field(ge=0)] = 0.0
    normalisation: NormalisationSettings = NormalisationSettings()
    tau: BlockSettings
    components: Annotated[dict[str, BlockSettings], Field(min_length=1)]
    merge: MergeSettings = MergeSettings()
    grids: Annotated[dict[str, GridSettings], Field(min_length=1)]
    class_head: HeadSettings = HeadSettings()
    adversarial_head: HeadSettings = HeadSettings()
    n_classes: Count = 4
    grid_mode: GridMode = "sparse"
    n_empty_rows: Count = 512

    @field_validator("grids")
    @classmethod
    def _known_grids(cls, grids: dict[str, GridSettings]) -> dict[str, GridSettings]:
        for name in grids:
            if name not in GRIDS:
                msg = f"there is no grid '{name}'{nearest(name, GRIDS)}; known: {', '.join(GRIDS)}"
                raise ValueError(msg)
        return grids

    @property
    def n_cell_features(self) -> int:
        """Number of features of a cell, all components together."""
        return sum(component.n_features for component in self.components.values())

    def component_columns(self) -> dict[str, tuple[int, int]]:
        """Return the first and one-past-last column of each component in the cell features."""
        return columns_of(self.components)

    def component_widths(self, name: str) -> tuple[int, ...]:
        """Return the layer widths of one component."""
        return self.components[name].layer_widths(self.dropout)

    def merge_widths(self) -> tuple[int, ...]:
        """Return the layer widths of the merge block."""
        return self.merge.layer_widths(sum(self.component_widths(name)[-1] for name in self.components))


def falling_widths(first: int, last: int, reduction: float) -> tuple[int, ...]:
    """Return widths from ``first`` down to ``last``, each the previous one divided by ``reduction``, rounded down."""
    widths = [first]
    while widths[-1] > last:
        widths.append(max(last, int(widths[-1] / reduction)))
    return tuple(widths)


def default_convolutions(n_cells: int, width: int) -> tuple[ConvolutionLayer, ...]:
    """Return the 3x3 layers that reduce an odd grid to one cell."""
    return tuple(ConvolutionLayer(kernel=3, width=width) for _ in range(n_cells // 2))


def shipped_networks(family: str = "deeptau") -> list[str]:
    """Return the names of the networks of a family (``deeptau``, ``jet``) that come with the package."""
    return sorted(path.stem for path in _NETWORKS.glob(f"{family}_*.yaml"))


def load_network(name_or_path: str | Path, overrides: Iterable[str] = ()) -> NetworkSettings:
    """Return the settings of a shipped network (by name) or of a YAML file.

    Args:
        name_or_path: for example ``deeptau_v2p5``, or the path of a YAML file.
        overrides: ``"key.sub=value"`` strings that win over the file.

    Raises:
        ConfigError: if there is no such network, or a setting is unknown or not accepted.
    """
    return load_settings(NetworkSettings, network_file(name_or_path), overrides)


def network_file(name_or_path: str | Path, family: str = "deeptau") -> Path:
    """Return the YAML file of a network of a family, by the name of a shipped one or by its path.

    Raises:
        ConfigError: if no network of that name and family comes with the package.
    """
    path = Path(expanded(name_or_path))
    if is_yaml(path):
        return path
    known = shipped_networks(family)
    if str(name_or_path) not in known:
        msg = (
            f"network '{name_or_path}' does not come with TauAdv{nearest(str(name_or_path), known)}; known: "
            f"{', '.join(known)}; or give the path of a .yaml file"
        )
        raise ConfigError(msg)
    return _NETWORKS / f"{name_or_path}.yaml"
