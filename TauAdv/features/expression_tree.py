"""Parsed feature expressions: names, printing and evaluation at any depth; nothing here calls itself on parts of a tree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from TauAdv.features.functions import FUNCTIONS, Array

__all__ = ["Expression"]

_ARITHMETIC: dict[str, Callable[..., Array]] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
_COMPARISONS: dict[str, Callable[..., Array]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_LOGICAL: dict[str, Callable[..., Array]] = {"and": np.logical_and, "or": np.logical_or, "not": np.logical_not}
#: How tightly operators bind their arguments.
_BINDING = {"or": 1, "and": 2, "not": 3, **dict.fromkeys(_COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6}
_NEGATIVE, _NO_OPERATOR = 7, 9


@dataclass(frozen=True, eq=False)
class Expression:
    """A node of a parsed expression. Equal ones print alike.

    Attributes:
        kind: ``name``, ``number``, ``arithmetic``, ``comparison``, ``logical`` or ``function``.
        content: the name, the number, the operator or the name of the function.
        arguments: nodes below.
        key: digest of all of it.
    """

    kind: str
    content: Any
    arguments: tuple[Expression, ...] = ()
    key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # trees are compared and hashed by it, in a time that does not depend on their size
        digest = hashlib.blake2b(f"{self.kind} {self.content!r}".encode(errors="surrogatepass"), digest_size=16)
        for argument in self.arguments:
            digest.update(argument.key)
        object.__setattr__(self, "key", digest.digest())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def _below(self, done: Container[Expression]) -> Iterator[Expression]:
        """Yield the nodes that are not in ``done``, arguments first; whoever takes one puts it there before the next."""
        pending = [self]
        while pending:
            node = pending[-1]
            missing = [] if node in done else [argument for argument in node.arguments if argument not in done]
            if missing:
                pending += reversed(missing)
                continue
            if node not in done:
                yield node
            pending.pop()

    @property
    def names(self) -> set[str]:
        """Names that the expression reads."""
        done: set[Expression] = set()
        for node in self._below(done):
            done.add(node)
        return {node.content for node in done if node.kind == "name"}

    def __str__(self) -> str:
        """Return the expression as text that parses to an equal one."""
        text: list[str] = []
        pending: list[Expression | str] = [self]
        while pending:
            piece = pending.pop()
            if isinstance(piece, str):
                text.append(piece)
            else:
                pending += reversed(piece._pieces())
        return "".join(text)

    def _pieces(self) -> list[Expression | str]:
        if self.kind in ("name", "number"):
            return [str(self.content)]
        if self.kind == "function":
            between = [piece for argument in self.arguments for piece in (", ", argument)]
            return [f"{self.content}(", *between[1:], ")"]
        # an equal operation on the right, or a comparison in a comparison, needs brackets to parse to the same tree
        tight = [self._binding + (position > 0 or self.kind == "comparison") for position in range(len(self.arguments))]
        parts: list[list[Expression | str]] = [
            ["(", argument, ")"] if argument._binding < need else [argument]
            for argument, need in zip(self.arguments, tight, strict=True)
        ]
        if len(parts) == 2:
            return [*parts[0], f" {self.content} ", *parts[1]]
        return [f"{self.content} " if self.content == "not" else self.content, *parts[0]]

    @property
    def _binding(self) -> int:
        """How tightly the operation binds its arguments."""
        if self.kind not in ("arithmetic", "comparison", "logical"):
            return _NO_OPERATOR
        return _NEGATIVE if self.content == "-" and len(self.arguments) == 1 else _BINDING[self.content]

    def substitute(self, replacements: Mapping[str, Expression]) -> Expression:
        """Return the expression with the given names replaced by expressions."""
        done: dict[Expression, Expression] = {}
        for node in self._below(done):
            if node.kind == "name":
                done[node] = replacements.get(node.content, node)
            else:
                done[node] = Expression(node.kind, node.content, tuple(done[argument] for argument in node.arguments))
        return done[self]

    def is_integer(self, integer_names: set[str]) -> bool:
        """Return whether the result is an integer or logical, if those names hold integers."""
        if self.kind == "name":
            return self.content in integer_names
        if self.kind == "number":
            return isinstance(self.content, int)
        if self.kind == "arithmetic":
            return False
        if self.kind == "function":
            return FUNCTIONS[self.content].integer or FUNCTIONS[self.content].logical
        return True

    def evaluate(
        self,
        arrays: Callable[[str], Array],
        dtype: DTypeLike = np.float32,
        cache: dict[Expression, Array] | None = None,
    ) -> Array:
        """Return the value: an array, or a scalar where no name is read.

        Args:
            arrays: gives the array of a name.
            dtype: precision of arithmetic.
            cache: results of nodes met before with the same arrays; shared between the expressions of a block.
        """
        cache = {} if cache is None else cache
        for node in self._below(cache):
            cache[node] = node._computed([cache[argument] for argument in node.arguments], arrays, np.dtype(dtype))
        return cache[self]

    def _computed(self, values: list[Array], arrays: Callable[[str], Array], dtype: np.dtype) -> Array:
        if self.kind == "name":
            return arrays(self.content)
        if self.kind == "number":
            return np.asarray(self.content)
        if self.kind == "comparison":
            return _COMPARISONS[self.content](*(value.astype(np.float64) for value in values))
        if self.kind == "logical":
            return _LOGICAL[self.content](*(value != 0 for value in values))
        if self.kind == "function":
            function = FUNCTIONS[self.content]
            return function.compute(*(values if function.integer else (value.astype(dtype) for value in values)))
        converted = [value.astype(dtype) for value in values]
        return np.negative(*converted) if len(converted) == 1 else _ARITHMETIC[self.content](*converted)
