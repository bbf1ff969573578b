"""Settings of the prepared jets of tests/shards/jet, and their content."""

import json

from TauAdv.shards.jet.settings import JetPreparationSettings

SETS = ("train", "val", "test")
SETTINGS = JetPreparationSettings(chunk_size=32, seed=3)


def contents(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    arrow = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.arrow"))}
    return arrow, {key: manifest[key] for key in ("settings", "counts", "sets", "feature_table")}


def damaged(path, damage):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"flipped": bytes(content), "empty": b"", "cut": bytes(content[:-9])}[damage])
