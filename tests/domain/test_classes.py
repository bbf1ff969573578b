import ast

import pytest
from matplotlib.colors import is_color_like

from TauAdv.domain.classes import (
    FLAVOURS,
    JET_CLASSES,
    JET_DOMAINS,
    TAU_CLASSES,
    class_colors,
    class_label,
    class_word,
)
from TauAdv.jets.schema import JetTable
from TauAdv.models.deeptau.losses import JET, MU, TAU, E
from TauAdv.tuples.matching import TauType


def test_tau_classes_are_the_tau_types_of_simulation():
    assert TAU_CLASSES == ("e", "mu", "tau", "jet")
    assert [TauType(number).name.lower() for number in range(4)] == list(TAU_CLASSES)
    assert (E, MU, TAU, JET) == (0, 1, 2, 3)


def test_flavours_are_those_of_the_jet_table():
    assert {value: name for name, value in FLAVOURS.items()} == dict(JetTable.load().flavours)
    assert list(FLAVOURS) == list(JET_CLASSES) == list(JetTable.load().class_names)


@pytest.mark.parametrize("together", [TAU_CLASSES, JET_CLASSES, JET_DOMAINS, ("b", "other", "another")])
def test_classes_that_are_drawn_together_look_different(together):
    colors = class_colors(together)
    assert list(colors) == list(together)
    assert len(set(colors.values())) == len(together)
    assert all(is_color_like(color) for color in colors.values())


def test_names_in_plots_and_in_text():
    assert [class_label(name) for name in ("udsg", "tau", "new")] == ["light jet", r"$\tau_h$", "new"]
    assert [class_word(name) for name in ("udsg", "tau")] == ["light", "tau"]


def test_classes_are_listed_nowhere_else(repository):
    """A list or tuple of all classes has one home."""
    found = []
    for path in (repository / "TauAdv").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.List | ast.Tuple | ast.Set):
                values = {entry.value for entry in node.elts if isinstance(entry, ast.Constant)}
                if values >= set(TAU_CLASSES) or values >= set(JET_CLASSES):
                    found.append(path.relative_to(repository / "TauAdv").as_posix())
    assert set(found) == {"domain/classes.py"}
