"""Writing YAML that reads back equal, here and with readers of YAML 1.1."""

from __future__ import annotations

import math
from typing import Any

import yaml

from TauAdv.config.scalars import core_value
from TauAdv.config.yaml_files import UNUSABLE

__all__ = ["yaml_block", "yaml_text", "yaml_value"]


class _Dumper(yaml.SafeDumper):
    """Writes every value in full, and puts text in quotes that either version of YAML would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = None
    if "\n" in text or not text.isprintable() or UNUSABLE.search(text):
        style = '"'
    elif not _is_text(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=dumper.default_style or style)


def _is_text(text: str) -> bool:
    try:
        return isinstance(core_value(text), str)
    except ValueError:
        return False


_Dumper.add_representer(str, _text)


def yaml_text(content: Any) -> str:
    """Return mappings, lists and values as YAML, one value a line."""
    return _dumped(content)


def yaml_value(value: Any) -> str:
    """Return a single value as it stands in a YAML file; json would write 1e-05, which YAML 1.1 reads as text."""
    return _dumped(value).splitlines()[0]


def yaml_block(key: str, text: str) -> str:
    """Return a text of several lines as the value of a key, line by line."""
    return _dumped({key: text}, style="|")


def _dumped(content: Any, style: str | None = None) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, default_style=style, allow_unicode=True, width=math.inf)
