"""Scale factors as corrections of correctionlib (schema version 2), the form in which analyses read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import correctionlib
import correctionlib.schemav2 as schema

from TauAdv.evaluation.scale_factors.measure import ScaleFactor, ScaleFactors

__all__ = ["VARIATIONS", "correction_name", "correction_set", "correction_text"]

VARIATIONS = ("nom", "up", "down", "stat_up", "stat_down")
"""Values of the input syst; ``up`` and ``down`` are the whole uncertainty."""


def correction_name(background: str) -> str:
    """Return the name of the correction for the working points against a background."""
    return f"tau_vs_{background}"


def varied(factor: ScaleFactor, variation: str) -> float:
    """Return the scale factor of a bin that was measured, varied; a weight is never below 0."""
    measured = factor.measured
    assert measured is not None
    error = measured.factor.error if variation.startswith("stat") else measured.error
    sign = {"up": 1, "down": -1}.get(variation.rpartition("_")[2], 0)
    return max(measured.factor.value + sign * error, 0.0)


def correction_set(found: ScaleFactors) -> schema.CorrectionSet:
    """Return one correction for every background, with the inputs pt, dm, wp and syst."""
    backgrounds = dict.fromkeys(one.background for one in found.factors)
    return schema.CorrectionSet(
        schema_version=2,
        description=f"Scale factors of genuine hadronic taus, measured for {found.name} in its control region.",
        corrections=[_correction(found, background) for background in backgrounds],
    )


def correction_text(found: ScaleFactors) -> str:
    """Return the text of the file, as correctionlib itself reads it.

    Raises:
        RuntimeError: correctionlib refuses it.
    """
    text = correction_set(found).model_dump_json(exclude_unset=True, indent=1)
    correctionlib.CorrectionSet.from_string(text)
    return text + "\n"


def _correction(found: ScaleFactors, background: str) -> schema.Correction:
    factors = [one for one in found.factors if one.background == background]
    edges = found.settings.pt_edges
    modes = ", ".join(str(mode) for group in found.settings.decay_modes for mode in group)
    points = list(dict.fromkeys(one.working_point for one in factors))
    description = (
        f"Efficiency of genuine taus in data over that in simulation, working points against {background} of {found.name}. "
        f"{found.settings.explanation} Below {edges[0]:g} GeV, for another decay mode, and in bins without a measurement "
        "the evaluation is an error; the last bin of pt has no upper end. Variations end at 0."
    )
    inputs = [
        schema.Variable(name="pt", type="real", description="transverse momentum of the reconstructed tau in GeV"),
        schema.Variable(name="dm", type="int", description=f"decay mode of the reconstructed tau: {modes}"),
        schema.Variable(name="wp", type="string", description=f"working point: {', '.join(points)}"),
        schema.Variable(
            name="syst",
            type="string",
            description="nom; up, down: by the whole uncertainty; stat_up, stat_down: by the statistical one",
        ),
    ]
    output = schema.Variable(name="weight", type="real", description="weight of a genuine tau of simulation")
    by_point = [
        schema.CategoryItem(key=point, value=_of_point([one for one in factors if one.working_point == point]))
        for point in points
    ]
    return schema.Correction(
        name=correction_name(background),
        description=description,
        version=1,
        inputs=inputs,
        output=output,
        data=_category("wp", by_point),
    )


def _of_point(factors: Sequence[ScaleFactor]) -> schema.Category:
    return _category(
        "syst", [schema.CategoryItem(key=variation, value=_by_mode(factors, variation)) for variation in VARIATIONS]
    )


def _by_mode(factors: Sequence[ScaleFactor], variation: str) -> schema.Category:
    groups: dict[tuple[int, ...], list[ScaleFactor]] = {}
    for one in factors:
        groups.setdefault(one.decay_modes, []).append(one)
    items = [
        schema.CategoryItem(key=mode, value=_by_pt(bins, variation)) for modes, bins in groups.items() for mode in modes
    ]
    return _category("dm", items)


def _by_pt(bins: Sequence[ScaleFactor], variation: str) -> schema.Binning:
    content: list[Any] = [_nothing() if one.measured is None else varied(one, variation) for one in bins]
    edges: list[Any] = [*(one.pt[0] for one in bins), "inf"]
    return schema.Binning(nodetype="binning", input="pt", edges=edges, content=content, flow="error")


def _nothing() -> schema.Category:
    """Return what stands in a bin without a measurement: no category, so that every evaluation is an error."""
    return _category("syst", [])


def _category(name: str, items: Sequence[schema.CategoryItem]) -> schema.Category:
    return schema.Category(nodetype="category", input=name, content=list(items))
