"""Settings of trainings of jets (``tauadv train``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from TauAdv.config import load_settings, read_yaml
from TauAdv.errors import ConfigError
from TauAdv.models.jet_flavour.settings import JetLossSettings
from TauAdv.runs import find_run
from TauAdv.taggers.jet_flavour import JET_FLAVOUR
from TauAdv.training.settings.attack import TrainingAttack
from TauAdv.training.settings.common import DomainSettings, TrainingSettings
from TauAdv.training.settings.numbers import Count, Rate
from TauAdv.training.settings.schedules import LearningRateSchedule
from TauAdv.training.settings.taus import settings_file, settings_of_run

__all__ = ["JetDomainSettings", "JetSettings", "jet_settings", "jet_settings_of_run"]


class JetSettings(TrainingSettings):
    """What the trainings of jets have in common: settings of :class:`TrainingSettings`, and these.

    The defaults are those of arXiv:2203.13890.

    Attributes:
        method: ``nominal``; ``adversarial``: against ``attack``; ``domain``: see :class:`JetDomainSettings`.
        batch_size: class rows per batch.
        n_jets: jets of the training set to use; ``null``: all.
        use_weights: whether the sample weights of the shards count.
        loss: cross entropy or focal loss, and its parameters.
        weight_average: decay per step of an exponential moving average of the weights. With these averages, epochs are
            validated and kept; the training itself continues with the weights. ``null``: no average.
    """

    rows = JET_FLAVOUR.rows
    class_size_key = "batch_size"

    tagger: str = JET_FLAVOUR.name
    method: Literal["nominal", "adversarial", "domain"] = "nominal"
    batch_size: Count = 65_536
    n_jets: Count | None = None
    use_weights: bool = True
    loss: JetLossSettings = JetLossSettings()
    optimizer: Literal["nadam", "adam"] = "adam"
    learning_rate: Rate = 1e-4
    learning_rate_schedule: LearningRateSchedule = LearningRateSchedule(kind="inverse")
    experiment: str = "jet flavour"
    weight_average: Annotated[float, Field(gt=0, lt=1)] | None = None

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        yield from super().contradictions()
        if self.method == "adversarial" and self.attack is None:
            yield ("method", "attack"), "method 'adversarial' needs an attack, such as attack: {kind: fgsm, eps: 0.01}"
        if self.method == "domain" and not isinstance(self, DomainSettings):
            yield ("method",), "method 'domain' has settings of its own: make them with jet_settings or JetDomainSettings"

        if self.weight_average is not None and (self.devices != "one" or self.method == "domain"):
            message = "weight_average: on one device only, and not with method 'domain'"
            yield ("weight_average", "devices", "method"), message

    @property
    def n_rows(self) -> int | None:
        """Jets of the training set to use; ``None``: all."""
        return self.n_jets

    @property
    def average_decay(self) -> float | None:
        """Decay per step of a moving average of the weights; ``None``: none is kept."""
        return self.weight_average

    @property
    def acting_attack(self) -> TrainingAttack | None:
        """The attack that is trained against; ``None`` in a nominal training."""
        return None if self.method == "nominal" else super().acting_attack


class JetDomainSettings(JetSettings, DomainSettings):
    """Settings of ``method: domain``: gradient reversal between the jets of two detectors, and an attack if one is given.

    Attributes:
        adv_batch_size: adversarial rows per batch.
    """

    adversary_size_key = "adv_batch_size"

    method: Literal["domain"] = "domain"
    adv_batch_size: Count = 65_536


def jet_settings(path: Path | str | None = None, overrides: Iterable[str] | Mapping[str, Any] = ()) -> JetSettings:
    """Return validated settings of a training of jets, of the class that ``method`` asks for.

    Args:
        path: YAML file.
        overrides: ``"key=value"`` strings, or a mapping.

    Raises:
        ConfigError: lists every unknown key, wrong type and bad value.
    """
    given = dict(overrides) if isinstance(overrides, Mapping) else None
    texts = [] if isinstance(overrides, Mapping) else list(overrides)
    return load_settings(_class_of(_method(path, given or texts)), path, given if given is not None else texts)


def jet_settings_of_run(mlpath: Path | str, run_id: str, overrides: Iterable[str] = ()) -> JetSettings:
    """Return the settings that a run was started with, to resume it.

    Raises:
        InputError: if there is no such run.
        ConfigError: if an override would change the steps, or the run is not a training of jets.
    """
    file = settings_file(find_run(mlpath, run_id))
    if "method" not in read_yaml(file):
        msg = f"run {run_id} is not a training of jets; resume it with the script that started it, or with tauadv resume"
        raise ConfigError(msg)
    return settings_of_run(_class_of(_method(file, ())), mlpath, run_id, overrides)


def _method(path: Path | str | None, overrides: Mapping[str, Any] | Iterable[str]) -> Any:
    """Return the method that a file and its overrides name; whether it is a good one is for the settings to say."""
    found = None if path is None else read_yaml(path).get("method")
    if isinstance(overrides, Mapping):
        return overrides.get("method") or found
    for key, separator, value in (text.partition("=") for text in overrides):
        found = value.strip() if separator and key.strip() == "method" else found
    return found


def _class_of(method: Any) -> type[JetSettings]:
    return JetDomainSettings if method == "domain" else JetSettings
