"""Where everything of a run lies: paths within its artifacts, ``mlruns/<experiment id>/<run id>/artifacts``."""

from __future__ import annotations

__all__ = [
    "CHANGES",
    "CHECKPOINTS",
    "COMPARISON",
    "CONFIGURATION",
    "FEATURES",
    "INPUTS",
    "METRICS",
    "MODEL",
    "NETWORK",
    "PERFORMANCE",
    "PREDICTIONS",
    "PRETRAINED",
    "SCALE_FACTORS",
    "SHARDS",
    "STEP_METRICS",
    "SWEEP",
    "SWEEP_RESULTS",
    "TRAINING",
    "WORKING_POINTS",
    "epoch_file",
]

CONFIGURATION = "input_cfg"
TRAINING = f"{CONFIGURATION}/training.yaml"
SWEEP = f"{CONFIGURATION}/sweep.json"
SWEEP_RESULTS = "results"
NETWORK = f"{CONFIGURATION}/network.yaml"
FEATURES = f"{CONFIGURATION}/features.yaml"
INPUTS = f"{CONFIGURATION}/inputs.json"
METRICS = f"{CONFIGURATION}/metrics.json"
CHANGES = f"{CONFIGURATION}/git_changes.txt"
PRETRAINED = f"{CONFIGURATION}/pretrained.txt"
SHARDS = f"{CONFIGURATION}/shards"
MODEL = "model/model.keras"
CHECKPOINTS = "model_checkpoints"
PREDICTIONS = "predictions"
COMPARISON = "comparison"
WORKING_POINTS = "working_points.json"
PERFORMANCE = "performance.json"
SCALE_FACTORS = "scale_factors"

STEP_METRICS = "step/"
"""Metrics per step are logged under this prefix, with the step; those per epoch without, with the epoch."""


def epoch_file(epoch: int) -> str:
    """Return where the model of an epoch (from 1) is kept."""
    return f"{CHECKPOINTS}/epoch_{epoch:04d}.keras"
