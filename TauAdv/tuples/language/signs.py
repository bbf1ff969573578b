"""Comparisons of unsigned integers, in which C++ has no number below 0: they are misread easily, see :mod:`.misreadings`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from TauAdv.tuples.language.tree import Binary, Cast, Index, Literal, Name, Node, Size, Unary, nodes
from TauAdv.tuples.language.types import INT, common_type, type_named

__all__ = ["misread_signs"]

TypeOf = Callable[[str], np.dtype | None]

_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def misread_signs(tree: Node, type_of: TypeOf) -> list[tuple[int, str]]:
    """Return positions and explanations, in the order of the text; ``type_of`` returns the type of a branch's values."""
    comparisons = (node for node in nodes(tree) if isinstance(node, Binary) and node.operator in _MIRRORED)
    return sorted(found for node in comparisons for found in _of(node, type_of))


def _of(node: Binary, type_of: TypeOf) -> Iterator[tuple[int, str]]:
    sides = ((node.left, node.operator, node.right), (node.right, _MIRRORED[node.operator], node.left))
    for value, operator, limit in sides:
        if (literal := _negated(limit)) is not None:
            kind = _common(value, literal, type_of)
            if kind is not None and kind.kind == "u":
                yield node.position, _compared_with_negative(value, operator, -int(literal.value), kind)
        elif operator in ("<", "<=", ">", ">=") and _is_zero(limit) and isinstance(value, Binary) and value.operator == "-":
            kind = _common(value.left, value.right, type_of)
            if kind is not None and kind.kind == "u":
                yield node.position, _difference(value, operator)


def _compared_with_negative(value: Node, operator: str, number: int, kind: np.dtype) -> str:
    becomes = number % 2 ** (8 * kind.itemsize)
    return (
        f"'{value}' is unsigned, so that C++ compares it with {becomes}, not with {number}; "
        f"write '(long)({value}) {operator} {number}'"
    )


def _difference(value: Binary, operator: str) -> str:
    return f"'{value}' is unsigned in C++: below 0 it becomes a large number; write '{value.left} {operator} {value.right}'"


def _negated(node: Node) -> Literal | None:
    """Return the signed integer literal after a minus sign."""
    if isinstance(node, Unary) and node.operator == "-" and isinstance(node.operand, Literal):
        value = node.operand.value
        return node.operand if value.dtype.kind == "i" and int(value) > 0 else None
    return None


def _is_zero(node: Node) -> bool:
    return isinstance(node, Literal) and node.value.dtype.kind in "iu" and node.value == 0


def _common(left: Node, right: Node, type_of: TypeOf) -> np.dtype | None:
    types = [_type(node, type_of) for node in (left, right)]
    known = [kind for kind in types if kind is not None]
    return common_type(*known) if len(known) == len(types) else None


def _type(node: Node, type_of: TypeOf) -> np.dtype | None:
    """Return the type of a value; of a sum, difference or product only one level deep, ``None`` for what is beyond."""
    if isinstance(node, Binary) and node.operator in ("+", "-", "*"):
        kinds = [kind for part in (node.left, node.right) if (kind := _type_of_leaf(part, type_of)) is not None]
        return common_type(*kinds) if len(kinds) == 2 else None
    return _type_of_leaf(node, type_of)


def _type_of_leaf(node: Node, type_of: TypeOf) -> np.dtype | None:
    match node:
        case Literal():
            return node.value.dtype
        case Name():
            return type_of(node.name)
        case Index():
            return type_of(node.branch.name)
        case Size():
            return np.dtype(np.uint64) if node.unsigned else INT
        case Cast():
            return type_named(node.type)
        case _:
            return None
