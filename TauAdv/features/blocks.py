"""Features and blocks: the parsed rows of a feature table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from TauAdv.features.expressions import Expression
from TauAdv.features.rows import Kind

__all__ = ["Feature", "FeatureBlock", "Scaling"]


@dataclass(frozen=True)
class Scaling:
    """Scaled value = clip((x - mean) / std, low, high), in float32."""

    mean: float
    std: float
    low: float
    high: float


@dataclass(frozen=True)
class Feature:
    """One feature.

    Attributes:
        block, name: together unique; ``key`` is the name without the block's prefix.
        value: expression over branches.
        guards: era -> expression that says where the value is valid (absent: everywhere).
        kind: linear, normal, categorical or no_scaling.
        scaling: grid name -> constants (the same in every grid for a feature of the tau).
        default: what an invalid value becomes, in scaled units.
        integer: a count, code or flag.
        perturbation: size of a small change in scaled units; 0: never to be changed.
        label, unit, range: for plots.
        follows: key of the feature, of the same block, of which this one is |value| / error; it changes with that one.
    """

    block: str
    name: str
    key: str
    value: Expression
    guards: Mapping[str, Expression]
    kind: Kind
    scaling: Mapping[str, Scaling]
    default: float
    integer: bool
    perturbation: float
    label: str
    unit: str
    range: tuple[float, float] | None
    follows: str | None = None

    @property
    def path(self) -> str:
        """FeatureBlock/name: unique in a table."""
        return f"{self.block}/{self.name}"

    @property
    def names(self) -> set[str]:
        """Branches that the feature reads."""
        return self.value.names.union(*(guard.names for guard in self.guards.values()))


@dataclass(frozen=True)
class FeatureBlock:
    """The features of one kind of object.

    Attributes:
        name: of the block.
        collection: prefix of the object's branches; ``None``: the tau itself.
        select: picks the objects of the collection; ``None``: all.
        features: in the order of the tensors.
    """

    name: str
    collection: str | None
    select: Expression | None
    features: tuple[Feature, ...]

    def __len__(self) -> int:
        return len(self.features)

    @property
    def names(self) -> set[str]:
        """Branches that the block reads, the geometry of its objects included."""
        own = set() if self.select is None else self.select.names
        if self.collection is not None:
            own |= {f"{self.collection}_{part}" for part in ("pt", "eta", "phi")}
        return own.union(*(feature.names for feature in self.features))
