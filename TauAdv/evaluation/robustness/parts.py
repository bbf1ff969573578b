"""The parts of a report on robustness, by name."""

__all__ = ["PARTS"]

PARTS = ("roc", "scores", "confusion", "regions", "transfer", "scan", "epochs", "inputs", "history")
"""What can be measured; all of it by default."""
