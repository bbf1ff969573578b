"""From the events of a YAML parser to mappings, lists and values, within limits and without recursion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from TauAdv.config.scalars import Written, core_value
from TauAdv.errors import shortened

__all__ = ["DEEPEST", "MOST_VALUES", "TOO_DEEP", "NodeBuilder", "NotAccepted"]

DEEPEST = 100
"""Lists and groups within each other."""
MOST_VALUES = 200_000
"""Values, lists and groups of a file, those that aliases repeat counted each time."""

TOO_DEEP = f"expected at most {DEEPEST} lists and groups within each other; this nesting is deeper"

_NO_KEY = object()


class NotAccepted(ValueError):
    """What a YAML text may not have.

    Attributes:
        line: of the text, from 1.
    """

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.line = line


@dataclass
class _Open:
    """A list or group that is being read.

    Attributes:
        content: what it has so far.
        anchor: its name for aliases.
        before: number of values read before it.
        height: of lists and groups within it, itself included.
        key: that waits for its value.
        keys: what the keys are in the core schema.
    """

    content: dict[Any, Any] | list[Any]
    anchor: str | None
    before: int
    height: int = 1
    key: Any = _NO_KEY
    keys: set[Any] = field(default_factory=set)


@dataclass(frozen=True)
class _Anchored:
    value: Any
    values: int
    height: int


class NodeBuilder:
    """Makes content of events.

    Args:
        written: give values as they are written, instead of what they are in the core schema.
        anchors: whether there may be anchors and aliases.
        lines: whether values know their line; those of the command line have none.
    """

    def __init__(self, *, written: bool, anchors: bool = True, lines: bool = True) -> None:
        self._written, self._may_anchor, self._lines = written, anchors, lines
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None: still being read
        self._values = 0
        self._result: Any = None
        self._documents = 0

    def build(self, events: Iterator[Any]) -> Any:
        """Return the content of the one document of a stream of events.

        Raises:
            NotAccepted: names the key.
        """
        for event in events:
            try:
                self._take(event)
            except NotAccepted:
                raise
            except ValueError as error:
                where = shortened(".".join(str(level.key) for level in self._open if level.key is not _NO_KEY))
                raise NotAccepted(f"{where}: {error}" if where else str(error), event.start_mark.line + 1) from error
        return self._result

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event.anchor)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            msg = "a second document starts here (---); expected one"
            raise ValueError(msg)
        if event.tags or (event.version or (1, 2)) != (1, 2):
            msg = "expected YAML 1.2, without tags; leave the line that starts with % out"
            raise ValueError(msg)

    def _scalar(self, event: Any) -> None:
        plain = event.implicit[0]
        if event.tag is not None:
            self._refuse_tag(event)
        self._count(1)
        value: Any = core_value(event.value) if plain else event.value
        if self._is_key():
            self._key(value, event, plain)
            return
        if not self._open and event.style in ("|", ">"):
            # readers differ on where such a text ends
            msg = f"expected 'key: value' pairs or a list; received a text alone ({event.style})"
            raise ValueError(msg)
        if self._written:
            value = Written(event.value, plain=plain, line=self._line_of(event))
        self._name(event.anchor, _Anchored(value, 1, 0))
        self._put(value)

    def _line_of(self, event: Any) -> int | None:
        return event.start_mark.line + 1 if self._lines else None

    def _is_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].content, dict) and self._open[-1].key is _NO_KEY

    def _key(self, value: Any, event: Any, plain: bool) -> None:
        if not event.value and plain:
            msg = "expected a name before the ':'"
            raise ValueError(msg)
        if not self._written and (isinstance(value, bool) or not isinstance(value, str | int)):
            msg = f"the key {shortened(event.value)}: expected a name or a whole number; put it in quotes"
            raise ValueError(msg)
        parent = self._open[-1]
        written = Written(event.value, plain=plain, line=self._line_of(event)) if self._written else value
        if value in parent.keys or written in parent.content:
            msg = f"'{shortened(event.value)}' is given twice in its group; rename or remove one"
            raise ValueError(msg)
        parent.keys.add(value)
        self._name(event.anchor, _Anchored(written, 1, 0))
        parent.key = written

    def _start(self, event: Any) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        if self._is_key():
            msg = "expected a name as key; received a list or group"
            raise ValueError(msg)
        if len(self._open) >= DEEPEST:
            raise ValueError(TOO_DEEP)
        self._count(1)
        content: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._name(event.anchor, None)
        self._open.append(_Open(content, event.anchor, self._values - 1))

    def _end(self) -> None:
        ended = self._open.pop()
        if ended.anchor is not None:
            self._anchors[ended.anchor] = _Anchored(ended.content, self._values - ended.before, ended.height)
        self._put(ended.content, ended.height)

    def _alias(self, name: str) -> None:
        if name not in self._anchors:
            msg = f"*{name}: there is no &{name} before it; put text that starts with * in quotes"
            raise ValueError(msg)
        anchored = self._anchors[name]
        if anchored is None:
            msg = f"*{name}: contains itself"
            raise ValueError(msg)
        if self._is_key():
            msg = f"*{name}: expected a name as key, not an alias"
            raise ValueError(msg)
        if len(self._open) + anchored.height > DEEPEST:
            msg = f"*{name}: {TOO_DEEP}"
            raise ValueError(msg)
        self._count(anchored.values)
        # a copy: what is changed in one place must not change in the other
        self._put(_copied(anchored.value), anchored.height)

    def _name(self, anchor: str | None, anchored: _Anchored | None) -> None:
        if anchor is None:
            return
        if not self._may_anchor:
            msg = f"&{anchor}: no anchors here; put text that starts with & in quotes"
            raise ValueError(msg)
        self._anchors[anchor] = anchored

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            msg = f"expected at most {MOST_VALUES:,} values; aliases (*name) that repeat each other count each time"
            raise ValueError(msg)

    def _put(self, value: Any, height: int = 0) -> None:
        if not self._open:
            self._result = value
            return
        parent = self._open[-1]
        parent.height = max(parent.height, height + 1)
        if isinstance(parent.content, dict):
            parent.content[parent.key] = value
            parent.key = _NO_KEY
        else:
            parent.content.append(value)

    def _refuse_tag(self, event: Any) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        msg = f"expected no tag, received {shortened(tag)}; leave it out, or put text that starts with ! in quotes"
        raise ValueError(msg)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(entry) for key, entry in value.items()}
    return [_copied(entry) for entry in value] if isinstance(value, list) else value
