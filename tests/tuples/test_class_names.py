import inspect

import pytest
import uproot

import TauAdv.tuples.trees  # noqa: F401 (what is tested is that its import is enough)
from TauAdv.tuples.class_names import remember_class_names

Remembered = uproot.model.classname_regularize


@pytest.mark.parametrize("name", ["TTree", "vector < Float_t >", "std :: map<Int_t, vector< Double_t > >", "", None])
def test_names_are_spelt_as_uproot_does(name):
    assert Remembered(name) == inspect.unwrap(Remembered)(name) == Remembered(name)


def test_spaces_and_types_of_root_are_replaced():
    assert Remembered("vector < Float_t >") == "vector<float>"


def test_a_name_is_spelt_once():
    Remembered("TNeverSeenBefore")
    before = Remembered.cache_info()
    Remembered("TNeverSeenBefore")
    assert (Remembered.cache_info().hits, Remembered.cache_info().misses) == (before.hits + 1, before.misses)
    assert Remembered.cache_info().maxsize is not None


def test_once_is_enough():
    remember_class_names()
    assert uproot.model.classname_regularize is Remembered


def test_uproot_needs_the_workaround():
    """If uproot remembers the names: remove TauAdv/tuples/class_names.py, see docs/upstream.md."""
    assert Remembered.cache_parameters()["maxsize"] == 2000  # ours, not one of uproot
