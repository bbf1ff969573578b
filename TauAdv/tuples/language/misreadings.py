"""Places of a selection where C++ means something else than one would read, as the warnings of compilers name them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from TauAdv.tuples.language.tree import Binary, Literal, Logical, Node, Unary, nodes

__all__ = ["misreadings"]

_RELATIONS = ("<", ">", "<=", ">=")
_COMPARISONS = (*_RELATIONS, "==", "!=")


def misreadings(tree: Node) -> list[tuple[int, str]]:
    """Return positions and explanations, in the order of the text."""
    return sorted(found for node in nodes(tree) if isinstance(node, Binary) for found in _of(node))


def _of(node: Binary) -> Iterator[tuple[int, str]]:
    if node.operator in _COMPARISONS and _mixed(node):
        yield (
            node.position,
            f"one side of '{node.operator}' is itself a comparison: true or false, which count as 1 and 0 (as in C++); "
            "for a range write '20 < x && x < 30'",
        )
    if node.operator in ("&", "|", "^") and _mixed(node):
        advice = "; for a power write pow(x, y)" if node.operator == "^" else ""
        yield (
            node.position,
            f"comparisons bind tighter than '{node.operator}' in C++; write '(n {node.operator} 1) == 1'{advice}",
        )
    if node.operator in _COMPARISONS and _is_negation(node.left) and _is_number(node.right):
        yield node.position, f"'!' binds tighter than '{node.operator}' in C++; write '!(x {node.operator} ...)'"
    if node.operator == "^" and (_is_number(node.left) or _is_number(node.right)):
        yield node.position, "'^' is the exclusive or of C++; for a power write pow(x, y)"


def _mixed(node: Binary) -> bool:
    """Return whether one side is a comparison without brackets, and the other one is not true or false."""
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(side, Binary) and side.operator in _COMPARISONS and not side.bracketed and not _is_logical(other):
            return True
    return False


def _is_logical(node: Node) -> bool:
    if isinstance(node, Literal):
        return isinstance(node.value, np.bool_)
    if isinstance(node, Binary):
        return node.operator in _COMPARISONS
    return isinstance(node, Logical) or (isinstance(node, Unary) and node.operator == "!")


def _is_negation(node: Node) -> bool:
    return isinstance(node, Unary) and node.operator == "!" and not node.bracketed


def _is_number(node: Node) -> bool:
    return isinstance(node, Literal) and not isinstance(node.value, np.bool_)
