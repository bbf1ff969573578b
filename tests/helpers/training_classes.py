"""Classes of settings by tagger and method, as tests name them."""

from functools import partial

from TauAdv.training.settings.by_method import settings_of_method
from TauAdv.training.settings.load import training_settings
from TauAdv.training.settings.taus import TauSettings

ClassifierSettings = settings_of_method(TauSettings, "none")
AdversarialSettings = settings_of_method(TauSettings, "reversal")
jet_settings = partial(training_settings, defaults={"tagger": "jet_flavour"})
