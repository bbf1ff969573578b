"""What the dataset ids of an adversarial set of taus stand for: found when it is made, carried on in its manifest."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from TauAdv.domain.contributions.agreement import Statement, decisive, of_file, of_manifest, require_agreement, resolve
from TauAdv.domain.contributions.contribution import NamedContribution
from TauAdv.errors import InputError, InputWarning
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.tuples.matching import TauType

__all__ = ["check_kinds", "contributions_in", "decisive_settings", "set_contributions"]

_GENUINE = (TauType.TAU, TauType.EMB_TAU)
#: A contribution is what it is called if at least this share of its taus is.
_MOST = 0.9


def set_contributions(files: Sequence[Path], settings: ShardSettings) -> Statement:
    """Return what the tuples of an adversarial set are made of: by their manifests and by the settings.

    Raises:
        InputError: if nothing says it; if tuples, settings or the file of the weights disagree.
    """
    region = settings.control_region
    given = [None if region is None else region.statement, _named(settings.contributions, "'contributions' of the settings")]
    statement = resolve(files, given)
    if settings.adversarial_weights is not None and (weights := of_file(settings.adversarial_weights)) is not None:
        require_agreement([statement, weights], "Make the pT weights of tuples of the same control region.")
    return statement


def _named(names: Mapping[int, str] | None, source: str) -> Statement | None:
    """Return the statement of names by dataset id; data are called so."""
    if not names:
        return None
    entries = [NamedContribution(name=name, dataset_id=int(number), data=name == "data") for number, name in names.items()]
    return Statement(source, entries)


def decisive_settings(settings: ShardSettings, statement: Statement | None) -> dict[str, Any]:
    """Return the settings that decide the content of a set, and the meaning of its dataset ids."""
    content = settings.model_dump(mode="json", exclude={"control_region"})
    return content if statement is None else content | decisive(statement.contributions)


def contributions_in(manifest: Mapping[str, Any], source: object) -> Statement | None:
    """Return what the manifest of a set says of its contributions; old sets say their names only.

    Raises:
        InputError: if what it says is damaged.
    """
    statement = of_manifest(manifest, str(source))
    return statement or _named(manifest.get("settings", {}).get("contributions"), str(source))


def check_kinds(statement: Statement, dataset_id: ArrayLike, tau_type: ArrayLike) -> None:
    """Compare what contributions are called with the tau types of their rows; warns where they are mixtures.

    Args:
        statement: what they are called.
        dataset_id: of all rows [n].
        tau_type: of all rows [n].

    Raises:
        InputError: if a contribution of genuine taus has none, or one of simulation is data.
    """
    number, kind = np.asarray(dataset_id), np.asarray(tau_type)
    for entry in statement.contributions:
        rows = kind[number == entry.dataset_id]
        if entry.genuine is None or entry.data or not rows.size:
            continue
        share = float(np.isin(rows, _GENUINE).mean())
        text = (
            f"{entry.name} (dataset_id {entry.dataset_id}): {share:.1%} of its {rows.size} taus are genuine by their tauType"
        )
        if entry.genuine and share == 0:
            msg = f"{text}, but {statement.source} calls it genuine"
            raise InputError(msg)
        if (entry.genuine and share < _MOST) or (not entry.genuine and share >= _MOST):
            said = "genuine" if entry.genuine else "not genuine"
            warnings.warn(f"{text}; {statement.source} calls it {said}", InputWarning, stacklevel=2)
