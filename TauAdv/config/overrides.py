"""Settings from the command line: ``key=value`` words, and options that a script has already read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from TauAdv.config.meaning import opened
from TauAdv.config.scalars import Written, is_blank, is_null
from TauAdv.errors import ConfigError, shortened

__all__ = ["Overrides", "apply_overrides", "given_once", "merged", "override_pairs", "separated"]

Overrides = Iterable[str] | Mapping[str, Any]
"""``key=value`` words, or dotted keys with values (``None``: not given)."""


def override_pairs(overrides: Overrides) -> list[tuple[str, Any]]:
    """Return dotted keys and values; the value of a word is kept as it was typed, after the first ``=``.

    Raises:
        ConfigError: if a word is not ``key=value``, its value is blank, or a key is given twice.
    """
    if isinstance(overrides, Mapping):
        return [(key, value) for key, value in overrides.items() if value is not None]
    pairs = [_pair(word) for word in overrides]
    _require_once(pairs)
    return pairs


def merged(*overrides: Overrides) -> dict[str, Any]:
    """Return several overrides as one; later ones win."""
    return dict(pair for each in overrides for pair in override_pairs(each))


def given_once(*overrides: Overrides) -> dict[str, Any]:
    """Return what a user gave in several forms, such as options and words ``key=value``, as one.

    Raises:
        ConfigError: if a key is given twice.
    """
    pairs = [pair for each in overrides for pair in override_pairs(each)]
    _require_once(pairs)
    return dict(pairs)


def separated(text: str) -> list[str]:
    """Return the values in a typed text that commas separate, outside of brackets: ``1,2`` or ``[1, 0],[1, 6]``.

    Brackets within quotes do not count. A bracket that is not closed makes the whole text one value.
    """
    found, depth, quote, before = [""], 0, "", ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif depth and letter in "'\"" and before in "[{,:":
            quote = letter
        else:
            depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth and not quote:
            found.append("")
        else:
            found[-1] += letter
        before = before if letter.isspace() else letter
    return [value.strip() for value in found] if not depth and not quote and len(found) > 1 else [text]


def apply_overrides(
    content: dict[str, Any], overrides: Overrides, kind_alone: Sequence[str] = (), parts: Sequence[str] = ()
) -> None:
    """Put overrides into the content of a file, in place.

    Args:
        content: of the file.
        overrides: later ones win.
        kind_alone: groups that may stand there as their kind alone, see :class:`TauAdv.config.meaning.AsMeant`.
        parts: groups of which an override changes the keys that it names, see there.

    Raises:
        ConfigError: if a word is not ``key=value``, or a key leads through a single value or a group that was unset before.
    """
    unset: list[str] = []
    for key, value in _by_key(override_pairs(overrides), parts):
        group = key.partition(".")[0]
        _require_group(key, unset)
        if is_null(value):
            unset.append(key)
        if group in kind_alone and group != key:
            _open_kind(content, group)
        _assign(content, key, value)


def _require_group(key: str, unset: Iterable[str]) -> None:
    """Refuse a key of a group that an override before it unset: it would be there again."""
    for group in unset:
        if key.startswith(f"{group}."):
            msg = f"override '{key}': {group}=null before it leaves nothing to set there; leave out one of the two"
            raise ConfigError(msg)


def _pair(word: str) -> tuple[str, Written]:
    key, separator, value = word.partition("=")
    if not separator or is_blank(key):
        msg = f"override {word!r}: expected key=value, for example seed=2"
        raise ConfigError(msg)
    key = key.strip()
    if any(is_blank(name) for name in key.split(".")):
        msg = f"override {word!r}: expected names between the points of {key!r}"
        raise ConfigError(msg)
    if is_blank(value):
        msg = f"override {word!r}: the value is empty; write one, or leave {key} out"
        raise ConfigError(msg)
    return key, Written(value, typed=True)


def _require_once(pairs: Iterable[tuple[str, Any]]) -> None:
    """Refuse what would drop an earlier override: the same key again, or a whole group behind one of its keys."""
    seen: dict[str, Any] = {}
    for key, value in pairs:
        for earlier, old in seen.items():
            if f"{earlier}.".startswith(f"{key}."):
                both = f"{earlier}={shortened(old)} and {key}={shortened(value)}"
                way_out = "give it once" if earlier == key else "give the whole group first"
                msg = f"override '{key}' comes twice, {both}: the first would be lost; {way_out}"
                raise ConfigError(msg)
        seen[key] = value


def _by_key(pairs: Iterable[tuple[str, Any]], parts: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield overrides, those of whole groups in ``parts`` key by key."""
    for key, value in pairs:
        inner = opened(value) if key in parts else None
        if isinstance(inner, Mapping):
            yield from ((f"{key}.{name}", one) for name, one in inner.items())
        else:
            yield key, value


def _open_kind(content: dict[str, Any], name: str) -> None:
    """Make a group of its kind alone, so that it takes further settings."""
    kind = opened(content.get(name))
    if isinstance(kind, str) and not is_null(kind):
        _put(content, name, {"kind": kind}, getattr(kind, "typed", False))


def _assign(content: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    typed = isinstance(value, Written) and value.typed
    for name in parents:
        inner = opened(content.get(name))
        if is_null(inner):
            inner = {}
            _put(content, name, inner, typed)
        else:
            content[name] = inner
        content = inner
        if not isinstance(content, dict):
            msg = f"override '{key}': '{name}' is a single value, not a group of settings"
            raise ConfigError(msg)
    _put(content, last, value, typed)


def _put(content: dict[Any, Any], name: str, value: Any, typed: bool) -> None:
    """Set a value in place and in order, with a new key: that of the file says on which of its lines it stands."""
    key = Written(name, typed=True) if typed else name
    entries = [(key, value) if found == name else (found, old) for found, old in content.items()]
    content.clear()
    content.update(entries)
    content.setdefault(key, value)
