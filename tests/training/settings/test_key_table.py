"""The table of all settings in the documentation."""

import re

from TauAdv.config import Settings
from TauAdv.config.problems import settings_in
from TauAdv.training.settings import key_table as keys
from TauAdv.training.settings.key_table import BEGIN, END, key_table, write_key_table
from TauAdv.training.settings.of_run import FREE_ON_RESUME
from TauAdv.training.settings.taus import TauDomainSettings


def keys_of(kind, prefix=""):
    for name, field in kind.model_fields.items():
        yield prefix + name
        if group := settings_in(field.annotation):
            yield from keys_of(group, f"{prefix}{name}.")
    own = (key for one in kind.variants().values() for key in keys_of(one) if key.partition(".")[0] not in kind.model_fields)
    yield from (prefix + key for key in dict.fromkeys(own))


def test_table_has_every_key_once():
    listed = [line.split("`")[1] for line in key_table().splitlines()[2:]]
    every = set(keys_of(TauDomainSettings))
    assert len(listed) == len(set(listed))
    assert set(listed) == every
    assert "| `method.adv_parameter` | `reversal`: k1, k2" in key_table()
    assert "| `data.adv_shards` | adversarial set: data and simulation of the control region, or jets of two" in key_table()
    assert "(method `reversal`, `mmd`) | required with them |" in key_table()
    assert "| `attack.kind` | which attack: `none`, `fgsm`, `pgd`" in key_table()
    assert "| `data.validation_attack.steps` | `pgd`: gradient steps of each start; `ngm`: number of steps" in key_table()
    assert "| `10`, `1` |" in key_table()
    assert "| `data.shards` | classification set | required |" in key_table()


def test_documentation_is_up_to_date(repository):
    text = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    table = text.partition(BEGIN)[2].partition(END)[0].strip()
    assert table == key_table(), (
        "renew it: python -c \"from TauAdv.training.settings.key_table import *; write_key_table('docs/training.md')\""
    )


def test_table_is_renewed_in_its_place(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_key_table(page)
    assert page.read_text() == f"before\n{BEGIN}\n{key_table()}\n{END}\nafter\n"


class Documented(Settings):
    """Settings.

    Attributes:
        one: of :class:`~TauAdv.config.Settings`, or ``x|y`` of :func:`TauAdv.config.load_settings`.
    """

    one: int = 1


def test_references_of_docstrings_are_code_in_the_table():
    assert list(keys._rows(Documented)) == [("one", "of `Settings`, or `x/y` of `load_settings`", "`1`")]


def test_documentation_tells_what_may_change_on_resuming(repository):
    text = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    told = text.partition("When resuming, only ")[2].partition(" may be changed")[0]
    assert re.findall("`([a-z_.]+)`", told) == sorted(FREE_ON_RESUME)
