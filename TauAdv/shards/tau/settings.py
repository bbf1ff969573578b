"""Settings of a set of shards, and how to take them from a training config of TauMLTools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from TauAdv.config import Overrides, Settings, load_settings, merged, read_yaml
from TauAdv.config.paths import FileName
from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.domain.contributions.control_region import NamedRegion
from TauAdv.features.table import FeatureTable
from TauAdv.shards.tau.training_config import TrainingConfig
from TauAdv.shards.tau.weights import WeightBins

__all__ = ["ShardSettings", "load_shard_settings"]

# tau types 0 to 3
_CLASSES: dict[int, str] = dict(enumerate(TAU_CLASSES))


class ShardSettings(Settings):
    """What goes into a set of shards (TauMLTools).

    Attributes:
        kind: ``classification`` (one-hot labels, spectrum weights) or ``adversarial`` (data or simulation, pT weights).
        features: name of a feature table of the library, or a YAML file.
        era: which guards of the table hold; default: its first era.
        tree: tree to read.
        tau_types_names: tau types taken -> class; default e, mu, tau, jet, and data in an adversarial set.
        DeepTauVSjet_cut: the 2017v2p1 score against jets must be above it.
        recompute_tautype: replace the stored tauType by that of the gen match; default: yes, no in an adversarial set.
        include_mismatched: keep reconstructed taus without a gen match, with an all-zero label and weight 0.
        rm_inner_from_outer: leave objects of the inner cone out of the outer grid.
        input_spectrum: file with the TH2D ``eta_pt_hist_{class}`` of the set; without it all weights are 1.
        target_spectrum: file with the ``eta_pt_hist_tau`` that all classes get.
        weight_bins: bins in which the spectra are compared.
        weight_thr: largest ratio of two spectrum weights of a class.
        empty_bins: ``refuse`` empty bins of the spectra, or ``drop``: give the taus there weight 0.
        adversarial_weights: file with one TH1D in pt per contribution; without it all weights are 1.
        allow_negative: take negative contents: of the pT weights as they are; of spectra summed into ``weight_bins``, where
            a negative sum counts as empty.
        allow_duplicates: take a file again that is given under another name, or as a copy.
        control_region: file of the control region, or its content; of tuples that do not carry on what they are made of.
        contributions: dataset_id -> name of the contribution and of its histogram; follows from the mixed tuples or from
            the control region.
        n_tau: taus per batch; only counts together with ``n_batches``.
        n_batches: take the first ``n_tau * n_batches`` taus of the inputs; default: all.
        allow_fewer: take all there are if ``n_batches`` asks for more; otherwise that is an error.
        shuffle: shuffle the taus over the whole set.
        seed: of the shuffle.
        chunk_size: taus that are read from disk together.
        compression_level: of zstd (3 gives 3 % smaller files, 20 % slower).
    """

    from_own_folder = ("control_region",)

    kind: Literal["classification", "adversarial"] = "classification"
    features: str = "deeptau_v2p5"
    era: str | None = None
    tree: str = "taus"
    tau_types_names: dict[int, str] = Field(default_factory=dict)
    DeepTauVSjet_cut: float = -1.0
    recompute_tautype: bool | None = None
    include_mismatched: bool = False
    rm_inner_from_outer: bool = False
    input_spectrum: FileName | None = None
    target_spectrum: FileName | None = None
    weight_bins: WeightBins = WeightBins()
    weight_thr: float = Field(1e5, gt=0)
    empty_bins: Literal["refuse", "drop"] = "refuse"
    adversarial_weights: FileName | None = None
    allow_negative: bool = False
    allow_duplicates: bool = False
    control_region: NamedRegion | None = None
    contributions: dict[Annotated[int, Field(ge=0)], str] | None = None
    n_tau: int = Field(100, gt=0)
    n_batches: int | None = Field(None, gt=0)
    allow_fewer: bool = False
    shuffle: bool = True
    seed: int = Field(0, ge=0)
    chunk_size: int = Field(512, gt=0)
    compression_level: int = Field(1, ge=1, le=19)

    @model_validator(mode="after")
    def _complete(self) -> ShardSettings:
        if (self.input_spectrum is None) != (self.target_spectrum is None):
            msg = "input_spectrum and target_spectrum: give both, or neither (weights of 1)"
            raise ValueError(msg)
        if self.kind == "adversarial" and self.input_spectrum is not None:
            msg = "input_spectrum: an adversarial set has pT weights; give adversarial_weights instead"
            raise ValueError(msg)
        if self.kind == "classification" and self.adversarial_weights is not None:
            msg = "adversarial_weights: a classification set has spectrum weights; give input_spectrum and target_spectrum"
            raise ValueError(msg)
        unknown = sorted(set(self.types.values()) - set(TAU_CLASSES))
        if self.kind == "classification" and unknown:
            msg = f"tau_types_names: expected classes {', '.join(TAU_CLASSES)}, received {', '.join(unknown)}"
            raise ValueError(msg)
        return self

    @property
    def types(self) -> dict[int, str]:
        """Tau types taken -> class, with the default of the kind."""
        if self.tau_types_names:
            return self.tau_types_names
        return _CLASSES if self.kind == "classification" else {**_CLASSES, 8: "data"}

    @property
    def recompute(self) -> bool:
        """Whether tauType is recomputed, with the default of the kind."""
        return self.kind == "classification" if self.recompute_tautype is None else self.recompute_tautype

    @property
    def weight_files(self) -> list[Path]:
        """Files with histograms that the weights come from."""
        return [Path(name) for name in (self.input_spectrum, self.target_spectrum, self.adversarial_weights) if name]

    @property
    def max_taus(self) -> int | None:
        """Number of taus to take, ``None`` for all."""
        return None if self.n_batches is None else self.n_batches * self.n_tau


def load_shard_settings(
    config: Path | str | None = None, overrides: Overrides = (), *, training_cfg: Path | str | None = None
) -> tuple[ShardSettings, str | None]:
    """Return the settings, and the input folder that a training config of TauMLTools names.

    Args:
        config: YAML file of :class:`ShardSettings`.
        overrides: ``key=value`` strings, or a mapping; they win over both files.
        training_cfg: training config of TauMLTools; what its group ``Setup`` says about the choice of taus and their weights
            wins over ``config`` (:meth:`TrainingConfig.settings`). The kind is adversarial unless said otherwise.

    Raises:
        ConfigError: if a setting is not accepted, or the training config has no ``Setup``, unknown keys, or describes other
            inputs than the feature table of the settings makes.
    """
    if training_cfg is None:
        return load_settings(ShardSettings, config, overrides), None
    training = TrainingConfig.read(training_cfg)
    given = merged(overrides)
    of_config = {} if config is None else read_yaml(config)
    kind = str(given.get("kind", of_config.get("kind", "adversarial")))
    settings = load_settings(ShardSettings, config, {"kind": kind, **training.settings(kind), **given})
    training.require_agreement(FeatureTable.load(settings.features))
    return settings, training.input_dir
