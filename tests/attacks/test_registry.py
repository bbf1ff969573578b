"""Attacks are found by their kind, and nobody else asks of which kind they are."""

import ast
import re
import textwrap

import numpy as np
import pytest
from attack_inputs import bits, constraints, jet_batch, jet_model

from TauAdv.attacks import registry
from TauAdv.attacks.objectives import label_loss
from TauAdv.attacks.options import AttackSettings
from TauAdv.attacks.registry import attack_class, attack_kinds
from TauAdv.attacks.settings import make_attack
from TauAdv.attacks.target import Target
from TauAdv.config import dump_settings, load_settings, validate_settings
from TauAdv.errors import ConfigError
from TauAdv.evaluation.robustness.settings import load_robustness_settings
from TauAdv.models.jet_flavour.losses import crossentropy
from TauAdv.training.settings.attack import TrainingAttack

pytestmark = pytest.mark.slow


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that installs an attack as another package would."""

    def install(entry_point: str, code: str) -> None:
        (tmp_path / "other_package.py").write_text(textwrap.dedent(code))
        folder = tmp_path / "other_package-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: other-package\nVersion: 1\n")
        (folder / "entry_points.txt").write_text(f"[TauAdv.attacks]\n{entry_point}\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(__import__("sys").modules, "other_package", raising=False)
        forget()

    def forget() -> None:
        registry._known.cache_clear()
        registry.attack_class.cache_clear()

    yield install
    monkeypatch.undo()
    forget()


@pytest.mark.parametrize("kind", attack_kinds())
@pytest.mark.parametrize("family", [AttackSettings, TrainingAttack])
def test_every_attack_is_made_from_its_kind_and_read_back(family, kind):
    settings = load_settings(family, None, [f"kind={kind}", "eps=0.25"])
    assert isinstance(settings, attack_class(kind))
    assert isinstance(settings, family)
    assert (settings.kind, settings.eps) == (kind, 0.25)
    again = family.model_validate(settings.model_dump())
    assert again == settings == family(kind=kind, eps=0.25)
    assert f"kind: {kind}\n" in dump_settings(settings)


def test_own_options_are_kept_within_other_settings(tmp_path):
    settings = load_robustness_settings(None, ["disturbances.PGD.steps=3", "disturbances.FGSM={kind: noise, eps: 1}"])
    (tmp_path / "study.yaml").write_text(dump_settings(settings))
    assert load_robustness_settings(tmp_path / "study.yaml") == settings
    assert settings.model_dump(mode="json")["disturbances"]["PGD"]["steps"] == 3
    assert settings.transferred == ["PGD"]


def test_files_of_before_hold_the_options_of_all_attacks():
    options = {"kind": "fgsm", "steps": 10, "step_size": None, "restarts": 1, "random_start": True, "direction": "up"}
    assert validate_settings(AttackSettings, options, "old") == AttackSettings(kind="fgsm")
    with pytest.raises(ConfigError, match="steps: unknown key; it belongs to attacks of kind pgd"):
        validate_settings(AttackSettings, options | {"steps": 40}, "old")


@pytest.mark.parametrize("kind", attack_kinds())
def test_attacks_look_at_the_objective_only_if_they_say_so(kind):
    asked = []

    def objective(batch):
        asked.append(batch)
        return label_loss(jet_model(), crossentropy)(batch)

    attack = AttackSettings(kind=kind, eps=0.1)
    make_attack(attack, constraints())(objective, jet_batch(), seed=1)
    assert bool(asked) == attack.needs_gradient


@pytest.mark.parametrize("kind", [kind for kind in attack_kinds() if AttackSettings(kind=kind).acts])
@pytest.mark.parametrize("options", [{}, {"relative_cap": 0.05}, {"groups": {"g": ("f3", "-f4")}}])
def test_every_attack_keeps_what_must_not_move(kind, options):
    batch, of = jet_batch(), constraints()
    attack = make_attack(AttackSettings(kind=kind, eps=0.4, **options), of)
    objective = label_loss(jet_model(), crossentropy)
    attacked = attack(objective, batch, seed=1)
    fixed = np.asarray(batch["x_default"]) | ~of.columns["x"].movable
    np.testing.assert_array_equal(bits(attacked["x"])[fixed], bits(batch["x"])[fixed])
    assert (attacked["x"] != batch["x"]).numpy().any()
    still = attack(objective, batch, seed=1, strength=np.zeros(20, np.float32))
    np.testing.assert_array_equal(bits(still["x"]), bits(batch["x"]))


def test_another_package_brings_an_attack(package, repository):
    """The page for users of their own attack is true: its code is run here."""
    text = (repository / "docs" / "own_attack.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (entry_point,) = re.findall(r"^(\w+) = \"my_package", text, re.MULTILINE)
    package(f"{entry_point} = other_package:{entry_point.title()}", code)
    settings = load_settings(TrainingAttack, None, [f"kind={entry_point}", "eps=0.3", "inputs=2", "fraction=0.5"])
    batch, of = jet_batch(), constraints()
    moved = (make_attack(settings, of)(label_loss(jet_model(), crossentropy), batch)["x"] - batch["x"]).numpy()
    assert set((moved != 0).sum(axis=1)) == {2}
    np.testing.assert_allclose(np.abs(moved[moved != 0]), 0.3, atol=1e-6)
    with pytest.raises(ConfigError, match=f"ngm'.* or '{entry_point}'"):
        load_settings(AttackSettings, None, ["kind=wrong"])


@pytest.mark.parametrize(
    ("entry_point", "code", "message"),
    [
        (
            "fgsm = other_package:A",
            "",
            "two attacks are called 'fgsm': TauAdv.attacks.fgsm:Fgsm and other_package:A; rename",
        ),
        ("a = other_package:A", "import not_there", r"attack 'a' \(other_package:A\): No module named 'not_there'; mend or"),
        ("a = other_package:A", "", r"attack 'a' \(other_package:A\): .*no attribute 'A'"),
        (
            "a = other_package:A",
            "from TauAdv.attacks.fgsm import Fgsm as A",
            "expected a subclass .* whose kind is 'a'; rec",
        ),
        (
            "a = other_package:A",
            """
            from typing import Literal
            from TauAdv.attacks.options import AttackSettings
            class A(AttackSettings):
                kind: Literal["a"] = "a"
                strength: float = 1.0
            """,
            "attack 'a': its option 'strength' has the name of one of TrainingAttack; rename it",
        ),
    ],
)
def test_attacks_of_other_packages_that_do_not_fit(package, entry_point, code, message):
    package(entry_point, code)
    with pytest.raises(ConfigError, match=message):
        load_settings(TrainingAttack, None, ["kind=a"])


def test_targets_hold_the_batch_as_it_is():
    batch, of = jet_batch(), constraints()
    target = Target(None, batch, of, of.amplitudes(0.1, batch))
    assert int(target.n_examples) == 20
    np.testing.assert_array_equal(target.clean["x"], batch["x"])


def _asked_kinds(tree, kinds):
    """Yield the lines on which code looks at the kind of an attack, or at the class of one kind."""
    files = {place.partition(":")[0] for kind, place in registry._OWN.items() if kind != "none"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in kinds - {"none"}:
            yield node.lineno, node.value
        if isinstance(node, ast.Compare) and getattr(node.left, "attr", None) == "kind":
            yield from ((node.lineno, "none") for one in node.comparators if getattr(one, "value", None) == "none")
        if isinstance(node, ast.ImportFrom) and node.module in files:
            yield node.lineno, node.module


def test_nobody_asks_an_attack_of_which_kind_it_is(repository):
    library = repository / "TauAdv"
    homes = {library.parent / (place.partition(":")[0].replace(".", "/") + ".py") for place in registry._OWN.values()}
    found = [
        f"{path.relative_to(repository)}:{line}: {what}"
        for path in sorted(library.rglob("*.py"))
        if path not in homes | {library / "attacks" / "registry.py"}
        for line, what in _asked_kinds(ast.parse(path.read_text(encoding="utf-8")), set(registry._OWN))
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        *('a = attack.kind == "pgd"', 'a = attack.kind in ("fgsm", "pgd")', 'a = {"noise": 1}[attack.kind]'),
        *('a = attack.kind != "none"', "from TauAdv.attacks.pgd import Pgd"),
    ],
)
def test_a_question_for_the_kind_is_found(line):
    assert list(_asked_kinds(ast.parse(line), {"none", "fgsm", "pgd", "noise"}))
