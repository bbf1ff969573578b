"""Settings of a transformer over the filled cells of a tau, in a module that needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from TauAdv.config import Settings, load_settings
from TauAdv.config.quantities import Count
from TauAdv.models.deeptau.settings import GRIDS, Fraction, HeadSettings, Widths, network_file
from TauAdv.models.taus.inputs import columns_of

__all__ = ["FAMILY", "TransformerSettings", "load_transformer"]

GridName = Annotated[str, Field(pattern=rf"^({'|'.join(GRIDS)})$")]
FAMILY = "tau_transformer"
"""Names of the shipped networks begin with it."""


class FlatSettings(Settings):
    """The fully connected layers of the flat features: number of inputs, and ``widths``."""

    n_features: Count
    widths: Widths


class ObjectSettings(Settings):
    """One type of object of a cell: its number of features."""

    n_features: Count


class CellsSettings(Settings):
    """A square grid of cells around the tau: cells along eta and along phi."""

    n_cells: Count


class TransformerSettings(Settings):
    """A transformer whose tokens are the filled cells of both grids, and the tau itself.

    Attributes:
        dropout: fraction dropped in training, after every layer of the flat features and the heads, and where attention and
            feed-forward layers are added to the tokens.
        tau: layers of the flat features; from their output the token of the tau is made.
        components: objects of a cell, in the order of their columns in the cell features.
        grids: ``inner`` and ``outer``.
        embedding: width of the layer between the features of a cell, with its position, and its token.
        width: of a token; a multiple of ``heads``.
        heads: of an attention.
        layers: attentions of all tokens to all tokens of a tau; one more follows, of the token of the tau alone.
        groups: of taus with similar numbers of cells, into which a batch is cut before padding; no result depends on it.
        feed_forward: width of the layer within a feed-forward block.
        epsilon: added to the variance in layer normalisation.
        class_head, adversarial_head: layers from the common features to the outputs.
        n_classes: number of class scores (e, mu, tau, jet).
    """

    name: str
    dropout: Fraction = 0.1
    tau: FlatSettings
    components: Annotated[dict[str, ObjectSettings], Field(min_length=1)]
    grids: Annotated[dict[GridName, CellsSettings], Field(min_length=1)]
    embedding: Count = 64
    width: Count = 32
    heads: Count = 4
    layers: Annotated[int, Field(ge=0)] = 2
    groups: Count = 4
    feed_forward: Count = 64
    epsilon: Annotated[float, Field(gt=0)] = 1e-3
    class_head: HeadSettings = HeadSettings(widths=(64,))
    adversarial_head: HeadSettings = HeadSettings(widths=(64, 64))
    n_classes: Count = 4

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        if self.width % self.heads:
            yield ("width", "heads"), f"width {self.width} is no multiple of the {self.heads} heads that share it"

    @property
    def n_cell_features(self) -> int:
        """Number of features of a cell, all objects together."""
        return sum(component.n_features for component in self.components.values())

    def component_columns(self) -> dict[str, tuple[int, int]]:
        """Return the first and one-past-last column of each object in the cell features."""
        return columns_of(self.components)


def load_transformer(name_or_path: str | Path, overrides: Iterable[str] = ()) -> TransformerSettings:
    """Return the settings of a shipped network (by name) or of a YAML file.

    Args:
        name_or_path: for example ``tau_transformer_demo``, or the path of a YAML file.
        overrides: ``"key.sub=value"`` strings that win over the file.

    Raises:
        ConfigError: if there is no such network, or a setting is unknown or not accepted.
    """
    return load_settings(TransformerSettings, network_file(name_or_path, FAMILY), overrides)
