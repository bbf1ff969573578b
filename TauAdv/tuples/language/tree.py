"""Selections as trees. Trees can be tens of thousands of levels deep: nothing here calls itself on the parts of a node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

__all__ = [
    "Binary",
    "Call",
    "Cast",
    "Conditional",
    "Index",
    "Literal",
    "Logical",
    "Name",
    "Node",
    "Size",
    "Unary",
    "joined",
    "names",
    "nodes",
    "numbers",
    "parts",
]


@dataclass(frozen=True)
class Literal:
    """A number or truth value, of its C++ type."""

    value: np.generic

    def __str__(self) -> str:
        if isinstance(self.value, np.bool_):
            return "true" if self.value else "false"
        if isinstance(self.value, np.floating):
            return f"{self.value!s}f" if isinstance(self.value, np.float32) else str(self.value)
        suffix = ("u" if self.value.dtype.kind == "u" else "") + ("l" if self.value.dtype.itemsize == 8 else "")
        return f"{int(self.value)}{suffix}"


@dataclass(frozen=True)
class Name:
    """A branch."""

    name: str
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Index:
    """One value of a list: ``x[0]``."""

    branch: Name
    index: Node
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Size:
    """How many values a list has: ``x.size()`` of C++, or ``Length$(x)`` of ROOT."""

    branch: Name
    unsigned: bool = True
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.branch}.size()" if self.unsigned else f"Length$({self.branch})"


@dataclass(frozen=True)
class Unary:
    """``+``, ``-``, ``!`` or ``~`` before a value."""

    operator: str
    operand: Node
    position: int = field(default=0, compare=False)
    bracketed: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Cast:
    """A value turned into another type: ``(int)x``, ``int(x)`` or ``static_cast<int>(x)``."""

    type: str
    operand: Node
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Binary:
    """Two values and the operator between them."""

    operator: str
    left: Node
    right: Node
    position: int = field(default=0, compare=False)
    bracketed: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Logical:
    """``&&`` or ``||``: the second value counts only where the first leaves it open."""

    operator: str
    left: Node
    right: Node

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Conditional:
    """``condition ? then : otherwise``."""

    condition: Node
    then: Node
    otherwise: Node

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple[Node, ...]
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return _text(self)


Node: TypeAlias = Literal | Name | Index | Size | Unary | Cast | Binary | Logical | Conditional | Call


def _pieces(node: Node) -> Sequence[Node | str]:
    """Return what a node consists of, as written."""
    match node:
        case Index():
            return node.branch, "[", node.index, "]"
        case Unary():
            return node.operator, "(", node.operand, ")"
        case Cast():
            return f"({node.type})(", node.operand, ")"
        case Binary() | Logical():
            return "(", node.left, f" {node.operator} ", node.right, ")"
        case Conditional():
            return "(", node.condition, " ? ", node.then, " : ", node.otherwise, ")"
        case Call():
            between = [piece for argument in node.arguments for piece in (", ", argument)]
            return f"{node.function}(", *between[1:], ")"
        case Size():
            return (node.branch,)
        case _:
            return ()


def _text(root: Node) -> str:
    """Return a node as text that parses to an equal one: all brackets written."""
    text: list[str] = []
    pending: list[Node | str] = [root]
    while pending:
        piece = pending.pop()
        if isinstance(piece, str):
            text.append(piece)
        elif isinstance(piece, Literal | Name | Size):
            text.append(str(piece))
        else:
            pending += reversed(_pieces(piece))
    return "".join(text)


def parts(node: Node) -> list[Node]:
    """Return the nodes right below a node, in the order in which they are written."""
    return [piece for piece in _pieces(node) if not isinstance(piece, str)]


def nodes(root: Node) -> Iterator[Node]:
    """Yield a node and all below it, in the order in which they are written."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending += reversed(parts(node))


def names(root: Node) -> Iterator[Name]:
    """Yield the branches that a tree reads, in order, as often as they are there."""
    return (node for node in nodes(root) if isinstance(node, Name))


def numbers(root: Node) -> Iterator[Name]:
    """Yield the branches of which a tree reads the number of each entry, not values or the length of a list."""
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, Name):
            yield node
        elif isinstance(node, Index):
            pending.append(node.index)
        elif not isinstance(node, Size):
            pending += reversed(parts(node))


def joined(root: Node, operator: str) -> list[Node]:
    """Return the terms that ``&&`` or ``||`` join at the top of a tree, in order; one term if there is no such operator."""
    terms, pending = [], [root]
    while pending:
        node = pending.pop()
        if isinstance(node, Logical) and node.operator == operator:
            pending += (node.right, node.left)
        else:
            terms.append(node)
    return terms
