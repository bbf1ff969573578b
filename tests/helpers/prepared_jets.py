"""Small prepared sets of random jets and a small network, to train in seconds."""

from pathlib import Path

from extracted_jets import extracted

from TauAdv.shards.jet.preparation import prepare_jets
from TauAdv.shards.jet.settings import JetPreparationSettings

NETWORK = """
name: small
n_features: {n_features}
hidden: [8, 8]
dropout: {dropout}
common_layers: 1
adversarial_head: {{widths: [4]}}
"""


def write_jet_network(path: Path, dropout: float = 0.1, n_features: int = 184) -> Path:
    path.write_text(NETWORK.format(n_features=n_features, dropout=dropout))
    return path


def prepared_jets(folder: Path, number: int = 500) -> Path:
    """Make ``jets/{train,val,test}``, ``domains/{train,val,test}`` (two detectors) and networks in a folder."""
    nominal, shifted = extracted(folder / "nominal", number), extracted(folder / "shifted", number // 2, seed=9)
    prepare_jets([nominal], folder / "jets", JetPreparationSettings(chunk_size=64, seed=3))
    domains = JetPreparationSettings(kind="adversarial", scalers_from=folder / "jets", seed=3, chunk_size=64)
    prepare_jets([nominal, shifted], folder / "domains", domains)
    write_jet_network(folder / "small.yaml")
    write_jet_network(folder / "still.yaml", dropout=0.0)
    return folder
