"""Stores are made by MLflow here, not copied."""

import pytest

from TauAdv.runs.records import MlflowStore


@pytest.fixture(autouse=True)
def _made_by_mlflow(really_made_stores, monkeypatch):
    monkeypatch.setattr(MlflowStore, "make", really_made_stores)
