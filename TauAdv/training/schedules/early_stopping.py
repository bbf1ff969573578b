"""When a training stops before its last epoch."""

from __future__ import annotations

from TauAdv.config import Settings
from TauAdv.config.quantities import Count
from TauAdv.training.settings.numbers import Factor

__all__ = ["EarlyStopping"]


class EarlyStopping(Settings):
    """Stop when a metric has not improved for some epochs, and keep the weights of the best epoch.

    Attributes:
        metric: name of an epoch's metric; smaller is better, except of accuracies and areas under a
            ROC curve (``auc``).
        patience: epochs without improvement.
        min_delta: smallest change that counts as an improvement.
        restore_best: end with the best epoch's weights instead of the last one's.
    """

    metric: str = "val_loss"
    patience: Count = 3
    min_delta: Factor = 0.0
    restore_best: bool = True

    @property
    def larger_is_better(self) -> bool:
        """Whether the metric is one that should grow."""
        return self.metric.endswith("accuracy") or "auc_" in self.metric

    def is_over(self, epoch: int, best_epoch: int) -> bool:
        """Return whether the best epoch is too long ago."""
        return epoch - best_epoch >= self.patience
