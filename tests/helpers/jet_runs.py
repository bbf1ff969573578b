"""Prepared jets of the committed sample, and runs of small jet taggers, as a training leaves them."""

from pathlib import Path

import keras
import numpy as np

from TauAdv.jets.extract import ExtractionSettings, extract_jets
from TauAdv.models.jet_flavour.network import build_jet_classifier
from TauAdv.models.jet_flavour.settings import JetNetworkSettings
from TauAdv.runs import start_run
from TauAdv.shards.jet.preparation import prepare_jets
from TauAdv.shards.jet.settings import JetPreparationSettings
from TauAdv.shards.store import ShardSet

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "jets" / "jets.json.gz"


def prepared(folder: Path, **settings) -> Path:
    """Return a folder with the sets ``train`` and ``test`` (half each) of the committed jets."""
    extract_jets(SAMPLE, folder / "jets", ExtractionSettings())
    options = {"fractions": {"train": 0.5, "test": 0.5}, **settings}
    prepare_jets([folder / "jets"], folder / "prepared", JetPreparationSettings(**options))
    return folder / "prepared"


def train_run(mlruns: Path, shards: Path, name: str, *, epochs: int = 2, noise: float = 0.0, seed: int = 0, hidden=(16, 16)):
    """Return a run of a small tagger, trained with noise on its inputs, with a model and losses per epoch."""
    training = ShardSet.open(shards)
    jets, columns = training.take(slice(None))
    network = {"name": "small", "n_features": jets.x.shape[1], "hidden": hidden, "common_layers": 1}
    keras.utils.set_random_seed(seed)
    model = build_jet_classifier(JetNetworkSettings.model_validate(network), seed=seed)
    model.compile(keras.optimizers.Adam(0.003), "categorical_crossentropy")
    x = jets.x + np.random.default_rng(seed).normal(0, noise, jets.x.shape).astype(np.float32) * ~jets.x_default
    with start_run(mlruns, "jets", name) as run:
        (run.artifacts / "model").mkdir()
        (run.artifacts / "model_checkpoints").mkdir()
        for epoch in range(1, epochs + 1):
            losses = model.fit({"x": x}, columns["y"], batch_size=64, verbose=0).history
            run.log_metrics({"loss": losses["loss"][0], "val_loss": losses["loss"][0] + 0.01 * epoch}, epoch)
            run.log_metrics({"step/loss": 1.0}, epoch)
            model.save(run.artifacts / "model_checkpoints" / f"epoch_{epoch:04d}.keras")
        model.save(run.artifacts / "model" / "model.keras")
        run.log_text(training.feature_table, "input_cfg/features.yaml")
    return run
