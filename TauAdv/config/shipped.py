"""Configurations that come with the package, found by name: ``--config jet_nominal``; see ``tauadv configs``."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

from TauAdv.errors import ConfigError, nearest

__all__ = ["config_file", "find_shipped", "hint_of_shipped", "shipped_config", "shipped_configs"]

_SUFFIXES = (".yaml", ".yml", ".json")
_FOLDER = Path(__file__).parents[1] / "configs"
_SENTENCE = re.compile(r".*?(?:\.(?= |$)|$)")
_LISTED = "tauadv configs lists those of the package"


def shipped_configs() -> dict[str, str]:
    """Return name -> first sentence of its text, in the order of the names."""
    return {path.stem: _title(path) for path in sorted(_FOLDER.glob("*.yaml"))}


def _title(path: Path) -> str:
    """Return the first sentence of the comment at the top, which says what the configuration is for."""
    with path.open(encoding="utf-8") as file:
        text = " ".join(line.lstrip("# ").strip() for line in takewhile(lambda line: line.startswith("#"), file))
    return _SENTENCE.match(text)[0]  # type: ignore[index] # it matches any text


def shipped_config(name: str) -> Path:
    """Return the file of a shipped configuration.

    Raises:
        ConfigError: if there is none of that name.
    """
    if (found := find_shipped(name)) is None:
        msg = f"{name}: no such configuration{nearest(name, list(shipped_configs()))}; {_LISTED}"
        raise ConfigError(msg)
    return found


def config_file(name: Path | str) -> Path:
    """Return the file that a path or the name of a shipped configuration means.

    A file in the working folder wins. ``jet_nominal.yaml`` is a path, never the shipped configuration.
    """
    path = Path(name)
    return path if path.is_file() else find_shipped(str(name)) or path


def hint_of_shipped(path: Path | str) -> str:
    """Return what to write instead of a path that is not there, if a shipped configuration may be meant; or nothing."""
    path = Path(path)
    if find_shipped(path.stem) is not None:
        return f"; the package has one of that name: write {path.stem}, without folder and ending"
    if path.name == str(path) and not path.suffix:
        return f"{nearest(path.name, list(shipped_configs()))}; {_LISTED}"
    folder = path.parent
    beside = [one for one in sorted(folder.iterdir()) if one.suffix in _SUFFIXES] if folder.is_dir() else []
    hint = nearest(path.name, [one.name for one in beside])
    return hint if folder == Path() else hint.replace("mean '", f"mean '{folder}/")


def find_shipped(name: str) -> Path | None:
    """Return the file of a shipped configuration; ``None`` if there is none of that name."""
    return next((path for path in _FOLDER.glob("*.yaml") if path.stem == name), None)
