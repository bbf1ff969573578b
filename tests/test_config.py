"""Settings: loading, overriding, errors, dumping."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.config import Settings, dump_settings, load_settings
from TauAdv.errors import ConfigError


class Optimiser(Settings):
    learning_rate: float = 1e-3


class Example(Settings):
    n_tau: int = 100
    adv_parameter: tuple[float, float] = (1.0, 10.0)
    optimiser: Optimiser = Optimiser()
    groups: dict[str, Optimiser] = {}


def test_file_and_overrides(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("n_tau: 250\noptimiser: {learning_rate: 0.1}\n")
    settings = load_settings(Example, path, ["optimiser.learning_rate=0.01", "adv_parameter=[1, 3]"])
    assert settings == Example(n_tau=250, adv_parameter=(1, 3), optimiser=Optimiser(learning_rate=0.01))


def test_unset_options_do_not_override():
    assert load_settings(Example, None, {"n_tau": None}).n_tau == 100
    assert load_settings(Example, None, {"optimiser.learning_rate": 0.5}).optimiser.learning_rate == 0.5


def test_all_errors_are_listed_with_the_nearest_key(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("n_taus: 3\nadv_parameter: [1]\noptimiser: {learning_rat: 1}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(Example, path)
    message = str(caught.value)
    assert "did you mean 'n_tau'" in message
    assert "did you mean 'learning_rate'" in message
    assert "adv_parameter" in message
    assert str(path) in message


def test_unknown_key_inside_a_dictionary_of_settings():
    with pytest.raises(ConfigError, match="did you mean 'learning_rate'"):
        load_settings(Example, None, ["groups.first.learning_rte=1"])


@pytest.mark.parametrize("text", ["n_tau", "=3", "n_tau=[", "n_tau.x=3"])
def test_bad_override(text, tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("n_tau: 1\n")
    with pytest.raises(ConfigError, match="override"):
        load_settings(Example, path, [text])


@pytest.mark.parametrize(("content", "expected"), [("a: [", "not valid YAML"), ("- 1", "received a list")])
def test_bad_file(tmp_path, content, expected):
    path = tmp_path / "settings.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=expected):
        load_settings(Example, path)


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_settings(Example, tmp_path / "absent.yaml")


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_dump_reads_back_equal(tmp_path_factory, n_tau, k1, k2):
    settings = Example(n_tau=n_tau, adv_parameter=(k1, k2))
    path = tmp_path_factory.mktemp("dump") / "settings.yaml"
    path.write_text(dump_settings(settings))
    assert load_settings(Example, path) == settings
