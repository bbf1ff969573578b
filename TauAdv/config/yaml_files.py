"""Reading YAML, the only way in: files, and values of the command line, by the core schema of YAML 1.2.

What a file could do to its reader is refused, in one line that names file, line and key: a key written twice, tags, anchors
that contain themselves or multiply, deep nesting, huge files, bytes that are not UTF-8, control characters. JSON files are
YAML, too.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from TauAdv.config.shipped import config_file, hint_of_shipped
from TauAdv.config.yaml_nodes import TOO_DEEP, NodeBuilder, NotAccepted
from TauAdv.errors import ConfigError, shortened

__all__ = ["LARGEST_FILE", "UNUSABLE", "parse_typed", "parse_yaml", "read_text", "read_written", "read_yaml"]

LARGEST_FILE = 10_000_000
"""Bytes of a YAML file; settings have some thousands."""

UNUSABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What cannot stand in a YAML file: control characters, halves of characters, and the line ends U+0085, U+2028 and U+2029,
which YAML 1.1 knows and 1.2 does not."""
_HEADER_WITH_COMMENT = re.compile(r"[|>][-+0-9]*#")
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_Loader = getattr(yaml, "CLoader", yaml.Loader)  # of events alone: neither makes objects of what it reads here


def read_yaml(path: Path | str) -> dict[str, Any]:
    """Return the mapping in a YAML file, its values as the core schema reads them.

    Raises:
        ConfigError: if the file is missing, not accepted, or not a mapping.
    """
    return _mapping(parse_yaml(read_text(path), path), path)


def read_written(path: Path | str) -> dict[str, Any]:
    """Return the mapping in a YAML file with every value as it is written (:class:`Written`), for typed settings.

    Raises:
        ConfigError: if the file is missing, not accepted, or not a mapping.
    """
    return _mapping(parse_yaml(read_text(path), path, written=True), path)


def read_text(path: Path | str) -> str:
    """Return the text of a configuration file.

    Raises:
        ConfigError: if the file is missing, larger than :data:`LARGEST_FILE`, or not UTF-8.
    """
    path = config_file(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        msg = f"{path}: no such configuration file{hint_of_shipped(path)}"
        raise ConfigError(msg) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"{str(path)!r}: expected a configuration file that can be read: {reason}"
        raise ConfigError(msg) from error
    if len(content) > LARGEST_FILE:
        msg = f"{path}: expected a configuration of at most {LARGEST_FILE // 1_000_000} MB; this file is larger"
        raise ConfigError(msg)
    return _decoded(content, path)


def parse_yaml(text: str, source: Path | str, *, written: bool = False) -> Any:
    """Return the content of a YAML text: mappings, lists and values; ``None`` if it is empty.

    Args:
        text: one document.
        source: what messages call the text, for example its file.
        written: give values as they are written (:class:`Written`), instead of what they are in the core schema.

    Raises:
        ConfigError: names ``source``, line and key.
    """
    text = text.removeprefix("\ufeff")
    if found := UNUSABLE.search(text):
        line, column = _place(text, found.start())
        msg = f"{source}, line {line}, column {column}: the character U+{ord(found.group()):04X} cannot be in a YAML file"
        raise ConfigError(msg)
    builder = NodeBuilder(written=written)
    try:
        return builder.build(_events(text))
    except NotAccepted as error:
        msg = f"{source}, line {error.line}: {error}"
        raise ConfigError(msg) from error


def parse_typed(text: str) -> Any:
    """Return what was typed behind ``key=``: a list, a group or a value, each value as it is written.

    Raises:
        ValueError: if it is none; also if it has a comment, which would end the value without a word.
    """
    if found := UNUSABLE.search(text):
        msg = f"the character U+{ord(found.group()):04X} cannot be in a list or group"
        raise ValueError(msg)
    builder = NodeBuilder(written=True, anchors=False, lines=False)
    spans: list[tuple[int, int]] = []
    try:
        content = builder.build(_noting_spans(_events(text), spans))
    except NotAccepted as error:
        raise ValueError(str(error)) from error
    for found in re.finditer("#", text):
        if not any(start <= found.start() < end for start, end in spans):
            msg = f"what follows '#' would be a comment: {shortened(text[found.start() :])}; put text with a # in quotes"
            raise ValueError(msg)
    return content


def _mapping(content: Any, path: Path | str) -> dict[str, Any]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        kind = "list" if isinstance(content, list) else "single value"
        msg = f"{path}: expected 'key: value' pairs at the top level, received a {kind}"
        raise ConfigError(msg)
    return content


def _decoded(content: bytes, path: Path) -> str:
    if content.startswith(_BYTE_ORDER_MARKS):
        msg = f"{path}: expected text in UTF-8; this file is UTF-16: save it as UTF-8"
        raise ConfigError(msg)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(content[: error.start].decode("utf-8"), None)
        byte = f"the byte 0x{content[error.start]:02x}"
        msg = f"{path}, line {line}, column {column}: {byte} is not UTF-8; save the file as UTF-8"
        raise ConfigError(msg) from error


def _place(text: str, position: int | None) -> tuple[int, int]:
    """Return line and column, from 1, of a position of a text (``None``: its end)."""
    before = text[:position].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _events(text: str) -> Iterator[Any]:
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">"):
                _require_space_before_comment(text, event.start_mark)
            yield event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        if "nesting depth" in str(error.problem):  # the parser's own limit is above ours, and reached before it in one line
            raise NotAccepted(TOO_DEEP, line) from error
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise NotAccepted(f"not valid YAML: {problem}{_quoted(text, mark)}", line) from error
    except yaml.YAMLError as error:
        raise NotAccepted(f"not valid YAML: {' '.join(str(error).split())}", 1) from error


def _require_space_before_comment(text: str, start: Any) -> None:
    """Refuse ``|#``: the parser takes for a comment what is none in YAML 1.2."""
    if _HEADER_WITH_COMMENT.match(text, start.index):
        msg = "not valid YAML: a '#' right behind | or >; put a space between them"
        raise NotAccepted(msg, start.line + 1)


def _quoted(text: str, mark: Any) -> str:
    lines = text.splitlines()
    if not mark or mark.line >= len(lines) or not (line := lines[mark.line].strip()):
        return ""
    hint = "; indent with spaces, not tabs" if "\t" in lines[mark.line][: mark.column + 1] else ""
    return f": {shortened(line)}{hint}"


def _noting_spans(events: Iterator[Any], spans: list[tuple[int, int]]) -> Iterator[Any]:
    for event in events:
        if isinstance(event, yaml.ScalarEvent):
            spans.append((event.start_mark.index, event.end_mark.index))
        yield event
