"""Taggers of the package and of others."""

import sys
from importlib.metadata import EntryPoint, EntryPoints

import keras
import pytest
from training_classes import load_classifier

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError
from TauAdv.models.loading import load_tagger
from TauAdv.shards.row_types import ROW_TYPES
from TauAdv.taggers import registry
from TauAdv.taggers.deeptau import DeepTau
from TauAdv.taggers.registry import (
    GROUP,
    SHIPPED,
    tagger,
    tagger_of_model,
    tagger_of_rows,
    tagger_saved_as,
    taggers,
    with_others,
)
from TauAdv.training.methods.registry import method_kinds
from TauAdv.training.settings.jets import JetSettings
from TauAdv.training.settings.places import settings_of_method

_OTHER = """
from TauAdv.taggers.deeptau import DeepTau

class Other(DeepTau):
    name = "other"

SPEC, SAME, NOTHING = Other(), DeepTau(), 3
"""


@pytest.fixture
def other_package(tmp_path, monkeypatch):
    """Makes a package importable that brings a tagger, and leaves no trace."""
    (tmp_path / "some_other_tagger.py").write_text(_OTHER)
    monkeypatch.syspath_prepend(tmp_path)
    yield "some_other_tagger"
    sys.modules.pop("some_other_tagger", None)


def point(value):
    return EntryPoint("mine", value, GROUP)


def test_shipped_taggers_are_found_by_name_rows_and_saved_models():
    assert [tagger(name) for name in ("deeptau", "jet_flavour", "tau_transformer")] == list(SHIPPED)
    assert {rows: tagger_of_rows(rows).name for rows in ROW_TYPES} == {"taus": "deeptau", "jets": "jet_flavour"}
    assert tagger_saved_as("TauAdv>JetTagger").name == "jet_flavour"
    assert tagger_saved_as("keras>Functional") is None


@pytest.mark.parametrize("spec", SHIPPED, ids=lambda spec: spec.name)
def test_a_tagger_and_its_models_say_the_same(spec):
    kind = spec.model_type()
    package, _, name = spec.registered_name.partition(">")
    assert (package, name) == ("TauAdv", kind.__name__)
    assert kind.objects == spec.rows
    network = spec.load_network(spec.default_network)
    assert isinstance(network, kind.settings_type)
    assert set(kind.input_signature(network)) <= set(ROW_TYPES[spec.rows].input_names)


@pytest.mark.parametrize("spec", SHIPPED, ids=lambda spec: spec.name)
def test_trainings_of_a_tagger_are_of_that_tagger(spec):
    for method in method_kinds():
        kind = settings_of_method(spec.training.settings_type(), method)
        assert (kind.rows, kind.model_fields["tagger"].default) == (spec.rows, tagger_of_rows(spec.rows).name)


def test_an_unknown_tagger_is_an_error():
    with pytest.raises(ConfigError, match=r"tagger 'deeptua'.*did you mean 'deeptau'.*expected one of deeptau, jet_flavour"):
        tagger("deeptua")


def test_another_package_brings_a_tagger(other_package, monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([point(f"{other_package}:SPEC")]))
    taggers.cache_clear()
    try:
        assert tagger("other").default_network == DeepTau.default_network
        assert tagger_of_rows("taus").name == "deeptau"
        assert load_classifier(None, {"data.shards": "a", "tagger": "other"}).spec is tagger("other")
        with pytest.raises(ConfigError, match=r"tagger 'other': of jets there are jet_flavour"):
            load_settings(JetSettings, None, {"data.shards": "a", "tagger": "other"})
    finally:
        taggers.cache_clear()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NOTHING", "expected a TaggerSpec, received int"),
        ("SAME", "there is a tagger 'deeptau' already"),
        ("ABSENT", "AttributeError"),
    ],
)
def test_what_is_no_new_tagger_is_refused(other_package, name, expected):
    with pytest.raises(ConfigError, match=f"entry point 'mine' of {GROUP}.*{expected}"):
        with_others(SHIPPED, [point(f"{other_package}:{name}")])


def test_reading_a_tagger_registers_all_networks(tmp_path):
    model = tagger("jet_flavour").model_type().classifier(tagger("jet_flavour").load_network("jet_flavour"), seed=1)
    model.save(tmp_path / "model.keras")
    assert type(registry.read_tagger(tmp_path / "model.keras")) is type(load_tagger(tmp_path / "model.keras")) is type(model)


def test_the_tagger_of_a_model_is_found():
    for spec in SHIPPED:
        model = spec.model_type().classifier(spec.load_network(spec.default_network))
        assert tagger_of_model(model) is spec
    with pytest.raises(InputError, match=r"model 'other': expected a tagger \(deeptau, jet_flavour.*received Sequential"):
        tagger_of_model(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="other"))


def test_a_table_of_other_features_is_refused():
    jets = tagger("jet_flavour")
    with pytest.raises(InputError, match=r"'jet_flavour' takes this number of features of a jet: 184, but .*'short' has 2"):
        jets.require_features(jets.load_network("jet_flavour"), ShortTable())


class ShortTable(list):
    name = "short"

    def __init__(self):
        super().__init__(["pt", "eta"])
