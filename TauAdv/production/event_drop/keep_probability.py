"""How likely the event drop keeps a tau: the target spectrum over the observed one, scaled to at most 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from TauAdv.errors import InputError
from TauAdv.production.spectrum import FloatArray, Spectrum
from TauAdv.tuples.axes import Axis, find_bins
from TauAdv.tuples.weights import check_contents

__all__ = ["KeepTable", "MaximumRule", "check_target", "keep_table"]

MaximumRule = Literal["max", "robust"]


@dataclass(frozen=True)
class KeepTable:
    """The decision of the event drop in every bin of pt (arrays with under- and overflow).

    Attributes:
        observed: spectrum of the input file.
        target: wanted spectrum, same bins.
        ratio: target / observed, 0 where nothing was observed.
        keep_probability: ratio over its scale; above 1 only where the robust rule passed over a bin.
        maximum_bin: bin whose ratio is the scale.
        without_ratio: bins with taus whose event weights sum to 0 or less: they keep all their taus if the target is above
            0 there.
    """

    observed: Spectrum
    target: Spectrum
    ratio: FloatArray
    keep_probability: FloatArray
    maximum_bin: int
    without_ratio: npt.NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))

    def keep(self, tau_pt: npt.ArrayLike, uniforms: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return which taus stay: those whose uniform number is at most the keep probability of their bin.

        Args:
            tau_pt: transverse momenta in GeV.
            uniforms: one number in [0, 1) a tau.

        Raises:
            InputError: if the two lengths differ.
        """
        pt, numbers = np.asarray(tau_pt), np.asarray(uniforms)
        if pt.shape != numbers.shape:
            msg = f"expected one uniform number a tau: {pt.size}; received {numbers.size}"
            raise InputError(msg)
        probability = self.keep_probability[find_bins(pt, self.observed.edges)]
        return (numbers <= probability) & (probability > 0)  # ROOT draws no 0, numpy may

    def as_manifest(self) -> dict[str, Any]:
        """Return what the manifest records of the table."""
        return {
            "edges": self.observed.edges,
            "observed": self.observed.contents,
            "target": self.target.contents,
            "ratio": self.ratio,
            "keep_probability": self.keep_probability,
            "maximum_bin": self.maximum_bin,
            "capped_bins": np.flatnonzero(self.keep_probability > 1),
            "bins_without_ratio": self.without_ratio,
            "negative_target_bins": np.flatnonzero(self.target.contents < 0),
            "target_without_observed": self.target.contents[self.observed.contents == 0].sum(),
        }


def check_target(target: Spectrum, name: str) -> None:
    """Refuse a target that cannot steer the drop.

    Raises:
        InputError: if no bin in range is above 0.
    """
    if not (target.in_range > 0).any():
        msg = f"{name}: no bin between {target.edges[0]:g} and {target.edges[-1]:g} GeV is above 0; nothing would be kept"
        raise InputError(msg)


def keep_table(
    observed: Spectrum,
    target: Spectrum,
    *,
    maximum: MaximumRule = "max",
    max_relative_error: float = 0.2,
    taus: FloatArray | None = None,
    allow_negative: bool = False,
) -> KeepTable:
    """Return the keep probabilities (TauMLTools).

    The scale is the largest ratio of the bins in range (``maximum="max"``), or of those bins whose ratio has a relative
    statistical error of at most ``max_relative_error`` (``"robust"``): one bin with few taus then no longer decides how
    many are dropped everywhere. A bin that was passed over and has a larger ratio keeps all its taus.

    A negative target counts as 0. Event weights of a bin can sum to 0 or less: there is no ratio then, and with
    ``allow_negative`` the bin keeps all its taus if the target is above 0.

    Args:
        observed: spectrum of the input file.
        target: wanted spectrum, same bins.
        maximum: rule of the scale.
        max_relative_error: of the rule ``"robust"``.
        taus: number of taus in every bin, if ``observed`` is a sum of event weights.
        allow_negative: keep the taus of bins whose event weights sum to 0 or less, instead of refusing them.

    Raises:
        InputError: if no bin has both observed taus and a target above 0, or none is precise enough for ``"robust"``, or
            the event weights of a bin sum to 0 or less, or the target is not finite.
    """
    check_contents(target.as_histogram("target"), allow_negative=True)
    seen, wanted = observed.contents > 0, np.maximum(target.contents, 0)
    filled = (observed.contents if taus is None else taus) > 0
    unclear = np.flatnonzero(filled & ~seen & (wanted > 0))
    if unclear.size and not allow_negative:
        raise InputError(_without_ratio(observed, unclear))
    ratio = np.zeros(observed.contents.size)
    ratio[seen] = wanted[seen] / observed.contents[seen]
    usable = ratio[1:-1] > 0
    if not usable.any():
        msg = (
            f"no bin between {observed.edges[0]:g} and {observed.edges[-1]:g} GeV has both taus in the input "
            f"({observed.in_range.tolist()}) and a target above 0 ({target.in_range.tolist()})"
        )
        raise InputError(msg)
    if maximum == "robust":
        error = np.hypot(observed.relative_error, target.relative_error)[1:-1]
        precise = usable & (error <= max_relative_error)
        if not precise.any():
            msg = (
                f"no bin of the ratio has a relative error of at most {max_relative_error:g} (smallest: "
                f"{error[usable].min():.3g}); allow a larger one, or use the plain maximum"
            )
            raise InputError(msg)
        usable = precise
    maximum_bin = 1 + int(np.argmax(np.where(usable, ratio[1:-1], -np.inf)))
    # multiplied by the reciprocal, as the reference does: a division differs in the last bit
    probability = ratio * (1.0 / ratio[maximum_bin])
    probability[unclear] = 1
    return KeepTable(observed, target, ratio, probability, maximum_bin, unclear)


def _without_ratio(observed: Spectrum, bins: npt.NDArray[np.intp]) -> str:
    axis = Axis.variable(observed.edges)
    shown = "; ".join(f"{axis.bin_name(number)}: {observed.contents[number]:.6g}" for number in bins.tolist())
    return (
        f"bins with taus whose event weights sum to 0 or less, so that target / observed has no value: {shown}; use wider "
        "bins or other weights, or keep all taus of these bins with --allow-negative (allow_negative: true)"
    )
