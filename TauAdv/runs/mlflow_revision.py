"""The revision of the tables of a store (MLflow calls it schema), as the installed MLflow numbers them."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["is_older", "latest_revision"]


def latest_revision() -> str:
    """Return the revision that the installed MLflow writes and reads."""
    (head,) = _revisions().get_heads()
    return str(head)


def is_older(revision: str) -> bool:
    """Return whether the installed MLflow knows a revision as an earlier one."""
    return any(known.revision == revision for known in _revisions().walk_revisions())


@cache
def _revisions() -> Any:
    from alembic.script import ScriptDirectory
    from mlflow.store import db_migrations

    (folder,) = db_migrations.__path__
    return ScriptDirectory(folder)
