"""Floating-point operations of the matrix products of a tau network's forward pass, from its settings."""

from __future__ import annotations

from collections.abc import Mapping

from TauAdv.models.deeptau.settings import NetworkSettings
from TauAdv.models.folded.first_convolution import pays_off


def stack(n_inputs: int, widths: tuple[int, ...]) -> int:
    """Return the operations of a stack of fully connected layers on one row."""
    return 2 * sum(a * b for a, b in zip((n_inputs, *widths), widths, strict=False))


def per_cell(network: NetworkSettings) -> int:
    """Return the operations of the layers that act on one cell."""
    components = [stack(block.n_features, network.component_widths(name)) for name, block in network.components.items()]
    n_merged = sum(network.component_widths(name)[-1] for name in network.components)
    return sum(components) + stack(n_merged, network.merge_widths())


def flat(network: NetworkSettings) -> int:
    """Return the operations of the flat features and of the class head of one tau."""
    widths = network.tau.layer_widths(network.dropout)
    merged = network.merge_widths()[-1]
    n_features = widths[-1] + sum(grid.convolutions(merged)[-1].width for grid in network.grids.values())
    return stack(network.tau.n_features, widths) + stack(n_features, (*network.class_head.widths, network.n_classes))


def inference(network: NetworkSettings, filled: Mapping[str, float] | None) -> float:
    """Return the operations of one tau.

    Args:
        network: settings.
        filled: mean filled cells per grid, which alone are computed and start the first convolution where that pays off;
            ``None`` for dense grids.
    """
    total: float = flat(network)
    for name, grid in network.grids.items():
        size, width = grid.n_cells, network.merge_widths()[-1]
        total += per_cell(network) * (filled[name] if filled else size**2)
        for number, layer in enumerate(grid.convolutions(width)):
            by_cells = number == 0 and filled is not None and pays_off(layer, size)
            size = (size - layer.kernel) // layer.stride + 1
            positions = filled[name] if by_cells and filled else size**2
            total += 2 * positions * layer.kernel**2 * width * layer.width
            width = layer.width
    return total
