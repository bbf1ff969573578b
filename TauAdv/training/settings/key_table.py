"""The table of all settings of a training, for the documentation: written from the settings classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from TauAdv.config import Settings
from TauAdv.config.problems import settings_in
from TauAdv.io.atomic import write_text
from TauAdv.training.methods.method import Method
from TauAdv.training.settings.taus import TauSettings

__all__ = ["key_table", "write_key_table"]

_ROLE = re.compile(r":[a-z]+:`~?(?P<name>[^`]+)`")  # such as :class:`~TauAdv.config.Settings`
BEGIN, END = "<!-- keys: begin -->", "<!-- keys: end -->"


def key_table() -> str:
    """Return a Markdown table of key, meaning and default of every setting; groups of settings with dotted keys."""
    lines = ["| key | meaning | default |", "|---|---|---|"]
    lines += [f"| `{key}` | {meaning} | {default} |" for key, meaning, default in _all_rows(TauSettings)]
    return "\n".join(lines)


def _all_rows(kind: Any) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of all trainings, and among them those of trainings that read two domains."""
    of_all = {row[0]: row for row in _rows(kind)}
    methods = ", ".join(f"`{name}`" for name, method in Method.variants().items() if method.reads_domains)
    for key, meaning, default in _rows(kind.with_domains()):
        default = "required with them" if default == "required" else default
        yield of_all.get(key, (key, f"{meaning} (method {methods})", default))


def write_key_table(page: Path | str) -> None:
    """Renew the table between the two markers of a page."""
    page = Path(page)
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    write_text(page, f"{before}{BEGIN}\n{key_table()}\n{END}{after}")


def _rows(kind: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    meanings = {name: text for base in reversed(kind.__mro__) for name, text in _attributes(base).items()}
    for name, field in kind.model_fields.items():
        if name not in meanings:
            msg = f"{kind.__name__}: the docstring does not say what '{name}' is"
            raise KeyError(msg)
        meaning = meanings[name]
        if name == "kind" and (variants := _variants(kind)):
            meaning += f": {', '.join(f'`{variant}`' for variant in variants)}"
        group = settings_in(field.annotation)
        yield f"{prefix}{name}", meaning, _default(field, group)
        if group is not None:
            yield from _rows(group, f"{prefix}{name}.")
    yield from _rows_of_variants(kind, prefix)


def _rows_of_variants(kind: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    """Yield the settings that only some kinds have, such as options of attacks; one row for each name."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for variant, its_class in _variants(kind).items():
        for name, meaning, default in _rows(its_class):
            if name not in kind.model_fields:
                found.setdefault(name, []).append((f"`{variant}`", meaning, default))
    for name, rows in found.items():
        meaning = "; ".join(f"{variant}: {meaning}" for variant, meaning, _ in rows)
        yield f"{prefix}{name}", meaning, ", ".join(dict.fromkeys(default for _, _, default in rows))


def _variants(kind: type[BaseModel]) -> dict[str, type[Settings]]:
    return kind.variants() if issubclass(kind, Settings) else {}


def _default(field: Any, group: type[BaseModel] | None) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    if group is not None:
        return "as below"
    return f"`{list(field.default) if isinstance(field.default, tuple) else _yaml(field.default)}`"


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _attributes(kind: type) -> dict[str, str]:
    """Return what the docstring of a class says of its attributes."""
    # Python 3.13 takes the indentation of docstrings away, earlier ones keep it
    _, _, text = cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    found = re.split(r"\n {4}(\w[\w, ]*): ", "\n" + text.split("\n\n")[0].rstrip())
    texts = (" ".join(part.split()).removesuffix(".") for part in found[2::2])
    pairs = zip(found[1::2], texts, strict=True)
    return {name: _markdown(text) for names, text in pairs for name in names.split(", ")}


def _markdown(text: str) -> str:
    """Return the text of a docstring for a cell of the table: code in single quotes, also where it refers to a name."""
    text = _ROLE.sub(lambda match: f"`{match['name'].rpartition('.')[2]}`", text)
    return text.replace("``", "`").replace("|", "/")
