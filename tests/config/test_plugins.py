from importlib.metadata import EntryPoint

import pytest

from TauAdv.config import plugins
from TauAdv.config.plugins import known_plugins, load_plugin
from TauAdv.errors import ConfigError

OWN = {"ours": "json:loads", "second": "json:dumps"}


def test_ours_come_first_and_nothing_is_imported(monkeypatch):
    theirs = EntryPoint("theirs", "not_there:Thing", "a group")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [theirs] if group == "a group" else [])
    assert list(known_plugins("a group", OWN, "things")) == ["ours", "second", "theirs"]
    assert list(known_plugins("another group", OWN, "things")) == ["ours", "second"]
    assert load_plugin(known_plugins("a group", OWN, "things")["ours"], "thing")("[1]") == [1]


def test_two_of_a_name_are_refused(monkeypatch):
    monkeypatch.setattr(plugins, "entry_points", lambda group: [EntryPoint("ours", "other:Thing", group)])
    with pytest.raises(ConfigError, match="two things are called 'ours': json:loads and other:Thing; rename one of them"):
        known_plugins("a group", OWN, "things")


@pytest.mark.parametrize(("place", "cause"), [("not_there:A", "No module named"), ("json:A", "no attribute 'A'")])
def test_what_cannot_be_imported_is_named(place, cause):
    with pytest.raises(ConfigError, match=rf"thing 'a' \({place}\): .*{cause}.*mend or remove the package that brings it"):
        load_plugin(EntryPoint("a", place, "a group"), "thing")
