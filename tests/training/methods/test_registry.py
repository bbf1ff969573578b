"""Methods of the package and of others."""

import sys
from importlib.metadata import EntryPoint

import pytest

from TauAdv.config import plugins
from TauAdv.config.shipped import shipped_config
from TauAdv.errors import ConfigError
from TauAdv.training.methods import registry
from TauAdv.training.methods.method import Method
from TauAdv.training.methods.registry import method_class, method_kinds
from TauAdv.training.settings.load import training_settings


@pytest.fixture
def other_package(tmp_path, monkeypatch, repository):
    """The method of docs/own_method.md, as another package brings it."""
    text = (repository / "docs/own_method.md").read_text(encoding="utf-8")
    (tmp_path / "some_other_method.py").write_text(text.partition("```python\n")[2].partition("```")[0])
    monkeypatch.syspath_prepend(tmp_path)
    yield "some_other_method"
    sys.modules.pop("some_other_method", None)


@pytest.fixture
def brought(monkeypatch):
    """Return a function: kind, place -> nothing; a package brings a method."""

    def clear():
        for cached in (registry._known, method_class):
            cached.cache_clear()

    def bring(kind, place):
        monkeypatch.setattr(plugins, "entry_points", lambda group: [EntryPoint(kind, place, group)])
        clear()

    yield bring
    monkeypatch.undo()
    clear()


def test_methods_of_the_package():
    assert method_kinds() == ["none", "reversal", "mmd"]
    assert all(issubclass(method_class(kind), Method) for kind in method_kinds())


def test_another_package_brings_a_method(other_package, brought):
    import tensorflow as tf

    from TauAdv.training.methods.acting import StepView

    brought("means", f"{other_package}:Means")
    words = ["method=means", "data.adv_shards=b", "method.means_weight=3"]
    for tagger, more in (("deeptau", ["data.n_adv_tau=7"]), ("jet_flavour", ["data.adv_batch_size=7"])):
        settings = training_settings(None, ["data.shards=a", f"tagger={tagger}", *words, *more])
        (method,) = settings.methods
        assert method.knobs(500, 2000, 1.0) == {"means_weight": 1.5}
        assert ([*settings.data.batch_sizes.values()][1], settings.needs_head, settings.reads_domains) == (7, False, True)
    features = tf.constant([[9.0, 9.0], [1.0, 0.0], [3.0, 0.0], [0.0, 4.0]])  # means of both domains: (2, 0), (0, 4)
    batch = {"weight_adv": tf.constant([0.0, 1, 1, 2]), "y_adv": tf.constant([[0.0], [0], [0], [1]])}
    assert float(method.begin(None).domain(StepView(batch, batch, batch, 1), {"features": features})) == 20
    with pytest.raises(ConfigError, match=r"means_wight: unknown key .did you mean 'means_weight'"):
        training_settings(None, ["data.shards=a", "method=means", "data.adv_shards=b", "method.means_wight=3"])


@pytest.mark.parametrize(
    ("kind", "place", "message"),
    [
        ("mmd", "a:B", "two methods are called 'mmd': TauAdv.training.methods.mmd:Mmd and a:B"),
        ("mine", "nowhere_at_all:B", "method 'mine' .*No module named"),
        ("mine", "json:loads", "expected a subclass of Method"),
    ],
)
def test_what_is_no_new_method_is_refused(brought, kind, place, message):
    brought(kind, place)
    with pytest.raises(ConfigError, match=message):
        training_settings(None, ["data.shards=a", f"method={kind}"])


@pytest.mark.parametrize("kind", ["deeptau_mmd", "jet_mmd"])
def test_shipped_configurations_say_tagger_and_method(kind):
    text = shipped_config(kind).read_text()
    assert "\nmethod:\n  kind: mmd\n" in text
    assert "\ntagger: " in text
