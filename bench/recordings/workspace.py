"""Where a recording is made: inputs from the committed samples, runs and reports; the scripts run in its folder."""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign.attempt import Process, main_of
from campaign.steps import JETS, STEPS, build, require

__all__ = ["Place", "build_inputs"]

_RUN = re.compile(r"<run of ([\w-]+)>")


@dataclass(frozen=True)
class Place:
    """The folder of a recording.

    Attributes:
        folder: inputs are in ``in``, runs in ``mlruns``.
    """

    folder: Path

    def start(self, script: str, words: Sequence[str], devices: int = 1) -> Process:
        """Start a script in a process of its own, in this folder, with so many logical CPU devices."""
        known = [self.with_identifiers(word) for word in words]

        def run_here() -> None:
            os.chdir(self.folder)
            if devices > 1:
                _use_devices(devices)
            main_of(script, known)()

        return Process(run_here)

    def with_identifiers(self, text: str) -> str:
        """Return a text with the identifiers of runs for ``<run of NAME>``."""
        return _RUN.sub(lambda found: self.identifier(found[1]), text)

    def identifier(self, name: str) -> str:
        """Return the identifier of the run of that name."""
        return self._select("SELECT run_uuid FROM runs WHERE name = ?", name)[0][0]

    def artifacts(self, name: str) -> Path:
        """Return the folder of the files of a run."""
        ((identifier, experiment),) = self._select("SELECT run_uuid, experiment_id FROM runs WHERE name = ?", name)
        return self.folder / "mlruns" / str(experiment) / identifier / "artifacts"

    def metrics(self, name: str) -> list[tuple[str, int, float]]:
        """Return (metric, step, value) of a run, sorted."""
        of_run = "FROM metrics WHERE run_uuid = ? ORDER BY key, step, timestamp"
        found = self._select(f"SELECT key, step, value, is_nan {of_run}", self.identifier(name))
        return [(key, step, float("nan") if is_nan else value) for key, step, value, is_nan in found]

    def _select(self, query: str, argument: str) -> list[tuple[Any, ...]]:
        # by SQL, since MLflow's schema stays whatever becomes of our own modules
        with sqlite3.connect(self.folder / "mlruns" / "mlflow.db") as database:
            return database.execute(query, (argument,)).fetchall()


def _use_devices(number: int) -> None:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * number)


def build_inputs(place: Place) -> None:
    """Make shards of taus and jets, and of jets of two detectors, from the committed samples."""
    build(place.folder, [step.name for step in STEPS if not step.tensorflow], every_skim=True)
    _write_shifted(place.folder / "in" / "shifted.json.gz")
    extraction = ["--input", "in/shifted.json.gz", "--output", "in/shifted"]
    domains = ["--input", "in/jets", "--shifted", "in/shifted", "--scalers_from", "in/prepared", "--output", "in/domains"]
    require(place.start("Production/extract_jets.py", extraction).wait(), "jets of a shifted detector")
    require(place.start("Production/prepare_jets.py", domains).wait(), "jets of two detectors")


def _write_shifted(path: Path) -> None:
    """Write every third of the committed jets with more pt."""
    with gzip.open(JETS, "rt") as lines, gzip.open(path, "wt") as shifted:
        for number, line in enumerate(lines):
            if number % 3 == 0:
                jet = json.loads(line)
                jet[0] = round(1.05 * jet[0], 4)
                shifted.write(json.dumps(jet) + "\n")
