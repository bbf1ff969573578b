"""Selections written as in ROOT: C++ expressions over branches, parsed to a tree and evaluated on whole arrays.

The arithmetic has the types of C++: a float32 branch is compared with ``0.90`` in double and with ``0.90f`` in float,
integers divide to integers, and any number is true unless zero. Nothing is ever passed to ``eval``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.errors import InputError, nearest
from TauAdv.tuples import cpp
from TauAdv.tuples.expression_tree import Binary, Call, Conditional, Literal, Logical, Name, Node, Unary, parse, pointer

__all__ = ["Selection", "parse_selection"]


def parse_selection(text: str) -> Selection:
    """Return the selection that ``text`` describes.

    Example:
        >>> selection = parse_selection("tau_pt > 30 && std::abs(tau_eta) < 2.3")
        >>> selection.branches
        ['tau_pt', 'tau_eta']

    Raises:
        InputError: if the text is not an expression; shows the token where it stops being one.
    """
    return Selection(text, parse(text))


class Selection:
    """A parsed selection: call it with arrays to get which entries pass."""

    def __init__(self, text: str, tree: Node) -> None:
        self.text, self.tree = text, tree
        self._names = list(_names(tree))

    def __repr__(self) -> str:
        return f"Selection({self.text!r})"

    @property
    def branches(self) -> list[str]:
        """The branches that the selection reads, in the order of their first use."""
        return list(dict.fromkeys(name.name for name in self._names))

    def require(self, available: Iterable[str]) -> None:
        """Check that all branches are available.

        Raises:
            InputError: shows every missing one in the selection, with the nearest that there is.
        """
        known = list(available)
        present = set(known)
        missing = {name.name: name.position for name in reversed(self._names) if name.name not in present}
        if missing:
            places = [
                f"no branch '{name}'{nearest(name, known)}\n{pointer(self.text, position)}"
                for name, position in sorted(missing.items(), key=lambda item: item[1])
            ]
            raise InputError("selection: " + "\nselection: ".join(places))

    @property
    def cuts(self) -> list[str]:
        """The terms that the outermost ``&&`` join, in order."""
        return [str(term) for term in _terms(self.tree)]

    def __call__(self, arrays: ak.Array | Mapping[str, Any]) -> np.ndarray:
        """Return a boolean array: which entries pass.

        Raises:
            InputError: if a branch is missing or jagged, an operator does not fit its values, or an integer is divided by 0.
        """
        return self.cut_flow(arrays)[0]

    def cut_flow(self, arrays: ak.Array | Mapping[str, Any], length: int | None = None) -> tuple[np.ndarray, list[int]]:
        """Return which entries pass, and how many are left after each of :attr:`cuts` (see :meth:`__call__`).

        ``length`` is the number of entries where ``arrays`` may be empty, as for the selection ``true``.
        """
        fields: Sequence[str] = arrays.fields if isinstance(arrays, ak.Array) else list(arrays)
        self.require(fields)
        columns = {name.name: self._column(name, arrays[name.name]) for name in self._names}
        if length is None:
            length = len(arrays) if isinstance(arrays, ak.Array) else len(arrays[fields[0]])
        passed = np.ones(length, dtype=np.bool_)
        counts = []
        with np.errstate(all="ignore"):
            for cut in _terms(self.tree):
                passed = passed & cpp.truth(self._value(cut, columns, passed))
                counts.append(int(np.count_nonzero(passed)))
        return passed, counts

    def _column(self, name: Name, values: Any) -> np.ndarray:
        if getattr(values, "ndim", 1) != 1:
            msg = f"selection: branch '{name.name}' has a list of values per entry; a selection needs one value\n"
            raise InputError(msg + pointer(self.text, name.position))
        return np.asarray(values)

    def _value(self, node: Node, columns: Mapping[str, np.ndarray], active: Any) -> Any:
        match node:
            case Literal():
                return node.value
            case Name():
                return columns[node.name]
            case Unary():
                return self._applied(node, cpp.unary, node.operator, self._value(node.operand, columns, active))
            case Binary():
                left, right = (self._value(side, columns, active) for side in (node.left, node.right))
                return self._applied(node, cpp.binary, node.operator, left, right, active)
            case Call():
                return cpp.FUNCTIONS[node.function].compute(*(self._value(a, columns, active) for a in node.arguments))
            case Logical():
                left = cpp.truth(self._value(node.left, columns, active))
                is_and = node.operator == "&&"
                right = cpp.truth(self._value(node.right, columns, active & (left if is_and else ~left)))
                return left & right if is_and else left | right
            case Conditional():
                condition = cpp.truth(self._value(node.condition, columns, active))
                then = self._value(node.then, columns, active & condition)
                otherwise = self._value(node.otherwise, columns, active & ~condition)
                kind = cpp.common_type(then, otherwise)
                return np.where(condition, cpp.convert(then, kind), cpp.convert(otherwise, kind))

    def _applied(self, node: Binary | Unary, operation: Any, *arguments: Any) -> Any:
        try:
            return operation(*arguments)
        except (TypeError, InputError) as error:
            msg = f"selection: {error}\n{pointer(self.text, node.position)}"
            raise InputError(msg) from error


def _terms(node: Node) -> list[Node]:
    if isinstance(node, Logical) and node.operator == "&&":
        return [*_terms(node.left), *_terms(node.right)]
    return [node]


def _names(node: Node) -> Iterator[Name]:
    match node:
        case Name():
            yield node
        case Unary():
            yield from _names(node.operand)
        case Binary() | Logical():
            yield from _names(node.left)
            yield from _names(node.right)
        case Conditional():
            for part in (node.condition, node.then, node.otherwise):
                yield from _names(part)
        case Call():
            for argument in node.arguments:
                yield from _names(argument)
        case Literal():
            return
