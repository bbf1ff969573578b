"""What the configurations of all attacks have in common, in a module that needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import new_class
from typing import Annotated, Any, ClassVar, Literal

from pydantic import PlainValidator

from TauAdv.attacks.registry import DEFAULT_KIND, attack_class, attack_kinds
from TauAdv.config import KindSettings, refused_kind
from TauAdv.config.quantities import NotNegative
from TauAdv.config.scalars import Written, core_value
from TauAdv.errors import ConfigError

__all__ = ["AttackSettings", "CovarianceRule", "Unit"]

Unit = Literal["spread", "resolution"]
CovarianceRule = Literal["ignore", "check", "project"]


def _refuse_kind(value: Any) -> str:
    """Refuse a kind that no attack has; those that one has become settings of that attack's class."""
    raise refused_kind(attack_kinds())


class AttackSettings(KindSettings):
    """Which attack, how strong, and within which limits: what all attacks have, and the base of each.

    Settings with a ``kind`` become those of that kind's class, which adds its own options:
    ``AttackSettings(kind="pgd", steps=3)`` is a :class:`TauAdv.attacks.pgd.Pgd`. So do the settings of a subclass such as
    ``TrainingAttack``, which then have its options as well.

    Attributes:
        needs_gradient: whether the attack looks at the objective: its inputs then differ from model to model (no setting: it
            belongs to the class).
        kind: which attack.
        eps: strength, in ``unit``: a number for all columns, or names and patterns -> number; the last that fits a column
            counts, and columns that none fits stay.
        unit: ``spread`` of a feature, or ``resolution`` of its measurement.
        training: whether dropout acts while the attack is made (in code: whoever makes the objective passes it on).
        protect: ``false``: integers, defaults, ranges and all else move, too.
        ranges: whether values stay within the ranges that the feature table allows (the original jet code knows none).
        relative_cap: largest |change| / |value| in physical units; 0: no cap.
        recompute: whether significances follow their values.
        groups: title -> names or patterns of columns that make one common step (``-`` in front: the other way round).
        frozen: names or patterns of columns that do not move.
        covariance: ``ignore``, ``check`` or ``project`` matrices that become non-positive.
    """

    needs_gradient: ClassVar[bool] = True

    kind: Annotated[str, PlainValidator(_refuse_kind)] = DEFAULT_KIND
    eps: NotNegative | dict[str, NotNegative] = 0.01
    unit: Unit = "spread"
    training: bool = False
    protect: bool = True
    ranges: bool = True
    relative_cap: NotNegative = 0.0
    recompute: bool = False
    groups: dict[str, tuple[str, ...]] = {}
    frozen: tuple[str, ...] = ()
    covariance: CovarianceRule = "ignore"

    def attacked(self, target: Any) -> Any:
        """Return the attacked batch, in a way of its own: what an attack's class adds. It is part of a compiled function.

        Args:
            target: the batch, its limits and the objective, a :class:`TauAdv.attacks.target.Target`.
        """
        raise NotImplementedError

    @property
    def color(self) -> str | None:
        """Colour in plots; ``None``: any that is free."""
        return None

    @property
    def acts(self) -> bool:
        """Whether anything is moved at all."""
        return (max(self.eps.values(), default=0.0) if isinstance(self.eps, Mapping) else self.eps) > 0

    @property
    def starts_at_clean_inputs(self) -> bool:
        """Whether the first gradient is that at the clean inputs, where a divergence from them has no slope."""
        return self.needs_gradient

    @classmethod
    def kinds(cls) -> list[str]:
        """Return the kinds of all attacks."""
        return attack_kinds()

    @classmethod
    def class_of_kind(cls, kind: str) -> Any:
        """Return the class of the attacks of a kind."""
        return _class_of(cls, kind)

    @classmethod
    def elsewhere(cls, key: str) -> str | None:
        """Return which attacks have an option."""
        owners = [kind for kind in attack_kinds() if key in attack_class(kind).model_fields]
        return f"it belongs to attacks of kind {' or '.join(owners)}" if owners else None

    @classmethod
    def own_part(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return a content without defaults of other attacks' options."""
        return {key: value for key, value in content.items() if not cls._is_default_elsewhere(str(key), value)}

    @classmethod
    def _is_default_elsewhere(cls, key: str, value: Any) -> bool:
        """Return whether a value is the default of another attack's option: files of before hold the options of all."""
        if key in cls.model_fields:
            return False
        if variants := cls.variants():
            return any(
                key in attack.model_fields for attack in variants.values()
            )  # which attack is meant is not known: neither is whether it has the option
        meant = core_value(str(value)) if isinstance(value, Written) else value
        fields = (attack_class(kind).model_fields.get(key) for kind in attack_kinds())
        return any(field is not None and field.default == meant for field in fields)


@cache
def _class_of(family: type[Any], kind: str) -> Any:
    """Return the class of the attacks of a kind, with the further settings of a subclass of :class:`AttackSettings`."""
    attack = attack_class(kind)
    if family is AttackSettings:
        return attack
    common = set(AttackSettings.model_fields)
    if twice := sorted((set(family.model_fields) - common) & set(attack.model_fields)):
        msg = f"attack '{kind}': its option '{twice[0]}' has the name of one of {family.__name__}; rename it"
        raise ConfigError(msg)
    return new_class(
        f"{family.__name__}_{kind}", (attack, family), exec_body=lambda names: names.update(__doc__=family.__doc__)
    )
