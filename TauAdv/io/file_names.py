"""Names of files and metrics from texts of a user."""

from __future__ import annotations

import re

__all__ = ["file_name", "metric_name"]


def file_name(*parts: str) -> str:
    """Return parts joined to a name that any file system takes; texts that differ may get the same one."""
    return re.sub(r"[^\w.-]+", "_", "_".join(parts))


def metric_name(text: str) -> str:
    """Return a text without the characters that MLflow does not take in names of metrics."""
    return re.sub(r"[^\w.-]", "", text)
