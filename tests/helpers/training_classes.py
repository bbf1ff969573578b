"""Settings of trainings, as tests name them: by tagger and method, with keys that need not name their groups."""

from functools import partial

from TauAdv.config.problems import settings_in
from TauAdv.training.methods.method import Method
from TauAdv.training.settings.jets import JetDomainSettings, JetSettings
from TauAdv.training.settings.load import training_settings
from TauAdv.training.settings.taus import TauDomainSettings, TauSettings

GROUPS = ("model", "data", "schedule", "output")

load_classifier = partial(training_settings, defaults={"tagger": "deeptau", "method": "none"})
load_adversarial = partial(training_settings, defaults={"tagger": "deeptau", "method": "reversal"})
jet_settings = partial(training_settings, defaults={"tagger": "jet_flavour"})


def _places():
    for kind in (TauSettings, TauDomainSettings, JetSettings, JetDomainSettings):
        for group in GROUPS:
            for key in settings_in(kind.model_fields[group].annotation).model_fields:
                yield key, f"{group}.{key}"
    for variant in Method.variants().values():
        yield from ((key, f"method.{key}") for key in variant.model_fields)


PLACES = {key: place for key, place in _places() if key != "kind"}


def placed(changes):
    """Return changes with the groups of their keys: ``n_epochs`` becomes ``schedule.n_epochs``."""
    found = {}
    for key, value in changes.items():
        first, dot, rest = key.partition(".")
        found[f"{PLACES.get(first, first)}{dot}{rest}"] = value
    return found
