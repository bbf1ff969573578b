"""A feature table as text for people: the tables in the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from TauAdv.errors import InputError
from TauAdv.features.blocks import Feature, FeatureBlock, Scaling
from TauAdv.features.expressions import FUNCTIONS
from TauAdv.features.table import FeatureTable
from TauAdv.io.atomic import write_text

__all__ = ["describe", "describe_functions", "refresh", "refreshed"]

_HEADER = ("#", "feature", "value", "valid where", "kind", "mean, std", "clip", "integer", "step", "unit")


def describe(table: FeatureTable) -> str:
    """Return Markdown: the tensors, then one table per block with a row per feature."""
    blocks = {name: f"{name} ({len(block)})" for name, block in table.blocks.items()}
    sizes = [
        f"| `{tensor}` | {len(table.features(tensor))} | {', '.join(blocks[name] for name in names)} |"
        for tensor, names in table.tensors.items()
    ]
    grids = [f"| `{name}` | {g.cells} x {g.cells} | {g.cell_size} | `{g.cone}` |" for name, g in table.grids.items()]
    parts = [
        "\n".join(["| tensor | features | blocks |", "|---|---|---|", *sizes]),
        "\n".join(["| grid | cells | cell size | cone: dR < |", "|---|---|---|---|", *grids]),
        *(_block(block, table.eras) for block in table.blocks.values()),
    ]
    return "\n\n".join(parts) + "\n"


def describe_functions() -> str:
    """Return Markdown: the functions that expressions may use."""
    rows = [f"| `{name}` | {function.arguments} | {function.description} |" for name, function in FUNCTIONS.items()]
    return "\n".join(["| function | arguments | gives |", "|---|---|---|", *rows]) + "\n"


def refreshed(page: str, parts: Mapping[str, str]) -> str:
    """Return a page with the text between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->`` replaced for every part.

    Raises:
        InputError: if the page has no such place.
    """
    for name, text in parts.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        head, found_begin, rest = page.partition(begin)
        _, found_end, tail = rest.partition(end)
        if not (found_begin and found_end):
            msg = f"the page has no place for '{name}': expected a line {begin.strip()} and after it {end}"
            raise InputError(msg)
        page = head + begin + text + end + tail
    return page


def refresh(path: Path | str, table: FeatureTable | None = None) -> None:
    """Write the current tables into a documentation page (``docs/features.md``)."""
    table = FeatureTable.load("deeptau_v2p5") if table is None else table
    page = Path(path).read_text(encoding="utf-8")
    parts = {"functions": describe_functions(), "features": describe(table)}
    write_text(path, refreshed(page, parts))


def _block(block: FeatureBlock, eras: Sequence[str]) -> str:
    if block.collection is None:
        of = "the tau"
    else:
        of = f"`{block.collection}_` objects" + ("" if block.select is None else f" with `{block.select}`")
    rows = [_row(position, feature, eras) for position, feature in enumerate(block.features)]
    return "\n".join([f"### {block.name}", "", f"Of {of}.", "", _line(_HEADER), _line(["---"] * len(_HEADER)), *rows])


def _row(position: int, feature: Feature, eras: Sequence[str]) -> str:
    guards = {str(guard) for guard in feature.guards.values()}
    where = " ".join(f"`{guard}`" for guard in sorted(guards))
    if guards and len(feature.guards) < len(eras):
        where += f" ({', '.join(feature.guards)} only)"
    return _line(
        [
            str(position),
            f"`{feature.name}`",
            f"`{feature.value}`",
            where,
            feature.kind,
            _constants(feature.scaling),
            _limits(next(iter(feature.scaling.values()))),
            "yes" if feature.integer else "",
            f"{feature.perturbation:g}",
            feature.unit,
        ]
    )


def _constants(scaling: Mapping[str, Scaling]) -> str:
    texts = {grid: f"{constants.mean:g}, {constants.std:g}" for grid, constants in scaling.items()}
    if len(set(texts.values())) > 1:
        return "; ".join(f"{grid} {text}" for grid, text in texts.items())
    constants = next(iter(scaling.values()))
    return "" if (constants.mean, constants.std) == (0, 1) else next(iter(texts.values()))


def _limits(scaling: Scaling) -> str:
    return "" if scaling.low == float("-inf") and scaling.high == float("inf") else f"{scaling.low:g} to {scaling.high:g}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
