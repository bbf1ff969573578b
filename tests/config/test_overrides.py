"""Settings of the command line: nothing that was given is dropped."""

import pytest

from TauAdv.config.overrides import apply_overrides, given_once, merged, override_pairs
from TauAdv.errors import ConfigError


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=1", "seed=2"], "override 'seed' comes twice, seed=1 and seed=2: the first would be lost; give it once"),
        (["a=1", "b.c=2", " b.c =3"], "override 'b.c' comes twice, b.c=2 and b.c=3"),
        (
            ["b.c=2", "b={d: 1}"],
            "override 'b' comes twice, b.c=2 and b={d: 1}: the first would be lost; give the whole group first",
        ),
    ],
)
def test_a_key_comes_once(words, message):
    with pytest.raises(ConfigError) as refused:
        override_pairs(words)
    assert str(refused.value).startswith(message)


def test_keys_of_a_group_may_follow_it():
    words = ["b={d: 1, c: 2}", "b.c=3", "bc=4", "b.cd=5"]
    assert [key for key, _ in override_pairs(words)] == ["b", "b.c", "bc", "b.cd"]


def test_options_and_words_do_not_contradict_each_other():
    assert given_once({"seed": None, "kind": "x"}, ["seed=2"]) == {"kind": "x", "seed": "2"}
    with pytest.raises(ConfigError, match="'seed' comes twice, seed=1 and seed=2"):
        given_once({"seed": 1}, ["seed=2"])


def test_a_group_that_was_unset_takes_no_key():
    with pytest.raises(ConfigError, match=r"override 'attack\.eps': attack=null before it leaves nothing to set there"):
        apply_overrides({}, ["attack=null", "attack.eps=0.1"])
    content = {"attack": None}
    apply_overrides(content, ["attack.eps=0.1", "method=null"])
    assert content == {"attack": {"eps": "0.1"}, "method": "null"}


def test_defaults_are_overridden():
    assert merged({"seed": 1}, {"seed": 2}) == {"seed": 2}
