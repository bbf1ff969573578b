"""Runs as a sweep over k2 leaves them, with the metrics that a comparison logs."""

from TauAdv.config import dump_settings
from TauAdv.runs import start_run
from TauAdv.runs.layout import TRAINING
from TauAdv.training.settings.load import training_settings
from TauAdv.training.sweep.record import record_sweep, tags_of
from TauAdv.training.sweep.settings import sweep_settings

WORDS = ("tagger=deeptau", "data.shards=a", "data.adv_shards=b")


def write_training(mlruns, name, *words, method="reversal", **metrics):
    """Make a run that holds settings of a training and metrics; return it."""
    with start_run(mlruns, "e", name) as run:
        run.log_text(dump_settings(training_settings(None, [*WORDS, f"method={method}", *words])), TRAINING)
        run.log_metrics(metrics, step=0)
    return run


def metrics_of(rate, cost=None):
    """Return metrics as ``tauadv compare`` logs them."""
    found = {"closure/rate_top50": rate, "closure/chi2_ndf_top50": 1.5, "price/mis_id_jet_70": 0.02}
    return found if cost is None else found | {"price/mis_id_jet_70_ratio": cost}


def write_sweep(mlruns, values, seeds, metrics):
    """Make a sweep over k2 and seeds; ``metrics(k2, seed)`` are those of its trainings. Return its run."""
    words = [*WORDS, "method=reversal", f"method.k2={','.join(map(str, values))}", f"seed={','.join(map(str, seeds))}"]
    asked = sweep_settings(None, words)
    with start_run(mlruns, "e", "sweep") as parent:
        record_sweep(parent, asked)
    for number, settings in enumerate(asked.trainings, 1):
        with start_run(mlruns, "e", f"training {number}", tags_of(parent, number)) as run:
            run.log_text(dump_settings(settings), TRAINING)
            run.log_metrics(metrics(float(settings.method.adv_parameter[1]), settings.seed), step=0)
    return parent
