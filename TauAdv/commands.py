"""The commands by name, and how messages call them: ``tauadv shards``, or the script of a checkout if that was started."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "SCRIPTS",
    "called_from_python",
    "command",
    "command_line",
    "commands",
    "place_of_words",
    "resume_line",
    "scripts_in_messages",
]

SCRIPTS = {
    "generate": "Production/generate_tuples.py",
    "validate": "Production/validate_simulation.py",
    "skim": "Production/skim_tree.py",
    "spectra": "Production/make_spectra.py",
    "drop": "Production/EventDrop.py",
    "mix": "Production/mix_events.py",
    "pt-weights": "Production/make_pt_weights.py",
    "shards": "Production/make_shards.py",
    "train classifier": "Training/train_classifier.py",
    "train adversarial": "Training/train_adversarial.py",
    "train jets": "Training/train_jet_tagger.py",
    "submit": "Training/submit_training.py",
    "import-cms": "Training/import_cms_model.py",
    "apply": "Evaluation/apply_adversarial_training.py",
    "compare": "Evaluation/compare_runs.py",
    "working-points": "Evaluation/derive_wp.py",
    "performance": "Evaluation/evaluate_performance.py",
    "plot-roc": "Evaluation/plot_roc.py",
    "scale-factors": "Evaluation/measure_scale_factors.py",
    "robustness": "Evaluation/evaluate_robustness.py",
    "plot-loss": "Evaluation/plot_loss.py",
    "export": "Evaluation/export_model.py",
    "runs": "Evaluation/show_runs.py",
    "jets generate": "Production/generate_jets.py",
    "jets validate": "Production/validate_jets.py",
    "jets extract": "Production/extract_jets.py",
    "jets prepare": "Production/prepare_jets.py",
}
"""Command -> script of a checkout that does the same. ``tauadv train`` reads from the settings which training is meant."""


class _Form:
    """Whether messages name scripts: whoever has only the package has ``tauadv`` alone. And where words are typed."""

    scripts = False
    place_of_words = "command line"


@contextmanager
def scripts_in_messages(scripts: bool) -> Iterator[None]:
    """Let messages name the scripts of a checkout, or ``tauadv``."""
    before = _Form.scripts
    _Form.scripts = scripts
    try:
        yield
    finally:
        _Form.scripts = before


@contextmanager
def called_from_python() -> Iterator[None]:
    """Let messages say of words ``key=value`` that they are those of a call in Python."""
    before = _Form.place_of_words
    _Form.place_of_words = "in the call"
    try:
        yield
    finally:
        _Form.place_of_words = before


def place_of_words() -> str:
    """Return where words ``key=value`` are typed, for messages: on the command line, or in a call."""
    return _Form.place_of_words


def command(name: str) -> str:
    """Return a command as the user calls commands: ``tauadv shards`` or ``Production/make_shards.py``.

    Args:
        name: a key of :data:`SCRIPTS`.
    """
    if _Form.scripts:
        return SCRIPTS[name]
    return "tauadv train" if name.startswith("train ") else f"tauadv {name}"


def command_line(name: str) -> str:
    """Return the beginning of a command line: as :func:`command`, with ``python`` before a script."""
    return f"python {command(name)}" if _Form.scripts else command(name)


def commands(*names: str) -> str:
    """Return the commands that differ, as the user calls them: ``Training/train_classifier.py or Training/train_...``."""
    return " or ".join(dict.fromkeys(command(name) for name in names))


def resume_line(name: str, run_id: str, mlpath: Path | str) -> str:
    """Return the command line that resumes a run.

    Args:
        name: of the training, a key of :data:`SCRIPTS`.
        run_id: of the run.
        mlpath: folder of its experiment.
    """
    beginning = f"{command_line(name)} --resume" if _Form.scripts else "tauadv resume"
    return f"{beginning} {shlex.quote(run_id)} --mlpath {shlex.quote(str(mlpath))}"
