"""Settings of the preparation of jets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from TauAdv.config import Settings
from TauAdv.jets.sample_weights import Weighting
from TauAdv.jets.splitting import SETS

__all__ = ["JetPreparationSettings"]

_FRACTIONS = {"train": 0.72, "val": 0.08, "test": 0.20}


class JetPreparationSettings(Settings):
    """Everything that decides the content of prepared jets (arXiv:2203.13890).

    Attributes:
        kind: ``classification`` (labels b, c, udsg) or ``adversarial`` (1 for jets of the shifted detector, 0 for nominal).
        weighting: equal (eta, pt) spectra of all flavours, in 50 x 50 bins or in 50 x 32 wider ones, or no weights.
        jets: jets to take at random from each input; default: all.
        n_tracks: tracks whose variables are inputs; default: 6, or as many as ``scalers_from`` has.
        fractions: expected fractions of the sets; a set of fraction 0 is not made.
        seed: of the split, of the choice of ``jets`` and of the shuffle.
        defaults: computed from the training jets, or the published ones.
        scalers: computed from the training jets, or the published ones.
        scalers_from: folder of prepared jets whose defaults and scalers are taken instead.
        defaults_to_zero: scale defaults to 0.
        allow_duplicates: take an input again that is given under another name, or as a copy.
        chunk_size: jets that are read from disk together.
        compression_level: of zstd (1 to 19); default: not compressed, the fastest to read.
    """

    kind: Literal["classification", "adversarial"] = "classification"
    weighting: Weighting = "ptetaflavloss"
    jets: int | None = Field(default=None, gt=0)
    n_tracks: int | None = Field(default=None, ge=1)
    fractions: dict[str, float] = _FRACTIONS
    seed: int = Field(default=0, ge=0)
    defaults: Literal["computed", "published"] = "computed"
    scalers: Literal["computed", "published"] = "computed"
    scalers_from: Path | None = None
    defaults_to_zero: bool = False
    allow_duplicates: bool = False
    chunk_size: int = Field(default=2048, gt=0)
    compression_level: int | None = Field(default=None, ge=1, le=19)

    @field_validator("fractions")
    @classmethod
    def _complete(cls, fractions: dict[str, float]) -> dict[str, float]:
        if unknown := set(fractions) - set(SETS):
            msg = f"expected fractions of {', '.join(SETS)}; received one of {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        whole = {name: fractions.get(name, 0.0) for name in SETS}
        if min(whole.values()) < 0 or abs(sum(whole.values()) - 1) > 1e-9:
            msg = f"expected fractions that are not negative and add up to 1, received {fractions}"
            raise ValueError(msg)
        return whole

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together."""
        if self.kind == "adversarial" and self.scalers_from is None:
            text = "an adversarial set is read by the network of a classification set: give the folder of that one"
            yield ("kind", "scalers_from"), f"scalers_from: {text}"
        if self.scalers_from is not None:
            for name in ("defaults", "scalers"):
                if getattr(self, name) == "published":
                    yield (name, "scalers_from"), f"{name}: published, or those of scalers_from; not both"
            if self.defaults_to_zero:
                text = "follows from scalers_from; leave it out"
                yield ("defaults_to_zero", "scalers_from"), f"defaults_to_zero: {text}"
        needs_training = self.weighting != "noweighting" or (self.scalers_from is None and not self._published)
        if self.fractions["train"] == 0 and needs_training:
            text = (
                "0 leaves no jets to compute weights, defaults and scalers from; use weighting=noweighting and scalers_from"
            )
            yield ("fractions", "weighting", "scalers_from"), f"fractions.train: {text}"

    @property
    def _published(self) -> bool:
        return self.defaults == self.scalers == "published"

    def input_paths(self) -> dict[str, Path]:
        """Return the folder of the scalers, if given."""
        return {} if self.scalers_from is None else {"scalers_from": self.scalers_from}

    @property
    def expected_fractions(self) -> list[float]:
        """Expected fractions of training, validation and test set."""
        return [self.fractions[name] for name in SETS]

    @property
    def sets(self) -> list[str]:
        """Names of the sets that are made."""
        return [name for name in SETS if self.fractions[name] > 0]
