"""The table of all settings in the documentation."""

from TauAdv.config_errors import settings_in
from TauAdv.training.keys import BEGIN, END, key_table, write_key_table
from TauAdv.training.settings import AdversarialSettings, ClassifierSettings


def keys_of(kind, prefix=""):
    for name, field in kind.model_fields.items():
        yield prefix + name
        if group := settings_in(field.annotation):
            yield from keys_of(group, f"{prefix}{name}.")


def test_table_has_every_key_once():
    keys = [line.split("`")[1] for line in key_table().splitlines()[2:]]
    assert keys == list(keys_of(AdversarialSettings))
    assert set(keys_of(ClassifierSettings)) <= set(keys)
    assert "| `adv_parameter` | k1, k2" in key_table()
    assert "(adversarial training) | `[1.0, 10.0]` |" in key_table()
    assert "| `shards` | classification set | required |" in key_table()


def test_documentation_is_up_to_date(repository):
    text = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    table = text.partition(BEGIN)[2].partition(END)[0].strip()
    assert table == key_table(), (
        "renew it: python -c \"from TauAdv.training.keys import *; write_key_table('docs/training.md')\""
    )


def test_table_is_renewed_in_its_place(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_key_table(page)
    assert page.read_text() == f"before\n{BEGIN}\n{key_table()}\n{END}\nafter\n"
