"""All settings of the recorded cases, in the form that this commit reads; paths are relative to the folder of the workspace.

``<run of NAME>`` stands for the identifier of the run that the case NAME made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["ADVERSARIAL_SCRIPT", "CLASSIFIER_SCRIPT", "COMPARISON", "JETS_SCRIPT", "ROBUSTNESS", "TRAININGS"]

CLASSIFIER_SCRIPT = "Training/train_classifier.py"
ADVERSARIAL_SCRIPT = "Training/train_adversarial.py"
JETS_SCRIPT = "Training/train_jet_tagger.py"

_GROUPS = {
    "model": "network pretrained use_previous_opt precision loss batch_norm grid_mode",
    "data": "shards validation_shards validation_fraction validation_attack shuffle adv_shards adv_validation_shards n_tau "
    "n_adv_tau batch_size adv_batch_size use_weights",
    "method": "adv_parameter k2_schedule adv_learning_rate adv_head_steps",
    "schedule": "n_epochs n_batches optimizer learning_rate learning_rate_schedule clip_norm early_stopping devices "
    "weight_average",
    "output": "mlruns log_steps gradient_steps system_metrics",
}
_PLACES = {"method": "method.kind"} | {key: f"{group}.{key}" for group, keys in _GROUPS.items() for key in keys.split()}

_EVERY = {"mlruns": "mlruns", "seed": 7, "n_epochs": 2, "log_steps": 1, "system_metrics": False}
_TAUS = {
    **_EVERY,
    "shards": "in/classification",
    "network": "in/network.yaml",
    "n_batches": 2,
    "n_tau": 32,
    "learning_rate": 0.003,
}
_ADVERSARIAL = {
    **_TAUS,
    "adv_shards": "in/adversarial",
    "n_adv_tau": 24,
    "adv_parameter": [1, 3],
    "adv_learning_rate": 0.01,
    "gradient_steps": 0,
}
_JETS = {
    **_EVERY,
    "shards": "in/prepared/train",
    "validation_shards": "in/prepared/val",
    "network": "in/jet_network.yaml",
    "n_batches": 4,
    "batch_size": 256,
    "learning_rate": 0.003,
}
_DOMAIN = {
    **_JETS,
    "method": "reversal",
    "adv_shards": "in/domains/train",
    "adv_validation_shards": "in/domains/val",
    "adv_batch_size": 128,
    "adv_learning_rate": 0.01,
    "adv_parameter": [1, 3],
}


def _attacked(**attack: Any) -> dict[str, Any]:
    return {**_JETS, "attack": attack}


_TRAININGS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "tau-classifier": (
        CLASSIFIER_SCRIPT,
        {
            **_TAUS,
            "validation_fraction": 0.3,
            "gradient_steps": 0,
            "learning_rate_schedule": {"kind": "cosine", "warmup_steps": 1},
            "early_stopping": {"metric": "val_loss", "patience": 2},
        },
    ),
    "tau-dense": (
        CLASSIFIER_SCRIPT,
        {
            **_TAUS,
            "n_tau": 16,
            "grid_mode": "dense",
            "optimizer": "adam",
            "clip_norm": 1.0,
            "shuffle": False,
            "gradient_steps": 0,
            "learning_rate_schedule": {"kind": "epoch", "decay": 0.5},
        },
    ),
    "tau-fgsm": (
        CLASSIFIER_SCRIPT,
        {
            **_TAUS,
            "gradient_steps": 0,
            "validation_fraction": 0.3,
            "attack": {"kind": "fgsm", "eps": 0.05, "fraction": 0.5},
            "validation_attack": {"kind": "fgsm", "eps": 0.05},
        },
    ),
    "tau-adversarial": (ADVERSARIAL_SCRIPT, {**_ADVERSARIAL, "validation_fraction": 0.3, "gradient_steps": 2}),
    "tau-k2-schedule": (
        ADVERSARIAL_SCRIPT,
        {
            **_ADVERSARIAL,
            "k2_schedule": {"kind": "dann"},
            "batch_norm": "frozen",
            "pretrained": {"run_id": "<run of tau-classifier>", "mlpath": "mlruns"},
            "use_previous_opt": True,
        },
    ),
    "tau-head-steps": (
        ADVERSARIAL_SCRIPT,
        {**_ADVERSARIAL, "adv_head_steps": 3, "k2_schedule": {"kind": "linear", "steps": 3}},
    ),
    "tau-attacked-adversarial": (
        ADVERSARIAL_SCRIPT,
        {**_ADVERSARIAL, "attack": {"kind": "pgd", "eps": 0.05, "steps": 2, "trades_beta": 2.0}},
    ),
    "tau-bfloat16": (ADVERSARIAL_SCRIPT, {**_ADVERSARIAL, "precision": "mixed_bfloat16"}),
    "tau-two-devices": (ADVERSARIAL_SCRIPT, {**_ADVERSARIAL, "devices": "mirrored"}),
    "jet-nominal": (
        JETS_SCRIPT,
        {
            **_JETS,
            "loss": {"kind": "focal", "gamma": 2, "alpha": [1, 1.5, 1]},
            "weight_average": 0.5,
            "optimizer": "nadam",
            "validation_attack": {"kind": "fgsm", "eps": 0.05},
            "early_stopping": {"metric": "val_attacked_auc_b_vs_light", "patience": 2},
        },
    ),
    "jet-paper": (
        JETS_SCRIPT,
        {**_JETS, "loss": {"kind": "focal", "gamma": 25, "paper_compatible": True}, "use_weights": False},
    ),
    "jet-fgsm": (JETS_SCRIPT, _attacked(kind="fgsm", eps=0.05, training=True, relative_cap=0.2, warmup_epochs=1)),
    "jet-resolution": (
        JETS_SCRIPT,
        _attacked(kind="fgsm", eps={"track_*_D0": 0.5, "track_*_Z0": 0.5}, unit="resolution", recompute=True),
    ),
    "jet-pgd": (JETS_SCRIPT, _attacked(kind="pgd", eps=0.05, steps=3, restarts=2, strength="uniform", fraction=0.5)),
    "jet-trades": (JETS_SCRIPT, _attacked(kind="pgd", eps=0.05, steps=3, trades_beta=3.0)),
    "jet-noise": (JETS_SCRIPT, _attacked(kind="noise", eps=0.1)),
    "jet-domain": (JETS_SCRIPT, {**_DOMAIN, "k2_schedule": {"kind": "dann"}}),
    "jet-attacked-domain": (JETS_SCRIPT, {**_DOMAIN, "adv_head_steps": 2, "attack": {"kind": "fgsm", "eps": 0.05}}),
    "jet-resumed": (JETS_SCRIPT, {**_DOMAIN, "n_epochs": 1}),
    "jet-bfloat16": (JETS_SCRIPT, {**_JETS, "precision": "mixed_bfloat16"}),
    "jet-two-devices": (JETS_SCRIPT, {**_attacked(kind="pgd", eps=0.05, steps=2), "devices": "mirrored"}),
}


def _grouped(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in their groups."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        group, _, name = _PLACES.get(key, key).rpartition(".")
        (found.setdefault(group, {}) if group else found)[name] = value
    return found


#: name of the case -> script and settings of the training
TRAININGS = {name: (script, _grouped(settings)) for name, (script, settings) in _TRAININGS.items()}

#: of Evaluation/compare_runs.py
COMPARISON = ["head_folds=2", "folds=2", "bootstrap=3", "bins=5"]
#: of Evaluation/evaluate_robustness.py, by tagger
_STUDY = ["bootstrap=3", "eps=[0,0.1]", "disturbances.PGD.steps=3", "bins=10", "rows=300", "scan_rows=100", "shapes=[FGSM]"]
ROBUSTNESS: Mapping[str, list[str]] = {
    "tau": [*_STUDY, "discriminators=[tau_vs_jet]", "--parts", "roc", "confusion", "transfer"],
    "jet": [*_STUDY, "discriminators=[BvsL]", "input_variables=[jet_pt,track_0_D0]"],
}
