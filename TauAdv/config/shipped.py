"""Configurations that come with the package, found by name: ``--config jet_nominal``; see ``tauadv configs``."""

from __future__ import annotations

from pathlib import Path

from TauAdv.errors import ConfigError, nearest

__all__ = ["config_file", "find_shipped", "hint_of_shipped", "shipped_config", "shipped_configs"]

_FOLDER = Path(__file__).parents[1] / "configs"
_LISTED = "tauadv configs lists those of the package"


def shipped_configs() -> dict[str, str]:
    """Return name -> first line of its text, in the order of the names."""
    return {path.stem: _title(path) for path in sorted(_FOLDER.glob("*.yaml"))}


def _title(path: Path) -> str:
    """Return the first line, which is a comment that says what the configuration is for."""
    with path.open(encoding="utf-8") as file:
        return file.readline().lstrip("# ").strip()


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
    return ""


def find_shipped(name: str) -> Path | None:
    """Return the file of a shipped configuration; ``None`` if there is none of that name."""
    return next((path for path in _FOLDER.glob("*.yaml") if path.stem == name), None)
